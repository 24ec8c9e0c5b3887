"""The public trainer: its oracle, its invariances, its errors."""

import math
import os
from dataclasses import replace

import numpy as np
import pytest

from rlvr import ARMS, GRPOConfig, TaskFamily, Tasks, simulate
from rlvr.experiments.published_study import published_tasks, replay_runs
from rlvr.simulator import executors

SHORT = GRPOConfig(n_steps=40)
TINY, TWO_PROMPTS = TaskFamily(n_actions=3, n_correct=1, n_prompts=4), GRPOConfig(n_steps=6, batch_size=2)

GRID = {
    "light": (TaskFamily(0.5), GRPOConfig(n_steps=80)),
    "weak prior, no format": (TaskFamily(0.2, 0.0), GRPOConfig(n_steps=80, learning_rate=0.1)),
    "wide": (TaskFamily(0.65, 0.3, 12, 3, 24), GRPOConfig(n_steps=60, batch_size=12, group_size=5)),
    "narrow": (TaskFamily(0.35, 0.1, 3, 1, 16), GRPOConfig(n_steps=60, batch_size=8, group_size=4)),
    "strong pull": (
        TaskFamily(0.5),
        GRPOConfig(n_steps=80, learning_rate=0.2, kl_coefficient=0.5, filtering="off"),
    ),
    "reverse": (TaskFamily(0.8), GRPOConfig(n_steps=80, kl="reverse", kl_coefficient=0.3, group_size=16)),
}


def replayed(family, config, arm, n):
    """Accuracies of n runs of the replay, each on a task draw of its own."""
    draws = [published_tasks(family, 1000 + task) for task in range(n)]
    tasks = Tasks(*(np.concatenate([getattr(draw, name) for draw in draws]) for name in ("prior", "correct")))
    return replay_runs(tasks, arm, config, seeds=range(n), eval_every=config.n_steps)


@pytest.mark.slow
@pytest.mark.parametrize("name", GRID)
def test_population_means_agree_with_the_replay(name):
    """Two programs, two random number generators, one distribution: every arm within 4 standard errors."""
    family, config = GRID[name]
    n = 120
    runs = simulate(family, config, n_tasks=8 * n, n_seeds=1, seed=11)
    for arm in ARMS[1:]:
        plain, compiled = replayed(family, config, arm, n), runs.arm(arm).ravel()
        error = math.hypot(plain.std(ddof=1) / math.sqrt(n), compiled.std(ddof=1) / math.sqrt(compiled.size))
        assert abs(plain.mean() - compiled.mean()) < 4 * error, (arm, plain.mean(), compiled.mean(), error)


@pytest.mark.slow
def test_the_oracle_notices_a_wrong_learning_rate():
    """The same comparison refuses a trainer that is 20% off."""
    family, config = GRID["light"]
    n = 60
    plain = replayed(family, config, "true", n)
    wrong = simulate(
        family, replace(config, learning_rate=0.06), arms=("true",), n_tasks=480, n_seeds=1
    ).accuracy
    error = math.hypot(plain.std(ddof=1) / math.sqrt(n), wrong.std(ddof=1) / math.sqrt(wrong.size))
    assert abs(plain.mean() - wrong.mean()) > 4 * error


def test_frozen_is_the_prior_exactly():
    family = TaskFamily(0.35)
    runs = simulate(family, SHORT, n_tasks=3, n_seeds=2)
    np.testing.assert_allclose(runs.arm("frozen"), family.prior_accuracy, rtol=1e-14)


def test_same_arguments_same_bits_and_another_seed_other_bits(monkeypatch):
    first = simulate(TaskFamily(), SHORT, n_tasks=5, n_seeds=7, seed=3)
    for threads in ("1", "2", "5", "64"):
        monkeypatch.setenv("RLVR_THREADS", threads)
        again = simulate(TaskFamily(), SHORT, n_tasks=5, n_seeds=7, seed=3)
        np.testing.assert_array_equal(first.accuracy, again.accuracy)
    other = simulate(TaskFamily(), SHORT, n_tasks=5, n_seeds=7, seed=4)
    assert (first.arm("true") != other.arm("true")).all()


