"""A vote among the completions of one prompt, and the rules that settle a tie."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Sequence
from numbers import Real
from reprlib import repr as shown

__all__ = ["TIE_BREAKS", "plurality"]

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
    tied = [answer for answer, count in votes.items() if count == max(votes.values())]
    if len(tied) < 2 or tie_break == "first":
        return tied[0] if tied else None
    tied.sort(key=_place)
    if tie_break == "lowest":
        return tied[0]
    if uniform is None:
        raise ValueError('tie_break "uniform" needs uniform, a function that draws a number in [0, 1)')
    return tied[int(uniform() * len(tied))]


def _place(answer: Hashable) -> tuple[int, float | Real, str]:
    if isinstance(answer, Real):
        return 0, answer, ""
    return (1, 0, answer) if isinstance(answer, str) else (2, 0, repr(answer))
