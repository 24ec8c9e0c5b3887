"""Replay of the published study: its trainer draw for draw, its designs, and its numbers.

Source: Gao, arXiv 2606.05932, the result files of its code, and a description of what that code computes.
The trainer is plain NumPy. One `numpy.random.Generator` drives a run: an evaluation, then for each step a
batch and the groups of its prompts, evaluations during training, and a final one. Any change in the order of
draws changes every later number, so equal digits are strong evidence of an equal procedure. For speed, many
uniforms are drawn at once wherever the stream is the same as drawing them one by one.

In all of the study's designs the unit of replication is the seed, on one task draw. The text of a published
number carries its precision, so "equal" means equal to the last published digit.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from rlvr._checks import choice, whole
from rlvr._data import stored_table
from rlvr.arms import ARMS
from rlvr.decomposition import TERMS
from rlvr.experiments.factorial_design import INTERACTIONS, MAIN, effects
from rlvr.experiments.stored import CellKey, StoredExperiment, keeping_cells
from rlvr.simulator.grpo_config import HEAVY, LIGHT, GRPOConfig, refuse_new_rules
from rlvr.simulator.kept_chunks import KeptChunks
from rlvr.simulator.rules import as_rules, rare_rules
from rlvr.simulator.runs import Runs
from rlvr.simulator.task_family import TaskFamily, Tasks, check_seed

__all__ = [
    "CELLS", "PUBLISHED_SIZES", "QUICK", "REPLAY", "STRENGTHS", "Comparison", "Gate", "PublishedSize",
    "compare", "factorial_cells", "gate", "largest_update_gap", "policy_update", "power_study",
    "published_numbers", "published_tasks", "re_audit", "replay_run", "replay_runs",
    "replayed_sweep",
    "resampled_interval", "stored_replay", "study_spread", "sweep_point", "task_and_seed_spread",
]  # fmt: skip

_Array = NDArray[np.float64]

CURVE_SAMPLES, FINAL_SAMPLES = 64, 128  # samples per prompt during training, and at the end


def published_tasks(family: TaskFamily, seed: int) -> Tasks:
    """One task draw in the study's order, prompt by prompt: correct actions, then the format action."""
    check_seed(seed)
    generator = np.random.default_rng(seed)
    correct = np.zeros((family.n_prompts, family.n_actions), dtype=bool)
    weights = np.empty(correct.shape)
    n_wrong = family.n_actions - family.n_correct
    for prompt in range(family.n_prompts):
        correct[prompt, generator.choice(family.n_actions, size=family.n_correct, replace=False)] = True
        format_action = generator.choice(np.flatnonzero(~correct[prompt]))
        weights[prompt] = np.where(
            correct[prompt], family.prior_strength / family.n_correct, (1 - family.prior_strength) / n_wrong
        )
        weights[prompt, format_action] *= family.format_boost
    return Tasks((weights / weights.sum(axis=1, keepdims=True))[None], correct[None])


def _softmax(logits: _Array) -> _Array:
    shifted = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return shifted / shifted.sum(axis=-1, keepdims=True)


def _choose(probabilities: _Array, uniforms: _Array) -> NDArray[np.int64]:
    """Actions that Generator.choice returns: (prompt, action), (prompt, sample) -> (prompt, sample)."""
    cumulative = probabilities.cumsum(axis=-1)
    cumulative /= cumulative[..., -1:]
    return (uniforms[..., None] >= cumulative[..., None, :]).sum(axis=-1)


def _evaluate(
    logits: _Array, correct: NDArray[np.bool_], generators: Sequence[np.random.Generator], n_samples: int
) -> _Array:
    """Accuracy of every run (run,) from sampled answers; `logits` and `correct` are (run, prompt, action)."""
    n_runs, n_prompts, n_actions = logits.shape
    uniforms = np.array([generator.random((n_prompts, n_samples)) for generator in generators])
    policies = _softmax(logits.reshape(-1, n_actions))
    actions = _choose(policies, uniforms.reshape(-1, n_samples))
    right = np.take_along_axis(correct.reshape(-1, n_actions), actions, axis=1).mean(axis=1)
    return right.reshape(n_runs, n_prompts).mean(axis=1)


