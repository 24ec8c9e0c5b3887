"""The catalogue of measured run-to-run spreads, and the prediction for the next study.

Each cell of :func:`rlvr.planning.repeated_arms.load_repeated_arms`, and each design of the published repeats
of Spurious Rewards, gives one standard deviation with its degrees of freedom. Two kinds of cells are listed
but not used for the prediction. Cells with a mean within two points of 0 or 100%, or with equal end points,
cannot show a spread. On fewer than 50 questions, the step of one question exceeds most spreads.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from rlvr._checks import real
from rlvr.arms import ARMS
from rlvr.planning.repeated_arms import CELL, RECIPE, load_repeated_arms
from rlvr.published_runs import published_repeats
from rlvr.stats.spread_models import NextDeviation, next_deviations
from rlvr.stats.spreads import interval_of_deviation

__all__ = ["catalogue_laws", "difference_half_width", "measured_spreads", "next_spreads", "runs_for"]

_FLOOR, _FEWEST_ITEMS = 2.0, 50
_SHAO = {
    "8 updates, clipping": ("0.2/0.2", 8, 64),
    "8 updates, no clipping": ("off", 8, 64),
    "1 update of 1,024": ("0.2/0.2", 1, 64),
    "1 update of 128": ("0.2/0.2", 1, 8),
}


def measured_spreads() -> pd.DataFrame:
    """Return every measured run-to-run standard deviation, one row per cell, most runs first.

    Returns
    -------
    DataFrame
        The columns of ``CELL`` and ``RECIPE``, ``n_items``, ``n_runs``, ``df``, ``mean`` (percent), ``sd``
        with its 95% interval ``low`` to ``high`` (points; chi-square, which assumes normal runs) and
        ``left_out``, the reason why the prediction does not use the cell, or empty.

    Notes
    -----
    Runs of a cell share their questions, so the spread includes the interaction of runs and questions but not
    the choice of questions. Cells of one study are not independent: one run may have several benchmarks.

    Examples
    --------
    >>> row = measured_spreads().query("study == 'thuvesen2026grpodecomp' and benchmark == 'GSM8K'").iloc[0]
    >>> row.arm, int(row.df), round(float(row.sd), 1)
    ('random', 5, 0.9)
    """
    rows = [*_published(), *_repeated()]
    return pd.DataFrame(rows).sort_values(
        ["n_runs", "study"], ascending=[False, True], kind="stable", ignore_index=True
    )


def _published() -> list[dict[str, object]]:
    """Return the four designs of Spurious Rewards; end points are means of ten evaluations."""
    single = published_repeats().query("runs_averaged == 1")
    rows = []
    for (design, benchmark), runs in single.groupby(["design", "benchmark"], sort=True):
        clip, updates, prompts = _SHAO[str(design)]
        recipe = ("GRPO", "full", clip, updates, 5e-7, "constant", 80, prompts, 16, 0.0)
        metric, n_items = ("greedy", 500) if benchmark == "MATH-500" else ("mean of 8 samples", 83)
        cell = ("shao2026spurious", str(design), "Qwen2.5-Math-7B", str(benchmark), metric, "random")
        ends = runs.accuracy_percent_mean_last_10
        rows.append(_row(cell, recipe, n_items, len(ends), float(ends.mean()), float(ends.std(ddof=1))))
    return rows


def _repeated() -> list[dict[str, object]]:
    rows = []
    table = load_repeated_arms()
    for names, cell in table[table.arm != "frozen"].groupby(list(CELL), sort=False):
        first = cell.iloc[0]
        n_runs = int(cell.n_runs.sum())
        sd = float(cell.accuracy_percent.std(ddof=1)) if len(cell) > 1 else float(first.run_sd)
        if n_runs < 2 or np.isnan(sd):
            continue
        recipe = tuple(first[name] for name in RECIPE)
        n_items = None if np.isnan(first.n_items) else int(first.n_items)
        rows.append(_row(names, recipe, n_items, n_runs, float(cell.accuracy_percent.mean()), sd))
    return rows


def _row(
    cell: tuple[str, ...],
    recipe: tuple[object, ...],
    n_items: int | None,
    n_runs: int,
    mean: float,
    sd: float,
) -> dict[str, object]:
    interval = interval_of_deviation(sd, n_runs)
    reason = ""
    if cell[-1] == "other":
        reason = "another reward"
    elif not _FLOOR <= mean <= 100 - _FLOOR:
        reason = "at the floor or ceiling"
    elif sd == 0:
        reason = "runs ended alike"
    elif n_items is not None and n_items < _FEWEST_ITEMS:
        reason = f"fewer than {_FEWEST_ITEMS} questions"
    return {
        **dict(zip(CELL, cell, strict=True)), **dict(zip(RECIPE, recipe, strict=True)), "n_items": n_items,
        "n_runs": n_runs, "df": n_runs - 1, "mean": mean, "sd": sd, "low": interval.low,
        "high": interval.high, "left_out": reason,
    }  # fmt: skip


def next_spreads(
    catalogue: pd.DataFrame | None = None, *, prior_scale: float = 1.0
) -> dict[str, NextDeviation]:
    """Return the predictive law of the next study's run-to-run standard deviation (points), by arm.

    The laws are those of :func:`rlvr.stats.spread_models.next_deviations` on the usable cells of the
    catalogue. If a study evaluates the same runs greedily and by samples, only the greedy cell is used.

    Parameters
    ----------
    catalogue : DataFrame, optional
        The result of :func:`measured_spreads`, which is the default.
    prior_scale : float, above 0

    Notes
    -----
    When each study is predicted from the others, none of 48 measured spreads of RANDOM and TRUE falls outside
    the 95% interval and 3 fall outside the 80% one (sampling of the runs included), so the laws are too wide
    rather than too narrow. The law of MAJORITY rests on one study, widened by the variation of the other arms
    between studies.

    Examples
    --------
    >>> laws = next_spreads()
    >>> sorted(laws)
    ['majority', 'random', 'true']
    """
    cells = measured_spreads() if catalogue is None else catalogue
    cells = cells[cells.left_out == ""]
    place = [name for name in CELL if name != "metric"]
    greedy = cells.metric.str.startswith("greedy")
    cells = cells[greedy | ~cells.duplicated(place, keep=False)]
    laws = next_deviations(cells.sd, cells.df, cells.study, cells.arm, prior_scale=prior_scale, most=50.0)
    return {str(arm): law for arm, law in laws.items()}


def catalogue_laws(arms: Iterable[str] = ARMS[1:]) -> dict[str, NextDeviation]:
    """Return the laws of :func:`next_spreads` in fractions, the unit of plans and audits."""
    laws = next_spreads()
    return {arm: laws[arm].scaled(0.01) for arm in arms}


def difference_half_width(
    sd: float | NDArray[np.float64], n_runs: int | NDArray[np.int64]
) -> float | NDArray[np.float64]:
    """Return half of Student's 95% interval of a difference of two arms with one spread.

    Parameters
    ----------
    sd : float or ndarray
        Run-to-run standard deviation of either arm; the result has its unit.
    n_runs : int or ndarray of int, at least 2
        Runs of each arm.

    Examples
    --------
    >>> f"{difference_half_width(2.5, 5):.1f}"
    '3.6'
    """
    return stats.t.ppf(0.975, 2 * (n_runs - 1)) * sd * np.sqrt(2 / n_runs)


def runs_for(law: NextDeviation, half_width: float, *, chance: float = 0.8, most: int = 200) -> int | None:
    """Return the fewest runs of each of two arms that make the interval of their difference narrow enough.

    The interval is Student's 95% interval over runs, with one spread in both arms and no sampling of
    questions. With probability `chance`, over `law` and the sampling of runs, its half-width is at most
    `half_width`.

    Parameters
    ----------
    law : NextDeviation
        The law of the spread, in the unit of `half_width`: that of :func:`next_spreads`, or a law `updated`
        by runs like those to be planned.
    half_width : float, above 0
    chance : float in (0, 1)
    most : int

    Returns
    -------
    int or None
        None if even `most` runs are too few.

    Examples
    --------
    >>> laws = next_spreads()
    >>> runs_for(laws["true"], 10.0) < runs_for(laws["true"], 5.0)
    True
    """
    real("half_width", half_width, "a number above 0", above=0)
    real("chance", chance, "a number strictly between 0 and 1", above=0, below=1)
    for n in range(2, most + 1):
        free = 2 * n - 2
        widest = half_width / difference_half_width(1.0, n)
        if law.probabilities @ stats.chi2.cdf(free * (widest / law.values) ** 2, free) >= chance:
            return n
    return None
