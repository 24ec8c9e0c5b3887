"""Whole runs of the compiled trainer, step by step against the one in plain NumPy."""

import numpy as np
import pytest

from rlvr import ARMS, GRPOConfig, TaskFamily, simulate
from rlvr.experiments.published_study import largest_update_gap, published_tasks, replay_run
from rlvr.simulator import kernel
from rlvr.theory.expected_path import check_covered
from tests.oracles.plain_trainer import plain_prompt_run

FAMILY = TaskFamily(prior_strength=0.6, n_actions=4, n_correct=1, n_prompts=9)

SETTINGS = {
    "as published": GRPOConfig(n_steps=30, batch_size=3, group_size=6, learning_rate=0.4),
    "one sample more than eight": GRPOConfig(n_steps=12, batch_size=9, group_size=9, learning_rate=0.9),
    "two words of reward bits": GRPOConfig(n_steps=6, batch_size=4, group_size=41, learning_rate=2.0),
    "no filter": GRPOConfig(
        n_steps=30, batch_size=3, group_size=3, learning_rate=0.4, kl_coefficient=0.7, filtering="off"
    ),
    "refill": GRPOConfig(
        n_steps=30, batch_size=2, group_size=3, learning_rate=0.4, filtering="refill", refill_cap=3
    ),
    "refill from all": GRPOConfig(
        n_steps=12, batch_size=4, group_size=2, learning_rate=0.4, filtering="refill", refill_cap=7
    ),
    "ties at random": GRPOConfig(n_steps=30, batch_size=3, group_size=4, learning_rate=0.4,
                                 tie_break="uniform"),
    "reverse": GRPOConfig(
        n_steps=30, batch_size=3, group_size=4, learning_rate=0.4, kl_coefficient=0.6, kl="reverse",
        filtering="off",
    ),
} | {
    name: GRPOConfig(20, batch_size=3, group_size=12, learning_rate=0.9, kl_coefficient=0.1, **options)
    for name, options in {
        "centered": {"advantage": "centered"},
        "leave one out": {"advantage": "rloo"},
        "three inner updates": {"inner_updates": 3},
        "clipped": {"inner_updates": 6, "clip": (0.05, 0.1), "filtering": "off"},
        "clipped below": {"inner_updates": 4, "clip": (0.02, 9.0), "kl": "reverse", "advantage": "rloo"},
        "Adam": {"optimizer": "adam", "filtering": "off"},
        "Adam, clipped, refilled": {
            "optimizer": "adam", "inner_updates": 2, "clip": (0.1, 0.1), "filtering": "refill"
        },
        "mirror": {"update": "mirror", "mirror_temperature": 0.3},
        "mirror by Adam": {"update": "mirror", "optimizer": "adam", "filtering": "off", "kl": "reverse"},
        "noisy verifier": {"verifier_noise": (0.2, 0.3)},
        "labels by vote": {"majority_labels": "fixed", "label_votes": 5, "tie_break": "uniform"},
        "labels half right": {"majority_labels": "fixed", "label_share_right": 0.5},
        "all at once": {
            "advantage": "centered", "clip": (0.1, 0.2), "inner_updates": 4, "optimizer": "adam",
            "verifier_noise": (0.1, 0.2), "majority_labels": "fixed", "filtering": "refill", "kl": "reverse",
        },
    }.items()
}  # fmt: skip


@pytest.mark.parametrize("name", SETTINGS)
def test_every_arm_of_every_run_is_the_plain_trainer_s(name):
    config, seed = SETTINGS[name], 5
    watched = (0, 1, config.n_steps // 2)
    runs = simulate(FAMILY, config, n_tasks=2, n_seeds=2, seed=seed, checkpoints=watched, keep_policies=True)
    for arm, task, run in [(arm, task, run) for arm in ARMS[1:] for task in range(2) for run in range(2)]:
        policies = plain_prompt_run(runs.tasks, config, arm, task=task, run=run, seed=seed)
        accuracy = np.where(runs.tasks.correct[task], policies, 0).sum(axis=(1, 2)) / FAMILY.n_prompts
        place = (ARMS.index(arm), task, run)
        np.testing.assert_allclose(runs.curves[place], accuracy[[*watched, -1]], rtol=0, atol=1e-12)
        np.testing.assert_allclose(runs.policies[place], policies[-1], rtol=0, atol=1e-12)
        assert np.abs(np.log(policies[-1] / policies[0])).max() > 0.1  # it was trained


@pytest.mark.parametrize("name", ["as published", "one sample more than eight", "no filter", "leave one out"])
def test_code_without_rare_rules_has_the_bits_of_the_code_with_all(name, monkeypatch):
    def policies():
        return simulate(FAMILY, SETTINGS[name], n_tasks=2, n_seeds=3, keep_policies=True).policies

    lean = policies()
    monkeypatch.setattr(kernel, "rare_rules", lambda rules: rules)
    np.testing.assert_array_equal(policies(), lean)


def test_a_run_has_the_same_bits_in_any_company(monkeypatch):
    """70 runs in two blocks, the second with lanes left over; one by one; and a few of them."""
    config = SETTINGS["Adam, clipped, refilled"]
    found = {}
    for threads in ("1", "20"):
        monkeypatch.setenv("RLVR_THREADS", threads)
        runs = simulate(FAMILY, config, n_tasks=14, n_seeds=5, seed=3, checkpoints=(4,), keep_policies=True)
        found[threads] = runs
    np.testing.assert_array_equal(found["1"].curves, found["20"].curves)
    np.testing.assert_array_equal(found["1"].policies, found["20"].policies)
    few = simulate(FAMILY, config, n_tasks=2, n_seeds=5, seed=3, checkpoints=(4,), keep_policies=True)
    np.testing.assert_array_equal(found["1"].policies[:, :2], few.policies)


TASKS = TaskFamily(n_prompts=16).sample(2)


def test_frozen_stays_where_it_is():
    policies = plain_prompt_run(TASKS, GRPOConfig(n_steps=3), "frozen", task=1)
    np.testing.assert_array_equal(policies, TASKS.prior[1][None].repeat(4, axis=0))


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
