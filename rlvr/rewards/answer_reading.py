r"""Read the answer from the text that a model wrote.

A completion is a string, or a list of chat messages (dicts with ``role`` and ``content``). The default
reader takes the last ``\boxed{...}`` or the text after the last ``####``, else the number after "The answer
is", else the last number. What a model only thinks, in ``<think>`` or a similar tag, is not read. Any
function from a text to an answer, or to None if there is no answer, can replace the default reader.

A comma separates thousands and never decimals, a point decimals and never thousands: "3,5" and "1.234,5" are
no numbers, and equal only a label that is written so. "1,234" is 1234.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Hashable
from decimal import Decimal
from fractions import Fraction
from numbers import Integral, Rational, Real
from typing import Any

from rlvr.rewards.number_contexts import GIVEN, is_step, whole_answer
from rlvr.rewards.plain_text import joined, number_value, numbers_from_end, plain, tidy
from rlvr.rewards.reply_parts import final_part, stated_answer
from rlvr.rewards.signs import signed, unmarked
from rlvr.rewards.trainer_columns import shown

__all__ = ["MOST_READ", "boxed", "canonical", "completion_text", "last_answer", "last_choice"]

MOST_READ = 2**22
"""The most characters of a completion that are read, over a million tokens; of a longer one, its end."""

_LONGEST = 2000  # characters: a longer answer is compared unchanged
_END = 10_000  # characters of a long text that are read first
_MARK = "####"
_MARKED = re.compile(r"####+([^\n]*)")
_BETWEEN_BOXES = re.compile(
    r"\}[\s$]*(?:,|;|\b(?:and|or)\b|,[ ](?:and|or)\b|\\text\{ ?(?:and|or) ?\})[\s$]*(?:[a-z][ ]?=[ ]?)?\Z"
)
_SPOKEN = frozenset(("content", "tool_calls", "function_call"))
_MODEL = ("assistant", "model")
_OTHERS = ("user", "system", "developer", "tool", "function", "ipython", "observation", "environment")
_UNSPOKEN = ("thinking", "reasoning", "tool_use", "tool_result", "tool_call")
_BOX = re.compile(r"\\(?:boxed|fbox)\s*")
_BRACE = re.compile(r"\\.|[{}]", re.DOTALL)
_NUMBER_AT_END = re.compile(  # the commonest end of a text: a number without sign or formula
    r"[ ][a-z]*:?(?<!minus)(?<!negative)(?<! (?:of|or|to|et))(?<! (?:and|not|mod|und|pas))"
    r"(?<! (?:hour|step|feet))(?<!nicht)(?<=[a-z]{2}|[a-z]:)[ ]"
    r"([0-9]{1,15}(?:\.[0-9]{1,15})?)\.?[ \n]*\Z"
)
_MATH = re.compile(r"\\[a-zA-Z]|[\^_]")
_RAISED = re.compile(r"(?:\^|[^\W_]_|[)}\]]_)\{?$")  # before an exponent or a subscript
_PART = re.compile(  # inside a root, a function, a power or a hexadecimal number
    r"(?:\\(?:sqrt|overline|bar|dot|binom|frac)\{?|\}\{|[\w)\]]\*\*|\b0[xX][0-9a-fA-F]*|[0-9] [eE]"
    r"|(?:sqrt|cbrt|log|ln|exp|sin|cos|tan|abs|floor|ceil)[0-9_]*\()$"
)
_INSIDE = re.compile(r"(?:[-+*/0-9.,;^_= ]|\\[a-z]+|\b[a-z]\b)*")
_ALGEBRA = re.compile(r"[0-9] ?[a-z]\b|\b[a-z] ?[-+*/]|[-+*/] ?[a-z]\b")
_TWO_LETTERS = re.compile(r"[a-zA-Z]{2}")
_SEVERAL = re.compile(r"=.*(?:\b(?:or|and)\b|[,;]).*=")
_EQUAL = re.compile(r"=|\\approx|\\equiv")


def completion_text(completion: Any) -> str:
    """Return the text of one completion.

    Parameters
    ----------
    completion : str or list of dict
        A string, one chat message or several. The contents of the model's messages are joined by line
        breaks: of those whose role is assistant or model, or of those without a role, or else of those that
        are not by the user, the system, the developer or a tool. A message may have no content, as where a
        model calls a tool. A content is a string or a list of typed parts, of which those without a text are
        left out.

    Raises
    ------
    TypeError
        If the completion is neither.

    Examples
    --------
    >>> completion_text([{"role": "assistant", "content": "It is 12."}])
    'It is 12.'
    """
    if isinstance(completion, str):
        return completion
    messages = [completion] if isinstance(completion, dict) else completion
    if isinstance(messages, (list, tuple)) and all(
        isinstance(message, dict) and not _SPOKEN.isdisjoint(message) for message in messages
    ):
        roles = [str(message.get("role") or "assistant").lower() for message in messages]
        by_model = [role in _MODEL for role in roles]
        if not any(by_model):
            by_model = [role not in _OTHERS for role in roles]
        spoken = [message.get("content") for message, own in zip(messages, by_model, strict=True) if own]
        return "\n".join(_content(content) for content in spoken if content is not None)
    raise TypeError(f"a completion must be a string or a list of chat messages, got {shown(completion)}")


def _content(content: Any) -> str:
    if isinstance(content, str):
        return content
    if isinstance(content, (list, tuple)):
        texts = [
            (None if part.get("type") in _UNSPOKEN else part.get("text")) if isinstance(part, dict) else part
            for part in content
        ]
        return "".join(_part(text) for text in texts)
    raise TypeError(
        f"a message's content must be a string or a list of parts with a text, got {shown(content)}"
    )


def _part(text: Any) -> str:
    if isinstance(text, (int, float)) and not isinstance(text, bool):
        return shown(text)
    return text if isinstance(text, str) else ""


def boxed(text: str) -> str | None:
    r"""Return the content of the last ``\boxed{...}`` or ``\fbox{...}``, or what follows the last ``####``.

    Returns
    -------
    str or None
        None if the text has neither mark. Empty if the last mark has no content or its box is never closed.

    Examples
    --------
    >>> boxed(r"so \boxed{\frac{1}{2}}, not 7"), boxed("3 * 24 = 72 #### 72"), boxed("12")
    ('\\frac{1}{2}', '72', None)
    """
    start = max(text.rfind(r"\boxed"), text.rfind(r"\fbox"))
    if _MARK in text and (marked := _behind_mark(text, start)) is not None:
        return marked
    if start < 0:
        return None
    own, _ = _box(text, start)
    return own if not own else ", ".join([*_boxes_before(text, start), own])


def _behind_mark(text: str, after: int) -> str | None:
    """Return what follows the last ``####`` behind a place, unless it is the heading of further text."""
    marks = deque(_MARKED.finditer(text, max(after, 0)), maxlen=50)
    for mark in reversed(marks):
        line = mark[1].strip(" #\r\t").rpartition(_MARK)[2].strip()
        if not text[mark.end() :].strip() or not line or number_value(unmarked(line)) is not None:
            return line
    return None


