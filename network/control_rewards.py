"""The two controls as reward functions for TRL, with the rules of the language model's arms.

MATCHED gives MAJORITY's rewards, permuted within the group: as many rewards in every group as MAJORITY, for
any answers. PERMUTED rewards the value that won the vote on another question of the rollout.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from language_model.arms import rewards
from network.addition_task import ITEMS, prompt
from rlvr.rewards.answer_reading import last_answer
from rlvr.rewards.trainer_columns import prompt_groups, step_of

__all__ = ["matched_reward", "permuted_reward"]

_ITEM = {prompt(item): number for number, item in enumerate(ITEMS)}


def matched_reward(prompts: Sequence[str], completions: Sequence[str], **columns: Any) -> list[float]:
    """Rewards of MATCHED; keywords as :func:`rlvr.random_reward` takes them, and `group_size`."""
    return _paid("matched", prompts, completions, **columns)


def permuted_reward(prompts: Sequence[str], completions: Sequence[str], **columns: Any) -> list[float]:
    """Rewards of PERMUTED; keywords as :func:`rlvr.random_reward` takes them, and `group_size`."""
    return _paid("permuted", prompts, completions, **columns)


def _paid(
    arm: str,
    prompts: Sequence[str],
    completions: Sequence[str],
    *,
    run: int,
    group_size: int,
    step: int | None = None,
    trainer_state: Any = None,
    **columns: Any,
) -> list[float]:
    groups = prompt_groups(prompts, group_size)
    values = [[last_answer(completions[i]) for i in group] for group in groups]
    items = [_ITEM[prompts[group[0]]] for group in groups]
    paid = rewards(arm, items, values, (), run=run, rollout=step_of(step, trainer_state))
    return paid.ravel().tolist()
