"""Tables of numbers that this project did not compute, or cannot compute again.

Every row of a published table names its source. ``book/data/README.md`` explains the columns, and
``rlvr/data/README.md`` those of the arms.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd

from rlvr._data import stored_table

__all__ = [
    "DATA",
    "PAPERS",
    "base_priors",
    "fuzz_runs",
    "judge_verdicts",
    "published_arms",
    "published_curves",
    "published_label_accuracy",
    "published_strategies",
    "published_switches",
    "speed_attempts",
    "stored_benchmarks",
]

DATA = Path(__file__).parent / "data"
"""The folder of files that only pages read."""

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
"""Short names of the audited papers or their methods; the keys are those of ``references.bib``."""

_TEXT: dict[str, Any] = {"dtype": str, "keep_default_na": False}


def published_arms() -> pd.DataFrame:
    """The book's arms, one row each, with all columns as text; see ``rlvr/data/README.md``."""
    return _read_once("arms.csv", text=True, of_package=True).copy()


def published_curves() -> pd.DataFrame:
    """Accuracy along training (percent), one row per model, benchmark and step, one column per reward."""
    return _read_once("curves.csv").copy()


def published_strategies() -> pd.DataFrame:
    """Share of answers with code, and accuracy with and without code, before training, MATH-500, percent."""
    return _read_once("strategies.csv").copy()


def published_switches() -> pd.DataFrame:
    """Questions of MATH-500 by strategy before and after 150 steps, and how many were right then and now."""
    return _read_once("strategy_switches.csv").copy()


def published_label_accuracy() -> pd.DataFrame:
    """Number right and number empty of the first 100 released MAJORITY labels of each model.

    Compare only rows of equal `difficulty_level`, because the levels hold different questions. No row gives
    the fraction right of a whole training set, which was larger than one level.

    Returns
    -------
    DataFrame
        One row per model: ``model, difficulty_level, n_labels, n_correct, n_empty``.
    """
    labels = _read_once("majority_labels.csv")
    counts = labels.groupby(["difficulty_level", "model"], as_index=False).agg(
        n_labels=("id", "size"), n_correct=("label_correct", "sum"), n_empty=("label_empty", "sum")
    )
    counts = counts.sort_values(["difficulty_level", "n_correct"], ascending=[True, False], ignore_index=True)
    return counts[["model", "difficulty_level", "n_labels", "n_correct", "n_empty"]]


def base_priors() -> pd.DataFrame:
    """Published accuracies of base models under k samples, one row per number, with its source.

    Columns: study (a citation key), model, benchmark, quantity ("pass", "maj", or "trained" for pass
    after majority training), k, value_percent, n_items (missing where the source does not say),
    how_read, source, note.
    """
    return _read_once("base_priors.csv").copy()


def judge_verdicts() -> pd.DataFrame:
    """Thirteen completions, each with its label and the verdicts of four judges.

    Returns
    -------
    DataFrame
        Columns ``completion``, ``label`` and one per judge, with 0 and 1.
    """
    return stored_table("judge_verdicts.csv", DATA, dtype={"label": str})


def stored_benchmarks() -> pd.DataFrame:
    """The speed goals and the measured values of one session of ``make bench``.

    Returns
    -------
    DataFrame
        Indexed by key: ``quantity``, ``unit`` (empty for a ratio), ``measured``, ``accepted`` and ``verdict``
        (empty where no goal is set), then the machine and the versions.
    """
    return stored_table("benchmarks.csv", DATA, keep_default_na=False).set_index("key")


def fuzz_runs() -> pd.DataFrame:
    """Counts of the fuzzers of ``make fuzz``, before and after the third edition's corrections.

    Returns
    -------
    DataFrame
        Columns ``version`` (before, now), ``fuzzer``, ``cases``, ``refused`` (by name), ``answered``,
        ``faults`` (a crash, a traceback, a silent difference, an endless wait), ``longest_seconds``.
    """
    return stored_table("fuzz_runs.csv", DATA)


def speed_attempts() -> pd.DataFrame:
    """Attempts to speed up the kernel, with predicted and measured effects.

    Returns
    -------
    DataFrame
        Columns ``tried``, ``measure``, ``before``, ``predicted``, ``found``, ``kept`` and ``why``; numbers
        are text, empty where nothing was predicted or measured.
    """
    return _read_once("speed_attempts.csv", text=True).copy()


@cache
def _read_once(name: str, *, text: bool = False, of_package: bool = False) -> pd.DataFrame:
    return stored_table(name, None if of_package else DATA, **(_TEXT if text else {}))