def _plurality(actions: NDArray[np.int64], n_actions: int) -> NDArray[np.int64]:
    """Most frequent action of each group, the lowest index among ties: (prompt, sample) -> (prompt, 1)."""
    counts = (actions[..., None] == np.arange(n_actions)).sum(axis=1)
    return counts.argmax(axis=1)[:, None]


def policy_update(
    logits: _Array, prior: _Array, actions: NDArray[np.int64], rewards: _Array, config: GRPOConfig
) -> _Array:
    """Change of the logits (prompt, action) from one group per prompt.

    Parameters
    ----------
    logits, prior : ndarray (prompt, action)
    actions, rewards : ndarray (prompt, sample)
    config : GRPOConfig
        Its learning rate, KL coefficient, KL direction and filtering ("off" or "drop") are used.
    """
    probabilities = _softmax(logits)
    centred = rewards - rewards.mean(axis=1, keepdims=True)
    advantages = centred / (rewards.std(axis=1, keepdims=True) + 1e-8)
    onehot = (actions[..., None] == np.arange(logits.shape[1])).astype(float)
    policy = (advantages[..., None] * (onehot - probabilities[:, None, :])).mean(axis=1)
    if config.kl == "forward":
        pull = -(probabilities - prior)
    else:
        log_ratio = np.log(probabilities / prior)
        pull = -probabilities * (log_ratio - (probabilities * log_ratio).sum(axis=1, keepdims=True))
    change = config.learning_rate * (policy + config.kl_coefficient * pull)
    if config.filtering == "drop":
        change[(rewards == rewards[:, :1]).all(axis=1)] = 0.0
    return change


def largest_update_gap(config: GRPOConfig, *, n_groups: int, seed: int) -> float:
    """Largest difference between the compiled update and :func:`policy_update`, which shares no code with it.

    The result is the largest absolute difference in the change of a logit over `n_groups` groups of eight
    samples of eight actions, with random rewards, logits and prior. A configuration with refilling, or with a
    rule that the study lacks, is an error.

    Examples
    --------
    >>> largest_update_gap(GRPOConfig(), n_groups=10, seed=0) < 1e-12
    True
    """
    # The compiler is loaded only for this comparison.
    from rlvr.simulator.kernel import group_update, scratch_space

    whole("n_groups", n_groups, "an integer of at least 1", at_least=1)
    choice("filtering", config.filtering, ("off", "drop"))
    refuse_new_rules(config, "for the published update")
    generator, size = np.random.default_rng(check_seed(seed)), 8
    rules = as_rules(replace(config, group_size=size), config.batch_size)
    prior, logits = np.empty((n_groups, size)), np.empty((n_groups, size))
    actions, rewards = np.empty((n_groups, size), np.int64), np.empty((n_groups, size))
    for group in range(n_groups):
        prior[group], logits[group] = generator.dirichlet(np.ones(size)), generator.normal(size=size)
        actions[group], rewards[group] = generator.integers(0, size, size), generator.integers(0, 2, size)
    after, *groups = (rows.T.copy() for rows in (logits, _softmax(logits), prior, actions, rewards))
    scratch = scratch_space(size, size, n_groups)
    group_update(after, *groups, rules, rare_rules(rules), np.ones(n_groups, np.bool_), scratch)
    plain = policy_update(logits, prior, actions, rewards, config)
    return float(np.abs(after.T - logits - plain).max())


def replay_run(tasks: Tasks, arm: str, config: GRPOConfig, *, seed: int, eval_every: int = 50) -> float:
    """Train and evaluate one run as the study does.

    `tasks` are one task draw, from :func:`published_tasks`, and `seed` is the run's. There are `eval_every`
    steps between evaluations; evaluations use random draws, so this number changes the result.

    Returns
    -------
    float
        The study's accuracy: the mean of 128 sampled answers per prompt, averaged over prompts.
    """
    return float(replay_runs(tasks, arm, config, seeds=(seed,), eval_every=eval_every)[0])


