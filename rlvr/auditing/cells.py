"""Gather the rows of tables into cells of arms.

A *cell* is study x setup x model x benchmark; its arms are compared with each other. The two formats of a
table are in :mod:`rlvr.auditing.tables`. An error names the file, the line and what is accepted; no value is
guessed.
"""

from __future__ import annotations

import math
import statistics
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from rlvr._checks import counted, plain, shortened, shown
from rlvr.arms import ARMS
from rlvr.auditing.cell_names import name_notices, size_notices
from rlvr.auditing.tables import (
    COMPARABLE,
    NAMES,
    OF_OUTCOMES,
    OUTCOMES_NEED,
    RUN_NAMES,
    Table,
    TableError,
    arm_name,
    as_number,
    is_frame,
    read_table,
)
from rlvr.auditing.unlike_rows import (
    fractions_notice,
    progress_columns,
    refuse_checkpoints,
    refuse_metrics,
    refuse_other_items,
    refuse_other_questions,
    refuse_temperatures,
    settings_notices,
    steps_notice,
    told_apart_by,
)
from rlvr.logs.decoding import different_decodings
from rlvr.stats.sampling import FEWEST_CLUSTERS, effective_clusters

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Arm", "Cell", "read_cells"]

_CELL = ("study", "setup", "model", "benchmark")
_WIDE = 0.2  # few spreads on record are wider; these may be points beside fractions
_Key = tuple[str, str, str, str]
_PLAIN = frozenset((str, int, float, tuple, type(None)))
_Row = tuple[_Key, str, "Arm", list[str]]


@dataclass(frozen=True)
class Arm:
    """One arm of one cell; accuracies and ``run_sd`` are fractions, None where the table states no value.

    ``run_sd_runs`` is the number of runs behind ``run_sd``, if that differs from the arm's ``n_runs``.
    ``decoding`` is one of :data:`rlvr.logs.decoding.DECODINGS`, or empty if unknown. With one row per run,
    ``run_accuracies`` holds the accuracy of each run and ``seeds`` their names, if they have any. With one
    row per item, ``outcomes`` is an ndarray (run, item) of correctness in [0, 1] whose columns ``items``
    names; ``clusters`` names the question of which each item is a variant, if the table does.
    """

    name: str
    accuracy: float
    n_items: int | None = None
    samples_per_item: int | None = None
    n_runs: int | None = None
    run_sd: float | None = None
    comparable: str = "strict"
    flag: str = ""
    label: str = ""
    source: str = ""
    note: str = ""
    file: str = ""
    line: int = 0
    run_sd_runs: int | None = None
    decoding: str = ""
    seeds: tuple[str, ...] = ()
    run_accuracies: tuple[float, ...] = ()
    items: NDArray | None = field(default=None, repr=False, compare=False)
    outcomes: NDArray[np.float64] | None = field(default=None, repr=False, compare=False)
    clusters: NDArray | None = field(default=None, repr=False, compare=False)

    def __post_init__(self) -> None:
        if not _PLAIN.issuperset(map(type, vars(self).values())):
            for name, value in vars(self).items():
                object.__setattr__(self, name, plain(value))
        if self.outcomes is not None:
            object.__setattr__(self, "outcomes", np.asarray(self.outcomes, dtype=float))


@dataclass(frozen=True)
class Cell:
    """The arms of one study x setup x model x benchmark, in the order of ``ARMS``.

    ``alternatives`` holds further evaluations of an arm (another prompt or algorithm).
    """

    study: str
    setup: str
    model: str
    benchmark: str
    arms: Mapping[str, Arm]
    alternatives: tuple[Arm, ...] = ()
    notices: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        return " / ".join(part for part in (self.study, self.setup, self.model, self.benchmark) if part)

    @property
    def decodings(self) -> dict[str, str]:
        return {name: arm.decoding for name, arm in self.arms.items()}


