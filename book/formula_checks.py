"""The closed forms of coin flips on a shared policy, compared with simulation and with a control.

Agreement with a simulation proves little where any formula would agree. So each formula has a control: the
same number without the formula's one idea. Distances are in standard errors over training runs, the unit of
replication.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from rlvr.simulator.grpo_config import GRPOConfig
from rlvr.simulator.strategy_family import StrategyFamily
from rlvr.simulator.trainer import simulate
from rlvr.theory.clipping import clipped_rollout
from rlvr.theory.shared_logits import adam_null_moments, momentum_drift, null_moments, ruin_probability

__all__ = ["FormulaCheck", "check_formulas", "standard_errors_off"]

_SHARES, _ACCURACIES = (0.65, 0.35), (0.609, 0.280)
_TWO = StrategyFamily(_SHARES, _ACCURACIES, n_prompts=64)
_PLAIN: dict[str, Any] = dict(kl_coefficient=0.0, group_size=16)


@dataclass(frozen=True)
class FormulaCheck:
    """One formula compared with simulation.

    Attributes
    ----------
    formula : str
        Name of the formula.
    simulated, by_formula : float
        Value by simulation, and by the formula.
    off : float
        Simulation minus formula, in standard errors over runs.
    control : str
        Assumption of the control.
    control_off : float
        Simulation minus control, in standard errors over runs.
    """

    formula: str
    simulated: float
    by_formula: float
    off: float
    control: str
    control_off: float


def standard_errors_off(sample: NDArray[np.float64], value: float, *, spread: bool = False) -> float:
    """Distance of a sample's mean, or with `spread` its variance, from `value`, in standard errors.

    Parameters
    ----------
    sample : ndarray (run,)
    value : float
        A mean, or with `spread` a standard deviation.
    spread : bool
        Compare variances: that of the sample with `value` squared.

    Examples
    --------
    >>> round(standard_errors_off(np.array([1.0, 2.0, 3.0]), 1.0), 3)  # sd 1, so a standard error of 0.577
    1.732
    """
    if spread:
        sample, value = (sample - sample.mean()) ** 2, value**2
    return float((sample.mean() - value) / stats.sem(sample))


def check_formulas(seed: int = 0) -> list[FormulaCheck]:
    """Simulate the quantity that each formula of the chapter on coin flips predicts.

    Parameters
    ----------
    seed : int, at least 0
        Root of the simulations' randomness.

    Returns
    -------
    list of FormulaCheck
        Spreads and the gambler's ruin rest on 1,000 runs, Adam's drifts on 5,000, one clipped rollout on
        2,000. Adam has the betas 0.9 and 0.95.
    """
    return [*_spreads(seed), _first_to_dominate(seed), *_momentum(seed), *_clip(seed)]


def _check(
    formula: str,
    sample: NDArray[np.float64],
    law: float,
    control: str,
    control_law: float,
    *,
    spread: bool = False,
) -> FormulaCheck:
    """Compare a sample's mean (or `spread`) with the formula and the control."""
    return FormulaCheck(
        formula,
        float(sample.std() if spread else sample.mean()),
        law,
        standard_errors_off(sample, law, spread=spread),
        control,
        standard_errors_off(sample, control_law, spread=spread),
    )


def _spreads(seed: int) -> list[FormulaCheck]:
    """Spread of the null: plain steps, and Adam's, which does not depend on the batch."""
    size, steps = 8, 40
    plain: dict[str, Any] = dict(learning_rate=0.5)
    adam: dict[str, Any] = dict(learning_rate=0.04)
    arms: dict[str, Any] = dict(arms=("frozen", "random"), n_seeds=1000, seed=seed)

    def nulls(**options: Any) -> NDArray[np.float64]:
        config = GRPOConfig(n_steps=steps, batch_size=size, **_PLAIN, **options)
        runs = simulate(_TWO, config, **arms)
        return (runs.arm("random") - runs.arm("frozen")).ravel()

    answers: dict[str, Any] = dict(n_updates=steps, n_answers=16 * size, group_size=16)
    law = null_moments(_SHARES, _ACCURACIES, **answers, **plain).sd
    scale_free = adam_null_moments(_SHARES, _ACCURACIES, n_updates=steps, **adam).sd
    return [
        _check(
            "plain spread", nulls(**plain), law, "8 prompts average", size**-0.5 * law, spread=True
        ),
        _check(
            "Adam's spread", nulls(optimizer="adam", **adam), scale_free, "follows the batch",
            size**0.5 * scale_free, spread=True,
        ),
    ]  # fmt: skip


