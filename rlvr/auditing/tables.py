"""From bytes to checked columns: which columns a table may have, which values fit, how it may be written.

Two formats, both UTF-8 text with a header line:

* arms: one row an arm, ``study, model, benchmark, arm, accuracy (or accuracy_percent), n_items`` and
  optional columns (:data:`OF_ARMS`, :data:`REMARKS`);
* outcomes: one row an answered item, ``study, model, benchmark, arm, run, item, correct``, and of the
  optional columns :data:`OF_OUTCOMES` and ``source``.

Fields are separated by commas, semicolons or tabs. What a spreadsheet does to a table (decimal commas between
semicolons, whole lines in quotes) is undone; names misspelt are refused with the likely one. Values are
checked once for each distinct text in a column, so that a million rows cost little more than their reading.
"""

from __future__ import annotations

import csv
import difflib
import io
import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from rlvr._checks import counted, shortened, shown
from rlvr._reading import ReadingError, read_bytes
from rlvr.arms import ARMS
from rlvr.logs.decoding import DECODINGS

__all__ = [
    "ARMS_NEED",
    "COLUMNS",
    "COMPARABLE",
    "OF_ARMS",
    "OF_OUTCOMES",
    "OUTCOMES_NEED",
    "REMARKS",
    "Table",
    "TableError",
    "read_table",
]

ARMS_NEED = ("study", "model", "benchmark", "arm", "n_items")
"""Columns of the arms format, beside ``accuracy`` or ``accuracy_percent``."""

OUTCOMES_NEED = ("study", "model", "benchmark", "arm", "run", "item", "correct")
"""Columns of the outcomes format."""

OF_OUTCOMES = ("setup", "role", "samples_per_item", "comparable", "decoding")
"""Optional columns that change what is computed from outcomes; ``source`` is read too."""

OF_ARMS = (*OF_OUTCOMES, "n_runs", "run_sd", "run_sd_runs", "n_evaluations")
"""Optional columns that change what is computed from arms; none may be passed over misspelt."""

REMARKS = ("flag", "arm_label", "metric", "how_read", "source", "note")
"""Optional columns that are only shown; ``rlvr/data/README.md`` says what each means."""

COMPARABLE = ("no", "near", "strict")
"""How an arm's setup compares with its cell's, from worst to best."""

_MOST_COLUMNS = 1_000
_MEASURES = ("accuracy", "accuracy_percent")
_KNOWN = {*ARMS_NEED, *OUTCOMES_NEED, *OF_ARMS, *REMARKS, *_MEASURES}
_SEPARATED = {",": "comma-separated", ";": "semicolon-separated", "\t": "tab-separated"}
_WHOLE_LINE = re.compile(r'^"((?:[^"\r\n]|"")*)"(?=\r?$)', re.MULTILINE)
_NO_ROWS = "no rows below the header; one row an arm or an item is accepted"


class TableError(ValueError):
    """A table that cannot be audited; the message names file, line and what is accepted."""


class _Column(NamedTuple):
    """Which of a column's distinct values fit, and how a refusal says what is accepted."""

    fits: Callable[[pd.Series], pd.Series]
    accepted: str
    choices: tuple[str, ...] = ()


def _number(accepted: str, low: float, high: float, *, whole: bool = False, blank: bool = True) -> _Column:
    def fits(values: pd.Series) -> pd.Series:
        numbers = pd.to_numeric(values, errors="coerce").astype(float)
        inside = numbers.between(low, high) & ((numbers % 1 == 0) | (not whole))
        return inside | ((values == "") & blank)

    return _Column(fits, accepted + (", or empty" if blank else ""))


def _one_of(*names: str, blank: bool = True) -> _Column:
    accepted = "one of " + ", ".join(names) + (", or empty" if blank else "")
    return _Column(lambda values: values.str.lower().isin(names) | ((values == "") & blank), accepted, names)


def _right_or_wrong(values: pd.Series) -> pd.Series:
    numbers = pd.to_numeric(values, errors="coerce").astype(float)
    return numbers.between(0, 1) | values.str.lower().isin(("true", "false"))


