"""What the arms at hand identify: a value, an interval, or nothing.

A missing accuracy lies in [0, 1]. With that, and whatever optional assumptions are named, every statement
about the arms has the form ``a - b <= w``, so the sharp bounds of every difference are shortest paths in a
graph of five nodes: the four arms and 0.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
from numpy.typing import NDArray

from rlvr._checks import choice
from rlvr.arms import ARMS
from rlvr.decomposition import TERMS

__all__ = ["ASSUMPTIONS", "feasible", "identified_sets"]

ASSUMPTIONS: Mapping[str, str] = {
    "no-harm": "no training lowers accuracy: RANDOM, MAJORITY and TRUE are at least FROZEN",
    "true-best": "no reward beats the true one: RANDOM and MAJORITY are at most TRUE",
    "null-zero": "training on a random reward changes nothing: RANDOM equals FROZEN",
}
"""Optional assumptions, all off by default. They speak of missing arms; known arms stand as printed."""

_AT_MOST = {
    "no-harm": [("frozen", "random"), ("frozen", "majority"), ("frozen", "true")],
    "true-best": [("random", "true"), ("majority", "true")],
    "null-zero": [("frozen", "random"), ("random", "frozen")],
}
_ZERO = len(ARMS)


def identified_sets(
    accuracies: Mapping[str, float], assumptions: Iterable[str] = ()
) -> dict[str, tuple[float, float]]:
    """Sharp bounds of every term from the arms that are there.

    Parameters
    ----------
    accuracies : mapping of arm to number in [0, 1]
        Any of ``ARMS``.
    assumptions : iterable of str
        Names out of ``ASSUMPTIONS``.

    Returns
    -------
    dict of str to (low, high)
        Equal ends where the term is identified; (-1, 1) where nothing is known of it.

    Raises
    ------
    ValueError
        If an assumption is unknown or contradicts the accuracies.

    Examples
    --------
    >>> sets = identified_sets({"frozen": 0.25, "random": 0.375, "true": 0.75})
    >>> sets["null"], sets["elicitation"], sets["naive"]
    ((0.125, 0.125), (-0.375, 0.625), (0.375, 0.375))
    """
    reach = _tightest(accuracies, _pairs(accuracies, assumptions))
    return {
        term: (
            float(-reach[ARMS.index(base), ARMS.index(arm)]),
            float(reach[ARMS.index(arm), ARMS.index(base)]),
        )
        for term, (arm, base) in TERMS.items()
    }


def feasible(
    accuracies: Mapping[str, float], assumptions: Iterable[str] = (), *, frozen: Iterable[float] = ()
) -> NDArray[np.float64]:
    """Accuracies (point, 4) that agree with the arms at hand: one point if none is missing, else a grid.

    The grid of one missing arm has steps of at most 0.005, of two of 0.02, of three of 0.05, and touches
    its bounds.

    Parameters
    ----------
    accuracies : mapping of arm to number in [0, 1]
    assumptions : iterable of str
    frozen : iterable of float
        Values to take for FROZEN instead of its own.
    """
    named = tuple(assumptions)
    points = []
    for start in tuple(frozen) or (None,):
        known = dict(accuracies) if start is None else {**accuracies, "frozen": start}
        if "null-zero" in named and "random" not in known and "frozen" in known:
            known["random"] = known["frozen"]
        pairs = _pairs(known, named)
        reach = _tightest(known, pairs)
        missing = [arm for arm in ARMS if arm not in known]
        steps = {0: 2, 1: 201, 2: 51}.get(len(missing), 21)
        axes = [
            np.array([known[arm]])
            if arm in known
            else _axis(-reach[_ZERO, ARMS.index(arm)], reach[ARMS.index(arm), _ZERO], steps, known)
            for arm in ARMS
        ]
        grid = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, len(ARMS))
        for low, high in pairs:
            grid = grid[grid[:, ARMS.index(low)] <= grid[:, ARMS.index(high)] + 1e-12]
        points.append(grid)
    return np.concatenate(points)


def _axis(low: float, high: float, steps: int, known: Mapping[str, float]) -> NDArray[np.float64]:
    """A grid from bound to bound that also holds the known accuracies, where inequalities meet."""
    inside = [value for value in known.values() if low <= value <= high]
    return np.unique(np.concatenate([np.linspace(low, high, steps), inside]))


def _pairs(known: Mapping[str, float], assumptions: Iterable[str]) -> list[tuple[str, str]]:
    """(arm, arm that is at least as accurate) from assumptions that involve a missing arm."""
    named = [choice("assumptions", name, tuple(ASSUMPTIONS)) for name in assumptions]
    return [
        (low, high) for name in named for low, high in _AT_MOST[name] if not (low in known and high in known)
    ]


def _tightest(known: Mapping[str, float], pairs: Iterable[tuple[str, str]]) -> NDArray[np.float64]:
    """Least upper bounds (node, node) of every difference of two nodes."""
    reach = np.full((_ZERO + 1, _ZERO + 1), np.inf)
    np.fill_diagonal(reach, 0.0)
    for node, arm in enumerate(ARMS):
        low, high = (known[arm], known[arm]) if arm in known else (0.0, 1.0)
        reach[node, _ZERO], reach[_ZERO, node] = high, -low
    for low_arm, high_arm in pairs:
        reach[ARMS.index(low_arm), ARMS.index(high_arm)] = 0.0
    for via in range(_ZERO + 1):
        reach = np.minimum(reach, reach[:, via, None] + reach[None, via, :])
    if (reach.diagonal() < -1e-12).any():
        raise ValueError(
            "assumptions must be compatible with the accuracies; with "
            + ", ".join(f"{arm} {value:g}" for arm, value in known.items())
            + " they leave no possible value for a missing arm"
        )
    return reach