def _first_to_dominate(seed: int) -> FormulaCheck:
    """The strategy that first has all but one part in fifty."""
    config = GRPOConfig(n_steps=400, batch_size=4, group_size=8, learning_rate=4.0, kl_coefficient=0.0)
    runs = simulate(
        _TWO, config, arms=("random",), n_seeds=1000, seed=seed, checkpoints=range(0, config.n_steps, 2)
    )
    assert runs.share_curves is not None
    walk = runs.share_curves[0, 0, ..., 0]
    out = (walk < 0.02) | (walk > 0.98)
    ended = walk[out.any(axis=1)]
    won = (ended[np.arange(len(ended)), out[out.any(axis=1)].argmax(axis=1)] > 0.5).astype(float)
    ruin = ruin_probability(_SHARES[0], low=0.02, high=0.98)
    allele = (_SHARES[0] - 0.02) / (0.98 - 0.02)  # control: the share itself is a martingale
    return _check("first to dominate", won, ruin, "a neutral allele", allele)


def _momentum(seed: int) -> list[FormulaCheck]:
    """The drift of the logits from Adam's averages, and the remaining drift of the shares."""
    rate, lead = 0.1, StrategyFamily((0.8, 0.2), _ACCURACIES, n_prompts=64)
    config = GRPOConfig(n_steps=100, batch_size=2, optimizer="adam", learning_rate=rate, **_PLAIN)
    runs = simulate(lead, config, arms=("random",), n_seeds=5000, seed=seed, checkpoints=range(20, 101))
    assert runs.share_curves is not None
    share = runs.share_curves[0, 0, ..., 0]
    logit, before = np.log(share / (1 - share)), share[:, :-1]
    pull = 2 * rate**2 * (2 * before - 1)
    carried = momentum_drift([0.8, 0.2], learning_rate=1)[0] / (0.8 - 0.2)
    by_logit = carried * pull.sum(axis=1)
    by_share = -(1 - carried) * (pull * before * (1 - before)).sum(axis=1)
    return [
        FormulaCheck(
            name, float(moved.mean()), float(law.mean()), standard_errors_off(moved - law, 0.0),
            control, standard_errors_off(moved, 0.0),
        )
        for name, moved, law, control in (
            ("Adam's logits", logit[:, -1] - logit[:, 0], by_logit, "a martingale"),
            ("Adam's shares", share[:, -1] - share[:, 0], by_share, "no drift of shares"),
        )
    ]  # fmt: skip


def _clip(seed: int) -> list[FormulaCheck]:
    """Drift and spread of one rollout under the clip."""
    rollout: dict[str, Any] = dict(clip=(0.2, 0.2), inner_updates=8, learning_rate=1.0)
    config = GRPOConfig(n_steps=1, batch_size=64, **rollout, **_PLAIN)
    runs = simulate(_TWO, config, arms=("random",), n_seeds=2000, seed=seed)
    assert runs.logits is not None
    moved = runs.logits[0, 0, :, 0] @ [1, -1] - np.log(_SHARES[0] / _SHARES[1])
    law, free = (
        clipped_rollout(_SHARES[0], n_answers=128, group_size=16, **rollout | clip)
        for clip in ({}, {"clip": None})
    )
    return [
        _check("clipped drift", moved, law.mean, "an even split", 0.0),
        _check("clipped spread", moved, law.sd, "not clipped", free.sd, spread=True),
    ]
