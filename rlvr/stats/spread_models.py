r"""Predict the standard deviation of the next study's runs from many small groups of runs.

A cell is a group of runs that differ only by chance; its sample deviation s has `df` degrees of freedom.
Cells belong to studies, and studies to groups (arms). With normal runs::

    df s**2 / sigma**2 ~ chi-square(df),   log sigma = mu(group) + study + cell

Both effects are normal with mean zero. Their deviations `between_studies` and `between_cells` are common to
all groups, and a study has one effect per group. These deviations have half-normal priors, and mu has a flat
prior over the grid. Everything is summed on a grid of log sigma, because one or two degrees of freedom are
too few to treat log s**2 as normal. An argument out of range is refused by name (ValueError).
"""

from __future__ import annotations

import math
from collections.abc import Hashable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rlvr._checks import confidence_level, real, shown

__all__ = ["NextDeviation", "next_deviations"]

Floats = NDArray[np.float64]

# The grid of deviations as multiples of the cells' geometric mean, and its step in logarithms.
_LOW, _HIGH, _STEP = 1e-3, 1e3, 0.06

_HETEROGENEITY = np.concatenate([[0.02], np.arange(0.15, 3.1, 0.2)])
"""Nodes of the two effects' deviations; 0.02 stands for zero."""


@dataclass(frozen=True)
class NextDeviation:
    """Predictive law of the standard deviation of a cell in a new study."""

    values: Floats
    """Deviations, ascending, in the unit of the cells."""
    probabilities: Floats
    """Probabilities of the deviations, which sum to one."""
    n_cells: int
    n_studies: int

    def quantile(self, probability: ArrayLike) -> Floats:
        """Quantile of the next deviation, interpolated in logarithms."""
        below = np.cumsum(self.probabilities) - self.probabilities / 2
        return np.exp(np.interp(np.asarray(probability, dtype=float), below, np.log(self.values)))

    @property
    def median(self) -> float:
        return float(self.quantile(0.5))

    def scaled(self, factor: float) -> NextDeviation:
        """The same law in another unit: 0.01 turns points into fractions."""
        return replace(self, values=self.values * real("factor", factor, "a number above 0", above=0))

    def updated(self, deviation: float, df: float) -> NextDeviation:
        """The law updated by one more deviation with `df` degrees of freedom; runs are assumed normal."""
        sd = real("deviation", deviation, "a number of at least 0", above=0, closed=True)
        free = real("df", df, "a number of at least 1", above=1, closed=True)
        likelihood = -free * (np.log(self.values) + (sd / self.values) ** 2 / 2)
        weights = self.probabilities * np.exp(likelihood - likelihood.max())
        return replace(self, probabilities=weights / weights.sum())

    def half_width(self, level: float = 0.95, n_runs: int = 1) -> float:
        """Half-width of a two-sided interval of the mean of `n_runs` normal runs at probability `level`.

        The deviation is integrated out, so the law of the mean is a mixture of normal laws.

        Examples
        --------
        >>> sure = NextDeviation(np.array([1.0, 2.0]), np.array([1.0, 0.0]), 1, 1)
        >>> round(sure.half_width(), 2), round(sure.half_width(n_runs=4), 2)
        (1.96, 0.98)
        """
        from scipy import optimize, special  # an audit that assumes no law does not need this import

        level = confidence_level(level)
        errors = self.values / math.sqrt(n_runs)

        def excess(half: float) -> float:
            return float(self.probabilities @ (2 * special.ndtr(half / errors) - 1)) - level

        top = float(errors[-1] * special.ndtri(0.5 + level / 2)) * 1.001
        return float(optimize.brentq(excess, 0.0, top))

    def interval(self, level: float = 0.95) -> tuple[float, float]:
        """Central predictive interval."""
        level = confidence_level(level)
        low, high = self.quantile([(1 - level) / 2, (1 + level) / 2])
        return float(low), float(high)