def _boxes_before(text: str, start: int) -> list[str]:
    """Return the boxes that form one list with the box at a place, as two roots with "or" between them."""
    found: list[str] = []
    while len(found) < 20 and (gap := _BETWEEN_BOXES.search(text, max(start - 40, 0), start)):
        opening = max(
            text.rfind(box, max(start - _LONGEST, 0), gap.start() + 1) for box in (r"\boxed", r"\fbox")
        )
        content, end = _box(text, opening) if opening >= 0 else ("", -1)
        if not content or end != gap.start() + 1:
            break
        found.insert(0, content)
        start = opening
    return found


def _box(text: str, start: int) -> tuple[str, int]:
    """Return the content of the box at a place, empty if it is never closed, and where the box ends."""
    opening = _BOX.match(text, start)
    assert opening is not None
    begin = opening.end()
    if text[begin : begin + 1] != "{":
        found = re.match(r"[^\s$]*", text[begin : begin + _LONGEST])
        return (found[0].rstrip(".,;"), begin + found.end()) if found else ("", begin)
    closing = text.find("}", begin)
    inside = text[begin + 1 : max(closing, begin)]
    if inside and "{" not in inside and "\\" not in inside:
        return inside.strip(), closing + 1
    depth = 0
    for brace in _BRACE.finditer(text, begin):
        depth += {"{": 1, "}": -1}.get(brace[0], 0)
        if depth == 0:
            return text[begin + 1 : brace.start()].strip(), brace.end()
    return "", len(text)


