"""The public trainer: `simulate` trains every arm of one or several studies.

The unit of replication is the task draw, then the seed inside it.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import replace
from typing import Any, TypedDict, Unpack, overload

import numpy as np
from numpy.typing import NDArray

from rlvr._checks import MOST, shown, whole
from rlvr.arms import ARMS, check_arms
from rlvr.simulator.chunks import Results, without_first
from rlvr.simulator.executors import Progress, train_all
from rlvr.simulator.grpo_config import LIGHT, GRPOConfig
from rlvr.simulator.runs import Runs, finished_runs
from rlvr.simulator.strategy_family import StrategyFamily, StrategyTasks
from rlvr.simulator.studies import Study, StudySize
from rlvr.simulator.task_family import TaskFamily, Tasks, check_seed
from rlvr.simulator.two_stages import Goal

__all__ = ["simulate"]

Family = TaskFamily | StrategyFamily


class _Options(TypedDict, total=False):
    arms: Sequence[str]
    n_tasks: int | None
    n_seeds: int
    seed: int
    checkpoints: Sequence[int] | None
    keep_policies: bool
    tasks: Tasks | StrategyTasks | None
    executor: Executor | None
    progress: bool | Progress
    precision: float | None
    of: str | None


@overload
def simulate(family: Family, config: GRPOConfig = ..., **options: Unpack[_Options]) -> Runs: ...
@overload
def simulate(
    family: Sequence[Family], config: GRPOConfig | Sequence[GRPOConfig] = ..., **options: Unpack[_Options]
) -> list[Runs]: ...
@overload
def simulate(family: Family, config: Sequence[GRPOConfig], **options: Unpack[_Options]) -> list[Runs]: ...
def simulate(
    family: Family | Sequence[Family],
    config: GRPOConfig | Sequence[GRPOConfig] = LIGHT,
    *,
    arms: Sequence[str] = ARMS,
    n_tasks: int | None = None,
    n_seeds: int = 8,
    seed: int = 0,
    checkpoints: Sequence[int] | None = None,
    keep_policies: bool = False,
    tasks: Tasks | StrategyTasks | None = None,
    executor: Executor | None = None,
    progress: bool | Progress = False,
    precision: float | None = None,
    of: str | None = None,
) -> Runs | list[Runs]:
    """Train every arm on the same task draws, batches and sampling uniforms.

    Parameters
    ----------
    family : TaskFamily or StrategyFamily, or sequence of them
        The prompts: each with its own policy, or all with shared strategies.
    config : GRPOConfig, or sequence of them
        Settings of the training. Two sequences are paired and have one length; a single family or
        configuration is combined with every item of the other sequence.
    arms : sequence of str
        Any of ``ARMS``.
    n_tasks : int, at least 1, optional
        Task draws; 1 unless a precision is stated.
    n_seeds : int, at least 1
        Training seeds within each task draw.
    seed : int, at least 0
        Root of all randomness. Run (t, s) depends only on (seed, t, s), so more task draws or seeds extend a
        study without changing its runs.
    checkpoints : sequence of int, optional
        Ascending steps in [0, n_steps] at which accuracy is kept; the last step always is.
    keep_policies : bool
        Keep the final policies (n_actions * n_prompts floats per run and arm).
    tasks : Tasks or StrategyTasks, optional
        Train on these `n_tasks` draws instead of ``family.sample(n_tasks, seed)``; with a single family and
        configuration, and without a precision.
    executor : concurrent.futures.Executor, optional
        A ProcessPoolExecutor, Dask's ``Client.get_executor()`` or another; threads of this process by
        default. The executor stays open. This process trains chunks that a dead worker loses, and also chunks
        once the executor gives no answer for a minute (longer where one chunk takes longer).
    progress : bool or callable
        True: a bar that counts chunks, on standard error if that is a terminal. A callable is given the
        number of finished chunks and the total; a second stage is counted anew.
    precision : float above 0, optional
        Add task draws until the 95% half-width of the term `of` is at most this, in units of accuracy. Then
        `n_tasks` is the first stage (64 by default, at least 16), whose spread alone determines how many
        draws are needed: :mod:`rlvr.simulator.two_stages` proves that the interval in ``Runs.reached`` keeps
        its coverage. Everything else is as if that many draws had been requested.
    of : str, optional
        A term of :data:`rlvr.decomposition.TERMS`, such as "reward_design"; needed with `precision`.

    Returns
    -------
    Runs, or list of Runs if `family` or `config` is a sequence
        The same bits for the same arguments, whatever the executor, the number of threads, and what else
        the call trains.

    Raises
    ------
    TypeError, ValueError
        If an argument is out of range; the message names it.

    Warns
    -----
    RuntimeWarning
        If the executor lost workers, or gave no answer in time.

    Examples
    --------
    >>> runs = simulate(TaskFamily(prior_strength=0.8), n_tasks=2, n_seeds=4, seed=1)
    >>> runs.accuracy.shape
    (4, 2, 4)
    >>> bool((runs.arm("true") > runs.arm("frozen")).all())
    True
    >>> runs = simulate(TaskFamily(), precision=0.01, of="reward_design")
    >>> runs.n_tasks, runs.reached.first_draws, runs.reached.half_width <= 0.01
    (64, 64, True)
    >>> low, high = simulate([TaskFamily(prior_strength=0.2), TaskFamily(prior_strength=0.8)])
    >>> bool(low.arm("frozen").mean() < high.arm("frozen").mean())
    True
    """
    pairs, several = _paired(family, config)
    named = check_arms(arms)
    goal = _goal(precision, of, named, tasks)
    if goal is not None:
        n_tasks = goal.first_stage(n_tasks)
    elif n_tasks is None:
        n_tasks = 1
    n_tasks = whole("n_tasks", n_tasks, "an integer of at least 1", at_least=1, at_most=MOST, n_bytes=16)
    n_seeds = whole("n_seeds", n_seeds, "an integer of at least 1", at_least=1, at_most=MOST, n_bytes=16)
    seed = check_seed(seed)
    if several and tasks is not None:
        raise ValueError(f"tasks must be None where families or configs are listed, got {shown(tasks)}")
    if executor is not None and not isinstance(executor, Executor):
        raise TypeError(
            f"executor must be a concurrent.futures.Executor or None, got {type(executor).__name__}"
        )
    size = StudySize(named, n_tasks, n_seeds, seed, checkpoints, keep_policies)
    studies = [Study.prepare(each, how, size, tasks) for each, how in pairs]
    trained = train_all([study.work for study in studies], executor, progress)
    if goal is not None:
        runs = _second_stage(goal, studies, trained, executor, progress)
    else:
        runs = [finished_runs(study, results) for study, results in zip(studies, trained, strict=True)]
    return runs if several else runs[0]


def _goal(precision: float | None, of: str | None, arms: tuple[str, ...], tasks: Any) -> Goal | None:
    """The goal of a requested precision."""
    if precision is None:
        if of is not None:
            raise ValueError(f"of must be None unless precision is stated, got {shown(of)}")
        return None
    if tasks is not None:
        raise ValueError(f"tasks must be None where precision adds task draws, got {shown(tasks)}")
    return Goal(precision, of, arms)  # type: ignore[arg-type]  # Goal refuses None


def _second_stage(
    goal: Goal,
    studies: list[Study],
    trained: list[Results],
    executor: Executor | None,
    progress: bool | Progress,
) -> list[Runs]:
    """Extend every study by the task draws that its first stage requires."""
    n_first = studies[0].size.n_tasks
    whole_studies = [
        _long_enough(goal, study, goal.terms(finished_runs(study, results)))
        for study, results in zip(studies, trained, strict=True)
    ]
    short = [place for place, study in enumerate(whole_studies) if study.size.n_tasks > n_first]
    rest = [without_first(whole_studies[place].work, n_first) for place in short]
    for place, added in zip(short, train_all(rest, executor, progress), strict=True):
        first = trained[place]
        trained[place] = {name: np.concatenate([first[name], added[name]], axis=1) for name in first}
    finished = []
    for study, results in zip(whole_studies, trained, strict=True):
        runs = finished_runs(study, results)
        reached = goal.reached(goal.terms(runs), n_first, study.known(goal.of))
        finished.append(replace(runs, reached=reached))
    return finished


def _long_enough(goal: Goal, study: Study, first: NDArray[np.float64]) -> Study:
    """The study with the task draws that the goal needs, given the first stage's terms."""
    while (n_draws := goal.draws_needed(first, study.known(goal.of))) > study.size.n_tasks:
        study = study.longer(n_draws)
    return study