def read_cells(tables: str | Path | pd.DataFrame | Iterable[str | Path | pd.DataFrame]) -> list[Cell]:
    """Read and check tables, and gather their rows into cells.

    Parameters
    ----------
    tables : path, "-" (standard input) or DataFrame, or an iterable of these
        Each in either format.

    Returns
    -------
    list of Cell
        In the order of first appearance.

    Raises
    ------
    TableError
        If a table is not acceptable; the message names file, line, value and what is accepted.

    Examples
    --------
    >>> import pandas as pd
    >>> table = pd.DataFrame({"study": "s", "model": "m", "benchmark": "b", "arm": ["frozen", "true"],
    ...                       "accuracy_percent": [49.4, 78.6], "n_items": 500})
    >>> [(arm.name, arm.accuracy) for arm in read_cells([table])[0].arms.values()]
    [('frozen', 0.494), ('true', 0.786)]
    """
    given: Any = tables
    single = isinstance(given, (str, Path, Mapping)) or is_frame(given) or not isinstance(given, Iterable)
    sources = [given] if single else list(given)
    if not sources:
        raise TableError("no table was given; name at least one file, or - for standard input")
    found: dict[_Key, tuple[dict[str, Arm], list[Arm], list[str]]] = {}
    for table in map(read_table, sources):
        known = {*found}
        for key, role, arm, remarks in (_outcome_rows if table.per_item else _arm_rows)(table):
            arms, alternatives, notices = found.setdefault(key, ({}, [], []))
            if key not in known:
                known.add(key)
                notices += table.notices
            if role == "alternative":  # an arm may have any number of alternatives
                alternatives.append(arm)
            elif (before := arms.setdefault(arm.name, arm)) is not arm:
                raise TableError(
                    f"{_place(arm)}: the {arm.name} arm of {_cell_name(key)} is already in "
                    f"{_place(before)}; one row an arm is accepted. A column seed tells runs apart, "
                    "a column setup tells two tables of one study apart, and the role alternative marks "
                    "another reading"
                )
            notices += [notice for notice in remarks if notice not in notices]
    cells = []
    of_names = name_notices({key: arms for key, (arms, _, _) in found.items()})
    sizes = {
        key: [arm.n_items for arm in arms.values() if arm.n_items] for key, (arms, _, _) in found.items()
    }
    for key, (arms, alternatives, notices) in found.items():
        in_order = {name: arms[name] for name in ARMS if name in arms}
        cell = Cell(
            *key,
            in_order,
            tuple(alternatives),
            (*notices, *of_names.get(key, ()), *size_notices(key[3], sizes[key])),
        )
        answered = {name: arm.items for name, arm in in_order.items() if arm.items is not None}
        if answered or any(arm.decoding for arm in in_order.values()):
            places = {name: _place(arm) for name, arm in in_order.items()}
            if problem := different_decodings(cell.decodings, places):
                raise TableError(f"{_cell_name(key)}: {problem}")
            refuse_other_items(answered, places)
        _refuse_clusters(cell)
        cells.append(cell)
    return cells


def _place(arm: Arm) -> str:
    return f"{shortened(arm.file)}, line {arm.line}"


def _cell_name(key: _Key) -> str:
    return shortened(" / ".join(filter(None, key)))


def _read_words(table: Table, rows: Iterable[tuple[object, str, int]]) -> list[str]:
    """Report how common names of arms were read; refuse two names of one arm in a cell and role."""
    if {value.strip().lower() for value in table.columns["arm"].values} <= {*ARMS}:
        return []
    words: dict[tuple[object, str], str] = {}
    for cell, word, row in rows:
        name = arm_name(word)
        before = words.setdefault((cell, name), word)
        if before.lower() != word.lower():
            raise TableError(
                f"{table.place(row)}: {shown(before)} and {shown(word)} are both names of the {name} "
                "arm; one of them is accepted"
            )
    used = sorted({word.lower() for word in words.values()} - {*ARMS})
    read = ", ".join(f"{shortened(word)} is {arm_name(word).upper()}" for word in used)
    return [f"arms by their common names: {read}"] * bool(used)


def _converted(table: Table, name: str, convert: Callable[[str], Any], absent: str = "") -> list[Any]:
    """Convert a column, once for each distinct text."""
    if name not in table.columns:
        return [convert(absent)] * table.n_rows
    values, codes = table.columns[name].values, table.columns[name].codes
    distinct = [convert(value.strip()) for value in values]
    return [distinct[code] for code in codes.tolist()]


def _count(text: str) -> int | None:
    return int(float(text)) if text else None


