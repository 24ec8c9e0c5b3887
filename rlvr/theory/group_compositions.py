"""Every way in which a group of G samples can fall on K actions, and what MAJORITY does with each.

There are ``C(G+K-1, K-1)`` count vectors (6,435 for G = K = 8), so expectations over groups are sums.
The unit is one group.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy import special

__all__ = ["MOST_GROUPS", "PluralityTable", "compositions", "log_multinomial", "plurality_table"]

MOST_GROUPS = 1_000_000
"""Count vectors enumerated at most; their tables take about 150 bytes each for eight actions."""

_LOG_ZERO = -1e4  # stands for log 0, whose product with a count of zero would be undefined


def compositions(group_size: int, n_actions: int) -> NDArray[np.int64]:
    """All count vectors of `group_size` samples on `n_actions` actions, ndarray (vector, action).

    Raises
    ------
    ValueError
        If there are more than ``MOST_GROUPS``.

    Examples
    --------
    >>> compositions(2, 2).tolist()
    [[0, 2], [1, 1], [2, 0]]
    """
    n_slots = group_size + n_actions - 1
    n_vectors = math.comb(n_slots, n_actions - 1)
    if n_vectors > MOST_GROUPS:
        raise ValueError(
            f"group_size {group_size} with {n_actions} actions has {n_vectors} compositions, "
            f"at most {MOST_GROUPS} are enumerated"
        )
    flat = itertools.chain.from_iterable(itertools.combinations(range(n_slots), n_actions - 1))
    bars = np.fromiter(flat, dtype=np.int64, count=n_vectors * (n_actions - 1))
    edges = np.pad(bars.reshape(n_vectors, n_actions - 1), ((0, 0), (1, 1)), constant_values=-1)
    edges[:, -1] = n_slots
    return np.diff(edges, axis=1) - 1


def log_multinomial(counts: NDArray[np.int64]) -> NDArray[np.float64]:
    """Logarithm of the number of orders in which each count vector can be sampled, ndarray (vector,)."""
    return special.gammaln(counts.sum(axis=1) + 1) - special.gammaln(counts + 1).sum(axis=1)


@dataclass(frozen=True)
class PluralityTable:
    """What MAJORITY does with each count vector.

    Attributes
    ----------
    counts : ndarray (vector, action)
    log_orders : ndarray (vector,)
        Logarithm of the number of orders in which each vector can be sampled.
    share : ndarray (vector, action)
        Probability that an action is the rewarded plurality.
    won : ndarray (vector,)
        How far the plurality moves: with m its count, ``sqrt(m (G - m)) / G``; 0 for a unanimous group.
    lost : ndarray (vector,)
        How far any other action moves back for each time it was sampled: ``sqrt(m / (G - m)) / G``; 0 for a
        unanimous group.
    drift : ndarray (vector, action)
        Mean policy term over ties.
    """

    counts: NDArray[np.float64]
    log_orders: NDArray[np.float64]
    share: NDArray[np.float64]
    won: NDArray[np.float64]
    lost: NDArray[np.float64]
    drift: NDArray[np.float64]

    def probabilities(self, policies: NDArray[np.float64]) -> NDArray[np.float64]:
        """Probability of each count vector, ndarray (policy, vector), under `policies` (policy, action)."""
        logs = np.log(policies, out=np.full_like(policies, _LOG_ZERO), where=policies > 0)
        return np.exp(self.log_orders + logs @ self.counts.T)


@lru_cache(maxsize=8)
def plurality_table(group_size: int, n_actions: int, tie_break: str) -> PluralityTable:
    """Tabulate the plurality rule: "lowest" index among the most frequent, or a "uniform" draw of them."""
    counts = compositions(group_size, n_actions)
    most = counts.max(axis=1, keepdims=True)
    tied = counts == most
    if tie_break == "lowest":
        tied &= tied.cumsum(axis=1) == 1
    others = np.where(most < group_size, group_size - most, np.inf)[:, 0]
    won = np.sqrt(most[:, 0] * np.where(np.isfinite(others), others, 0.0)) / group_size
    lost = np.sqrt(most[:, 0] / others) / group_size
    share = tied / tied.sum(axis=1, keepdims=True)
    drift = share * (won + lost * most[:, 0])[:, None] - counts * lost[:, None]
    return PluralityTable(counts.astype(float), log_multinomial(counts), share, won, lost, drift)