def next_deviations(
    deviations: ArrayLike, dfs: ArrayLike, studies: ArrayLike, groups: ArrayLike, *, prior_scale: float = 1.0,
    most: float = math.inf,
) -> dict[Hashable, NextDeviation]:  # fmt: skip
    """Predict the deviation of a new study's runs, group by group.

    Parameters
    ----------
    deviations : array_like (cell,), above 0
        Sample standard deviations.
    dfs : array_like (cell,), at least 1
        Their degrees of freedom.
    studies, groups : array_like (cell,)
        Labels.
    prior_scale : float, above 0
        Scale of the half-normal priors of the two effects' deviations, in log sigma.
    most : float, above 0
        The largest possible deviation: half the range of a bounded quantity.

    Returns
    -------
    dict of label to NextDeviation
        In the order in which the groups first appear.

    Notes
    -----
    For six studies of one to four cells with one to five degrees of freedom, whose effects vary by 0.8 and
    0.4 in log sigma, the 95% interval held the next deviation in 96.3% of 1,000 simulated data sets, and the
    80% interval in 81.7% (Monte Carlo errors 0.6 and 1.2 points).

    Examples
    --------
    >>> law = next_deviations([1.0, 2.0, 4.0], [5, 5, 5], ["a", "b", "c"], ["true"] * 3)["true"]
    >>> 1 < law.median < 4 and law.interval()[0] < 1 and law.interval()[1] > 4
    True
    """
    from scipy import special

    real("prior_scale", prior_scale, "a finite number above 0", above=0)
    if not most > 0:
        raise ValueError(f"most must be a number above 0, got {shown(most)}")
    sds, degrees = np.asarray(deviations, dtype=float), np.asarray(dfs, dtype=float)
    of_study, of_group = np.asarray(studies), np.asarray(groups)
    if not (sds.ndim == 1 and sds.size and sds.shape == degrees.shape == of_study.shape == of_group.shape):
        raise ValueError(
            "deviations, dfs, studies and groups must be vectors of one length, at least 1, got shapes "
            f"{sds.shape}, {degrees.shape}, {of_study.shape} and {of_group.shape}"
        )
    for name, values, least in (("deviations", sds, np.nextafter(0, 1)), ("dfs", degrees, 1)):
        if not (np.isfinite(values).all() and (values >= least).all()):
            accepted = "finite numbers above 0" if name == "deviations" else "finite numbers of at least 1"
            raise ValueError(f"{name} must be {accepted}, got {shown(values)}")
    if sds.max() > most:
        raise ValueError(f"deviations must be at most {shown(most)} (most), got {shown(float(sds.max()))}")
    centre = float(np.log(sds).mean())
    grid = centre + np.arange(np.log(_LOW), np.log(_HIGH), _STEP)
    grid = grid[grid <= (math.log(most) if most < math.inf else math.inf)]
    ratio = np.log(sds)[:, None] - grid
    likelihood = degrees[:, None] * ratio - degrees[:, None] * np.exp(2 * ratio) / 2
    likelihood = np.exp(likelihood - likelihood.max(axis=1, keepdims=True))
    kernels = np.stack([_kernel(grid, spread) for spread in _HETEROGENEITY])
    backwards = kernels.swapaxes(1, 2)
    labels = list(dict.fromkeys(of_group.tolist()))
    members = {
        label: [
            np.flatnonzero((of_group == label) & (of_study == study))
            for study in np.unique(of_study[of_group == label])
        ]
        for label in labels
    }
    shape = (_HETEROGENEITY.size, _HETEROGENEITY.size)
    evidence = np.empty((len(labels), *shape))
    means = np.empty((len(labels), *shape, grid.size))  # posterior of mu given both effects' deviations
    for at_cell, cell_kernel in enumerate(kernels):
        given_study = np.log(np.maximum(likelihood @ cell_kernel.T, 1e-300))
        for row, label in enumerate(labels):
            of_studies = np.stack([given_study[cells].sum(axis=0) for cells in members[label]])
            top = of_studies.max(axis=1, keepdims=True)
            scaled = np.exp(of_studies - top)
            given_mean = (np.log(np.maximum(scaled @ backwards, 1e-300)) + top).sum(axis=1)
            evidence[row, :, at_cell] = special.logsumexp(given_mean, axis=1)
            means[row, :, at_cell] = special.softmax(given_mean, axis=1)
    width = np.gradient(_HETEROGENEITY)
    prior = np.log(width) - (_HETEROGENEITY / prior_scale) ** 2 / 2
    weights = special.softmax(evidence.sum(axis=0) + prior[:, None] + prior)
    laws = {}
    for row, label in enumerate(labels):
        law = np.zeros(grid.size)
        for at_cell, cell_kernel in enumerate(kernels):
            weighted = weights[:, at_cell, None] * means[row, :, at_cell]
            mixed = (weighted[:, None] @ kernels).sum(axis=(0, 1))
            law += mixed @ cell_kernel
        laws[label] = NextDeviation(
            np.exp(grid), law / law.sum(), int((of_group == label).sum()), len(members[label])
        )
    return laws


def _kernel(grid: Floats, spread: float) -> Floats:
    """Normal weights over the grid (to) around each of its points (from); each row sums to one."""
    weights = np.exp(-((grid[:, None] - grid) ** 2) / (2 * spread**2))
    return weights / weights.sum(axis=1, keepdims=True)
