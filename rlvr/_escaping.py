"""Escape text from users, so that every output shows it as text.

A name in a table or log may hold characters that a terminal, a page, a Markdown viewer or a JSON reader would
act on. Each function here escapes them for one kind of output.
"""

from __future__ import annotations

import json
import math
import re
import sys
from collections.abc import Mapping
from typing import Any

__all__ = ["html_text", "json_text", "markdown", "visible"]

# C0 and C1 controls, marks of writing direction, invisible characters, halves of a surrogate pair. The
# two joiners (200C, 200D) stay, since words and emoji are spelled with them.
_UNSEEN = (
    "\x00-\x1f\x7f-\x9f\xad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f"
    "\ud800-\udfff\ufeff\ufff9-\ufffb\ufffe\uffff\U000e0000-\U000e0fff"
)
_UNSEEN_MARK = re.compile(f"[{_UNSEEN}]")
_NOT_ASCII_UNSEEN = re.compile(f"[{_UNSEEN.removeprefix(chr(0) + '-' + chr(31))}]")
_BREAK = re.compile("[\t\n\v\f\r\x85\u2028\u2029]+")
_MARKED = {**{mark: f"&#{ord(mark)};" for mark in "&<[]\\`@"}, **{mark: f"\\{mark}" for mark in "|*~$"}}
_MARKDOWN = re.compile(
    r"""[&<\[\]\\`@|*~$]
    | (?<=:)/(?=/) | (?<=www)\.     # a bare address becomes a link
    | (?<![^\W_])_ | _(?![^\W_])    # within a word it is no emphasis
    | ^[-#+=:>] | ^\d+(?=[.)])      # a heading, a list, a fence""",
    re.VERBOSE | re.IGNORECASE,
)


def visible(text: str) -> str:
    r"""`text` on one line, with a code in place of each control or invisible character.

    Examples
    --------
    >>> print(visible("a\x1b[31m\u202eb\nc"))
    a\x1b[31m\u202eb c
    """
    if text.isascii() and text.isprintable():  # most text takes this path, at a tenth of the time
        return text
    return _UNSEEN_MARK.sub(lambda mark: _code(mark[0]), _BREAK.sub(" ", text))


def _code(mark: str) -> str:
    number = ord(mark)
    if 0xDC80 <= number <= 0xDCFF:  # a byte of a file name that is not UTF-8
        number -= 0xDC00
    return (
        f"\\x{number:02x}"
        if number < 0x100
        else f"\\u{number:04x}"
        if number < 0x10000
        else f"\\U{number:08x}"
    )


_HTML = {
    ord(mark): f"&{code};" for mark, code in zip("&<>\"'", ("amp", "lt", "gt", "#34", "#39"), strict=True)
}
_HTML_MARK = re.compile("[&<>\"']")


def html_text(value: object) -> object:
    r"""Escape a text for HTML, in attributes too; a value that is not text is returned unchanged.

    Examples
    --------
    >>> print(html_text("<b title='a&b'>\x1b"))
    &lt;b title=&#39;a&amp;b&#39;&gt;\x1b
    """
    if not isinstance(value, str):
        return value
    text = visible(value)
    return text.translate(_HTML) if _HTML_MARK.search(text) else text


def markdown(text: str) -> str:
    r"""Escape `text` for a line or table cell of Markdown: no HTML, link, emphasis or line break remains.

    Examples
    --------
    >>> print(markdown("[x](javascript:y) <b> a|b"))
    &#91;x&#93;(javascript:y) &lt;b> a\|b
    """
    return _MARKDOWN.sub(_marked, visible(text).strip())


def _marked(found: re.Match[str]) -> str:
    mark = found[0]
    if mark[0].isdigit():
        return f"&#{ord(mark[0])};{mark[1:]}"
    return {"&": "&amp;", "<": "&lt;", ">": "&gt;"}.get(mark) or _MARKED.get(mark) or f"&#{ord(mark)};"


def json_text(value: Any) -> str:
    r"""Write `value` as JSON for any reader: null for NaN and infinity, codes for invisible characters.

    Examples
    --------
    >>> import numpy as np
    >>> print(json_text({"a": [float("nan"), np.float64(0.5)], "b": "é\x9b"}))
    {
      "a": [
        null,
        0.5
      ],
      "b": "é\u009b"
    }
    """
    import orjson

    try:
        numbers = orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_INDENT_2
        text = orjson.dumps(value, default=_plain, option=numbers).decode()
    except orjson.JSONEncodeError:  # half of a surrogate pair, a large whole number, a key that is not text
        text = json.dumps(_plain(value), indent=2, ensure_ascii=False, allow_nan=False)
    if text.isascii() and "\x7f" not in text:
        return text
    # In JSON such characters occur only in strings, where a code has the same meaning.
    return _NOT_ASCII_UNSEEN.sub(lambda mark: json.dumps(mark[0])[1:-1], text)


def _plain(value: Any) -> Any:
    """Convert a value to the types that JSON has."""
    numpy = sys.modules.get("numpy")  # no array exists before NumPy is loaded
    if numpy and isinstance(value, numpy.ndarray | numpy.generic):
        value = value.tolist()
    if isinstance(value, Mapping):
        return {_plain(str(key)): _plain(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(part) for part in value]
    if isinstance(value, str):
        return re.sub("[\ud800-\udfff]", lambda half: _code(half[0]), value)
    return None if isinstance(value, float) and not math.isfinite(value) else value
