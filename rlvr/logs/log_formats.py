"""Evaluation logs, file by file: which answer to which item was right, by which metric.

Four formats are read, told apart by what is in them:

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
import json
import re
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import Any

import orjson

from rlvr._checks import shortened, shown
from rlvr.logs.decoding import DECODINGS, harness_decoding
from rlvr.logs.evaluation_log import ACCEPTED, Answers, Log, LogError, fingerprint, parsed
from rlvr.logs.inspect_logs import inspect_log, inspect_zip

__all__ = ["read_log"]

SHORT = 16  # hexadecimal digits of a hash: among a million items, two share them once in 37 million logs


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
    """Read one file.

    Parameters
    ----------
    path : Path

    Returns
    -------
    Log
        With every metric that it holds; values are as logged, with Inspect's letters as numbers.

    Raises
    ------
    LogError
        If the file cannot be read or is in no format that is known.
    """
    try:
        if zipfile.is_zipfile(path):
            return inspect_zip(path)
        if path.suffix == ".json":
            return inspect_log(path, parsed(path.read_bytes(), f"{path}"))
        records = _records(path)
        first = next(records, None)
        if first is None:
            raise LogError(f"{path}: the file is empty; {ACCEPTED}")
        for reader, needed in _READERS.items():
            if needed <= first.keys():
                return reader(path, chain([first], records))
    except (KeyError, TypeError, AttributeError, IndexError) as error:
        raise LogError(f"{path}: not as its tool writes it ({shown(error)}); {ACCEPTED}") from None
    except OSError as error:
        raise LogError(f"{shortened(str(path))}: cannot be read ({error.strerror}); {ACCEPTED}") from None
    found = shortened(", ".join(map(str, first)) or "nothing")
    raise LogError(f"{path}: no log that is known, its lines hold {found}; {ACCEPTED}")


def _records(path: Path) -> Iterator[dict[str, Any]]:
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            try:
                record = orjson.loads(line)
            except orjson.JSONDecodeError:
                if not line.strip():
                    continue
                record = parsed(line, f"{path}, line {number}")
            if type(record) is not dict:
                raise LogError(f"{path}, line {number}: JSON objects are accepted, got {shown(record)}")
            yield record


def _lm_eval(path: Path, records: Iterator[dict[str, Any]]) -> Log:
    columns: dict[str, Answers] = {}
    documents: dict[str, list[Any]] = {}
    places: dict[tuple[str, str], tuple[Answers, list[Any]]] = {}
    drawn, decodings = 0, set()
    for record in records:
        decodings.add(harness_decoding(record.get("arguments")))
        names, sieve = record["metrics"], record["filter"]
        item = record.get("doc_hash") or fingerprint(
            json.dumps(record.get("doc"), indent=2, ensure_ascii=False)  # as later versions do it
        )
        prompt = record.get("prompt_hash") or fingerprint(json.dumps(record.get("arguments"), sort_keys=True))
        for name in names:
            if (place := places.get((name, sieve))) is None:
                key = f"{name},{sieve}"
                place = columns.setdefault(key, Answers()), documents.setdefault(key, [])
                places[name, sieve] = place
            column, of = place
            column.items.append(item[:SHORT])
            column.prompts.append(prompt[:SHORT])
            column.values.append(record[name])
            of.append(record["doc_id"])
        if not drawn:
            responses = record.get("resps") or [[]]
            drawn = len(responses[0]) if isinstance(responses[0], list) else 1
    for key, column in columns.items():
        _number_repeats(path, column, documents[key])
    task = re.fullmatch(r"samples_(.+?)(?:_\d{4}-\d\d-\d\dT[\d.-]+)?", path.stem)
    notice = (f"lm-evaluation-harness drew {drawn} answers an item and scored the item once: one sample",)
    notices = notice if drawn > 1 else ()
    decoding = decodings.pop() if len(decodings) == 1 else ""
    name = task[1] if task else ""
    return Log(path, "lm-eval", name, path.parent.name, columns, notices=notices, decoding=decoding)


def _number_repeats(path: Path, column: Answers, documents: list[Any]) -> None:
    """Tell documents with the same text apart, by their order; refuse a document that stands twice."""
    if len(set(column.items)) == len(column.items):
        return
    if len(set(map(str, documents))) < len(documents):
        twice = next(one for index, one in enumerate(documents) if one in documents[:index])
        raise LogError(f"{path}: doc_id {shown(twice)} stands twice in one filter; once is accepted")
    seen: dict[str, int] = {}
    for index in sorted(range(len(documents)), key=documents.__getitem__):
        item = column.items[index]
        seen[item] = seen.get(item, 0) + 1
        if seen[item] > 1:
            column.items[index] = f"{item}#{seen[item]}"


def _verl(path: Path, records: Iterator[dict[str, Any]]) -> Log:
    items: list[str] = []
    steps: set[str] = set()
    columns: dict[str, Answers] = {}
    for record in records:
        if not columns:
            beside = [
                key for key, value in record.items()
                # verl repeats the score as "reward", and "step" is where in training it stands.
                if key not in ("score", "reward", "step") and isinstance(value, (bool, int, float))
            ]  # fmt: skip
            columns = {key: Answers() for key in ("score", *beside)}
        items.append(fingerprint(str(record["input"]))[:SHORT])
        steps.add(str(record.get("step", "")))
        for key, column in columns.items():
            column.values.append(record.get(key))
    if len(steps) > 1:
        raise LogError(
            f"{path}: holds the steps {shortened(', '.join(sorted(steps)))} of training; one step is accepted"
        )
    whole = {key: column for key, column in columns.items() if None not in column.values or key == "score"}
    for column in whole.values():
        column.items, column.prompts = items, [""] * len(items)
    return Log(path, "verl", "", "", whole, step=steps.pop())


def _plain(path: Path, records: Iterator[dict[str, Any]]) -> Log:
    column, decodings = Answers(), dict[str, int]()
    for record in records:
        item = record.get("item")
        if not isinstance(item, (str, int)) or item == "":
            raise LogError(f"{path}, answer {len(column.items) + 1}: item must be a name, got {shown(item)}")
        column.items.append(str(item))
        column.values.append(record.get("correct"))
        if (decoding := record.get("decoding")) not in (*DECODINGS, "", None):
            raise LogError(
                f"{path}, answer {len(column.items)}: decoding must be one of {', '.join(DECODINGS)}, or "
                f"left out, got {shown(decoding)}"
            )
        if decoding:
            decodings.setdefault(decoding, len(column.items))
    if len(decodings) > 1:
        (one, first), (other, second), *_ = decodings.items()
        raise LogError(
            f"{path}: answer {first} is {one} and answer {second} {other}; one decoding a log is accepted"
        )
    column.prompts = [""] * len(column.items)
    return Log(path, "plain", "", "", {"correct": column}, decoding=next(iter(decodings), ""))


_READERS: Mapping[Callable[[Path, Iterator[dict[str, Any]]], Log], set[str]] = {
    _lm_eval: {"doc_id", "filter", "metrics"},
    _verl: {"input", "score"},
    _plain: {"item", "correct"},
}
