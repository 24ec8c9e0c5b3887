"""The multiverse of specifications: options, results, and the variance that each option explains.

Fourteen options form an orthogonal array, with four budgets each. Crossing all options would take millions of
trainings; an orthogonal array of strength two takes 13 x 13. For any two options, every pair of the array's
13 symbols occurs exactly once. The symbols of a column are assigned to the option's levels in turn, so any
two options occur in proportion to their levels. Main effects are then orthogonal: their sums of squares add
up in any order. Two-option interactions are spread over all columns instead of being confounded with one.

The unit of replication is the task draw. A training gets as many draws as it needs for the 95% half-width of
each term to be below ``HALF_WIDTH`` at every budget. The stored file keeps 12 significant digits, and a
comparison uses these digits, because the last bits of a mean depend on the machine's order of summation.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from concurrent.futures import Executor
from dataclasses import fields, replace
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats
from scipy.stats import qmc

from rlvr._checks import choice, whole
from rlvr._data import stored_table
from rlvr.decomposition import PARTS, TERMS
from rlvr.experiments.stored import StoredExperiment
from rlvr.simulator.grpo_config import LIGHT, GRPOConfig
from rlvr.simulator.runs import Runs
from rlvr.simulator.task_family import TaskFamily
from rlvr.simulator.trainer import simulate
from rlvr.stats.estimates import mean_interval

__all__ = [
    "HALF_WIDTH", "LEARNING_TIMES", "LEVELS", "MULTIVERSE", "SPECIFICATION_DESIGNS", "TASK_OPTIONS",
    "configuration", "matched_learning_rate", "one_at_a_time", "orthogonal_array", "recompute_training",
    "specification_curve", "stored_multiverse", "trainings", "variance_shares",
]  # fmt: skip

HALF_WIDTH = 0.01
"""Every 95% half-width of a term is below this, in accuracy, over task draws."""

SPECIFICATION_DESIGNS = ("array", "one at a time", "one at a time, one learning rate")
"""The orthogonal array; the reference and each other level alone; the same without matched learning rates."""

_PILOT, _SAFETY = 16, 1.2
_KEYS = ["design", "training", "learning_time"]

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
"""Levels of each option and their settings; the first level is the reference, the light settings."""

TASK_OPTIONS = ("prior strength", "actions", "prompts differ")
"""Options of the task; the others are options of the training."""

LEARNING_TIMES = (20, 40, 80, 160)
"""Budgets, in visits of each prompt at the published step size. A doubled step size gets half the visits."""

_SYMBOLS = 13
_KINDS = ("advantage", "optimizer", "update", "inner_updates")
_GRADIENT_ONLY = ("inner_updates", "clip", "advantage")
_TASK_FIELDS = {field.name for field in fields(TaskFamily)}


def orthogonal_array() -> pd.DataFrame:
    """The array as level names: 169 rows, one per training, with the columns of ``LEVELS``.

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
    """Family and configuration of one training, as long as the last of ``LEARNING_TIMES``.

    Parameters
    ----------
    levels : mapping of option to level
        Missing options are at their reference.
    matched : bool
        Whether the learning rate is adapted to advantage, optimizer, update rule and updates per rollout
        (:func:`matched_learning_rate`).

    Notes
    -----
    Mirror descent has no advantage, no ratio to clip and no parts of a group; for it these options are at
    their reference, whatever their level.

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
    """Learning rate at which TRUE gains as much in the first rollout as in the light settings.

    The effect of a learning rate depends on the advantage, optimizer and update rule: "centered" moves the
    logits by less than half of "grpo", and Adam moves a rare answer as far as a common one. So TRUE's gain in
    accuracy from the first rollout is matched, at prior strength 0.50 and a group of eight.
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


def _design_table(design: str) -> pd.DataFrame:
    """The levels of every training of a design, one row each."""
    return (
        orthogonal_array() if choice("design", design, SPECIFICATION_DESIGNS) == "array" else one_at_a_time()
    )


def recompute_training(design: str, training: int, *, executor: Executor | None = None) -> pd.DataFrame:
    """Recompute one training (a row of its design's table) at every budget.

    Returns
    -------
    DataFrame
        Rows and columns as in :func:`stored_multiverse`.
    """
    table = _design_table(design)
    whole("training", training, f"a row from 0 to {len(table) - 1}", at_least=0, at_most=len(table) - 1)
    levels = dict(table.iloc[training])
    n_tasks = _PILOT
    runs = _runs(levels, n_tasks, executor, matched=design != SPECIFICATION_DESIGNS[2])
    while (needed := _draws_needed(runs)) > n_tasks:
        n_tasks = needed if n_tasks == _PILOT else math.ceil(_SAFETY * needed)
        runs = _runs(levels, n_tasks, executor, matched=design != SPECIFICATION_DESIGNS[2])
    rows = []
    for time, curves in zip(LEARNING_TIMES, np.moveaxis(runs.curves, -1, 0), strict=True):
        arms = dict(zip(runs.arms, curves, strict=True))
        row = dict(zip(_KEYS, (design, training, time), strict=True)) | levels
        row |= {"learning_rate": runs.config.learning_rate, "task_draws": n_tasks}
        for term in PARTS:
            mean = mean_interval(arms[TERMS[term][0]] - arms[TERMS[term][1]])
            row |= {term: mean.value, f"{term}_half": mean.half_width}
        rows.append(row)
    return pd.DataFrame(rows).set_index(_KEYS)