@pytest.mark.parametrize("threads", ["0", "-1", "two", "1.5"])
def test_a_bad_thread_count_is_refused(monkeypatch, threads):
    monkeypatch.setenv("RLVR_THREADS", threads)
    with pytest.raises(ValueError, match=f"RLVR_THREADS must be an integer of at least 1, got '{threads}'"):
        simulate(TaskFamily(), SHORT)


def test_a_larger_study_holds_the_smaller_one():
    small = simulate(TaskFamily(), SHORT, n_tasks=2, n_seeds=3, seed=3).accuracy
    large = simulate(TaskFamily(), SHORT, n_tasks=4, n_seeds=6, seed=3).accuracy
    np.testing.assert_array_equal(small, large[:, :2, :3])


def test_an_arm_does_not_depend_on_its_company():
    together = simulate(TaskFamily(), SHORT, seed=3)
    for arm in ARMS:
        np.testing.assert_array_equal(
            simulate(TaskFamily(), SHORT, arms=(arm,), seed=3).arm(arm), together.arm(arm)
        )
    turned = simulate(TaskFamily(), SHORT, arms=ARMS[::-1], seed=3)
    np.testing.assert_array_equal(turned.accuracy[::-1], together.accuracy)


def test_checkpoints_look_and_do_not_touch():
    plain = simulate(TaskFamily(), SHORT, seed=3)
    watched = simulate(TaskFamily(), SHORT, seed=3, checkpoints=(0, 10, 25), keep_policies=True)
    assert watched.steps.tolist() == [0, 10, 25, 40]
    np.testing.assert_array_equal(plain.accuracy, watched.accuracy)
    np.testing.assert_allclose(watched.curves[..., 0], TaskFamily().prior_accuracy, rtol=1e-14)
    halfway = simulate(TaskFamily(), replace(SHORT, n_steps=25), seed=3)
    np.testing.assert_array_equal(halfway.accuracy, watched.curves[..., 2])
    scored = np.where(watched.tasks.correct[:, None], watched.policies, 0).sum(axis=-1).mean(axis=-1)
    np.testing.assert_allclose(scored, watched.accuracy, rtol=1e-13)


@pytest.mark.slow
def test_common_random_numbers_tie_settings_together_but_hardly_arms():
    """One arm at two nearby priors moves together; two arms of one run reward other actions, and do not."""
    near = [
        simulate(TaskFamily(strength), n_tasks=1, n_seeds=400, seed=3).accuracy[1:, 0]
        for strength in (0.50, 0.52)
    ]
    same_arm = [np.corrcoef(one, other)[0, 1] for one, other in zip(*near, strict=True)]
    across_arms = np.corrcoef(near[0])[np.triu_indices(3, 1)]
    assert min(same_arm) > 0.7
    assert np.abs(across_arms).max() < 0.2


def test_given_tasks_are_trained_on():
    family = TaskFamily()
    tasks = family.sample(2, seed=9)
    same = simulate(family, SHORT, n_tasks=2, seed=3, tasks=Tasks(tasks.prior, tasks.correct))
    assert (same.accuracy[1:] != simulate(family, SHORT, n_tasks=2, seed=3).accuracy[1:]).any()
    assert same.tasks.prior is tasks.prior
    with pytest.raises(ValueError, match=r"tasks must have shape .*\(3, 40, 8\), got \(2, 40, 8\)"):
        simulate(family, SHORT, n_tasks=3, tasks=tasks)


def test_a_result_records_what_made_it():
    runs = simulate(TaskFamily(0.8), SHORT, arms=("true",), n_tasks=2, n_seeds=3, seed=7)
    assert (runs.family, runs.config, runs.arms, runs.n_tasks, runs.n_seeds, runs.seed) == (
        TaskFamily(0.8), SHORT, ("true",), 2, 3, 7,
    )  # fmt: skip
    with pytest.raises(ValueError, match=r"arm must be one of 'true', got 'random'"):
        runs.arm("random")


