"""The replay: the fast draws are the plain draws, and the published digits come back."""

import numpy as np
import pytest
from typer.testing import CliRunner

from rlvr import TaskFamily
from rlvr.commands.command_line import app
from rlvr.replication.digit_for_digit import Comparison, compare, published_numbers
from rlvr.replication.published_designs import CELLS, Gate, resampled_interval
from rlvr.replication.published_trainer import _choose, published_tasks, replay_run
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


@pytest.mark.slow
def test_command_reports_equality_and_exits_zero():
    result = CliRunner().invoke(app, ["replay", "--quick"])
    assert result.exit_code == 0
    assert "10 of 10 published numbers come back" in result.output


@pytest.mark.slow
def test_command_exits_one_when_a_digit_differs(monkeypatch):
    import rlvr.replication.digit_for_digit

    wrong = published_numbers()
    wrong.loc[wrong.quantity == "true", "published"] = "0.35849609376"
    monkeypatch.setattr(rlvr.replication.digit_for_digit, "published_numbers", lambda: wrong)
    result = CliRunner().invoke(app, ["replay", "--quick"])
    assert result.exit_code == 1
    assert "8 of 10" in result.output
