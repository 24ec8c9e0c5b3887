"""Rows of tables gathered into cells of arms.

A *cell* is study x setup x model x benchmark; its arms are compared with each other. The two formats of a
table are in :mod:`rlvr.auditing.tables`. Whatever is wrong is refused with the file, the line and what would
be accepted; nothing is guessed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from rlvr._checks import counted, plain, shortened, shown
from rlvr.arms import ARMS
from rlvr.auditing.tables import COMPARABLE, OF_OUTCOMES, OUTCOMES_NEED, Table, TableError, read_table
from rlvr.logs.decoding import different_decodings

__all__ = ["Arm", "Cell", "read_cells"]

_CELL = ("study", "setup", "model", "benchmark")
_Key = tuple[str, str, str, str]


@dataclass(frozen=True)
class Arm:
    """One arm of one cell; accuracies and ``run_sd`` are fractions, None where the table is silent.

    ``run_sd_runs`` is how many runs ``run_sd`` was estimated from, where they are not the arm's ``n_runs``.
    ``decoding`` is out of :data:`rlvr.logs.decoding.DECODINGS`, empty where it is not known. With one row
    an item, ``outcomes`` is an ndarray (run, item) of correctness in [0, 1], its columns
    named by ``items``.
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
    items: NDArray | None = field(default=None, repr=False, compare=False)
    outcomes: NDArray[np.float64] | None = field(default=None, repr=False, compare=False)

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if isinstance(value, np.generic):
                object.__setattr__(self, name, plain(value))
        if self.outcomes is not None:
            object.__setattr__(self, "outcomes", np.asarray(self.outcomes, dtype=float))


