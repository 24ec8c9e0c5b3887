r"""What Chapter 8's account predicts for RANDOM runs that were published later, from their recipes alone.

The account: two strategies share one pair of logits. Under Adam a step is scale-free, so each optimiser step
moves the logit difference x by 2 e for every batch, group and advantage; e grows with the learning rate.
Steps add up as a random walk, so without a clip that can act::

    E[x] stays,   sd(x) = 2 e sqrt(sum of squared rates / peak rate squared)

With several updates per batch the clip pulls x back towards the policy that sampled, more strongly on one
side (:func:`rlvr.theory.clipping.clipped_rollout`). Accuracy follows the share of the first strategy.

One number is taken from data: e at the rate of Spurious Rewards (5e-7), from the spread of its runs with one
update per rollout, where the clip cannot act. We assume that e scales with the rate and is the same for other
models. The strategies are code and no code, measured on MATH-500; on another benchmark the account predicts
the spread of the share, not of the accuracy. Greedy reading, several decisions per sequence and shrinking
replies are not included.

This module reads no outcome of the runs that it predicts.
"""

from __future__ import annotations

import math
from functools import cache
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import optimize

from book.published_tables import published_strategies
from rlvr.planning.repeated_arms import RECIPE, load_repeated_arms
from rlvr.published_runs import published_repeats
from rlvr.theory.clipping import clipped_rollout

__all__ = ["NullLaw", "null_law", "predicted_nulls", "reference_law", "reference_step", "walk_length"]

Floats = NDArray[np.float64]

REFERENCE_MODEL, REFERENCE_RATE, REFERENCE_UPDATES = "Qwen2.5-Math-7B", 5e-7, 80
_ONE_UPDATE = ("1 update of 1,024", "1 update of 128")

_SCHEDULES = {"constant": 1.0, "linear": 1 / 3, "cosine": 3 / 8}
"""Mean squared learning rate over a run, as a fraction of the squared peak rate; warm-ups are ignored."""

_N_WALKS = 4000


class NullLaw(NamedTuple):
    """Law of the end of a RANDOM run, in percent and points of accuracy."""

    mean_change: float
    """Expected change of accuracy from the start, in points."""
    sd: float
    """Standard deviation of this change over runs, in points."""
    above_start: float
    """Probability that a run ends above its start."""
    share_sd: float
    """Standard deviation of the first strategy's share, in points."""


def _strategies(model: str) -> tuple[float, float, float] | None:
    """Share of code, accuracy with and without code, as fractions; None if the table lacks one of them."""
    rows = published_strategies().query("model == @model")
    columns = ["share_code_percent", "accuracy_code_percent", "accuracy_no_code_percent"]
    if rows.empty or rows[columns].isna().to_numpy().any():
        return None
    share, code, text = (float(value) / 100 for value in rows[columns].iloc[0])
    return share, code, text


@cache
def reference_step() -> float:
    """Step e of a logit at the reference rate, from the spread of the reference's one-update runs.

    Examples
    --------
    >>> 0.04 < reference_step() < 0.09
    True
    """
    ends = published_repeats().query(
        "benchmark == 'MATH-500' and runs_averaged == 1 and design in @_ONE_UPDATE"
    )
    groups = [runs.accuracy_percent_mean_last_10 for _, runs in ends.groupby("design")]
    freedom = [len(runs) - 1 for runs in groups]
    pooled = sum(n * runs.var(ddof=1) for n, runs in zip(freedom, groups, strict=True)) / sum(freedom)
    strategies = _strategies(REFERENCE_MODEL)
    assert strategies is not None
    share, first, second = strategies
    nodes, weights = np.polynomial.hermite_e.hermegauss(64)

    def excess(spread: float) -> float:
        shares = 1 / (1 + np.exp(-(math.log(share / (1 - share)) + spread * nodes)))
        mean = np.average(shares, weights=weights)
        sd = math.sqrt(np.average((shares - mean) ** 2, weights=weights))
        return 100 * abs(first - second) * sd - math.sqrt(pooled)

    spread = optimize.brentq(excess, 1e-3, 20.0)
    return float(spread / (2 * math.sqrt(REFERENCE_UPDATES)))


def walk_length(learning_rate: float, n_updates: float, schedule: str) -> float:
    """Standard deviation of x at the end of an unclipped run, in logits.

    Parameters
    ----------
    learning_rate : float, above 0
        Peak rate.
    n_updates : float, above 0
        Optimiser steps.
    schedule : str
        Its first word is ``constant``, ``linear`` or ``cosine``.
    """
    factor = _SCHEDULES[schedule.split(",")[0]]
    return 2 * reference_step() * learning_rate / REFERENCE_RATE * math.sqrt(factor * n_updates)