def _runs(levels: dict[str, str], n_tasks: int, executor: Executor | None, *, matched: bool) -> Runs:
    family, config = configuration(levels, matched=matched)
    kept = [config.n_steps * time // LEARNING_TIMES[-1] for time in LEARNING_TIMES]
    return simulate(family, config, n_tasks=n_tasks, n_seeds=1, checkpoints=kept, executor=executor)


def _draws_needed(runs: Runs) -> int:
    """Task draws at which the widest interval of these runs would be narrow enough, with a margin."""
    accuracy = dict(zip(runs.arms, runs.curves[:, :, 0], strict=True))
    terms = [accuracy[arm] - accuracy[base] for arm, base in (TERMS[term] for term in PARTS)]
    spread = max(float(term.std(axis=0, ddof=1).max()) for term in terms)
    enough = spread * stats.t.ppf(0.975, len(runs.curves[0]) - 1) / HALF_WIDTH
    return math.ceil(enough**2) + 1


def trainings() -> list[tuple[str, int]]:
    """Every training as (design, row)."""
    return [(design, row) for design in SPECIFICATION_DESIGNS for row in range(len(_design_table(design)))]


def stored_multiverse() -> pd.DataFrame:
    """All specifications that were run.

    Returns
    -------
    DataFrame
        Indexed by design, training and learning_time. Columns: the level of each option of ``LEVELS``, the
        ``learning_rate``, the number of ``task_draws``, each term and its 95% half-width (``_half``).
    """
    return stored_table("multiverse.csv", dtype=dict.fromkeys(LEVELS, str), keep_default_na=False).set_index(
        _KEYS
    )


MULTIVERSE = StoredExperiment(
    files=("multiverse.csv",),
    digits="12 significant digits",
    cells=trainings,
    compute=recompute_training,
    tables=lambda results: [pd.concat(results.values())],
    tolerance=(1.01 * 0.5e-11, 1e-15),  # the rounding, and the last bits of an accuracy for tiny terms
    quick_cells=10,
    label="{}, training {}".format,
    float_formats={"multiverse.csv": "%.12g"},
)
"""All trainings of all designs, at four budgets each."""


def specification_curve(design: str = "array") -> pd.DataFrame:
    """The stored specifications of a design: levels as text, `learning time` (an integer) as an option."""
    table = stored_multiverse().loc[choice("design", design, SPECIFICATION_DESIGNS)].reset_index()
    return table.rename(columns={"learning_time": "learning time"})


def variance_shares(table: pd.DataFrame, term: str) -> pd.DataFrame:
    """Fraction of a term's variance over the specifications that each option explains alone.

    The fractions use sums of squares between the levels of each option. In the array these are orthogonal and
    add up; the rest is interactions and a much smaller sampling error. An option without any effect still
    gets its degrees of freedom's part of the interactions by chance. `corrected` subtracts this part (omega
    squared), and `p_value` tests whether more is left than chance explains. The budgets of a training share
    its runs, so an option is tested against the variance between trainings, and the learning time against
    that within them. `table` comes from :func:`specification_curve`.

    Returns
    -------
    DataFrame
        Indexed by option, largest first: ``levels``, ``share`` of the total sum of squares over all
        specifications, ``corrected``, ``p_value`` (F test against the interactions).
    """
    choice("term", term, PARTS)
    values, options = table[term].to_numpy(), [*LEVELS, "learning time"]
    total = ((values - values.mean()) ** 2).sum()

    def between(column: str) -> float:
        """Sum of squares of the means of a column's levels."""
        return float(((table.groupby(column)[term].transform("mean") - values.mean()) ** 2).sum())

    shares = pd.DataFrame(index=pd.Index(options, name="option"))
    shares["levels"] = [table[option].nunique() for option in options]
    squares, freedom = np.array([between(option) for option in options]), shares.levels.to_numpy() - 1
    # The budget varies within trainings, all other options between them: each has its own residual.
    n_trainings, all_trainings = table.training.nunique(), between("training")
    left = np.append(
        np.full(len(LEVELS), all_trainings - squares[:-1].sum()), total - all_trainings - squares[-1]
    )
    left_freedom = np.append(
        np.full(len(LEVELS), n_trainings - 1 - freedom[:-1].sum()), (n_trainings - 1) * freedom[-1]
    )
    by_chance = np.maximum(left, 0.0) / left_freedom
    shares["share"] = squares / total
    shares["corrected"] = np.maximum(0.0, squares - freedom * by_chance) / total
    with np.errstate(divide="ignore", invalid="ignore"):  # no residual to compare with
        ratios = squares / freedom / by_chance
    shares["p_value"] = stats.f.sf(ratios, freedom, left_freedom)
    return shares.sort_values("share", ascending=False, kind="stable")
