"""GRPO on answers of two tokens: group-relative advantages, the clipped objective, one optimiser step.

Settings have the names and meanings of TRL's ``GRPOConfig`` where it has them, and the loss is TRL's
(`benchmarks/language_model_against_trl.py` compares them). `advantage` has the options of `rlvr.GRPOConfig`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import torch

from language_model.arms import prompt_order, rewards, uniforms
from language_model.policy import Policy

__all__ = ["Batch", "Settings", "Trainer", "advantages", "loss"]


WORDS = {
    "optim": ("adamw_torch", "sgd"),
    "loss_type": ("dapo", "grpo", "dr_grpo"),
    "advantage": ("grpo", "centered", "rloo"),
}


@dataclass(frozen=True)
class Settings:
    """Settings of a run.

    Attributes
    ----------
    max_steps : int
        Optimiser steps.
    prompts_per_step, num_generations : int
        Groups per step, and answers per group.
    steps_per_generation, num_iterations : int
        Optimiser steps that share a rollout, each with its own part; and the number of uses of a rollout.
    learning_rate, warmup_steps
        The learning rate is constant after a linear rise from zero.
    epsilon, epsilon_high : float or None
        The ratio is clipped to ``1 - epsilon`` and ``1 + epsilon_high``. Without `epsilon_high` the clip is
        symmetric; without `epsilon` nothing is clipped.
    beta : float
        Weight of the KL divergence from the first policy, estimated by k3 at the sampled tokens.
    loss_type : {"dapo", "grpo", "dr_grpo"}
        Mean over all tokens; mean over answers of the mean over their tokens; sum over answers divided by
        two.
    advantage : {"grpo", "centered", "rloo"}
        Centred and divided by the group's standard deviation; centred; minus the mean of the others.
    shuffle : bool
        Mix the answers of a rollout before it is divided into steps, as TRL does. Otherwise a step has whole
        groups, of fewer questions, and is faster.
    """

    max_steps: int = 48
    prompts_per_step: int = 8
    num_generations: int = 64
    steps_per_generation: int = 8
    num_iterations: int = 1
    learning_rate: float = 3e-6
    warmup_steps: int = 0
    optim: str = "adamw_torch"
    adam_beta1: float = 0.9
    adam_beta2: float = 0.999
    adam_epsilon: float = 1e-8
    weight_decay: float = 0.0
    max_grad_norm: float = 1.0
    epsilon: float | None = 0.2
    epsilon_high: float | None = None
    beta: float = 0.0
    loss_type: str = "dapo"
    advantage: str = "grpo"
    shuffle: bool = False

    def __post_init__(self) -> None:
        for name, words in WORDS.items():
            if getattr(self, name) not in words:
                raise ValueError(f"{name} must be one of {', '.join(words)}, got {getattr(self, name)!r}")
        for name in ("max_steps", "prompts_per_step", "steps_per_generation", "num_iterations"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, got {getattr(self, name)}")
        if self.num_generations < 2:
            raise ValueError(f"num_generations must be at least 2, got {self.num_generations}")
        if self.epsilon is None and self.epsilon_high is not None:
            raise ValueError("epsilon_high needs epsilon: without a lower bound there is no clip")

    @classmethod
    def of(cls, options: dict[str, Any]) -> Settings:
        """Make settings from a mapping; an unknown name is refused with a list of the known ones."""
        known = [one.name for one in fields(cls)]
        if unknown := sorted(options.keys() - set(known)):
            raise ValueError(f"unknown setting {', '.join(unknown)}; accepted are {', '.join(known)}")
        return cls(**options)


@dataclass(frozen=True)
class Batch:
    """Sampled answers, one entry each: question, tokens, and the probabilities when they were sampled."""

    item: np.ndarray
    rows: torch.Tensor  # (answer, 2): row of the question's three in which each token was drawn
    tokens: torch.Tensor  # (answer, 2)
    mask: torch.Tensor  # (answer, 2): 0 for the second token where the first is not a style
    advantage: torch.Tensor
    old: torch.Tensor  # (answer, 2) log-probabilities
    reference: torch.Tensor

    def part(self, places: np.ndarray) -> Batch:
        index = torch.as_tensor(places)
        rest = (self.rows, self.tokens, self.mask, self.advantage, self.old, self.reference)
        return Batch(self.item[places], *(one[index] for one in rest))


def advantages(paid: np.ndarray, how: str) -> np.ndarray:
    """Advantages of rewards (group, sample), as TRL (n - 1 in the variance, 1e-4 added to the deviation)."""
    centred = paid - paid.mean(1, keepdims=True)
    if how == "grpo":
        return centred / (paid.std(1, ddof=1, keepdims=True) + 1e-4)
    return centred * paid.shape[1] / (paid.shape[1] - 1) if how == "rloo" else centred


def loss(
    log: torch.Tensor, batch: Batch, settings: Settings, tokens_per_step: float
) -> tuple[torch.Tensor, dict[str, float]]:
    """The loss of one step, and the fractions of its tokens that are clipped on either side.

    `tokens_per_step` is the mean number of tokens in the steps of this rollout, the divisor of "dapo".
    """
    ratio = (log - batch.old).exp()
    advantage = batch.advantage[:, None]
    bounded = ratio
    share = {"clipped_low": 0.0, "clipped_high": 0.0}
    if settings.epsilon is not None:
        above = settings.epsilon if settings.epsilon_high is None else settings.epsilon_high
        bounded = ratio.clamp(1 - settings.epsilon, 1 + above)
        cut = {
            "clipped_low": (ratio < 1 - settings.epsilon) & (advantage < 0),
            "clipped_high": (ratio > 1 + above) & (advantage > 0),
        }
        share = {name: float((where * batch.mask).sum() / batch.mask.sum()) for name, where in cut.items()}
    each = -torch.minimum(ratio * advantage, bounded * advantage)
    if settings.beta:
        apart = batch.reference - log
        each = each + settings.beta * (apart.exp() - apart - 1)
    each = each * batch.mask
    if settings.loss_type == "dapo":
        return each.sum() / tokens_per_step, share
    if settings.loss_type == "grpo":
        return (each.sum(1) / batch.mask.sum(1)).mean(), share
    return each.sum() / (2 * len(each)), share


class Trainer:
    """Train a policy step by step; the same arguments give the same bits for one number of threads."""

    def __init__(
        self,
        policy: Policy,
        settings: Settings,
        arm: str,
        run: int | str,
        items: list[int],
        turned: bool = False,
    ) -> None:
        self.policy, self.settings, self.arm, self.run = policy, settings, arm, run
        self.items, self.turned, self.step = items, turned, 0
        self._cached: tuple[int, torch.Tensor] | None = None
        self.first = self.table()
        rate, weights = settings.learning_rate, policy.parameters
        others = np.setdiff1d(np.arange(self.first.shape[2]), policy.styles)
        self.order = np.concatenate([policy.styles, others])
        self.optimiser: torch.optim.Optimizer
        if settings.optim == "sgd":
            self.optimiser = torch.optim.SGD(weights, rate, weight_decay=settings.weight_decay)
        else:
            self.optimiser = torch.optim.AdamW(
                weights, rate, (settings.adam_beta1, settings.adam_beta2), settings.adam_epsilon,
                settings.weight_decay, fused=True,
            )  # fmt: skip

    def table(self) -> torch.Tensor:
        """Log-probabilities of all answers to all questions now; computed once per step."""
        if self._cached is None or self._cached[0] != self.step:
            self._cached = self.step, self.policy.table()
        return self._cached[1]

    def sample(self, rollout: int) -> Batch:
        """Sample answers to the next questions, with numbers keyed by run, rollout, place and sample.

        Two runs with the same key use the same numbers: their answers are equal while their policies are
        equal, and nearly equal while the policies are close.
        """
        settings, policy = self.settings, self.policy
        n_groups = settings.prompts_per_step * settings.steps_per_generation
        groups = prompt_order(self.run, self.items, rollout * n_groups, n_groups)
        questions = sorted(set(groups))
        with torch.no_grad():  # not the cached table: measurements must not change a bit of the run
            table = policy.log_probabilities(questions)
        size = settings.num_generations
        tokens, rows = np.zeros((n_groups, size, 2), int), np.zeros((n_groups, size, 2), int)
        mask, values = np.zeros((n_groups, size, 2)), []
        mask[:, :, 0] = 1
        ladders: dict[tuple[int, int], np.ndarray] = {}

        def draw(item: int, row: int, uniform: np.ndarray) -> np.ndarray:
            """Draw tokens by the inverse distribution function, style tokens first."""
            if (item, row) not in ladders:
                spread = table[questions.index(item), row].double().exp().cpu().numpy()
                ladders[item, row] = spread[self.order].cumsum()
            ladder = ladders[item, row]
            places = np.searchsorted(ladder, uniform * ladder[-1], side="right")
            return self.order[
                np.minimum(places, len(ladder) - 1)
            ]  # a product may round up to the number of tokens

        for place, item in enumerate(groups):
            uniform = uniforms("answers", self.run, rollout, place, shape=(size, 2))
            tokens[place, :, 0] = draw(item, 0, uniform[:, 0])
            read = np.full(size, -1)
            for style, opening in enumerate(policy.styles):
                chosen = tokens[place, :, 0] == opening
                tokens[place, chosen, 1] = draw(item, 1 + style, uniform[chosen, 1])
                rows[place, chosen, 1], mask[place, chosen, 1] = 1 + style, 1
                read[chosen] = policy.value[style, tokens[place, chosen, 1]]
            values.append([None if value < 0 else int(value) for value in read])
        paid = rewards(
            self.arm, groups, values, policy.family.truths, run=self.run, rollout=rollout, turned=self.turned
        )
        self.paid = paid
        item, device = np.repeat(groups, size), table.device
        drawn, read_in = (torch.as_tensor(one.reshape(-1, 2), device=device) for one in (tokens, rows))
        here, everywhere = (
            torch.as_tensor(places, device=device)[:, None]
            for places in (np.searchsorted(questions, item), item)
        )
        weight, counted = (
            torch.as_tensor(one, dtype=torch.float32, device=device)
            for one in (advantages(paid, settings.advantage).ravel(), mask.reshape(-1, 2))
        )
        old, reference = table[here, read_in, drawn], self.first[everywhere, read_in, drawn]
        return Batch(item, read_in, drawn, counted, weight, old, reference)

    def gradient(self, part: Batch, tokens_per_step: float) -> tuple[float, dict[str, float]]:
        """Compute the gradients of one step."""
        self.optimiser.zero_grad(set_to_none=True)
        items, places = np.unique(part.item, return_inverse=True)
        table = self.policy.log_probabilities(items.tolist())
        log = table[torch.as_tensor(places, device=table.device)[:, None], part.rows, part.tokens]
        value, share = loss(log, part, self.settings, tokens_per_step)
        value.backward()
        return float(value.detach()), share

    def steps(self) -> Iterator[dict[str, float]]:
        """Sample, take the optimiser steps of each sample, up to `max_steps`, and yield a record per step."""
        settings = self.settings
        rollout = 0
        while True:
            batch = self.sample(rollout)
            order = np.arange(len(batch.item))
            if settings.shuffle:
                order = uniforms("shuffle", self.run, rollout, shape=order.shape).argsort(kind="stable")
            parts = np.split(order, settings.steps_per_generation)
            tokens_per_step = float(batch.mask.sum()) / settings.steps_per_generation
            for places in parts * settings.num_iterations:
                value, clipped = self.gradient(batch.part(places), tokens_per_step)
                norm = torch.nn.utils.clip_grad_norm_(
                    self.policy.parameters, settings.max_grad_norm or torch.inf, error_if_nonfinite=True
                )
                risen = min(1.0, self.step / settings.warmup_steps) if settings.warmup_steps else 1.0
                for one in self.optimiser.param_groups:
                    one["lr"] = settings.learning_rate * risen
                self.optimiser.step()
                self.step += 1
                yield {
                    "loss": value,
                    "gradient_norm": float(norm),
                    "reward": float(self.paid.mean()),
                    **clipped,
                }
                if self.step == settings.max_steps:
                    return
            rollout += 1
