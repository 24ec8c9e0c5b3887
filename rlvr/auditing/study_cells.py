"""Published tables: rows gathered into cells of arms, and the book's own data.

Two formats, both UTF-8 text with a header line, fields separated by commas (or semicolons, or tabs):

* arms: one row an arm, ``study, model, benchmark, arm, accuracy (or accuracy_percent), n_items`` and
  optional columns (:data:`rlvr.auditing.table_columns.OPTIONAL`);
* outcomes: one row an answered item, ``study, model, benchmark, arm, run, item, correct``, and of the
  optional columns ``setup, role, samples_per_item, comparable, decoding, source``.

A *cell* is study x setup x model x benchmark; its arms are compared with each other. Whatever is wrong
is refused with the file, the line and what would be accepted; nothing is guessed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from rlvr._checks import counted, shortened, shown
from rlvr.arms import ARMS
from rlvr.auditing.table_columns import COMPARABLE, fraction_among_percentages, near_whole
from rlvr.auditing.table_reading import TableError, line_of, lines_of, read_frame, read_text
from rlvr.logs.decoding import DIFFER, unlike

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
    cells: dict[_Key, dict[tuple[str, str], Arm]] = {}
    notices: dict[_Key, list[str]] = {}
    for source in sources:
        name, text = read_text(source)
        frame = read_frame(shortened(name), text)
        rows = _outcome_rows if "item" in frame and "correct" in frame else _arm_rows
        for key, role, arm, notice in rows(name, text, frame):
            # Alternatives may repeat an arm as often as they like; the arm itself stands once.
            slot = (arm.name, "" if role == "arm" else f"{arm.file}:{arm.line}")
            before = cells.setdefault(key, {}).setdefault(slot, arm)
            if before is not arm:
                where, there = shortened(" / ".join(filter(None, key))), shortened(before.file)
                raise TableError(
                    f"{shortened(arm.file)}, line {arm.line}: the {arm.name} arm of {where} "
                    f"already stands in {there}, line {before.line}; one row an arm is accepted (tell "
                    "two tables of one study apart by a column setup, or mark a row's role as alternative)"
                )
            if notice:
                notices.setdefault(key, []).append(notice)
    for key, found in cells.items():
        _same_decoding(key, {arm.name: arm for (_, slot), arm in found.items() if not slot})
    return [
        Cell(
            study,
            setup,
            model,
            benchmark,
            {arm: found[arm, ""] for arm in ARMS if (arm, "") in found},
            tuple(arm for (_, slot), arm in found.items() if slot),
            tuple(notices.get((study, setup, model, benchmark), ())),
        )
        for (study, setup, model, benchmark), found in cells.items()
    ]


def _same_decoding(key: _Key, arms: Mapping[str, Arm]) -> None:
    """Refuse arms that are known to have been decoded differently."""
    if differ := unlike({name: arm.decoding for name, arm in arms.items()}):
        said = " and ".join(
            f"{name} ({arms[name].decoding}; {shortened(arms[name].file)}, line {arms[name].line})"
            for name in differ
        )
        raise TableError(f"{shortened(' / '.join(filter(None, key)))}: {said} {DIFFER}")


_Row = tuple[_Key, str, Arm, str]


def _key(names: Mapping[str, str]) -> _Key:
    return names["study"], names.get("setup", ""), names["model"], names["benchmark"]


def _arm_rows(name: str, text: str | pd.DataFrame, frame: pd.DataFrame) -> Iterator[_Row]:
    columns = {column: frame[column].astype(str).str.strip().tolist() for column in frame}
    printed = columns.get("accuracy", columns.get("accuracy_percent", []))
    unit, lines = 1.0 if "accuracy" in columns else 100.0, lines_of(name, text)
    asked = shortened(name)

    def cell_of(row: int) -> _Key:
        return _key({column: columns[column][row] for column in _CELL if column in columns})

    together: dict[_Key, list[float]] = {}
    for row, value in enumerate(printed):
        together.setdefault(cell_of(row), []).append(float(value))
    for row, value in enumerate(printed):

        def at(column: str, default: str = "", *, row: int = row) -> str:
            return columns[column][row] if column in columns else default

        def count(column: str) -> int | None:
            return int(float(at(column))) if at(column) else None

        line, key = lines[row], cell_of(row)
        n_items, samples = count("n_items"), count("samples_per_item")
        graded = (n_items or 0) * (samples or 1) * (count("n_evaluations") or 1)
        whole = graded > 0 and near_whole(value, unit, graded)
        if unit == 100.0 and not whole and fraction_among_percentages(float(value), together[key]):
            raise TableError(
                f"{asked}, line {line}: accuracy_percent {shortened(value)} is no whole number of answers "
                "and would fit the other arms of its cell as a fraction; percentages alone are accepted here"
            )
        spread = float(at("run_sd")) / unit if at("run_sd") else None
        if spread is not None and spread > 0.5:
            raise TableError(
                f"{asked}, line {line}: run_sd must be at most half the range of accuracy, in the unit of "
                f"the accuracy column, got {shown(at('run_sd'))}"
            )
        arm = Arm(
            at("arm").lower(),
            # Fifteen digits survive a division by 100, so that 78.6 percent is the same number as 0.786.
            round(float(value) / unit, 15),
            n_items,
            samples,
            count("n_runs"),
            spread,
            at("comparable").lower() or "strict",
            at("flag"),
            at("arm_label"),
            at("source"),
            at("note"),
            name,
            line,
            count("run_sd_runs"),
            at("decoding").lower(),
        )
        notice = (
            ""
            if whole or not graded
            else f"line {line}: {shortened(value)} is no whole number of {counted(graded, 'graded answer')}"
        )
        yield key, at("role").lower() or "arm", arm, notice


def _outcome_rows(name: str, text: str | pd.DataFrame, frame: pd.DataFrame) -> Iterator[_Row]:
    codes: dict[str, NDArray[np.int64]] = {}
    labels: dict[str, NDArray] = {}
    read = (*_CELL, "arm", "role", "run", "item", "source", "samples_per_item", "comparable", "decoding")
    for column in [column for column in read if column in frame]:
        stripped = frame[column].cat.categories.astype(str).str.strip()
        if column in ("arm", "role", "comparable", "decoding"):
            stripped = stripped.str.lower()
        if column == "role":
            stripped = stripped.where(stripped != "", "arm")
        labels[column], merged = np.unique(stripped.to_numpy(dtype=object).astype(str), return_inverse=True)
        codes[column] = merged[frame[column].cat.codes.to_numpy()]
    raw = frame["correct"].cat.categories.astype(str).str.strip().str.lower()
    worth = pd.to_numeric(raw.where(~raw.isin(["true", "false"]), (raw == "true").astype(int).astype(str)))
    correct = worth.to_numpy(dtype=float)[frame["correct"].cat.codes.to_numpy()]
    group = np.zeros(len(frame), dtype=np.int64)
    for column in [column for column in (*_CELL, "arm", "role") if column in codes]:
        group = pd.factorize(group * labels[column].size + codes[column])[0]
    order = np.argsort(group, kind="stable")
    for rows in np.split(order, np.flatnonzero(np.diff(group[order])) + 1):
        first = int(rows[0])
        runs, run = np.unique(codes["run"][rows], return_inverse=True)
        items, item = np.unique(codes["item"][rows], return_inverse=True)
        answered = np.bincount(run * items.size + item, minlength=runs.size * items.size)
        if answered.max() > 1 or answered.min() == 0:
            twice = answered.max() > 1
            verb, end = ("answers", " twice") if twice else ("lacks", "")
            slot = int(answered.argmax() if twice else answered.argmin())
            where = rows[run * items.size + item == slot][-1] if twice else first
            run_name = shortened(labels["run"][runs[slot // items.size]])
            item_name = shortened(labels["item"][items[slot % items.size]])
            raise TableError(
                f"{shortened(name)}, line {line_of(name, text, int(where))}: "
                f"run {run_name} {verb} item {item_name}{end}; "
                "each run of an arm is accepted with every item of it once"
            )
        outcomes = np.empty((runs.size, items.size))
        outcomes[run, item] = correct[rows]
        scores = outcomes.mean(axis=1)
        text_of = {column: str(labels[column][codes[column][first]]) for column in codes}

        def stated(column: str, *, rows: NDArray[np.int64] = rows) -> list[str]:
            values = labels[column][np.unique(codes[column][rows])] if column in codes else ()
            return [str(value) for value in values if value]

        decoding, comparable = stated("decoding"), stated("comparable")
        if len(decoding) > 1:
            raise TableError(
                f"{shortened(name)}, line {line_of(name, text, first)}: answers of the {text_of['arm']} "
                f"arm are {' and '.join(decoding)}; one decoding an arm is accepted"
            )
        arm = Arm(
            text_of["arm"],
            float(outcomes.mean()),
            n_items=items.size,
            samples_per_item=min((int(float(count)) for count in stated("samples_per_item")), default=None),
            comparable=min(comparable, key=COMPARABLE.index, default="strict"),
            decoding="".join(decoding),
            n_runs=runs.size,
            run_sd=float(scores.std(ddof=1)) if runs.size > 1 else None,
            source=text_of.get("source", ""),
            file=name,
            line=line_of(name, text, first),
            items=labels["item"][items],
            outcomes=outcomes,
        )
        yield _key(text_of), text_of.get("role", "arm"), arm, ""