_NAMED = _Column(lambda values: values != "", "a name, not empty")
_COUNT = _number("a whole number from 1 to 1,000,000,000", 1, 1e9, whole=True)
COLUMNS: Mapping[str, _Column] = {
    "study": _NAMED,
    "model": _NAMED,
    "benchmark": _NAMED,
    "run": _NAMED,
    "item": _NAMED,
    "arm": _one_of(*ARMS, blank=False),
    "role": _one_of("arm", "alternative"),
    "comparable": _one_of(*COMPARABLE[::-1]),
    "decoding": _one_of(*DECODINGS),
    "accuracy": _number("a fraction from 0 to 1 (percentages go in accuracy_percent)", 0, 1, blank=False),
    "accuracy_percent": _number("a percentage from 0 to 100, without a % sign", 0, 100, blank=False),
    "n_items": _COUNT,
    "samples_per_item": _COUNT,
    "n_runs": _COUNT,
    "n_evaluations": _COUNT,
    "run_sd_runs": _number("a whole number from 2 to 1,000,000,000", 2, 1e9, whole=True),
    "run_sd": _number("a standard deviation of at least 0, in the unit of the accuracy", 0, 100),
    "correct": _Column(
        _right_or_wrong, "0 or 1 (or true, false, or the fraction of the item's samples that were right)"
    ),
}
"""What each column takes; a column that is not named here takes any text."""


@dataclass(frozen=True)
class Table:
    """Checked columns, as categories of text, and where their rows stand.

    ``text`` is that of the file; None for a data frame.
    """

    name: str
    frame: pd.DataFrame
    text: str | None

    @cached_property
    def lines(self) -> Sequence[int]:
        """The line of the file on which each row starts; of a data frame, that of a file of it."""
        n_rows, text = len(self.frame), self.text
        if text is None or ('"' not in text and "\r" not in text and text.rstrip("\n").count("\n") == n_rows):
            return range(2, n_rows + 2)  # one line a row: no need to read a million of them again
        return [line for line, _ in _records(self.name, text)][1:]

    def place(self, row: int) -> str:
        """How a refusal names a row, 0 being the first below the header."""
        return f"{shortened(self.name)}, line {self.lines[min(row, len(self.lines) - 1)]}"


def read_table(source: str | Path | pd.DataFrame) -> Table:
    """Read and check a table.

    Parameters
    ----------
    source : path, "-" (standard input) or DataFrame

    Raises
    ------
    TableError
        If there is no such file, it is no UTF-8 text, or the table is empty, ragged, lacks a column, or
        holds a value that is not accepted.
    """
    if isinstance(source, pd.DataFrame):
        name, text, header_line, header = "table", None, 1, list(map(str, source))
    else:
        name, text = _read_text(source)
        header_line, header = next(_records(name, text), (1, []))
    columns = [column.strip() for column in header]
    _refuse_header(f"{shortened(name)}, line {header_line}", columns)
    if isinstance(source, pd.DataFrame):
        frame = _as_text(source)
    else:
        assert text is not None
        frame = _parse(name, text, len(columns))
    frame.columns = pd.Index(columns)
    if text is not None and _separator(text) != ",":
        for column in {*_MEASURES, "run_sd", "correct"} & {*columns}:
            frame[column] = _with_points(frame[column])
    table = Table(name, frame, text)
    _refuse_values(table)
    return table


def _read_text(source: str | Path) -> tuple[str, str]:
    """Name and text of a file."""
    name = "standard input" if str(source) == "-" else str(source)
    short = shortened(name)
    try:
        raw = read_bytes(source, pipes=True, until=b"\0")
    except ReadingError as error:
        raise TableError(f"{error}; a comma-separated text file is accepted") from None
    if raw.startswith(b"PK"):
        raise TableError(f"{short}: this is a workbook or archive; a table saved as CSV (UTF-8) is accepted")
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise TableError(f"{short}, line {line}: not UTF-8 text, which is what is accepted") from None
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        raise TableError(f"{short}, line {line}: holds a NUL byte; comma-separated UTF-8 text is accepted")
    return name, _without_line_quotes(text)


