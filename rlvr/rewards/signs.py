r"""Decide whether a minus before a number is its sign, as in "x = -7" and "b) -7" but not in "pages 4-7".

A minus after the mark of a list ("a)-7", "(b)-3", "1)-7") or after a relation is a sign. A minus between two
numbers is a dash. After a variable or a bracket, as in "n-7", the number is part of an expression. Where both
readings are possible, the expression is the answer, so that no wrong answer is rewarded.
"""

from __future__ import annotations

import re
from functools import lru_cache

from rlvr.rewards.plain_text import number_value, plain, tidy

__all__ = ["signed", "unmarked"]

_FAR = 60  # the characters before a number that are read
_SIGN = re.compile(
    r"(?P<sign>[-+±∓]|\+/-|\\pm|\\mp|\b(?:minus|negative)\b)(?P<gap>[ ]?)(?P<opened>[$({*_`]*)$",
    re.IGNORECASE,
)
_COPULA = re.compile(
    r"(?:(?<![^\W\d_])(?:is|are|be|was|equals?|gives?)|'s|[是为為得于於はがを])$", re.IGNORECASE
)
_CHINESE = re.compile("[\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]$")
_RELATION = re.compile(
    r"\\(?:le|ge|leq|geq|lt|gt|approx|equiv|sim|to|in|quad|item|rightarrow|Rightarrow|implies) ?$"
)
_COMMAND = re.compile(r"\\(?:[a-zA-Z]+|(?:pi|theta|alpha|beta|infty|cdot|times|div) )$")
_FACTOR = re.compile(r"[abcijknpqrtuvwxyz](?![^\W\d_])|\\(?:pi|theta|alpha|beta|sqrt|infty)")
_LABELS_IN_WORDS = re.compile(r"(?:answer|result|value|solution|total|sum)$", re.IGNORECASE)
_VARIABLE = re.compile(r"(?:(?<![^\W\d_])[^\W\d_]|(?<![^\W\d_])[a-z]{2}|[^\W\d_]_?[0-9]+)$")
_ROMAN = r"(?:i{1,3}|i?[vx]|[vx]i{1,3})"
_MARK = re.compile(
    rf"(?P<before>^|[\s:;,*_>#$|])(?:(?:[a-z]|{_ROMAN}|[0-9]{{1,2}})\.?\)|(?:[a-z]|{_ROMAN}|[0-9]{{1,2}})\]"
    rf"|[(\[{{](?:[a-j]|{_ROMAN})\.?[)\]}}])$",
    re.IGNORECASE,
)
_OPERATOR = re.compile(r"[-=+*/^]\s*$")
_NUMBERED = re.compile(r"(?:^|\n)[ ]*[(\[][0-9]{1,2}[)\]]$")
_MARKED = re.compile(
    rf"(?:=|[^\W\d_]{{2,}}[ ]?:|[a-z][ ]?:(?=[ ]?[$]?[-+])|[a-z]\."
    rf"|(?:[a-z]|{_ROMAN}|[0-9]{{1,2}})\.?[)\]](?![ ]*[-+][ ])"
    rf"|[(\[](?:[a-j]|{_ROMAN})\.?[)\]]\.?:?(?![ ]*[-+][ ]))[ ]*(?P<rest>[^()\[\]=:]+)",
    re.IGNORECASE,
)


