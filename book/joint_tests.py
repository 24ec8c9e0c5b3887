"""Joint tests of a model against the published runs of all four designs.

The distance at one step of one design has two parts: the squared distance of the mean from the model's, and
that of the log standard deviation, each in standard errors of as many runs as were published. A model's total
adds both parts, averaged over steps, over the designs. Chance alone gives about two a design if runs are
normal, and more where a few runs stray far.

The steps of one run depend on each other, so the total has no chi-squared law. It is tested by permutation.
Within each design, published and simulated runs are pooled, and each drawn group of as many runs as were
published is compared with the other runs of the pool. No group is compared with moments that contain it, and
the test is exact if published runs are draws from the model. Groups are drawn in each design on their own,
because simulated runs of one number share random draws between designs.

A model that was chosen by its fit to the same runs has a p-value that is too large: a small one still counts
against it, a large one is no support. Choosing on one part of the runs and judging on the other removes this
only for choices between the models given, not for how those were set up.
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
"""Noise of one published evaluation in points, what neighbouring steps of the designs with little spread
differ by, over the root of two."""

ROUNDING = 0.1
"""Least standard deviation of a group in points, half a question of 500. Runs may have equal scores."""

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class JointMisfit:
    """How far the published runs lie from a model's, over the designs and steps compared.

    Attributes
    ----------
    total : float
        Sum over designs of the mean distance over steps.
    own_high : float
        The 95% quantile of the total of drawn groups: above it a model is rejected at 5%.
    p_value : float
        Fraction of groups, the published one included, whose total is at least the published one's.
    monte_carlo_error : float
        Standard error of the p-value from drawing finitely many groups.
    """

    total: float
    own_high: float
    p_value: float
    monte_carlo_error: float


@dataclass(frozen=True)
class Choice:
    """A model chosen on one part of the published runs and judged on the rest.

    Attributes
    ----------
    model : str
        The one of least total on the first part.
    p_value : float
        Of its joint test on the rest.
    """

    model: str
    p_value: float


def group_distances(
    simulated: Sequence[Floats], published: Sequence[Floats], *, n_groups: int = 9999, seed: int = 0
) -> Floats:
    """Distances of the published runs, and of drawn groups of as many runs, from one model.

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
        Of the mean and of the log standard deviation. The first row is the published runs'.

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
        The steps of each design that count; all by default.

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
    Other designs are other runs. Other steps belong to the same runs, so they are not independent of the
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
    """Choose a model by half of the published runs of every design, and test it on the other half.

    Parameters
    ----------
    simulated : mapping of str to sequence of ndarray (run, step)
        By model, as in :func:`group_distances`.
    published : sequence of ndarray (run, step)
        At least four runs a design, so that a half has a standard deviation.
    n_halvings : int, at least 1
        Random halvings; each half chooses once and judges once.
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
            raise ValueError(f"design {place}: a run has no value at a step; leave out that run or step")


def _read(simulated: Sequence[Floats], seed: int) -> list[Floats]:
    """Simulated runs as an evaluation reads them, with noise of its own in every design."""
    return [
        runs + np.random.default_rng((seed, place, 1)).normal(0, EVALUATION_SD, runs.shape)
        for place, runs in enumerate(simulated)
    ]


@cache
def _groups(n_pool: int, n_runs: int, n_groups: int, seed: tuple[int, int]) -> NDArray[np.intp]:
    """The same draws for every model, (group, run)."""
    return _drawn(n_pool, n_runs, n_groups, np.random.default_rng(seed))


def _drawn(n_pool: int, n_runs: int, n_groups: int, rng: np.random.Generator) -> NDArray[np.intp]:
    """Groups of different runs of a pool, (group, run)."""
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
    """The published runs' total against a model."""
    return sum(
        float(_distances(runs[None], many.mean(axis=0), many.std(axis=0, ddof=1)).sum(axis=-1).mean())
        for many, runs in zip(read, published, strict=True)
    )
