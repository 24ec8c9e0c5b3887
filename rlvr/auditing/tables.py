"""Read tables into checked columns: the accepted columns, values and ways of writing.

There are two formats, both UTF-8 text with a header line:

* arms: one row per arm, or per training run of an arm (then with ``seed`` or ``run``), with ``arm, accuracy
  (or accuracy_percent), n_items`` and optional columns (:data:`NAMES`, :data:`OF_ARMS`, :data:`REMARKS`);
* outcomes: one row per answered item, with ``arm, item, correct``, ``run`` (or ``seed``) where an arm has
  several runs, and the optional columns :data:`NAMES`, :data:`OF_OUTCOMES`, ``cluster`` (the question of
  which an item is a variant) and ``source``.

Commas, semicolons or tabs separate fields. Changes by spreadsheets (decimal commas between semicolons, whole
lines in quotes) are undone. An error about a misspelt name suggests the likely one. Each distinct text of a
column is checked once, so checking a million rows takes little longer than reading them. Files are read
without pandas, whose import would take most of the time of a small audit.
"""

from __future__ import annotations

import csv
import io
import math
import re
import sys
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, TypeGuard

import numpy as np
from numpy.typing import NDArray

from rlvr._checks import counted, shortened, shown
from rlvr._reading import ReadingError, read_bytes
from rlvr.arms import ARMS
from rlvr.auditing.header_hints import ALSO_CALLED, likely_column, nearest, plain_name, shape_hints
from rlvr.logs.decoding import DECODINGS

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "ARMS_NEED", "ARM_NAMES", "COLUMNS", "COMPARABLE", "NAMES", "OF_ARMS", "OF_OUTCOMES", "OUTCOMES_NEED",
    "REMARKS", "RUN_NAMES", "Column", "Table", "TableError", "arm_name", "as_number", "is_frame",
    "read_table",
]  # fmt: skip

NAMES = ("study", "model", "benchmark")
"""Columns that name the subject of a row; without one, all rows have one subject, and a notice says so."""

ARMS_NEED = ("arm", "n_items")
"""Required columns of the arms format, besides ``accuracy`` or ``accuracy_percent``."""

OUTCOMES_NEED = ("arm", "run", "item", "correct")
"""Columns of the outcomes format; without ``run`` (or ``seed``), each arm has one run."""

RUN_NAMES = ("seed", "run")
"""Columns of the arms format, either of which makes each row a training run; arms are paired by them."""

_COMMON_NAMES = {
    "frozen": ("base", "baseline", "before", "untrained"),
    "random": ("coin", "coin flip", "placebo"),
    "majority": ("maj", "majority vote", "ttrl", "vote"),
    "true": ("correct", "ground truth", "gt", "verifier"),
}
ARM_NAMES: Mapping[str, str] = {
    f"{name}{ending}": arm
    for arm, names in _COMMON_NAMES.items()
    for name in (arm, *names)
    for ending in ("", " reward", " rewards", " arm", " model")
}
"""Arms by their common names, in lower case with spaces."""

OF_OUTCOMES = ("setup", "role", "samples_per_item", "comparable", "decoding")
"""Optional columns that affect the computations from outcomes; ``source`` is read too."""

OF_ARMS = (*OF_OUTCOMES, "n_runs", "run_sd", "run_sd_runs", "n_evaluations")
"""Optional columns that affect the computations from arms, so a misspelt one is refused."""

REMARKS = ("flag", "arm_label", "metric", "how_read", "source", "note")
"""Optional columns that are only shown; ``rlvr/data/README.md`` defines each."""

COMPARABLE = ("no", "near", "strict")
"""How comparable an arm's setup is with that of its cell, from worst to best."""

_MOST_COLUMNS, _MOST_HINTS = 1_000, 4
_MEASURES = ("accuracy", "accuracy_percent")
_KNOWN = {*NAMES, *ARMS_NEED, *OUTCOMES_NEED, *OF_ARMS, *REMARKS, *RUN_NAMES, *_MEASURES, "cluster"}
_OTHER_NAMES = frozenset(("run_id", "mode", "modes"))
"""Columns of loggers that are spelt almost like one of ours."""
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?", re.IGNORECASE | re.ASCII)
_SEPARATED = {",": "comma-separated", ";": "semicolon-separated", "\t": "tab-separated"}
_WHOLE_LINE = re.compile(r'^"((?:[^"\r\n]|"")*)"(?=\r?$)', re.MULTILINE)
_NO_ROWS = "no rows below the header; one row an arm or an item is accepted"