def _seed(text: str) -> str:
    """The name of a run; whole numbers are equal however a program has written them (1 and 1.0)."""
    return str(int(number)) if (number := as_number(text)).is_integer() and abs(number) < 2**53 else text


def _arm_rows(table: Table) -> Iterator[_Row]:
    """Yield cell, role, arm and notices of each arm of the arms format."""
    measure = "accuracy" if "accuracy" in table.columns else "accuracy_percent"
    unit = 1.0 if measure == "accuracy" else 100.0
    printed = _converted(table, measure, str)
    spreads = _converted(table, "run_sd", str)
    keys = list(zip(*(_converted(table, name, str, name * (name in NAMES)) for name in _CELL), strict=True))
    roles = [role or "arm" for role in _converted(table, "role", str.lower)]
    words, names = _converted(table, "arm", str), _converted(table, "arm", arm_name)
    in_cell: dict[_Key, list[float]] = {}
    if unit == 100.0:
        for key, value in zip(keys, printed, strict=True):
            in_cell.setdefault(key, []).append(float(value))
    columns = {
        "n_items": _converted(table, "n_items", _count),
        "samples_per_item": _converted(table, "samples_per_item", _count),
        "n_runs": _converted(table, "n_runs", _count),
        "run_sd_runs": _converted(table, "run_sd_runs", _count),
        "comparable": _converted(table, "comparable", lambda text: text.lower() or "strict"),
        "flag": _converted(table, "flag", str),
        "label": _converted(table, "arm_label", str),
        "source": _converted(table, "source", str),
        "note": _converted(table, "note", str),
        "decoding": _converted(table, "decoding", str.lower),
    }
    evaluations = _converted(table, "n_evaluations", _count)
    n_graded = [
        (n or 0) * (samples or 1) * (times or 1)
        for n, samples, times in zip(
            columns["n_items"], columns["samples_per_item"], evaluations, strict=True
        )
    ]
    wholes = _near_whole(printed, unit, n_graded)
    odd = Counter(key for key, n, whole in zip(keys, n_graded, wholes, strict=True) if n and not whole)
    tiny = {key for key, values in in_cell.items() if 0 < max(values) <= 1 and odd[key] > 1}
    renamed = _read_words(table, (((keys[row], roles[row]), word, row) for row, word in enumerate(words)))
    runs = next((name for name in RUN_NAMES if name in table.columns), None)
    seeds = _converted(table, runs, _seed) if runs else []
    repeated: dict[tuple[_Key, str], list[tuple[int, Arm, list[str]]]] = {}
    unlike = _unlike_rows(table, keys, roles, names, seeds)
    lines = table.lines
    for row, values in enumerate(zip(*columns.values(), strict=True)):
        value, key = float(printed[row]), keys[row]
        if unit == 100.0 and not wholes[row] and _looks_like_a_fraction(value, in_cell[key]):
            raise TableError(
                f"{table.place(row)}: accuracy_percent {shortened(printed[row])} is no whole number of "
                "answers and would fit the other arms of its cell as a fraction; percentages alone are "
                "accepted here"
            )
        run_sd = float(spreads[row]) / unit if spreads[row] else None
        if run_sd is not None and run_sd > 0.5:
            raise TableError(
                f"{table.place(row)}: run_sd must be at most half the range of accuracy, in the unit of "
                f"the accuracy column, got {shown(spreads[row])}"
            )
        arm = Arm(
            names[row],
            # Rounding to fifteen digits makes 78.6 percent the same number as 0.786.
            round(value / unit, 15),
            run_sd=run_sd,
            file=table.name,
            line=lines[row],
            **dict(zip(columns, values, strict=True)),
        )
        notices = list(renamed)
        if run_sd is not None and run_sd > _WIDE:
            notices.append(
                f"line {arm.line}: run_sd {shortened(spreads[row])} is read as {100 * run_sd:.4g} points, in "
                "the unit of the accuracy"
            )
        if n_graded[row] and not wholes[row]:
            answers = counted(n_graded[row], "graded answer")
            notices.append(f"line {arm.line}: {shortened(printed[row])} is no whole number of {answers}")
        if key in tiny:
            notices.append("no accuracy_percent of this cell is above 1; fractions go in a column accuracy")
        if unit == 100.0 and n_graded[row] and wholes[row] and _looks_like_a_fraction(value, in_cell[key]):
            notices.append(
                f"line {arm.line}: accuracy_percent {shortened(printed[row])} is read as {value:g}%, though "
                "it would fit the other arms of its cell as a fraction"
            )
        if runs and roles[row] == "arm":
            repeated.setdefault((key, arm.name), []).append((row, arm, notices))
        else:
            yield key, roles[row], arm, [*notices, *unlike.get(key, ())] if roles[row] == "arm" else notices
    for (key, _), group in repeated.items():
        rows, each = [row for row, _, _ in group], [arm for _, arm, _ in group]
        merged, more = _mean_of_runs(each, [seeds[row] for row in rows], [spreads[row] for row in rows], unit)
        notes = [*(line for _, _, notices in group for line in notices), *more, *unlike.get(key, ())]
        yield key, "arm", merged, notes


