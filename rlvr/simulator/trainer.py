"""The public trainer: `simulate` trains every arm, `Runs` remembers what came out and what made it.

The unit of replication is the task draw, then the seed inside it.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rlvr._checks import choice, shown, whole
from rlvr.arms import ARM_CODE, ARMS, check_arms
from rlvr.simulator.grpo_config import LIGHT, GRPOConfig
from rlvr.simulator.majority_labels import fixed_labels
from rlvr.simulator.rules import as_rules
from rlvr.simulator.shared_trainer import check_shared, prompt_policies, train_shared
from rlvr.simulator.strategy_family import StrategyFamily, StrategyTasks
from rlvr.simulator.task_family import TaskFamily, Tasks, check_seed

__all__ = ["Runs", "simulate"]


@dataclass(frozen=True)
class Runs:
    """Trained runs, with the arguments that made them.

    Attributes
    ----------
    accuracy : ndarray (arm, task, seed)
        Exact pass@1 at the end, in [0, 1]: no evaluation noise.
    steps : ndarray (step,)
        Checkpoints, the last of which is the end.
    curves : ndarray (arm, task, seed, step)
        Exact pass@1 at each checkpoint.
    policies : ndarray (arm, task, seed, prompt, action) or None
        Final policies, if they were asked for; of a StrategyFamily, by strategy in place of action.
    tasks : Tasks or StrategyTasks
        The task draws the runs trained on.
    shares : ndarray (arm, task, seed, strategy) or None
        Of a StrategyFamily: each strategy's share of the answers at the end, as the family reads them and
        averaged over prompts. With one accuracy a strategy, `accuracy` is the sum of share times accuracy.
    share_curves : ndarray (arm, task, seed, step, strategy) or None
        The same at each checkpoint.
    clipped : ndarray (arm, task, seed, step) or None
        Of a StrategyFamily: share of answers (with several tokens, of decided tokens) that the clip took
        out of the gradient since the checkpoint before; NaN where none was sampled.
    logits : ndarray (arm, task, seed, token, strategy) or None
        Of a StrategyFamily: the shared logits at the end.
    """

    family: TaskFamily | StrategyFamily
    config: GRPOConfig
    arms: tuple[str, ...]
    n_tasks: int
    n_seeds: int
    seed: int
    steps: NDArray[np.int64] = field(repr=False)
    curves: NDArray[np.float64] = field(repr=False)
    policies: NDArray[np.float64] | None = field(repr=False)
    tasks: Any = field(repr=False)  # by family: Tasks, or StrategyTasks
    share_curves: NDArray[np.float64] | None = field(default=None, repr=False)
    clipped: NDArray[np.float64] | None = field(default=None, repr=False)
    logits: NDArray[np.float64] | None = field(default=None, repr=False)

    @property
    def accuracy(self) -> NDArray[np.float64]:
        return self.curves[..., -1]

    @property
    def shares(self) -> NDArray[np.float64] | None:
        return None if self.share_curves is None else self.share_curves[..., -1, :]

    def arm(self, name: str) -> NDArray[np.float64]:
        """Accuracy of one arm, ndarray (task, seed)."""
        choice("arm", name, self.arms)
        return self.accuracy[self.arms.index(name)]


def simulate(
    family: TaskFamily | StrategyFamily,
    config: GRPOConfig = LIGHT,
    *,
    arms: Sequence[str] = ARMS,
    n_tasks: int = 1,
    n_seeds: int = 8,
    seed: int = 0,
    checkpoints: Sequence[int] | None = None,
    keep_policies: bool = False,
    tasks: Tasks | StrategyTasks | None = None,
) -> Runs:
    """Train every arm on the same task draws, batches and sampling uniforms.

    Parameters
    ----------
    family : TaskFamily or StrategyFamily
        What is trained on: prompts with a policy each, or with strategies that all of them share.
    config : GRPOConfig
        How.
    arms : sequence of str
        Any of ``ARMS``.
    n_tasks, n_seeds : int, at least 1
        Task draws, and training seeds within each. Run (t, s) depends on (seed, t, s) alone, so more
        draws or seeds extend a study and change nothing in it.
    seed : int, at least 0
        Root of all randomness.
    checkpoints : sequence of int, optional
        Steps in [0, n_steps] at which accuracy is kept; the end always is.
    keep_policies : bool
        Keep the final policies (n_actions * n_prompts floats a run and arm).
    tasks : Tasks or StrategyTasks, optional
        Train on these draws instead of ``family.sample(n_tasks, seed)``.

    Returns
    -------
    Runs
        The same bits for the same arguments, whatever the number of threads.

    Raises
    ------
    TypeError, ValueError
        If an argument is out of range; the message names it.

    Examples
    --------
    >>> runs = simulate(TaskFamily(prior_strength=0.8), n_tasks=2, n_seeds=4, seed=1)
    >>> runs.accuracy.shape
    (4, 2, 4)
    >>> bool((runs.arm("true") > runs.arm("frozen")).all())
    True
    """
    from rlvr.simulator import kernel  # the compiler loads only when something is trained

    if not isinstance(family, (TaskFamily, StrategyFamily)):
        raise TypeError(f"family must be a TaskFamily or a StrategyFamily, got {type(family).__name__}")
    if not isinstance(config, GRPOConfig):
        raise TypeError(f"config must be a GRPOConfig, got {type(config).__name__}")
    named = check_arms(arms)
    whole("n_tasks", n_tasks, "an integer of at least 1", at_least=1, at_most=2**32 - 1)
    whole("n_seeds", n_seeds, "an integer of at least 1", at_least=1, at_most=2**32 - 1)
    check_seed(seed)
    if isinstance(family, StrategyFamily):
        check_shared(family, config)
        steps = _check_checkpoints(checkpoints, config.n_steps)
        shared = train_shared(family, config, named, n_tasks, n_seeds, seed, steps, tasks, _n_threads())
        kept = prompt_policies(shared["logits"], shared["tasks"].offsets) if keep_policies else None
        return Runs(family, config, named, n_tasks, n_seeds, seed, steps, policies=kept, **shared)
    rules = as_rules(config, family.n_prompts)
    steps = _check_checkpoints(checkpoints, config.n_steps)
    drawn = family.sample(n_tasks, seed) if tasks is None else tasks
    if not isinstance(drawn, Tasks):
        raise TypeError(f"tasks must be Tasks, got {type(drawn).__name__}")
    if drawn.prior.shape != (n_tasks, family.n_prompts, family.n_actions):
        raise ValueError(
            f"tasks must have shape (n_tasks, n_prompts, n_actions) = "
            f"{(n_tasks, family.n_prompts, family.n_actions)}, got {drawn.prior.shape}"
        )
    curves = np.empty((len(named), n_tasks, n_seeds, steps.size))
    key = np.random.SeedSequence(seed, spawn_key=(1,)).generate_state(2, np.uint64)
    policies = np.empty(
        (len(named), n_tasks if keep_policies else 0, n_seeds, family.n_prompts, family.n_actions)
    )
    labels = np.full(drawn.prior.shape[:2], -1)
    if config.majority_labels == "fixed" and "majority" in named:
        labels = fixed_labels(drawn, config, seed=seed)
    n_runs, n_threads = n_tasks * n_seeds, _n_threads()
    edges = np.linspace(0, n_runs, min(n_runs, 4 * n_threads) + 1).astype(int)

    def train(first: int, last: int) -> None:
        kernel.train(
            first,
            last,
            np.arange(n_tasks),
            drawn.prior,
            drawn.correct,
            labels,
            np.array([ARM_CODE[arm] for arm in named]),
            key,
            n_seeds,
            steps,
            rules,
            curves,
            policies,
        )

    with ThreadPoolExecutor(n_threads) as pool:
        list(pool.map(train, edges[:-1], edges[1:]))
    return Runs(
        family,
        config,
        named,
        n_tasks,
        n_seeds,
        seed,
        steps,
        curves,
        policies if keep_policies else None,
        drawn,
    )


def _n_threads() -> int:
    """Threads to train on: RLVR_THREADS if set, else the processors this process may use."""
    asked = os.environ.get("RLVR_THREADS", "")
    if asked:
        if not asked.isdecimal() or int(asked) < 1:
            raise ValueError(f"RLVR_THREADS must be an integer of at least 1, got {shown(asked)}")
        return int(asked)
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _check_checkpoints(checkpoints: Sequence[int] | None, n_steps: int) -> NDArray[np.int64]:
    accepted = f"ascending integers from 0 to n_steps = {n_steps}"
    asked = [whole("checkpoints", step, accepted, at_least=0, at_most=n_steps) for step in checkpoints or ()]
    if any(later <= earlier for earlier, later in itertools.pairwise(asked)):
        raise ValueError(f"checkpoints must be {accepted}, got {shown(asked)}")
    return np.array(asked if asked and asked[-1] == n_steps else [*asked, n_steps], dtype=np.int64)
