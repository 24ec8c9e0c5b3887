r"""From what a model wrote to the answer it gave.

A completion is a string, or a list of chat messages (dicts with ``role`` and ``content``). The default
reader takes the last ``\boxed{...}`` or what follows the last ``####``, else the last number; a reader of
your own is any function from text to answer that returns None where it finds none.
"""

from __future__ import annotations

import re
from collections.abc import Hashable
from decimal import Decimal
from fractions import Fraction
from numbers import Integral, Rational, Real
from typing import Any

from rlvr.rewards.plain_text import joined, number_value, numbers_from_end, plain, tidy
from rlvr.rewards.signs import signed, unmarked
from rlvr.rewards.trainer_columns import shown

__all__ = ["MOST_READ", "boxed", "canonical", "completion_text", "last_answer"]

MOST_READ = 2**22
"""Characters of a completion that are read, more than a million tokens; of a longer one the end is."""

_LONGEST = 2000  # characters: a longer answer is compared as it is
_END = 10_000  # characters of a long text that are read first
_MARK = "####"
_BOX = re.compile(r"\\(?:boxed|fbox)\s*")
_BRACE = re.compile(r"\\.|[{}]", re.DOTALL)
_NUMBER_AT_END = re.compile(  # as most texts end that give a number: no sign, no formula, nothing joined
    r"[ ][a-z]*:?(?<!minus)(?<!negative)(?<! of)(?<=[a-z]{2}|[a-z]:)[ ]"
    r"([0-9]{1,15}(?:\.[0-9]{1,15})?)\.?[ \n]*\Z"
)
_MATH = re.compile(r"\\[a-zA-Z]|[\^_]")
_RAISED = re.compile(r"(?:\^|[^\W_]_|[)}\]]_)\{?$")  # before an exponent or a subscript
_PART = re.compile(  # inside of a root, a function, a power or a hexadecimal number
    r"(?:\\(?:sqrt|overline|bar|dot|binom|frac)\{?|\}\{|[\w)\]]\*\*|\b0[xX][0-9a-fA-F]*|[0-9] [eE]"
    r"|(?:sqrt|cbrt|log|ln|exp|sin|cos|tan|abs|floor|ceil)[0-9_]*\()$"
)
_INSIDE = re.compile(r"(?:[-+*/0-9.,;^_= ]|\\[a-z]+|\b[a-z]\b)*")
_ALGEBRA = re.compile(r"[0-9] ?[a-z]\b|\b[a-z] ?[-+*/]|[-+*/] ?[a-z]\b")
_TWO_LETTERS = re.compile(r"[a-zA-Z]{2}")
_EQUAL = re.compile(r"=|\\approx|\\equiv")


def completion_text(completion: Any) -> str:
    """The text of one completion.

    Parameters
    ----------
    completion : str or list of dict
        A string, or chat messages; of messages, the contents of all that are not the user's, the
        system's, the developer's or a tool's, joined by line breaks. A content may be a string
        or a list of typed parts, of which those without a text are left out.

    Raises
    ------
    TypeError
        If it is neither.

    Examples
    --------
    >>> completion_text([{"role": "assistant", "content": "It is 12."}])
    'It is 12.'
    """
    if isinstance(completion, str):
        return completion
    if isinstance(completion, (list, tuple)) and all(
        isinstance(message, dict) and "content" in message for message in completion
    ):
        spoken = [
            message["content"]
            for message in completion
            if message.get("role") not in ("user", "system", "developer", "tool")
        ]
        return "\n".join(_content(content) for content in spoken if content is not None)
    raise TypeError(f"a completion must be a string or a list of chat messages, got {shown(completion)}")


def _content(content: Any) -> str:
    if isinstance(content, str):
        return content
    if isinstance(content, (list, tuple)):
        texts = [part.get("text") if isinstance(part, dict) else part for part in content]
        return "".join(_part(text) for text in texts)
    raise TypeError(
        f"a message's content must be a string or a list of parts with a text, got {shown(content)}"
    )