def _unlike_rows(
    table: Table, keys: Sequence[_Key], roles: Sequence[str], names: Sequence[str], seeds: Sequence[str]
) -> dict[_Key, list[str]]:
    """Refuse checkpoints among the rows of an arm, and return each cell's notices about differing runs."""
    cells: dict[_Key, dict[str, list[int]]] = {}
    for row, (key, role, name) in enumerate(zip(keys, roles, names, strict=True)):
        if role == "arm":
            cells.setdefault(key, {}).setdefault(name, []).append(row)
    notices, progress = {}, progress_columns(table)
    for key, rows_of in cells.items():
        for name, rows in rows_of.items():
            if len(rows) > 1:
                where = f"the {name} arm"
                refuse_checkpoints(table, rows, [seeds[row] for row in rows if seeds], where, progress)
                _refuse_repeated(table, rows, seeds, where)
        notices[key] = _notices_of_cell(table, rows_of)
    return notices


def _notices_of_cell(
    table: Table, rows_of: Mapping[str, Sequence[int]], runs: NDArray[np.int64] | None = None
) -> list[str]:
    """Refuse arms of one cell that cannot be compared, and return notices about doubtful comparisons."""
    refuse_temperatures(table, rows_of)
    refuse_metrics(table, rows_of)
    return steps_notice(table, rows_of) + settings_notices(table, rows_of, runs)


def _refuse_repeated(table: Table, rows: Sequence[int], seeds: Sequence[str], where: str) -> None:
    """Refuse two rows of an arm, or of a named run, that a column of the table tells apart."""
    first: dict[str, int] = {}
    for row in rows:
        seed = seeds[row] if seeds else ""
        before = first.setdefault(seed, row)
        if before != row and (seed or not seeds) and (way := told_apart_by(table, [before, row])):
            what, each = (f"run {shown(seed)} of {where}", "a run") if seed else (where, "an arm")
            raise TableError(
                f"{table.place(row)}: {what} is already in line {table.lines[before]}; one row {each} is "
                f"accepted{way}"
            )


def _mean_of_runs(
    rows: Sequence[Arm], seeds: Sequence[str], spreads: Sequence[str], unit: float
) -> tuple[Arm, list[str]]:
    """Merge the rows of an arm's runs into one arm, and return notices about the runs."""
    first, n = rows[0], len(rows)
    where, is_frozen = f"the {first.name} arm", first.name == "frozen"
    if n == 1:
        n_runs = first.n_runs or (1 if seeds[0] and not is_frozen else None)
        named = tuple(filter(None, seeds)) if n_runs == 1 else ()
        return replace(first, n_runs=n_runs, seeds=named, run_accuracies=(first.accuracy,) * len(named)), []
    _refuse_runs(rows, seeds, where)
    values = tuple(row.accuracy for row in rows)
    texts: dict[str, Any] = {
        key: "; ".join(dict.fromkeys(filter(None, (getattr(row, key) for row in rows))))
        for key in ("flag", "label", "source", "note")
    }
    texts["comparable"] = min((row.comparable for row in rows), key=COMPARABLE.index)
    texts["accuracy"] = round(math.fsum(values) / n, 15)
    if is_frozen:
        notice = f"frozen: mean of {n} evaluations; FROZEN is not trained, so evaluations are not runs"
        return replace(first, n_runs=None, run_sd=None, run_sd_runs=None, **texts), [notice]
    run_sd = statistics.stdev(values)
    for row, spread in zip(rows, spreads, strict=True):
        half_digit = 0.5 * 10.0 ** -_n_decimals(spread) / unit
        if row.run_sd is not None and abs(row.run_sd - run_sd) > half_digit + 0.05 * run_sd:
            raise TableError(
                f"{_place(row)}: run_sd is {shortened(spread)}, but the {n} rows of {where} have a standard "
                f"deviation of {run_sd * unit:.4g} (divided by n - 1); where a row is a run, an empty run_sd "
                "is accepted"
            )
    names = f" ({shortened(', '.join(seeds))})" if any(seeds) else ", which have no names"
    notice = (
        f"{first.name}: mean of {n} runs{names}; their standard deviation is {100 * run_sd:.2f} points, with "
        f"{counted(n - 1, 'degree')} of freedom"
    )
    named = tuple(filter(None, seeds))
    runs: dict[str, Any] = {"n_runs": n, "run_sd": run_sd, "run_sd_runs": None, "seeds": named}
    return replace(first, run_accuracies=values, **runs, **texts), [notice]


