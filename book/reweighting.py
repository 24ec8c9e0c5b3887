r"""How much accuracy can change when only the shares of fixed strategies change.

A policy answers a question of kind k (a fraction :math:`w_k` of all) by strategy s with share :math:`q_{ks}`,
and is right then with accuracy :math:`a_{ks}`. Training that moves the shares and leaves the accuracies alone
reaches at most

.. math:: \sum_k w_k \Bigl(\max_s a_{ks} - \sum_s q_{ks} a_{ks}\Bigr)

above where it started, and at least the same with the minimum. With one kind of question this is the case of
accuracies shared by all questions. It is a bound for re-weighting alone, whatever the reward.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rlvr._checks import shown

__all__ = ["largest_reweighting_null", "reweighted_null", "smallest_reweighting_null"]


def _kinds(
    shares: ArrayLike, accuracies: ArrayLike, weights: ArrayLike | None
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    q, a = (np.atleast_2d(np.asarray(values, dtype=float)) for values in (shares, accuracies))
    if a.ndim != 2 or a.shape[1] < 1 or not np.isfinite(a).all() or (a < 0).any() or (a > 1).any():
        raise ValueError(
            "accuracies must be fractions from 0 to 1, (strategy,) or (kind, strategy), "
            f"got {shown(accuracies)}"
        )
    w = np.full(len(a), 1 / len(a)) if weights is None else np.asarray(weights, dtype=float)
    for name, given, rows, shape in (("shares", shares, q, a.shape), ("weights", weights, w, (len(a),))):
        if rows.shape != shape or not (rows >= 0).all() or not np.allclose(rows.sum(axis=-1), 1, atol=1e-9):
            raise ValueError(
                f"{name} must be at least 0 and sum to 1, of shape {shape} like accuracies, "
                f"got {shown(given)}"
            )
    return q, a, w


def reweighted_null(
    shares: ArrayLike, accuracies: ArrayLike, new_shares: ArrayLike, weights: ArrayLike | None = None
) -> float:
    r"""Change of accuracy when shares move and accuracies stay: :math:`\sum_k w_k (q'_k - q_k) \cdot a_k`.

    Parameters
    ----------
    shares : array_like (strategy,) or (kind, strategy)
        Before; at least 0, with sum 1 over strategies.
    accuracies : array_like (strategy,) or (kind, strategy)
        In [0, 1].
    new_shares : array_like (strategy,) or (kind, strategy)
        After; at least 0, with sum 1 over strategies.
    weights : array_like (kind,), optional
        Fraction of each kind of question; equal by default.

    Returns
    -------
    float
        In units of accuracy.

    Raises
    ------
    ValueError
        If shapes differ, shares or weights are negative or do not sum to 1, or an accuracy is not in [0, 1].

    Examples
    --------
    >>> round(reweighted_null([0.65, 0.35], [0.609, 0.28], [0.932, 0.068]), 4)
    0.0928
    """
    q, a, w = _kinds(shares, accuracies, weights)
    new, _, _ = _kinds(new_shares, accuracies, weights)
    return float(w @ ((new - q) * a).sum(axis=1))


def largest_reweighting_null(
    shares: ArrayLike, accuracies: ArrayLike, weights: ArrayLike | None = None
) -> float:
    r"""The most that re-weighting can add: :math:`\sum_k w_k (\max_s a_{ks} - \sum_s q_{ks} a_{ks})`.

    Parameters
    ----------
    shares : array_like (strategy,) or (kind, strategy)
        At least 0, with sum 1 over strategies.
    accuracies : array_like (strategy,) or (kind, strategy)
        In [0, 1].
    weights : array_like (kind,), optional
        Fraction of each kind of question; equal by default.

    Returns
    -------
    float
        In units of accuracy, at least 0.

    Raises
    ------
    ValueError
        As :func:`reweighted_null`.

    Examples
    --------
    >>> round(largest_reweighting_null([0.65, 0.35], [0.609, 0.28]), 4)
    0.1151
    """
    q, a, w = _kinds(shares, accuracies, weights)
    return float(w @ (a.max(axis=1) - (q * a).sum(axis=1)))


def smallest_reweighting_null(
    shares: ArrayLike, accuracies: ArrayLike, weights: ArrayLike | None = None
) -> float:
    """The most that re-weighting can take: as :func:`largest_reweighting_null` with the worst strategy.

    Examples
    --------
    >>> round(smallest_reweighting_null([0.65, 0.35], [0.609, 0.28]), 4)
    -0.2138
    """
    q, a, w = _kinds(shares, accuracies, weights)
    return float(w @ (a.min(axis=1) - (q * a).sum(axis=1)))
