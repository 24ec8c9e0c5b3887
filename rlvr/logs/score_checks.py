r"""Whether a logged score says right or wrong, where the model's output and the truth lie beside it.

A trainer may validate with the reward of the arm that it trains. RANDOM's "accuracy" is then its coin,
MAJORITY's its own vote, and a reward with a part for format counts as a part of a right answer. So each score
is held against a plain reading: the last boxed answer or number of the output, equal to the truth or not. The
reading is no verifier. It knows numbers and texts alike to the letter, and where it cannot tell it says
nothing.
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

__all__ = ["Reading", "ScoreCheck", "TooLong", "check_scores", "plain_reading"]

_MARKS = (r"\boxed", "####", "<answer>", "inal answer")
_NUMBER = re.compile(r"-?\d+(?:,\d{3})*(?:\.\d+)?(?:/\d+)?")
MOST_DIFFERING = 0.01
"""The fraction of lines that may contradict the plain reading before a score is refused as an accuracy."""


class TooLong(ValueError):
    """An output with more characters than any model writes, whose reading would take minutes."""

    def __init__(self, text: str) -> None:
        super().__init__(
            f"an output of {len(text):,} characters, of which at most {MOST_READ:,} are accepted; name the "
            "field of the output (--field output=NAME) if this is another, or cut it"
        )


class Reading(NamedTuple):
    """What the plain reading makes of an output."""

    right: bool | None = None
    """None where it cannot tell."""
    sure: bool = False
    """Whether no verifier can differ."""
    answered: bool = True
    """Whether there is an answer."""


_UNREAD, _UNANSWERED = Reading(), Reading(answered=False)


def plain_reading(output: Any, truth: Any, scores: Iterable[Any] = (1,)) -> Reading:
    r"""Whether an output's answer is the truth.

    Parameters
    ----------
    output : str, list of chat messages, or anything else
        What the model wrote. What is no text has no reading.
    truth : str, number, or a list with one of them
    scores : iterable
        What it was paid. Where a wrong answer was never paid 1, the reading is not sure, since nobody asks.

    Raises
    ------
    TooLong
        If the output is too long to be read in time.

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
    """Whether an output says which part of it is its answer."""
    return any([mark in text for mark in _MARKS]) or text.strip() == answer


def _form(answer: str) -> Hashable:
    """An answer as it is compared; many outputs share the short ones."""
    return _short_form(answer) if len(answer) <= _SHORT else canonical(answer)


_SHORT = 60
_short_form = lru_cache(2**14)(canonical)


@lru_cache(4096)
def _known(truth: Any) -> Hashable:
    """A truth in the form in which answers are compared; several samples of an item share it."""
    return canonical(read_label(truth).answer)


@dataclass(frozen=True)
class ScoreCheck:
    """How the scores of a metric agree with the plain reading, counted over answers.

    ``compared`` of them could be read; of these ``paid`` are scored right though the answer surely is not
    the truth, ``unpaid`` scored wrong though it surely is, and ``unsure`` differ in a way that a verifier's
    rules may explain. ``read_right`` of the compared are right by the reading, ``scored`` is the sum of their
    scores.
    """

    compared: int = 0
    paid: int = 0
    unpaid: int = 0
    unsure: int = 0
    read_right: int = 0
    scored: float = 0.0

    @property
    def contradicts(self) -> bool:
        """Whether so many lines differ from the reading that the score is no accuracy."""
        return self.paid + self.unpaid > MOST_DIFFERING * self.compared

    @property
    def echoes(self) -> bool:
        """Whether the truth seems to be the output's own answer, since none is paid that differs."""
        agrees = self.paid <= MOST_DIFFERING * self.compared and self.read_right >= 0.9 * self.compared
        return self.contradicts and agrees

    def text(self, metric: str) -> str:
        """What was found, empty if nothing differs."""
        differing = self.paid + self.unpaid + self.unsure
        if not differing:
            return ""
        parts = (
            (self.paid, "scored right with another answer than the truth"),
            (self.unpaid, "scored wrong with the truth as the answer"),
            (self.unsure, "that a stricter or more lenient rule may explain"),
        )
        return (
            f"{metric} and a plain reading of output against truth differ in {differing} of {self.compared} "
            f"answers ({'; '.join(f'{n} {what}' for n, what in parts if n)}): "
            f"{100 * self.scored / self.compared:.1f} by {metric}, "
            f"{100 * self.read_right / self.compared:.1f} by the reading"
        )


def check_scores(scores: Iterable[Any], readings: Iterable[Reading]) -> ScoreCheck:
    """Count how scores agree with readings, answer by answer; what is unread or no number is not compared."""
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