def _first_line(text: str) -> str:
    line = re.search(r"\S.*", text)
    return line[0] if line else ""


def _n_known(header: str, separator: str) -> int:
    """How many names of columns a header line holds."""
    try:
        fields = next(csv.reader([header], delimiter=separator), [])
    except csv.Error:
        return 0
    return sum(field.strip() in _KNOWN for field in fields)


def _separator(text: str) -> str:
    """That under which the first line holds most names of columns; a comma if none does."""
    header = _first_line(text)
    return max(_SEPARATED, key=lambda separator: _n_known(header, separator))


def _without_line_quotes(text: str) -> str:
    """The text, or if a spreadsheet has put each whole line in quotes, the lines without them."""
    header = _first_line(text).rstrip("\r")
    if not (quoted := _WHOLE_LINE.fullmatch(header)) or _n_known(header, ","):
        return text
    if not any(_n_known(quoted[1], separator) > 1 for separator in _SEPARATED):
        return text
    return _WHOLE_LINE.sub(lambda line: line[1].replace('""', '"'), text)


def _with_points(column: pd.Series) -> pd.Series:
    """A categorical column with points for decimal commas, of a file whose fields no comma separates."""
    points = column.cat.categories.astype(str).str.replace(r"^(\s*[+-]?\d*),(\d+\s*)$", r"\1.\2", regex=True)
    written = dict(zip(column.cat.categories, points, strict=True))
    return column.astype(str).replace(written).astype("category")


_ALSO_CALLED = {
    **dict.fromkeys(("mean", "acc", "avg", "pass_at_1", "pass@1", "exact_match"), "accuracy"),
    **dict.fromkeys(("n", "n_samples", "n_questions", "num_samples", "num_items"), "n_items"),
    **dict.fromkeys(("n_seeds", "num_seeds", "num_runs"), "n_runs"),
    **dict.fromkeys(("std", "sd", "stdev", "std_dev"), "run_sd"),
    **dict.fromkeys(("seed", "trial"), "run"),
    **dict.fromkeys(("dataset", "task"), "benchmark"),
    **dict.fromkeys(("method", "reward"), "arm"),
    "paper": "study",
}
"""Columns by the names that people give them; a hint, since what they hold is not certain."""


def _likely(column: str, columns: Collection[str], needed: Collection[str]) -> str:
    """The column that another is likely meant for, by a common name or by its letters; or nothing."""
    name = _ALSO_CALLED.get(column.strip().lower())
    if name is None:
        return _nearest(column, needed)
    return "" if name in columns else name


def _nearest(name: str, known: Collection[str], *, cutoff: float = 0.75) -> str:
    """The known name that `name` looks like, or nothing."""
    plain = re.sub(r"[\s-]+", "_", name.strip().lower())
    return next(iter(difflib.get_close_matches(plain, list(known), n=1, cutoff=cutoff)), "")


def _refuse_header(place: str, columns: Sequence[str]) -> None:
    """Refuse names of columns that are no table's."""
    accepted = (
        f"accepted are the columns {', '.join(ARMS_NEED)} and accuracy (or accuracy_percent), "
        f"or {', '.join(OUTCOMES_NEED)}"
    )
    if len(columns) > _MOST_COLUMNS:
        raise TableError(f"{place}: {len(columns):,} columns; at most {_MOST_COLUMNS:,} are accepted")
    if columns and re.fullmatch("sep=.?", columns[0]):
        raise TableError(
            f"{place}: {shown(columns[0])} is a spreadsheet's mark; column names are accepted here"
        )
    if not any(columns):
        raise TableError(f"{place}: the file is empty; {accepted}")
    repeated = sorted({column for column in columns if columns.count(column) > 1})
    if repeated:
        raise TableError(f"{place}: the column {shown(repeated[0])} stands twice; each is accepted once")
    measures = {*_MEASURES} & {*columns}
    per_item = "correct" in columns and not measures
    missing = [column for column in (OUTCOMES_NEED if per_item else ARMS_NEED) if column not in columns]
    if not per_item and not measures:
        missing.append("accuracy (or accuracy_percent)")
    others = [column for column in columns if column not in _KNOWN]
    if missing:
        needed = [name for name in (*ARMS_NEED, *OUTCOMES_NEED, *_MEASURES) if name not in columns]
        likely = {column: _likely(column, columns, needed) for column in others}
        hints = [f"did you mean {name} by {shown(column)}?" for column, name in likely.items() if name]
        raise TableError(f"{place}: missing {', '.join(missing)}; {' '.join([*hints, accepted])}")
    optional = [name for name in (OF_OUTCOMES if per_item else OF_ARMS) if name not in columns]
    for column in others:
        if name := _nearest(column, optional, cutoff=0.8):
            raise TableError(
                f"{place}: the column {shown(column)} is not known, did you mean {name}? "
                "Columns by other names are passed over"
            )
    if len(measures) > 1:
        raise TableError(f"{place}: accuracy and accuracy_percent both stand; one of them is accepted")


