"""The two grids behind the explorer page: complete, lawful, and what shorter runs give."""

import itertools

import numpy as np
import pytest

from rlvr import GRPOConfig, StrategyFamily, TaskFamily, decompose, simulate
from rlvr.arms import ARMS
from rlvr.decomposition import PARTS
from rlvr.experiments import grids
from rlvr.experiments.grids import (
    DRAWS,
    LEARNING_RATES,
    MIXES,
    N_RUNS,
    SETTINGS_AXES,
    SETTINGS_GROUPS,
    SHARING_AXES,
    SHARING_GROUPS,
    recompute_settings,
    recompute_sharing,
    sharing_runs,
    stored_settings,
    stored_sharing,
)
from rlvr.theory import null_moments

FRACTION = ["fraction", "fraction_low", "fraction_high"]


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
    for mix, strategies in MIXES.items():
        frozen = stored_sharing().loc[mix].frozen
        assert np.allclose(frozen, StrategyFamily(**strategies).prior_accuracy, atol=1e-6)
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


def test_a_shared_budget_is_what_a_run_of_that_length_gives():
    row = stored_sharing().loc["worse", "shared", "adam", 4, "on", 2]
    family = StrategyFamily((0.35, 0.65), (0.609, 0.280), n_prompts=64)
    config = GRPOConfig(
        n_steps=2, batch_size=64, group_size=16, learning_rate=0.15, kl_coefficient=0.0,
        optimizer="adam", inner_updates=4, clip=(0.2, 0.2),
    )  # fmt: skip
    runs = simulate(family, config, n_tasks=200, n_seeds=1)
    parts = decompose(runs)
    for arm in ARMS:
        assert row[arm] == pytest.approx(runs.arm(arm).mean(), abs=1e-6)
    for part, (base, arm) in zip(PARTS, itertools.pairwise(ARMS), strict=True):
        difference = (runs.arm(arm) - runs.arm(base))[:, 0]
        assert row[f"{part}_sd"] == pytest.approx(difference.std(ddof=1), abs=1e-6)
        term = getattr(parts, part)
        assert row[f"{part}_half"] == pytest.approx(term.high - term.value, abs=1e-6)
    assert row.fraction == pytest.approx(parts.reward_design_fraction.value, abs=1e-6)


def test_a_group_of_settings_is_one_study_read_at_each_budget(monkeypatch):
    monkeypatch.setattr(grids, "DRAWS", (3, 2))
    monkeypatch.setitem(grids.SETTINGS_AXES, "n_steps", (1, 3))
    table = recompute_settings(16, "uniform", 0.4).set_index("n_steps")
    config = GRPOConfig(n_steps=3, tie_break="uniform")
    runs = simulate(TaskFamily(0.4, n_actions=16), config, n_tasks=3, n_seeds=2, checkpoints=[1, 3])
    expected = runs.curves.mean(axis=(1, 2)).T
    np.testing.assert_allclose(table[list(ARMS)], expected, rtol=0, atol=1e-6)


def test_a_run_of_single_policies_is_their_mean(monkeypatch):
    monkeypatch.setattr(grids, "N_RUNS", {"own": 3})
    monkeypatch.setitem(grids.SHARING_AXES, "n_steps", (1, 3))
    runs = sharing_runs("better", "own", "sgd", 2, "off")
    config = GRPOConfig(
        n_steps=3, batch_size=2, group_size=16, learning_rate=0.5, kl_coefficient=0.0, inner_updates=2
    )
    alone = simulate(
        StrategyFamily((0.65, 0.35), (0.609, 0.280), n_prompts=2), config, n_tasks=192, n_seeds=1
    )
    for arm in ARMS:
        assert runs[arm].shape == (3, 2)
        for run in range(3):
            mine = alone.arm(arm)[64 * run : 64 * (run + 1)].mean()
            assert runs[arm][run, 1] == pytest.approx(mine, abs=1e-12)


