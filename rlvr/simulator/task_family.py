"""Task families: how strongly the untrained policy already prefers a correct answer.

Every prompt has `n_actions` answers, of which `n_correct` are right. The prior gives the weight
`prior_strength` to the correct answers. Then the weight of one wrong answer, the *format* action, is
multiplied by ``1 + format_strength * n_actions``, and everything is normalised::

    weight(correct) = ps / k
    weight(wrong)   = (1 - ps) / (K - k)
    weight(format)  = (1 + fs K) (1 - ps) / (K - k)

A *task draw* states for each prompt which action index has which role and, when prompts differ
(`prior_spread` above 0), the strength of its prior.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import scipy
from numpy.typing import ArrayLike, NDArray

from rlvr._checks import MOST, as_given, fits_memory, real, shown, whole

__all__ = ["TaskFamily", "Tasks", "beta_quantile", "check_seed", "check_tasks"]

_SKEWED = 1e-12  # below this spread a Beta equals a normal law to all relevant digits
_STRENGTHS = (1e-9, 1.0 - 1e-9)  # limits of a prompt's strength: training starts at the log prior


@dataclass(frozen=True)
class Tasks:
    """Drawn tasks: each prompt's prior, and its correct actions.

    Attributes
    ----------
    prior : ndarray (task, prompt, action)
        Probabilities of the untrained policy; each row sums to one.
    correct : ndarray of bool (task, prompt, action)
        True where the action is correct.
    """

    prior: NDArray[np.float64]
    correct: NDArray[np.bool_]

    @property
    def prior_accuracy(self) -> NDArray[np.float64]:
        """Exact pass@1 of the prior, ndarray (task,)."""
        return np.where(self.correct, self.prior, 0.0).sum(axis=2).mean(axis=1)


@dataclass(frozen=True)
class TaskFamily:
    """A population of prompts with one prior strength or Beta-distributed strengths.

    Parameters
    ----------
    prior_strength : float in (0, 1)
        Fraction of the prior's weight on the correct actions before the format action is boosted.
    format_strength : float, at least 0
        Boost of one wrong action: its weight is multiplied by ``1 + format_strength * n_actions``.
    n_actions : int, at least 2
        Answers per prompt, K.
    n_correct : int in [1, n_actions)
        Correct answers per prompt, k.
    n_prompts : int, at least 1
        Prompts in one task draw.
    prior_spread : float in [0, 1)
        Differences between prompts: their strengths follow a Beta distribution with mean `prior_strength` and
        variance ``prior_spread * prior_strength * (1 - prior_strength)``. 0: all alike; towards 1: every
        prompt is solved either always or never.

    Raises
    ------
    TypeError, ValueError
        If an argument is outside the ranges above; the message names it.

    Examples
    --------
    >>> family = TaskFamily(prior_strength=0.2)
    >>> round(family.prior_accuracy, 4), round(family.crossover, 4)
    (0.1648, 0.4643)
    """

    prior_strength: float = 0.5
    format_strength: float = 0.2
    n_actions: int = 8
    n_correct: int = 2
    n_prompts: int = 40
    prior_spread: float = 0.0

    def __post_init__(self) -> None:
        real("prior_strength", self.prior_strength, "a number strictly between 0 and 1", above=0, below=1)
        real("format_strength", self.format_strength, "a finite number of at least 0", above=0, closed=True)
        whole("n_actions", self.n_actions, "an integer of at least 2", at_least=2, at_most=MOST, n_bytes=16)
        whole(
            "n_correct",
            self.n_correct,
            f"an integer from 1 to n_actions - 1 = {self.n_actions - 1}",
            at_least=1,
            at_most=self.n_actions - 1,
        )
        whole("n_prompts", self.n_prompts, "an integer of at least 1", at_least=1, at_most=MOST, n_bytes=16)
        spread = real("prior_spread", self.prior_spread, "a number in [0, 1)", above=0, below=1, closed=True)
        if spread == 1:
            raise ValueError(f"prior_spread must be a number in [0, 1), got {self.prior_spread!r}")
        for name, value in vars(self).copy().items():
            object.__setattr__(self, name, as_given(value))
        for strength in _STRENGTHS if spread > 0 else (self.prior_strength,):
            self._check_prior(strength)

    def _check_prior(self, strength: float) -> None:
        """Raise a ValueError unless each probability of the prior is a positive float."""
        n_wrong = self.n_actions - self.n_correct
        right, wrong = strength / self.n_correct, (1.0 - strength) / n_wrong
        total = strength + wrong * (n_wrong - 1.0 + self.format_boost)
        if not (np.isfinite(total) and min(right, wrong) / total >= np.finfo(float).tiny):
            raise ValueError(
                "format_strength and prior_strength must leave each action a probability that a float holds, "
                f"got format_strength={shown(self.format_strength)} and prior_strength="
                f"{shown(self.prior_strength)} with n_actions={self.n_actions}"
            )

    @property
    def format_boost(self) -> float:
        """Factor on the format action's weight, 1 + fs K."""
        return 1.0 + float(self.format_strength) * self.n_actions

    @property
    def strength_shape(self) -> tuple[float, float]:
        """Both shape parameters of the Beta distribution of prior strengths; infinite without spread."""
        if self.prior_spread == 0:
            return np.inf, np.inf
        concentration = (1.0 - self.prior_spread) / self.prior_spread
        return self.prior_strength * concentration, (1.0 - self.prior_strength) * concentration

    def strengths(self, n_nodes: int = 64) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Prior strengths and weights whose weighted mean represents the mean over prompts.

        Gauss-Jacobi quadrature: exact for polynomials in the strength of degree up to 2 n_nodes - 1.

        Parameters
        ----------
        n_nodes : int, from 1 to 10000
            Number of strengths; without spread there is one.

        Returns
        -------
        strengths, weights : ndarray (node,)
            The weights sum to one.
        """
        whole("n_nodes", n_nodes, "an integer from 1 to 10000", at_least=1, at_most=10_000)
        if self.prior_spread == 0:
            return np.array([self.prior_strength]), np.ones(1)
        a, b = self.strength_shape
        if self.prior_spread < _SKEWED:
            nodes, weights = scipy.special.roots_hermitenorm(n_nodes)
            deviation = math.sqrt(self.prior_spread * self.prior_strength * (1 - self.prior_strength))
            return np.clip(self.prior_strength + deviation * nodes, *_STRENGTHS), weights / weights.sum()
        with np.errstate(all="ignore"):  # scipy divides 0 by 0 where a + b is exactly 1
            nodes, weights = scipy.special.roots_jacobi(n_nodes, b - 1.0, a - 1.0)
        if not (np.isfinite(nodes).all() and np.isfinite(weights).all()):
            if self.prior_spread > 0.5:  # the limit, where scipy fails
                return np.array(_STRENGTHS), np.array([1.0 - self.prior_strength, self.prior_strength])
            nodes, weights = _narrow_nodes(n_nodes, a, b)
        return np.clip((1.0 + nodes) / 2.0, *_STRENGTHS), weights / weights.sum()

    def prior(self, strength: ArrayLike | None = None) -> NDArray[np.float64]:
        """Prior probabilities in role order: correct actions, the format action, other wrong ones.

        Parameters
        ----------
        strength : array_like (...,), optional
            Prior strengths; the family's own by default.

        Returns
        -------
        ndarray (..., action)
        """
        strengths = np.asarray(self.prior_strength if strength is None else strength, dtype=float)[..., None]
        fits_memory(24.0 * self.n_actions * strengths.size, f"n_actions={self.n_actions}")
        n_wrong = self.n_actions - self.n_correct
        roles = np.arange(self.n_actions)
        boost = np.where(roles == self.n_correct, self.format_boost, 1.0)
        weights = np.where(
            roles < self.n_correct, strengths / self.n_correct, (1 - strengths) / n_wrong * boost
        )
        return weights / weights.sum(axis=-1, keepdims=True)

    @property
    def prior_accuracy(self) -> float:
        """Exact pass@1 of the prior, in [0, 1]; with spread, the mean over prompts."""
        if self.prior_spread == 0:
            return float(self.prior()[: self.n_correct].sum())
        strengths, weights = self.strengths()
        return float(weights @ self.prior(strengths)[:, : self.n_correct].sum(axis=1))

    @property
    def crossover(self) -> float:
        """Prior strength at which a correct action and the format action tie for the mode of a prompt."""
        boosted = self.n_correct * self.format_boost
        return boosted / (boosted + self.n_actions - self.n_correct)

    def sample(self, n_tasks: int = 1, seed: int = 0) -> Tasks:
        """Draw the role of each action, independently for each prompt.

        Task draw t depends only on (seed, t), so more draws leave the first ones unchanged.

        Parameters
        ----------
        n_tasks : int, at least 1
            Task draws.
        seed : int, at least 0
            Root of the draws.

        Returns
        -------
        Tasks
            Arrays (task, prompt, action).
        """
        whole("n_tasks", n_tasks, "an integer of at least 1", at_least=1, at_most=MOST, n_bytes=16)
        check_seed(seed)
        sizes = f"n_tasks={n_tasks}, n_prompts={self.n_prompts} and n_actions={self.n_actions}"
        fits_memory(25.0 * int(n_tasks) * self.n_prompts * self.n_actions, sizes)
        roles = np.empty((n_tasks, self.n_prompts, self.n_actions), dtype=np.int64)
        strengths = np.empty((n_tasks, self.n_prompts))
        in_order = np.broadcast_to(np.arange(self.n_actions), roles.shape[1:])
        for task in range(n_tasks):
            generator = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(0, task)))
            generator.permuted(in_order, axis=1, out=roles[task])
            if self.prior_spread > 0:  # by quantile: families that differ in spread share uniforms
                concentration = (1.0 - self.prior_spread) / self.prior_spread
                drawn = beta_quantile(generator.random(self.n_prompts), self.prior_strength, concentration)
                strengths[task] = np.clip(drawn, *_STRENGTHS)
        if self.prior_spread == 0:
            return Tasks(prior=self.prior()[roles], correct=roles < self.n_correct)
        prior = np.take_along_axis(self.prior(strengths), roles, axis=2)
        return Tasks(prior=prior, correct=roles < self.n_correct)


def _narrow_nodes(n_nodes: int, a: float, b: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Golub and Welsch's nodes on [-1, 1] for large shapes, where scipy's weights are NaN."""
    s, n = a + b - 2.0, np.arange(n_nodes)
    middle = (a - b) / (2 * n + s + 2) * (s / (2 * n + s))
    k = n[1:]
    apart = (k + b - 1) / (2 * k + s) * (k + a - 1) / (2 * k + s) * (k + s) / (2 * k + s + 1) * k
    nodes, vectors = scipy.linalg.eigh_tridiagonal(middle, 2 * np.sqrt(apart / (2 * k + s - 1)))
    return nodes, vectors[0] ** 2


