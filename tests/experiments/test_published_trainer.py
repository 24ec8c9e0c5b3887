"""The replay: the fast draws are the plain draws, and the published digits come back."""

from dataclasses import replace

import numpy as np
import pytest
from typer.testing import CliRunner

from rlvr import ARMS, TaskFamily
from rlvr.commands.command_line import app
from rlvr.experiments import published_trainer
from rlvr.experiments.digit_for_digit import Comparison, compare, published_numbers, replayed_sweep
from rlvr.experiments.published_designs import (
    CELLS,
    STRENGTHS,
    Gate,
    resampled_interval,
    task_and_seed_spread,
)
from rlvr.experiments.published_trainer import (
    _choose,
    largest_update_gap,
    policy_update,
    published_tasks,
    replay_run,
)
from rlvr.simulator.grpo_config import LIGHT


def test_choose_is_generator_choice():
    probabilities = np.random.default_rng(0).dirichlet(np.ones(8), size=5)
    fast, plain = np.random.default_rng(1), np.random.default_rng(1)
    expected = [plain.choice(8, size=16, p=row) for row in probabilities]
    np.testing.assert_array_equal(_choose(probabilities, fast.random((5, 16))), expected)


@pytest.mark.parametrize("size", [7, 8])
def test_integers_at_once_are_integers_one_by_one(size):
    """Half-word buffering included: the next draw after them agrees too."""
    fast, plain = np.random.default_rng(1), np.random.default_rng(1)
    for _ in range(3):
        np.testing.assert_array_equal(
            fast.integers(0, 2, size=size), [plain.integers(0, 2) for _ in range(size)]
        )
        assert fast.random() == plain.random()


def test_published_tasks_have_the_family_s_prior():
    family = TaskFamily(0.35)
    tasks = published_tasks(family, 49)
    np.testing.assert_allclose(
        np.sort(tasks.prior[0], axis=1), np.sort(family.prior())[None].repeat(40, axis=0)
    )
    assert tasks.prior_accuracy == pytest.approx(family.prior_accuracy)


def test_a_run_repeats_and_its_evaluations_cost_draws():
    tasks = published_tasks(TaskFamily(), 42)
    first = replay_run(tasks, "random", LIGHT, seed=1)
    assert replay_run(tasks, "random", LIGHT, seed=1) == first
    assert replay_run(tasks, "random", LIGHT, seed=2) != first
    assert replay_run(tasks, "random", LIGHT, seed=1, eval_every=25) != first


@pytest.mark.parametrize("kl", ["forward", "reverse"])
@pytest.mark.parametrize("filtering", ["off", "drop"])
def test_the_compiled_update_is_the_plain_one(kl, filtering):
    config = replace(LIGHT, kl=kl, filtering=filtering, kl_coefficient=0.5)
    assert 0 < largest_update_gap(config, n_groups=200, seed=1) < 1e-13


def test_a_compiled_update_that_differs_is_noticed(monkeypatch):
    def slower(logits, prior, actions, rewards, config):
        return 0.8 * policy_update(logits, prior, actions, rewards, config)

    monkeypatch.setattr(published_trainer, "policy_update", slower)
    assert largest_update_gap(LIGHT, n_groups=200, seed=1) > 1e-3
    with pytest.raises(ValueError, match="n_groups must be an integer of at least 1, got 0"):
        largest_update_gap(LIGHT, n_groups=0, seed=1)
    with pytest.raises(ValueError, match="filtering must be one of"):
        largest_update_gap(replace(LIGHT, filtering="refill"), n_groups=1, seed=1)


def test_bad_replays():
    tasks = published_tasks(TaskFamily(), 42)
    with pytest.raises(ValueError, match="arm must be one of"):
        replay_run(tasks, "spurious", LIGHT, seed=1)
    with pytest.raises(ValueError, match="eval_every"):
        replay_run(tasks, "true", LIGHT, seed=1, eval_every=0)


@pytest.mark.slow
def test_every_published_number_of_the_light_run_comes_back():
    rows = list(compare())
    light = published_numbers()
    assert len(rows) == (~light.table.str.startswith("heavy")).sum() > 60
    assert [row for row in rows if not row.equal] == []


