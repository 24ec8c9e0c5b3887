"""Read files of labels, and files of answers with their truths, record by record.

JSON lines, JSON, CSV and TSV may be compressed with gzip or Zstandard; Parquet needs pyarrow.
"""

from __future__ import annotations

import csv
import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain, repeat
from pathlib import Path
from typing import Any, NamedTuple

from rlvr._reading import ReadingError, lines, opened, parquet_rows
from rlvr.logs.score_checks import TooLong
from rlvr.rewards.answer_reading import MOST_READ
from rlvr.rewards.trainer_columns import shown

__all__ = ["LABEL_COLUMNS", "WrittenAnswer", "label_column", "read_answers", "read_records", "value_at"]

LABEL_COLUMNS = (
    "answer", "solution", "label", "ground_truth", "reward_model.ground_truth", "truth", "final_answer",
    "target", "gold", "gt", "gts",
)  # fmt: skip
"""Usual names of the column of labels; the first present name is used."""

_FIELDS = {
    "item": ("item", "doc_hash", "doc_id", "id", "idx", "index", "problem_id", "extra_info.index"),
    "output": (
        "output", "resps", "completion", "response", "responses", "generated_text", "generation", "pred_text",
        "solution_str", "code",
    ),
    "truth": ("truth", "gts", "target", *LABEL_COLUMNS),
    "arm": ("arm",),
    "run": ("run", "seed"),
}  # fmt: skip
_SETTINGS = ("step", "benchmark", "data_source", "model")  # each has one value within one evaluation
_QUESTIONS = ("input", "prompt", "question", "problem")
_FORMATS = "JSON lines, JSON, CSV, TSV or Parquet"


class WrittenAnswer(NamedTuple):
    """One answer of a model to one item."""

    arm: str
    """The arm of the model."""
    run: str
    """The training run of the model."""
    item: str
    """The item's identifier."""
    output: str
    """The whole text."""
    truth: Any
    """The item's label."""


def read_records(path: str | Path) -> Iterator[dict[str, Any]]:
    """Yield the records of a file: .jsonl, .json, .csv, .tsv (also with .gz or .zst) or .parquet.

    Raises
    ------
    ValueError
        If the file cannot be read or does not have the format of its ending; the message names the line.
    """
    path = Path(path)
    endings = [ending.lower() for ending in path.suffixes[-2:]]
    is_packed = endings[-1:] in ([".gz"], [".zst"])
    kind = endings[-2 if is_packed else -1] if len(endings) > is_packed else ""
    if kind == ".parquet" and not is_packed:
        yield from parquet_rows(path)
        return
    try:
        codes = chain(["utf-8-sig"], repeat("utf-8"))
        texts = (line.decode(code) for line, code in zip(lines(path), codes, strict=False))
        if kind in (".csv", ".tsv"):
            csv.field_size_limit(2**31 - 1)
            yield from _rows(path, texts, kind)
        elif kind in (".jsonl", ".ndjson", ".json"):
            yield from _json(path, texts, kind == ".json")
        else:
            with opened(path):  # refuses a folder or a pipe with a message of its own
                raise ValueError(
                    f"{path}: the file ending {shown(kind)} is not known; {_FORMATS} is accepted"
                )
    except ReadingError as error:
        raise ValueError(f"{error}; {_FORMATS} is accepted") from None
    except (csv.Error, UnicodeDecodeError) as error:
        raise ValueError(f"{path}: cannot be read ({error}); {_FORMATS} in UTF-8 is accepted") from None


def _rows(path: Path, texts: Iterator[str], kind: str) -> Iterator[dict[str, Any]]:
    first = next(texts, "")
    separator = "\t" if kind == ".tsv" else ";" if ";" in first and "," not in first else ","
    reader = csv.DictReader(chain([first], texts), delimiter=separator)
    twice = [name for name, n in Counter(reader.fieldnames or ()).items() if n > 1 and name]
    if twice:
        raise ValueError(
            f"{path}: two columns are called {shown(twice[0])}; one is accepted, rename the other"
        )
    for row in reader:
        if any(row.pop(None, [])):  # an unquoted separator would cut the value short
            raise ValueError(
                f"{path}, line {reader.line_num}: holds more fields than the {len(row)} columns; one a "
                f"column is accepted. Put a text that holds {shown(separator)} in double quotes"
            )
        yield {str(name): value for name, value in row.items()}


def _json(path: Path, texts: Iterator[str], is_whole: bool) -> Iterator[dict[str, Any]]:
    if is_whole:
        text = "".join(texts)
        try:
            found = json.loads(text)
        except (ValueError, RecursionError):
            texts = iter(text.splitlines())  # JSON lines under another file ending
        else:
            if isinstance(found, dict):
                found = next((part for part in found.values() if isinstance(part, list)), [found])
            entries = found if isinstance(found, list) else [found]
            yield from (_record(one, f"{path}, entry {number}") for number, one in enumerate(entries, 1))
            return
    for number, line in enumerate(texts, 1):
        if not line.strip():
            continue
        try:
            one = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise ValueError(
                f"{path}, line {number}: not JSON ({shown(str(error))}); one JSON object per line is accepted"
            ) from None
        yield _record(one, f"{path}, line {number}")