class TableError(ValueError):
    """A table cannot be audited; the message names file, line and what is accepted."""


@dataclass(frozen=True)
class Column:
    """The distinct texts of a column, and the code of the text in each row."""

    values: Sequence[str]
    codes: NDArray[np.int32]

    def texts(self) -> list[str]:
        """Return the text of each row, without the spaces around."""
        stripped = [value.strip() for value in self.values]
        return [stripped[code] for code in self.codes.tolist()]


class _Accepted(NamedTuple):
    """Which texts a column accepts, and their description in an error message."""

    fits: Callable[[str], bool]
    accepted: str
    choices: tuple[str, ...] = ()


def as_number(text: str) -> float:
    """Read a number written in digits, with a point or an exponent; NaN for any other text."""
    return float(text) if _NUMBER.fullmatch(text) else math.nan


def arm_name(text: str) -> str:
    """Return the arm that a text names, or an empty text.

    Examples
    --------
    >>> arm_name("random_reward"), arm_name("GT"), arm_name("step 100")
    ('random', 'true', '')
    """
    return ARM_NAMES.get(re.sub(r"[\s_-]+", " ", text.strip().lower()), "")


def is_frame(source: object) -> TypeGuard[pd.DataFrame]:
    """Whether an object is a data frame, tested without loading pandas."""
    pandas = sys.modules.get("pandas")
    return pandas is not None and isinstance(source, pandas.DataFrame)


def _number(accepted: str, low: float, high: float, *, whole: bool = False, blank: bool = True) -> _Accepted:
    def fits(text: str) -> bool:
        number = as_number(text)
        return low <= number <= high and not (whole and number % 1) if text else blank

    return _Accepted(fits, accepted + (", or empty" if blank else ""))


def _one_of(*names: str) -> _Accepted:
    fitting = {"", *names}
    return _Accepted(lambda text: text.lower() in fitting, f"one of {', '.join(names)}, or empty", names)


def _right_or_wrong(text: str) -> bool:
    return 0 <= as_number(text) <= 1 or text.lower() in ("true", "false")


_NAMED = _Accepted(bool, "a name, not empty")
_WHOLE = _number("a whole number from 1 to 1,000,000,000", 1, 1e9, whole=True)
_GROUPED = re.compile(r"[1-9]\d{0,2}(\.\d{3})+")
_COUNT = _Accepted(lambda text: _WHOLE.fits(text) and not _GROUPED.fullmatch(text), _WHOLE.accepted)
COLUMNS: Mapping[str, _Accepted] = {
    "study": _NAMED,
    "model": _NAMED,
    "benchmark": _NAMED,
    "run": _NAMED,
    "item": _NAMED,
    "arm": _Accepted(
        lambda text: bool(arm_name(text)),
        f"one of {', '.join(ARMS)}, or a common name of one such as base, coin, vote or gt",
        ARMS,
    ),
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
    "cluster": _NAMED,
    "correct": _Accepted(
        _right_or_wrong, "0 or 1 (or true, false, or the fraction of the item's samples that were right)"
    ),
}
"""The accepted values of each column; a column that is not named here accepts any text."""


@dataclass(frozen=True)
class Table:
    """Checked columns, and the lines of their rows.

    ``text`` is that of the file, None for a data frame. ``notices`` state the assumptions made in reading.
    """

    name: str
    columns: Mapping[str, Column]
    text: str | None
    notices: tuple[str, ...] = ()

    @property
    def n_rows(self) -> int:
        return len(next(iter(self.columns.values())).codes)

    @property
    def per_item(self) -> bool:
        """Whether a row is an answered item instead of an arm or a run."""
        return _is_per_item(self.columns)

    @cached_property
    def frame(self) -> pd.DataFrame:
        """The columns as a data frame of categories."""
        import pandas as pd

        columns = {
            name: pd.Categorical.from_codes(column.codes, np.array(column.values, dtype=object))
            for name, column in self.columns.items()
        }
        return pd.DataFrame(columns)

    @cached_property
    def lines(self) -> Sequence[int]:
        """The line of the file where each row starts; for a data frame, that in a file written from it."""
        n_rows, text = self.n_rows, self.text
        if text is None or ('"' not in text and "\r" not in text and text.rstrip("\n").count("\n") == n_rows):
            return range(2, n_rows + 2)  # one line a row: no need to read a million of them again
        return [line for line, _ in _records(self.name, text)][1:]

    def place(self, row: int) -> str:
        """Return the name of a row in an error message; 0 is the first row below the header."""
        return f"{shortened(self.name)}, line {self.lines[min(row, len(self.lines) - 1)]}"


