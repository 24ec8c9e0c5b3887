"""A vote among the completions of one prompt, and the rules that settle a tie."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Sequence
from numbers import Real

from rlvr.rewards.trainer_columns import shown

__all__ = ["TIE_BREAKS", "answer_classes", "plurality"]

TIE_BREAKS = ("first", "lowest", "uniform")
"""Ways to settle a tied vote, in favour of the answer sampled first, the lowest, or one drawn by key."""


def plurality(
    answers: Sequence[Hashable], tie_break: str = "first", uniform: Callable[[], float] | None = None
) -> Hashable:
    """The most frequent answer.

    Parameters
    ----------
    answers : sequence of hashable
        In the order in which they were sampled; None did not vote.
    tie_break : {"first", "lowest", "uniform"}
        "first": the tied answer that was sampled first. "lowest": the lowest of the tied, numbers by value
        before texts by alphabet. "uniform": each tied answer with the same probability.
    uniform : function of nothing to a number in [0, 1), optional
        Asked once where a tie is to be drawn; needed by "uniform".

    Returns
    -------
    hashable
        None where nobody voted.

    Raises
    ------
    ValueError
        If `tie_break` is unknown, or a tie is to be drawn ("uniform") without `uniform`.

    Examples
    --------
    >>> plurality([3, 5, 5, 3, None]), plurality([5, 3, 5, 3], "lowest")
    (3, 3)
    """
    if tie_break not in TIE_BREAKS:
        raise ValueError(f"tie_break must be one of {', '.join(TIE_BREAKS)}, got {shown(tie_break)}")
    votes = Counter(answer for answer in answers if answer is not None)
    most = max(votes.values(), default=0)
    tied = [answer for answer, count in votes.items() if count == most]
    if len(tied) < 2 or tie_break == "first":
        return tied[0] if tied else None
    tied.sort(key=_place)
    if tie_break == "lowest":
        return tied[0]
    if uniform is None:
        raise ValueError('tie_break "uniform" needs uniform, a function that draws a number in [0, 1)')
    return tied[int(uniform() * len(tied))]


_MOST_COMPARED = 32


def answer_classes(keys: Sequence[Hashable], same: Callable[[Hashable, Hashable], bool]) -> list[Hashable]:
    """Each answer's class, where judges are neither symmetric nor transitive.

    Two answers are linked if either is the same as the other, and a class is all that is linked by a chain:
    so classes depend on no order. A group with more than 32 different answers has a class for each: comparing
    pairs would hold up the trainer.

    Parameters
    ----------
    keys : sequence of hashable
        Answers, of which equal ones are one; None did not vote.
    same : function of two keys
        Whether the first, as an answer, is the same as the second, as a label.

    Returns
    -------
    list of hashable
        For each answer the lowest key of its class, None where nobody voted.

    Examples
    --------
    >>> near = lambda a, b: a - b in (0, 1)
    >>> answer_classes([3, 7, 1, 2, None], near), answer_classes([2, 1, 3], near)
    ([1, 7, 1, 1, None], [1, 1, 1])
    """
    different = sorted({key for key in keys if key is not None}, key=_place)
    class_of = {key: key for key in different}
    if len(different) > _MOST_COMPARED:
        return list(keys)

    def lowest(key: Hashable) -> Hashable:
        while class_of[key] != key:
            key = class_of[key]
        return key

    for i, second in enumerate(different):
        for first in different[:i]:
            low, high = lowest(first), lowest(second)
            if low != high and (same(first, second) or same(second, first)):
                low, high = sorted((low, high), key=_place)
                class_of[high] = low
    return [None if key is None else lowest(key) for key in keys]


def _place(answer: Hashable) -> tuple[int, float | Real, str]:
    if isinstance(answer, Real):
        return 0, answer, ""
    return (1, 0, answer) if isinstance(answer, str) else (2, 0, repr(answer))