def replay_runs(
    tasks: Tasks, arm: str, config: GRPOConfig, *, seeds: Iterable[int], eval_every: int = 50
) -> NDArray[np.float64]:
    """Several runs side by side, ndarray (run,), each with the bits of its own :func:`replay_run`.

    `tasks` are one task draw for all of them, or one for each.
    """
    choice("arm", arm, ARMS)
    refuse_new_rules(config, "for the published trainer")
    whole("eval_every", eval_every, "an integer of at least 1", at_least=1)
    generators = [np.random.default_rng(check_seed(seed)) for seed in seeds]
    n_runs, (_, n_prompts, n_actions) = len(generators), tasks.prior.shape
    prior = np.broadcast_to(tasks.prior, (n_runs, n_prompts, n_actions)).copy()
    correct = np.broadcast_to(tasks.correct, prior.shape).copy()
    logits = np.log(prior)
    _evaluate(logits, correct, generators, CURVE_SAMPLES)
    groups = (n_runs, config.batch_size, config.group_size)
    uniforms, bits = np.empty(groups), np.empty(groups)
    for step in range(1, config.n_steps + 1):
        batch = np.empty(groups[:2], dtype=np.int64)
        for run, generator in enumerate(generators):
            batch[run] = generator.choice(n_prompts, size=config.batch_size, replace=False)
            if arm == "random":  # actions and reward bits alternate in the stream
                for row in range(config.batch_size):
                    uniforms[run, row] = generator.random(config.group_size)
                    bits[run, row] = generator.integers(0, 2, size=config.group_size)
            else:
                generator.random(out=uniforms[run])
        if arm != "frozen":
            place = np.arange(n_runs).repeat(config.batch_size), batch.ravel()
            actions = _choose(_softmax(logits[place]), uniforms.reshape(-1, config.group_size))
            if arm == "true":
                rewards = np.take_along_axis(correct[place], actions, axis=1).astype(float)
            elif arm == "majority":
                rewards = (actions == _plurality(actions, n_actions)).astype(float)
            else:
                rewards = bits.reshape(-1, config.group_size)
            logits[place] += policy_update(logits[place], prior[place], actions, rewards, config)
        if step % eval_every == 0 or step == config.n_steps:
            _evaluate(logits, correct, generators, CURVE_SAMPLES)
    return _evaluate(logits, correct, generators, FINAL_SAMPLES)


STRENGTHS = (0.20, 0.35, 0.50, 0.65, 0.80)
"""Prior strengths of the published sweep."""


@dataclass(frozen=True)
class PublishedSize:
    """One of the study's two sizes: family, settings, length and base seed."""

    base: int
    n_seeds: int
    family: TaskFamily
    sweep: GRPOConfig
    factorial: GRPOConfig


PUBLISHED_SIZES = {
    "light": PublishedSize(42, 8, TaskFamily(), LIGHT, LIGHT),
    "heavy": PublishedSize(0, 50, TaskFamily(n_prompts=80, n_actions=10), HEAVY, replace(HEAVY, n_steps=500)),
}
"""The abstract quotes the light size. The heavy factorial has 100 seeds, twice as many as the sweep."""

CELLS = tuple(
    (arm, filtering, strength)
    for arm in ("true", "majority")
    for filtering in ("drop", "off")
    for strength in (0.80, 0.35)
)
"""Factorial cells in the study's order, as (A reward, B filtering, C prior strength); B is on as "drop"."""

_Seeds = Mapping[str, Iterable[int]]


def _runs(
    family: TaskFamily, task_seed: int, seeds: _Seeds, config: GRPOConfig = LIGHT, eval_every: int = 50
) -> dict[str, NDArray[np.float64]]:
    tasks = published_tasks(family, task_seed)
    return {
        arm: replay_runs(tasks, arm, config, seeds=arm_seeds, eval_every=eval_every)
        for arm, arm_seeds in seeds.items()
    }


def resampled_interval(
    runs: Mapping[str, NDArray[np.float64]], statistic: Callable[[dict[str, Any]], Any], seed: int
) -> tuple[float, float]:
    """The study's 95% interval: 300 percentile resamples, each arm resampled separately.

    Parameters
    ----------
    runs : mapping of arm to ndarray (seed,)
        Equally many seeds in each arm; arms in the order of their draws.
    statistic : callable
        Function of the arms' means, one ndarray (resample,) per arm.
    seed : int
        Seed of the resampling.
    """
    table = np.stack(list(runs.values()))
    # One call makes the study's draws, arm by arm and resample by resample.
    indices = np.random.default_rng(seed).integers(0, table.shape[1], size=(300, *table.shape))
    means = np.take_along_axis(table[None], indices, axis=-1).mean(axis=-1)
    low, high = np.percentile(statistic(dict(zip(runs, means.T, strict=True))), [2.5, 97.5])
    return float(low), float(high)


