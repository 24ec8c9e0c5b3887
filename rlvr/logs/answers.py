"""What every format's reader hands on: answers by metric, and what a log says of itself.

The table of formats is in :mod:`rlvr.logs.formats`; readers stand there, in :mod:`rlvr.logs.harness`,
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
"""Hexadecimal digits of a hash; among a million items, two share them once in 37 million logs."""

PACKED = (".gz", ".zst")
"""Endings of a compressed file, which stand behind those of its format."""


class LogError(ValueError):
    """A log that cannot be audited; the message names the file and what is accepted."""


class UnfinishedLog(LogError):
    """A log of an evaluation that failed or was stopped; ``evaluation`` is what a retry of it shares."""

    def __init__(self, message: str, evaluation: str = "") -> None:
        super().__init__(message)
        self.evaluation = evaluation


@dataclass
class Answers:
    """By one metric: an entry an answer. ``prompts`` are hashes of what was asked, empty if not known."""

    items: list[str] = field(default_factory=list)
    prompts: list[str] = field(default_factory=list)
    values: list[Any] = field(default_factory=list)

    def add(self, item: str, prompt: str, value: Any) -> None:
        """One more answer."""
        self.items.append(item)
        self.prompts.append(prompt)
        self.values.append(value)


@dataclass(frozen=True)
class Counts:
    """Answers of a file: how many it holds, how many of them failed before they could be scored.

    What else is not among a metric's values was not scored.
    """

    read: int = 0
    errored: int = 0


class OwnResult(NamedTuple):
    """What the tool itself says of a metric."""

    value: float
    """Its accuracy, in [0, 1]."""
    where: str
    """What says it."""
    why: str
    """Why it may be another than that of the answers in the log."""


@dataclass(frozen=True)
class Log:
    """One evaluation of one model on one benchmark, by each metric; words are empty where the log is silent.

    Values of ``answers`` are as logged, with letters and words of a grade as numbers. ``step`` is where in
    training the evaluation stands, ``decoding`` is out of :data:`rlvr.logs.decoding.DECODINGS`, ``run`` tells
    a run from others in its folder where ``model`` does not, and ``tool`` is that of the row of
    :data:`rlvr.logs.formats.FORMATS`. Logs that share ``pool`` hold samples of one evaluation.

    ``reread`` holds what a plain reading of output and truth makes of the answers, and ``checks`` how each
    metric agrees with it, where both stand in the file. ``repeated`` counts answers that repeat another to
    the letter, in a file where all do. ``graded`` says that a value is one sample's score,
    which is right or wrong unless it is a reward. ``outputs`` is a digest of what the model wrote, whatever
    the order of the lines, empty where it says too little to tell two evaluations apart. ``truths`` are the
    right answers of items, ``clusters`` the questions that items are variants of, ``own`` what the tool
    itself says of each metric; ``evaluation`` is what a retry shares with the evaluation that failed.
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


class Format(NamedTuple):
    """A tool's logs, and the two functions that know what they look like."""

    tool: str
    """The tool that writes them."""
    files: str
    """How a refusal names its files."""
    recognises: Callable[[Path, Mapping[str, Any] | None], bool]
    """Whether a file is one of them, given its path and its first record, which is None where a file is no
    list of records (``.eval`` or any zip, one JSON object)."""
    read: Callable[[Path, Iterable[dict[str, Any]]], Log | Sequence[Log]]
    """The log of a file, or one a benchmark, given its path and all its records."""


def fingerprint(text: str) -> str:
    """A hash of a text that may hold half a character."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def bare_name(path: Path) -> str:
    """A file's name without its ending and that of its compression.

    Examples
    --------
    >>> bare_name(Path("out/samples_sums_v1.2.jsonl.gz")), bare_name(Path("a.json"))
    ('samples_sums_v1.2', 'a')
    """
    return path.with_suffix("").stem if path.suffix in PACKED else path.stem


def text_of(value: Any) -> str:
    """A text as it is, anything else as JSON that depends on no order of keys."""
    if isinstance(value, str):
        return value
    try:
        return orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()
    except TypeError:  # half a character, or a whole number of more than 64 bits
        return json.dumps(value, sort_keys=True, default=str)


def mapping(value: Any) -> dict[str, Any]:
    """The value if it is a mapping; else an empty one, since a log may leave anything out."""
    return value if isinstance(value, dict) else {}


def output_hash(output: Any) -> int | None:
    """A hash of what a model wrote, to be compared in one process; None where that is not known."""
    return None if output is None else hash(output if isinstance(output, str) else text_of(output))


def outputs_digest(items: Iterable[str], texts: Sequence[int | None], values: Iterable[Any]) -> str:
    """What a model wrote and its scores, in one number, whatever the order of the answers.

    Empty where fewer than half of the outputs are worded in a way of their own, or fewer than four: letters
    of a choice are alike in two evaluations by chance, sentences are not. An output of None is not known.
    """
    known = {*texts}
    known.discard(None)
    if len(known) < max(4, (len(texts) - texts.count(None)) / 2):
        return ""
    comparable = [value if value == value else None for value in values]  # no two NaN have one hash
    answers = zip(items, texts, comparable, strict=True)
    try:
        return f"{sum(map(hash, answers))}"
    except TypeError:  # a value that is a list
        return f"{sum(map(hash, zip(items, texts, map(str, comparable), strict=True)))}"


def temperature_of(settings: Mapping[str, Any]) -> float | None:
    """The temperature, where it is a number that can be one."""
    stated = settings.get("temperature")
    if isinstance(stated, str):
        try:
            stated = float(stated)
        except ValueError:
            return None
    number = stated if isinstance(stated, (int, float)) and not isinstance(stated, bool) else math.nan
    return float(min(number, 1e9)) if 0 <= number < math.inf else None  # NaN is no temperature either


def decoding_of(settings: Mapping[str, Any]) -> str:
    """From temperature, top_k and do_sample; empty where they are silent or contradict each other."""
    temperature, sample = temperature_of(settings), settings.get("do_sample")
    if temperature == 0 or settings.get("top_k") == 1:
        return "greedy"
    if sample is False:  # with a temperature above 0, one backend of the harness samples and another does not
        return "greedy" if temperature is None else ""
    return "sampled" if sample is True or temperature else ""
