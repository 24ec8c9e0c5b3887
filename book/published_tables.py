"""The numbers that pages show and this project did not compute, or cannot compute again: tables as they lie.

Every row of a published table names its source. What each column means stands in ``book/data/README.md``, and
for the arms in ``rlvr/data/README.md``.
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
"""The folder of what pages alone read."""

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

_TEXT: dict[str, Any] = {"dtype": str, "keep_default_na": False}


def published_arms() -> pd.DataFrame:
    """The book's own arms, one row each, every column as text; see ``rlvr/data/README.md``."""
    return _read_once("arms.csv", text=True, of_package=True).copy()


def published_curves() -> pd.DataFrame:
    """Accuracy along training (percent), one row a model, benchmark and step, one column a reward."""
    return _read_once("curves.csv").copy()


def published_strategies() -> pd.DataFrame:
    """Share of answers with code and accuracy with and without it, before training, MATH-500, percent."""
    return _read_once("strategies.csv").copy()


def published_switches() -> pd.DataFrame:
    """Questions of MATH-500 by strategy before and after 150 steps, and how many were right then and now."""
    return _read_once("strategy_switches.csv").copy()


def published_label_accuracy() -> pd.DataFrame:
    """How many of the first 100 released MAJORITY labels of each model were right, and how many empty.

    Only rows of equal `difficulty_level` compare: the levels hold different questions. And no row is the
    fraction right of a whole training set, which was larger than one level.

    Returns
    -------
    DataFrame
        One row a model: ``model, difficulty_level, n_labels, n_correct, n_empty``.
    """
    labels = _read_once("majority_labels.csv")
    counts = labels.groupby(["difficulty_level", "model"], as_index=False).agg(
        n_labels=("id", "size"), n_correct=("label_correct", "sum"), n_empty=("label_empty", "sum")
    )
    counts = counts.sort_values(["difficulty_level", "n_correct"], ascending=[True, False], ignore_index=True)
    return counts[["model", "difficulty_level", "n_labels", "n_correct", "n_empty"]]


def base_priors() -> pd.DataFrame:
    """Published accuracies of base models under k samples, one row a number, with where each was read.

    Columns: study (a citation key), model, benchmark, quantity ("pass", "maj", or "trained" for pass
    after majority training), k, value_percent, n_items (missing where the source does not say),
    how_read, source, note.
    """
    return _read_once("base_priors.csv").copy()


def judge_verdicts() -> pd.DataFrame:
    """Thirteen completions, each with its label, and whether each of four judges takes it for right.

    Returns
    -------
    DataFrame
        Columns ``completion``, ``label`` and one a judge, of 0 and 1.
    """
    return stored_table("judge_verdicts.csv", DATA, dtype={"label": str})


def stored_benchmarks() -> pd.DataFrame:
    """The goals of speed and what was measured, from one session of ``make bench``.

    Returns
    -------
    DataFrame
        Indexed by key: ``quantity``, ``unit`` (empty for a ratio), ``measured``, ``accepted`` and ``verdict``
        (empty where no goal is set), then the machine and the versions.
    """
    return stored_table("benchmarks.csv", DATA, keep_default_na=False).set_index("key")


def fuzz_runs() -> pd.DataFrame:
    """What the fuzzers of ``make fuzz`` counted, before and after the third edition's work on faults.

    Returns
    -------
    DataFrame
        Columns ``version`` (before, now), ``fuzzer``, ``cases``, ``refused`` (by name), ``answered``,
        ``faults`` (a crash, a traceback, a silent difference, a wait without end), ``longest_seconds``.
    """
    return stored_table("fuzz_runs.csv", DATA)


def speed_attempts() -> pd.DataFrame:
    """What was tried to make the kernel fast, with what was predicted and found.

    Returns
    -------
    DataFrame
        Columns ``tried``, ``measure``, ``before``, ``predicted``, ``found``, ``kept`` and ``why``; numbers as
        text, empty where nothing was predicted or measured.
    """
    return _read_once("speed_attempts.csv", text=True).copy()


@cache
def _read_once(name: str, *, text: bool = False, of_package: bool = False) -> pd.DataFrame:
    return stored_table(name, None if of_package else DATA, **(_TEXT if text else {}))