def _refuse_runs(rows: Sequence[Arm], seeds: Sequence[str], where: str) -> None:
    """Refuse rows that are not equally evaluated runs of one arm."""
    first, n = rows[0], len(rows)
    before: dict[str, Arm] = {}
    for row, seed in zip(rows, seeds, strict=True):
        if bool(seed) != bool(seeds[0]):
            raise TableError(
                f"{_place(row)}: one run of {where} has a name and another has none; an arm with "
                "several rows is accepted with a name for every run, or for none"
            )
        if seed and (same := before.setdefault(seed, row)) is not row:
            raise TableError(
                f"{_place(row)}: run {shown(seed)} of {where} is already in line {same.line}; each run "
                "of an arm is accepted once"
            )
        for key in ("n_items", "samples_per_item", "decoding"):
            one, other = getattr(first, key), getattr(row, key)
            if one != other:
                raise TableError(
                    f"{_place(row)}: {key} of {where} is {shown(other or '')} here and {shown(one or '')} in "
                    f"line {first.line}; runs of one arm are accepted if they were evaluated alike"
                )
        for key, fitting in (("n_runs", (None, 1, n)), ("run_sd_runs", (None, n))):
            if (stated := getattr(row, key)) not in fitting:
                raise TableError(
                    f"{_place(row)}: {key} is {stated}, but {where} has {n} rows, one a run; {n} or an empty "
                    "field is accepted"
                )
    if not any(seeds) and len({replace(row, line=0) for row in rows}) < n:
        raise TableError(
            f"{_place(rows[-1])}: two rows of {where} are equal and no run has a name; a name for "
            "each run is accepted, or each row once"
        )


def _n_decimals(printed: str) -> int:
    """Count the digits after the decimal point of a number in text."""
    return len(printed.lower().partition("e")[0].partition(".")[2])


def _near_whole(printed: Sequence[str], unit: float, n_graded: Sequence[int]) -> list[bool]:
    """Whether each stated accuracy, within its last digit, can be a whole number of graded answers."""
    n = np.array(n_graded, dtype=float)
    half_digit = 0.5 * 10.0 ** -np.array([_n_decimals(text) for text in printed], dtype=float) / unit
    answers = np.array([*map(float, printed)]) / unit * n
    # A number that was stored in single precision is off by at most 6e-8 of itself.
    near = np.abs(answers - np.rint(answers)) <= half_digit * n + 6e-8 * answers + 1e-9
    return ((n > 0) & near).tolist()


def _looks_like_a_fraction(value: float, cell: list[float]) -> bool:
    """Whether a value of at most 1 is nearer to the rest of its cell if read as a fraction."""
    others = [other for other in cell if other > 1]
    if not 0 < value <= 1 or not others:
        return False
    middle = statistics.median(others)
    return abs(100 * value - middle) < middle - value


