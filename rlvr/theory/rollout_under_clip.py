"""One rollout of coin flips under the clip, two strategies: how much is clipped, and what that does.

A rollout's updates move the logit difference x of two strategies from 0. At a displacement x let c_s be the
expected fraction of an update's answers that use strategy s and are left out, r_s the strategy's ratio and
``worth = E|A|`` within a group of unequal rewards. The expected gradient of x is::

    E[g | x] = -sign(x) 2 worth C(x),    C = pi_2 r_1 c_1 + pi_1 r_2 c_2

So each answer that is left out takes its own push away. Averaged over displacements, the drift follows the
*difference* of what is clipped while the first strategy loses and while it gains, and the spread shrinks with
their *sum*, for the force's part in E[x**2] is ``2 E[x g] = -4 worth E[|x| C]``.

Two strategies move by one number, so the law of x is followed from update to update on a grid, its noise
taken for normal. The first two moments of an update are exact. The unit is one rollout.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from rlvr._checks import real, whole
from rlvr.theory.clipping import clip_bounds, coin_advantage

__all__ = ["ClippedRollout", "answer_worth", "clipped_rollout"]

Floats = NDArray[np.float64]


class ClippedRollout(NamedTuple):
    """A rollout's law: the logit difference at its end, and the fraction of its answers that were left out.

    The mean obeys ``mean = 2 learning_rate worth inner_updates (losing - gaining)``.
    """

    mean: float
    """Of the first strategy's logit less the second's, against before the rollout, over training runs."""
    sd: float
    """Standard deviation of the same difference over training runs."""
    clipped: float
    """Expected fraction of the rollout's answers that are left out."""
    losing: float
    """C, averaged over updates, as far as it falls on displacements at which the first strategy has lost."""
    gaining: float
    """C, averaged over updates, as far as it falls on displacements at which it has gained."""


def answer_worth(group_size: int) -> float:
    """Mean size of an advantage in a group of unequal coins, ``2 mu / v``: what a clipped answer takes away.

    Examples
    --------
    >>> round(answer_worth(16), 4), round(answer_worth(2), 4)
    (0.9671, 1.0)
    """
    return 2 * coin_advantage(group_size) / (1 - 2.0 ** (1 - group_size))


def clipped_rollout(
    share: float, *, learning_rate: float, n_answers: int, group_size: int, inner_updates: int,
    clip: tuple[float, float] | None, n_points: int = 801,
) -> ClippedRollout:  # fmt: skip
    """Drift, spread and clipped fraction of one rollout under coin flips and plain gradient steps.

    A scale-free step of size e is, for two strategies, a plain one with the learning rate
    ``e / sqrt(v p (1 - p) / n_answers)``, p being the share and ``v = 1 - 2**(1 - group_size)``.

    Parameters
    ----------
    share : float in (0, 1)
        The first strategy's, when the rollout is sampled.
    learning_rate : float, above 0
    n_answers : int, at least 1
        Answers of one update: the rollout has `inner_updates` times as many.
    group_size : int, at least 2
    inner_updates : int, at least 1
    clip : None or (float, float), each above 0
        Bounds (low, high); None: off.
    n_points : int, odd, at least 101
        Nodes of the grid.

    Returns
    -------
    ClippedRollout

    Raises
    ------
    TypeError, ValueError
        If an argument is out of range; the message names it.

    Examples
    --------
    >>> settings = dict(learning_rate=2.0, n_answers=128, group_size=16, inner_updates=8)
    >>> free = clipped_rollout(0.65, clip=None, **settings)
    >>> held = clipped_rollout(0.65, clip=(0.2, 0.2), **settings)
    >>> bool(held.mean > 0 and held.sd < free.sd and held.losing > held.gaining)
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
        """Fraction of each grid cell on the far side of a bound, which it may cut."""
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

    A group with m ones holds m advantages ``sqrt((G - m) / m)`` and G - m of ``-sqrt(m / (G - m))``: given m
    their pushes are independent, and both kinds add up to ``root = sqrt(m (G - m))``.
    """
    m = np.arange(group_size + 1)
    chances, root = stats.binom.pmf(m, group_size, 0.5), np.sqrt(m * (group_size - m))
    won, lost = before * (1 - over), before * (1 - under)  # the chance that a strategy is used, and counts
    apart = ((won - lost) * push).sum(axis=0)
    spread = sum((kept * push**2).sum(axis=0) - (kept * push).sum(axis=0) ** 2 for kept in (won, lost))
    of_groups = chances @ root**2 - (chances @ root) ** 2
    share_mixed = 1 - 2.0 ** (1 - group_size)
    return chances @ root / group_size * apart, share_mixed / 2 * spread + of_groups / group_size * apart**2
