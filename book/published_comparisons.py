"""All published comparisons of arms, audited once each, and the run-to-run spread that they may borrow.

Spurious Rewards trained with clipping on, and repeated one arm of one model in this design: RANDOM on
Qwen2.5-Math-7B, five runs of 80 steps, on two benchmarks. No other arm of the study has a measured spread.
Its use for other models or longer runs is an extrapolation, and for other arms a sensitivity analysis; the
caller decides. The audited run of this model is the fourth of the five, continued. Student's t is exact for a
run other than those that gave the spread; for one of the five themselves a nominal 95% covers about 99%.
"""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
from scipy import special

from book.published_tables import PAPERS, published_arms
from book.repeated_runs import end_points
from rlvr._checks import choice, real
from rlvr.arms import ARMS
from rlvr.auditing.cell_verdicts import CellAudit, audit
from rlvr.stats.estimates import Estimate
from rlvr.stats.spreads import deviation_interval

__all__ = [
    "comparison_name",
    "counted_once",
    "measured_spread",
    "published_comparisons",
    "with_measured_spread",
]

MEASURED_STUDY = "shao2026spurious"  # the source of most comparisons
MEASURED_DESIGN = "8 updates, clipping"
MEASURED_BENCHMARKS = ("MATH-500", "AMC")

# Setups that another setup in the data repeats, with more precise readings or more runs.
_HELD_TWICE = ("150-step bars", "arXiv v1, 300 steps", "Fig. 7 at step 150", "other hardware")


def counted_once(arms: pd.DataFrame) -> pd.DataFrame:
    """The table of :func:`book.published_tables.published_arms` without duplicates."""
    return arms[~arms.setup.isin(_HELD_TWICE)]


def published_comparisons() -> list[CellAudit]:
    """Audits of all published comparisons of at least two arms, each once, in the order of the data.

    Examples
    --------
    >>> first = published_comparisons()[0]
    >>> comparison_name(first), first.verdict
    ('Qwen2.5-Math-7B, MATH-500', 'null')
    """
    report = audit(counted_once(published_arms()))
    return [cell for cell in report.cells if len(cell.cell.arms) >= 2]


def comparison_name(audited: CellAudit) -> str:
    """Model and benchmark, with the paper (and its version) unless it is the source of most comparisons."""
    cell = audited.cell
    version = next((f", {word}" for word in ("June", "greedy") if word in cell.setup), "")
    paper = "" if cell.study == MEASURED_STUDY else f" ({PAPERS[cell.study]}{version})"
    return f"{cell.model.split(' (')[0]}, {cell.benchmark}{paper}"


def measured_spread(benchmark: str = "MATH-500", *, scale: str = "points", level: float = 0.95) -> Estimate:
    """Standard deviation between the end points of the five clipped RANDOM runs, with chi-squared interval.

    Parameters
    ----------
    benchmark : {"MATH-500", "AMC"}
    scale : {"points", "logit"}
        Scale of the deviation: accuracy in points, or its log odds.
    level : float in (0, 1)

    Examples
    --------
    >>> format(measured_spread(), ".1f"), format(measured_spread(scale="logit"), ".2f")
    ('6.5 [3.9, 18.8]', '0.28 [0.17, 0.80]')
    """
    ends = end_points(MEASURED_DESIGN, choice("benchmark", benchmark, MEASURED_BENCHMARKS))
    if choice("scale", scale, ("points", "logit")) == "logit":
        ends = special.logit(ends / 100)
    return deviation_interval(ends, level=level)


def with_measured_spread(
    table: pd.DataFrame,
    *,
    arms: Sequence[str] = ("random",),
    scale: str = "points",
    level: float = 0.95,
    upper: bool = False,
) -> pd.DataFrame:
    """A copy of a table of arms with the measured spread filled in wherever it may be borrowed.

    The spread is filled into ``run_sd`` and ``run_sd_runs`` of Spurious Rewards' arms, on the benchmarks
    where it was measured, if the row states no spread. An audit of the result gives a borrowed arm Student's
    t on four degrees of freedom.

    Parameters
    ----------
    table : DataFrame
        As :func:`book.published_tables.published_arms` gives it.
    arms : sequence of trained arms
        Arms that get the spread. With ("random",) the other arms have no run-to-run spread; with more arms,
        these are assumed to spread like RANDOM.
    scale : {"points", "logit"}
        The quantity that is equal between arms: the spread in points, or that of the log odds, which gives an
        arm of accuracy a spread in points in proportion to a (1 - a).
    level : float in (0, 1)
        Level of the interval whose end `upper` takes.
    upper : bool
        Use the upper end of the chi-squared interval instead of the estimate, also where a spread is stated,
        and treat it as known.

    Returns
    -------
    DataFrame

    Examples
    --------
    >>> filled = with_measured_spread(published_arms())
    >>> int((filled.run_sd != "").sum()), sorted(set(filled.run_sd_runs))
    (33, ['', '5'])
    """
    borrowers = [choice("arms", arm, ARMS[1:]) for arm in arms]
    real("level", level, "a number strictly between 0 and 1", above=0, below=1)
    filled = table.copy()
    for column in ("run_sd", "run_sd_runs"):
        if column not in filled:
            filled[column] = ""
    for benchmark in MEASURED_BENCHMARKS:
        spread = measured_spread(benchmark, scale=scale, level=level)
        sd = spread.high if upper else spread.value
        rows = (
            (filled.study == MEASURED_STUDY) & (filled.benchmark == benchmark) & filled.arm.isin(borrowers)
        ) & ((filled.run_sd == "") | upper)
        accuracy = filled.loc[rows, "accuracy_percent"].astype(float) / 100
        local = sd * (100 * accuracy * (1 - accuracy) if scale == "logit" else 1 + 0 * accuracy)
        filled.loc[rows, "run_sd"] = [f"{value:.4f}" for value in local.clip(upper=50)]
        filled.loc[rows, "run_sd_runs"] = "" if upper else str(spread.n)
    return filled