def read_table(source: str | Path | pd.DataFrame) -> Table:
    """Read and check a table.

    Parameters
    ----------
    source : path, "-" (standard input) or DataFrame

    Raises
    ------
    TableError
        If the file does not exist or is not UTF-8 text, or if the table is empty, is ragged, lacks a column
        or holds a value that is not accepted.
    """
    if is_frame(source):
        source = _flat(source)
        name, text, header_line, header = "table", None, 1, list(source)
    elif not isinstance(source, (str, Path)):
        raise TableError(
            f"a table must be a path or a pandas DataFrame, got {shown(source)} of type "
            f"{type(source).__name__}; pandas.DataFrame(rows) of a list of records and read_logs(...).table "
            "are accepted"
        )
    else:
        name, text = _read_text(source)
        header_line, header = next(_records(name, text), (1, []))
    names = [column.strip() for column in header]
    if _is_per_item(names) and "run" not in names:
        names = ["run" if column == "seed" else column for column in names]
    notices = _refuse_header(
        f"{shortened(name)}, line {header_line}", names, lambda: _later_header(text or "", header_line, names)
    )
    if is_frame(source):
        read = _as_text(source)
    else:
        assert text is not None
        read = _parse(name, text, len(names))
        _refuse_unnamed(name, header_line, names, read)
    columns = dict(zip(names, read, strict=True))
    if text is not None and _separator(text) != ",":
        for column in sorted({*_MEASURES, "run_sd", "correct"} & {*columns}):
            columns[column] = _with_points(columns[column])
    if _is_per_item(names) and "run" not in names:
        columns["run"] = Column(["1"], np.zeros_like(next(iter(columns.values())).codes))
        notices += ("no column run: all rows of an arm are taken as one run",)
    table = Table(name, columns, text, notices)
    _refuse_values(table)
    return table


def _is_per_item(columns: Collection[str]) -> bool:
    return "correct" in columns and not {*_MEASURES} & {*columns}


def _read_text(source: str | Path) -> tuple[str, str]:
    """Return the name and the text of a file."""
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
    """Count the known names of columns in a header line."""
    try:
        fields = next(csv.reader([header], delimiter=separator), [])
    except csv.Error:
        return 0
    return sum(field.strip() in _KNOWN for field in fields)


def _later_header(text: str, line: int, columns: Sequence[str]) -> str:
    """Name a line below `line` that holds more names of columns, as below a title; or an empty text."""
    for number, header in enumerate(text.splitlines()[:10], 1):
        n_known = max(_n_known(header, separator) for separator in _SEPARATED)
        if number > line and n_known > max(1, len({*columns} & _KNOWN)):
            return f"line {number} names columns: the table is accepted without the lines above it;"
    return ""


def _separator(text: str) -> str:
    """Return the separator that gives most known columns in the first line; a comma if none does."""
    header = _first_line(text)
    return max(_SEPARATED, key=lambda separator: _n_known(header, separator))


def _without_line_quotes(text: str) -> str:
    """Return the text, without the quotes that a spreadsheet may have put around each whole line."""
    header = _first_line(text).rstrip("\r")
    if not (quoted := _WHOLE_LINE.fullmatch(header)) or _n_known(header, ","):
        return text
    if not any(_n_known(quoted[1], separator) > 1 for separator in _SEPARATED):
        return text
    return _WHOLE_LINE.sub(lambda line: line[1].replace('""', '"'), text)


def _with_points(column: Column) -> Column:
    """Replace decimal commas by points in a column of a file that commas do not separate."""
    number = _Numbering()
    points = [re.sub(r"^(\s*[+-]?\d*),(\d+\s*)$", r"\1.\2", value) for value in column.values]
    codes = np.array([number[value] for value in points], dtype=np.int32)
    return Column([*number], codes[column.codes])


