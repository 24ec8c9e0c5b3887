"""Rows that cannot be pooled or compared: other training steps, settings, metrics or items.

A table may have columns of its own. Most say nothing about the accuracy and are ignored. But rows of one arm
that differ in the training step are checkpoints, rows that differ in the metric do not measure one accuracy,
and arms at different temperatures were decoded differently.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from itertools import combinations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rlvr._checks import counted, shortened, shown
from rlvr.auditing.tables import (
    COLUMNS,
    OF_ARMS,
    REMARKS,
    RUN_NAMES,
    Table,
    TableError,
    as_number,
    plain_name,
)
from rlvr.logs.checkpoint_names import different_steps, is_checkpoint
from rlvr.logs.decoding import different_temperatures

__all__ = [
    "fractions_notice", "refuse_checkpoints", "refuse_metrics", "refuse_other_items", "refuse_temperatures",
    "settings_notices", "steps_notice",
]  # fmt: skip

_STEP = re.compile(
    r"(?:.*[/.])?(?:steps|global_steps|(?:\w*_)?(?:step|checkpoint|ckpt|epoch|iteration|iter|update))"
)
"""Names of columns of the training step, also in a logger's folders (trainer/global_step); not max_steps,
save_steps and the like, which are settings."""

_SUMMARIES = frozenset({
    "mean", "average", "avg", "median", "std", "stdev", "stddev", "sd", "stderr", "se", "sem", "var",
    "variance", "min", "max", "best", "total", "sum", "overall", "all", "count", "ci",
})  # fmt: skip
_BESIDE = frozenset({"seed", "seeds", "run", "runs", "dev", "err", "error"})
_COUNTING = frozenset({"of", "over", "across"})

_CHANCES = re.compile(r"\b(pass|maj|cons|best|majority|avg|mean)\s*[@_]\s*(\d+|k\b)", re.IGNORECASE)

_KNOWN = frozenset((*COLUMNS, *OF_ARMS, *REMARKS, *RUN_NAMES))
_MOST_NAMED = 3


@cache  # a table has few columns and many cells
def _is_step(column: str) -> bool:
    return _STEP.fullmatch(plain_name(column)) is not None


def _values(table: Table, name: str, rows: ArrayLike) -> list[str]:
    """The distinct texts of a column in some rows, in the order of their codes."""
    column = table.columns[name]
    return [
        text for code in np.unique(column.codes[np.asarray(rows)]) if (text := column.values[code].strip())
    ]


def _is_summary(name: str) -> bool:
    """Whether a run has the name of a summary of runs, as the last lines of a spreadsheet have."""
    words = {*re.findall(r"[^\W_]+", name.lower())}
    others = words - _SUMMARIES - _BESIDE - _COUNTING
    return not words.isdisjoint(_SUMMARIES) and all(
        word.isdigit() and not words.isdisjoint(_COUNTING) for word in others
    )


def refuse_checkpoints(table: Table, rows: ArrayLike, names: Iterable[str], where: str) -> None:
    """Refuse rows of one arm at several training steps, and runs whose names are those of checkpoints."""
    place = table.place(int(np.max(rows)))
    for column in table.columns:
        if _is_step(column) and len(found := _values(table, column, rows)) > 1:
            raise TableError(
                f"{place}: {where} has rows at several training steps ({column} {_listed(found)}); "
                f"checkpoints of one run are no runs. Rows at one {column} are accepted, or the table "
                "without this column if each row is a run of its own"
            )
    names = [*names]
    summaries = sorted(filter(_is_summary, {*names}))
    if summaries and len({*names}) > 1:
        raise TableError(
            f"{place}: the runs of {where} include {_listed(summaries)}, a summary of runs and no run; "
            "rows of single runs are accepted, from which mean and spread are computed"
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
        if plain_name(column) not in ("temperature", "temp"):
            continue
        found: dict[str, float | None] = {}
        for arm, rows in rows_of.items():
            numbers = map(as_number, _values(table, column, rows))
            degrees = {number for number in numbers if number == number}  # a text such as "default" is NaN
            for degree in sorted(degrees):
                found[arm if len(degrees) == 1 else f"{arm}, {column} {degree:g}"] = degree
        if problem := different_temperatures(found):
            raise TableError(f"{shortened(table.name)}: {problem}")


def steps_notice(table: Table, rows_of: Mapping[str, Sequence[int]]) -> list[str]:
    """Name the training steps of the trained arms where they differ."""
    notices = []
    for column in table.columns:
        if _is_step(column):
            steps = {arm: _values(table, column, rows) for arm, rows in rows_of.items() if arm != "frozen"}
            notices.append(different_steps(steps))
    return [notice for notice in notices if notice]


def refuse_metrics(table: Table, rows_of: Mapping[str, Sequence[int]]) -> None:
    """Refuse rows of one arm with several metrics, and arms of one cell at different k of pass@k."""
    if "metric" not in table.columns:
        return
    chances: dict[str, str] = {}
    for arm, rows in rows_of.items():
        found = _values(table, "metric", rows)
        if len(found) > 1:
            raise TableError(
                f"{table.place(max(rows))}: rows of the {arm} arm have several metrics ({_listed(found)}); "
                "rows of one metric are accepted, in a table for each"
            )
        if found and (chance := _chance(found[0])):
            chances[arm] = chance
    if len({*chances.values()}) > 1:
        named = ", ".join(f"{arm} {chance}" for arm, chance in chances.items())
        raise TableError(
            f"{shortened(table.name)}: the metrics of a cell's arms differ ({named}), so a difference in "
            "accuracy may not come from training; arms with one metric are accepted"
        )


def _chance(metric: str) -> str:
    """The first pass@k or maj@k that a metric names, or an empty text; means of k samples are pass@1."""
    found = _CHANCES.search(metric)
    if found is None:
        return ""
    name, k = found[1].lower(), found[2].lower()
    return "pass@1" if name in ("avg", "mean") else f"{name}@{k}"


def refuse_other_items(answered: Mapping[str, NDArray], places: Mapping[str, str]) -> None:
    """Refuse arms that answered different but overlapping items: their difference mixes the two."""
    first = next(iter(answered.values()), None)
    if all(np.array_equal(items, np.asarray(first)) for items in answered.values()):
        return
    sets = {arm: {*items.tolist()} for arm, items in answered.items()}
    for pair in combinations(sets, 2):
        lacking, full = sorted(pair, key=lambda arm: len(sets[arm]))
        missing = sorted(sets[full] - sets[lacking])
        if missing and not sets[lacking].isdisjoint(sets[full]):
            raise TableError(
                f"{places[lacking]}: the {lacking} arm lacks {len(missing)} of {len(sets[full])} items of "
                f"the {full} arm, the first is {shown(missing[0])}, so a difference in accuracy may not come "
                "from training; the same items in every arm are accepted: leave out those that an arm lacks"
            )


def fractions_notice(arm: str, correct: NDArray[np.float64]) -> list[str]:
    """Name the outcomes of an arm that are neither 0 nor 1, where no number of samples explains them."""
    between = correct[(correct > 0) & (correct < 1)]
    if not between.size:
        return []
    values, counts = np.unique(between, return_counts=True)
    return [
        f"{arm}: correct is neither 0 nor 1 in {between.size} of {counted(correct.size, 'row')} (most often "
        f"{values[counts.argmax()]:.4g}), read as the fraction of an item's samples that were right; a "
        "reward with partial credit is no accuracy. A column samples_per_item states the samples"
    ]


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
