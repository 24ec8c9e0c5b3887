"""No accepted setting ends the process: each is refused by name, or trains to finite numbers."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from rlvr import GRPOConfig, StrategyFamily, TaskFamily, Tasks, simulate
from rlvr.simulator.labels import fixed_labels
from rlvr.simulator.strategy_family import StrategyTasks

SMALL, SHARED = TaskFamily(n_prompts=4), StrategyFamily(n_prompts=4, offset_sd=1.0)
TASKS, STRATEGY_TASKS = SMALL.sample(1, 0), SHARED.sample(1, 0)
SHORT = GRPOConfig(n_steps=3, batch_size=4)


def test_random_settings_are_refused_or_train():
    """In a process of its own, which forks: the runner has threads."""
    command = [sys.executable, "-m", "tests.fuzz.settings", "--cases", "300", "--first", "1000000"]
    root = Path(__file__).parents[2]
    run = subprocess.run(command, cwd=root, capture_output=True, text=True, timeout=600)
    assert "failed 0, died 0, slow 0" in run.stdout, run.stdout + run.stderr


def damaged(tasks, name, value, *index):
    array = np.array(vars(tasks)[name])
    array[index] = value
    return replace(tasks, **{name: array})


@pytest.mark.parametrize("value", [0.0, -0.1, np.nan, np.inf, 1e-320 * 0, 0.9])
@pytest.mark.parametrize("index", [(), (0, 1, 2)], ids=["all", "one"])
def test_a_prior_that_is_no_distribution_is_refused(value, index):
    tasks = damaged(TASKS, "prior", value, *index)
    with pytest.raises(ValueError, match=r"tasks\.prior"):
        simulate(SMALL, SHORT, tasks=tasks)
    with pytest.raises(ValueError, match=r"tasks\.prior"):
        fixed_labels(tasks, GRPOConfig(majority_labels="fixed"))


@pytest.mark.parametrize(
    ("prior", "correct", "named"),
    [
        (TASKS.prior.astype("O"), TASKS.correct, r"tasks\.prior"),
        (TASKS.prior.astype(complex), TASKS.correct, r"tasks\.prior"),
        ([[[0.5, 0.5], [1.0]]], TASKS.correct, r"tasks\.prior"),
        (TASKS.prior[:, :3], TASKS.correct, "shape"),
        (TASKS.prior, TASKS.correct[..., :3], "shape"),
        (TASKS.prior, TASKS.correct.astype(int), r"tasks\.correct"),
        (TASKS.prior, np.zeros_like(TASKS.correct), r"tasks\.correct"),
    ],
)
def test_tasks_of_another_type_or_shape_are_refused(prior, correct, named):
    with pytest.raises((TypeError, ValueError), match=named):
        simulate(SMALL, SHORT, tasks=Tasks(prior, correct))


@pytest.mark.parametrize(
    "change", [np.asfortranarray, lambda a: a[:, ::-1][:, ::-1], lambda a: a.astype(">f8")]
)
def test_how_an_array_lies_in_memory_changes_no_bit(change):
    runs = [simulate(SMALL, SHORT, tasks=Tasks(p, TASKS.correct)) for p in (TASKS.prior, change(TASKS.prior))]
    np.testing.assert_array_equal(runs[0].curves, runs[1].curves)


@pytest.mark.parametrize("name", vars(STRATEGY_TASKS))
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e308])
def test_strategy_tasks_are_finite_and_fit(name, value):
    with pytest.raises(ValueError, match=rf"tasks\.{name}"):
        simulate(SHARED, SHORT, tasks=damaged(STRATEGY_TASKS, name, value, 0, 1, 1))
    narrow = StrategyTasks(**(vars(STRATEGY_TASKS) | {name: vars(STRATEGY_TASKS)[name][..., :1]}))
    with pytest.raises(ValueError, match="shape"):
        simulate(SHARED, SHORT, tasks=narrow)


HUGE = 10**400


@pytest.mark.parametrize(
    ("make", "named"),
    [
        (lambda: TaskFamily(format_strength=1e308), "format_strength"),
        (lambda: TaskFamily(format_strength=10**308), "format_strength"),
        (lambda: TaskFamily(prior_strength=5e-324), "prior_strength"),
        (lambda: StrategyFamily(offset_sd=1e308), "offset_sd"),
        (lambda: StrategyFamily(offset_sd=(1.0, 1e308)), "offset_sd"),
        (lambda: StrategyFamily(offset_sd=1e9).prior_accuracy, "offset_sd"),
        (lambda: GRPOConfig(mirror_temperature=1e-309), "mirror_temperature"),
        (lambda: GRPOConfig(learning_rate=HUGE), "learning_rate"),
        (lambda: GRPOConfig(kl_coefficient=HUGE), "kl_coefficient"),
        (lambda: GRPOConfig(clip=(HUGE, 1)), "clip"),
        (lambda: TaskFamily(format_strength=10**5000), "format_strength"),  # which Python will not print
        (lambda: GRPOConfig(group_size=HUGE), "group_size"),
        (lambda: TaskFamily(n_actions=10**5000), "n_actions"),
        (lambda: TaskFamily(prior_spread=0.3).strengths(10**10), "n_nodes"),
        (lambda: simulate(SMALL, SHORT, precision=1e-300, of="null"), "precision"),
    ],
)
def test_what_is_derived_from_a_setting_is_finite(make, named):
    with pytest.raises(ValueError, match=named):
        make()


@pytest.mark.parametrize("family", [SMALL, SHARED], ids=["own", "shared"])
@pytest.mark.parametrize(
    "settings",
    [
        {"learning_rate": 1e308}, {"learning_rate": 1e307, "update": "mirror"}, {"kl_coefficient": 1e308},
        {"learning_rate": 1e308, "kl": "reverse"}, {"kl_coefficient": 1e200, "optimizer": "adam"},
    ],
)  # fmt: skip
def test_logits_that_are_not_finite_are_an_error_with_arm_and_step(family, settings):
    config = replace(SHORT, n_steps=20, filtering="off", **settings)
    with pytest.raises(
        ValueError, match=f"{next(iter(settings))}.* by step (10|20) .*'(random|majority|true)'"
    ):
        simulate(family, config, n_seeds=4, checkpoints=[10])


@pytest.mark.parametrize(
    ("family", "config", "sizes", "named"),
    [
        (SMALL, SHORT, {"n_tasks": 2**32 - 1}, "n_tasks"),
        (SHARED, SHORT, {"n_seeds": 2**32 - 1}, "n_seeds"),
        (TaskFamily(n_prompts=2**32 - 1), SHORT, {}, "n_prompts"),
        (TaskFamily(n_actions=2**32 - 1), SHORT, {}, "n_actions"),
        (StrategyFamily(n_tokens=2**32 - 1), SHORT, {}, "n_tokens"),
        (StrategyFamily(n_prompts=2**32 - 1), SHORT, {"n_tasks": 2**20}, "n_prompts"),
        (SMALL, replace(SHORT, group_size=2**32 - 1), {}, "group_size"),
    ],
)
def test_sizes_beyond_memory_are_refused_with_what_they_would_need(family, config, sizes, named):
    with pytest.raises(ValueError, match=rf"{named}=.* GiB of memory"):
        simulate(family, config, **sizes)
    for ask in (lambda: simulate(family, config, n_tasks=10**12), lambda: family.sample(10**12)):
        with pytest.raises(ValueError, match=r"n_tasks.* GiB of memory"):
            ask()


def test_narrow_numpy_numbers_are_widened():
    narrow = GRPOConfig(
        n_steps=np.uint8(3), batch_size=np.uint8(100), refill_cap=np.uint8(3), filtering="refill"
    )
    wide = GRPOConfig(n_steps=3, batch_size=100, refill_cap=3, filtering="refill")
    found = simulate(TaskFamily(n_prompts=np.int16(400)), narrow, n_tasks=np.uint8(2), n_seeds=np.uint8(200))
    expected = simulate(TaskFamily(n_prompts=400), wide, n_tasks=2, n_seeds=200)
    np.testing.assert_array_equal(found.curves, expected.curves)


@pytest.mark.parametrize("spread", [1e-320, 1e-30, 1e-12, 1 - 1e-16])
def test_an_extreme_spread_has_its_limit(spread):
    """At 1e-5 scipy has no quantile for some of these, and no quadrature."""
    for strength in (5e-324, 1e-5, 0.5):
        tasks = TaskFamily(prior_strength=strength, prior_spread=spread).sample(2, 0)
        assert np.isfinite(tasks.prior).all()
    accuracy = TaskFamily(prior_spread=spread, format_strength=0.0).prior_accuracy
    assert accuracy == pytest.approx(0.5, abs=1e-6)
    assert 0 <= StrategyFamily(offset_sd=spread, read="greedy").prior_accuracy <= 1
    shared = StrategyFamily(accuracies=(1e-5, 0.5), accuracy_spread=spread).sample(1, 0)
    assert np.isfinite(shared.accuracies).all()
