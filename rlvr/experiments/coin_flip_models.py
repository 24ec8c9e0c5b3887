"""Models of the published RANDOM runs, each with one parameter set for all four designs.

A model is a policy with shared strategies and a step size. Coin flips train it in each of the four published
designs, and its runs are compared with the published ones at the same rollout steps. Values are in percent of
MATH-500; the unit of replication is the training run, each with its own prompts.

Every model here was set up after the published runs had been seen, and nobody recorded which settings were
tried. :mod:`book.joint_tests` compares the models with the published runs. The model of least misfit is
rejected.
"""

from __future__ import annotations

from concurrent.futures import Executor
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from rlvr._checks import choice
from rlvr._data import stored_table
from rlvr.experiments.stored import StoredExperiment
from rlvr.published_runs import DESIGNS, published_run_curves
from rlvr.simulator.grpo_config import GRPOConfig
from rlvr.simulator.strategy_family import StrategyFamily
from rlvr.simulator.trainer import simulate

__all__ = [
    "BASE", "BEST", "COIN_FLIPS", "N_RUNS", "STEPS", "CoinFlipModel", "models", "printed_runs",
    "simulated_runs", "stored_model_runs",
]  # fmt: skip

STEPS = (5, 10, 20, 30, 40, 60, 75)
"""Rollout steps at which models and published runs are compared; nearly every run reached step 75."""

BASE = 49.4
"""Published accuracy before training, in percent. Models start there on average, and are shifted to it."""

BEST = "rivals, many decisions"
"""The model of least total misfit; the joint test of all four designs rejects it."""

N_RUNS, SEED = 200, 15

Floats = NDArray[np.float64]

_PRINT: dict[str, Any] = {"n_steps": max(STEPS), "group_size": 16, "kl_coefficient": 0.0}
_DESIGNS: dict[str, dict[str, Any]] = {
    "8 updates, clipping": {"batch_size": 64, "inner_updates": 8, "clip": (0.2, 0.2)},
    "8 updates, no clipping": {"batch_size": 64, "inner_updates": 8},
    "1 update of 1,024": {"batch_size": 64},
    "1 update of 128": {"batch_size": 8},
}


@dataclass(frozen=True)
class CoinFlipModel:
    """A model of the published runs: its assumption in `words`, its policy, and its training.

    `n_decisions` is the number of draws from the shared logits in one answer. Under coin flips an answer's
    advantage does not depend on its decisions, so its products with them are uncorrelated. Up to second
    moments, D decisions of one answer therefore add to a gradient what D answers of one decision do, and they
    are simulated as D times as many prompts per step.
    """

    words: str
    family: StrategyFamily
    learning_rate: float
    optimizer: str = "adam"
    n_decisions: int = 1


def _rivals(
    n_rivals: int, accuracies: tuple[float, float], share: float, sds: tuple[float, float]
) -> StrategyFamily:
    """One strategy against equal rivals, on prompts that differ, read greedily."""
    shares = (share, *((1 - share) / n_rivals,) * n_rivals)
    return StrategyFamily(
        shares, (accuracies[0], *(accuracies[1],) * n_rivals), n_prompts=500, read="greedy",
        offset_sd=(sds[0], *(sds[1],) * n_rivals),
    )  # fmt: skip