def sweep_point(strength: float, size: str = "light") -> dict[str, NDArray[np.float64]]:
    """Accuracies of a sweep at one of ``STRENGTHS``: arm to ndarray (seed,)."""
    published, level = PUBLISHED_SIZES[size], STRENGTHS.index(strength)
    first = published.base + 100 * level + 50
    family = replace(published.family, prior_strength=strength)
    seeds = range(first, first + published.n_seeds)
    return _runs(family, published.base + 7 * level, dict.fromkeys(ARMS, seeds), published.sweep)


def factorial_cells(size: str = "light") -> NDArray[np.float64]:
    """Accuracies of a factorial, ndarray (cell, seed) in the order of ``CELLS``."""
    published = PUBLISHED_SIZES[size]
    n_seeds = published.n_seeds if size == "light" else 2 * published.n_seeds
    cells = []
    for cell, (arm, filtering, strength) in enumerate(CELLS):
        first = published.base + 13 * cell + 7
        family = replace(published.family, prior_strength=strength)
        config = replace(published.factorial, filtering=filtering)
        seeds = {arm: range(first, first + n_seeds)}
        cells.append(_runs(family, published.base + 100 * cell, seeds, config, eval_every=25)[arm])
    return np.stack(cells)


@dataclass(frozen=True)
class Gate:
    """The study's decision between quoting a value and quoting bounds, with its runs."""

    runs: dict[str, NDArray[np.float64]]
    over_frozen: tuple[float, float]
    over_random: tuple[float, float]

    @classmethod
    def resampled(cls, runs: dict[str, NDArray[np.float64]], seed: int) -> Gate:
        """The decision on these runs with a bootstrap from `seed`."""
        return cls(
            runs,
            over_frozen=resampled_interval(runs, lambda mean: mean["majority"] - mean["frozen"], seed),
            over_random=resampled_interval(runs, lambda mean: mean["majority"] - mean["random"], seed),
        )

    @property
    def verdict(self) -> str:
        """The verdict, "points" (a value is quoted) if the interval excludes zero, else "bounds"."""
        return "points" if self.over_random[0] > 0 or self.over_random[1] < 0 else "bounds"


def gate(condition: int) -> Gate:
    """The study's condition 1 (prior strength 0.80, 8 seeds) or 2 (0.25, 4 seeds), without format mass."""
    strength, task_seed, base, n_seeds = {1: (0.80, 122, 132, 8), 2: (0.25, 25, 35, 4)}[condition]
    runs = _runs(
        TaskFamily(strength, 0.0), task_seed, dict.fromkeys(ARMS, range(base + 1000, base + 1000 + n_seeds))
    )
    return Gate.resampled(runs, base + 9999)


def re_audit(strength: float) -> dict[str, NDArray[np.float64]]:
    """Runs of the study's "re-audit" families: arm (no RANDOM among them) to ndarray (8,)."""
    first = {"frozen": 42, "majority": 192, "true": 242}
    return _runs(
        TaskFamily(strength),
        42 + round(100 * strength),
        {arm: range(seed, seed + 8) for arm, seed in first.items()},
    )


def power_study(n_seeds: int = 16) -> dict[str, NDArray[np.float64]]:
    """MAJORITY and TRUE at prior strength 0.50: arm to ndarray (n_seeds,); fewer seeds are a prefix."""
    return _runs(
        TaskFamily(0.50), 42, {"majority": range(42, 42 + n_seeds), "true": range(342, 342 + n_seeds)}
    )


