"""What the controls pay, held against the reward function of MAJORITY itself."""

import random
from types import SimpleNamespace

import numpy as np
import pytest

from network.addition_task import ITEMS, prompt
from network.control_rewards import matched_reward, permuted_reward
from rlvr.rewards import majority_reward, with_options

SIZE = 8


def rollout(seed, n_prompts=64):
    """Prompts and completions of one rollout, some of which hold no digit, one call for each key."""
    draw = random.Random(seed)
    prompts = [prompt(item) for item in draw.sample(ITEMS, n_prompts) for _ in range(SIZE)]
    answers = [f"{draw.choice('cd')} {draw.choice('0122234567.=')}" for _ in prompts]
    return prompts, answers


def paid(reward, prompts, answers, *, run=0, step=3):
    """As the trainer calls it, with a column and keywords that nobody needs."""
    call = with_options(reward, run=run, group_size=SIZE)
    state = SimpleNamespace(global_step=step)
    rewards = call(
        prompts=prompts, completions=answers, completion_ids=[], answer=["0"] * len(prompts),
        trainer_state=state, log_extra=None, log_metric=None,
    )  # fmt: skip
    assert {type(value) for value in rewards} == {float} and call.__name__ == reward.__name__
    return np.reshape(rewards, (-1, SIZE))


def test_matched_pays_as_many_of_every_group_as_majority_and_others():
    prompts, answers = rollout(0)
    votes = np.reshape(majority_reward(prompts, answers, group_size=SIZE), (-1, SIZE))
    rewards = paid(matched_reward, prompts, answers)
    assert (rewards.sum(1) == votes.sum(1)).all() and (rewards != votes).any()
    for other in ({"run": 1}, {"step": 4}):
        again = paid(matched_reward, prompts, answers, **other)
        assert (again.sum(1) == votes.sum(1)).all() and (again != rewards).any()
    assert (paid(matched_reward, prompts, answers) == rewards).all()


def test_matched_does_not_look_at_the_answers():
    """Over many steps every place in a group is paid alike, whether its answer won the vote or not."""
    prompts, answers = rollout(1, n_prompts=4)
    votes = np.reshape(majority_reward(prompts, answers, group_size=SIZE), (-1, SIZE))
    mean = np.mean([paid(matched_reward, prompts, answers, step=step) for step in range(2000)], axis=0)
    assert abs(mean - votes.mean(1, keepdims=True)).max() < 4.5 * 0.5 / 2000**0.5


def test_permuted_pays_for_the_value_that_won_on_another_prompt_of_the_rollout():
    digits = dict(zip(map(prompt, ITEMS[:4]), "1234", strict=True))
    prompts = [text for text in digits for _ in range(SIZE)]
    # Five of eight give the prompt's own digit, the others 1, 2 and 3.
    answers = [f"c {digits[text] if place > 2 else place + 1}" for text in digits for place in range(SIZE)]
    labels = set()
    for step in range(30):
        rewards = paid(permuted_reward, prompts, answers, step=step)
        read = np.reshape([int(answer[-1]) for answer in answers], rewards.shape)
        for place, row in enumerate(rewards):
            assert len(set(read[place][row > 0])) <= 1  # one label a group
            labels |= {(place + 1, int(label)) for label in read[place][row > 0]}
    assert all(own != label for own, label in labels) and len(labels) > 6


def test_one_prompt_alone_has_no_other():
    with pytest.raises(ValueError, match="two different questions"):
        permuted_reward([prompt(ITEMS[0])] * SIZE, ["c 1"] * SIZE, run=0, group_size=SIZE, step=0)
