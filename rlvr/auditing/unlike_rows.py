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
from types import MappingProxyType

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rlvr._checks import counted, shortened, shown
from rlvr.auditing.header_hints import plain_name
from rlvr.auditing.run_names import no_runs
from rlvr.auditing.tables import COLUMNS, OF_ARMS, REMARKS, RUN_NAMES, Table, TableError, as_number
from rlvr.logs.checkpoint_names import different_steps, step_free
from rlvr.logs.decoding import different_temperatures
from rlvr.logs.evaluation_settings import is_setting

__all__ = [
    "fractions_notice", "progress_columns", "refuse_checkpoints", "refuse_metrics", "refuse_other_items",
    "refuse_other_questions", "refuse_temperatures", "settings_notices", "steps_notice", "told_apart_by",
]  # fmt: skip

_STEPS = frozenset({
    "step", "steps", "timestep", "timesteps", "checkpoint", "checkpoints", "ckpt", "epoch", "epochs",
    "iteration", "iterations", "iter", "iters", "update", "updates", "episode", "episodes",
})  # fmt: skip
_CONSUMED = (
    frozenset({"tokens", "samples", "examples", "prompts"}),
    frozenset({"seen", "consumed", "trained"}),
)
_NO_STEPS = frozenset({
    "max", "save", "log", "logging", "warmup", "per", "every", "a", "batch", "accumulation", "accum",
    "interval", "freq", "frequency", "size", "seconds", "minutes", "hours", "lr", "decay", "patience", "loss",
    "reasoning", "solution", "thinking", "avg", "mean", "dir", "path", "file", "name", "url", "hash", "sha",
    "repo", "id",
})  # fmt: skip
"""Words of names that are no training step, since max_steps, save_steps and the like are settings."""

_ASKED = frozenset({
    "question", "problem", "prompt", "input", "query", "instruction", "gold", "gt", "gts", "ground_truth",
    "gold_answer", "reference_answer", "expected_answer", "correct_answer", "target",
})  # fmt: skip
"""Names of columns that state what an item is; all rows of an item share them."""

_OF_TRAINING = frozenset({"algo", "algorithm", "lr", "learning"})
_HARDWARE = frozenset({"gpu", "cpu", "system", "hardware", "device"})
_DURATIONS = frozenset({"timing", "perf"})
"""Folders in which trackers keep seconds, such as timing_s/step."""

_CHANCES = re.compile(r"\b(pass|maj|cons|best|majority|avg|mean)\s*[@_]\s*(\d+|k\b)", re.IGNORECASE)
_GRADERS = frozenset({"strict", "flexible", "lenient", "loose", "llm", "judge", "rule", "verify", "norm"})

_KNOWN = frozenset((*COLUMNS, *OF_ARMS, *REMARKS, *RUN_NAMES))
_MOST_NAMED, _MOST_TEXTS = 3, 50_000


@cache  # a table has few columns and many cells
def _is_step(column: str) -> bool:
    words = _words(re.split(r"[/.]", plain_name(column))[-1])
    if not _DURATIONS.isdisjoint(_words(plain_name(column))):
        return False
    if not words or words[-1] == "time" or ("eval" in words and "steps" in words):
        return False
    named = {*words}
    consumed = all(not named.isdisjoint(part) for part in _CONSUMED)
    return (consumed or not named.isdisjoint(_STEPS)) and named.isdisjoint(_NO_STEPS)


def _words(name: str) -> list[str]:
    return re.findall(r"[a-z]+", name)


def _values(table: Table, name: str, rows: ArrayLike) -> list[str]:
    """The distinct texts of a column in some rows, in the order of their codes."""
    column = table.columns[name]
    return [
        text for code in np.unique(column.codes[np.asarray(rows)]) if (text := column.values[code].strip())
    ]


def progress_columns(table: Table) -> dict[str, list[str]]:
    """Return the columns whose texts name training steps, each with its distinct texts without them."""
    found = {}
    for name, column in table.columns.items():
        if name in _KNOWN - {*REMARKS} or len(column.values) > _MOST_TEXTS:
            continue
        without = [*map(step_free, column.values)]
        if without != [*column.values]:
            found[name] = without
    return found


def refuse_checkpoints(
    table: Table,
    rows: ArrayLike,
    names: Iterable[str],
    where: str,
    progress: Mapping[str, Sequence[str]] = MappingProxyType({}),
) -> None:
    """Refuse rows of one arm at several training steps, and runs with names that no run has.

    `progress` is that of :func:`progress_columns`.
    """
    place = table.place(int(np.max(rows)))
    for column in table.columns:
        if _is_step(column) and len(found := _values(table, column, rows)) > 1:
            raise TableError(
                f"{place}: {where} has rows at several training steps ({column} {_listed(found)}); "
                f"checkpoints of one run are no runs. Rows at one {column} are accepted, or the table "
                "without this column if each row is a run of its own"
            )
    what, found = no_runs(names)
    if what:
        raise TableError(
            f"{place}: the runs {_listed(found)} of {where} are named like {what}; one row a run is "
            "accepted, at one training step, or other names if these are runs: mean and spread are computed "
            "from them"
        )
    for column, without in progress.items():
        texts: dict[str, set[str]] = {}
        for code in np.unique(table.columns[column].codes[np.asarray(rows)]).tolist():
            texts.setdefault(without[code], set()).add(table.columns[column].values[code])
        same = next((sorted(found) for found in texts.values() if len(found) > 1), None)
        if same:
            raise TableError(
                f"{place}: {where} has rows whose {shown(column)} differs only in the training step "
                f"({_listed(same)}); checkpoints of one run are no runs. Rows at one step are accepted, or "
                "the table without this column if each row is a run of its own"
            )


