"""Text to a checked table, or a refusal that names file, line and what is accepted.

Values are checked once for each distinct text in a column, so that a million rows cost little more than
their reading.
"""

from __future__ import annotations

import csv
import io
import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from rlvr._checks import counted, shortened, shown
from rlvr.auditing.table_columns import (
    ARMS_NEED,
    CHECKS,
    KNOWN,
    MEASURES,
    OF_ARMS,
    OF_OUTCOMES,
    OUTCOMES_NEED,
)
from rlvr.auditing.table_dialects import SEPARATED, nearest, separator_of, with_points, without_line_quotes

__all__ = ["TableError", "line_of", "lines_of", "read_frame", "read_text"]


class TableError(ValueError):
    """A table that cannot be audited; the message names file, line and what is accepted."""


def read_text(source: str | Path | pd.DataFrame) -> tuple[str, str | pd.DataFrame]:
    """Name and text of a path or of standard input ("-"); a data frame is its own text.

    Raises
    ------
    TableError
        If there is no such file, it is a folder, cannot be read, or is not UTF-8 text.
    """
    if isinstance(source, pd.DataFrame):
        return "table", source
    name = "standard input" if str(source) == "-" else str(source)
    asked = shortened(name)
    try:
        raw = sys.stdin.buffer.read() if str(source) == "-" else Path(source).read_bytes()
    except FileNotFoundError:
        raise TableError(f"{asked}: no such file; a comma-separated text file is accepted") from None
    except IsADirectoryError:
        raise TableError(f"{asked}: this is a folder; a comma-separated text file is accepted") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise TableError(f"{asked}: cannot be read ({reason}); a readable text file is accepted") from None
    if raw.startswith(b"PK"):
        raise TableError(f"{name}: this is a workbook or archive; a table saved as CSV (UTF-8) is accepted")
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise TableError(f"{asked}, line {line}: not UTF-8 text, which is what is accepted") from None
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        raise TableError(f"{asked}, line {line}: holds a NUL byte; comma-separated UTF-8 text is accepted")
    return name, without_line_quotes(text, KNOWN)


def read_frame(name: str, text: str | pd.DataFrame) -> pd.DataFrame:
    """The table as columns of categories (of text), every distinct value checked.

    `name` is what a refusal calls the table.

    Raises
    ------
    TableError
        If the text is empty, ragged, lacks a column, or holds a value that is not accepted.
    """
    wanted = (
        f"accepted are the columns {', '.join(ARMS_NEED)} and accuracy (or accuracy_percent), "
        f"or {', '.join(OUTCOMES_NEED)}"
    )
    given = isinstance(text, pd.DataFrame)
    header_line, header = (1, list(map(str, text))) if given else next(_records(name, text), (1, []))
    at = f"{name}, line {header_line}"
    columns = [column.strip() for column in header]
    if columns[:1] and re.fullmatch("sep=.?", columns[0]):
        raise TableError(f"{at}: {shown(columns[0])} is a spreadsheet's mark; column names are accepted here")
    if not any(columns):
        raise TableError(f"{at}: the file is empty; {wanted}")
    twice = sorted({column for column in columns if columns.count(column) > 1})
    if twice:
        raise TableError(f"{at}: the column {shown(twice[0])} stands twice; each is accepted once")
    measures = {*MEASURES} & {*columns}
    per_item = "correct" in columns and not measures
    missing = [column for column in (OUTCOMES_NEED if per_item else ARMS_NEED) if column not in columns]
    if not per_item and not measures:
        missing.append("accuracy (or accuracy_percent)")
    if missing:
        needed = [name for name in (*ARMS_NEED, *OUTCOMES_NEED, *MEASURES) if name not in columns]
        meant = {name: nearest(name, needed) for name in columns if name not in KNOWN}
        hints = [f"did you mean {name} by {shown(column)}?" for column, name in meant.items() if name]
        raise TableError(f"{at}: missing {', '.join(missing)}; {' '.join([*hints, wanted])}")
    for column in [column for column in columns if column not in KNOWN]:
        optional = OF_OUTCOMES if per_item else OF_ARMS
        read = [name for name in optional if name not in columns]
        if meant_by := nearest(column, read, cutoff=0.8):
            raise TableError(
                f"{at}: the column {shown(column)} is not known, did you mean {meant_by}? "
                "Columns by other names are passed over"
            )
    if len(measures) > 1:
        raise TableError(f"{at}: accuracy and accuracy_percent both stand; one of them is accepted")
    frame = _as_text(name, text) if given else _parse(name, text, len(columns))
    frame.columns = pd.Index(columns)
    if not given and separator_of(text, KNOWN) != ",":
        for column in {*MEASURES, "run_sd", "correct"} & {*columns}:
            frame[column] = with_points(frame[column])
    problems = []
    for column in [column for column in CHECKS if column in columns]:
        values = pd.Series(frame[column].cat.categories.astype(str).str.strip(), dtype=object)
        wrong = np.flatnonzero(~CHECKS[column].fits(values).to_numpy(dtype=bool))
        if wrong.size:
            record = int(np.flatnonzero(np.isin(frame[column].cat.codes, wrong))[0])
            problems.append((record, column, str(frame[column].iloc[record])))
    if problems:
        record, column, value = min(problems)
        meant_by = nearest(value, CHECKS[column].choices)
        raise TableError(
            f"{name}, line {line_of(name, text, record)}: {column} must be {CHECKS[column].error}, "
            f"got {shown(value)}" + (f"; did you mean {meant_by}?" if meant_by else "")
        )
    return frame