def last_answer(text: str) -> str | None:
    r"""Read the last box or the text after the last ``####``, else the last number; None without an answer.

    Parameters
    ----------
    text : str

    Returns
    -------
    str or None
        Only the part that :func:`~rlvr.rewards.reply_parts.final_part` returns is read. Braces inside a box
        may be nested; an empty or unclosed box is not an answer. Boxes with only "and", "or" or a comma
        between them are one answer. A number keeps its sign, exponent and fraction, but a minus between two
        numbers is not a sign. Numbers in exponents and subscripts of a formula are skipped. If the last
        number is inside a formula between dollars, the answer is what follows the last sign of equality
        there. A number that is only a part, as in "2 or 3" or "x > 3", is returned with the rest; see
        :mod:`rlvr.rewards.number_contexts`.

    Examples
    --------
    >>> last_answer(r"so \boxed{\frac{1}{2}}, not 7"), last_answer("3 + 4 = 7."), last_answer("none")
    ('\\frac{1}{2}', '7', None)
    >>> last_answer("pages 4-7"), last_answer("x = −5"), last_answer("2.5e-3"), last_answer("3 1/2 cups")
    ('7', '-5', '2.5e-3', '3 1/2')
    """
    text = final_part(text)
    found = boxed(text)
    if found is not None:
        return unmarked(found) or None
    text = stated_answer(text[-_END:]) or text
    if (
        (number := _NUMBER_AT_END.search(text, max(len(text) - 60, 0)))
        and "\\" not in text
        and "$" not in text
    ):
        return number[1]
    end = _last_number(text[-_END:], after=_END // 2) if len(text) > 2 * _END else None
    return end or _last_number(text)


_CHOICE = re.compile(  # "The answer is (C).", "Answer: **B**"; a capital A that begins a word is none
    r"\b[Aa](?:nswer|NSWER)\W+(?:(?:is|option|choice|letter|would|be)\W+)*([A-H])(?![\w'’])"
    r"(?!(?<=A) (?!because|since|as\b|and\b|but\b)[a-z])"
)
_ALONE = re.compile(r"\W*([A-H])(?:\W*|[.):]\s.*)", re.DOTALL)


def last_choice(text: str) -> str | None:
    r"""Read the letter of a choice from A to H: the last box, else after the last "answer is", else alone.

    For data sets whose labels are letters, as in ``with_options(true_reward, read=last_choice)``; numbers are
    not read. None without a letter.

    Parameters
    ----------
    text : str

    Examples
    --------
    >>> last_choice("A is wrong, so the correct answer is (C)."), last_choice(r"so \boxed{\text{B}}")
    ('C', 'B')
    >>> last_choice("D) 12 apples"), last_choice("The answer is A lot of water"), last_choice("12")
    ('D', None, None)
    """
    text = final_part(text)
    found = boxed(text)
    if found is None:
        marked = _CHOICE.findall(text)
        alone = None if marked else _ALONE.fullmatch(text.strip())
        return marked[-1] if marked else alone[1] if alone else None
    letter = _ALONE.fullmatch(str(canonical(found)))
    return letter[1] if letter else None


def _last_number(text: str, after: int = 0) -> str | None:
    text = joined(tidy(plain(text)))
    for number in numbers_from_end(text, 50):
        if _RAISED.search(text, max(number.start() - 3, 0), number.start()):
            continue
        if number.start() < after:
            return None
        start = number.start("size")
        if is_step(text, start, number.end()):
            continue
        if _PART.search(text, max(start - 12, 0), start):  # inside a root or a function
            return _word(text, start)
        return (
            _formula(text, number.start())
            or _listed(text, number)
            or whole_answer(text, start, number.end())
            or signed(text, start, number["size"])
        )
    return None


def _listed(text: str, number: re.Match[str]) -> str | None:
    """Return the whole bracket if a number is one of several in it: a point, an interval or a set."""
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
    """Return the text around a place, up to the next blanks."""
    begin = max(place - _LONGEST, 0)
    start = begin + len(text[begin:place]) - len(re.split(r"[\s$]", text[begin:place])[-1])
    return re.split(r"[\s$]", text[start : start + _LONGEST], maxsplit=1)[0].rstrip(".,;:!?") or None


def _formula(text: str, place: int) -> str | None:
    """Return what follows the last sign of equality in the formula around a place; None outside formulas."""
    line = text.rfind("\n", 0, place) + 1
    begin, end = max(line, place - _LONGEST), text.find("\n", place)
    before, after = text[begin:place], text[place : end if 0 <= end < place + _LONGEST else place + _LONGEST]
    for opening, closing in (("$", "$"), (r"\(", r"\)"), (r"\[", r"\]")):
        inside = before.count("$") % 2 if opening == "$" else before.rfind(opening) > before.rfind(closing)
        if inside and closing in after:
            outside, _, inner = before.rpartition(opening)
            formula = inner + after[: after.index(closing)]
            several = _SEVERAL.search(formula) and not GIVEN.search(outside)
            value = (formula if several else _EQUAL.split(formula)[-1]).strip()
            if _MATH.search(formula) or (_ALGEBRA.search(value) and not _TWO_LETTERS.search(value)):
                return value or None
    return None


def canonical(answer: Any) -> Hashable:
    r"""Return the form in which answers are compared.

    Parameters
    ----------
    answer : object
        The result of a reader, or a label.

    Returns
    -------
    hashable
        A `fractions.Fraction` for a number or a text that is wholly a number: a decimal with or without
        separators of thousands, an exponent, a fraction or a mixed number, plain or in LaTeX, without its
        unit or percent sign. Any other text loses LaTeX's spaces and fonts, and words become lower case.
        None for None, an empty text, NaN and infinity; any other object unchanged.

    Raises
    ------
    TypeError
        If the answer is not hashable; votes count equal answers.

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
    if isinstance(answer, Decimal):  # converted as a text, which bounds the exponent
        return canonical(format(answer, "e")) if answer.is_finite() else None
    if isinstance(answer, Real):
        if answer - answer != 0:
            return None  # NaN or infinity
        if isinstance(answer, float):  # read by its shortest text, so that 0.1 is one tenth
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