def _part(text: Any) -> str:
    if isinstance(text, (int, float)) and not isinstance(text, bool):
        return shown(text)
    return text if isinstance(text, str) else ""


def boxed(text: str) -> str | None:
    r"""What stands in the last ``\boxed{...}`` or ``\fbox{...}``, or else follows the last ``####``.

    Returns
    -------
    str or None
        None if neither is there. Empty if the last of them holds nothing, or is a box that is never closed.

    Examples
    --------
    >>> boxed(r"so \boxed{\frac{1}{2}}, not 7"), boxed("3 * 24 = 72 #### 72"), boxed("12")
    ('\\frac{1}{2}', '72', None)
    """
    start, mark = max(text.rfind(r"\boxed"), text.rfind(r"\fbox")), text.rfind(_MARK)
    if start < 0 and mark < 0:
        return None
    if mark > start:
        return text[mark + len(_MARK) :].lstrip().partition("\n")[0].strip()
    opening = _BOX.match(text, start)
    assert opening is not None
    begin = opening.end()
    if text[begin : begin + 1] != "{":
        found = re.match(r"[^\s$]*", text[begin : begin + _LONGEST])
        return found[0].rstrip(".,;") if found else ""
    inside = text[begin + 1 : max(text.find("}", begin), begin)]
    if inside and "{" not in inside and "\\" not in inside:
        return inside.strip()
    depth = 0
    for brace in _BRACE.finditer(text, begin):
        depth += {"{": 1, "}": -1}.get(brace[0], 0)
        if depth == 0:
            return text[begin + 1 : brace.start()].strip()
    return ""


