"""Many verdicts at once: what chance alone would say, and what is left when all are judged together.

A verdict is supported at 95% when each of its inequalities is; the smallest ``1 - level`` at which it still
is is its p-value. At the boundary of a verdict it is supported with at most half that rate, since one side of
the intervals does the work. Over many cells some verdicts are then supported by chance: Holm's adjustment
bounds the chance of any, Benjamini and Yekutieli's the expected fraction of false ones (for any dependence:
cells of one paper share its models).

A pooled estimate is another question: not "which cells", but "how much on average, and how unlike". It takes
the models of a study as drawn from a population of models, and the cells as independent.

References
----------
Holm. A simple sequentially rejective multiple test procedure. Scand. J. Stat. 6, 1979.
Benjamini, Yekutieli. The control of the false discovery rate under dependency. Ann. Stat. 29, 2001.
Hartung, Knapp. On tests of the overall treatment effect in meta-analysis. Stat. Med. 20, 2001.
Röver, Knapp, Friede. Hartung-Knapp-Sidik-Jonkman approach and its modification. BMC Med. Res. Meth. 15, 2015.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, special, stats

from rlvr._checks import choice, confidence_level
from rlvr.arms import ARMS
from rlvr.auditing.cell_verdicts import VERDICT_RULES, CellAudit, contrast, verdict_slack, verdicts_at
from rlvr.auditing.cells import Cell
from rlvr.auditing.sampling import item_sampling
from rlvr.decomposition import TERMS
from rlvr.stats.estimates import Estimate

__all__ = ["PooledTerm", "VerdictFamily", "judge_family", "pooled_term", "verdict_p_value"]

_SMALLEST = 1e-12


def verdict_p_value(cell: Cell, *, rule: str = "magnitude") -> float:
    """The smallest ``1 - level`` at which the cell's verdict survives item sampling.

    It is 1 where the verdict survives at no level; 1e-12 stands for anything smaller.

    Raises
    ------
    ValueError
        If one of the four arms is missing.

    Examples
    --------
    >>> from rlvr.auditing.cells import Arm
    >>> arms = {name: Arm(name, accuracy, 500) for name, accuracy in zip(ARMS, (0.4, 0.4, 0.42, 0.56))}
    >>> round(verdict_p_value(Cell("s", "", "m", "b", arms)), 4)
    0.0841
    """
    choice("rule", rule, tuple(VERDICT_RULES))
    missing = [name for name in ARMS if name not in cell.arms]
    if missing:
        raise ValueError(f"a p-value needs all four arms, but {cell.name} has no {', '.join(missing)}")
    point = np.array([cell.arms[name].accuracy for name in ARMS])
    verdict = str(verdicts_at(point, rule=rule))

    def slack(log_p: float) -> float:
        sampling = item_sampling(cell.arms, level=-math.expm1(log_p))
        return float(verdict_slack(point[None], verdict, sampling.margins, rule=rule)[0])

    low, high = math.log(_SMALLEST), math.log1p(-1e-9)
    if slack(low) > 0:
        return _SMALLEST
    if slack(high) <= 0:
        return 1.0
    return math.exp(optimize.brentq(slack, low, high))


@dataclass(frozen=True)
class VerdictFamily:
    """Verdicts of several cells, plain and judged together.

    Attributes
    ----------
    cells : tuple of CellAudit
    p_values, holm, discovery : ndarray (cell,)
        Plain, and adjusted by Holm and by Benjamini and Yekutieli.
    level : float
    by_chance : float
        How many plain verdicts at most would be expected if no cell had one: at the boundary of a verdict it
        is supported with half of ``1 - level``.
    """

    cells: tuple[CellAudit, ...]
    p_values: NDArray[np.float64]
    holm: NDArray[np.float64]
    discovery: NDArray[np.float64]
    level: float
    by_chance: float

    def supported(self, adjusted: str = "plain") -> tuple[CellAudit, ...]:
        """The cells whose verdict is supported: "plain", by "holm" or by false "discovery" rate."""
        values = {"plain": self.p_values, "holm": self.holm, "discovery": self.discovery}
        at = values[choice("adjusted", adjusted, tuple(values))]
        return tuple(cell for cell, p in zip(self.cells, at, strict=True) if p < 1 - self.level)

    def identified(self, adjusted: str = "plain") -> tuple[CellAudit, ...]:
        """Former name of :meth:`supported`, kept for one release."""
        warnings.warn(
            "VerdictFamily.identified is deprecated, since a parameter is identified and a verdict is "
            "supported; call VerdictFamily.supported",
            DeprecationWarning,
            stacklevel=2,
        )
        return self.supported(adjusted)

    @property
    def chance_of_as_many(self) -> float:
        """Chance of at least as many plain verdicts if no cell had one, cells taken as independent."""
        n_supported = len(self.supported())
        return float(stats.binom.sf(n_supported - 1, len(self.cells), (1 - self.level) / 2))


def judge_family(
    cells: Sequence[CellAudit], *, level: float = 0.95, rule: str = "magnitude"
) -> VerdictFamily:
    """Judge the verdicts of several cells together, each with all four arms.

    One minus `level` is the rate that is to be kept: of any wrong verdict, or of wrong ones among those
    supported.
    """
    from statsmodels.stats.multitest import multipletests

    level = confidence_level(level)
    if not cells:
        raise ValueError("cells must hold at least one audited cell, got none")
    p_values = np.array([verdict_p_value(audit.cell, rule=rule) for audit in cells])
    holm = multipletests(p_values, method="holm")[1]
    discovery = stats.false_discovery_control(p_values, method="by")
    return VerdictFamily(tuple(cells), p_values, holm, discovery, level, len(cells) * (1 - level) / 2)


@dataclass(frozen=True)
class PooledTerm:
    """A term averaged over cells by random effects.

    Attributes
    ----------
    mean : Estimate
        Over the population of models; Hartung and Knapp's interval, never narrower than without their factor.
        Unit of replication: the model.
    spread : float
        Standard deviation between models (tau) beyond item sampling, by Paule and Mandel.
    heterogeneity_p : float
        Cochran's test that it is 0.
    next_low, next_high : float
        Where the term of a further model would lie, with the same level.
    """

    mean: Estimate
    spread: float
    heterogeneity_p: float
    next_low: float
    next_high: float


def pooled_term(cells: Sequence[CellAudit], term: str, *, level: float = 0.95) -> PooledTerm:
    """One pooled estimate of a term over the models of a study.

    Each cell's variance is that of its item-sampling interval, read as a normal one. What pooling assumes:
    the models are exchangeable draws from some population, and their cells independent. Models that share a
    base, or items that are hard for all, are not quite that. Run-to-run spread is part of `spread`, where it
    cannot be told from a difference between models.

    Parameters
    ----------
    cells : sequence of CellAudit
        At least three in which the term has a value with an interval.
    term : str
        Out of ``TERMS``.
    level : float in (0, 1)

    Raises
    ------
    ValueError
        If fewer than three cells have a value of the term with an interval.
    """
    from statsmodels.stats.meta_analysis import combine_effects

    level = confidence_level(level)
    contrast(choice("term", term, tuple(TERMS)))
    known = [audit for audit in cells if audit.terms[term].defined and not math.isnan(audit.terms[term].low)]
    if len(known) < 3:
        raise ValueError(f"cells must hold at least three with a value of {term}, got {len(known)}")
    terms = [audit.terms[term] for audit in known]
    values = np.array([each.value for each in terms])
    tails = special.ndtri(0.5 + np.array([each.level for each in terms]) / 2)
    errors = np.array([each.high - each.low for each in terms]) / 2 / tails
    with np.errstate(divide="ignore"):  # of an index that is not used, where all cells are alike
        pooled = combine_effects(values, errors**2, method_re="iterated")
    spread2, n = max(float(pooled.tau2), 0.0), len(known)
    # Cells more alike than their noise would shrink Hartung and Knapp's interval below that of no spread.
    mean, error = float(pooled.mean_effect_re), max(float(pooled.sd_eff_w_re_hksj), float(pooled.sd_eff_w_re))
    tail = float(special.stdtrit(n - 1, 0.5 + level / 2))
    ahead = float(special.stdtrit(n - 2, 0.5 + level / 2)) * math.sqrt(spread2 + error**2)
    return PooledTerm(
        Estimate(mean, mean - tail * error, mean + tail * error, level, "model", n),
        math.sqrt(spread2),
        float(stats.chi2.sf(pooled.q, n - 1)),
        mean - ahead,
        mean + ahead,
    )
