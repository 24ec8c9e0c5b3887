"""The published accuracies that this book audits, as tables: arms, training curves, repeated runs.

Every row names its source; ``rlvr/data/README.md`` says what each column means.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import pandas as pd

from rlvr._data import stored_table

__all__ = ["PAPERS", "published_arms", "published_curves", "published_repeats"]

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


def published_arms() -> pd.DataFrame:
    """The book's own arms, one row each, every column as text; see ``rlvr/data/README.md``."""
    return _kept("arms.csv", text=True).copy()


def published_curves() -> pd.DataFrame:
    """Accuracy along training (percent), one row a model, benchmark and step, one column a reward."""
    return _kept("curves.csv").copy()


def published_repeats() -> pd.DataFrame:
    """End points of repeated RANDOM runs of Qwen2.5-Math-7B (percent)."""
    return _kept("repeats.csv").copy()


@cache
def _kept(name: str, *, text: bool = False) -> pd.DataFrame:
    options: dict[str, Any] = {"dtype": str, "keep_default_na": False} if text else {}
    return stored_table(name, **options)