def refuse_temperatures(table: Table, rows_of: Mapping[str, Sequence[int]]) -> None:
    """Refuse arms of one cell at different temperatures, where a column of the table states them."""
    for column in table.columns:
        words = _words(plain_name(column))
        if not {"temperature", "temp"} & {*words[-1:]} or not _HARDWARE.isdisjoint(words):
            continue
        found: dict[str, float | None] = {}
        for arm, rows in rows_of.items():
            numbers = map(_degree, _values(table, column, rows))
            degrees = {number for number in numbers if number == number}  # a text such as "default" is NaN
            for degree in sorted(degrees):
                found[arm if len(degrees) == 1 else f"{arm}, {column} {degree:g}"] = degree
        if problem := different_temperatures(found):
            raise TableError(f"{shortened(table.name)}: {problem}")


def _degree(text: str) -> float:
    """The temperature in a text such as 0.6, 0,6 or T=0.6; NaN for any other text."""
    if text.lower() == "greedy":
        return 0.0
    return as_number(re.sub(r"^t\s*=\s*", "", text.lower()).replace(",", "."))


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


def refuse_other_questions(table: Table, rows: NDArray[np.int64], items: NDArray[np.int64]) -> None:
    """Refuse rows of one item that differ in what was asked; `items` numbers the item of each row."""
    for name, column in table.columns.items():
        if plain_name(name) not in _ASKED:
            continue
        same: dict[str, int] = {}
        codes = np.array([same.setdefault(_plain(text), len(same)) for text in column.values])[
            column.codes[rows]
        ]
        stated = codes != same.get("", -1)
        first = np.full(int(items.max()) + 1, -1)
        first[items[stated][::-1]] = codes[stated][::-1]
        other = np.flatnonzero(stated & (first[items] != codes))
        if other.size:
            at = int(other[0])
            texts = [*same]
            one, another = (shown(texts[code]) for code in (first[items[at]], codes[at]))
            raise TableError(
                f"{table.place(int(rows[at]))}: the same item has the {shown(name)} {another} here and {one} "
                "in another row of its cell, so these are two items; an item is accepted under one name in "
                "every arm, with one question and truth"
            )


def _plain(text: str) -> str:
    """A question or truth without outer spaces, a whole number without the .0 that spreadsheets add."""
    return re.sub(r"^([+-]?\d+)\.0+$", r"\1", text.strip())


def told_apart_by(table: Table, rows: ArrayLike) -> str:
    """Name the ignored columns in which rows differ, with their values and a remedy; or an empty text."""
    found = [
        f"{shown(name)} ({_listed(values)})"
        for name in table.columns
        if name and name not in _KNOWN - {"metric"} and len(values := _values(table, name, rows)) > 1
    ]
    if not found:
        return ""
    return (
        f". The rows differ in {', '.join(found[:_MOST_NAMED])}, which is ignored; a column setup, model or "
        "benchmark keeps such rows apart"
    )


def settings_notices(
    table: Table, rows_of: Mapping[str, Sequence[int]], runs: NDArray[np.int64] | None = None
) -> list[str]:
    """Name the ignored columns of settings in which rows of a cell differ, and those of a design of runs.

    `runs` numbers the run of each row of a table of outcomes. There, a column that varies within a run
    describes the items, as their level or subject, and is no setting.
    """
    several = {arm: rows for arm, rows in rows_of.items() if len(rows) > 1 and arm != "frozen"}
    notices = []
    for column in table.columns:
        if runs is not None and any(_varies(table, column, rows, runs) for rows in rows_of.values()):
            continue
        if column == "metric":
            stated = _stated(table, column, rows_of)
            words = [{*_words(text.lower())} for text in stated.values() if not _chance(text)]
            graders = {frozenset(each & _GRADERS) for each in words}
            if len(graders) > 1 or (len(words) > 1 and not set.intersection(*words)):
                notices.append(_differing(column, stated))
        elif column not in _KNOWN and is_setting(plain_name(column)):
            of_training = not _OF_TRAINING.isdisjoint(_words(plain_name(column)))
            stating = {arm: rows for arm, rows in rows_of.items() if arm != "frozen" or not of_training}
            found = {text for rows in stating.values() for text in _values(table, column, rows)}
            if len({text if (number := as_number(text)) != number else number for text in found}) > 1:
                notices.append(_differing(column, _stated(table, column, stating)))
        elif column not in _KNOWN and len(several) > 1:
            (values, *others) = {tuple(_values(table, column, rows)) for rows in several.values()}
            if not others and len(values) > 1:
                notices.append(
                    f"the column {shown(column)} is ignored, though the runs of each arm differ in it ("
                    f"{_listed(values)}); a column setup, model or benchmark keeps such rows apart"
                )
    return notices


def _varies(table: Table, column: str, rows: Sequence[int], runs: NDArray[np.int64]) -> bool:
    """Whether rows of one run differ in a column."""
    at = np.asarray(rows)
    pairs = np.unique(np.stack([runs[at], table.columns[column].codes[at]]), axis=1)
    return pairs.shape[1] > np.unique(runs[at]).size


def _stated(table: Table, column: str, rows_of: Mapping[str, Sequence[int]]) -> dict[str, str]:
    """The values of a column in each arm that states any."""
    values = {arm: _values(table, column, rows) for arm, rows in rows_of.items()}
    return {arm: _listed(found) for arm, found in values.items() if found}


def _differing(column: str, stated: Mapping[str, str]) -> str:
    found = ", ".join(f"{arm} {texts}" for arm, texts in stated.items())
    return (
        f"the column {shown(column)} is ignored, though rows of the cell differ in it ({found}), so a "
        "difference in accuracy may come from it; a column setup, model or benchmark keeps such rows apart"
    )


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
    return ", ".join(map(shortened, names[:_MOST_NAMED])) + more