def test_equal_means_to_the_last_digit():
    assert Comparison("t", "q", "0.1860", "0.1860").equal
    assert not Comparison("t", "q", "0.1860", "0.1861").equal


def test_transcribed_factorial_effects_are_its_cell_means_effects():
    """The study's own printed coefficients follow from its own printed means."""
    table = published_numbers().query("table == 'factorial'").set_index("quantity").published
    means = np.array(
        [float(table[f"{arm} {'on' if f == 'drop' else 'off'} {ps:.2f}"]) for arm, f, ps in CELLS]
    )
    contrast = np.array([1, -1, 1, -1, -1, 1, -1, 1])  # AC
    assert f"{(contrast * means).mean():.7f}" == table["AC"]


def test_the_gate_reads_its_own_interval():
    assert Gate({}, (0.1, 0.2), (0.01, 0.02)).verdict == "points"
    assert Gate({}, (0.1, 0.2), (-0.01, 0.02)).verdict == "bounds"


def test_resampling_honours_its_seed():
    runs = {"true": np.arange(8.0), "majority": np.arange(8.0) / 2}

    def difference(mean):
        return mean["true"] - mean["majority"]

    assert resampled_interval(runs, difference, 1) == resampled_interval(runs, difference, 1)
    assert resampled_interval(runs, difference, 1) != resampled_interval(runs, difference, 2)


def test_resampling_at_once_is_resampling_arm_by_arm():
    """The study's own loop: an arm draws its indices, then the next arm, 300 times."""
    runs = {arm: np.random.default_rng(i).random(8) for i, arm in enumerate(("frozen", "random", "majority"))}
    generator, draws = np.random.default_rng(5), []
    for _ in range(300):
        mean = {arm: values[generator.integers(0, 8, size=8)].mean() for arm, values in runs.items()}
        draws.append(mean["majority"] - mean["random"])
    expected = tuple(np.percentile(draws, [2.5, 97.5]))
    assert resampled_interval(runs, lambda mean: mean["majority"] - mean["random"], 5) == expected


def test_a_gate_resampled_with_another_seed_keeps_its_runs():
    runs = {arm: np.arange(4.0) + gain for arm, gain in (("frozen", 0), ("random", 9), ("majority", 20))}
    first, second = Gate.resampled(runs, 1), Gate.resampled(runs, 2)
    assert first.runs is second.runs and first.over_random != second.over_random
    assert first.verdict == second.verdict == "points"
    assert 8 <= first.over_random[0] <= 11 <= first.over_random[1] <= 14
    assert 17 <= first.over_frozen[0] <= 20 <= first.over_frozen[1] <= 23


def test_spread_splits_into_task_draws_and_seeds():
    generator = np.random.default_rng(0)
    tasks, seeds = generator.normal(0, 0.3, (4000, 1)), generator.normal(0, 0.1, (4000, 4))
    assert task_and_seed_spread(tasks + seeds) == pytest.approx((0.3, 0.1), rel=0.04)
    assert task_and_seed_spread([[0.0, 1.0], [1.0, 0.0]]) == (0.0, np.sqrt(0.5))
    with pytest.raises(ValueError, match=r"2 draws of 2 seeds, got shape \(8,\)"):
        task_and_seed_spread(np.arange(8.0))


def test_the_replayed_sweep_has_the_published_means():
    sweep = replayed_sweep()
    assert list(sweep.index) == list(STRENGTHS) and list(sweep.columns) == list(ARMS)
    published = published_numbers().set_index(["table", "quantity"]).published
    assert sweep.loc[0.65, "majority"] == float(published["sweep 0.65", "majority"])


@pytest.mark.slow
def test_command_reports_equality_and_exits_zero():
    result = CliRunner().invoke(app, ["replay", "--quick"])
    assert result.exit_code == 0
    assert "10 of 10 published numbers come back" in result.output


@pytest.mark.slow
def test_command_exits_one_when_a_digit_differs(monkeypatch):
    import rlvr.experiments.digit_for_digit

    wrong = published_numbers()
    wrong.loc[wrong.quantity == "true", "published"] = "0.35849609376"
    monkeypatch.setattr(rlvr.experiments.digit_for_digit, "published_numbers", lambda: wrong)
    result = CliRunner().invoke(app, ["replay", "--quick"])
    assert result.exit_code == 1
    assert "8 of 10" in result.output