def _outcome_rows(table: Table) -> Iterator[_Row]:
    """Yield cell, role, arm and notices of each group of rows of the outcomes format."""
    codes: dict[str, NDArray[np.int64]] = {}
    labels: dict[str, NDArray] = {}
    names = [column for column in (*NAMES, *OUTCOMES_NEED) if column != "correct"]
    for name in [name for name in (*names, *OF_OUTCOMES, "cluster", "source") if name in table.columns]:
        values, in_rows = table.columns[name].values, table.columns[name].codes
        stripped = [value.strip() for value in values]
        if name == "arm":
            stripped = [arm_name(value) for value in stripped]
        if name in ("role", "comparable", "decoding"):
            stripped = [value.lower() for value in stripped]
        if name == "role":
            stripped = [value or "arm" for value in stripped]
        labels[name], merged = np.unique(np.array(stripped, dtype=str), return_inverse=True)
        codes[name] = merged[in_rows]
    words = [value.strip().lower() for value in table.columns["correct"].values]
    shares = [float(word == "true") if word in ("true", "false") else as_number(word) for word in words]
    correct = np.array(shares)[table.columns["correct"].codes]
    cell = group = np.zeros(table.n_rows, dtype=np.int64)
    for name in [name for name in (*_CELL, "role", "arm") if name in codes]:
        if name == "arm":
            cell = group
        if labels[name].size > 1:
            group = np.unique(group * labels[name].size + codes[name], return_inverse=True)[1]
    renamed = _words_of_outcomes(table, cell)
    _, first_rows, group = np.unique(group, return_index=True, return_inverse=True)
    group = np.argsort(np.argsort(first_rows))[group]  # in the order of their first rows
    order = np.argsort(group, kind="stable")
    found: list[_Row] = []
    in_cell: dict[_Key, dict[str, NDArray[np.int64]]] = {}
    progress = progress_columns(table)
    for rows in np.split(order, np.flatnonzero(np.diff(group[order])) + 1):
        first = int(rows[0])
        runs, run = np.unique(codes["run"][rows], return_inverse=True)
        items, item = np.unique(codes["item"][rows], return_inverse=True)
        slots = run * items.size + item
        # Runs x items can be the square of the file's size, unless every run has every item once.
        is_whole = rows.size == runs.size * items.size
        if not is_whole or np.bincount(slots, minlength=rows.size).min() == 0:
            answered, n_answers = np.unique(slots, return_counts=True)
            repeated = n_answers.max() > 1
            verb, end = ("answers", " twice") if repeated else ("lacks", "")
            remedy = (
                ". A column run tells runs apart, and correct may be a fraction of samples"
                if repeated
                else ""
            )
            gaps = np.append(np.flatnonzero(answered != np.arange(answered.size)), answered.size)
            slot = int(answered[n_answers.argmax()] if repeated else gaps[0])
            row = rows[slots == slot][-1] if repeated else first
            run_name = shortened(labels["run"][runs[slot // items.size]])
            item_name = shortened(labels["item"][items[slot % items.size]])
            apart = told_apart_by(table, rows[slots == slot][[0, -1]]) if repeated else ""
            raise TableError(
                f"{table.place(int(row))}: run {run_name} {verb} item {item_name}{end}; "
                f"each run of an arm is accepted with every item of it once{apart or remedy}"
            )
        outcomes = np.empty((runs.size, items.size))
        outcomes[run, item] = correct[rows]
        where = f"the {labels['arm'][codes['arm'][first]]} arm"
        refuse_checkpoints(table, rows, labels["run"][runs].tolist(), where, progress)
        texts = {column: str(labels[column][codes[column][first]]) for column in codes}
        stated = {
            column: [value for value in labels[column][np.unique(codes[column][rows])].tolist() if value]
            for column in ("samples_per_item", "comparable", "decoding")
            if column in codes
        }
        decodings = stated.get("decoding", [])
        if len(decodings) > 1:
            raise TableError(
                f"{table.place(first)}: answers of the {texts['arm']} "
                f"arm are {' and '.join(decodings)}; one decoding an arm is accepted"
            )
        samples = [int(float(count)) for count in stated.get("samples_per_item", ())]
        study, model, benchmark = (texts.get(name, name) for name in NAMES)
        arm = Arm(
            texts["arm"],
            float(outcomes.mean()),
            n_items=items.size,
            samples_per_item=min(samples, default=None),
            n_runs=runs.size,
            run_sd=float(outcomes.mean(axis=1).std(ddof=1)) if runs.size > 1 else None,
            comparable=min(stated.get("comparable", ()), key=COMPARABLE.index, default="strict"),
            source=texts.get("source", ""),
            file=table.name,
            line=table.lines[first],
            decoding="".join(decodings),
            items=labels["item"][items],
            outcomes=outcomes,
            clusters=_clusters(table, labels, codes, rows, items, item),
        )
        remarks = renamed if samples else [*renamed, *fractions_notice(arm.name, outcomes)]
        key, role = (study, texts.get("setup", ""), model, benchmark), texts.get("role", "arm")
        found.append((key, role, arm, remarks))
        if role == "arm":
            in_cell.setdefault(key, {})[arm.name] = rows
    notices: dict[_Key, list[str]] = {}
    for key, rows_of in in_cell.items():
        of_cell = np.concatenate([*rows_of.values()])
        refuse_other_questions(table, of_cell, np.unique(codes["item"][of_cell], return_inverse=True)[1])
        as_lists = {name: rows.tolist() for name, rows in rows_of.items()}
        notices[key] = _notices_of_cell(table, as_lists, codes["run"])
    for key, role, arm, remarks in found:
        yield key, role, arm, [*remarks, *(notices[key] if role == "arm" else ())]


def _words_of_outcomes(table: Table, cell: NDArray[np.int64]) -> list[str]:
    """Report how common names of arms were read, for outcomes with numbered cells and roles."""
    values, codes = table.columns["arm"].values, table.columns["arm"].codes
    found, rows = np.unique(cell * len(values) + codes, return_index=True)
    pairs = zip(found.tolist(), rows.tolist(), strict=True)
    n = len(values)
    return _read_words(table, ((number // n, values[number % n].strip(), row) for number, row in pairs))


def _clusters(
    table: Table,
    labels: Mapping[str, NDArray],
    codes: Mapping[str, NDArray[np.int64]],
    rows: NDArray[np.int64],
    items: NDArray[np.int64],
    item: NDArray[np.int64],
) -> NDArray | None:
    """Return the cluster of each item of an arm, or None if the table has no clusters."""
    if "cluster" not in codes:
        return None
    of_row, of_item = codes["cluster"][rows], np.empty(items.size, dtype=np.int64)
    of_item[item[::-1]] = of_row[::-1]  # of several rows the first counts
    other = np.flatnonzero(of_item[item] != of_row)
    if other.size:
        at = int(other[0])
        names = (shown(str(labels["cluster"][code])) for code in (of_item[item[at]], of_row[at]))
        raise TableError(
            f"{table.place(int(rows[at]))}: item {shortened(labels['item'][items[item[at]]])} stands in the "
            f"clusters {' and '.join(names)}; one cluster an item is accepted"
        )
    return labels["cluster"][of_item]


def _refuse_clusters(cell: Cell) -> None:
    """Refuse too few clusters for an interval, and arms that disagree on the cluster of an item."""
    arms = [arm for arm in cell.arms.values() if arm.items is not None]
    clustered = [arm for arm in arms if arm.clusters is not None]
    for arm in clustered:
        names, numbers = np.unique(np.asarray(arm.clusters), return_inverse=True)
        if (effective := effective_clusters(numbers)) < FEWEST_CLUSTERS:
            raise TableError(
                f"{_place(arm)}: the {arm.name} arm of {shortened(cell.name)} has "
                f"{counted(len(names), 'cluster')} of {len(numbers)} items, which count as much as "
                f"{effective:.1f} of one size; at least {FEWEST_CLUSTERS} such are accepted, since with "
                "fewer an interval over clusters covers less than it says. Without the column cluster every "
                "item counts as independent"
            )
    for arm in arms if clustered else []:
        first = clustered[0]
        same_items, same_clusters = (
            np.array_equal(np.asarray(getattr(arm, name)), np.asarray(getattr(first, name)))
            for name in ("items", "clusters")
        )
        if same_items and not same_clusters:
            raise TableError(
                f"{_place(arm)}: the clusters of the items of the {arm.name} arm differ from those of the "
                f"{first.name} arm in {_place(first)}; an item is accepted in the same cluster in every arm"
            )
