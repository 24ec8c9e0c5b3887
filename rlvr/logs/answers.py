"""The common form of every log: answers by metric, and facts about the log.

The table of formats is in :mod:`rlvr.logs.formats`. The readers are there and in :mod:`rlvr.logs.harness`,
:mod:`rlvr.logs.records` and :mod:`rlvr.logs.tool_records`.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from rlvr.logs.score_checks import ScoreCheck

__all__ = [
    "PACKED", "SHORT", "Answers", "Counts", "Format", "Log", "LogError", "OwnResult", "UnfinishedLog",
    "bare_name", "decoding_of", "fingerprint", "mapping", "output_hash", "outputs_digest", "temperature_of",
    "text_of",
]  # fmt: skip

SHORT = 16
"""Hexadecimal digits kept of a hash; among a million items, two collide in one of 37 million logs."""

PACKED = (".gz", ".zst")
"""Endings of compressed files; they follow the ending of the format."""


class LogError(ValueError):
    """A log cannot be audited; the message names the file and what is accepted."""


class UnfinishedLog(LogError):
    """An evaluation failed or was stopped; its retry has the same ``evaluation``."""

    def __init__(self, message: str, evaluation: str = "") -> None:
        super().__init__(message)
        self.evaluation = evaluation


@dataclass
class Answers:
    """The answers under one metric, one entry each; ``prompts`` are hashes, empty where not known."""

    items: list[str] = field(default_factory=list)
    prompts: list[str] = field(default_factory=list)
    values: list[Any] = field(default_factory=list)

    def add(self, item: str, prompt: str, value: Any) -> None:
        """Append one answer."""
        self.items.append(item)
        self.prompts.append(prompt)
        self.values.append(value)


@dataclass(frozen=True)
class Counts:
    """How many answers a file holds, and how many of them failed before scoring.

    Any other answer that is missing from a metric's values was not scored.
    """

    read: int = 0
    errored: int = 0


class OwnResult(NamedTuple):
    """The accuracy that the tool itself states for a metric."""

    value: float
    """The accuracy, in [0, 1]."""
    where: str
    """The source that states the accuracy."""
    why: str
    """Why the stated accuracy may differ from that of the logged answers."""


@dataclass(frozen=True)
class Log:
    """One evaluation of one model on one benchmark; texts are empty where the log states nothing.

    ``answers`` holds the values of each metric as logged, with grades in letters or words turned into
    numbers. ``step`` is the training step; ``decoding`` is one of :data:`rlvr.logs.decoding.DECODINGS`.
    ``run`` separates the runs of one folder where ``model`` does not. ``tool`` names the row of
    :data:`rlvr.logs.formats.FORMATS`. Logs with the same ``pool`` hold samples of one evaluation.

    Where the file holds outputs and truths, ``reread`` holds the outcomes of a plain reading, and ``checks``
    compares each metric with them. ``repeated`` counts exact copies in a file where every answer has copies.
    ``graded`` marks values that are the score of one sample: right or wrong, or a reward. ``outputs`` is a
    digest of the outputs, independent of their order, or empty where they cannot distinguish evaluations.
    ``truths`` holds the right answer of each item, ``clusters`` the question of which it is a variant, and
    ``own`` the results that the tool itself states. ``joint`` holds the number of answers that one value of a
    metric judges together, if several, and ``settings`` what the log states of its evaluation. A failed
    evaluation and its retry have the same ``evaluation``.
    """

    path: Path
    benchmark: str
    model: str
    answers: Mapping[str, Answers]
    step: str = ""
    notices: tuple[str, ...] = ()
    decoding: str = ""
    run: str = ""
    tool: str = ""
    pool: str = ""
    counts: Counts = Counts()
    repeated: int = 0
    graded: bool = False
    reread: Answers | None = None
    checks: Mapping[str, ScoreCheck] = field(default_factory=dict)
    outputs: str = ""
    truths: Mapping[str, str] = field(default_factory=dict)
    clusters: Mapping[str, str] = field(default_factory=dict)
    own: Mapping[str, tuple[OwnResult, ...]] = field(default_factory=dict)
    temperature: float | None = None
    evaluation: str = ""
    joint: Mapping[str, int] = field(default_factory=dict)
    settings: Mapping[str, str] = field(default_factory=dict)


class Format(NamedTuple):
    """A format of logs, with the two functions that recognise and read its files."""

    tool: str
    """The tool that writes the files."""
    files: str
    """The name of these files in an error message."""
    recognises: Callable[[Path, Mapping[str, Any] | None], bool]
    """Whether a file has this format, from its path and its first record. The record is None for a file that
    is not a list of records (``.eval`` or any zip, one JSON object)."""
    read: Callable[[Path, Iterable[dict[str, Any]]], Log | Sequence[Log]]
    """The log of a file, or one log per benchmark, from its path and all its records."""


def fingerprint(text: str) -> str:
    """Hash a text, which may contain unpaired surrogates."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def bare_name(path: Path) -> str:
    """Return a file's name without its ending and without that of its compression.

    Examples
    --------
    >>> bare_name(Path("out/samples_sums_v1.2.jsonl.gz")), bare_name(Path("a.json"))
    ('samples_sums_v1.2', 'a')
    """
    return path.with_suffix("").stem if path.suffix in PACKED else path.stem


