"""Published repeated runs of training arms, one row per run, and the checks of their table.

``rlvr/data/README.md`` describes the rows, how each source was read, and the doubts about each.
"""

from __future__ import annotations

from functools import cache

import pandas as pd

from rlvr._data import stored_table

__all__ = ["CELL", "RECIPE", "check_repeated_arms", "count_training_runs", "load_repeated_arms"]

RECIPE = (
    "algorithm", "weights", "clip", "updates_a_batch", "learning_rate", "schedule", "steps",
    "prompts_a_batch", "group_size", "kl",
)  # fmt: skip
"""Columns of the recipe; empty where the source states no value, or no value was read."""

CELL = ("study", "setup", "model", "benchmark", "metric", "arm")
"""Columns that name a cell. Rows of one cell differ only by chance."""

_TEXT = (
    *CELL, "seed", "comparable", "seed_paired", "note", "read", "source_where", "commit", "license",
    "read_at", "algorithm", "weights", "clip", "schedule",
)  # fmt: skip
_NUMBERS = (
    "accuracy_percent", "n_items", "samples_per_item", "n_runs", "run_sd", "updates_a_batch", "learning_rate",
    "steps", "prompts_a_batch", "group_size", "kl",
)  # fmt: skip
_WORDS = {
    "arm": ("frozen", "random", "majority", "true", "other"),
    "comparable": ("strict", "near"),
    "seed_paired": ("", "yes"),
}
_NEVER_EMPTY = (*CELL, "read", "source_where", "read_at")


def load_repeated_arms() -> pd.DataFrame:
    """Load and check the table; unknown texts are empty and unknown numbers NaN.

    Accuracies are in percent, `run_sd` is in points. A row with `n_runs` above one is a mean over runs whose
    single values were not published; a FROZEN row has no `n_runs`.
    """
    return _checked_table().copy()


@cache
def _checked_table() -> pd.DataFrame:
    table = stored_table("repeated_arms.csv", dtype={name: str for name in _TEXT})
    table[list(_TEXT)] = table[list(_TEXT)].fillna("")
    check_repeated_arms(table)
    return table


def check_repeated_arms(table: pd.DataFrame) -> None:
    """Refuse a table from which spreads cannot be computed; the message names the row.

    Raises
    ------
    ValueError
        For a missing or unknown column, an unknown word, a number out of range, two rows of one run, a cell
        that mixes single runs with means or runs of different length, and a pair without a partner.
    """
    if set(table.columns) != set(_TEXT) | set(_NUMBERS):
        odd = sorted(set(table.columns) ^ (set(_TEXT) | set(_NUMBERS)))
        raise ValueError(f"repeated arms: columns missing or unknown: {', '.join(odd)}")
    for name in _NEVER_EMPTY:
        _refuse(table, table[name] == "", f"{name} is empty")
    for name, words in _WORDS.items():
        _refuse(table, ~table[name].isin(words), f"{name} must be one of {', '.join(filter(None, words))}")
    accuracy, runs, spread = table.accuracy_percent, table.n_runs, table.run_sd
    trained = table.arm != "frozen"
    _refuse(table, ~accuracy.between(0, 100), "accuracy_percent must lie in 0 to 100")
    for name in ("n_items", "samples_per_item", "n_runs", "steps", "group_size", "updates_a_batch"):
        number = table[name]
        _refuse(table, number.notna() & ~((number >= 1) & (number % 1 == 0)), f"{name} must be a count")
    for name in ("learning_rate", "kl"):
        least = 0 if name == "kl" else 1e-12
        _refuse(
            table,
            table[name].notna() & ~(table[name] >= least),
            f"{name} must be {'at least 0' if name == 'kl' else 'above 0'}",
        )
    dates = pd.to_datetime(table.read_at, format="%Y-%m-%d", errors="coerce")
    _refuse(table, dates.isna(), "read_at must be a date such as 2026-11-30")
    for name in (*CELL, "seed"):
        _refuse(table, table[name] != table[name].str.strip(), f"{name} has spaces at an end")
    _refuse(table, trained != runs.notna(), "n_runs must stand at trained arms, and only there")
    _refuse(table, spread.notna() & ~(spread >= 0), "run_sd must be at least 0")
    _refuse(table, spread.notna() & ~(runs >= 2), "run_sd needs two runs or more")
    _refuse(table, (runs == 1) & (table.seed == "") & table.duplicated(list(CELL), keep=False), "no seed")
    key = [*CELL, "seed"]
    _refuse(table, table.duplicated(key, keep=False), "the same run stands twice")
    cells = table[trained].groupby(list(CELL), sort=False)
    _refuse(table[trained], cells.n_runs.transform("nunique") > 1, "its cell mixes runs with means of runs")
    _refuse(
        table[trained], (runs > 1)[trained] & (cells.n_runs.transform("size") > 1), "two means of one cell"
    )
    lengths = cells.steps.transform("nunique") > 1
    _refuse(table[trained], lengths, "its cell mixes runs of different length: checkpoints are not runs")
    place = [name for name in CELL if name != "arm"]
    paired = table[table.seed_paired == "yes"]
    partners = paired.groupby([*place, "seed"]).arm.transform("nunique")
    alone = (partners < 2) & (paired.comparable == "strict")
    _refuse(paired, alone, "seed_paired without the same seed in another arm")


def _refuse(table: pd.DataFrame, bad: pd.Series, problem: str) -> None:
    if bad.any():
        row = table[bad].iloc[0]
        where = ", ".join(str(row[name]) for name in (*CELL, "seed") if name in table and row[name] != "")
        raise ValueError(f"repeated arms: {problem}, at {where}")


def count_training_runs(table: pd.DataFrame | None = None) -> pd.DataFrame:
    """Count the different training runs behind the rows: one row per study, one column per arm.

    A run that was evaluated on several benchmarks counts once. A mean counts the runs that it averages; each
    benchmark with a mean had runs of its own.

    Examples
    --------
    >>> int(count_training_runs().to_numpy().sum()) > 100
    True
    """
    rows = load_repeated_arms() if table is None else table
    rows = rows[rows.arm != "frozen"]
    single = rows[rows.n_runs == 1].drop_duplicates(["study", "setup", "model", "arm", "seed"])
    every = pd.concat([single, rows[rows.n_runs > 1]])
    counts = every.pivot_table(index="study", columns="arm", values="n_runs", aggfunc="sum", fill_value=0)
    return counts.astype(int)