def _refuse_header(place: str, columns: Sequence[str], below: Callable[[], str]) -> tuple[str, ...]:
    """Refuse unacceptable names of columns; return what is assumed. `below` names a later header line."""
    accepted = (
        f"accepted are the columns {', '.join(ARMS_NEED)} and accuracy (or accuracy_percent), "
        f"or {', '.join(OUTCOMES_NEED)}; with either {', '.join(NAMES)}"
    )
    if len(columns) > _MOST_COLUMNS:
        raise TableError(f"{place}: {len(columns):,} columns; at most {_MOST_COLUMNS:,} are accepted")
    if columns and re.fullmatch("sep=.?", columns[0]):
        raise TableError(
            f"{place}: {shown(columns[0])} is a line for spreadsheets; the names of "
            "the columns are accepted here"
        )
    if not any(columns):
        raise TableError(f"{place}: the file is empty; {accepted}")
    repeated = sorted({column for column in columns if column and columns.count(column) > 1})
    if repeated:
        raise TableError(f"{place}: the column {shown(repeated[0])} appears twice; each is accepted once")
    measures = {*_MEASURES} & {*columns}
    per_item = _is_per_item(columns)
    required = [name for name in (OUTCOMES_NEED if per_item else ARMS_NEED) if name != "run"]
    missing = [column for column in required if column not in columns]
    if not per_item and not measures:
        missing.append("accuracy (or accuracy_percent)")
    others = [column for column in columns if column not in _KNOWN]
    if missing:
        needed = [name for name in (*NAMES, *ARMS_NEED, *OUTCOMES_NEED, *_MEASURES) if name not in columns]
        likely = {column: likely_column(column, columns, needed) for column in others if len(columns) > 1}
        hints = [f"did you mean {name} by {shown(column)}?" for column, name in likely.items() if name]
        hints += shape_hints(columns, _KNOWN, arm_name)
        if later := below():
            hints = [later]
        raise TableError(
            f"{place}: missing {', '.join(missing)}; {' '.join([*hints[:_MOST_HINTS], accepted])}"
        )
    more = ("run", "cluster") if per_item else RUN_NAMES
    optional = [
        name for name in (*NAMES, *(OF_OUTCOMES if per_item else OF_ARMS), *more) if name not in columns
    ]
    for column in others:
        name = ALSO_CALLED.get(plain_name(column), "")
        if name not in NAMES:  # trackers give each run an id, beside its seed
            name = "" if plain_name(column) in _OTHER_NAMES else nearest(column, optional, cutoff=0.8)
        if name in optional:
            raise TableError(
                f"{place}: the column {shown(column)} is not known, did you mean {name}? "
                "Columns of other names are ignored"
            )
    if len(measures) > 1:
        raise TableError(
            f"{place}: the columns accuracy and accuracy_percent are both given; one of them is accepted"
        )
    if not per_item and {*RUN_NAMES} <= {*columns}:
        raise TableError(
            f"{place}: the columns {' and '.join(RUN_NAMES)} are both given; the one that "
            "tells runs apart is accepted"
        )
    passed_over = [
        f"the column {shown(column)} is ignored; {name} is read"
        for column in others
        if (name := ALSO_CALLED.get(plain_name(column), "")) in optional
    ]
    if not per_item and "samples_per_item" in optional:
        passed_over += [
            f"the column {shown(column)} is ignored; samples_per_item is read"
            for column in others
            if plain_name(column) in ("n_samples", "num_samples", "samples", "num_generations", "k")
        ]
    if not per_item and "cluster" in columns:
        passed_over.append("the column cluster is ignored; it needs one row an item")
    assumed = [name for name in NAMES if name not in columns]
    one = " and ".join(f"one {name}" for name in assumed)
    return tuple([f"no column {' or '.join(assumed)}: all rows are taken as {one}"] * bool(one) + passed_over)


def _refuse_values(table: Table) -> None:
    """Refuse the first row with a value that its column does not accept."""
    problems = []
    for name in [name for name in COLUMNS if name in table.columns]:
        if name == "run" and not table.per_item:  # in the arms format, an arm's only run may have no name
            continue
        values, codes = table.columns[name].values, table.columns[name].codes
        fits = COLUMNS[name].fits
        wrong = [code for code, value in enumerate(values) if not fits(value.strip())]
        if wrong:
            row = int(np.flatnonzero(np.isin(codes, wrong))[0])
            problems.append((row, name, values[codes[row]]))
    if problems:
        row, name, value = min(problems)
        likely = nearest(value, COLUMNS[name].choices)
        raise TableError(
            f"{table.place(row)}: {name} must be {COLUMNS[name].accepted}, got {shown(value)}"
            + (f"; did you mean {likely}?" if likely else "")
            + (
                "; a point between thousands is not accepted"
                if COLUMNS[name] is _COUNT and _GROUPED.fullmatch(value.strip())
                else ""
            )
            + ("; did you mean no result? The row must be left out" if _is_missing(name, value) else "")
        )


