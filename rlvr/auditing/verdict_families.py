"""Many verdicts at once: what chance alone would say, and what is left when all are judged together.

A verdict is supported at 95% when each of its inequalities is; the smallest ``1 - level`` at which it still
is is its p-value. At the boundary of a verdict it is said with at most half that rate, since one side of the
intervals does the work. Over many cells some verdicts are then said by chance: Holm's adjustment bounds the
chance of saying any, Benjamini and Yekutieli's the expected fraction of those said (for any dependence: cells
of one paper share its models).

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
from scipy import special, stats

from rlvr._checks import choice, real
from rlvr.arms import ARMS
from rlvr.auditing.cell_audit import CellAudit
from rlvr.auditing.cells import Cell
from rlvr.auditing.sampling_error import item_sampling
from rlvr.auditing.verdict_rules import RULES, contrast, judge
from rlvr.decomposition import TERMS
from rlvr.stats.estimates import Estimate

__all__ = ["Family", "PooledTerm", "judge_family", "pooled_term", "verdict_p_value"]

_SMALLEST = 1e-12


def verdict_p_value(cell: Cell, *, rule: str = "magnitude") -> float:
    """The smallest ``1 - level`` at which the cell's verdict survives item sampling.

    Parameters
    ----------
    cell : Cell
        With all four arms.
    rule : {"magnitude", "published"}

    Returns
    -------
    float
        1 where it survives at no level; 1e-12 stands for anything smaller.

    Raises
    ------
    ValueError
        If an arm is missing.

    Examples
    --------
    >>> from rlvr.auditing.cells import Arm
    >>> arms = {name: Arm(name, accuracy, 500) for name, accuracy in zip(ARMS, (0.4, 0.4, 0.42, 0.56))}
    >>> round(verdict_p_value(Cell("s", "", "m", "b", arms)), 4)
    0.0841
    """
    choice("rule", rule, tuple(RULES))
    missing = [name for name in ARMS if name not in cell.arms]
    if missing:
        raise ValueError(f"a p-value needs all four arms; {cell.name} has no {', '.join(missing)}")
    point = [cell.arms[name].accuracy for name in ARMS]

    def survives(log_p: float) -> bool:
        return judge(point, item_sampling(cell.arms, level=-math.expm1(log_p)).margins, rule=rule)[1]

    low, high = math.log(_SMALLEST), math.log1p(-1e-9)
    if survives(low):
        return _SMALLEST
    if not survives(high):
        return 1.0
    for _ in range(50):
        middle = (low + high) / 2
        low, high = (low, middle) if survives(middle) else (middle, high)
    return math.exp(high)


@dataclass(frozen=True)
class Family:
    """Verdicts of several cells, plain and judged together.

    Attributes
    ----------
    cells : tuple of CellAudit
    p_values, holm, discovery : ndarray (cell,)
        Plain, and adjusted by Holm and by Benjamini and Yekutieli.
    level : float
    by_chance : float
        How many plain verdicts at most would be expected if no cell had one: at the boundary of a verdict it
        is said with half of ``1 - level``.
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
            "Family.identified is deprecated, since a parameter is identified and a verdict is supported; "
            "call Family.supported",
            DeprecationWarning,
            stacklevel=2,
        )
        return self.supported(adjusted)

    @property
    def chance_of_as_many(self) -> float:
        """Chance of at least as many plain verdicts if no cell had one, cells taken as independent."""
        said = len(self.supported())
        return float(stats.binom.sf(said - 1, len(self.cells), (1 - self.level) / 2))


def judge_family(cells: Sequence[CellAudit], *, level: float = 0.95, rule: str = "magnitude") -> Family:
    """Judge the verdicts of several cells together.

    Parameters
    ----------
    cells : sequence of CellAudit
        Each with all four arms.
    level : float in (0, 1)
        One minus the rate that is to be kept: of any wrong verdict, or of wrong ones among those said.
    rule : {"magnitude", "published"}
    """
    from statsmodels.stats.multitest import multipletests

    real("level", level, "a number strictly between 0 and 1", above=0, below=1)
    if not cells:
        raise ValueError("cells must hold at least one audited cell, got none")
    p_values = np.array([verdict_p_value(audit.cell, rule=rule) for audit in cells])
    holm, discovery = (multipletests(p_values, method=method)[1] for method in ("holm", "fdr_by"))
    return Family(tuple(cells), p_values, holm, discovery, level, len(cells) * (1 - level) / 2)


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
    partially_pooled : dict of str to Estimate
        Each cell's own term, drawn towards the mean as far as its noise deserves; by the cell's name.
    """

    mean: Estimate
    spread: float
    heterogeneity_p: float
    next_low: float
    next_high: float
    partially_pooled: dict[str, Estimate]


def pooled_term(cells: Sequence[CellAudit], term: str, *, level: float = 0.95) -> PooledTerm:
    """One partially pooled estimate of a term over the models of a study.

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

    real("level", level, "a number strictly between 0 and 1", above=0, below=1)
    contrast(choice("term", term, tuple(TERMS)))
    known = [audit for audit in cells if audit.terms[term].defined and not math.isnan(audit.terms[term].low)]
    if len(known) < 3:
        raise ValueError(f"cells must hold at least three with a value of {term}, got {len(known)}")
    terms = [audit.terms[term] for audit in known]
    values = np.array([each.value for each in terms])
    tails = special.ndtri(0.5 + np.array([each.level for each in terms]) / 2)
    errors = np.array([each.high - each.low for each in terms]) / 2 / tails
    found = combine_effects(values, errors**2, method_re="iterated", use_t=True, alpha=1 - level)
    spread2, n = max(float(found.tau2), 0.0), len(known)
    # Cells more alike than their noise would shrink Hartung and Knapp's interval below that of no spread.
    mean, error = float(found.mean_effect_re), max(float(found.sd_eff_w_re_hksj), float(found.sd_eff_w_re))
    tail = float(special.stdtrit(n - 1, 0.5 + level / 2))
    ahead = float(special.stdtrit(n - 2, 0.5 + level / 2)) * math.sqrt(spread2 + error**2)
    weight = spread2 / (spread2 + errors**2)
    z = float(special.ndtri(0.5 + level / 2))
    towards = {}
    for audit, value, own, share in zip(known, values, errors, weight, strict=True):
        centre = share * value + (1 - share) * mean
        half = z * math.sqrt(share * own**2 + (1 - share) ** 2 * error**2)
        towards[audit.cell.name] = Estimate(centre, centre - half, centre + half, level, "item and model", n)
    return PooledTerm(
        Estimate(mean, mean - tail * error, mean + tail * error, level, "model", n),
        math.sqrt(spread2),
        float(stats.chi2.sf(found.q, n - 1)),
        mean - ahead,
        mean + ahead,
        towards,
    )