def _refuse_values(table: Table) -> None:
    """Refuse the first row with a value that its column does not take."""
    problems = []
    for column in [column for column in COLUMNS if column in table.frame]:
        categories = table.frame[column].cat
        values = pd.Series(categories.categories.astype(str).str.strip(), dtype=object)
        wrong = np.flatnonzero(~COLUMNS[column].fits(values).to_numpy(dtype=bool))
        if wrong.size:
            row = int(np.flatnonzero(np.isin(categories.codes, wrong))[0])
            problems.append((row, column, str(table.frame[column].iloc[row])))
    if problems:
        row, column, value = min(problems)
        likely = _nearest(value, COLUMNS[column].choices)
        raise TableError(
            f"{table.place(row)}: {column} must be {COLUMNS[column].accepted}, got {shown(value)}"
            + (f"; did you mean {likely}?" if likely else "")
        )


def _parse(name: str, text: str, n_columns: int) -> pd.DataFrame:
    """Fields as they stand; blank lines are passed over, ragged ones refused."""
    separator = _separator(text)
    accepted = f"lines of {n_columns} {_SEPARATED[separator]} fields are accepted"
    try:
        frame = pd.read_csv(io.StringIO(text), sep=separator, dtype=str, na_filter=False, low_memory=False)
    except ValueError as error:
        _refuse_ragged(name, text, n_columns)
        problem = str(error).removeprefix("Error tokenizing data. C error: ").strip()
        raise TableError(f"{shortened(name)}, line 1 or below: {problem}; {accepted}") from None
    # Counting separators is a thousand times cheaper than reading again, and exact without quotes.
    if '"' in text or text.count(separator) != (n_columns - 1) * (len(frame) + 1):
        _refuse_ragged(name, text, n_columns)
    if frame.empty:
        raise TableError(f"{shortened(name)}, line 2: {_NO_ROWS}")
    # Not dtype="category" at reading: that turns categories into numbers, and 0.50 must stay 0.50.
    return frame.astype("category")


def _as_text(frame: pd.DataFrame) -> pd.DataFrame:
    """A data frame as a file of it would be read, each distinct value written once."""
    if frame.empty:
        raise TableError(f"table, line 2: {_NO_ROWS}")
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
                f"{shortened(name)}, line {line}: has {counted(len(record), 'field')}; "
                f"{n_columns} {_SEPARATED[_separator(text)]} fields are accepted, as in the header"
            )


def _records(name: str, text: str) -> Iterator[tuple[int, list[str]]]:
    """First line and fields of each record that is not blank."""
    separator = _separator(text)
    reader = csv.reader(io.StringIO(text, newline=""), strict=True, delimiter=separator)
    start = 1
    try:
        for record in reader:
            if record and not (len(record) == 1 and not record[0].strip()):
                yield start, record
            start = reader.line_num + 1
    except csv.Error as error:
        raise TableError(
            f"{shortened(name)}, line {start}: {error}; {_SEPARATED[separator]} text is accepted"
        ) from None
