"""Recognise records of requests that failed, which a script may have scored as wrong answers."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from rlvr.logs.answers import text_of

__all__ = ["failing_fields", "request_failed"]

_ERRORS = frozenset((
    "error", "errors", "err", "exception", "traceback", "error_message", "error_msg", "error_type",
    "api_error", "is_error", "has_error", "failed", "timed_out", "timeout", "request_failed",
))  # fmt: skip
_ENDINGS = frozenset(("status", "finish_reason", "stop_reason"))
_FAILURES = frozenset(("error", "failed", "failure", "timeout", "timed_out", "exception", "aborted"))
_NOTHING = frozenset(("", "none", "null", "false", "no", "ok", "0"))
_MESSAGE = re.compile(r"[\W_]*(api[\W_]*)?(error|exception|timeout)(?![a-z])", re.IGNORECASE)
_LONGEST = 300  # characters of an error message; a longer text is an output


def failing_fields(record: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the fields of a record that may state that its request failed."""
    return tuple(name for name in record if name in _ERRORS | _ENDINGS)


def request_failed(record: Mapping[str, Any], fields: Iterable[str], outputs: Iterable[str]) -> bool:
    """Whether a record states an error, or has an output that is empty or an error message.

    Examples
    --------
    >>> request_failed({"finish_reason": "error"}, ["finish_reason"], [])
    True
    >>> request_failed({"output": "the error is 2"}, [], ["output"])
    False
    """
    for name in fields:
        value = record[name]
        text = "" if not value else text_of(value).strip().lower()
        if text in _FAILURES if name in _ENDINGS else text not in _NOTHING:
            return True
    stated = [record[name] for name in outputs if name in record]
    if not stated or isinstance(stated[0], list):
        return False
    text = "" if stated[0] is None else text_of(stated[0])
    return not text.strip() or (len(text) <= _LONGEST and _MESSAGE.match(text) is not None)