def _parse(name: str, text: str, n_columns: int) -> pd.DataFrame:
    """Fields as they stand; blank lines are passed over, ragged ones refused."""
    separator = separator_of(text, KNOWN)
    fields = f"lines of {n_columns} {SEPARATED[separator]} fields are accepted"
    try:
        frame = pd.read_csv(io.StringIO(text), sep=separator, dtype=str, na_filter=False, low_memory=False)
    except pd.errors.EmptyDataError:
        raise TableError(f"{name}, line 1: the file is empty; {fields}") from None
    except (pd.errors.ParserError, ValueError) as error:
        _refuse_ragged(name, text, n_columns)
        problem = str(error).removeprefix("Error tokenizing data. C error: ").strip()
        raise TableError(f"{name}, line 1 or below: {problem}; {fields}") from None
    # Counting separators is a thousand times cheaper than reading again, and exact without quotes.
    if '"' in text or text.count(separator) != (n_columns - 1) * (len(frame) + 1):
        _refuse_ragged(name, text, n_columns)
    _refuse_empty(name, frame)
    # Not dtype="category" at reading: that turns categories into numbers, and 0.50 must stay 0.50.
    return frame.astype("category")


def _refuse_empty(name: str, frame: pd.DataFrame) -> None:
    if frame.empty:
        raise TableError(f"{name}, line 2: no rows below the header; one row an arm or an item is accepted")


def _as_text(name: str, frame: pd.DataFrame) -> pd.DataFrame:
    """A data frame as a file of it would be read, each distinct value written once."""
    _refuse_empty(name, frame)
    columns = []
    for place in range(frame.shape[1]):
        codes, values = pd.factorize(frame.iloc[:, place])
        texts, merged = np.unique([*(str(value) for value in values), ""], return_inverse=True)
        # A missing value has code -1, and "" stands last.
        columns.append(pd.Categorical.from_codes(merged[codes], texts).remove_unused_categories())
    return pd.DataFrame(dict(enumerate(columns)))


def _refuse_ragged(name: str, text: str, n_columns: int) -> None:
    for line, record in _records(name, text):
        if len(record) != n_columns:
            raise TableError(
                f"{name}, line {line}: has {counted(len(record), 'field')}; "
                f"{n_columns} {SEPARATED[separator_of(text, KNOWN)]} fields are accepted, as in the header"
            )


def _records(name: str, text: str) -> Iterator[tuple[int, list[str]]]:
    """First line and fields of each record that is not blank."""
    separator = separator_of(text, KNOWN)
    reader = csv.reader(io.StringIO(text, newline=""), strict=True, delimiter=separator)
    start = 1
    try:
        for record in reader:
            if record and not (len(record) == 1 and not record[0].strip()):
                yield start, record
            start = reader.line_num + 1
    except csv.Error as error:
        raise TableError(f"{name}, line {start}: {error}; {SEPARATED[separator]} text is accepted") from None


def line_of(name: str, text: str | pd.DataFrame, record: int) -> int:
    """The line of the file on which row `record` (0 is the first below the header) starts."""
    lines = lines_of(name, text)
    return lines[min(record, len(lines) - 1)]


def lines_of(name: str, text: str | pd.DataFrame) -> Sequence[int]:
    """The line of the file on which each row below the header starts."""
    if isinstance(text, pd.DataFrame):
        return range(2, len(text) + 2)
    if '"' not in text and "\n\n" not in text and "\r" not in text:
        n_lines = text.count("\n") + (not text.endswith("\n"))
        return range(2, n_lines + 1)  # one line a row: no need to read a million of them again
    return [line for line, _ in _records(name, text)][1:]
