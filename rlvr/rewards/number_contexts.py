r"""Recognise a number that is only a part of the answer: of a list, an inequality, a length in two units.

Paid as a number, such an answer would be right for labels that it does not equal. It is compared as a text.
"""

from __future__ import annotations

import re

from rlvr.rewards.plain_text import number_value

__all__ = ["GIVEN", "is_step", "whole_answer"]

_FAR = 80  # the characters before a number that are read
_SIZE = r"[0-9]++(?:[.,/][0-9]++)*+"
_WHOLE = (  # not the end of a term
    r"(?<![a-zA-Z0-9.,/*+^])(?<![-/*+×][ ])(?<!times[ ])(?<!plus[ ])(?<!minus[ ])(?<![a-z]by[ ])(?<![ ]by[ ])"
)
_VALUE = rf"{_WHOLE}(?<!\$)-?(?:\$-?{_SIZE}\$|{_SIZE})"  # no price: "$5 and $7" are two
_NAME = r"(?<![0-9][ ])\\?\b[a-zA-Z](?:_\{?\w\}?)?[ ]?=[ ]?"
_NAMED = rf"\$?{_NAME}-?{_SIZE}\$?"
_BETWEEN = r"(?:(?:or|and|to|oder|und|et|ou|y|o|または|或)[ ]+|(?:or|and) *)"
_LIST = re.compile(
    rf"(?:(?:{_NAMED}|{_VALUE}),?[ ]*)+{_BETWEEN}[-$]*$|(?:{_NAMED},?[ ]*)+{_BETWEEN}\$?{_NAME}[-$]*$"
    rf"|{_WHOLE}\$?{_SIZE} or [-$]*$"
    rf"|(?:(?:^|[=:∈]|\b(?:is|are|be))[ ]*\$?){_VALUE},[ ]+(?:{_VALUE},[ ]+)*[-$]*$"
    rf"|{_NAME}-?{_SIZE}\$?[,;][ ]*\$?{_NAME}[-$]*$",
    re.IGNORECASE,
)
GIVEN = re.compile(r"\b(?:with|when|for|if|where|because|at|since|given|letting|taking)[ $]*$", re.IGNORECASE)
"""Words before a condition, as in "with T = 8, x = 4", whose number is no part of the answer."""

_RELATION = re.compile(
    r"(?:(?<![</a-zA-Z_])[^\s$=<>\"'/0-9-][^\s$=<>\"'/-]*[ ]?(?:[<>]=?|[≤≥≠]|!=)"
    r"|(?:\b[a-zA-Z][ ]?)?\\(?:neq?|leq?|geq?|lt|gt|le|ge)(?![a-z]))[ ]*[-$]*$"
)
_NEGATED = re.compile(r"\b(?:not|n't|nicht|pas|mod|modulo)[ ](?:\([A-J]\)[ ])?[-$]*$", re.IGNORECASE)
_SMALLER_UNIT = re.compile(
    r"[0-9][ ]?(?:weeks?|days?|hours?|hrs?|h|minutes?|mins?|years?|months?|miles?|yards?|feet|foot|ft|'"
    r"|pounds?|lbs?|stone|dollars?|euros?|gallons?|quarts?|degrees?),?[ ]?(?:and[ ])?$",
    re.IGNORECASE,
)
_WORD_AFTER = re.compile(r"[ ]?(?:[^\W\d_]{2}|\$)")
_UNIT_AFTER = re.compile(
    r"[ ]?(?:weeks?|days?|hours?|hrs?|minutes?|mins?|seconds?|secs?|months?|yards?|yds?|feet|foot|ft"
    r"|inch(?:es)?|in(?![ ]\w)|pounds?|lbs?|ounces?|oz|cents?|pence|penny|pennies|quarts?|pints?|cups?)\b",
    re.IGNORECASE,
)
_GLUED = re.compile(
    r"[0-9][a-zA-Z]{1,3}$|[0-9]\.\($|-\(-$|\b0[bBoO][0-9a-fA-F]*$|[\w)\]][ ]?(?:÷|\\div)[ ]?$"
    r"|(?<![a-zA-Z])[a-zA-Z)\]][ ]?/[ ]?$|[0-9][ ]:[ ]$|(?:\\times|[x*])[ ]{0,2}10[ ]$"
)
_SPACED = re.compile(r"(?<![0-9.,/-])[0-9]{1,3}(?:[ ][0-9]{3})*[ ]$")
_THREE_DIGITS = re.compile(r"[0-9]{3}(?![0-9/:])")
_AFTER = re.compile(  # a scale, a base, more digits
    r"[kKMBT]\b|[ ]?(?:bn|mn|mio|mrd|lakhs?|crores?|mil)\b|[ ]?(?:[万萬億亿兆百]|千(?![米克瓦]))|_\{?[0-9]"
    r"|[xXbBoO][0-9a-fA-F]+\b|[\u0300-\u036f]|[ ]?[-+*/^][ ]?(?:[a-z]\b|\\[a-z]+|\([a-z0-9])"
)
_ABSOLUTE = re.compile(r"^[^|]*?(-?\|-?)$")
_ENDLESS = re.compile(r"\.\.|…")
_STEP = re.compile(r"(?:^|\n)[ ]*(?:[-*>#]+[ ]+|\*\*)*$")
_MARK_OF_STEP = re.compile(r"[.)][ ]+[*_]*[^\W\d_]")


