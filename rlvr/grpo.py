"""The public trainer: `GRPOConfig` says how, `simulate` trains, `Runs` remembers both.

One update of one prompt's logits, from a group of G sampled actions with rewards r:

    logits += learning_rate * ( mean_i A_i (onehot(a_i) - policy)  +  kl_coefficient * KL term )
    A_i = (r_i - mean r) / (std r + 1e-8),   population std

The unit of replication is the task draw, then the seed inside it.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from rlvr._checks import choice, real, whole
from rlvr.arms import ARM_CODE, ARMS, check_arms
from rlvr.tasks import TaskFamily, Tasks, check_seed

__all__ = ["HEAVY", "LIGHT", "GRPOConfig", "Runs", "simulate"]

_PLANNED = {"advantage": ("centered", "rloo")}


@dataclass(frozen=True)
class GRPOConfig:
    """How a policy is trained.

    Parameters
    ----------
    n_steps : int, at least 0
        Training steps.
    batch_size : int, at least 1
        Prompts a step, drawn without replacement.
    group_size : int, at least 2
        Sampled actions a prompt and step, G.
    learning_rate : float, above 0
        Step size on the logits.
    kl_coefficient : float, at least 0
        Pull towards the prior, beta.
    filtering : {"drop", "off", "refill"}
        What happens to a group whose rewards are all equal. "drop": no policy and no KL term.
        "off": its KL term applies. "refill": it is dropped and the next prompt of the step's shuffled
        order takes its place, in each arm on its own, until the batch is full or `refill_cap` is reached.
    refill_cap : int, at least 1
        With "refill", at most this many batches' worth of prompts are tried in a step, none of them
        twice; so never more than there are prompts.
    tie_break : {"lowest", "uniform"}
        Which of the most frequent actions counts as the plurality: the one of lowest index, or one at random.
    kl : {"forward", "reverse"}
        "forward", as published: ``-(policy - prior)``, the gradient of -KL(prior || policy).
        "reverse": the gradient of -KL(policy || prior), the term that GRPO's objective names.
    advantage : {"grpo", "centered", "rloo"}
        "grpo" divides by the group's standard deviation.

    Raises
    ------
    TypeError, ValueError
        If an argument is out of range; the message names it.
    NotImplementedError
        For the options that are named but not built yet.
    """

    n_steps: int = 200
    batch_size: int = 16
    group_size: int = 8
    learning_rate: float = 0.05
    kl_coefficient: float = 0.01
    filtering: str = "drop"
    tie_break: str = "lowest"
    kl: str = "forward"
    advantage: str = "grpo"
    refill_cap: int = 3

    def __post_init__(self) -> None:
        whole("n_steps", self.n_steps, "an integer of at least 0", at_least=0, at_most=2**32 - 1)
        whole("batch_size", self.batch_size, "an integer of at least 1", at_least=1)
        whole("group_size", self.group_size, "an integer of at least 2", at_least=2)
        real("learning_rate", self.learning_rate, "a finite number above 0", above=0)
        real("kl_coefficient", self.kl_coefficient, "a finite number of at least 0", above=0, closed=True)
        whole("refill_cap", self.refill_cap, "an integer of at least 1", at_least=1)
        options = {
            "filtering": ("off", "drop", "refill"),
            "tie_break": ("lowest", "uniform"),
            "kl": ("forward", "reverse"),
            "advantage": ("grpo", "centered", "rloo"),
        }
        for name, accepted in options.items():
            value = choice(name, getattr(self, name), accepted)
            if value in _PLANNED.get(name, ()):
                built = [option for option in accepted if option not in _PLANNED[name]]
                raise NotImplementedError(f"{name}={value!r} is not built yet; available: {', '.join(built)}")


LIGHT = GRPOConfig()
"""The light settings of the published study (with a family of 40 prompts, 8 actions, 2 correct)."""

HEAVY = GRPOConfig(n_steps=400, batch_size=20, group_size=10)
"""The heavy settings of its sweep (with a family of 80 prompts, 10 actions, 2 correct)."""


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
        Final policies, if they were asked for.
    tasks : Tasks
        The task draws the runs trained on.
    """

    family: TaskFamily
    config: GRPOConfig
    arms: tuple[str, ...]
    n_tasks: int
    n_seeds: int
    seed: int
    steps: NDArray[np.int64] = field(repr=False)
    curves: NDArray[np.float64] = field(repr=False)
    policies: NDArray[np.float64] | None = field(repr=False)
    tasks: Tasks = field(repr=False)

    @property
    def accuracy(self) -> NDArray[np.float64]:
        return self.curves[..., -1]

    def arm(self, name: str) -> NDArray[np.float64]:
        """Accuracy of one arm, ndarray (task, seed)."""
        choice("arm", name, self.arms)
        return self.accuracy[self.arms.index(name)]