def _paired(family: Any, config: Any) -> tuple[list[tuple[Family, GRPOConfig]], bool]:
    """Pair families with configurations, and state whether either was a sequence."""
    lists = {"family": family, "config": config}
    several = {name: isinstance(given, (list, tuple)) for name, given in lists.items()}
    families = list(family) if several["family"] else [family]
    configs = list(config) if several["config"] else [config]
    for name, items in (("family", families), ("config", configs)):
        if not items:
            raise ValueError(
                f"{name} must hold at least one item where it is a sequence, got {lists[name]!r}"
            )
    for each in families:
        if not isinstance(each, (TaskFamily, StrategyFamily)):
            raise TypeError(f"family must be a TaskFamily or a StrategyFamily, got {type(each).__name__}")
    for how in configs:
        if not isinstance(how, GRPOConfig):
            raise TypeError(f"config must be a GRPOConfig, got {type(how).__name__}")
    if several["family"] and several["config"] and len(families) != len(configs):
        raise ValueError(
            f"family and config must be of one length where both are sequences, "
            f"got {len(families)} and {len(configs)}"
        )
    n = max(len(families), len(configs))
    families = families if several["family"] else families * n
    configs = configs if several["config"] else configs * n
    return list(zip(families, configs, strict=True)), any(several.values())
