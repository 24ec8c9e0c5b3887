"""A configuration as numbers, in the one tuple that compiled code reads.

A named option is stored as its position in ``OPTIONS``; the constants here are these positions.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from rlvr.arms import ARM_CODE, ARMS
from rlvr.simulator.grpo_config import OPTIONS, GRPOConfig

__all__ = ["Rules", "as_rules", "check_finite", "rare_rules"]

FROZEN, RANDOM, MAJORITY, TRUE = (ARM_CODE[arm] for arm in ARMS)
OFF, DROP, REFILL = range(len(OPTIONS["filtering"]))
LOWEST, UNIFORM = range(len(OPTIONS["tie_break"]))
FORWARD, REVERSE = range(len(OPTIONS["kl"]))
GRPO, CENTERED, RLOO = range(len(OPTIONS["advantage"]))
SGD, ADAM = range(len(OPTIONS["optimizer"]))
GRADIENT, MIRROR = range(len(OPTIONS["update"]))
LARGEST = 1e300  # logits and moments beyond it count as infinite, since the next step may overflow
BETAS, EPSILON = (0.9, 0.95), 1e-8  # Adam's decays of the first and of the second moment


class Rules(NamedTuple):
    """Numbers and codes, named as in :class:`~rlvr.simulator.grpo_config.GRPOConfig`.

    Fields that it does not have: a step tries at most `n_candidates` prompts; `low` and `high` are the
    clipping bounds, infinite without clipping.
    """

    batch_size: int
    n_candidates: int
    group_size: int
    inner_updates: int
    filtering: int
    tie_break: int
    kl: int
    advantage: int
    optimizer: int
    update: int
    learning_rate: float
    kl_coefficient: float
    low: float
    high: float
    mirror_temperature: float
    false_positive: float
    false_negative: float


def as_rules(config: GRPOConfig, n_prompts: int, *, shared: bool = False) -> Rules:
    """Return the rules of a configuration for `n_prompts` prompts, which may share their logits.

    Raises
    ------
    ValueError
        If a batch holds more prompts than there are, or `inner_updates` does not divide the batch (shared
        logits) or the group (own logits), which mirror descent needs whole.

    Examples
    --------
    >>> as_rules(GRPOConfig(filtering="refill"), n_prompts=40).n_candidates
    40
    """
    if config.batch_size > n_prompts:
        raise ValueError(f"batch_size must be at most n_prompts = {n_prompts}, got {config.batch_size}")
    if shared and config.batch_size % config.inner_updates:
        raise ValueError(
            f"inner_updates must divide batch_size = {config.batch_size} where strategies are shared, "
            f"got {config.inner_updates}"
        )
    if not shared and config.group_size % config.inner_updates:
        raise ValueError(
            f"group_size must be a multiple of inner_updates = {config.inner_updates}, "
            f"got {config.group_size}"
        )
    if not shared and config.update == "mirror" and config.inner_updates != 1:
        raise ValueError(
            "inner_updates must be 1 with update='mirror' where each prompt has its own logits, since the "
            f"target needs the whole group, got {config.inner_updates}"
        )
    n_candidates = config.batch_size
    if config.filtering == "refill":
        n_candidates = min(config.refill_cap * config.batch_size, n_prompts)
    low, high = (math.inf, math.inf) if config.clip is None else config.clip
    false_positive, false_negative = config.verifier_noise
    return Rules(
        batch_size=int(config.batch_size),
        n_candidates=int(n_candidates),
        group_size=int(config.group_size),
        inner_updates=int(config.inner_updates),
        **{name: OPTIONS[name].index(getattr(config, name)) for name in OPTIONS if name in Rules._fields},
        learning_rate=float(config.learning_rate),
        kl_coefficient=float(config.kl_coefficient),
        low=low,
        high=high,
        mirror_temperature=float(config.mirror_temperature),
        false_positive=false_positive,
        false_negative=false_negative,
    )


def rare_rules(rules: Rules) -> Rules | None:
    """The rules, or None where the kernel needs only the options of the light settings.

    Examples
    --------
    >>> rare_rules(as_rules(GRPOConfig(advantage="rloo"), n_prompts=40)) is None
    True
    """
    noise = rules.false_positive > 0 or rules.false_negative > 0
    rare = rules.filtering == REFILL or rules.tie_break == UNIFORM or rules.kl == REVERSE
    rare = rare or rules.optimizer == ADAM or rules.update == MIRROR or rules.inner_updates > 1 or noise
    return rules if rare else None


def check_finite(place: int, rules: Rules, arms: NDArray[np.int64], checkpoints: NDArray[np.int64]) -> None:
    """Raise a ValueError that names settings, arm and step unless a kernel's `place` is -1.

    `place` numbers the readings by checkpoint and arm, and is the first with a number beyond LARGEST.
    """
    if place < 0:
        return
    checkpoint, arm = divmod(place, arms.size)
    raise ValueError(
        f"learning_rate={rules.learning_rate!r} and kl_coefficient={rules.kl_coefficient!r} must leave every "
        f"logit finite, and by step {checkpoints[checkpoint]} one in arm {ARMS[arms[arm]]!r} was not: make "
        "them smaller"
    )
