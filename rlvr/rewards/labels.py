"""Read the answer from a label of a data set, by the rules for a completion's answer."""

from __future__ import annotations

import re
from decimal import Decimal
from numbers import Integral, Real
from typing import Any, NamedTuple

from rlvr.rewards.answer_reading import MOST_READ, boxed, canonical, last_answer
from rlvr.rewards.reply_parts import final_part
from rlvr.rewards.signs import unmarked
from rlvr.rewards.trainer_columns import as_list, shown

__all__ = ["UNREADABLE", "LabelReading", "read_label"]

_TOO_LONG = f"a text of more than {MOST_READ:,} characters"
UNREADABLE = ("missing", "not a finite number", "an empty box", "a text without an answer", _TOO_LONG)
"""Results of reading a label without an answer; such a label cannot judge any answer."""

_COMMAND = re.compile(r"\\[a-zA-Z]+|\{[^{}]*\}|\$[^$\n]*\$")
_WORD = re.compile(r"[^\W\d_]{2,}")
_FEW_WORDS, _NAME_LENGTH = 3, 60
_NESTED = 100  # the most nested lists around one label


class LabelReading(NamedTuple):
    """The answer in a label, and the part of the label that holds it."""

    answer: str | None
    """The text of the answer; None if there is none."""
    how: str
    """The part that was read, one of "a number", "a text", "a box", "the last number of a text", or one of
    `UNREADABLE`."""


def read_label(label: Any, where: str = "a label") -> LabelReading:
    r"""Read a label: a bare answer, or a worked solution that ends in one.

    Parameters
    ----------
    label : str, int, float or None
        Also any other real number, or a list, array or tensor of one of these.
    where : str
        The name of the label in an error message.

    Raises
    ------
    TypeError
        If the label is something else: several answers, a truth value or a record.

    Examples
    --------
    >>> read_label("He sells 72.\n#### 72"), read_label(0.5)
    (LabelReading(answer='72', how='a box'), LabelReading(answer='0.5', how='a number'))
    >>> read_label(r"\frac{\pi}{2}").how, read_label("So there are 5 of them.").answer
    ('a text', '5')
    """
    for _ in range(_NESTED):
        label = as_list(label)
        if not isinstance(label, (list, tuple)) or len(label) != 1:
            break
        label = label[0]
    if label is None:
        return LabelReading(None, "missing")
    if isinstance(label, (Real, Decimal)) and not isinstance(label, bool):
        if canonical(label) is None:
            return LabelReading(None, "not a finite number")
        try:
            return LabelReading(str(int(label) if isinstance(label, Integral) else label), "a number")
        except ValueError:  # thousands of digits
            return LabelReading(None, "a text without an answer")
    if not isinstance(label, str):
        raise TypeError(
            f"{where} must be a text or a number (or a list of one), got {shown(label)} of type "
            f"{type(label).__name__}; write the one right answer as text"
        )
    return _read_text(label)


def _read_text(label: str) -> LabelReading:
    if len(label) > MOST_READ:
        return LabelReading(None, _TOO_LONG)
    if canonical(label) is None:
        return LabelReading(None, "missing")
    label = final_part(label)
    if not label.strip():
        return LabelReading(None, "a text without an answer")
    found = boxed(label)
    if found is not None:
        return (
            LabelReading(unmarked(found), "a box")
            if canonical(found) is not None
            else LabelReading(None, "an empty box")
        )
    bare = unmarked(label)
    if not isinstance(canonical(bare), str):
        return LabelReading(bare.strip(), "a number")
    words = _WORD.findall(_COMMAND.sub(" ", label[:2000]))
    if len(words) < _FEW_WORDS and "\n" not in label.strip() and len(label) <= 2000:
        return LabelReading(label.strip(), "a text")
    number = last_answer(label)
    if number is not None:
        return LabelReading(number, "the last number of a text")
    if len(label) <= _NAME_LENGTH:
        return LabelReading(label.strip(), "a text")
    return LabelReading(None, "a text without an answer")