def text_of(value: Any) -> str:
    """Return a text unchanged, and anything else as JSON with sorted keys."""
    if isinstance(value, str):
        return value
    try:
        return orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()
    except TypeError:  # an unpaired surrogate, or a whole number of more than 64 bits
        return json.dumps(value, sort_keys=True, default=str)


def mapping(value: Any) -> dict[str, Any]:
    """Return the value if it is a dict, else an empty dict: a log may omit anything."""
    return value if isinstance(value, dict) else {}


def output_hash(output: Any) -> int | None:
    """Hash an output, for comparison within this process; None if the output is not known."""
    return None if output is None else hash(output if isinstance(output, str) else text_of(output))


def outputs_digest(items: Iterable[str], texts: Sequence[int | None], values: Iterable[Any]) -> str:
    """Digest the outputs and scores of a log, independent of the order of its answers.

    Empty if fewer than half of the known outputs, or fewer than four, are distinct: two evaluations share
    letters of a choice by chance, but not sentences. An output of None is not known.
    """
    known = {*texts}
    known.discard(None)
    if len(known) < max(4, (len(texts) - texts.count(None)) / 2):
        return ""
    comparable = [value if value == value else None for value in values]  # two NaN have different hashes
    answers = zip(items, texts, comparable, strict=True)
    try:
        return f"{sum(map(hash, answers))}"
    except TypeError:  # a value that is a list
        return f"{sum(map(hash, zip(items, texts, map(str, comparable), strict=True)))}"


def temperature_of(settings: Mapping[str, Any]) -> float | None:
    """Return the sampling temperature; None unless the settings state a finite number of at least 0."""
    stated = settings.get("temperature")
    if isinstance(stated, str):
        try:
            stated = float(stated)
        except ValueError:
            return None
    number = stated if isinstance(stated, (int, float)) and not isinstance(stated, bool) else math.nan
    return float(min(number, 1e9)) if 0 <= number < math.inf else None  # excludes NaN too


def decoding_of(settings: Mapping[str, Any]) -> str:
    """Infer the decoding from temperature, top_k and do_sample; empty if they are absent or disagree."""
    temperature, sample = temperature_of(settings), settings.get("do_sample")
    if temperature == 0 or settings.get("top_k") == 1:
        return "greedy"
    if sample is False:  # with a temperature above 0, some backends of the harness sample, others do not
        return "greedy" if temperature is None else ""
    return "sampled" if sample is True or temperature else ""