def beta_quantile(at: ArrayLike, mean: ArrayLike, concentration: float) -> NDArray[np.float64]:
    """Quantiles of Beta distributions with these means, whose two shapes sum to `concentration`.

    With almost no spread the normal law is used, because scipy's quantiles are NaN or far off there. With
    almost the widest spread, where scipy fails, the limit is used: 0 or 1.
    """
    middle = np.asarray(mean, dtype=float)
    if concentration > 1 / _SKEWED:
        return middle + np.sqrt(middle * (1 - middle) / (concentration + 1)) * scipy.special.ndtri(at)
    try:
        drawn = scipy.stats.beta.ppf(at, middle * concentration, (1.0 - middle) * concentration)
    except OverflowError:
        drawn = np.full(np.broadcast_shapes(np.shape(at), middle.shape), np.nan)
    limit = middle if concentration > 1 else np.asarray(at) >= 1.0 - middle
    return np.where(np.isnan(drawn), limit, drawn)


def check_tasks(tasks: Tasks, shape: tuple[int, int, int]) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Return the prior and the correct sets of a user's tasks, of shape (task, prompt, action).

    Raises
    ------
    TypeError, ValueError
        If the prior is not a distribution with all probabilities above 0, or a correct set is empty.
    """
    if not isinstance(tasks, Tasks):
        raise TypeError(f"tasks must be Tasks, got {type(tasks).__name__}")
    prior, correct = _array("tasks.prior", tasks.prior), _array("tasks.correct", tasks.correct)
    for array in (prior, correct):
        if array.shape != shape:
            raise ValueError(
                f"tasks must have shape (n_tasks, n_prompts, n_actions) = {shape}, got {array.shape}"
            )
    if prior.dtype.kind not in "iuf":
        raise TypeError(f"tasks.prior must hold real numbers, got {prior.dtype}")
    if correct.dtype != bool:
        raise TypeError(f"tasks.correct must hold booleans, got {correct.dtype}")
    with np.errstate(over="ignore"):
        prior = prior.astype(float, copy=False)
    accepted = "finite probabilities above 0, where training starts at their logarithms"
    wrong = np.argwhere(~((prior > 0) & np.isfinite(prior)))
    if wrong.size:
        raise ValueError(
            f"tasks.prior must hold {accepted}, got {prior[tuple(wrong[0])]} at {_place(wrong[0])}"
        )
    sums = prior.sum(axis=2)
    wrong = np.argwhere(~(np.abs(sums - 1.0) <= 1e-6))
    if wrong.size:
        raise ValueError(f"tasks.prior must sum to 1, got {sums[tuple(wrong[0])]} at {_place(wrong[0])}")
    wrong = np.argwhere(~correct.any(axis=2))
    if wrong.size:
        raise ValueError(f"tasks.correct must name a correct action, got none at {_place(wrong[0])}")
    return prior, correct


def _array(name: str, value: object) -> NDArray:
    try:
        return np.asarray(value)
    except ValueError:  # rows of unequal length
        raise ValueError(f"{name} must be an array, got {shown(value)}") from None


def _place(index: NDArray[np.int64]) -> str:
    return ", ".join(f"{axis} {i}" for axis, i in zip(("task", "prompt", "action"), index, strict=False))


def check_seed(seed: int) -> int:
    """Return a seed that NumPy accepts, or raise an error that names the fault."""
    return whole("seed", seed, "an integer of at least 0", at_least=0)