def _is_missing(name: str, value: str) -> bool:
    absent = ("", "-", "–", "—", "nan", "na", "n/a", "none", "null", "?")
    return name in _MEASURES and value.strip().lower() in absent


class _Numbering(dict[str, int]):
    """Number each distinct text in the order of first appearance."""

    def __missing__(self, text: str) -> int:
        return self.setdefault(text, len(self))


def _parse(name: str, text: str, n_columns: int) -> list[Column]:
    """Read the fields unchanged; skip blank lines and refuse ragged ones."""
    reader = csv.reader(io.StringIO(text, newline=""), strict=True, delimiter=_separator(text))
    rows = filter(_is_row, reader)
    numbers = [_Numbering() for _ in range(n_columns)]
    codes: list[list[NDArray[np.int32]]] = [[] for _ in numbers]
    try:
        next(rows, None)
        while block := list(islice(rows, 20_000)):
            if {*map(len, block)} != {n_columns}:
                _refuse_ragged(name, text, n_columns)
            for number, parts, fields in zip(numbers, codes, zip(*block, strict=True), strict=True):
                parts.append(np.fromiter(map(number.__getitem__, fields), np.int32, len(block)))
    except csv.Error:
        _refuse_ragged(name, text, n_columns)
    if not codes[0]:
        raise TableError(f"{shortened(name)}, line 2: {_NO_ROWS}")
    return [Column([*number], np.concatenate(parts)) for number, parts in zip(numbers, codes, strict=True)]


def _is_row(record: Sequence[str]) -> bool:
    """Whether a record is not blank; a spreadsheet writes a blank line with its commas."""
    return bool(record) and (bool(record[0].strip()) or any(field.strip() for field in record))


def _flat(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a frame whose known columns are no index, as after a groupby, with texts as names of columns."""
    indexed = [name for name in frame.index.names if isinstance(name, str) and name.strip() in _KNOWN]
    names = [
        "_".join(map(str, filter(None, name))) if isinstance(name, tuple) else str(name) for name in frame
    ]
    flat = frame.set_axis(names, axis=1)
    return flat.reset_index([name for name in indexed if name not in names]) if indexed else flat


def _as_text(frame: pd.DataFrame) -> list[Column]:
    """Read a data frame like a file written from it, converting each distinct value once."""
    import pandas as pd

    if frame.empty:
        raise TableError(f"table, line 2: {_NO_ROWS}")
    columns = []
    for place in range(frame.shape[1]):
        column = frame.iloc[:, place]
        try:
            codes, values = pd.factorize(column)
        except TypeError:
            raise TableError(
                f"table, line 2: the column {shown(str(frame.columns[place]))} holds lists or arrays; one "
                "number or text a row is accepted"
            ) from None
        number = _Numbering()
        texts = [*map(str, values), *[""] * bool((codes < 0).any())]  # a missing value has code -1
        written = np.array([number[text] for text in texts], dtype=np.int32)
        columns.append(Column([*number], written[codes]))
    return columns


def _refuse_unnamed(name: str, line: int, columns: Sequence[str], read: Sequence[Column]) -> None:
    """Refuse numbers below no name, as decimal commas between commas leave; an index may come first."""
    for number, (column, values) in enumerate(zip(columns, read, strict=True), 1):
        texts = [text for value in values.values if (text := value.strip())]
        if number > 1 and not column and texts and not any(map(math.isnan, map(as_number, texts))):
            raise TableError(
                f"{shortened(name)}, line {line}: column {number} has no name but holds numbers such as "
                f"{shown(texts[0])}; a name for each column is accepted, and a comma in a number only within "
                "quotes or between semicolons"
            )


def _refuse_ragged(name: str, text: str, n_columns: int) -> None:
    for line, record in _records(name, text):
        if len(record) != n_columns:
            raise TableError(
                f"{shortened(name)}, line {line}: has {counted(len(record), 'field')}; "
                f"{n_columns} {_SEPARATED[_separator(text)]} fields are accepted, as in the header"
            )


def _records(name: str, text: str) -> Iterator[tuple[int, list[str]]]:
    """Yield the first line number and the fields of each record that is not blank."""
    separator = _separator(text)
    reader = csv.reader(io.StringIO(text, newline=""), strict=True, delimiter=separator)
    start = 1
    try:
        for record in reader:
            if _is_row(record):
                yield start, record
            start = reader.line_num + 1
    except csv.Error as error:
        raise TableError(
            f"{shortened(name)}, line {start}: {error}; {_SEPARATED[separator]} text is accepted"
        ) from None