def null_law(
    strategies: tuple[float, float, float],
    *,
    step: float,
    n_rollouts: int,
    inner_updates: int,
    clip: tuple[float, float] | None,
    n_answers: int,
    group_size: int,
) -> NullLaw:
    """Law of the end of a run whose x moves by the moments of :func:`clipped_rollout` in each rollout.

    Parameters
    ----------
    strategies : (share, accuracy, accuracy), fractions
        Share and accuracy of the first strategy, accuracy of the second.
    step : float, above 0
        The step e, constant over the run.
    n_rollouts, inner_updates, n_answers, group_size : int
        `n_answers` counts the answers of one update.
    clip : None or (float, float)
    """
    share, first, second = strategies
    x = np.linspace(-9, 9, 73)
    moments = np.empty((2, x.size))
    for column, p in enumerate(1 / (1 + np.exp(-x))):
        rate = step / math.sqrt((1 - 2.0 ** (1 - group_size)) * p * (1 - p) / n_answers)
        binds = clip is not None and inner_updates > 1
        rollout = clipped_rollout(
            float(p), learning_rate=rate, n_answers=n_answers, group_size=group_size,
            inner_updates=inner_updates, clip=clip if binds else None, n_points=401,
        )  # fmt: skip
        moments[:, column] = (rollout.mean if binds else 0.0), rollout.sd
    rng = np.random.default_rng(0)
    walkers = np.full(_N_WALKS, math.log(share / (1 - share)))
    for _ in range(n_rollouts):
        noise = rng.standard_normal(_N_WALKS // 2)
        drawn = np.concatenate([noise, -noise])
        walkers += np.interp(walkers, x, moments[0]) + np.interp(walkers, x, moments[1]) * drawn
        rng.shuffle(walkers)
    shares = 1 / (1 + np.exp(-walkers))
    changes = 100 * (first - second) * (shares - share)
    above = float(np.mean(changes > 0))
    return NullLaw(float(changes.mean()), float(changes.std()), above, float(100 * shares.std()))


def reference_law(*, clip: tuple[float, float] | None) -> NullLaw:
    """Law of the runs of Spurious Rewards with eight updates per rollout, with or without clipping.

    Unlike the other predictions this one was made after the runs had been read; the step is taken from the
    source's runs with one update alone.

    Examples
    --------
    >>> reference_law(clip=None).mean_change < 0 < reference_law(clip=(0.2, 0.2)).mean_change
    True
    """
    strategies = _strategies(REFERENCE_MODEL)
    assert strategies is not None
    return null_law(strategies, step=reference_step(), n_rollouts=REFERENCE_UPDATES, inner_updates=8,
                    clip=clip, n_answers=128, group_size=16)  # fmt: skip


def predicted_nulls() -> pd.DataFrame:
    """Prediction for every RANDOM arm in the table of repeated arms, one row per setup and model.

    Returns
    -------
    DataFrame
        ``study, setup, model, benchmarks``; ``walk`` (sd of x without a clip, logits); the fields of
        :class:`NullLaw`, NaN where they cannot be predicted; ``reason``, empty where they can.
    """
    table = load_repeated_arms().query("arm == 'random'")
    rows = []
    for (study, setup, model), runs in table.groupby(["study", "setup", "model"], sort=False):
        recipe = runs[list(RECIPE)].iloc[0]
        benchmarks = list(dict.fromkeys(runs.benchmark))
        walk, law, reason = _prediction(recipe, str(model), benchmarks)
        rows.append(
            {
                "study": study,
                "setup": setup,
                "model": model,
                "benchmarks": "; ".join(benchmarks),
                "walk": walk,
            }
            | law._asdict()
            | {"reason": reason}
        )
    return pd.DataFrame(rows)


_UNKNOWN = NullLaw(math.nan, math.nan, math.nan, math.nan)


def _prediction(recipe: pd.Series, model: str, benchmarks: list[str]) -> tuple[float, NullLaw, str]:
    """Walk, law and reason for one recipe, without any outcome."""
    if recipe.weights.startswith("LoRA"):
        return math.nan, _UNKNOWN, "adapters were trained: their learning rate is not that of weights"
    needed = ("weights", "learning_rate", "schedule", "steps", "prompts_a_batch", "group_size")
    missing = [name for name in needed if recipe[name] in ("", None) or pd.isna(recipe[name])]
    if missing:
        return math.nan, _UNKNOWN, f"not stated: {', '.join(missing)}"
    if "replay" in recipe.algorithm or pd.isna(recipe.updates_a_batch):
        return math.nan, _UNKNOWN, "answers are reused from a buffer: updates a batch are not known"
    updates = int(recipe.updates_a_batch)
    walk = walk_length(recipe.learning_rate, recipe.steps * updates, recipe.schedule)
    strategies = _strategies(model)
    if strategies is None:
        return walk, _UNKNOWN, "no strategies were measured for the model"
    clip = None
    if recipe["clip"] not in ("", "off"):
        low, high = recipe["clip"].split("/")
        clip = float(low), float(high)
    factor = math.sqrt(_SCHEDULES[recipe.schedule.split(",")[0]])
    law = null_law(
        strategies,
        step=reference_step() * recipe.learning_rate / REFERENCE_RATE * factor,
        n_rollouts=int(recipe.steps),
        inner_updates=updates,
        clip=clip,
        n_answers=int(recipe.prompts_a_batch * recipe.group_size) // updates,
        group_size=int(recipe.group_size),
    )
    if benchmarks != ["MATH-500"]:
        share_alone = _UNKNOWN._replace(share_sd=law.share_sd)
        return walk, share_alone, "accuracies of the strategies were measured on MATH-500 alone"
    return walk, law, ""
