"""The study's designs: which seeds, tasks and settings a run is asked for, without running it."""

import math

import numpy as np
import pytest

from rlvr import ARMS, GRPOConfig, TaskFamily, simulate
from rlvr.experiments import published_designs
from rlvr.experiments.published_designs import (
    CELLS,
    DESIGNS,
    STRENGTHS,
    Gate,
    factorial_cells,
    gate,
    power_study,
    re_audit,
    study_spread,
    sweep_point,
    task_and_seed_spread,
)
from rlvr.simulator.grpo_config import HEAVY, LIGHT


@pytest.fixture
def asked(monkeypatch):
    """What is asked of the trainer: (family, task seed, arm, config, seed, evaluations) of every run."""
    calls = []
    monkeypatch.setattr(published_designs, "published_tasks", lambda family, seed: (family, seed))

    def noted(tasks, arm, config, *, seed, eval_every):
        calls.append((*tasks, arm, config, seed, eval_every))
        return float(seed)

    monkeypatch.setattr(published_designs, "replay_run", noted)
    return calls


def test_the_two_sizes():
    light, heavy = DESIGNS["light"], DESIGNS["heavy"]
    assert (light.base, light.n_seeds, light.family) == (42, 8, TaskFamily())
    assert light.sweep == light.factorial == LIGHT
    assert (heavy.base, heavy.n_seeds) == (0, 50)
    assert heavy.family == TaskFamily(n_prompts=80, n_actions=10)
    assert heavy.sweep == HEAVY
    assert heavy.factorial == GRPOConfig(n_steps=500, batch_size=20, group_size=10)
    assert STRENGTHS == (0.20, 0.35, 0.50, 0.65, 0.80)


@pytest.mark.parametrize(
    ("size", "strength", "task_seed", "seeds"),
    [("light", 0.20, 42, range(92, 100)), ("light", 0.80, 70, range(492, 500)),
     ("heavy", 0.20, 0, range(50, 100)), ("heavy", 0.65, 21, range(350, 400))],
)  # fmt: skip
def test_a_point_of_the_sweep(asked, size, strength, task_seed, seeds):
    runs = sweep_point(strength, size)
    assert {arm: values.tolist() for arm, values in runs.items()} == {arm: [*seeds] for arm in ARMS}
    design = DESIGNS[size]
    assert {call[:2] for call in asked} == {
        (TaskFamily(strength, 0.2, design.family.n_actions, 2, design.family.n_prompts), task_seed)
    }
    assert {call[3] for call in asked} == {design.sweep} and {call[5] for call in asked} == {50}


@pytest.mark.parametrize(("size", "base", "n_seeds"), [("light", 42, 8), ("heavy", 0, 100)])
def test_the_cells_of_a_factorial(asked, size, base, n_seeds):
    cells = factorial_cells(size)
    assert cells.shape == (8, n_seeds)
    assert cells.tolist() == [[base + 13 * cell + 7 + s for s in range(n_seeds)] for cell in range(8)]
    first = [next(call for call in asked if call[4] == seed and call[1] == base + 100 * cell)
             for cell, seed in enumerate(cells[:, 0])]  # fmt: skip
    assert [(call[2], call[3].filtering, call[0].prior_strength) for call in first] == list(CELLS)
    assert CELLS[:3] == (("true", "drop", 0.80), ("true", "drop", 0.35), ("true", "off", 0.80))
    assert CELLS[4][0] == "majority" and len(CELLS) == 8
    assert {call[5] for call in asked} == {25}
    assert {call[3].n_steps for call in asked} == {DESIGNS[size].factorial.n_steps}


@pytest.mark.parametrize(
    ("condition", "strength", "task_seed", "base", "n_seeds"), [(1, 0.80, 122, 132, 8), (2, 0.25, 25, 35, 4)]
)
def test_the_conditions_of_the_gate(asked, condition, strength, task_seed, base, n_seeds):
    decided = gate(condition)
    assert {call[:2] for call in asked} == {(TaskFamily(strength, 0.0), task_seed)}
    assert all(runs.tolist() == [base + 1000 + s for s in range(n_seeds)] for runs in decided.runs.values())
    assert tuple(decided.runs) == ARMS and {call[3] for call in asked} == {LIGHT}
    again = Gate.resampled(decided.runs, base + 9999)
    assert (decided.over_frozen, decided.over_random) == (again.over_frozen, again.over_random)


