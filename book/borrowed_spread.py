"""The run-to-run spread that was measured, put into a table of arms where it applies.

Spurious Rewards trained with clipping on, and repeated one arm of one model under that design: RANDOM on
Qwen2.5-Math-7B, five runs of 80 steps, on two benchmarks. That spread is the only one measured for any of its
arms. Taking it for other models or longer runs is an extrapolation, for other arms a sensitivity; both are
left to who asks.

The audited run of that model is the fourth of the five, continued. Student's t is exact for a run apart from
those that gave the spread; for one of the five themselves a nominal 95% covers about 99%.
"""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
from scipy import special

from book.repeated_runs import end_points
from rlvr._checks import choice, real
from rlvr.arms import ARMS
from rlvr.stats.estimates import Estimate
from rlvr.stats.spreads import deviation_interval

__all__ = ["measured_spread", "with_measured_spread"]

MEASURED_STUDY = "shao2026spurious"
MEASURED_DESIGN = "8 updates, clipping"
MEASURED_BENCHMARKS = ("MATH-500", "AMC")
SCALES = ("points", "logit")


def measured_spread(benchmark: str = "MATH-500", *, scale: str = "points", level: float = 0.95) -> Estimate:
    """Standard deviation between end points of the five clipped RANDOM runs, chi-squared interval.

    Parameters
    ----------
    benchmark : {"MATH-500", "AMC"}
    scale : {"points", "logit"}
        Of accuracy in points, or of its logarithm of odds.
    level : float in (0, 1)

    Examples
    --------
    >>> format(measured_spread(), ".1f"), format(measured_spread(scale="logit"), ".2f")
    ('6.5 [3.9, 18.8]', '0.28 [0.17, 0.80]')
    """
    ends = end_points(MEASURED_DESIGN, choice("benchmark", benchmark, MEASURED_BENCHMARKS))
    if choice("scale", scale, SCALES) == "logit":
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
    """A copy of a table of arms in which the measured spread stands wherever it may be borrowed.

    It is filled into the ``run_sd`` and ``run_sd_runs`` of Spurious Rewards' arms, on the benchmarks where it
    was measured, if the row states no spread of its own. An audit of the result gives a borrowed arm
    Student's t on four degrees of freedom.

    Parameters
    ----------
    table : DataFrame
        As :func:`book.published_tables.published_arms` gives it: accuracies in percent, all columns
        text.
    arms : sequence of trained arms
        ("random",): a model to which the spread is borrowed has RANDOM run-to-run, and nothing is said of the
        others. With more arms, as if they spread like RANDOM.
    scale : {"points", "logit"}
        What is alike between arms: the spread in points; or that of the logarithm of odds, by which an arm
        of accuracy a spreads a (1 - a) times as far, hardly at all near 0.
    level : float in (0, 1)
        Of the interval whose end `upper` takes.
    upper : bool
        Put the upper end of the chi-squared interval in place of the estimate, also where a spread is stated,
        and take it as known.

    Returns
    -------
    DataFrame

    Examples
    --------
    >>> from book.published_tables import published_arms
    >>> filled = with_measured_spread(published_arms())
    >>> int((filled.run_sd != "").sum()), sorted(set(filled.run_sd_runs))
    (33, ['', '5'])
    """
    trained = ARMS[1:]
    asked = [choice("arms", arm, trained) for arm in arms]
    real("level", level, "a number strictly between 0 and 1", above=0, below=1)
    filled = table.copy()
    for column in ("run_sd", "run_sd_runs"):
        if column not in filled:
            filled[column] = ""
    for benchmark in MEASURED_BENCHMARKS:
        spread = measured_spread(benchmark, scale=scale, level=level)
        sd = spread.high if upper else spread.value
        rows = (
            (filled.study == MEASURED_STUDY) & (filled.benchmark == benchmark) & filled.arm.isin(asked)
        ) & ((filled.run_sd == "") | upper)
        accuracy = filled.loc[rows, "accuracy_percent"].astype(float) / 100
        local = sd * (100 * accuracy * (1 - accuracy) if scale == "logit" else 1 + 0 * accuracy)
        filled.loc[rows, "run_sd"] = [f"{value:.4f}" for value in local.clip(upper=50)]
        filled.loc[rows, "run_sd_runs"] = "" if upper else str(spread.n)
    return filled