@cache
def models() -> dict[str, CoinFlipModel]:
    """Every model that is kept, in the order of the chapter; more settings were tried."""
    accuracies = (0.72, 0.16)
    two = StrategyFamily((0.596, 0.404), accuracies, n_prompts=64)
    questions = StrategyFamily((0.65, 0.35), (0.68, 0.15), n_prompts=500, offset_sd=2.0, read="greedy")
    rivals = _rivals(4, (0.75, 0.14), share=0.6466, sds=(2.0, 1.5))
    return {
        "plain steps": CoinFlipModel("two strategies, plain gradient steps", two, 2.0, "sgd"),
        "two strategies": CoinFlipModel("two strategies", two, 0.04),
        "long tail": CoinFlipModel(
            "one strategy and 200 rare ones",
            StrategyFamily.long_tail(0.65, 200, (0.609, 0.28), n_prompts=64),
            0.15,
        ),
        "short tail": CoinFlipModel(
            "three strategies", StrategyFamily((0.65, 0.23, 0.12), (0.641, 0.221, 0.221), n_prompts=64), 0.09
        ),
        "ten tokens": CoinFlipModel(
            "two strategies, decided by ten tokens",
            StrategyFamily((0.596, 0.404), accuracies, n_prompts=64, n_tokens=10),
            0.04,
        ),
        "questions differ": CoinFlipModel(
            "two strategies, questions that differ, read greedily", questions.matched(BASE / 100), 0.06
        ),
        "rivals": CoinFlipModel("the same with four rivals", rivals, 0.10),
        BEST: CoinFlipModel("and 32 decisions in each answer", rivals, 0.10, n_decisions=32),
    }


def printed_runs(design: str) -> Floats:
    """The published runs of a design at ``STEPS``, in percent (run, step); NaN after a run's end."""
    choice("design", design, tuple(DESIGNS))
    return published_run_curves("MATH-500").loc[design][list(STEPS)].to_numpy()


def simulated_runs(
    model: str, design: str, *, n_runs: int = N_RUNS, seed: int = SEED, executor: Executor | None = None
) -> Floats:
    """Simulated runs of a model in a design: percent at step 0 and at ``STEPS``, ndarray (run, step).

    Run r depends only on (model, design, seed, r). Each run has its own prompts, so its start differs from
    ``BASE`` by chance; this difference is subtracted, because published runs share one set of questions.
    """
    chosen = models()[choice("model", model, tuple(models()))]
    settings = _DESIGNS[choice("design", design, tuple(_DESIGNS))]
    batch_size = settings["batch_size"] * chosen.n_decisions
    settings = {**_PRINT, **settings, "batch_size": batch_size}
    config = GRPOConfig(learning_rate=chosen.learning_rate, optimizer=chosen.optimizer, **settings)
    family = replace(chosen.family, n_prompts=max(chosen.family.n_prompts, batch_size))
    runs = simulate(
        family, config, arms=("random",), n_tasks=n_runs, n_seeds=1, seed=seed,
        checkpoints=(0, *STEPS), executor=executor,
    )  # fmt: skip
    curves = 100 * runs.curves[0, :, 0]
    return BASE + (curves - curves[:, :1])


def _rows(model: str, design: str, *, n_runs: int = N_RUNS, executor: Executor | None = None) -> pd.DataFrame:
    """The rows of a model in a design, or the first of them, before rounding."""
    curves = simulated_runs(model, design, n_runs=n_runs, executor=executor)[:, 1:]
    runs = pd.MultiIndex.from_product([[model], [design], range(n_runs)], names=["model", "design", "run"])
    return pd.DataFrame(curves, runs, [f"step_{step}" for step in STEPS])


COIN_FLIPS = StoredExperiment(
    files=("coin_flip_runs.csv",),
    digits="3 decimals of a percent",
    cells=lambda: [(model, design) for model in models() for design in _DESIGNS],
    compute=_rows,
    tables=lambda results: [pd.concat(results.values())],
    tolerance=(0.0, 6e-4),
    decimals=3,
    quick_part={"n_runs": 2},
    label="{}: {}".format,
)
"""Every model in every design; a quick check takes two runs of each."""


def stored_model_runs(model: str, design: str) -> Floats:
    """The stored runs of a model in a design, percent at ``STEPS``, ndarray (run, step)."""
    choice("model", model, tuple(models()))
    choice("design", design, tuple(_DESIGNS))
    return _stored()[model, design].copy()


@cache
def _stored() -> dict[tuple[str, str], Floats]:
    """The stored table, by model and design."""
    parts = stored_table("coin_flip_runs.csv").groupby(["model", "design"], sort=False)
    heads = [f"step_{step}" for step in STEPS]
    return {(str(model), str(design)): part[heads].to_numpy() for (model, design), part in parts}
