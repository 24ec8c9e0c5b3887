"""Evaluation logs, file by file: which answer to which item was right, by which metric.

Each format is one row of :data:`FORMATS`: its tool, its files, whether it recognises a file, and its reader.
A new format is one function and one row.

* lm-evaluation-harness, ``samples_<task>_<time>.jsonl``: one line an item *and filter*, each with one or
  several metrics, named ``metric,filter`` as in the harness's own results. Items go by ``doc_hash``.
* Inspect, ``.eval`` (a zip whose members are Zstandard) and ``.json``: epochs are samples of an item,
  scorers are metrics. Items go by the sample's id.
* verl, validation generations: ``input, output, score, step``. There is no item id, so an item is the hash
  of its input, and lines with the same input are samples of it.
* plain JSON lines of ``item, correct``, and ``decoding`` where it is known; lines with the same item are
  samples of it.

How answers were decoded stands in the harness's ``arguments`` and in Inspect's settings; verl does not say.
"""

from __future__ import annotations

import gc
import hashlib
import json
import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from itertools import chain, islice
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from rlvr._checks import shortened, shown
from rlvr._reading import ReadingError, archive, is_zip, lines, member, read_bytes
from rlvr.logs.decoding import DECODINGS

__all__ = ["ACCEPTED", "FORMATS", "Answers", "Format", "Log", "LogError", "read_log"]

_SHORT = 16  # hexadecimal digits of a hash: among a million items, two share them once in 37 million logs
_GRADES = {"C": 1.0, "I": 0.0, "P": 0.5, "N": 0.0}


class LogError(ValueError):
    """A log that cannot be audited; the message names the file and what is accepted."""


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
class Log:
    """One evaluation of one model on one benchmark, by each metric; words are empty where the log is silent.

    Values of ``answers`` are as logged, with Inspect's letters as numbers. ``step`` is where in training the
    evaluation stands, ``decoding`` is out of :data:`rlvr.logs.decoding.DECODINGS`, ``run`` tells a run from
    others in its folder where ``model`` does not, and ``tool`` is that of the row of :data:`FORMATS`.
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


class Format(NamedTuple):
    """A tool's logs, and the two functions that know what they look like."""

    tool: str
    """The tool that writes them."""
    files: str
    """How a refusal names its files."""
    recognises: Callable[[Path, Mapping[str, Any] | None], bool]
    """Whether a file is one of them, given its path and the record of its first line, which is None where a
    file has no lines (``.json``, ``.eval`` or any zip)."""
    read: Callable[[Path, Iterable[dict[str, Any]]], Log]
    """The log of a file, given its path and the records of all lines."""


@contextmanager
def _no_search_for_cycles() -> Iterator[None]:
    """Parsed JSON holds no cycles; looking for them takes a third of the time of a large log."""
    searching = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if searching:
            gc.enable()


@_no_search_for_cycles()
def read_log(path: Path) -> Log:
    """Read one file, with every metric that it holds.

    Raises
    ------
    LogError
        If the file cannot be read or is in no format that is known.
    """
    try:
        has_lines = path.suffix not in (".json", ".eval") and not is_zip(path)
        records = _records(path) if has_lines else iter(())
        opening = list(islice(records, 1))
        if has_lines and not opening:
            raise LogError(f"{path}: the file is empty; {ACCEPTED}")
        first = opening[0] if opening else None
        for tool, _, recognises, read in FORMATS:
            if recognises(path, first):
                return replace(read(path, chain(opening, records)), tool=tool)
    except LogError:
        raise
    except ReadingError as error:
        raise LogError(f"{error}; {ACCEPTED}") from None
    except MemoryError:
        raise LogError(f"{path}: too large for the memory of this computer; {ACCEPTED}") from None
    except (LookupError, TypeError, AttributeError, ValueError, ArithmeticError, RecursionError) as error:
        raise LogError(f"{path}: not as its tool writes it ({shown(error)}); {ACCEPTED}") from None
    fields = shortened(", ".join(map(str, first or ())) or "nothing")
    raise LogError(f"{path}: no log that is known, its lines hold {fields}; {ACCEPTED}")


def _records(path: Path) -> Iterator[dict[str, Any]]:
    for number, line in enumerate(lines(path), 1):
        try:
            record = orjson.loads(line)
        except orjson.JSONDecodeError:
            if not line.strip():
                continue
            record = _parsed(line, f"{path}, line {number}")
        if type(record) is not dict:
            raise LogError(f"{path}, line {number}: JSON objects are accepted, got {shown(record)}")
        yield record


def _parsed(text: bytes, where: str) -> Any:
    """JSON, and the NaN that tools write although JSON has none."""
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        pass
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise LogError(f"{where}: not JSON ({shortened(str(error))}); {ACCEPTED}") from None


