"""What clipping adds under coin flips: a force back to the policy that sampled, and whom it favours.

An answer of positive advantage stops counting when its strategy's ratio passes ``1 + high``, one of
negative advantage when it falls below ``1 - low``. Let h_s be +1 above the first bound, -1 below the
second, 0 between, and ``mu = E|A| / 2``. With shares `before` a rollout's updates and `now`, the expected
gradient of the next update is no longer zero::

    F_s = -mu now_s (h_s - sum_r now_r h_r)

For two strategies it is ``F_1 - F_2 = -2 mu now_1 now_2 (h_1 - h_2)`` in their logit difference x. It always
points back, so clipping quiets the walk. It does not point back evenly: with ``low = high``, moving x down
meets its bounds earlier than moving x up exactly when the first strategy holds more than half. So a walk
that steps up and down alike is pushed, on balance, towards the dominant strategy. The unit is one update.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from rlvr._checks import real, whole
from rlvr.theory.expected_drift import true_drift
from rlvr.theory.scale_free_step import noise_correlation
from rlvr.theory.shared_logits import checked_shares

__all__ = ["clip_bounds", "clip_force", "clipped_share", "coin_advantage", "mean_clip_force"]

Floats = NDArray[np.float64]


def coin_advantage(group_size: int) -> float:
    """Half the mean absolute advantage under fair coins, mu: ``E[sqrt(m (G - m))] / G``, m binomial(G, 1/2).

    It is the drift that TRUE would have at an accuracy of one half.

    Examples
    --------
    >>> round(coin_advantage(16), 4)
    0.4835
    """
    return float(true_drift([0.5, 0.5], [True, False], group_size=group_size)[0])


def clip_force(before: ArrayLike, now: ArrayLike, *, clip: tuple[float, float], group_size: int) -> Floats:
    """Expected gradient of RANDOM's next update, given how far the rollout's earlier ones have come.

    Parameters
    ----------
    before : array_like (strategy,)
        Shares that sampled the answers.
    now : array_like (strategy,)
        Shares at present.
    clip : (float, float), each above 0
        Bounds (low, high).
    group_size : int, at least 2

    Returns
    -------
    ndarray (strategy,)
        Sums to zero; zero while no ratio is out of bounds.

    Examples
    --------
    >>> clip_force([0.5, 0.5], [0.65, 0.35], clip=(0.2, 0.2), group_size=16).round(4)
    array([-0.22,  0.22])
    """
    old, _ = checked_shares(before)
    new, _ = checked_shares(now)
    beyond = _beyond(old, new, clip)
    return -coin_advantage(group_size) * new * (beyond - new @ beyond)


def clipped_share(before: ArrayLike, now: ArrayLike, *, clip: tuple[float, float], group_size: int) -> float:
    """Expected fraction of answers that the next update leaves out, in [0, 1/2)."""
    old, _ = checked_shares(before)
    new, _ = checked_shares(now)
    whole("group_size", group_size, "an integer of at least 2", at_least=2)
    return float((0.5 - 0.5**group_size) * (old @ np.abs(_beyond(old, new, clip))))


def clip_bounds(share: float, *, clip: tuple[float, float]) -> dict[str, float]:
    """How far the logit difference x of two strategies moves before each bound is met.

    With p the first one's share, ``u = high / (1 + high)`` and ``w = low / (1 - low)``::

        first above   x = -log(1 - u / (1 - p))      first below   x = -log(1 + w / (1 - p))
        second above  x =  log(1 - u / p)            second below  x =  log(1 + w / p)

    Infinite where a ratio cannot get there. With ``low = high`` the two bounds of the rarer strategy, and
    those of the commoner one, lie closer on the side on which the commoner loses: ``(p - u)(p + w) > p**2``
    if and only if ``p (w - u) > u w``, which is ``p > 1/2``.

    Parameters
    ----------
    share : float in (0, 1)
        p, before the move.
    clip : (float, float), each above 0
        Bounds (low, high).

    Returns
    -------
    dict of str to float

    Examples
    --------
    >>> bounds = clip_bounds(0.65, clip=(0.2, 0.2))
    >>> {name: round(x, 3) for name, x in bounds.items()}
    {'first above': 0.647, 'first below': -0.539, 'second above': -0.296, 'second below': 0.325}
    """
    p = real("share", share, "a number strictly between 0 and 1", above=0, below=1)
    low, high = _bounds(clip)

    def above(q: float) -> float:
        return -math.log1p(-high / (1 + high) / q) if high / (1 + high) < q else math.inf

    def below(q: float) -> float:
        return -math.log1p(low / (1 - low) / q) if low < 1 else -math.inf

    return {
        "first above": above(1 - p), "first below": below(1 - p),
        "second above": -above(p), "second below": -below(p),
    }  # fmt: skip


def mean_clip_force(
    shares: ArrayLike, *, step: float, clip: tuple[float, float], group_size: int, scale_free: bool = True,
    n_points: int = 4096,
) -> Floats:  # fmt: skip
    """Clip force averaged over a normal displacement of the logits: which strategy gains, and how much.

    Parameters
    ----------
    shares : array_like (strategy,)
        Shares that sampled.
    step : float, above 0
        Standard deviation of a logit's displacement so far. Scale-free: of every logit, with the
        correlations of RANDOM's noise. Otherwise: ``step * sqrt(pi_s (1 - pi_s))``, as plain gradient steps.
    clip : (float, float), each above 0
    group_size : int, at least 2
    scale_free : bool
    n_points : int
        Length of a scrambled Sobol sequence (a power of two), each used with its mirror image.

    Returns
    -------
    ndarray (strategy,)
        Expected gradient of the logits, up to the sequence's error.

    Examples
    --------
    >>> force = mean_clip_force([0.65, 0.35], step=0.2, clip=(0.2, 0.2), group_size=16)
    >>> bool(force[0] > 0)
    True
    """
    policy, _ = checked_shares(shares)
    real("step", step, "a finite number above 0", above=0)
    correlation = noise_correlation(policy)
    scale = step * (np.ones_like(policy) if scale_free else np.sqrt(policy * (1 - policy)))
    values, vectors = np.linalg.eigh(correlation * np.outer(scale, scale))
    root = vectors * np.sqrt(np.maximum(values, 0.0))
    sobol = stats.qmc.MultivariateNormalQMC(np.zeros(policy.size), rng=np.random.default_rng(0))
    moved = sobol.random(n_points) @ root.T
    total = np.zeros_like(policy)
    for displacement in (moved, -moved):
        new = policy * np.exp(displacement)
        new /= new.sum(axis=1, keepdims=True)
        beyond = _beyond(policy, new, clip)
        pull = new * (beyond - (new * beyond).sum(axis=1, keepdims=True))
        total += pull.mean(axis=0)
    return -coin_advantage(group_size) * total / 2


def _beyond(old: Floats, new: Floats, clip: tuple[float, float]) -> Floats:
    low, high = _bounds(clip)
    ratio = new / old
    return (ratio > 1 + high).astype(float) - (ratio < 1 - low)


def _bounds(clip: tuple[float, float]) -> tuple[float, float]:
    accepted = "two numbers (low, high), each above 0"
    low, high = (real("clip", bound, accepted, above=0) for bound in clip)
    return low, high
