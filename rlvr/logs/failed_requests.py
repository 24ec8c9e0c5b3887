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
_LIMIT = re.compile(r"[\d.]+")  # a timeout of 60 is a setting
_LONGEST = 300  # characters of an error message; a longer text is an output


def failing_fields(record: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the fields of a record that may state that its request failed."""
    return tuple(name for name in record if name in _ERRORS | _ENDINGS)


def request_failed(record: Mapping[str, Any], fields: Iterable[str], outputs: Iterable[str]) -> bool:
    """Whether a record states an error, or has an output that is empty or an error message.

    An error beside an output is one of the answer, as of code that failed its tests.

    Examples
    --------
    >>> request_failed({"finish_reason": "error"}, ["finish_reason"], [])
    True
    >>> request_failed({"output": "the error is 2"}, [], ["output"])
    False
    """
    stated = [record[name] for name in outputs if name in record]
    text = (
        None
        if not stated or isinstance(stated[0], list)
        else text_of("" if stated[0] is None else stated[0]).strip()
    )
    answered = text is not None and bool(text) and (len(text) > _LONGEST or not _MESSAGE.match(text))
    for name in fields:
        value = record[name]
        word = "" if not value else text_of(value).strip().lower()
        if name in _ENDINGS:
            if word in _FAILURES:
                return True
        elif not answered and word not in _NOTHING and not _LIMIT.fullmatch(word):
            return True
    return text is not None and not answered
