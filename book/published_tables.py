"""The published numbers that this book audits, as tables: arms, curves, repeated runs, strategies, labels.

Every row names its source; ``rlvr/data/README.md`` says what each column means. Tables are checked when read.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import pandas as pd
import pandera.pandas as pa

from rlvr._data import stored_table
from rlvr.published_runs import BENCHMARKS, DESIGNS, LAST_STEP

__all__ = [
    "PAPERS",
    "published_arms",
    "published_curves",
    "published_label_accuracy",
    "published_strategies",
    "published_switches",
]

PAPERS = {
    "shao2026spurious": "Spurious Rewards",
    "zhang2025right": "EMPO",
    "zhao2026learning": "Intuitor",
    "agarwal2025unreasonable": "entropy minimisation",
    "zhang2026corewarding": "Co-rewarding",
    "zuo2025ttrl": "TTRL",
    "prabhudesai2025maximizing": "RENT",
    "shafayat2025can": "SRT",
    "zhou2025evolving": "EVOL-RL",
    "gao2026true": "the study's own runs",
}
"""What each audited paper, or its method, is called for short; the keys are those of ``references.bib``."""

_PERCENT = pa.Column(float, pa.Check.in_range(0, 100), nullable=True, coerce=True)
_COUNT = pa.Column(int, pa.Check.ge(0))

_RUNS = pa.DataFrameSchema(
    {
        "design": pa.Column(str, pa.Check.isin(DESIGNS)),
        "benchmark": pa.Column(str, pa.Check.isin(BENCHMARKS)),
        "run": pa.Column(int, pa.Check.ge(1)),
        "runs_averaged": pa.Column(int, pa.Check.ge(1)),
        **{f"step_{step}": _PERCENT for step in range(LAST_STEP + 1)},
    },
    unique=["design", "benchmark", "run"],
)
_SWITCHES = pa.DataFrameSchema(
    {
        "reward": pa.Column(str),
        "switch": pa.Column(
            str, pa.Check.isin([f"{a} to {b}" for a in ("code", "language") for b in ("code", "language")])
        ),
        "n_items": _COUNT,
        "correct_step0": _COUNT,
        "correct_step150": _COUNT,
    },
    checks=pa.Check(lambda rows: rows[["correct_step0", "correct_step150"]].max(axis=1) <= rows.n_items),
    unique=["reward", "switch"],
)
_STRATEGIES = pa.DataFrameSchema(
    {
        "model": pa.Column(str, unique=True),
        "n_items": pa.Column(int, pa.Check.gt(0)),
        "share_code_percent": _PERCENT,
        "accuracy_code_percent": _PERCENT,
        "accuracy_no_code_percent": _PERCENT,
        "accuracy_percent": _PERCENT,
        "accuracy_told_percent": _PERCENT,
        "source": pa.Column(str),
    }
)
_LABELS = pa.DataFrameSchema(
    {
        "model": pa.Column(str),
        "difficulty_level": pa.Column(int, pa.Check.in_range(1, 5)),
        "id": pa.Column(int, pa.Check.ge(0)),
        "label_correct": pa.Column(int, pa.Check.isin((0, 1))),
        "label_empty": pa.Column(int, pa.Check.isin((0, 1))),
    },
    checks=pa.Check(lambda rows: ~((rows.label_correct == 1) & (rows.label_empty == 1))),
    unique=["model", "id"],
)
_SCHEMAS = {
    "repeated_runs.csv": _RUNS,
    "strategy_switches.csv": _SWITCHES,
    "strategies.csv": _STRATEGIES,
    "majority_labels.csv": _LABELS,
}


def published_arms() -> pd.DataFrame:
    """The book's own arms, one row each, every column as text; see ``rlvr/data/README.md``."""
    return _kept("arms.csv", text=True).copy()


def published_curves() -> pd.DataFrame:
    """Accuracy along training (percent), one row a model, benchmark and step, one column a reward."""
    return _kept("curves.csv").copy()


def published_strategies() -> pd.DataFrame:
    """Share of answers with code and accuracy with and without it, before training, MATH-500, percent."""
    return _checked("strategies.csv").copy()


def published_switches() -> pd.DataFrame:
    """Questions of MATH-500 by strategy before and after 150 steps, and how many were right then and now."""
    return _checked("strategy_switches.csv").copy()


def published_label_accuracy() -> pd.DataFrame:
    """How many of the first 100 released MAJORITY labels of each model were right, and how many empty.

    Only rows of equal `difficulty_level` compare: the levels hold different questions. And no row is the
    fraction right of a whole training set, which was larger than one level.

    Returns
    -------
    DataFrame
        One row a model: ``model, difficulty_level, n_labels, n_correct, n_empty``.
    """
    labels = _checked("majority_labels.csv")
    counts = labels.groupby(["difficulty_level", "model"], as_index=False).agg(
        n_labels=("id", "size"), n_correct=("label_correct", "sum"), n_empty=("label_empty", "sum")
    )
    counts = counts.sort_values(["difficulty_level", "n_correct"], ascending=[True, False], ignore_index=True)
    return counts[["model", "difficulty_level", "n_labels", "n_correct", "n_empty"]]


@cache
def _kept(name: str, *, text: bool = False) -> pd.DataFrame:
    options: dict[str, Any] = {"dtype": str, "keep_default_na": False} if text else {}
    return stored_table(name, **options)


@cache
def _checked(name: str) -> pd.DataFrame:
    return _SCHEMAS[name].validate(stored_table(name))
