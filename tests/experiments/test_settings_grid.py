"""The grid of settings behind the explorer page: complete, recomputable, and what shorter runs give."""

import itertools

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from rlvr import GRPOConfig, TaskFamily, decompose, simulate
from rlvr.arms import ARMS
from rlvr.commands.command_line import app
from rlvr.decomposition import PARTS, TERMS
from rlvr.experiments import settings_grid, sharing_grid
from rlvr.experiments.settings_grid import (
    AXES,
    DRAWS,
    GROUPS,
    recompute_settings,
    store_settings,
    stored_settings,
)


def test_the_grid_is_complete_and_in_the_order_in_which_the_page_counts():
    table = stored_settings()
    assert list(table.index) == list(itertools.product(*AXES.values()))
    assert len(table) == len(GROUPS) * len(AXES["n_steps"]) == 1824
    assert not table.drop(columns=["fraction", "fraction_low", "fraction_high"]).isna().any(axis=None)


@pytest.mark.slow
def test_random_groups_come_back():
    """Other groups every time."""
    table = stored_settings()
    for number in np.random.default_rng().choice(len(GROUPS), 2, replace=False):
        fresh = recompute_settings(*GROUPS[number]).set_index(table.index.names)
        np.testing.assert_allclose(fresh, table.loc[fresh.index], rtol=0, atol=2e-6)


@pytest.mark.slow
def test_a_budget_is_what_a_run_of_that_length_gives():
    table = stored_settings()
    row = table.loc[16, "uniform", 0.4, 75]
    family, config = TaskFamily(0.4, n_actions=16), GRPOConfig(n_steps=75, tie_break="uniform")
    runs = simulate(family, config, n_tasks=DRAWS[0], n_seeds=DRAWS[1])
    parts = decompose(runs)
    for arm in ARMS:
        assert row[arm] == pytest.approx(runs.arm(arm).mean(), abs=1e-6)
    for part in PARTS:
        term = getattr(parts, part)
        assert row[f"{part}_half"] == pytest.approx(term.high - term.value, abs=1e-6)
    assert row.fraction == pytest.approx(parts.reward_design_fraction.value, abs=1e-6)
    assert row.fraction_low == pytest.approx(parts.reward_design_fraction.low, abs=1e-6)


def test_frozen_is_the_prior_and_a_share_is_stored_just_where_it_is_defined():
    table = stored_settings()
    for (n_actions, _, prior, _), row in table.sample(20, random_state=None).iterrows():
        assert row.frozen == pytest.approx(TaskFamily(prior, n_actions=n_actions).prior_accuracy, abs=1e-6)
    naive = table.true - table.random
    defined = ~table.fraction.isna()
    assert (defined == (naive.abs() > table.naive_half)).all()
    share = (table.true - table.majority) / naive
    # Six decimals of both differences: the share is known as well as naive is large.
    assert ((table.fraction - share).abs()[defined] <= 3e-6 * (1 + share.abs()) / naive.abs() + 1e-6).all()
    assert ((table.fraction_low <= table.fraction) & (table.fraction <= table.fraction_high))[defined].all()


@pytest.mark.parametrize(
    "settings, message",
    [
        ((5, "lowest", 0.5), "n_actions must be one of 4, 8, 16, 32, got 5"),
        ((8, "first", 0.5), "tie_break must be one of lowest, uniform, got 'first'"),
        ((8, "lowest", 0.51), "prior_strength must be one of 0.05, 0.1"),
    ],
)
def test_settings_off_the_grid_are_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        recompute_settings(*settings)


@pytest.fixture
def small(monkeypatch):
    """A grid that takes no time."""
    monkeypatch.setattr(settings_grid, "AXES", {**AXES, "n_steps": (1, 2)})
    monkeypatch.setattr(settings_grid, "GROUPS", ((4, "lowest", 0.5), (8, "uniform", 0.25)))
    monkeypatch.setattr(settings_grid, "DRAWS", (3, 1))
    monkeypatch.setitem(sharing_grid.SHARING_AXES, "n_steps", (1, 2))
    monkeypatch.setattr(sharing_grid, "SHARING_GROUPS", (("worse", "shared", "adam", 2, "on"),))
    monkeypatch.setattr(sharing_grid, "N_RUNS", {"shared": 3})


def test_what_is_stored_is_what_was_computed(small, tmp_path, monkeypatch):
    said = []
    store_settings(tmp_path, said.append)
    assert said == ["1 of 2: 4 answers, lowest ties, prior strength 0.50",
                    "2 of 2: 8 answers, uniform ties, prior strength 0.25"]  # fmt: skip
    monkeypatch.setattr("rlvr._data.DATA", tmp_path)
    table = stored_settings()
    assert list(table.index) == [
        (4, "lowest", 0.5, 1),
        (4, "lowest", 0.5, 2),
        (8, "uniform", 0.25, 1),
        (8, "uniform", 0.25, 2),
    ]
    fresh = recompute_settings(8, "uniform", 0.25).set_index(table.index.names)
    assert table.iloc[2:].equals(fresh)
    assert set(table) == {
        *ARMS,
        *(f"{t}_half" for t in TERMS if t != "total"),
        "fraction",
        "fraction_low",
        "fraction_high",
    }


def test_the_command_compares_and_refuses(small, tmp_path, monkeypatch):
    run = CliRunner().invoke
    assert run(app, ["explorer", "--store", str(tmp_path)]).exit_code == 0
    monkeypatch.setattr("rlvr._data.DATA", tmp_path)
    good = run(app, ["explorer", "--groups", "2"])
    assert good.exit_code == 0 and good.output.count("as stored") == 3
    assert "worse mix, shared policy, adam, 2 updates a rollout, clipping on: as stored" in good.output
    missing = run(app, ["explorer", "--store", "no-such-folder"])
    assert missing.exit_code == 2 and "existing folder" in missing.output


@pytest.mark.parametrize("name", ["settings_grid.csv", "sharing_grid.csv"])
def test_a_changed_digit_is_noticed(small, tmp_path, monkeypatch, name):
    store_settings(tmp_path, lambda said: None)
    sharing_grid.store_sharing(tmp_path, lambda said: None)
    monkeypatch.setattr("rlvr._data.DATA", tmp_path)
    table = pd.read_csv(tmp_path / name)
    table["random"] += 1e-5
    table.to_csv(tmp_path / name, index=False)
    bad = CliRunner().invoke(app, ["explorer", "--groups", "1"])
    assert bad.exit_code == 1 and "DIFFERS" in bad.output
