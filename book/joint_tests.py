"""Joint tests of a model against the published runs of all four designs.

The distance at one step of one design is the sum of two parts: the squared distance between the means, and
that between the log standard deviations, each in standard errors for the published number of runs. A model's
total averages both parts over steps and sums over designs. If runs are normal, chance alone gives about two
per design; outlying runs give more.

The steps of one run depend on each other, so the total has no chi-squared law and is tested by permutation.
In each design, published and simulated runs are pooled, and each random group of the published size is
compared with the rest of the pool. No group is compared with moments that contain it, and the test is exact
if the published runs are draws from the model. Groups are drawn separately in each design, because simulated
runs of one number share random draws between designs.

A model that was chosen by its fit to the same runs has a p-value that is too large: a small one still counts
against the model, a large one does not support it. Choosing on one part of the runs and testing on the other
removes this bias only for the choice among the given models, not for their construction.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from rlvr._checks import whole

__all__ = ["Choice", "JointMisfit", "choose_and_judge", "group_distances", "halve_runs", "joint_misfit"]

EVALUATION_SD = 1.0
"""Noise of one published evaluation in points: the difference between neighbouring steps in designs with
little spread, divided by the root of two.
"""

ROUNDING = 0.1
"""Smallest standard deviation of a group in points, half a question of 500, because runs may have equal
scores.
"""

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class JointMisfit:
    """Distance of the published runs from a model, over all designs and steps compared.

    Attributes
    ----------
    total : float
        Sum over designs of the mean distance over steps.
    own_high : float
        The 95% quantile of the total of random groups; a model with a larger total is rejected at 5%.
    p_value : float
        Fraction of groups, the published one included, whose total is at least the published one's.
    monte_carlo_error : float
        Standard error of the p-value from the finite number of groups.
    """

    total: float
    own_high: float
    p_value: float
    monte_carlo_error: float


@dataclass(frozen=True)
class Choice:
    """A model chosen on one part of the published runs and tested on the rest.

    Attributes
    ----------
    model : str
        The model of least total on the first part.
    p_value : float
        P-value of its joint test on the rest.
    """

    model: str
    p_value: float


def group_distances(
    simulated: Sequence[Floats], published: Sequence[Floats], *, n_groups: int = 9999, seed: int = 0
) -> Floats:
    """Distances from one model of the published runs, and of random groups of as many runs.

    Parameters
    ----------
    simulated : sequence of ndarray (run, step)
        Many runs of the model in each design. Normal noise of ``EVALUATION_SD`` is added to each evaluation.
    published : sequence of ndarray (run, step)
        The published runs of the same designs at the same steps.
    n_groups : int, at least 1
    seed : int, at least 0
        The same seed draws the same groups for every model.

    Returns
    -------
    ndarray (1 + n_groups, design, step, 2)
        Distances of the mean and of the log standard deviation. The first row is that of the published runs.

    Raises
    ------
    ValueError
        If a design has fewer than two runs, runs that ended early, or other steps than its model's.
    """
    n_groups = whole("n_groups", n_groups, "an integer of at least 1", at_least=1)
    _check(simulated, published)
    parts = []
    for place, (read, runs) in enumerate(zip(_read(simulated, seed), published, strict=True)):
        groups = _groups(len(runs) + len(read), len(runs), n_groups, (seed, place))
        parts.append(_pooled_distances(read, runs, groups))
    return np.stack(parts, axis=1)


def joint_misfit(distances: Floats, part: NDArray[np.bool_] | None = None) -> JointMisfit:
    """Joint test of one model.

    Parameters
    ----------
    distances : ndarray (1 + group, design, step, 2)
        From :func:`group_distances`.
    part : ndarray of bool (design, step), optional
        Steps of each design that are used; all by default.

    Returns
    -------
    JointMisfit
    """
    totals = _totals(distances, np.ones(distances.shape[1:3], bool) if part is None else part)
    published, drawn = totals[0], totals[1:]
    p_value = (1 + (drawn >= published).sum()) / totals.size
    error = np.sqrt(p_value * (1 - p_value) / drawn.size)
    return JointMisfit(float(published), float(np.quantile(drawn, 0.95)), float(p_value), float(error))


def choose_and_judge(distances: Mapping[str, Floats], chosen_on: NDArray[np.bool_]) -> Choice:
    """Choose a model by its total on some designs or steps, and test it on all others.

    Parameters
    ----------
    distances : mapping of str to ndarray (1 + group, design, step, 2)
        From :func:`group_distances`, by model.
    chosen_on : ndarray of bool (design, step)

    Returns
    -------
    Choice

    Notes
    -----
    Other designs have other runs. Other steps belong to the same runs, so they are not independent of the
    choice.
    """
    model = min(distances, key=lambda name: _totals(distances[name][:1], chosen_on)[0])
    return Choice(model, joint_misfit(distances[model], ~chosen_on).p_value)


def halve_runs(
    simulated: Mapping[str, Sequence[Floats]],
    published: Sequence[Floats],
    *,
    n_halvings: int = 200,
    n_groups: int = 199,
    seed: int = 0,
) -> list[Choice]:
    """Choose a model on half of the published runs of every design, and test it on the other half.

    Parameters
    ----------
    simulated : mapping of str to sequence of ndarray (run, step)
        By model, as in :func:`group_distances`.
    published : sequence of ndarray (run, step)
        At least four runs per design, so that a half has a standard deviation.
    n_halvings : int, at least 1
        Random halvings; each half is used once to choose and once to test.
    n_groups : int, at least 1
    seed : int, at least 0

    Returns
    -------
    list of Choice
        Two for each halving.
    """
    n_halvings = whole("n_halvings", n_halvings, "an integer of at least 1", at_least=1)
    n_groups = whole("n_groups", n_groups, "an integer of at least 1", at_least=1)
    for runs in simulated.values():
        _check(runs, published, at_least=4)
    read = {model: _read(runs, seed) for model, runs in simulated.items()}
    rng = np.random.default_rng(seed)
    choices = []
    for _ in range(n_halvings):
        orders = [rng.permutation(len(runs)) for runs in published]
        first = [runs[order[: len(runs) // 2]] for runs, order in zip(published, orders, strict=True)]
        second = [runs[order[len(runs) // 2 :]] for runs, order in zip(published, orders, strict=True)]
        for chosen_on, judged_on in ((first, second), (second, first)):
            model = min(read, key=lambda name: _total_seen(read[name], chosen_on))
            drawn = [
                _pooled_distances(many, runs, _drawn(len(runs) + len(many), len(runs), n_groups, rng))
                for many, runs in zip(read[model], judged_on, strict=True)
            ]
            choices.append(Choice(model, joint_misfit(np.stack(drawn, axis=1)).p_value))
    return choices


def _check(simulated: Sequence[Floats], published: Sequence[Floats], at_least: int = 2) -> None:
    """Refuse designs that cannot be compared."""
    if len(simulated) != len(published) or not published:
        raise ValueError(
            f"simulated and published must hold runs of the same designs, got {len(simulated)} and "
            f"{len(published)}"
        )
    for place, (many, runs) in enumerate(zip(simulated, published, strict=True)):
        if runs.ndim != 2 or many.ndim != 2 or many.shape[1] != runs.shape[1]:
            raise ValueError(
                f"design {place}: runs must be (run, step) at the same steps, got shapes {many.shape} "
                f"simulated and {runs.shape} published"
            )
        if len(runs) < at_least or len(many) < 2:
            raise ValueError(
                f"design {place}: at least {at_least} published and 2 simulated runs are needed, got "
                f"{len(runs)} and {len(many)}"
            )
        if not (np.isfinite(runs).all() and np.isfinite(many).all()):
            raise ValueError(f"design {place}: a run has no value at a step; leave out this run or step")


def _read(simulated: Sequence[Floats], seed: int) -> list[Floats]:
    """Simulated runs with evaluation noise, independent in each design."""
    return [
        runs + np.random.default_rng((seed, place, 1)).normal(0, EVALUATION_SD, runs.shape)
        for place, runs in enumerate(simulated)
    ]


@cache
def _groups(n_pool: int, n_runs: int, n_groups: int, seed: tuple[int, int]) -> NDArray[np.intp]:
    """Random groups, the same for every model, (group, run)."""
    return _drawn(n_pool, n_runs, n_groups, np.random.default_rng(seed))


def _drawn(n_pool: int, n_runs: int, n_groups: int, rng: np.random.Generator) -> NDArray[np.intp]:
    """Random groups of distinct runs of a pool, (group, run)."""
    return rng.random((n_groups, n_pool)).argpartition(n_runs, axis=1)[:, :n_runs]


def _pooled_distances(read: Floats, published: Floats, groups: NDArray[np.intp]) -> Floats:
    """Distances of the published runs and of groups from the rest of the pool, (1 + group, step, 2)."""
    pool = np.concatenate([published, read])
    pool = pool - pool.mean(axis=0)
    first = np.arange(len(published))[None]
    chosen = pool[np.concatenate([first, groups])]
    n_rest = len(pool) - len(published)
    centre = -chosen.sum(axis=1) / n_rest
    squares = (pool**2).sum(axis=0) - (chosen**2).sum(axis=1)
    width = np.sqrt((squares - n_rest * centre**2) / (n_rest - 1))
    return _distances(chosen, centre, width)


def _distances(groups: Floats, centre: Floats, width: Floats) -> Floats:
    """Squared distances of means and log deviations in standard errors, (group, step, 2)."""
    n_runs = groups.shape[1]
    mean = (groups.mean(axis=1) - centre) / width * np.sqrt(n_runs)
    deviation = np.maximum(groups.std(axis=1, ddof=1), ROUNDING)
    return np.stack([mean, np.log(deviation / width) * np.sqrt(2 * (n_runs - 1))], axis=-1) ** 2


def _totals(distances: Floats, part: NDArray[np.bool_]) -> Floats:
    """Sum over designs of the mean over the steps that count, (group,)."""
    weights = part / np.maximum(part.sum(axis=1, keepdims=True), 1)
    return np.einsum("gdsk,ds->g", distances, weights)


def _total_seen(read: Sequence[Floats], published: Sequence[Floats]) -> float:
    """Total distance of the published runs from a model."""
    return sum(
        float(_distances(runs[None], many.mean(axis=0), many.std(axis=0, ddof=1)).sum(axis=-1).mean())
        for many, runs in zip(read, published, strict=True)
    )