def _record(one: Any, where: str) -> dict[str, Any]:
    if not isinstance(one, dict):
        raise ValueError(f"{where}: a record must be an object with named fields, got {shown(one)}")
    return one


def value_at(record: Mapping[str, Any], field: str) -> Any:
    """Return the value of a field, whose name may be a path with dots; None if the field is missing.

    Examples
    --------
    >>> value_at({"reward_model": {"ground_truth": "5"}}, "reward_model.ground_truth")
    '5'
    """
    if field in record:
        return record[field]
    found: Any = record
    for part in field.split("."):
        if not isinstance(found, Mapping) or part not in found:
            return None
        found = found[part]
    return found


def _first_field(record: Mapping[str, Any], fields: Sequence[str]) -> str | None:
    """Return the first of the fields that a record has, as spelt there; capitals count only if they must."""
    capitals = {str(name).lower(): str(name) for name in record}
    spelt = [*fields, *(capitals[field] for field in fields if field in capitals)]
    return next((field for field in spelt if value_at(record, field) is not None), None)


def label_column(records: Sequence[Mapping[str, Any]], column: str | None = None) -> str:
    """Find the column of labels: `column`, or the first of :data:`LABEL_COLUMNS`.

    Raises
    ------
    ValueError
        If the column is missing; the message lists the columns that exist.
    """
    for record in records:
        if column is None:
            found = _first_field(record, LABEL_COLUMNS)
            if found:
                return found
        elif column in record or value_at(record, column) is not None:
            return column
    there = ", ".join(sorted({str(name) for record in records[:100] for name in record})) or "none"
    wanted = f"no column {shown(column)}" if column else f"no column called {', '.join(LABEL_COLUMNS)}"
    raise ValueError(f"{wanted}; the columns are {there[:300]}. Name the column of labels with --column")


def read_answers(path: str | Path, arm: str | None, fields: Mapping[str, str]) -> list[WrittenAnswer]:
    """Read every answer in a file of outputs with their truths.

    The file holds plain records of ``item, output, truth`` (and ``arm``, ``run``), validation generations of
    verl, or samples of lm-evaluation-harness. The items of verl are named by their prompts. Of the harness,
    which writes one line per item and filter, only the lines of the first filter are read.

    Parameters
    ----------
    path : path
    arm : str or None
        The arm of all answers; None if each record names its arm.
    fields : mapping
        From "item", "output", "truth", "arm" or "run" to the name of its field, if that is not a usual one.

    Raises
    ------
    ValueError
        If an output, truth or arm is missing, or an output has too many characters.
    """
    answers: list[WrittenAnswer] = []
    only = ""  # the filter whose lines are read: the harness writes one line per item and filter
    names: dict[str, str | None] = {}
    kinds: dict[str, type] = {}
    settings: dict[str, Any] = {}
    for number, record in enumerate(read_records(path), 1):
        if "filter" in record and "resps" in record:
            only = only or str(record["filter"])
            if record["filter"] != only:
                continue
        for name in _SETTINGS:
            value = settings.setdefault(name, value_at(record, name))
            if value != value_at(record, name):
                raise ValueError(
                    f"{path}: holds answers of {name} {shown(value)} and of {shown(value_at(record, name))}, "
                    f"so they belong to several evaluations; one {name} per file is accepted"
                )
        if not names:
            names = {role: fields.get(role) or _first_field(record, usual) for role, usual in _FIELDS.items()}
        values = {role: None if name is None else value_at(record, name) for role, name in names.items()}
        if values["item"] is None:
            question = next((record[name] for name in _QUESTIONS if name in record), None)
            values["item"] = None if question is None else _digest(question)
        missing = [role for role in ("item", "output", "truth") if values[role] is None]
        if arm is None and values["arm"] is None:
            missing.append("arm")
        if missing:
            raise ValueError(
                f"{path}, record {number}: no {' and no '.join(missing)}; its fields are "
                f"{', '.join(map(str, record))[:200]}. Name it with --field {missing[0]}=FIELD"
                + (", or give --log ARM=PATH" if "arm" in missing else "")
            )
        item = str(values["item"])
        if kinds.setdefault(item, type(values["item"])) is not type(values["item"]):
            raise ValueError(
                f"{path}, record {number}: item {shown(item)} is a number in one record and a text in "
                "another, so these may be one item or two; write all items as numbers, or all as texts"
            )
        run = str(path) if values["run"] is None else str(values["run"])
        for output in _texts(values["output"]):
            if len(output) > MOST_READ:
                raise ValueError(f"{path}, record {number}: {TooLong(output)}")
            answers.append(
                WrittenAnswer(arm or str(values["arm"]).lower(), run, item, output, values["truth"])
            )
    if not answers:
        raise ValueError(f"{path}: holds no answers; records with item, output and truth are accepted")
    return answers


def _digest(question: Any) -> str:
    return hashlib.sha256(json.dumps(question, default=str).encode()).hexdigest()[:16]


def _texts(output: Any) -> Iterator[str]:
    """Yield the samples in a field, which holds a text or nested lists of texts."""
    if isinstance(output, (list, tuple)):
        for part in output:
            yield from _texts(part)
    else:
        yield output if isinstance(output, str) else shown(output)
