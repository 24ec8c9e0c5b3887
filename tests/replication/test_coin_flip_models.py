"""Models of the published RANDOM runs: what they start from, what is stored, and a misfit that can tell."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from typer.testing import CliRunner

from rlvr.auditing import DESIGNS
from rlvr.commands.command_line import app
from rlvr.replication import (
    BEST,
    STEPS,
    coin_flip_models,
    misfit,
    models,
    printed_runs,
    simulated_runs,
    stored_model_runs,
)
from rlvr.replication.coin_flip_models import BASE, EVALUATION_SD, N_RUNS


@pytest.mark.parametrize("name", list(models()))
def test_every_model_starts_at_the_printed_base(name):
    assert models()[name].family.prior_accuracy == pytest.approx(BASE / 100, abs=6e-4)


def test_printed_runs_are_the_transcribed_ones():
    counts = [len(printed_runs(design)) for design in DESIGNS]
    assert counts == [5, 11, 9, 6]
    first = printed_runs("8 updates, clipping")
    assert first.shape == (5, len(STEPS)) and not np.isnan(first).any()
    assert first[:, 3].std(ddof=1) == pytest.approx(1.4, abs=0.05)


@pytest.mark.parametrize("name", list(models()))
def test_runs_are_as_stored_and_depend_on_their_number_alone(name):
    for design in ("1 update of 128", "8 updates, clipping"):
        three = simulated_runs(name, design, n_runs=3)
        one = simulated_runs(name, design, n_runs=1)
        assert np.array_equal(three[:1], one) and np.all(three[:, 0] == BASE)
        assert np.abs(three[:, 1:] - stored_model_runs(name, design)[:3]).max() < 6e-4
    assert not np.array_equal(simulated_runs(name, design, n_runs=1, seed=16), one)


def test_everything_is_stored():
    for model in models():
        for design in DESIGNS:
            runs = stored_model_runs(model, design)
            assert runs.shape == (N_RUNS, len(STEPS)) and np.isfinite(runs).all()
    stored_model_runs(BEST, "1 update of 128")[:] = 0  # a reader's copy
    assert stored_model_runs(BEST, "1 update of 128").min() > 0


def test_what_is_stored_is_every_run_of_every_design(tmp_path, monkeypatch):
    few = {"two strategies": models()["two strategies"]}
    runs = {design: np.arange(16.0).reshape(2, 8) / 7 + place for place, design in enumerate(DESIGNS)}
    monkeypatch.setattr(coin_flip_models, "models", lambda: few)
    monkeypatch.setattr(coin_flip_models, "simulated_runs", lambda model, design: runs[design])
    coin_flip_models.store(tmp_path / "runs.csv")
    kept = pd.read_csv(tmp_path / "runs.csv")
    assert list(kept.columns) == ["model", "design", "run", *(f"step_{step}" for step in STEPS)]
    assert list(zip(kept.model, kept.design, kept.run, strict=True)) == [
        ("two strategies", design, run) for design in DESIGNS for run in (0, 1)
    ]
    assert np.array_equal(kept.iloc[:, 3:], np.concatenate([runs[d][:, 1:] for d in DESIGNS]).round(3))


def test_decisions_are_answers_and_nothing_else():
    assert models()[BEST].n_decisions == 32 and models()["rivals"].n_decisions == 1
    assert models()[BEST].family == models()["rivals"].family


def test_a_misfit_by_hand():
    simulated = np.tile([[40.0], [60.0]], (5000, 3)) + np.random.default_rng(0).normal(0, 1e-9, (10_000, 3))
    printed = np.array([[50.0, 60.0, 50.0], [50.0, 60.0, np.nan], [54.0, 66.0, 58.0]])
    width = np.hypot(10, EVALUATION_SD)
    shift = [(printed[:, 0].mean() - 50) ** 2 * 3, (printed[:, 1].mean() - 50) ** 2 * 3, (54 - 50) ** 2 * 2]
    log = [
        np.log(np.nanstd(printed[:, i], ddof=1) / width) ** 2 * 2 * (n - 1) for i, n in enumerate((3, 3, 2))
    ]
    found = misfit(simulated, printed, n_groups=10)
    assert found.mean == pytest.approx(np.mean(shift) / width**2, rel=0.05)
    assert found.deviation == pytest.approx(np.mean(log), rel=0.05)


def test_p_values_are_uniform_for_the_model_itself_and_small_for_another():
    rng, p_values = np.random.default_rng(1), []
    walks = rng.normal(0, 3, (4000, len(STEPS))).cumsum(axis=1) + 50
    noise = rng.normal(0, EVALUATION_SD, walks.shape)
    for group in range(60):
        own = walks[7 * group : 7 * group + 7] + noise[7 * group : 7 * group + 7]
        p_values.append(misfit(walks[500:], own, n_groups=300, seed=group).p_value)
    assert stats.kstest(p_values, "uniform").pvalue > 1e-3
    wider = 50 + 3 * (walks[:7] - 50)
    assert misfit(walks[500:], wider, n_groups=300).p_value < 0.01
    assert misfit(walks[500:], walks[:7] + 15, n_groups=300).p_value < 0.01


def test_earlier_attempts_fail_where_the_best_does_not():
    worst = {
        model: min(
            misfit(stored_model_runs(model, design), printed_runs(design)).p_value for design in DESIGNS
        )
        for model in ("two strategies", "ten tokens", "rivals", BEST)
    }
    assert max(worst["two strategies"], worst["ten tokens"], worst["rivals"]) < 0.0125 < worst[BEST]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("no model", "1 update of 128"), "model must be one of 'plain steps'"),
        (("two strategies", "2 updates"), "design must be one of '8 updates, clipping'"),
    ],
)
def test_refusals(arguments, said):
    for function in (simulated_runs, stored_model_runs):
        with pytest.raises(ValueError, match=said):
            function(*arguments)


def test_the_command_compares_and_refuses_a_folder(tmp_path, monkeypatch):
    few = {name: models()[name] for name in ("plain steps", "two strategies")}
    monkeypatch.setattr("rlvr.replication.coin_flip_models.models", lambda: few)
    result = CliRunner().invoke(app, ["coin-flips", "--runs", "1"])
    assert result.exit_code == 0 and "every run is as stored" in result.output
    refused = CliRunner().invoke(app, ["coin-flips", "--store", str(tmp_path)])
    assert refused.exit_code == 2 and "a file in an existing folder is accepted" in refused.stderr