def simulate(
    family: TaskFamily,
    config: GRPOConfig = LIGHT,
    *,
    arms: Sequence[str] = ARMS,
    n_tasks: int = 1,
    n_seeds: int = 8,
    seed: int = 0,
    checkpoints: Sequence[int] | None = None,
    keep_policies: bool = False,
    tasks: Tasks | None = None,
) -> Runs:
    """Train every arm on the same task draws, batches and sampling uniforms.

    Parameters
    ----------
    family : TaskFamily
        What is trained on.
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
    tasks : Tasks, optional
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
    from rlvr import kernel  # the compiler loads only when something is trained

    if not isinstance(family, TaskFamily):
        raise TypeError(f"family must be a TaskFamily, got {type(family).__name__}")
    if not isinstance(config, GRPOConfig):
        raise TypeError(f"config must be a GRPOConfig, got {type(config).__name__}")
    named = check_arms(arms)
    whole("n_tasks", n_tasks, "an integer of at least 1", at_least=1, at_most=2**32 - 1)
    whole("n_seeds", n_seeds, "an integer of at least 1", at_least=1, at_most=2**32 - 1)
    check_seed(seed)
    if config.batch_size > family.n_prompts:
        raise ValueError(
            f"batch_size must be at most n_prompts = {family.n_prompts}, got {config.batch_size}"
        )
    steps = _check_checkpoints(checkpoints, config.n_steps)
    drawn = family.sample(n_tasks, seed) if tasks is None else tasks
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
    n_candidates = config.batch_size
    if config.filtering == "refill":
        n_candidates = min(config.refill_cap * config.batch_size, family.n_prompts)
    n_runs, n_threads = n_tasks * n_seeds, _n_threads()
    edges = np.linspace(0, n_runs, min(n_runs, 4 * n_threads) + 1).astype(int)

    def train(first: int, last: int) -> None:
        kernel.train(
            first,
            last,
            drawn.prior,
            drawn.correct,
            np.array([ARM_CODE[arm] for arm in named]),
            key,
            n_seeds,
            steps,
            config.batch_size,
            n_candidates,
            config.group_size,
            float(config.learning_rate),
            float(config.kl_coefficient),
            kernel.FILTERING[config.filtering],
            kernel.TIE_BREAK[config.tie_break],
            kernel.KL[config.kl],
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
            raise ValueError(f"RLVR_THREADS must be an integer of at least 1, got {asked!r}")
        return int(asked)
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _check_checkpoints(checkpoints: Sequence[int] | None, n_steps: int) -> NDArray[np.int64]:
    accepted = f"ascending integers from 0 to n_steps = {n_steps}"
    asked = [whole("checkpoints", step, accepted, at_least=0, at_most=n_steps) for step in checkpoints or ()]
    if any(later <= earlier for earlier, later in itertools.pairwise(asked)):
        raise ValueError(f"checkpoints must be {accepted}, got {asked}")
    return np.array(asked if asked and asked[-1] == n_steps else [*asked, n_steps], dtype=np.int64)