def test_no_training_is_the_prior():
    runs = simulate(TaskFamily(), GRPOConfig(n_steps=0))
    np.testing.assert_array_equal(runs.accuracy, runs.accuracy[:1].repeat(4, axis=0))


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"arms": ("true", "spurious")}, ValueError, r"unknown \['spurious'\]"),
        ({"arms": ()}, ValueError, "no arm"),
        ({"arms": ("true", "true")}, ValueError, "an arm twice"),
        ({"arms": "true"}, TypeError, "arms must be a sequence"),
        ({"n_tasks": 0}, ValueError, "n_tasks"),
        ({"n_seeds": 2.5}, TypeError, "n_seeds"),
        ({"seed": -3}, ValueError, "seed must be an integer of at least 0, got -3"),
        ({"checkpoints": (10, 5)}, ValueError, "checkpoints must be ascending"),
        (
            {"checkpoints": (500,)},
            ValueError,
            "checkpoints must be ascending integers from 0 to n_steps = 40",
        ),
        ({"config": 3}, TypeError, "config must be a GRPOConfig"),
        ({"family": "qwen"}, TypeError, "family must be a TaskFamily"),
        (
            {"config": GRPOConfig(inner_updates=3)},
            ValueError,
            "group_size must be a multiple of inner_updates = 3, got 8",
        ),
        (
            {"config": GRPOConfig(inner_updates=2, update="mirror")},
            ValueError,
            "inner_updates must be 1 with update='mirror' where each prompt has its own logits, .* got 2",
        ),
        ({"family": TaskFamily(n_prompts=8)}, ValueError, "batch_size must be at most n_prompts = 8, got 16"),
    ],
)
def test_bad_simulations(arguments, error, message):
    with pytest.raises(error, match=message):
        simulate(**({"family": TaskFamily(), "config": SHORT} | arguments))


def test_a_batch_may_hold_every_prompt_and_no_more():
    whole = GRPOConfig(n_steps=2, batch_size=4)
    assert simulate(TINY, whole, n_seeds=1).accuracy.shape == (4, 1, 1)
    with pytest.raises(ValueError, match="batch_size must be at most n_prompts = 4, got 5"):
        simulate(TINY, GRPOConfig(n_steps=2, batch_size=5))


def test_counts_from_one_to_what_fits_in_32_bits():
    most = 2**32 - 1
    with pytest.raises(ValueError, match="seed must be"):  # the next check: both counts were accepted
        simulate(TINY, TWO_PROMPTS, n_tasks=most, n_seeds=most, seed=-1)
    for name in ("n_tasks", "n_seeds"):
        for count in (0, most + 1):
            with pytest.raises(ValueError, match=f"{name} must be an integer of at least 1, got {count}"):
                simulate(TINY, TWO_PROMPTS, **{name: count})


def test_threads_are_those_asked_for_or_the_processors_at_hand(monkeypatch):
    monkeypatch.setenv("RLVR_THREADS", "1")
    assert executors.n_threads() == 1
    monkeypatch.setenv("RLVR_THREADS", "7")
    assert executors.n_threads() == 7
    monkeypatch.setenv("RLVR_THREADS", "")
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {2, 5, 6}, raising=False)
    assert executors.n_threads() == 3
    monkeypatch.delattr(os, "sched_getaffinity")
    monkeypatch.setattr(os, "cpu_count", lambda: 5)
    assert executors.n_threads() == 5
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    assert executors.n_threads() == 1


def test_what_is_not_given_is_all_arms_and_eight_seeds_of_one_draw_and_a_result_is_frozen():
    runs = simulate(TINY, TWO_PROMPTS)
    assert (runs.arms, runs.n_tasks, runs.n_seeds, runs.seed) == (ARMS, 1, 8, 0) and runs.policies is None
    assert simulate(TaskFamily(n_prompts=16), n_seeds=1).config == GRPOConfig()
    for of, name in ((runs, "seed"), (runs.config, "n_steps")):
        with pytest.raises(AttributeError):
            setattr(of, name, 3)