def last_answer(text: str) -> str | None:
    r"""The default reader: the last box or what follows the last ``####``, else the last number, else None.

    Parameters
    ----------
    text : str

    Returns
    -------
    str or None
        Braces inside of the box may be nested; a box that is never closed, or is empty, is no answer. A
        number keeps its sign, its exponent and its fraction; a minus between two numbers, an exponent and a
        subscript are not part of an answer. Where the last number is part of a formula between dollars, the
        answer is what the formula has behind its last sign of equality.

    Examples
    --------
    >>> last_answer(r"so \boxed{\frac{1}{2}}, not 7"), last_answer("3 + 4 = 7."), last_answer("none")
    ('\\frac{1}{2}', '7', None)
    >>> last_answer("pages 4-7"), last_answer("x = −5"), last_answer("2.5e-3"), last_answer("3 1/2 cups")
    ('7', '-5', '2.5e-3', '3 1/2')
    """
    found = boxed(text)
    if found is not None:
        return unmarked(found) or None
    if (
        (number := _NUMBER_AT_END.search(text, max(len(text) - 60, 0)))
        and "\\" not in text
        and "$" not in text
    ):
        return number[1]
    end = _last_number(text[-_END:], after=_END // 2) if len(text) > 2 * _END else None
    return end or _last_number(text)


def _last_number(text: str, after: int = 0) -> str | None:
    text = joined(tidy(plain(text)))
    for number in numbers_from_end(text, 50):
        if _RAISED.search(text, max(number.start() - 3, 0), number.start()):
            continue
        if number.start() < after:
            return None
        start = number.start("size")
        if _PART.search(text, max(start - 12, 0), start):  # of a root or the like
            return _word(text, start)
        return _formula(text, number.start()) or _listed(text, number) or signed(text, start, number["size"])
    return None


def _listed(text: str, number: re.Match[str]) -> str | None:
    """The whole bracket where a number is one of several in it: a point, an interval, a set."""
    before = text[max(number.start() - 200, 0) : number.start()]
    opening = max(before.rfind(sign) for sign in "([{")
    inside = _INSIDE.match(text, number.end(), number.end() + 200)
    if opening < 0 or inside is None or not _INSIDE.fullmatch(before[opening + 1 :]):
        return None
    end = inside.end() + text.startswith("\\", inside.end())
    parts = before[opening + 1 :] + inside[0]
    if text[end : end + 1] not in (")", "]", "}") or not ("," in parts or ";" in parts):
        return None
    named = re.search(r"(?:\\|[a-zA-Z]*)$", before[:opening])
    begin = number.start() - len(before) + (named.start() if named else opening)
    return text[begin : end + 1]


def _word(text: str, place: int) -> str | None:
    """All that stands around a place without a blank."""
    begin = max(place - _LONGEST, 0)
    start = begin + len(text[begin:place]) - len(re.split(r"[\s$]", text[begin:place])[-1])
    return re.split(r"[\s$]", text[start : start + _LONGEST], maxsplit=1)[0].rstrip(".,;:!?") or None


def _formula(text: str, place: int) -> str | None:
    """What the formula around a place has behind its last sign of equality; None outside of formulas."""
    line = text.rfind("\n", 0, place) + 1
    begin, end = max(line, place - _LONGEST), text.find("\n", place)
    before, after = text[begin:place], text[place : end if 0 <= end < place + _LONGEST else place + _LONGEST]
    for opening, closing in (("$", "$"), (r"\(", r"\)"), (r"\[", r"\]")):
        inside = before.count("$") % 2 if opening == "$" else before.rfind(opening) > before.rfind(closing)
        if inside and closing in after:
            formula = before[before.rfind(opening) + len(opening) :] + after[: after.index(closing)]
            value = _EQUAL.split(formula)[-1].strip()
            if _MATH.search(formula) or (_ALGEBRA.search(value) and not _TWO_LETTERS.search(value)):
                return value or None
    return None


def canonical(answer: Any) -> Hashable:
    r"""The form in which two answers are compared.

    Parameters
    ----------
    answer : object
        What a reader returned, or a label.

    Returns
    -------
    hashable
        Numbers, and texts that are wholly a number, as a `fractions.Fraction`: decimals with commas or thin
        spaces between thousands, exponents, fractions and mixed numbers, as text or in LaTeX, with a unit or
        a percent sign left out. Other texts without LaTeX's spaces and fonts; words in small letters. None
        for None, an empty text, NaN and an infinity; anything else as it is.

    Raises
    ------
    TypeError
        If the answer is not hashable: answers are compared and counted.

    Examples
    --------
    >>> canonical("1,000") == canonical(1000.0), canonical(" $0.5$ ") == canonical(r"\dfrac12")
    (True, True)
    >>> canonical(r"\text{Blue}"), canonical("(C)"), canonical("x + 1")
    ('blue', 'C', 'x+1')
    """
    if isinstance(answer, str):
        if len(answer) > _LONGEST:
            return answer.strip() or None
        value = number_value(answer)
        return _text_form(answer) if value is None else value
    if isinstance(answer, (bool, type(None))):
        return answer
    if isinstance(answer, Decimal):  # as text, whose exponents are bounded
        return canonical(format(answer, "e")) if answer.is_finite() else None
    if isinstance(answer, Real):
        if answer - answer != 0:
            return None  # NaN and infinity are no answer
        if isinstance(answer, float):  # 0.1 is a tenth
            return Fraction(repr(float(answer)))
        if isinstance(answer, Integral):
            return Fraction(int(answer))
        return Fraction(answer if isinstance(answer, Rational) else float(answer))
    if not isinstance(answer, Hashable):
        raise TypeError(f"an answer must be hashable (a text or a number), got {shown(answer)}")
    return answer


_WORDS = re.compile(r"[^\W\d_]+(?:[ '-][^\W\d_]+)*")
_LETTER = re.compile(r"\(?([A-Za-z])\)?\.?")


def _text_form(answer: str) -> str | None:
    text = " ".join(tidy(plain(answer)).replace("$", "").strip(" *`\"'").split())
    text = text[:-1].rstrip() if text.endswith((".", ",", ";")) else text
    letter = _LETTER.fullmatch(text)
    if letter:
        return letter[1]
    if _WORDS.fullmatch(text):
        return text.casefold() if len(text) > 1 else text
    return re.sub(r"([_^])\{(\w)\}", r"\1\2", text.replace(" ", "")) or None
