"""One evaluation log in memory: which answer to which item was right, by which metric."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from rlvr._checks import shortened

__all__ = ["ACCEPTED", "Answers", "Log", "LogError", "fingerprint", "parsed"]

ACCEPTED = (
    "accepted are samples_*.jsonl of lm-evaluation-harness, .eval or .json of Inspect, validation .jsonl of "
    "verl, and .jsonl with item and correct"
)
"""How a refusal ends."""


class LogError(ValueError):
    """A log that cannot be audited; the message names the file and what is accepted."""


@dataclass
class Answers:
    """By one metric: an entry an answer. ``prompts`` are hashes of what was asked, empty if not known."""

    items: list[str] = field(default_factory=list)
    prompts: list[str] = field(default_factory=list)
    values: list[Any] = field(default_factory=list)


@dataclass(frozen=True)
class Log:
    """One evaluation of one model on one benchmark.

    ``model``, ``benchmark`` and ``decoding`` are empty where the log does not say; ``step`` is verl's.
    ``decoding`` is out of :data:`rlvr.logs.decoding.DECODINGS`.
    """

    path: Path
    tool: str
    benchmark: str
    model: str
    answers: Mapping[str, Answers]
    step: str = ""
    notices: tuple[str, ...] = ()
    decoding: str = ""


def parsed(text: bytes, where: str) -> Any:
    """JSON, and the NaN that tools write although JSON has none; `where` it stands goes into a refusal."""
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        pass
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise LogError(f"{where}: not JSON ({shortened(str(error))}); {ACCEPTED}") from None


def fingerprint(text: str) -> str:
    """SHA-256 in hexadecimal digits."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
