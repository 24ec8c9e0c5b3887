"""Effect of clipping under coin flips: a force back to the sampling policy, and the strategy it favours.

An answer of positive advantage stops counting when its strategy's ratio rises above ``1 + high``, one of
negative advantage when the ratio falls below ``1 - low``. Let h_s be +1 above the first bound, -1 below the
second and 0 between them, and ``mu = E|A| / 2``. With present shares pi_s, the expected gradient of a
rollout's next update is no longer zero::

    F_s = -mu pi_s (h_s - sum_r pi_r h_r)

For two strategies the force on their logit difference x is ``F_1 - F_2 = -2 mu pi_1 pi_2 (h_1 - h_2)``. The
force always points back, so clipping narrows the spread. Its two directions are not equally strong: with
``low = high``, a decrease of x meets its bounds earlier than an increase exactly when the first strategy
holds more than half. So the expected movement is towards the dominant strategy.

Over a whole rollout, let c_s be the expected fraction of an update's answers that use strategy s and are
clipped, r_s the strategy's ratio and ``worth = E|A|`` within a group of unequal rewards. Then::

    E[g | x] = -sign(x) 2 worth C(x),    C = pi_2 r_1 c_1 + pi_1 r_2 c_2

Each clipped answer thus removes its own contribution. Averaged over displacements, the drift follows the
*difference* between the clipped fractions while the first strategy loses and while it gains. The spread
shrinks with their *sum*, because the force's part of E[x**2] is ``2 E[x g] = -4 worth E[|x| C]``. The law of
x is followed from update to update on a grid, with normal noise; the first two moments of each update are
exact. An argument out of range is refused by name (TypeError, ValueError).
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from rlvr._checks import real, whole
from rlvr.theory.expected_drift import true_drift
from rlvr.theory.shared_logits import checked_shares, noise_correlation

__all__ = ["ClippedRollout", "clip_bounds", "clipped_rollout", "coin_advantage", "mean_clip_force"]

Floats = NDArray[np.float64]


def coin_advantage(group_size: int) -> float:
    """Half the mean absolute advantage under fair coins, mu: ``E[sqrt(m (G - m))] / G``, m binomial(G, 1/2).

    This equals TRUE's drift at an accuracy of one half.

    Examples
    --------
    >>> round(coin_advantage(16), 4)
    0.4835
    """
    return float(true_drift([0.5, 0.5], [True, False], group_size=group_size)[0])


def clip_bounds(share: float, *, clip: tuple[float, float]) -> dict[str, float]:
    """Distance that the logit difference x of two strategies moves before each bound is met.

    With p the first strategy's share, ``u = high / (1 + high)`` and ``w = low / (1 - low)``::

        first above   x = -log(1 - u / (1 - p))      first below   x = -log(1 + w / (1 - p))
        second above  x =  log(1 - u / p)            second below  x =  log(1 + w / p)

    A bound that a ratio cannot reach is infinite. With ``low = high`` the two bounds of the rarer strategy,
    and those of the commoner one, are closer on the side on which the commoner one loses: ``(p - u)(p + w) >
    p**2`` if and only if ``p (w - u) > u w``, which is ``p > 1/2``.

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
    """Clip force averaged over a normal displacement of the logits.

    Parameters
    ----------
    shares : array_like (strategy,)
        Shares of the policy that sampled.
    step : float, above 0
        Standard deviation of a logit's displacement so far. If scale-free, the same for every logit, with the
        correlations of RANDOM's noise; otherwise ``step * sqrt(pi_s (1 - pi_s))``, as for plain gradient
        steps.
    clip : (float, float), each above 0
    group_size : int, at least 2
    scale_free : bool
    n_points : int
        Length of a scrambled Sobol sequence (a power of two), whose points are used with their mirror images.

    Returns
    -------
    ndarray (strategy,)
        Expected gradient of the logits, up to the sequence's numerical error.

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


class ClippedRollout(NamedTuple):
    """Law of a rollout: the logit difference at its end, and the fraction of clipped answers.

    The mean obeys ``mean = 2 learning_rate worth inner_updates (losing - gaining)``.
    """

    mean: float
    """Expected change over the rollout of the first strategy's logit minus the second's, over training runs.
    """
    sd: float
    """Standard deviation of this difference over training runs."""
    clipped: float
    """Expected fraction of the rollout's answers that are clipped."""
    losing: float
    """Part of C, averaged over updates, at displacements at which the first strategy has lost."""
    gaining: float
    """Part of C, averaged over updates, at displacements at which the first strategy has gained."""


