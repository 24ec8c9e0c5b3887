"""The vote among the completions of one prompt, and the rules for ties."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Sequence
from numbers import Real

from rlvr.rewards.trainer_columns import shown

__all__ = ["TIE_BREAKS", "answer_classes", "plurality"]

TIE_BREAKS = ("first", "lowest", "uniform")
"""Rules for a tied vote, which choose the answer sampled first, the lowest answer, or one drawn by key."""


def plurality(
    answers: Sequence[Hashable], tie_break: str = "first", uniform: Callable[[], float] | None = None
) -> Hashable:
    """Return the most frequent answer.

    Parameters
    ----------
    answers : sequence of hashable
        In the order of sampling; None does not vote.
    tie_break : {"first", "lowest", "uniform"}
        "first": the tied answer that was sampled first. "lowest": the lowest tied answer, with numbers by
        value before texts by alphabet. "uniform": each tied answer with the same probability.
    uniform : function without arguments to a number in [0, 1), optional
        Called once for a tie under "uniform", which needs it.

    Returns
    -------
    hashable
        None if no answer votes.

    Raises
    ------
    ValueError
        If `tie_break` is unknown, or a tie under "uniform" has no function `uniform`.

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
        raise ValueError('tie_break "uniform" needs uniform, a function that returns a number in [0, 1)')
    return tied[int(uniform() * len(tied))]


_MOST_COMPARED = 32


def answer_classes(keys: Sequence[Hashable], same: Callable[[Hashable, Hashable], bool]) -> list[Hashable]:
    """Return the class of each answer under a judge that may be neither symmetric nor transitive.

    Two answers are linked if the judge finds either equal to the other. A class holds all answers that a
    chain of links connects, so classes do not depend on the order. In a group with more than 32 different
    answers, each answer is a class of its own, because comparing all pairs would stall the trainer.

    Parameters
    ----------
    keys : sequence of hashable
        Keys of the answers; None does not vote.
    same : function of two keys
        Whether the first, as an answer, equals the second, as a label.

    Returns
    -------
    list of hashable
        For each answer the lowest key of its class; None for a completion that does not vote.

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