def study_spread(runs: Runs) -> dict[str, float]:
    """Sampling error of one published-style study, for each arm's mean and each term.

    Such a study has one task draw, ``runs.n_seeds`` seeds, and accuracies from 128 sampled answers per
    prompt. This sampling adds the variance p (1 - p) / 128, averaged over prompts and divided by their
    number, to each run.

    Parameters
    ----------
    runs : Runs
        Several task draws of all four arms, with their final policies.

    Returns
    -------
    dict of arm or term to float
        Standard deviation over task draws of the mean over seeds, evaluation noise included.
    """
    if runs.policies is None or runs.n_tasks < 2:
        raise ValueError(f"runs must keep_policies and have at least 2 task draws, got {runs.n_tasks}")
    means = {arm: runs.arm(arm).mean(axis=1) for arm in ARMS}
    noise = {}
    for arm, policies in zip(runs.arms, runs.policies, strict=True):
        right = np.where(runs.tasks.correct[:, None], policies, 0.0).sum(axis=-1)
        noise[arm] = (right * (1 - right)).mean() / (FINAL_SAMPLES * runs.family.n_prompts * runs.n_seeds)
    variance = {arm: means[arm].var(ddof=1) + noise[arm] for arm in ARMS}
    for name, (arm, base) in TERMS.items():
        variance[name] = (means[arm] - means[base]).var(ddof=1) + noise[arm] + noise[base]
    return {name: float(np.sqrt(value)) for name, value in variance.items()}


def task_and_seed_spread(accuracy: ArrayLike) -> tuple[float, float]:
    """Split the spread of one arm's runs into that of task draws and that of seeds within a draw.

    Both are standard deviations, from the one-way analysis of variance of exact accuracies (task, seed). The
    first is 0 where seeds alone explain the spread of the task draws' means.

    Examples
    --------
    >>> task, seed = task_and_seed_spread([[0.0, 0.2], [1.0, 1.2]])
    >>> round(task**2, 12), round(seed**2, 12)  # the means' variance 0.5, less half of 0.02
    (0.49, 0.02)
    """
    runs = np.asarray(accuracy, dtype=float)
    if runs.ndim != 2 or min(runs.shape) < 2:
        raise ValueError(
            f"accuracy must be (task, seed) with at least 2 draws of 2 seeds, got shape {runs.shape}"
        )
    within = float(runs.var(axis=1, ddof=1).mean())
    between = float(runs.mean(axis=1).var(ddof=1)) - within / runs.shape[1]
    return math.sqrt(max(0.0, between)), math.sqrt(within)


_Table = Mapping[str, float | str]

QUICK = ("sweep 0.20", "sweep 0.80")
"""The tables of the quick replay."""


def published_numbers() -> pd.DataFrame:
    """The published numbers as text: columns table, quantity, published."""
    return stored_table("published_study.csv", dtype=str)


@dataclass(frozen=True)
class Comparison:
    """One published number with its replay."""

    table: str
    quantity: str
    published: str
    replayed: str

    @property
    def equal(self) -> bool:
        return self.published == self.replayed


def compare(
    *,
    quick: bool = False,
    heavy: bool = False,
    only: Collection[str] = (),
    executor: KeptChunks | None = None,
) -> Iterator[Comparison]:
    """Replay every published number, and yield each comparison as its table is done.

    `quick` takes only the light sweep at prior strengths 0.20 and 0.80. `heavy` adds the heavy sweep and
    factorial, about fifteen times the work. `only` takes these tables alone; heavy tables need `heavy` too.
    An `executor` keeps finished tables, and a kept table is not replayed again.
    """
    replay = _replay if executor is None else keeping_cells(REPLAY, executor).compute
    assert replay is not None
    wanted = only or (QUICK if quick else _TABLES)
    for name in _TABLES:
        if name in wanted and (heavy or not name.startswith("heavy")):
            replayed = replay(name)
            published = published_numbers().query("table == @name")
            for row in published.itertuples():
                yield Comparison(name, row.quantity, row.published, replayed[row.quantity])


def _replay(name: str, *, executor: Executor | None = None) -> dict[str, str]:
    """A replayed table as text, with as many decimals as the published one."""
    table, published = _TABLES[name](), published_numbers().query("table == @name")
    return {
        quantity: _as_given(table[quantity], text)
        for quantity, text in zip(published.quantity, published.published, strict=True)
    }


def _replay_tables(replayed: Mapping[CellKey, Mapping[str, str]]) -> list[pd.DataFrame]:
    published = published_numbers()
    table = published[published.table.isin([name for (name,) in replayed])]
    texts = [replayed[row.table,][row.quantity] for row in table.itertuples()]
    return [table.assign(replayed=texts).set_index(["table", "quantity"])]