@dataclass(frozen=True)
class Cell:
    """The arms of one study x setup x model x benchmark, in the order of ``ARMS``.

    ``alternatives`` are other readings of an arm (another prompt, another algorithm).
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


def read_cells(tables: Iterable[str | Path | pd.DataFrame]) -> list[Cell]:
    """Read and check tables, and gather their rows into cells.

    Parameters
    ----------
    tables : iterable of path, "-" (standard input) or DataFrame
        Each in either format.

    Returns
    -------
    list of Cell
        In the order of first appearance.

    Raises
    ------
    TableError
        Naming file, line, value and what is accepted.

    Examples
    --------
    >>> table = pd.DataFrame({"study": "s", "model": "m", "benchmark": "b", "arm": ["frozen", "true"],
    ...                       "accuracy_percent": [49.4, 78.6], "n_items": 500})
    >>> [(arm.name, arm.accuracy) for arm in read_cells([table])[0].arms.values()]
    [('frozen', 0.494), ('true', 0.786)]
    """
    sources = list(tables)
    if not sources:
        raise TableError("no table was given; name at least one file, or - for standard input")
    found: dict[_Key, tuple[dict[str, Arm], list[Arm], list[str]]] = {}
    for table in map(read_table, sources):
        rows = _outcome_rows if {"item", "correct"} <= {*table.frame} else _arm_rows
        for key, role, arm, notice in rows(table):
            arms, alternatives, notices = found.setdefault(key, ({}, [], []))
            if role == "alternative":  # they may repeat an arm as often as they like
                alternatives.append(arm)
            elif (before := arms.setdefault(arm.name, arm)) is not arm:
                way = (
                    "of repeated runs that is their mean accuracy, with n_runs and run_sd, their number and "
                    "standard deviation"
                    if {"seed", "run", "trial"} & {*map(str.lower, table.frame)}
                    else "tell two tables of one study apart by a column setup, or mark a row's role as "
                    "alternative"
                )
                raise TableError(
                    f"{_place(arm)}: the {arm.name} arm of {_cell_name(key)} already stands in "
                    f"{_place(before)}; one row an arm is accepted ({way})"
                )
            if notice:
                notices.append(notice)
    cells = []
    for key, (arms, alternatives, notices) in found.items():
        in_order = {name: arms[name] for name in ARMS if name in arms}
        cell = Cell(*key, in_order, tuple(alternatives), tuple(notices))
        places = {name: _place(arm) for name, arm in in_order.items()}
        if problem := different_decodings(cell.decodings, places):
            raise TableError(f"{_cell_name(key)}: {problem}")
        cells.append(cell)
    return cells


def _place(arm: Arm) -> str:
    return f"{shortened(arm.file)}, line {arm.line}"


def _cell_name(key: _Key) -> str:
    return shortened(" / ".join(filter(None, key)))


def _key(names: Mapping[str, str]) -> _Key:
    return names["study"], names.get("setup", ""), names["model"], names["benchmark"]


def _arm_rows(table: Table) -> Iterator[tuple[_Key, str, Arm, str]]:
    """Cell, role, arm and notice of each row of the arms format."""
    columns = {column: table.frame[column].astype(str).str.strip() for column in table.frame}
    measure = "accuracy" if "accuracy" in columns else "accuracy_percent"
    unit = 1.0 if measure == "accuracy" else 100.0
    rows = pd.DataFrame(columns).to_dict("records")
    keys = [_key(row) for row in rows]
    in_cell: dict[_Key, list[float]] = {}
    for key, row in zip(keys, rows, strict=True):
        in_cell.setdefault(key, []).append(float(row[measure]))
    for number, (key, row) in enumerate(zip(keys, rows, strict=True)):
        printed, spread = row[measure], row.get("run_sd")
        counts = {
            column: int(float(row[column])) if row.get(column) else None
            for column in ("n_items", "samples_per_item", "n_evaluations", "n_runs", "run_sd_runs")
        }
        n_graded = (
            (counts["n_items"] or 0) * (counts["samples_per_item"] or 1) * (counts["n_evaluations"] or 1)
        )
        whole = n_graded > 0 and _near_whole(printed, unit, n_graded)
        if unit == 100.0 and not whole and _looks_like_a_fraction(float(printed), in_cell[key]):
            raise TableError(
                f"{table.place(number)}: accuracy_percent {shortened(printed)} is no whole number of answers "
                "and would fit the other arms of its cell as a fraction; percentages alone are accepted here"
            )
        run_sd = float(spread) / unit if spread else None
        if run_sd is not None and run_sd > 0.5:
            raise TableError(
                f"{table.place(number)}: run_sd must be at most half the range of accuracy, in the unit of "
                f"the accuracy column, got {shown(spread)}"
            )
        arm = Arm(
            row["arm"].lower(),
            # Fifteen digits survive a division by 100, so that 78.6 percent is the same number as 0.786.
            round(float(printed) / unit, 15),
            n_items=counts["n_items"],
            samples_per_item=counts["samples_per_item"],
            n_runs=counts["n_runs"],
            run_sd=run_sd,
            comparable=row.get("comparable", "").lower() or "strict",
            flag=row.get("flag", ""),
            label=row.get("arm_label", ""),
            source=row.get("source", ""),
            note=row.get("note", ""),
            file=table.name,
            line=table.lines[number],
            run_sd_runs=counts["run_sd_runs"],
            decoding=row.get("decoding", "").lower(),
        )
        answers = counted(n_graded, "graded answer")
        notice = f"line {arm.line}: {shortened(printed)} is no whole number of {answers}"
        yield key, row.get("role", "").lower() or "arm", arm, "" if whole or not n_graded else notice


def _near_whole(printed: str, unit: float, n_graded: int) -> bool:
    """Whether the printed accuracy, to its last digit, can be a whole number of graded answers."""
    digits = printed.lower().partition("e")[0].partition(".")[2]
    half_digit = 0.5 * 10.0 ** -len(digits) / unit
    answers = float(printed) / unit * n_graded
    return abs(answers - round(answers)) <= half_digit * n_graded + 1e-9


def _looks_like_a_fraction(value: float, cell: list[float]) -> bool:
    """Whether a value of at most 1 lies nearer to the rest of its cell when read as a fraction."""
    others = [other for other in cell if other > 1]
    if not 0 < value <= 1 or not others:
        return False
    middle = float(np.median(others))
    return abs(100 * value - middle) < middle - value


def _outcome_rows(table: Table) -> Iterator[tuple[_Key, str, Arm, str]]:
    """Cell, role and arm of each group of rows of the outcomes format; there is no notice."""
    frame = table.frame
    codes: dict[str, NDArray[np.int64]] = {}
    labels: dict[str, NDArray] = {}
    names = [column for column in OUTCOMES_NEED if column != "correct"]
    for column in [column for column in (*names, *OF_OUTCOMES, "source") if column in frame]:
        stripped = frame[column].cat.categories.astype(str).str.strip()
        if column in ("arm", "role", "comparable", "decoding"):
            stripped = stripped.str.lower()
        if column == "role":
            stripped = stripped.where(stripped != "", "arm")
        labels[column], merged = np.unique(stripped.to_numpy(dtype=object).astype(str), return_inverse=True)
        codes[column] = merged[frame[column].cat.codes.to_numpy()]
    words = frame["correct"].cat.categories.astype(str).str.strip().str.lower()
    shares = pd.to_numeric(
        words.where(~words.isin(["true", "false"]), (words == "true").astype(int).astype(str))
    )
    correct = shares.to_numpy(dtype=float)[frame["correct"].cat.codes.to_numpy()]
    group = np.zeros(len(frame), dtype=np.int64)
    for column in [column for column in (*_CELL, "arm", "role") if column in codes]:
        group = pd.factorize(group * labels[column].size + codes[column])[0]
    order = np.argsort(group, kind="stable")
    for rows in np.split(order, np.flatnonzero(np.diff(group[order])) + 1):
        first = int(rows[0])
        runs, run = np.unique(codes["run"][rows], return_inverse=True)
        items, item = np.unique(codes["item"][rows], return_inverse=True)
        slots = run * items.size + item
        # Runs x items may be the square of the file, unless every run has every item once.
        is_whole = rows.size == runs.size * items.size
        if not is_whole or np.bincount(slots, minlength=rows.size).min() == 0:
            answered, n_answers = np.unique(slots, return_counts=True)
            repeated = n_answers.max() > 1
            verb, end = ("answers", " twice") if repeated else ("lacks", "")
            gaps = np.append(np.flatnonzero(answered != np.arange(answered.size)), answered.size)
            slot = int(answered[n_answers.argmax()] if repeated else gaps[0])
            row = rows[slots == slot][-1] if repeated else first
            run_name = shortened(labels["run"][runs[slot // items.size]])
            item_name = shortened(labels["item"][items[slot % items.size]])
            raise TableError(
                f"{table.place(int(row))}: run {run_name} {verb} item {item_name}{end}; "
                "each run of an arm is accepted with every item of it once"
            )
        outcomes = np.empty((runs.size, items.size))
        outcomes[run, item] = correct[rows]
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
        )
        yield _key(texts), texts.get("role", "arm"), arm, ""