def test_the_families_audited_again(asked):
    runs = re_audit(0.35)
    assert {arm: values.tolist() for arm, values in runs.items()} == {
        "frozen": [*range(42, 50)], "majority": [*range(192, 200)], "true": [*range(242, 250)],
    }  # fmt: skip
    assert {call[:2] for call in asked} == {(TaskFamily(0.35), 77)}
    re_audit(0.80)
    assert asked[-1][:2] == (TaskFamily(0.80), 122)


def test_the_seeds_of_the_power_study(asked):
    runs = power_study()
    assert {arm: values.tolist() for arm, values in runs.items()} == {
        "majority": [*range(42, 58)], "true": [*range(342, 358)],
    }  # fmt: skip
    assert {call[:2] for call in asked} == {(TaskFamily(0.50), 42)}
    assert power_study(3)["true"].tolist() == [342, 343, 344]


@pytest.mark.parametrize(
    ("interval", "verdict"),
    [((0.0, 0.2), "bounds"), ((1e-9, 0.2), "points"), ((-0.2, 0.0), "bounds"), ((-0.2, -1e-9), "points")],
)
def test_points_need_an_interval_without_zero(interval, verdict):
    assert Gate({}, (0.1, 0.2), interval).verdict == verdict


def test_the_spread_of_a_study_by_hand():
    """Spread of the means of task draws, and the noise of 128 answers a prompt in every seed."""
    family = TaskFamily(n_actions=3, n_correct=1, n_prompts=4)
    runs = simulate(
        family,
        GRPOConfig(n_steps=20, batch_size=2, learning_rate=0.5),
        n_tasks=5,
        n_seeds=3,
        keep_policies=True,
    )
    found = study_spread(runs)
    noise = {}
    for arm, kept in zip(ARMS, runs.policies, strict=True):
        chance = np.array([
            [[kept[t, s, p][runs.tasks.correct[t, p]].sum() for p in range(4)] for s in range(3)]
            for t in range(5)
        ])  # fmt: skip
        noise[arm] = (chance * (1 - chance)).mean() / (128 * 4 * 3)
        means = runs.arm(arm).mean(axis=1)
        assert found[arm] == pytest.approx(math.sqrt(means.var(ddof=1) + noise[arm]), rel=1e-12)
    naive = (runs.arm("true") - runs.arm("random")).mean(axis=1)
    assert found["naive"] == pytest.approx(math.sqrt(naive.var(ddof=1) + noise["true"] + noise["random"]))
    assert set(found) == {*ARMS, "null", "elicitation", "reward_design", "naive", "total"}


def test_a_spread_needs_policies_and_two_task_draws():
    family, config = TaskFamily(n_prompts=16), GRPOConfig(n_steps=1)
    with pytest.raises(ValueError, match="must keep_policies and have at least 2 task draws, got 3"):
        study_spread(simulate(family, config, n_tasks=3, n_seeds=1))
    with pytest.raises(ValueError, match="at least 2 task draws, got 1"):
        study_spread(simulate(family, config, n_seeds=2, keep_policies=True))
    two = study_spread(simulate(family, config, n_tasks=2, n_seeds=1, keep_policies=True))
    assert two["frozen"] > 0


def test_spread_of_task_draws_and_seeds_by_hand():
    assert task_and_seed_spread([[0.0, 0.2], [1.0, 1.2]]) == pytest.approx((0.7, math.sqrt(0.02)))
    # Three seeds of two draws: means 1 and 4, within-variance 1, so 4.5 - 1/3 between.
    assert task_and_seed_spread([[0.0, 1.0, 2.0], [3.0, 4.0, 5.0]]) == pytest.approx(
        (math.sqrt(4.5 - 1 / 3), 1.0)
    )
    for wrong in ([[0.1, 0.2]], [[0.1], [0.2]], [[[0.1, 0.2]] * 2] * 2):
        with pytest.raises(ValueError, match="at least 2 draws of 2 seeds, got shape"):
            task_and_seed_spread(wrong)


def test_sampled_evaluation_is_most_of_the_spread_of_true_runs_and_not_of_majority_runs():
    runs = simulate(TaskFamily(0.50), n_seeds=150, seed=31, keep_policies=True)
    right = np.where(runs.tasks.correct[:, None], runs.policies, 0.0).sum(axis=-1)
    scoring = (right * (1 - right)).mean(axis=(1, 2, 3)) / (128 * 40)
    shares = dict(zip(ARMS, scoring / (scoring + runs.accuracy.var(axis=(1, 2), ddof=1)), strict=True))
    assert shares["true"] > 0.9 and shares["random"] > 0.8
    assert 0.2 < shares["majority"] < 0.5