def stored_replay() -> pd.DataFrame:
    """Every published number with its stored replay: columns table, quantity, published, replayed."""
    return stored_table("replay.csv", dtype=str)


def replayed_sweep() -> pd.DataFrame:
    """The light sweep's replayed accuracies: one row per prior strength, one column per arm."""
    table = stored_replay()
    table = table[table.table.str.startswith("sweep") & table.quantity.isin(ARMS)]
    table = table.assign(strength=table.table.str[-4:].astype(float), replayed=table.replayed.astype(float))
    return table.pivot(index="strength", columns="quantity", values="replayed")[list(ARMS)]


def _as_given(value: float | str, published: str) -> str:
    """Write a value with as many decimals as the published text has."""
    return value if isinstance(value, str) else f"{value:.{len(published.partition('.')[2])}f}"


def _sweep_table(strength: float, size: str) -> _Table:
    means = {arm: float(runs.mean()) for arm, runs in sweep_point(strength, size).items()}
    return means | {"rd_fraction": (means["true"] - means["majority"]) / (means["true"] - means["random"])}


def _factorial_table(size: str) -> _Table:
    means = factorial_cells(size).mean(axis=1)
    found = effects(means)
    ratio = max(abs(found[name]) for name in INTERACTIONS) / max(abs(found[name]) for name in MAIN)
    cells = {
        f"{arm} {'on' if filtering == 'drop' else 'off'} {strength:.2f}": float(mean)
        for (arm, filtering, strength), mean in zip(CELLS, means, strict=True)
    }
    return cells | found | {"interaction_ratio": ratio}


def _gate_table(condition: int) -> _Table:
    result = gate(condition)
    means = {arm: float(runs.mean()) for arm, runs in result.runs.items()}
    return {
        "majority - frozen": means["majority"] - means["frozen"],
        "majority - frozen low": result.over_frozen[0],
        "majority - frozen high": result.over_frozen[1],
        "true - majority": means["true"] - means["majority"],
        "verdict": result.verdict,
    }


def _re_audit_table(strength: float) -> _Table:
    runs = re_audit(strength)
    shares = {"elicitation_share": ("majority", "frozen"), "reward_design_share": ("true", "majority")}
    table: dict[str, float | str] = {"verdict": "MIXED"}
    for name, (arm, base) in shares.items():

        def share(mean: Mapping[str, Any], arm: str = arm, base: str = base) -> Any:
            return (mean[arm] - mean[base]) / (mean["true"] - mean["frozen"])

        value = share({arm: float(values.mean()) for arm, values in runs.items()})
        low, high = resampled_interval(runs, share, 42 + 42000)
        table |= {name: value, f"{name} low": low, f"{name} high": high}
        if value > 0.60:
            table["verdict"] = f"{name.removesuffix('_share').upper()}_DOMINATED"
    return table


def _power_table() -> _Table:
    runs = power_study()
    return {
        f"{n} seeds": float(runs["true"][:n].mean() - runs["majority"][:n].mean())
        for n in (4, 6, 8, 10, 12, 16)
    }


_TABLES: dict[str, Callable[[], _Table]] = {
    **{f"sweep {strength:.2f}": partial(_sweep_table, strength, "light") for strength in STRENGTHS},
    "factorial": partial(_factorial_table, "light"),
    "gate 1": partial(_gate_table, 1),
    "gate 2": partial(_gate_table, 2),
    "re-audit 0.80": partial(_re_audit_table, 0.80),
    "re-audit 0.35": partial(_re_audit_table, 0.35),
    "power": _power_table,
    **{f"heavy sweep {strength:.2f}": partial(_sweep_table, strength, "heavy") for strength in STRENGTHS},
    "heavy factorial": partial(_factorial_table, "heavy"),
}

REPLAY = StoredExperiment(
    files=("replay.csv",),
    digits="the digits that were published",
    cells=lambda: [(name,) for name in _TABLES],
    compute=_replay,
    tables=_replay_tables,
    quick_cells=[(name,) for name in QUICK],
    trains=False,
)
"""Every published table; a quick check replays the tables of ``QUICK``."""
