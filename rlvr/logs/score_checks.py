r"""Check whether logged scores mean right or wrong, where a log holds outputs and truths as well.

A trainer may validate with the reward of the arm that it trains. The "accuracy" of RANDOM is then its coin,
that of MAJORITY its own vote, and a reward for format counts as part of a right answer. Each score is
therefore compared with a plain reading: whether the last boxed answer or number of the output equals the
truth. The plain reading is not a verifier: it compares numbers by value, texts exactly, and leaves any other
answer undecided.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import Any, NamedTuple

from rlvr.rewards.answer_reading import MOST_READ, canonical, completion_text, last_answer
from rlvr.rewards.labels import read_label

__all__ = ["Reading", "ScoreCheck", "TooLong", "check_scores", "plain_reading", "same_truth"]

_MARKS = (r"\boxed", "####", "<answer>", "inal answer")
_NUMBER = re.compile(r"-?\d+(?:,\d{3})*(?:\.\d+)?(?:/\d+)?")
MOST_DIFFERING = 0.01
"""The largest fraction of answers in which an accuracy may contradict the plain reading."""


class TooLong(ValueError):
    """An output has more characters than any model writes; its reading would take minutes."""

    def __init__(self, text: str) -> None:
        super().__init__(
            f"an output of {len(text):,} characters; at most {MOST_READ:,} are accepted. If this field is "
            "not the output, name the output's field (--field output=NAME); otherwise cut the text"
        )


class Reading(NamedTuple):
    """The result of reading one output plainly."""

    right: bool | None = None
    """Whether the answer equals the truth; None if undecided."""
    sure: bool = False
    """Whether every verifier must agree."""
    answered: bool = True
    """Whether the output holds an answer."""


_UNREAD, _UNANSWERED = Reading(), Reading(answered=False)


def plain_reading(output: Any, truth: Any, scores: Iterable[Any] = (1,)) -> Reading:
    r"""Decide whether the answer in an output equals the truth.

    Parameters
    ----------
    output : str, list of chat messages, or anything else
        What the model wrote; only text is read.
    truth : str, number, or a list with one of them
    scores : iterable
        Rewards of the output. If none is 1, `sure` of a wrong answer is not computed and stays False.

    Raises
    ------
    TooLong
        If the output is too long to be read in seconds.

    Examples
    --------
    >>> [plain_reading(text, "4").right for text in (r"so \boxed{4}", r"so \boxed{5}", "so four")]
    [True, False, None]
    """
    if isinstance(truth, (list, tuple)) and len(truth) == 1:
        (truth,) = truth
    if not isinstance(truth, (str, int, float)) or isinstance(truth, bool):
        return _UNREAD
    try:
        text = completion_text(output)
        if len(text) > MOST_READ:
            raise TooLong(text)
        answer = last_answer(text)
        known, given = _known(truth), _form(answer) if answer else None
    except TooLong:
        raise
    except (TypeError, ValueError, ArithmeticError):
        return _UNREAD
    if known is None:
        return _UNREAD
    if given is None:
        return _UNANSWERED
    if given == known:
        return Reading(True, _is_marked(text, answer))
    if not (isinstance(given, Fraction) and isinstance(known, Fraction)):
        return _UNREAD
    if 1 not in scores:
        return Reading(False)
    stands_elsewhere = not _is_marked(text, answer) and known in map(_form, _NUMBER.findall(text))
    return Reading(False, not stands_elsewhere)


def _is_marked(text: str, answer: str | None) -> bool:
    """Whether an output marks its answer."""
    return any([mark in text for mark in _MARKS]) or text.strip() == answer


def _form(answer: str) -> Hashable:
    """Return an answer in the form that is compared; short answers recur in many outputs and are cached."""
    return _short_form(answer) if len(answer) <= _SHORT else canonical(answer)


def same_truth(one: str, other: str) -> bool:
    """Whether two texts state one right answer, such as 0 and 0.0."""
    return one.strip() == other.strip() or _form(one) == _form(other) is not None


_SHORT = 60
_short_form = lru_cache(2**14)(canonical)


@lru_cache(4096)
def _known(truth: Any) -> Hashable:
    """Return a truth in the form that is compared; the samples of an item share it."""
    return canonical(read_label(truth).answer)


@dataclass(frozen=True)
class ScoreCheck:
    """Counts of answers on which the scores of a metric agree or disagree with the plain reading.

    ``compared`` counts the answers that could be read. Of these, ``paid`` are scored right although the
    answer certainly differs from the truth, and ``unpaid`` are scored wrong although the answer certainly is
    the truth; ``unsure`` differ in a way that the rules of a verifier may explain. ``read_right`` counts the
    compared answers that the reading finds right; ``scored`` is the sum of their scores.
    """

    compared: int = 0
    paid: int = 0
    unpaid: int = 0
    unsure: int = 0
    read_right: int = 0
    scored: float = 0.0

    @property
    def contradicts(self) -> bool:
        """Whether so many scores differ from the reading that the score is not an accuracy."""
        return self.paid + self.unpaid > MOST_DIFFERING * self.compared

    @property
    def echoes(self) -> bool:
        """Whether the truth seems to be the answer of the output, since no other answer is scored right."""
        agrees = self.paid <= MOST_DIFFERING * self.compared and self.read_right >= 0.9 * self.compared
        return self.contradicts and agrees

    def text(self, metric: str) -> str:
        """Describe the differences; empty if there are none."""
        differing = self.paid + self.unpaid + self.unsure
        if not differing:
            return ""
        parts = (
            (self.paid, "scored right although the answer is not the truth"),
            (self.unpaid, "scored wrong although the answer is the truth"),
            (self.unsure, "that a stricter or more lenient rule may explain"),
        )
        return (
            f"{metric} and a plain reading of output against truth differ in {differing} of {self.compared} "
            f"answers ({'; '.join(f'{n} {what}' for n, what in parts if n)}): "
            f"{100 * self.scored / self.compared:.1f}% right by {metric}, "
            f"{100 * self.read_right / self.compared:.1f}% by the reading"
        )


def check_scores(scores: Iterable[Any], readings: Iterable[Reading]) -> ScoreCheck:
    """Compare scores with readings, answer by answer; skip unread answers and scores that are not numbers."""
    counts: Counter[str] = Counter()
    scored = 0.0
    for score, (right, sure, _) in zip(scores, readings, strict=True):
        if right is None or not isinstance(score, (bool, int, float)) or score != score:
            continue
        counts["compared"] += 1
        counts["read_right"] += right
        scored += min(max(score, 0), 1)
        if right != (score == 1):
            counts["unsure" if not sure else "unpaid" if right else "paid"] += 1
    return ScoreCheck(**counts, scored=scored)
