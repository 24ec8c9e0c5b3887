"""Rows of one arm that are no runs of it: other training steps, other settings, checkpoints by name.

A table may have columns of its own. Most say nothing about the accuracy and are ignored. But rows of one arm
that differ in the training step are checkpoints, and arms at different temperatures were decoded differently.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from numpy.typing import ArrayLike

from rlvr._checks import shortened, shown
from rlvr.auditing.tables import COLUMNS, OF_ARMS, REMARKS, RUN_NAMES, Table, TableError, as_number
from rlvr.logs.decoding import different_temperatures
from rlvr.logs.run_identity import is_checkpoint

__all__ = ["refuse_checkpoints", "refuse_temperatures", "settings_notices"]

_STEPS = frozenset({
    "step", "steps", "global_step", "global_steps", "training_step", "train_step", "checkpoint", "ckpt",
    "epoch", "iteration", "iter", "update",
})  # fmt: skip
"""Columns of the training step."""

_KNOWN = frozenset((*COLUMNS, *OF_ARMS, *REMARKS, *RUN_NAMES))
_MOST_NAMED = 3


def _plain(name: str) -> str:
    return re.sub(r"[\s-]+", "_", name.strip().lower())


def _values(table: Table, name: str, rows: ArrayLike) -> list[str]:
    """The distinct texts of a column in some rows, in the order of their codes."""
    column = table.columns[name]
    return [
        text for code in np.unique(column.codes[np.asarray(rows)]) if (text := column.values[code].strip())
    ]


def refuse_checkpoints(table: Table, rows: ArrayLike, names: Iterable[str], where: str) -> None:
    """Refuse rows of one arm at several training steps, and runs whose names are those of checkpoints."""
    place = table.place(int(np.max(rows)))
    for column in table.columns:
        if _plain(column) in _STEPS and len(found := _values(table, column, rows)) > 1:
            raise TableError(
                f"{place}: {where} has rows at several training steps ({column} {_listed(found)}); "
                f"checkpoints of one run are no runs. Rows at one {column} are accepted, or the table "
                "without this column if each row is a run of its own"
            )
    checkpoints = sorted({name for name in names if name and is_checkpoint(name)})
    if len(checkpoints) > 1:
        raise TableError(
            f"{place}: the runs {_listed(checkpoints)} of {where} are named like checkpoints of one run, "
            "which are no runs; rows at one step are accepted, or other names if these are runs"
        )


def refuse_temperatures(table: Table, rows_of: Mapping[str, Sequence[int]]) -> None:
    """Refuse arms of one cell at different temperatures, where a column of the table states them."""
    for column in table.columns:
        if _plain(column) not in ("temperature", "temp"):
            continue
        found: dict[str, float | None] = {}
        for arm, rows in rows_of.items():
            degrees = {as_number(text) for text in _values(table, column, rows)}
            for degree in sorted(degrees):
                found[arm if len(degrees) == 1 else f"{arm}, {column} {degree:g}"] = degree
        if problem := different_temperatures(found):
            raise TableError(f"{shortened(table.name)}: {problem}")


def settings_notices(table: Table, rows_of: Mapping[str, Sequence[int]]) -> list[str]:
    """Name the ignored columns in which the runs of every arm differ alike, as by a design."""
    several = {arm: rows for arm, rows in rows_of.items() if len(rows) > 1 and arm != "frozen"}
    notices = []
    for column in table.columns:
        if column in _KNOWN or len(several) < 2:
            continue
        found = {tuple(_values(table, column, rows)) for rows in several.values()}
        (values, *others) = found
        if not others and len(values) > 1:
            notices.append(
                f"the column {shown(column)} is ignored, though the runs of each arm differ in it ("
                f"{_listed(values)}); a column setup, model or benchmark keeps such rows apart"
            )
    return notices


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
    return ", ".join(map(shortened, names[:_MOST_NAMED])) + more
