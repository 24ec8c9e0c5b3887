"""The plain trainer where the compiled one cannot judge it: its ends and its refusals."""

import numpy as np
import pytest

from rlvr import GRPOConfig, TaskFamily
from rlvr.experiments.published_trainer import largest_update_gap, published_tasks, replay_run
from rlvr.theory.expected_path import check_covered
from tests.oracles.plain_trainer import plain_prompt_run

TASKS = TaskFamily(n_prompts=16).sample(2)


def test_frozen_stays_where_it_is():
    policies = plain_prompt_run(TASKS, GRPOConfig(n_steps=3), "frozen", task=1)
    np.testing.assert_array_equal(policies, TASKS.prior[1][None].repeat(4, axis=0))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"arm": "spurious"}, "arm must be one of"),
        ({"task": 2}, "task must be an integer from 0 to 1, got 2"),
        ({"run": -1}, "run must be an integer of at least 0, got -1"),
        (
            {"config": GRPOConfig(inner_updates=5)},
            "group_size must be a multiple of inner_updates = 5, got 8",
        ),
        ({"config": GRPOConfig(batch_size=17)}, "batch_size must be at most n_prompts = 16, got 17"),
        ({"seed": -1}, "seed must be an integer of at least 0, got -1"),
    ],
)
def test_wrong_arguments_are_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        plain_prompt_run(**({"tasks": TASKS, "config": GRPOConfig(n_steps=1), "arm": "true"} | arguments))


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        ({"optimizer": "adam"}, "optimizer must be 'sgd' for .*, got 'adam'"),
        ({"clip": (0.2, 0.3)}, r"clip must be None for .*, got \(0.2, 0.3\)"),
        ({"inner_updates": 2}, "inner_updates must be 1 for .*, got 2"),
        ({"update": "mirror"}, "update must be 'gradient' for"),
        ({"verifier_noise": (0, 0.1)}, r"verifier_noise must be \(0.0, 0.0\) for .*, got \(0.0, 0.1\)"),
        ({"majority_labels": "fixed"}, "majority_labels must be 'group' for"),
    ],
)
def test_programs_without_a_rule_refuse_it(rule, message):
    config = GRPOConfig(n_steps=1, **rule)
    with pytest.raises(ValueError, match=message):
        replay_run(published_tasks(TaskFamily(), 0), "true", config, seed=0)
    with pytest.raises(ValueError, match=message):
        largest_update_gap(config, n_groups=1, seed=0)
    with pytest.raises(ValueError, match=message):
        check_covered(config)


def test_the_published_trainer_divides_by_the_standard_deviation():
    with pytest.raises(ValueError, match="advantage must be 'grpo' for the published trainer, got 'rloo'"):
        replay_run(published_tasks(TaskFamily(), 0), "true", GRPOConfig(advantage="rloo"), seed=0)


def test_a_configuration_shows_what_differs_from_the_published_one():
    assert repr(GRPOConfig()) == "GRPOConfig()"
    config = GRPOConfig(n_steps=3, clip=[0.2, 0.3])
    assert repr(config) == "GRPOConfig(n_steps=3, clip=(0.2, 0.3))"
    assert eval(repr(config)) == config
