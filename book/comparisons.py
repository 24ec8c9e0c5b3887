"""Every published comparison of arms, audited once each, and what it is called in figures and tables."""

from __future__ import annotations

import pandas as pd

from book.published_tables import PAPERS, published_arms
from rlvr.auditing.cell_verdicts import CellAudit, audit

__all__ = ["comparison_name", "counted_once", "published_comparisons"]

# Setups that another setup of the data holds too, read more finely or run again.
_HELD_TWICE = ("150-step bars", "arXiv v1, 300 steps", "Fig. 7 at step 150", "other hardware")
_MOST_ARE_OF = "shao2026spurious"


def counted_once(arms: pd.DataFrame) -> pd.DataFrame:
    """Arms without those of comparisons that the table holds a second time, read better.

    Parameters
    ----------
    arms : DataFrame
        As :func:`book.published_tables.published_arms` gives them.
    """
    return arms[~arms.setup.isin(_HELD_TWICE)]


def published_comparisons() -> list[CellAudit]:
    """Audits of every published comparison of two arms or more, each counted once, in the order of the data.

    Examples
    --------
    >>> first = published_comparisons()[0]
    >>> comparison_name(first), first.verdict
    ('Qwen2.5-Math-7B, MATH-500', 'null')
    """
    report = audit(counted_once(published_arms()))
    return [cell for cell in report.cells if len(cell.cell.arms) >= 2]


def comparison_name(audited: CellAudit) -> str:
    """Model and benchmark, and the paper (and which of its versions) unless most comparisons are of it."""
    cell = audited.cell
    version = next((f", {word}" for word in ("June", "greedy") if word in cell.setup), "")
    paper = "" if cell.study == _MOST_ARE_OF else f" ({PAPERS[cell.study]}{version})"
    return f"{cell.model.split(' (')[0]}, {cell.benchmark}{paper}"
