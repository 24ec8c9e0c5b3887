"""Every accepted log format, and how a file is opened and recognised.

Each format is one row of :data:`FORMATS`: its tool, its files, a function that recognises a file, and its
reader. A new format needs one function and one row. The reader of lm-evaluation-harness is in
:mod:`rlvr.logs.harness`, that of Inspect in :mod:`rlvr.logs.inspect_logs`, and those of all other tools are
in :mod:`rlvr.logs.tool_records`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import chain, islice
from pathlib import Path
from typing import Any

import orjson

from rlvr._checks import shortened, shown
from rlvr._reading import (
    ReadingError,
    archive,
    is_zip,
    lines,
    member,
    no_search_for_cycles,
    parquet_rows,
    read_bytes,
)
from rlvr.logs import tool_records as tools
from rlvr.logs.answers import PACKED, Answers, Format, Log, LogError
from rlvr.logs.harness import read_harness
from rlvr.logs.inspect_logs import read_inspect
from rlvr.logs.record_fields import Fields, fields_to_offer, named_outcomes
from rlvr.logs.records import read_records
from rlvr.logs.repeated_lines import without_copies

__all__ = ["ACCEPTED", "FORMATS", "Answers", "Format", "Log", "read_benchmarks", "read_log"]


_TABLES = (".csv", ".tsv", ".xlsx", ".xls")


def read_log(path: Path, fields: Fields | None = None) -> Log:
    """Read one file of one benchmark, with all its metrics.

    Parameters
    ----------
    path : Path
    fields : Fields, optional
        Names of the fields of a record, for files of an unknown tool.

    Raises
    ------
    LogError
        If the file cannot be read, has an unknown format, or holds several benchmarks.
    """
    logs = read_benchmarks(path, fields)
    if len(logs) != 1:
        names = ", ".join(log.benchmark or "none" for log in logs)
        raise LogError(f"{path}: holds {len(logs)} benchmarks ({shortened(names)}); one is accepted here")
    return logs[0]


@no_search_for_cycles()
def read_benchmarks(path: Path, fields: Fields | None = None) -> list[Log]:
    """Read one file, one log per benchmark; arguments and errors as in :func:`read_log`."""
    first: Mapping[str, Any] | None = None
    try:
        has_records, records = _opened(path)
        opening = list(islice(records, 1))
        if has_records and not opening:
            raise LogError(f"{path}: the file is empty; {ACCEPTED}")
        first = opening[0] if has_records else None
        whole = chain(opening, records)
        if fields:
            if not has_records:
                raise LogError(f"{path}: not a list of records, which --field needs; {ACCEPTED}")
            outcomes = named_outcomes(fields.correct)
            found = read_records(path, whole, fields, outcomes=outcomes, run=path.name, graded=True)
            return _checked(path, [replace(log, tool="named fields") for log in found])
        for tool, _, recognises, read in FORMATS:
            if recognises(path, first if has_records else None):
                logs = read(path, whole)
                named = [replace(log, tool=tool) for log in ([logs] if isinstance(logs, Log) else logs)]
                return _checked(path, named) if has_records else named
    except LogError:
        raise
    except ReadingError as error:
        raise LogError(f"{error}; {ACCEPTED}") from None
    except MemoryError:
        raise LogError(f"{path}: too large for the memory of this computer; {ACCEPTED}") from None
    except (LookupError, TypeError, AttributeError, ValueError, ArithmeticError, RecursionError) as error:
        raise LogError(f"{path}: differs from what its tool writes ({shown(error)}); {ACCEPTED}") from None
    names = shortened(", ".join(map(str, first or ())) or "nothing")
    offer = f"; {fields_to_offer(first)} names the fields of item and outcome" if first else ""
    raise LogError(f"{path}: an unknown format of log, with the fields {names}{offer}; {ACCEPTED}")


def _checked(path: Path, logs: Sequence[Log]) -> list[Log]:
    return without_copies(path, logs, lambda: _opened(path)[1])


def _opened(path: Path) -> tuple[bool, Iterator[Any]]:
    """Return whether a file holds records, and its records or its one object."""
    if path.suffix == ".parquet":
        return True, parquet_rows(path)
    if path.suffix == ".eval" or is_zip(path):
        return False, iter([_archive(path)])
    unpacked = path.with_suffix("") if path.suffix in PACKED else path
    _refuse_table(path, unpacked.suffix.lower())
    if unpacked.suffix != ".json":
        document = _list_of(path)
        return True, _records(path) if document is None else iter(document)
    document = _parsed(read_bytes(path), f"{path}")
    rows = _records_in(path, document)
    return (False, iter([document])) if rows is None else (True, iter(rows))


def _refuse_table(path: Path, ending: str) -> None:
    """Refuse a table, recognised by its ending or its first line, and name the command that reads it."""
    opening = b""
    if ending not in _TABLES:
        with path.open("rb") as file:
            opening = file.read(2_000).lstrip(b"\xef\xbb\xbf \t\r\n").partition(b"\n")[0].lower()
        names = {name.strip(b"\" '\r") for name in re.split(rb"[,;\t]", opening)}
        if not (b"arm" in names or {b"item", b"correct"} <= names):
            return
    raise LogError(
        f"{path}: a table, not a log; `rlvr audit {shortened(str(path))}`, without --log, reads a CSV with "
        f"the columns arm, run, item and correct, or arm, accuracy and n_items; with --log {ACCEPTED}"
    )


def _list_of(path: Path) -> list[dict[str, Any]] | None:
    """Return the records of a file that is one JSON list despite its ending; None for any other file."""
    with path.open("rb") as file:
        if file.read(64).lstrip()[:1] != b"[":
            return None
    try:
        document = _parsed(read_bytes(path), f"{path}")
    except LogError:
        return None
    return document if _holds_records(document) else None


def _holds_records(document: Any) -> bool:
    return isinstance(document, list) and bool(document) and all(type(row) is dict for row in document)


def _records_in(path: Path, document: Any) -> list[dict[str, Any]] | None:
    """Return the records of a list, of OpenCompass, or of an object's only list; None for Inspect's log."""
    if _holds_records(document):
        return document
    if not isinstance(document, dict):
        raise LogError(f"{path}: not a log of Inspect; {ACCEPTED}")
    if isinstance(document.get("eval"), dict):
        return None
    if rows := tools.opencompass_rows(document):
        return rows
    lists = dict(_lists_in(document))
    if len(lists) == 1:
        return next(iter(lists.values()))
    is_summary = "results" in document and "configs" in document
    hint = "the file holds results without items; give samples_*.jsonl beside it; " if is_summary else ""
    if document and all(isinstance(value, (int, float)) for value in document.values()):
        hint = "the file holds results without items; OpenCompass writes them with --dump-eval-details; "
    if lists:
        hint = (
            f"the file holds {len(lists)} lists of records ({shortened(', '.join(lists))}), and one is "
            "accepted: write the records of one evaluation as JSON lines; "
        )
    raise LogError(f"{path}: not a log of Inspect; {hint}{ACCEPTED}")


def _lists_in(document: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """Yield the lists of records in an object and its nested objects, by dotted name."""
    for name, value in document.items():
        if _holds_records(value):
            yield f"{prefix}{name}", value
        elif isinstance(value, dict) and prefix.count(".") < 3:
            yield from _lists_in(value, f"{prefix}{name}.")


def _records(path: Path) -> Iterator[dict[str, Any]]:
    for number, line in enumerate(lines(path), 1):
        try:
            record = orjson.loads(line)
        except orjson.JSONDecodeError:
            if not line.strip():
                continue
            record = _parsed(line, f"{path}, line {number}")
        if type(record) is not dict:
            raise LogError(
                f"{path}, line {number}: one JSON object per line is accepted, got {shown(record)}"
            )
        yield record


def _parsed(text: bytes, where: str) -> Any:
    """Parse JSON, including the NaN that tools write although JSON does not define it."""
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        pass
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise LogError(f"{where}: not JSON ({shortened(str(error))}); {ACCEPTED}") from None


def _archive(path: Path) -> Any:
    """Read a `.eval` file as one JSON object, from its header and its summaries of samples."""
    with archive(path) as packed:
        if not {"header.json", "summaries.json"} <= {*packed.namelist()}:
            raise LogError(
                f"{path}: a zip archive, but not a finished log of Inspect; a log of a finished evaluation "
                "is accepted, and any other archive unpacked"
            )
        header, summaries = (
            _parsed(member(packed, path, name), f"{path}, {name}")
            for name in ("header.json", "summaries.json")
        )
    return {**header, "samples": summaries} if isinstance(header, dict) else header


def _with_fields(*names: str) -> Callable[[Path, Mapping[str, Any] | None], bool]:
    """Return a function that recognises a file whose first record has all these fields."""
    return lambda path, first: first is not None and first.keys() >= {*names}


def _with_any(name: str, *names: str) -> Callable[[Path, Mapping[str, Any] | None], bool]:
    """Return a function that recognises a file whose first record has `name` and any of `names`."""
    return lambda path, first: first is not None and name in first and bool(first.keys() & {*names})


FORMATS = (
    Format(
        "lm-eval",
        "samples_*.jsonl of lm-evaluation-harness or lmms-eval",
        _with_any("doc_id", "filter", "filtered_resps"),
        read_harness,
    ),
    Format(
        "OpenCompass",
        "results/*.json of OpenCompass",
        _with_fields(tools.OPENCOMPASS),
        tools.read_opencompass,
    ),
    Format("Inspect", ".eval or .json of Inspect", lambda path, first: first is None, read_inspect),
    Format("TRL", "", _with_fields("completion", "advantage"), tools.read_trl),
    Format("verl", "validation .jsonl of verl", _with_fields("input", "score"), tools.read_verl),
    Format(
        "verl generations",
        "generation .parquet of verl",
        _with_fields("responses", "reward_model"),
        tools.read_verl_generations,
    ),
    Format(
        "math-evaluation-harness",
        "test_*.jsonl of math-evaluation-harness",
        _with_fields("idx", "score", "pred"),
        tools.read_math_evaluation,
    ),
    Format(
        "NeMo-Skills",
        "output-rs*.jsonl of NeMo-Skills",
        _with_any("generation", "symbolic_correct", "judgement", "is_correct", "num_generated_tokens"),
        tools.read_nemo_skills,
    ),
    Format(
        "evalscope predictions",
        "",
        _with_fields("index", "model_output", "messages"),
        tools.read_evalscope_predictions,
    ),
    Format("evalscope", "reviews/*.jsonl of evalscope", _with_fields("sample_score"), tools.read_evalscope),
    Format("olmes", "*-predictions.jsonl of olmes", _with_fields("native_id", "metrics"), tools.read_olmes),
    Format(
        "lighteval", "details_*.parquet of lighteval", _with_fields("doc", "metric"), tools.read_lighteval
    ),
    Format("plain", ".jsonl with item and correct", _with_fields("item", "correct"), tools.read_plain),
)
"""Every accepted format; the first format that recognises a file reads it."""

_named = [row.files for row in FORMATS if row.files]
ACCEPTED = f"accepted are {', '.join(_named[:-1])}, and {_named[-1]}"
"""The end of an error message, which lists the accepted formats."""