def signed(text: str, start: int, size: str) -> str:
    """Return a number with its sign, or the expression of which it is a part.

    Parameters
    ----------
    text : str
        As :func:`rlvr.rewards.plain_text.plain` returns it.
    start : int
        Where the number begins, without its sign.
    size : str
        The number without its sign.

    Examples
    --------
    >>> [signed(text, text.index("7"), "7") for text in ("a)-7", "x = - 7", "pages 4-7", "of f(2)-7")]
    ['-7', '-7', '7', 'f(2)-7']
    """
    if factor := _FACTOR.match(text, start + len(size)):
        size += factor[0]
    before = text[max(start - _FAR, 0) : start]
    found = _SIGN.search(before)
    if found is None:
        return size
    head, sign = before[: found.start()], found["sign"]
    if sign.lower() == "negative":
        return "-" + size
    alone = text[:start].strip(" \n$") == sign and not text[start + len(size) :].strip(" \n$")
    is_sign = True if alone else _is_sign(head, sign, bool(found["gap"]) and sign in "+-")
    if is_sign is None or sign in ("±", "∓", "+/-", r"\pm", r"\mp"):
        term = re.search(r"\S*\s*$", head)
        return f"{term[0].lstrip('=<>~:') if term else ''}{sign}{found['gap']}{size}".strip()
    return "-" + size if is_sign and sign != "+" else size


def _is_sign(head: str, sign: str, spaced: bool) -> bool | None:
    """Whether a sign after `head` is that of the number; None if the number is part of an expression."""
    body = head.rstrip(" ") if spaced or sign.isalpha() else head
    if body.endswith("$") and body.rpartition("\n")[2].count("$") % 2 == 0:
        body = body[:-1]  # this dollar closes a formula
    if _COMMAND.search(body) and not _RELATION.search(body):
        return None
    if not body or body[-1].isspace():
        return not spaced
    if body[-1] in "'\"":
        body = body[:-1]
        return not (spaced or body[-1:].isalnum())
    bare = body.rstrip("*_`")
    if bare != body:
        return None if bare and (bare[-1].isalnum() or bare[-1] in ")]}") else True
    if body[-1] in ")]}":
        return _behind_bracket(body, sign, spaced)
    if _RELATION.search(body) or _COPULA.search(body):
        return True
    if body[-1] in "/+^" and (body[-2:-1].isalnum() or body[-2:-1] in (")", "}")):
        return None
    if body[-1].isalnum():
        return _behind_word(body, sign, spaced)
    if body[-1] == "-":
        return None if body.endswith("--") else False
    return body[-1] in "=<>~:,([{$" if spaced else body[-1] != "%"


def _behind_bracket(body: str, sign: str, spaced: bool) -> bool | None:
    mark = _MARK.search(body)
    is_mark = (
        mark is not None and not _opened_before(body) and not _OPERATOR.search(body, 0, mark.end("before"))
    )
    return True if (is_mark or _NUMBERED.search(body)) and not (spaced and sign == "-") else None


def _opened_before(body: str) -> bool:
    """Whether a closing bracket belongs to one opened further left, as in "(x + a)"."""
    closing = body[-1]
    opening = {")": "(", "]": "[", "}": "{"}[closing]
    return body.count(opening) >= body.count(closing) and not re.search(r"[(\[{][^()\[\]{}\s]*[)\]}]$", body)


def _behind_word(body: str, sign: str, spaced: bool) -> bool | None:
    if _VARIABLE.search(body) and not (sign.isalpha() and not re.search(r"(?<![^\W_])[^\W_]$", body)):
        return None
    if _CHINESE.search(body):
        return None
    if body[-1].isdecimal():
        return False
    return True if sign.isalpha() else None if _LABELS_IN_WORDS.search(body) and not spaced else False


def unmarked(answer: str) -> str:
    r"""Return a number without the mark before it, and any other answer unchanged.

    Examples
    --------
    >>> unmarked("a)-7"), unmarked(r"\textbf{(B)}\ 12"), unmarked("= -7"), unmarked("x:-5"), unmarked("(3)-7")
    ('-7', '12', '-7', '-5', '(3)-7')
    """
    return answer if len(answer) > _FAR else _unmarked(answer)


@lru_cache(2**14)  # many outputs share a short answer
def _unmarked(answer: str) -> str:
    if number_value(answer) is not None:
        return answer
    found = _MARKED.fullmatch(tidy(plain(answer)).strip(" $*`"))
    return answer if found is None or number_value(found["rest"]) is None else found["rest"].strip()
