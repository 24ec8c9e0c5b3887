"""The state that a reward keeps between calls, and the measures that it logs.

A trainer that accumulates gradients or evaluates calls a reward several times at one step. The calls of one
trainer at one step share counts, so that no coin is used twice.
"""

from __future__ import annotations

import logging
import math
from collections import Counter, OrderedDict
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from rlvr.rewards.trainer_columns import prompt_groups

__all__ = ["FlatCoins", "flat_fraction", "log_rewards", "prompt_counts", "trainer_group_size", "warn_once"]

_LOGGER = logging.getLogger("rlvr.rewards")
_REMEMBERED = 64
_TOO_UNLIKELY = math.log(1e-12)


@dataclass
class _AtOneStep:
    trainer_state: Any  # kept alive, so that no other object can get the same id
    step: int | None
    counts: Counter[Hashable] = field(default_factory=Counter)


_CALLS: OrderedDict[Hashable, _AtOneStep] = OrderedDict()
_WARNED: set[str] = set()


def prompt_counts(use: Hashable, step: int | None, trainer_state: Any) -> Counter[Hashable]:
    """Return the counts of earlier prompts in calls of one trainer at one step; the caller updates them.

    Parameters
    ----------
    use : hashable
        The purpose of the counts; each purpose has counts of its own.
    step : int or None
    trainer_state : object
        The trainer's state, one object throughout a training. None always gives new counts.
    """
    if trainer_state is None:
        return Counter()
    key = (use, id(trainer_state))
    found = _CALLS.get(key)
    if found is None or found.trainer_state is not trainer_state or found.step != step:
        found = _CALLS[key] = _AtOneStep(trainer_state, step)
    _CALLS.move_to_end(key)
    while len(_CALLS) > _REMEMBERED:
        _CALLS.popitem(last=False)
    return found.counts


def trainer_group_size(columns: Mapping[str, Any]) -> int | None:
    """Return the ``num_generations`` of the TRL trainer that passed `columns`; None if not known.

    The trainer is found by its method ``log_metric``. In evaluation, the result is ``num_generations_eval``.
    """
    trainer = getattr(columns.get("log_metric"), "__self__", None)
    size = getattr(trainer, "num_generations", None)
    if not getattr(getattr(trainer, "model", None), "training", True):
        size = getattr(trainer, "num_generations_eval", size)
    return size if isinstance(size, int) and not isinstance(size, bool) and size > 0 else None


def flat_fraction(
    prompts: Sequence[str], rewards: Sequence[float | None], group_size: int | None
) -> float | None:
    """Return the fraction of groups whose rewards are all equal; None if the groups are not known.

    Examples
    --------
    >>> flat_fraction(["p", "p", "q", "q"], [1.0, 1.0, 0.0, 1.0], 2)
    0.5
    """
    try:
        groups = prompt_groups(prompts, group_size)
    except ValueError:
        return None
    flat = [len({rewards[i] for i in group}) == 1 for group in groups]
    return sum(flat) / len(flat) if flat else None


def log_rewards(name: str, measures: Mapping[str, float | None], columns: Mapping[str, Any]) -> None:
    """Log the measures of one call with the trainer's ``log_metric``, else to the logger ``rlvr.rewards``."""
    known = {f"{name}/{measure}": value for measure, value in measures.items() if value is not None}
    log_metric = columns.get("log_metric")
    if callable(log_metric):
        for measure, value in known.items():
            log_metric(measure, value)
    elif known:
        _LOGGER.info(", ".join(f"{measure} {value:.4g}" for measure, value in known.items()))


def warn_once(about: str, message: Callable[[], str]) -> None:
    """Warn on the logger ``rlvr.rewards``, once for each subject `about`."""
    if about not in _WARNED:
        _WARNED.add(about)
        _LOGGER.warning(message())


@dataclass
class FlatCoins:
    """Counts of a coin's groups since the last group with unequal rewards."""

    n_groups: int = 0
    n_coins: int = 0
    log_chance: float = 0.0
    last: Any = None

    def add(
        self, prompts: Sequence[str], coins: Sequence[float | None], group_size: int | None, rate: float
    ) -> None:
        """Count the groups of one call.

        Raises
        ------
        RuntimeError
            If more groups in succession have equal rewards than fair coins explain (probability below 1e-12).
        """
        try:
            groups = prompt_groups(prompts, group_size)
        except ValueError:
            return
        for group in groups:
            if len({coins[i] for i in group}) > 1:
                self.n_groups, self.n_coins, self.log_chance = 0, 0, 0.0
                continue
            self.n_groups += 1
            self.n_coins += len(group)
            self.log_chance += math.log(rate ** len(group) + (1 - rate) ** len(group))
        if self.log_chance < _TOO_UNLIKELY:
            n_groups, n_coins = self.n_groups, self.n_coins
            self.n_groups, self.n_coins, self.log_chance = 0, 0, 0.0
            raise RuntimeError(
                f"random_reward: all rewards are equal in each of the last {n_groups} groups ({n_coins} "
                f"coins at rate {rate:g}), so every advantage is zero and RANDOM does not train. Processes "
                "draw equal coins if they do not know their ranks: start them by a launcher that sets RANK "
                "and WORLD_SIZE, or give each its own process=(rank, count)"
            )
