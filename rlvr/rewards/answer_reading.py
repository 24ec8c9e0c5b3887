r"""From what a model wrote to the answer it gave.

A completion is a string, or a list of chat messages (dicts with ``role`` and ``content``). The default
reader takes the last ``\boxed{...}``, else the last number; a reader of your own is any function from text
to answer that returns None where it finds none.
"""

from __future__ import annotations

import re
from collections.abc import Hashable
from fractions import Fraction
from reprlib import repr as shown
from typing import Any

__all__ = ["canonical", "completion_text", "last_answer"]

_NUMBER = re.compile(r"-?\d+(?:,\d{3})*(?:\.\d+)?(?:/\d+)?")
# At most 300 digits a part: longer texts are compared as texts, so that no answer can stall the trainer.
_WHOLE_NUMBER = re.compile(r"[+-]?\d{1,300}(?:\.\d{1,300})?|[+-]?\d{1,300}/\d{1,300}")


def completion_text(completion: Any) -> str:
    """The text of one completion.

    Parameters
    ----------
    completion : str or list of dict
        A string, or chat messages; of messages, the contents of all that are not the user's, the
        system's, the developer's or a tool's, joined by line breaks. A content may be a string
        or a list of typed parts.

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
    if isinstance(content, (list, tuple)) and all(isinstance(part, dict) for part in content):
        return "".join(part.get("text") or "" for part in content)
    raise TypeError(
        f"a message's content must be a string or a list of parts with a text, got {shown(content)}"
    )


def last_answer(text: str) -> str | None:
    r"""The default reader: what stands in the last ``\boxed{...}``, else the last number, else None.

    Parameters
    ----------
    text : str

    Returns
    -------
    str or None
        Braces inside of the box may be nested; a box that is never closed, or is empty, is no answer.

    Examples
    --------
    >>> last_answer(r"so \boxed{\frac{1}{2}}, not 7"), last_answer("3 + 4 = 7."), last_answer("none")
    ('\\frac{1}{2}', '7', None)
    """
    start = text.rfind(r"\boxed{")
    if start < 0:
        numbers = _NUMBER.findall(text)
        return numbers[-1] if numbers else None
    depth, begin = 1, start + len(r"\boxed{")
    for place in range(begin, len(text)):
        depth += {"{": 1, "}": -1}.get(text[place], 0)
        if depth == 0:
            return text[begin:place].strip() or None
    return None


def canonical(answer: Any) -> Hashable:
    """The form in which two answers are compared.

    Parameters
    ----------
    answer : object
        What a reader returned, or a label.

    Returns
    -------
    hashable
        Numbers, and texts that are wholly a number (commas between thousands, a decimal point or one
        fraction stroke allowed), as a `fractions.Fraction`; other texts with their blanks at the ends and
        dollar signs around them removed; None for None, an empty text, NaN and an
        infinity; anything else as it is.

    Raises
    ------
    TypeError
        If the answer is not hashable: answers are compared and counted.

    Examples
    --------
    >>> canonical("1,000") == canonical(1000.0), canonical(" $0.5$ ") == canonical("1/2")
    (True, True)
    """
    if isinstance(answer, str):
        text = answer.strip().strip("$").strip()
        plain = re.sub(r"(?<=\d),(?=\d{3}(?!\d))", "", text)
        if _WHOLE_NUMBER.fullmatch(plain):
            return Fraction(plain) if not re.search(r"/0+$", plain) else text
        return text or None
    if isinstance(answer, (bool, type(None))):
        return answer
    if isinstance(answer, (int, float)):
        return Fraction(answer) if answer - answer == 0 else None  # NaN and infinity are no answer
    if not isinstance(answer, Hashable):
        raise TypeError(f"an answer must be hashable (a text or a number), got {shown(answer)}")
    return answer
