"""Judge the verdicts of many cells together, and pool a term over cells.

A verdict is supported at 95% if each of its inequalities is; its p-value is the smallest ``1 - level`` at
which the verdict is still supported. At the boundary of a verdict, the error rate is at most half of that,
because only one side of each interval matters. Over many cells, some verdicts are supported by chance. Holm's
adjustment bounds the probability of any false verdict, that of Benjamini and Yekutieli the expected fraction
of false ones. Both allow any dependence, since the cells of one paper share its models.

A pooled estimate answers another question: how large a term is on average, and how much it varies. The models
of a study are treated as drawn from a population of models, and the cells as independent.

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
    """Return the smallest ``1 - level`` at which the cell's verdict survives item sampling.

    The p-value is 1 if the verdict survives at no level, and at least 1e-12.

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
    """The verdicts of several cells, judged one by one and together.

    Attributes
    ----------
    cells : tuple of CellAudit
    p_values, holm, discovery : ndarray (cell,)
        Unadjusted, adjusted by Holm, and adjusted by Benjamini and Yekutieli.
    level : float
    by_chance : float
        Largest expected number of unadjusted verdicts if no cell had one: at the boundary of a verdict, each
        cell is supported with probability half of ``1 - level``.
    """

    cells: tuple[CellAudit, ...]
    p_values: NDArray[np.float64]
    holm: NDArray[np.float64]
    discovery: NDArray[np.float64]
    level: float
    by_chance: float

    def supported(self, adjusted: str = "plain") -> tuple[CellAudit, ...]:
        """Return the cells with a supported verdict: "plain", by "holm" or by false "discovery" rate."""
        values = {"plain": self.p_values, "holm": self.holm, "discovery": self.discovery}
        at = values[choice("adjusted", adjusted, tuple(values))]
        return tuple(cell for cell, p in zip(self.cells, at, strict=True) if p < 1 - self.level)

    def identified(self, adjusted: str = "plain") -> tuple[CellAudit, ...]:
        """Return the supported cells; former name of :meth:`supported`, kept for one release."""
        warnings.warn(
            "VerdictFamily.identified is deprecated, since a parameter is identified and a verdict is "
            "supported; call VerdictFamily.supported",
            DeprecationWarning,
            stacklevel=2,
        )
        return self.supported(adjusted)

    @property
    def chance_of_as_many(self) -> float:
        """Probability of at least as many unadjusted verdicts if no independent cell had one."""
        n_supported = len(self.supported())
        return float(stats.binom.sf(n_supported - 1, len(self.cells), (1 - self.level) / 2))


def judge_family(
    cells: Sequence[CellAudit], *, level: float = 0.95, rule: str = "magnitude"
) -> VerdictFamily:
    """Judge the verdicts of several cells together, each with all four arms.

    The error rate is one minus `level`: the probability of any wrong verdict (Holm), or the expected fraction
    of wrong verdicts among the supported ones (discovery).
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
    """A term averaged over cells in a random-effects model.

    Attributes
    ----------
    mean : Estimate
        Mean over the population of models, with Hartung and Knapp's interval, which is never narrower than
        without their factor. Unit of replication: the model.
    spread : float
        Standard deviation between models (tau) beyond item sampling, by Paule and Mandel.
    heterogeneity_p : float
        p-value of Cochran's test that `spread` is 0.
    next_low, next_high : float
        Prediction interval for the term of a further model, at the same level.
    """

    mean: Estimate
    spread: float
    heterogeneity_p: float
    next_low: float
    next_high: float


def pooled_term(cells: Sequence[CellAudit], term: str, *, level: float = 0.95) -> PooledTerm:
    """Pool a term over the models of a study.

    The variance of each cell is taken from its item-sampling interval under a normal law. Pooling assumes
    that models are exchangeable draws from a population and that cells are independent. Models with a common
    base, or items that are hard for all models, violate the assumption. `spread` includes run-to-run spread,
    which the data cannot separate from differences between models.

    Parameters
    ----------
    cells : sequence of CellAudit
        At least three cells in which the term has a value with an interval.
    term : str
        One of ``TERMS``.
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
    with np.errstate(divide="ignore"):  # an unused index divides by 0 if all cells are equal
        pooled = combine_effects(values, errors**2, method_re="iterated")
    spread2, n = max(float(pooled.tau2), 0.0), len(known)
    # For cells closer than their noise, Hartung and Knapp's interval would be narrower than without spread.
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