def is_step(text: str, start: int, end: int) -> bool:
    """Whether a number only numbers a step, an entry of a list or a source, as in "2. Done" or "so 5 [1]"."""
    before = text[max(start - 12, 0) : start]
    return (
        (_STEP.search(before) is not None and _MARK_OF_STEP.match(text, end) is not None)
        or re.search(r"\bstep $", before, re.IGNORECASE) is not None
        or (
            re.search(r"[0-9][.*)]*[ ]?\[\^?$|^\[\^$|[^0-9]\[\^$", before) is not None
            and text[end : end + 1] == "]"
        )
    )


def _are_equal(listed: str) -> bool:
    """Whether a list only states one number in several ways, as 6/3 or 2."""
    values = set()
    for number in re.finditer(rf"(-?\.?{_SIZE})(%?)", listed):
        value = number_value(number[1])
        values.add(value if value is None or not number[2] else value / 100)
    return len(values) == 1 and None not in values


def whole_answer(text: str, start: int, end: int) -> str | None:
    """Return the text of which the number between two places is only a part; None if it stands alone.

    Parameters
    ----------
    text : str
        As :func:`rlvr.rewards.plain_text.plain` returns it.
    start, end : int
        Of the number without its sign.

    Examples
    --------
    >>> def whole(text): return whole_answer(text, text.rindex("3"), len(text))
    >>> whole("x = 2 or 3"), whole("x > 3"), whole("it is 1 hour 3"), whole("of 2, so it is 3")
    ('x = 2 or 3', 'x > 3', '1 hour 3', None)
    """
    before = text[max(start - _FAR, 0) : start].rpartition("\n")[2]
    for pattern in (_LIST, _RELATION, _NEGATED, _SMALLER_UNIT, _GLUED):
        if found := pattern.search(before):
            listed = before[found.start() :] + text[start : end + 1]
            if pattern is _LIST and (GIVEN.search(before[: found.start()]) or _are_equal(listed)):
                continue
            if pattern is _SMALLER_UNIT and not _is_smaller(text, found[0], end):
                continue
            begin = before.rfind(" ", 0, found.start()) + 1 if pattern is _GLUED else found.start()
            return before[begin:].lstrip(" =:$") + text[start:end]
    if (found := _SPACED.search(before)) and _THREE_DIGITS.match(text, start):
        return found[0] + text[start:end]
    if text[end : end + 1] == "|" and (found := _ABSOLUTE.search(before)):
        return found[0] + text[start : end + 1]
    size = text[start:end]
    if (after := _AFTER.match(text, end)) or ("." in size and (after := _ENDLESS.match(text, end))):
        return size + after[0]
    if re.search(r"[0-9]-$", before) and re.fullmatch(r"[0-9]{1,3}/[0-9]{1,3}", size):
        return before[-3:] + size  # a mixed number, as 3-1/2
    return None


def _is_smaller(text: str, larger: str, end: int) -> bool:
    """Whether a number behind a length is in a smaller unit: "2 hours 5", not "2 hours, 5 pages"."""
    if _UNIT_AFTER.match(text, end):
        return True
    return "," not in larger and _WORD_AFTER.match(text, end) is None