def clipped_rollout(
    share: float, *, learning_rate: float, n_answers: int, group_size: int, inner_updates: int,
    clip: tuple[float, float] | None, n_points: int = 801,
) -> ClippedRollout:  # fmt: skip
    """Drift, spread and clipped fraction of one rollout under coin flips and plain gradient steps.

    For two strategies, a scale-free step of size e equals a plain step with the learning rate ``e / sqrt(v p
    (1 - p) / n_answers)``, where p is the share and ``v = 1 - 2**(1 - group_size)``.

    Parameters
    ----------
    share : float in (0, 1)
        The first strategy's share when the rollout is sampled.
    learning_rate : float, above 0
    n_answers : int, at least 1
        Answers per update; the rollout has `inner_updates` times as many.
    group_size : int, at least 2
    inner_updates : int, at least 1
    clip : None or (float, float), each above 0
        Bounds (low, high); None: off.
    n_points : int, odd, at least 101
        Nodes of the grid.

    Returns
    -------
    ClippedRollout

    Examples
    --------
    >>> settings = dict(learning_rate=2.0, n_answers=128, group_size=16, inner_updates=8)
    >>> free = clipped_rollout(0.65, clip=None, **settings)
    >>> clipped = clipped_rollout(0.65, clip=(0.2, 0.2), **settings)
    >>> bool(clipped.mean > 0 and clipped.sd < free.sd and clipped.losing > clipped.gaining)
    True
    """
    p = real("share", share, "a number strictly between 0 and 1", above=0, below=1)
    rate = real("learning_rate", learning_rate, "a finite number above 0", above=0)
    whole("n_answers", n_answers, "an integer of at least 1", at_least=1)
    whole("group_size", group_size, "an integer of at least 2", at_least=2)
    whole("inner_updates", inner_updates, "an integer of at least 1", at_least=1)
    odd = "an odd integer of at least 101"
    if whole("n_points", n_points, odd, at_least=101) % 2 == 0:
        raise ValueError(f"n_points must be {odd}, got {n_points}")
    bounds = {} if clip is None else clip_bounds(p, clip=clip)
    mixed = 1 - 2.0 ** (1 - group_size)
    reach = 8 * 2 * rate * np.sqrt(mixed * p * (1 - p) * inner_updates / n_answers)
    x = np.linspace(-reach, reach, n_points)
    now = np.stack([1 / (1 + np.exp(-(np.log(p / (1 - p)) + x))), 1 / (1 + np.exp(np.log(p / (1 - p)) + x))])
    before = np.array([[p], [1 - p]])
    ratio = now / before
    cell = (x + reach / (n_points - 1))[:, None] - [0, 2 * reach / (n_points - 1)]  # its upper and lower edge

    def beyond(name: str) -> Floats:
        """Fraction of each grid cell beyond a bound, which may cut the cell."""
        bound = bounds.get(name, np.inf)
        if bound < 0:
            return np.clip((bound - cell[:, 1]) / (cell[:, 0] - cell[:, 1]), 0, 1)
        return np.clip((cell[:, 0] - bound) / (cell[:, 0] - cell[:, 1]), 0, 1)

    over = np.stack([beyond("first above"), beyond("second above")])
    under = np.stack([beyond("first below"), beyond("second below")])
    push = np.stack([2 * now[1] * ratio[0], -2 * now[0] * ratio[1]])  # of an answer of advantage one
    mean, noise = _update_moments(before, push, over, under, group_size)
    left_out = mixed / 2 * before * (over + under)
    weighed = (now[::-1] * ratio * left_out).sum(axis=0)
    steps = np.exp(-((x - (x + rate * mean)[:, None]) ** 2) / (2 * rate**2 * noise / n_answers)[:, None])
    steps /= steps.sum(axis=1, keepdims=True)
    law = np.zeros(n_points)
    law[n_points // 2] = 1.0
    met = np.zeros(n_points)
    for _ in range(inner_updates):
        met += law / inner_updates
        law = law @ steps
    centre = float(law @ x)
    return ClippedRollout(
        centre, float(np.sqrt(law @ (x - centre) ** 2)), float(met @ left_out.sum(axis=0)),
        float(met[x < 0] @ weighed[x < 0]), float(met[x > 0] @ weighed[x > 0]),
    )  # fmt: skip


def _update_moments(
    before: Floats, push: Floats, over: Floats, under: Floats, group_size: int
) -> tuple[Floats, Floats]:
    """Mean, and N times the variance, of the gradient of x in an update of N answers.

    A group with m ones holds m advantages ``sqrt((G - m) / m)`` and G - m of ``-sqrt(m / (G - m))``. Given m,
    the answers' contributions are independent, and both kinds sum to ``root = sqrt(m (G - m))`` in size.
    """
    m = np.arange(group_size + 1)
    chances, root = stats.binom.pmf(m, group_size, 0.5), np.sqrt(m * (group_size - m))
    won, lost = before * (1 - over), before * (1 - under)  # probabilities of use without clipping
    apart = ((won - lost) * push).sum(axis=0)
    spread = sum((used * push**2).sum(axis=0) - (used * push).sum(axis=0) ** 2 for used in (won, lost))
    of_groups = chances @ root**2 - (chances @ root) ** 2
    share_mixed = 1 - 2.0 ** (1 - group_size)
    return chances @ root / group_size * apart, share_mixed / 2 * spread + of_groups / group_size * apart**2