def _fingerprint(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _decoding(settings: Mapping[str, Any]) -> str:
    """From temperature, top_k and do_sample; empty where they are silent or contradict each other."""
    stated, sample = settings.get("temperature"), settings.get("do_sample")
    number = stated if isinstance(stated, (int, float)) and not isinstance(stated, bool) else math.nan
    temperature = number if 0 <= number < math.inf else None  # NaN is no temperature either
    if temperature == 0 or settings.get("top_k") == 1:
        return "greedy"
    if sample is False:  # with a temperature above 0, one backend of the harness samples and another does not
        return "greedy" if temperature is None else ""
    return "sampled" if sample is True or temperature else ""


# lm-evaluation-harness ----------------------------------------------------------------------------


def _lm_eval(path: Path, records: Iterable[dict[str, Any]]) -> Log:
    columns: dict[tuple[str, str], tuple[Answers, list[Any]]] = {}
    n_drawn, decodings = 0, set()
    for record in records:
        decodings.add(_harness_decoding(record.get("arguments")))
        sieve = record["filter"]
        item = record.get("doc_hash") or _fingerprint(
            json.dumps(record.get("doc"), indent=2, ensure_ascii=False)  # as later versions do it
        )
        prompt = record.get("prompt_hash") or _fingerprint(
            json.dumps(record.get("arguments"), sort_keys=True)
        )
        for name in record["metrics"]:
            if (pair := columns.get((name, sieve))) is None:
                pair = columns[name, sieve] = Answers(), []
            column, documents = pair
            column.add(item[:_SHORT], prompt[:_SHORT], record[name])
            documents.append(record["doc_id"])
        if not n_drawn:
            responses = record.get("resps") or [[]]
            n_drawn = len(responses[0]) if isinstance(responses[0], list) else 1
    for column, documents in columns.values():
        _number_repeats(path, column, documents)
    task = re.fullmatch(r"samples_(.+?)(?:_\d{4}-\d\d-\d\dT[\d.-]+)?", path.stem)
    notice = f"lm-evaluation-harness drew {n_drawn} answers an item and scored the item once: one sample"
    return Log(
        path,
        task[1] if task else "",
        path.parent.name,
        {f"{name},{sieve}": column for (name, sieve), (column, _) in columns.items()},
        notices=(notice,) if n_drawn > 1 else (),
        decoding=decodings.pop() if len(decodings) == 1 else "",
    )


def _number_repeats(path: Path, column: Answers, documents: list[Any]) -> None:
    """Tell documents with the same text apart, by their order; refuse a document that stands twice."""
    if len(set(column.items)) == len(column.items):
        return
    seen: set[str] = set()
    for one in documents:
        if str(one) in seen:
            raise LogError(f"{path}: doc_id {shown(one)} stands twice in one filter; once is accepted")
        seen.add(str(one))
    counts: dict[str, int] = {}
    for index in sorted(range(len(documents)), key=documents.__getitem__):
        item = column.items[index]
        counts[item] = counts.get(item, 0) + 1
        if counts[item] > 1:
            column.items[index] = f"{item}#{counts[item]}"


def _harness_decoding(arguments: Any) -> str:
    """From ``{"gen_args_0": {"arg_0": prompt, "arg_1": settings}}`` or ``[[prompt, settings]]``.

    The settings of a generated answer are a mapping; in their place a compared choice has its text.
    """
    requests = list(arguments.values()) if isinstance(arguments, dict) else arguments
    first = requests[0] if isinstance(requests, list) and requests else None
    settings = first.get("arg_1") if isinstance(first, dict) else None
    if isinstance(first, list) and len(first) > 1:
        settings = first[1]
    if isinstance(settings, str):
        return "not applicable"
    return _decoding(settings) if isinstance(settings, dict) else ""


# Inspect ------------------------------------------------------------------------------------------


def _inspect(path: Path, _: Iterable[dict[str, Any]]) -> Log:
    """Samples without a score are left out."""
    packed = path.suffix == ".eval" or is_zip(path)
    log = _archive(path) if packed else _parsed(read_bytes(path), f"{path}")
    if not isinstance(log, dict) or not isinstance(log.get("eval"), dict):
        is_summary = isinstance(log, dict) and "results" in log and "configs" in log
        hint = "these are results without items, samples_*.jsonl lies beside them; " if is_summary else ""
        raise LogError(f"{path}: no log of Inspect; {hint}{ACCEPTED}")
    if log.get("status") != "success":
        raise LogError(f"{path}: status {shown(log.get('status'))}; a log with status 'success' is accepted")
    columns: dict[str, Answers] = {}
    answers = set()
    for sample in log.get("samples") or []:
        answer = str(sample["id"]), sample.get("epoch", 1)
        if answer in answers:
            raise LogError(f"{path}: sample {shown(answer[0])} has epoch {answer[1]} twice; once is accepted")
        answers.add(answer)
        question = sample.get("input")
        prompt = _fingerprint(question if isinstance(question, str) else json.dumps(question, sort_keys=True))
        for scorer, score in _scores(sample.get("scores") or {}):
            if isinstance(score, float) and math.isnan(score):
                continue  # Inspect's mark of a sample that was not scored
            grade = _GRADES.get(score, score) if isinstance(score, str) else score
            columns.setdefault(scorer, Answers()).add(answer[0], prompt, grade)
    about = log["eval"]
    return Log(
        path,
        str(about.get("task", "")),
        str(about.get("model", "")),
        columns,
        decoding=_inspect_decoding(log),
    )


def _archive(path: Path) -> Any:
    """A `.eval` file as one JSON object, from its header and its summaries of samples."""
    with archive(path) as packed:
        if not {"header.json", "summaries.json"} <= {*packed.namelist()}:
            raise LogError(f"{path}: no finished log of Inspect; a log whose evaluation ended is accepted")
        header, summaries = (
            _parsed(member(packed, path, name), f"{path}, {name}")
            for name in ("header.json", "summaries.json")
        )
    return {**header, "samples": summaries} if isinstance(header, dict) else header


def _scores(scores: Mapping[str, Any]) -> Iterable[tuple[str, Any]]:
    """Scorer and value; a scorer with several values is several metrics, ``scorer/name``."""
    for scorer, score in scores.items():
        value = score.get("value") if isinstance(score, dict) else score
        if isinstance(value, dict):
            yield from ((f"{scorer}/{name}", part) for name, part in value.items())
        else:
            yield scorer, value


def _inspect_decoding(log: Mapping[str, Any]) -> str:
    """By the last ``generate`` of the plan, else the plan's settings, else the model's.

    In Inspect what a task or a call of ``eval`` sets, which the plan holds, wins over the model's own
    settings (seen in the model events of logs by release 0.3.285).
    """
    plan = _mapping(log.get("plan"))
    steps = plan.get("steps")
    generates = [
        _mapping(step.get("params"))
        for step in (steps if isinstance(steps, list) else ())
        if isinstance(step, dict) and step.get("solver") == "generate"
    ]
    settings: dict[str, Any] = {}
    for layer in (_mapping(log.get("eval")).get("model_generate_config"), plan.get("config"), *generates):
        settings |= {name: value for name, value in _mapping(layer).items() if value is not None}
    return _decoding({name: settings.get(name) for name in ("temperature", "top_k")})


def _mapping(value: Any) -> dict[str, Any]:
    """The value if it is a mapping; else an empty one, since a log may leave anything out."""
    return value if isinstance(value, dict) else {}


# verl ---------------------------------------------------------------------------------------------


def _verl(path: Path, records: Iterable[dict[str, Any]]) -> Log:
    columns: dict[str, Answers] = {}
    steps: set[str] = set()
    for record in records:
        if not columns:
            graded = [
                key for key, value in record.items()
                # verl repeats the score as "reward", and "step" is where in training it stands.
                if key not in ("score", "reward", "step") and isinstance(value, (bool, int, float))
            ]  # fmt: skip
            columns = {key: Answers() for key in ("score", *graded)}
        item = _fingerprint(str(record["input"]))[:_SHORT]
        steps.add(str(record.get("step", "")))
        for key, column in columns.items():
            column.add(item, "", record.get(key))
    if len(steps) > 1:
        raise LogError(
            f"{path}: holds the steps {shortened(', '.join(sorted(steps)))} of training; one step is accepted"
        )
    whole = {key: column for key, column in columns.items() if None not in column.values or key == "score"}
    return Log(path, "", "", whole, step=steps.pop())


# plain lines --------------------------------------------------------------------------------------


def _plain(path: Path, records: Iterable[dict[str, Any]]) -> Log:
    column, decodings = Answers(), dict[str, int]()
    for number, record in enumerate(records, 1):
        item, decoding = record.get("item"), record.get("decoding")
        if not isinstance(item, (str, int)) or item == "":
            raise LogError(f"{path}, answer {number}: item must be a name, got {shown(item)}")
        if decoding not in (*DECODINGS, "", None):
            raise LogError(
                f"{path}, answer {number}: decoding must be one of {', '.join(DECODINGS)}, or "
                f"left out, got {shown(decoding)}"
            )
        column.add(str(item), "", record.get("correct"))
        if decoding:
            decodings.setdefault(decoding, number)
    if len(decodings) > 1:
        (one, first), (other, second), *_ = decodings.items()
        raise LogError(
            f"{path}: answer {first} is {one} and answer {second} {other}; one decoding a log is accepted"
        )
    return Log(path, "", "", {"correct": column}, decoding=next(iter(decodings), ""), run=path.name)


def _with_fields(*names: str) -> Callable[[Path, Mapping[str, Any] | None], bool]:
    """Recognises a file of lines whose first has all these fields."""
    return lambda path, first: first is not None and first.keys() >= {*names}


FORMATS = (
    Format(
        "lm-eval",
        "samples_*.jsonl of lm-evaluation-harness",
        _with_fields("doc_id", "filter", "metrics"),
        _lm_eval,
    ),
    Format("Inspect", ".eval or .json of Inspect", lambda path, first: first is None, _inspect),
    Format("verl", "validation .jsonl of verl", _with_fields("input", "score"), _verl),
    Format("plain", ".jsonl with item and correct", _with_fields("item", "correct"), _plain),
)
"""Every format that is read; the first that recognises a file reads it."""

ACCEPTED = f"accepted are {', '.join(row.files for row in FORMATS[:-1])}, and {FORMATS[-1].files}"
"""How a refusal ends."""