def test_with_one_update_a_rollout_there_is_nothing_to_clip():
    table = stored_sharing()
    off, on = (table.xs((1, clip), level=("inner_updates", "clip")) for clip in ("off", "on"))
    assert off.equals(on) and len(off) == 120
    eight = (table.xs((8, clip), level=("inner_updates", "clip")) for clip in ("off", "on"))
    assert not next(eight).random.equals(next(eight).random)


def test_the_shared_walk_has_its_closed_form_and_single_ones_average_it_away():
    """The spread of a standard deviation over n runs is 1 / sqrt(2 n) of it; four of these are allowed."""
    table = stored_sharing()
    by_formula = null_moments(
        MIXES["better"]["shares"], MIXES["better"]["accuracies"], n_updates=10,
        learning_rate=LEARNING_RATES["sgd"], n_answers=1024, group_size=16,
    )  # fmt: skip
    shared = table.loc["better", "shared", "sgd", 1, "off", 10]
    assert shared.null_sd == pytest.approx(by_formula.sd, rel=4 / (2 * N_RUNS["shared"]) ** 0.5)
    # Adam's first step has one size whatever the batch: 64 policies instead of one, an eighth of the spread.
    one, many = (table.loc["better", policy, "adam", 1, "off", 1].null_sd for policy in ("shared", "own"))
    error = (1 / (2 * N_RUNS["shared"]) + 1 / (2 * N_RUNS["own"])) ** 0.5
    assert one / many == pytest.approx(8, rel=4 * error)
    adam = table.xs("adam", level="optimizer").null_sd
    assert (adam.xs("shared", level="policy") > adam.xs("own", level="policy")).all()
    # A plain step's size does follow the batch: 64 times 16 answers are as quiet as 1,024 in one policy.
    one, many = (table.loc["better", policy, "sgd", 1, "off", 10].null_sd for policy in ("shared", "own"))
    assert one / many == pytest.approx(1, rel=4 * error)


def test_clipping_pushes_towards_what_holds_more_than_half():
    table = stored_sharing()
    for mix, sign in (("better", 1), ("worse", -1)):
        on, off = (table.loc[mix, "shared", "adam", 8, clip, 20] for clip in ("on", "off"))
        noise = np.hypot(on.null_half, off.null_half)
        assert sign * (on.random - off.random) > noise


@pytest.mark.parametrize(
    ("table", "axes", "groups", "n_rows"),
    [
        (stored_settings(), SETTINGS_AXES, SETTINGS_GROUPS, 1824),
        (stored_sharing(), SHARING_AXES, SHARING_GROUPS, 960),
    ],
)
def test_a_grid_is_complete_and_in_the_order_in_which_the_page_counts(table, axes, groups, n_rows):
    assert list(table.index) == list(itertools.product(*axes.values()))
    assert len(table) == len(groups) * len(axes["n_steps"]) == n_rows
    assert not table.drop(columns=FRACTION).isna().any(axis=None)


@pytest.mark.parametrize(
    ("recompute", "settings", "message"),
    [
        (recompute_settings, (5, "lowest", 0.5), "n_actions must be one of 4, 8, 16, 32, got 5"),
        (recompute_settings, (8, "first", 0.5), "tie_break must be one of lowest, uniform, got 'first'"),
        (recompute_settings, (8, "lowest", 0.51), "prior_strength must be one of 0.05, 0.1"),
        (recompute_sharing, ("best", "shared", "adam", 8, "on"), "mix must be one of better, .*, got 'best'"),
        (recompute_sharing, ("better", "both", "adam", 8, "on"), "policy must be one of shared, own, got"),
        (recompute_sharing, ("better", "own", "lion", 8, "on"), "optimizer must be one of adam, sgd, got"),
        (recompute_sharing, ("better", "own", "adam", 3, "on"), "inner_updates must be one of 1, 2, 4, 8"),
        (recompute_sharing, ("better", "own", "adam", 8, True), "clip must be one of off, on, got True"),
    ],
)
def test_settings_off_the_grid_are_refused(recompute, settings, message):
    with pytest.raises(ValueError, match=message):
        recompute(*settings)
