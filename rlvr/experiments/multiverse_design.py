"""Which specifications the multiverse holds: fourteen options in an orthogonal array, four budgets each.

Crossing all options would take millions of trainings. An orthogonal array of strength two takes 13 x 13: for
any two options, every pair of the array's 13 symbols occurs exactly once. The symbols of a column are dealt
out to the option's levels in turn, so any two options occur in proportion to their levels. Main effects are
then orthogonal: their sums of squares add up, whatever the order. Two-option interactions are spread over all
columns instead of being confounded with one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, replace
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import qmc

from rlvr._checks import choice
from rlvr.simulator.grpo_config import LIGHT, GRPOConfig
from rlvr.simulator.task_family import TaskFamily
from rlvr.simulator.trainer import simulate

__all__ = [
    "LEARNING_TIMES",
    "LEVELS",
    "TASK_OPTIONS",
    "configuration",
    "matched_learning_rate",
    "one_at_a_time",
    "orthogonal_array",
]

LEVELS: Mapping[str, Mapping[str, dict[str, Any]]] = {
    "prior strength": {str(s): {"prior_strength": s} for s in (0.65, 0.35, 0.5, 0.2, 0.8)},
    "actions": {str(n): {"n_actions": n} for n in (8, 4, 12)},
    "prompts differ": {"no": {}, "yes": {"prior_spread": 0.2}},
    "majority labels": {
        "vote in the group": {},
        "64 votes before": {"majority_labels": "fixed"},
        "fixed, 89% right": {"majority_labels": "fixed", "label_share_right": 0.89},
        "fixed, 47% right": {"majority_labels": "fixed", "label_share_right": 0.47},
    },
    "verifier noise": {
        "none": {},
        "10% both ways": {"verifier_noise": (0.1, 0.1)},
        "30% of right ones missed": {"verifier_noise": (0.0, 0.3)},
    },
    "update": {"gradient": {}, "mirror": {"update": "mirror"}},
    "advantage": {"grpo": {}, "centered": {"advantage": "centered"}},
    "optimizer": {"sgd": {}, "adam": {"optimizer": "adam"}},
    "updates a rollout": {
        "1": {},
        "2": {"inner_updates": 2},
        "2, clipped at 1%": {"inner_updates": 2, "clip": (0.01, 0.01)},
    },
    "step size": {"as published": {}, "doubled": {"learning_rate": 0.1}},
    "group size": {str(n): {"group_size": n} for n in (8, 4, 16)},
    "ties": {"lowest": {}, "uniform": {"tie_break": "uniform"}},
    "KL pull": {
        "forward, 0.01": {},
        "none": {"kl_coefficient": 0.0},
        "forward, 0.1": {"kl_coefficient": 0.1},
        "reverse, 0.1": {"kl_coefficient": 0.1, "kl": "reverse"},
    },
    "filtering": {"drop": {}, "off": {"filtering": "off"}, "refill": {"filtering": "refill"}},
}
"""Each option's levels and what they set; the first level is the reference, the light settings."""

TASK_OPTIONS = ("prior strength", "actions", "prompts differ")
"""Options that describe what is learned; the others describe how."""

LEARNING_TIMES = (20, 40, 80, 160)
"""Budgets, in visits of each prompt at the published step size. A doubled step gets half as many visits."""

_SYMBOLS = 13
_KINDS = ("advantage", "optimizer", "update", "inner_updates")
_GRADIENT_ONLY = ("inner_updates", "clip", "advantage")
_TASK_FIELDS = {field.name for field in fields(TaskFamily)}


def orthogonal_array() -> pd.DataFrame:
    """The array as level names: one row a training, one column an option.

    Returns
    -------
    DataFrame
        169 rows; the columns of ``LEVELS``.

    Examples
    --------
    >>> array = orthogonal_array()
    >>> array.shape, sorted(array.ties.value_counts())
    ((169, 14), [78, 91])
    """
    sampler = qmc.LatinHypercube(len(LEVELS), strength=2, rng=np.random.default_rng(0))
    symbols = np.floor(sampler.random(_SYMBOLS**2) * _SYMBOLS).astype(int)
    return pd.DataFrame(
        {
            option: [list(levels)[symbol % len(levels)] for symbol in column]
            for (option, levels), column in zip(LEVELS.items(), symbols.T, strict=True)
        }
    )


def one_at_a_time() -> pd.DataFrame:
    """The reference, then each other level alone, in the columns of :func:`orthogonal_array`."""
    reference = {option: next(iter(levels)) for option, levels in LEVELS.items()}
    others = [{option: level} for option, levels in LEVELS.items() for level in list(levels)[1:]]
    return pd.DataFrame([reference, *({**reference, **other} for other in others)])


def configuration(levels: Mapping[str, str], *, matched: bool = True) -> tuple[TaskFamily, GRPOConfig]:
    """Family and configuration of one training, long enough for the last of ``LEARNING_TIMES``.

    Parameters
    ----------
    levels : mapping of option to level
        Options left out are at their reference.
    matched : bool
        Whether the learning rate is adapted to advantage, optimizer, update rule and updates a rollout
        (:func:`matched_learning_rate`).

    Raises
    ------
    ValueError
        If an option or a level does not exist.

    Notes
    -----
    Mirror descent knows no advantage, no ratio to clip and no parts of a group; with it those options are
    at their reference, whatever their level.

    Examples
    --------
    >>> family, config = configuration({"advantage": "centered", "step size": "doubled"})
    >>> config.n_steps, round(config.learning_rate, 2)
    (200, 0.21)
    """
    settings: dict[str, Any] = {}
    for option, level in levels.items():
        choice("option", option, tuple(LEVELS))
        settings |= LEVELS[option][choice(option, level, tuple(LEVELS[option]))]
    family = TaskFamily(**{name: value for name, value in settings.items() if name in _TASK_FIELDS})
    if settings.get("update") == "mirror":
        settings = {name: value for name, value in settings.items() if name not in _GRADIENT_ONLY}
    config = replace(LIGHT, **{name: value for name, value in settings.items() if name not in _TASK_FIELDS})
    visits = LEARNING_TIMES[-1] * LIGHT.learning_rate / config.learning_rate
    steps = round(visits * family.n_prompts / config.batch_size)
    rate = matched_learning_rate(config) if matched else config.learning_rate
    return family, replace(config, n_steps=steps, learning_rate=rate)


def matched_learning_rate(config: GRPOConfig) -> float:
    """The learning rate at which the first rollout teaches TRUE as much as it does in the light settings.

    A learning rate means something else under another advantage, optimizer or update rule: "centered" moves
    by less than half of "grpo", Adam by as much for a rare answer as for a common one. What is matched is the
    gain in accuracy of TRUE from the first rollout, at prior strength 0.50 and a group of eight.

    Parameters
    ----------
    config : GRPOConfig
        Its advantage, optimizer, update rule and inner updates decide; its learning rate is scaled.

    Returns
    -------
    float
    """
    kind = {name: getattr(config, name) for name in _KINDS}
    reference = {name: getattr(LIGHT, name) for name in _KINDS}
    return config.learning_rate * (_first_gain(**reference) / _first_gain(**kind))


@cache
def _first_gain(**kind: Any) -> float:
    """TRUE's gain in accuracy from one small update that visits 4,000 prompts."""
    family = TaskFamily()
    small = replace(LIGHT, n_steps=1, batch_size=family.n_prompts, learning_rate=1e-3, kl_coefficient=0.0)
    runs = simulate(family, replace(small, **kind), arms=("frozen", "true"), n_tasks=100, n_seeds=1)
    return float((runs.arm("true") - runs.arm("frozen")).mean())
