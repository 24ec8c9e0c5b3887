"""Strategy families: a few strategies answer every prompt, and all prompts share their logits.

A policy first picks a *strategy* (code or no code, for example), then an answer that is right with this
strategy's accuracy. Training moves only the strategies' logits. The difference from a
:class:`~rlvr.simulator.task_family.TaskFamily` is that chance on one prompt changes the answers to all.

On prompt q, decision ("token") k draws from softmax_s(logits[k, s] + offsets[q, s]). With one token, this
draw is the strategy. With several, the first strategy means *go on* and any other is final; an answer that
goes on through every token uses the first strategy.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import scipy
from numpy.typing import NDArray

from rlvr._checks import MOST, as_given, choice, fits_memory, real, shown, whole
from rlvr.simulator.task_family import beta_quantile, check_seed

__all__ = ["StrategyFamily", "StrategyTasks", "check_strategy_tasks", "compact", "mean_shares"]

_LARGEST_OFFSET = 1e300
_LARGEST_SD = 1e298
_MOST_POINTS = 4e7  # points of the average over offsets; 50 times as many take half a minute
_NODES = 1201  # of the outer integral; the trapezium rule converges exponentially on smooth, fast tails


@dataclass(frozen=True)
class StrategyTasks:
    """Drawn tasks: how prompts differ. Arrays without differences are views that repeat one value.

    Attributes
    ----------
    offsets : ndarray (task, prompt, strategy)
        What each trained prompt adds to the shared logits.
    accuracies : ndarray (task, prompt, strategy)
        Probability that the strategy's answer is right.
    read_offsets, read_accuracies : ndarray (task, read prompt, strategy)
        The same for the prompts on which accuracy is read.
    """

    offsets: NDArray[np.float64]
    accuracies: NDArray[np.float64]
    read_offsets: NDArray[np.float64]
    read_accuracies: NDArray[np.float64]


@dataclass(frozen=True)
class StrategyFamily:
    """A policy whose choice of strategy all prompts share.

    Parameters
    ----------
    shares : sequence of float (strategy,), at least two, each above 0, summing to 1
        Prior share of each strategy, on a prompt of zero offset.
    accuracies : sequence of float in [0, 1] (strategy,), or (prompt, strategy)
        Probability that an answer of the strategy is right: one for all prompts, or one for each.
    n_prompts : int, at least 1
        Prompts in one task draw; a step draws its batch from them without replacement.
    offset_sd : float of at least 0, or sequence of float above 0 (strategy,)
        Prompts differ: each prompt's logits are the shared logits plus its own offsets, one per strategy,
        independent and normal with this standard deviation (or the strategy's), the same for every token and
        fixed for a task draw. The average prior shares are then `prior_shares` instead of `shares`.
    accuracy_spread : float in [0, 1); 0 where accuracies are given for each prompt
        Prompts differ in difficulty: a strategy's accuracy follows a Beta distribution over prompts with
        mean a, its entry in `accuracies`, and variance ``accuracy_spread * a * (1 - a)``. All strategies use
        the prompt's one quantile, so a hard prompt is hard for each strategy.
    n_tokens : int, at least 1
        Decisions that determine the strategy. Each token has its own logits, ratio and clip, as in GRPO's
        loss; it goes on (first strategy) or turns to one of the others for good. All tokens start with the
        probability ``shares[0] ** (1 / n_tokens)`` of going on and the rest in proportion to `shares`, so at
        zero offset the prior shares are `shares` for any number of tokens. An answer's gradient is the sum
        over the tokens it decided; the 1/length of a loss is part of the learning rate.
    read : {"sample", "greedy"}
        How accuracy and shares are read, exactly in both cases; training always samples. "sample": by the
        policy's probabilities. "greedy": on each prompt every token takes its most probable strategy (of tied
        ones the first listed), so a strategy counts only where it leads.
    n_test_prompts : int, at least 1, or None; None where accuracies are given for each prompt
        None: accuracy is read on the trained prompts; otherwise on this many other prompts from the same law.
    wrong_agreement : float in [0, 1]
        Agreement of wrong answers, which MAJORITY's vote depends on. On each prompt every strategy has one
        typical mistake; a wrong answer is this mistake with this probability, and otherwise agrees with no
        other answer. 0: only the right answer can occur twice, so MAJORITY equals TRUE up to chance. 1: a
        strategy outvotes the truth where its accuracy is below one half. The default lies in the middle.
        Mistakes belong to strategies because an error in code and a slip in arithmetic give different
        answers; so the plurality favours the *leading* strategy's mistake, as in self-training. Names have no
        order: of tied names, "lowest" takes the first to appear in the group.

    Raises
    ------
    TypeError, ValueError
        If an argument is outside the ranges above; the message names it.

    Examples
    --------
    >>> family = StrategyFamily(shares=(0.65, 0.35), accuracies=(0.609, 0.280), n_prompts=64)
    >>> round(family.prior_accuracy, 5)
    0.49385
    >>> StrategyFamily.long_tail(0.65, 200, (0.609, 0.280)).n_strategies
    201
    """

    shares: Sequence[float] = (0.65, 0.35)
    accuracies: Any = (0.609, 0.280)
    n_prompts: int = 64
    offset_sd: Any = 0.0
    accuracy_spread: float = 0.0
    n_tokens: int = 1
    read: str = "sample"
    n_test_prompts: int | None = None
    wrong_agreement: float = 0.5

    def __post_init__(self) -> None:
        accepted = "at least two numbers above 0 that sum to 1"
        shares = _numbers("shares", self.shares, accepted)
        if shares.ndim != 1 or shares.size < 2 or shares.min() <= 0 or abs(shares.sum() - 1) > 1e-9:
            raise ValueError(f"shares must be {accepted}, got {shown(self.shares)}")
        object.__setattr__(self, "shares", tuple(shares.tolist()))
        whole("n_prompts", self.n_prompts, "an integer of at least 1", at_least=1, at_most=MOST, n_bytes=16)
        shapes = ((shares.size,), (self.n_prompts, shares.size))
        accepted = f"numbers in [0, 1] of shape {shapes[0]} or {shapes[1]}"
        accuracies = _numbers("accuracies", self.accuracies, accepted)
        if accuracies.shape not in shapes or accuracies.min() < 0 or accuracies.max() > 1:
            raise ValueError(f"accuracies must be {accepted}, got {shown(self.accuracies)}")
        one_for_all = accuracies.ndim == 1
        kept = accuracies.tolist() if one_for_all else map(tuple, accuracies.tolist())
        object.__setattr__(self, "accuracies", tuple(kept))
        if isinstance(self.offset_sd, (int, float)):
            real("offset_sd", self.offset_sd, "a finite number of at least 0", above=0, closed=True)
        else:
            accepted = f"a number of at least 0, or {shares.size} numbers above 0"
            sds = _numbers("offset_sd", self.offset_sd, accepted)
            if sds.shape != shares.shape or sds.min() <= 0:
                raise ValueError(f"offset_sd must be {accepted}, got {shown(self.offset_sd)}")
            object.__setattr__(self, "offset_sd", tuple(sds.tolist()))
        if np.max(np.array(self.offset_sd, float)) > _LARGEST_SD:
            raise ValueError(
                f"offset_sd must be at most {_LARGEST_SD:g}, so that offsets are finite, "
                f"got {shown(self.offset_sd)}"
            )
        spread = real(
            "accuracy_spread", self.accuracy_spread, "a number in [0, 1)", above=0, below=1, closed=True
        )
        if spread == 1 or (spread > 0 and not one_for_all):
            accepted = "a number in [0, 1)" if one_for_all else "0 where accuracies are given for each prompt"
            raise ValueError(f"accuracy_spread must be {accepted}, got {shown(self.accuracy_spread)}")
        whole("n_tokens", self.n_tokens, "an integer of at least 1", at_least=1, at_most=MOST)
        choice("read", self.read, ("sample", "greedy"))
        if self.n_test_prompts is not None:
            accepted = "None or an integer of at least 1"
            whole("n_test_prompts", self.n_test_prompts, accepted, at_least=1, at_most=MOST)
            if not one_for_all:
                raise ValueError(
                    "n_test_prompts must be None where accuracies are given for each prompt, "
                    f"got {shown(self.n_test_prompts)}"
                )
        share = "a number in [0, 1]"
        real("wrong_agreement", self.wrong_agreement, share, above=0, below=1, closed=True)
        for name in (
            "n_prompts",
            "offset_sd",
            "accuracy_spread",
            "n_tokens",
            "n_test_prompts",
            "wrong_agreement",
        ):
            value = getattr(self, name)
            if value is not None and not isinstance(value, tuple):
                object.__setattr__(self, name, as_given(value))

    @classmethod
    def long_tail(
        cls, share: float, n_rare: int, accuracies: tuple[float, float], **others: Any
    ) -> StrategyFamily:
        """A strategy with `share`, and `n_rare` others with shares as 1 / rank; accuracies (first, others).

        Further arguments are those of the family.
        """
        real("share", share, "a number strictly between 0 and 1", above=0, below=1)
        whole("n_rare", n_rare, "an integer of at least 1", at_least=1, at_most=MOST)
        fits_memory(200.0 * n_rare, f"n_rare={n_rare}")
        first, other = accuracies
        tail = 1.0 / np.arange(1, n_rare + 1)
        shares = (share, *((1 - share) * tail / tail.sum()).tolist())
        return cls(shares=shares, accuracies=(first,) + (other,) * n_rare, **others)

    @property
    def n_strategies(self) -> int:
        """Number of strategies."""
        return len(self.shares)

    @property
    def prior_logits(self) -> NDArray[np.float64]:
        """The shared logits before training, ndarray (token, strategy), as logarithms of probabilities."""
        sizes = f"n_tokens={self.n_tokens} with {self.n_strategies} strategies"
        fits_memory(8.0 * self.n_tokens * self.n_strategies, sizes)
        token = np.log(self.shares)
        if self.n_tokens > 1:
            others = sum(self.shares[1:])
            going_on = np.log1p(-others) / self.n_tokens  # exact even if the first share is nearly one
            token[1:] += np.log(-np.expm1(going_on) / others)
            token[0] = going_on
        return np.tile(token, (self.n_tokens, 1))

    @property
    def prior_shares(self) -> NDArray[np.float64]:
        """Average prior share of each strategy as `read`, over the population of prompts, (strategy,).

        Raises
        ------
        ValueError
            With offsets, several tokens and sampling, where the average is not a one-dimensional integral.
        """
        greedy = self.read == "greedy"
        if not self._prompts_differ and not greedy:
            return np.array(self.shares)
        if self.n_tokens > 1 and not greedy:
            raise ValueError(
                f"n_tokens must be 1 for the prior's average over offsets, got {self.n_tokens}; "
                "the frozen arm has each task draw's own"
            )
        return mean_shares(self.prior_logits[0], np.array(self.offset_sd), greedy=greedy)

    @property
    def prior_accuracy(self) -> float:
        """Accuracy of the prior, as `read` states, in [0, 1], averaged over the population of prompts."""
        return float(self.prior_shares @ self._mean_accuracies)

    @property
    def _prompts_differ(self) -> bool:
        return bool(np.max(self.offset_sd) > 0)

    @property
    def _mean_accuracies(self) -> NDArray[np.float64]:
        return np.array(self.accuracies).reshape(-1, self.n_strategies).mean(axis=0)

    def matched(self, prior_accuracy: float) -> StrategyFamily:
        """A family like this one with the stated `prior_accuracy`.

        Shares are multiplied by exp(c · accuracy) and normalised. At zero offset these shares are, of all
        shares with this accuracy, the closest to the present ones in KL divergence.

        Raises
        ------
        ValueError
            If no such shares exist: `prior_accuracy` is not strictly between the strategies' accuracies.
        """
        accuracies, shares = self._mean_accuracies, np.log(self.shares)
        lowest, highest = accuracies.min(), accuracies.max()
        accepted = f"a number strictly between the strategies' accuracies {lowest:g} and {highest:g}"
        real("prior_accuracy", prior_accuracy, accepted, above=lowest, below=highest)

        def tilted(c: float) -> StrategyFamily:
            weights = np.exp(np.clip(shares + c * accuracies - (shares + c * accuracies).max(), -600, 0))
            return replace(self, shares=tuple((weights / weights.sum()).tolist()))

        most = 500 / (highest - lowest)
        c = scipy.optimize.brentq(
            lambda c: tilted(c).prior_accuracy - prior_accuracy, -most, most, xtol=1e-12
        )
        return tilted(c)

    def sample(self, n_tasks: int = 1, seed: int = 0) -> StrategyTasks:
        """Draw the differences between prompts; task draw t depends only on (seed, t).

        Parameters
        ----------
        n_tasks : int, at least 1
            Task draws.
        seed : int, at least 0
            Root of the draws, which families that differ in `offset_sd` or `accuracy_spread` share.

        Returns
        -------
        StrategyTasks
        """
        whole("n_tasks", n_tasks, "an integer of at least 1", at_least=1, at_most=MOST, n_bytes=16)
        check_seed(seed)
        offsets, accuracies = self._prompts(n_tasks, seed, self.n_prompts, 2)
        if self.n_test_prompts is None:
            return StrategyTasks(offsets, accuracies, offsets, accuracies)
        return StrategyTasks(offsets, accuracies, *self._prompts(n_tasks, seed, self.n_test_prompts, 3))

    def _prompts(self, n_tasks: int, seed: int, n_prompts: int, branch: int) -> tuple[NDArray, NDArray]:
        """Offsets and accuracies (task, prompt, strategy), keyed by (seed, branch, task)."""
        shape = (int(n_tasks), n_prompts, self.n_strategies)
        if self._prompts_differ or self.accuracy_spread > 0:
            sizes = f"n_tasks={n_tasks}, {n_prompts} prompts and {self.n_strategies} strategies"
            fits_memory(shape[0] * (500.0 + n_prompts * 16.0 * (1 + self.n_strategies)), sizes)
        offsets = np.broadcast_to(0.0, shape)
        accuracies = np.broadcast_to(np.array(self.accuracies), shape)
        generators = [
            np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(branch, task)))
            for task in range(n_tasks if self._prompts_differ or self.accuracy_spread > 0 else 0)
        ]
        difficulty = np.array([generator.random(n_prompts) for generator in generators])
        if self.accuracy_spread > 0:
            mean = np.array(self.accuracies)
            drawn = beta_quantile(difficulty[..., None], mean, 1 / self.accuracy_spread - 1)
            accuracies = np.where((mean > 0) & (mean < 1), drawn, mean)  # no Beta has mean 0 or 1
        if self._prompts_differ:
            offsets = np.array(self.offset_sd) * np.array(
                [generator.standard_normal(shape[1:]) for generator in generators]
            )
        return offsets, accuracies


def _numbers(name: str, value: Any, accepted: str) -> NDArray[np.float64]:
    """Return `value` as an array of finite floats."""
    try:
        array = np.asarray(value)
    except ValueError:  # rows of unequal length
        raise ValueError(f"{name} must be {accepted}, got {shown(value)}") from None
    if array.dtype.kind not in "iuf":
        raise TypeError(f"{name} must be {accepted}, got {shown(value)}")
    if array.size == 0 or not np.isfinite(array).all():
        raise ValueError(f"{name} must be {accepted}, got {shown(value)}")
    return array.astype(float)


def check_strategy_tasks(tasks: StrategyTasks, shape: tuple[int, int, int]) -> StrategyTasks:
    """Return a user's tasks as arrays of floats, :func:`compact`; `shape` is (task, prompt, strategy).

    Raises
    ------
    TypeError, ValueError
        If an array has another shape, offsets are not finite, or accuracies are not in [0, 1].
    """
    if not isinstance(tasks, StrategyTasks):
        raise TypeError(f"tasks must be StrategyTasks, got {type(tasks).__name__}")
    arrays = {}
    for name in ("offsets", "accuracies", "read_offsets", "read_accuracies"):
        array = np.asarray(getattr(tasks, name))
        if array.dtype.kind not in "iuf":
            raise TypeError(f"tasks.{name} must hold real numbers, got {array.dtype}")
        read = name.startswith("read_") and array.ndim == 3 and array.shape[1] > 0
        if array.shape != (shape if not read else (shape[0], array.shape[1], shape[2])):
            raise ValueError(
                f"tasks must have shape (n_tasks, n_prompts, n_strategies) = {shape}, "
                f"got {array.shape} for {name}"
            )
        arrays[name] = compact(array).astype(float, copy=False)
        low, high = (-_LARGEST_OFFSET, _LARGEST_OFFSET) if name.endswith("offsets") else (0.0, 1.0)
        wrong = arrays[name][~((arrays[name] >= low) & (arrays[name] <= high))]
        if wrong.size:
            raise ValueError(f"tasks.{name} must hold numbers from {low:g} to {high:g}, got {wrong[0]}")
    if np.shape(tasks.read_offsets) != np.shape(tasks.read_accuracies):
        raise ValueError(
            f"tasks.read_offsets and tasks.read_accuracies must be of one shape, got "
            f"{np.shape(tasks.read_offsets)} and {np.shape(tasks.read_accuracies)}"
        )
    return StrategyTasks(**arrays)


def compact(array: NDArray) -> NDArray:
    """Return `array` (task, prompt, strategy), contiguous, with axes of repeated values cut to length one."""
    small = array[tuple(slice(None) if stride else slice(1) for stride in array.strides[:2])]
    return np.ascontiguousarray(small)


def mean_shares(
    logits: NDArray[np.float64], offset_sd: float | NDArray[np.float64], *, greedy: bool
) -> NDArray[np.float64]:
    """Average share of each strategy over independent normal offsets of every logit.

    A softmax gives the probabilities that each of several logits plus independent Gumbel noise is the
    largest. So the average of a softmax over normal offsets is the probability that logit + offset + Gumbel
    is the largest; read greedily, that logit + offset is::

        share_s = integral f(x - logit_s) product over t != s of F(x - logit_t) dx

    with F the distribution function of the noise and f its density.

    Parameters
    ----------
    logits : ndarray (strategy,)
    offset_sd : float of at least 0, or ndarray (strategy,) of floats above 0
    greedy : bool
        Return the fraction of prompts on which the strategy leads instead of its average probability. Without
        offsets: 1 for the leader (of equal ones the first).

    Returns
    -------
    ndarray (strategy,)
        Sums to 1 within about 1e-9.

    Examples
    --------
    >>> mean_shares(np.log([0.5, 0.5]), 2.0, greedy=False).round(6).tolist()
    [0.5, 0.5]
    >>> mean_shares(np.array([2.0, 0.0]), 1.0, greedy=True).round(6).tolist()  # Phi(2 / sqrt 2)
    [0.92135, 0.07865]
    """
    sd = np.broadcast_to(offset_sd, logits.shape)
    if sd.max() == 0 or (greedy and (logits + 9 * sd == logits).all()):
        if greedy:
            return (np.arange(logits.size) == np.argmax(logits)).astype(float)
        return scipy.special.softmax(logits)
    below, above = (0, 0) if greedy else (5, 40)  # range of a Gumbel variable
    top = logits.argmax()  # the largest lies between the lowest value of the top one and the highest of any
    ends = (logits[top] - 9 * sd[top] - below, (logits + 9 * sd).max() + above)
    n_points = _NODES * max(1, (ends[1] - ends[0]) / (18 * sd.min() + below + above)) * logits.size
    if n_points > _MOST_POINTS or (not greedy and n_points * 80 * sd.max() > 50 * _MOST_POINTS):
        raise ValueError(
            f"offset_sd must be smaller or more equal for the prior's average shares, got {shown(offset_sd)}"
        )
    x = np.linspace(*ends, int(_NODES * max(1, (ends[1] - ends[0]) / (18 * sd.min() + below + above))))
    z = x[:, None] - logits
    if greedy:
        log_cdf = scipy.special.log_ndtr(z / sd)
        log_density = -0.5 * (z / sd) ** 2 - np.log(sd * np.sqrt(2 * np.pi))
    else:
        log_cdf, log_density = np.empty_like(z), np.empty_like(z)
        for value in np.unique(sd):
            alike = sd == value
            log_cdf[:, alike], log_density[:, alike] = _gumbel_plus_normal(z[:, alike], value)
    density = np.exp(log_density + log_cdf.sum(axis=1, keepdims=True) - log_cdf)
    shares = np.trapezoid(density, x, axis=0)
    return shares / shares.sum()


def _gumbel_plus_normal(z: NDArray[np.float64], sd: float) -> tuple[NDArray, NDArray]:
    """Logarithms of the distribution function and density of a standard Gumbel plus a normal of this sd."""
    nodes = np.linspace(-9, 9, max(121, int(80 * sd) | 1))
    weights = np.exp(-0.5 * nodes**2)
    weights /= weights.sum()
    cdf, density = np.zeros_like(z), np.zeros_like(z)
    with np.errstate(over="ignore", under="ignore"):
        for node, weight in zip(nodes, weights, strict=True):
            decay = np.exp(-(z - sd * node))
            mass = weight * np.exp(-decay)
            cdf += mass
            density += np.where(mass > 0, mass * decay, 0.0)
    tiny = np.finfo(float).tiny
    return np.log(np.maximum(cdf, tiny)), np.log(np.maximum(density, tiny))
