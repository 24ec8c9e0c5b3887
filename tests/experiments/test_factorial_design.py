"""The 2x2x2: against the published coefficients, statsmodels' formulas, and designs built by hand."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import statsmodels.formula.api as smf
from scipy import stats

from rlvr.experiments.factorial_design import (
    CODES,
    EFFECTS,
    contrasts,
    effects,
    fit,
    interaction_ratio,
    on_scale,
    run_blocks,
)
from rlvr.simulator.grpo_config import GRPOConfig
from rlvr.simulator.task_family import TaskFamily
from rlvr.simulator.trainer import simulate
from rlvr.stats.estimates import ratio_interval

# Gao (2026), arXiv 2606.05932: light cell means, and the coefficients reported from them.
PUBLISHED_CELLS = (
    0.8787353515625,
    0.5970947265625,
    0.8816162109375,
    0.5953369140625,
    0.8744873046875,
    0.2408935546875,
    0.8783203125,
    0.2329345703125,
)
PUBLISHED_EFFECTS = {
    "A": 0.0907684,
    "B": 0.0003754,
    "C": 0.2308624,
    "AB": -0.0006561,
    "AC": -0.0888824,
    "BC": -0.0020538,
    "ABC": 0.0008942,
}


def blocks(n=12, seed=0):
    generator = np.random.default_rng(seed)
    level = generator.normal(0.5, 0.05, (n, 1))
    return (
        level + 0.1 * CODES["A"] - 0.04 * CODES["AC"] + 0.2 * CODES["C"] + generator.normal(0, 0.01, (n, 8))
    )


def test_the_published_coefficients_come_back():
    found = effects(PUBLISHED_CELLS)
    assert {effect: round(value, 7) for effect, value in found.items()} == PUBLISHED_EFFECTS
    assert round(abs(found["AC"]) / abs(found["C"]), 5) == 0.38500


def test_one_block_gives_the_published_ratio_and_no_interval():
    result = interaction_ratio([PUBLISHED_CELLS])
    assert (result.interaction, result.main) == ("AC", "C")
    assert round(result.ratio.value, 5) == 0.38500
    assert np.isnan(result.ratio.low) and result.ratio.reason == "one observation has no spread"


def test_effects_are_half_differences_of_means():
    cells = np.arange(8.0) ** 2
    found = effects(cells)
    assert found["A"] == pytest.approx((cells[:4].mean() - cells[4:].mean()) / 2)
    assert found["B"] == pytest.approx((cells[[0, 1, 4, 5]].mean() - cells[[2, 3, 6, 7]].mean()) / 2)
    assert found["C"] == pytest.approx((cells[::2].mean() - cells[1::2].mean()) / 2)
    assert effects(cells.reshape(2, 2, 2)) == found
    shuffled = effects(np.roll(cells, 1))
    assert shuffled["A"] != pytest.approx(found["A"])  # the order of the cells matters


def test_the_seven_codes_are_orthogonal_and_balanced():
    table = np.column_stack([CODES[effect] for effect in EFFECTS])
    assert np.array_equal(table.T @ table, 8 * np.eye(7))
    assert not table.sum(axis=0).any()


@pytest.mark.parametrize("level", [0.95, 0.5])
def test_a_fit_is_least_squares_with_block_dummies_and_errors_clustered_by_block(level):
    """Of statsmodels, with the small-sample factor n / (n - 1) and n - 1 degrees of freedom."""
    cells, n = blocks(), 12
    long = pd.DataFrame(
        [
            {
                "block": b,
                "y": cells[b, i],
                **{factor: CODES[factor][i] for factor in "AB"},
                "P": CODES["C"][i],
            }
            for b in range(n)
            for i in range(8)
        ]
    )
    clustered = {"groups": long["block"], "use_correction": False, "df_correction": False}
    theirs = smf.ols("y ~ A * B * P + C(block)", long).fit(cov_type="cluster", cov_kwds=clustered)
    ours = fit(cells, level=level)
    assert list(ours) == list(EFFECTS)
    for effect, found in ours.items():
        term = ":".join(effect.replace("C", "P"))
        half = stats.t.ppf(0.5 + level / 2, n - 1) * theirs.bse[term] * np.sqrt(n / (n - 1))
        value = theirs.params[term]
        assert (found.value, found.low, found.high) == pytest.approx(
            (value, value - half, value + half), rel=1e-9, abs=1e-12
        )
        assert (found.n, found.unit, found.level) == (n, "task draw", level)


def test_blocking_removes_the_level_of_the_task_draw():
    cells = blocks()
    moved = cells + np.linspace(-0.3, 0.3, len(cells))[:, None]
    for effect in EFFECTS:
        assert fit(moved)[effect].high == pytest.approx(fit(cells)[effect].high, abs=1e-12)
    unblocked = np.random.default_rng(1).permuted(moved, axis=0)  # each cell with its own tasks
    assert fit(unblocked)["B"].high - fit(unblocked)["B"].low > 5 * (
        fit(moved)["B"].high - fit(moved)["B"].low
    )


def test_effects_that_multiply_add_on_the_logit_scale():
    odds = np.exp(0.5 + 0.8 * CODES["A"] + 1.1 * CODES["C"])
    cells = np.tile(odds / (1 + odds), (2, 1))
    logit = effects(on_scale(cells, "logit")[0])
    assert (logit["A"], logit["C"]) == pytest.approx((0.8, 1.1))
    assert abs(logit["AC"]) < 1e-12 < 1e-3 < abs(effects(cells[0])["AC"])
    assert np.array_equal(on_scale(cells, "accuracy"), cells)


def test_the_ratio_names_its_effects_and_their_stability():
    sure = interaction_ratio(blocks())
    assert (sure.interaction, sure.main, sure.stability) == ("AC", "C", 1.0)
    assert sure.ratio.low < 0.2 < sure.ratio.high
    noise = interaction_ratio(np.random.default_rng(3).normal(0.5, 0.1, (12, 8)))
    assert noise.stability < 0.9


def test_cells_of_a_block_share_tasks_and_randomness():
    short = GRPOConfig(n_steps=20)
    drop = run_blocks(config=short, n_blocks=3, n_seeds=2, seed=5)
    assert drop.cells.shape == (3, 8)
    same = run_blocks((0.8, 0.8), config=short, n_blocks=3, n_seeds=2, seed=5)
    assert np.array_equal(same.cells[:, ::2], same.cells[:, 1::2])  # one prior twice: equal to the last bit
    assert np.array_equal(drop.cells[:, 0], same.cells[:, 0])
    other = run_blocks(config=short, n_blocks=3, n_seeds=2, seed=6)
    assert not np.array_equal(drop.cells, other.cells)
    refill = run_blocks(filtering="refill", config=short, n_blocks=3, n_seeds=2, seed=5)
    assert np.array_equal(refill.cells[:, 2], drop.cells[:, 2])  # "off" is the same in both designs
    assert not np.array_equal(refill.cells[:, 0], drop.cells[:, 0])


def test_the_codes_run_through_the_cells_with_a_slowest():
    assert CODES["A"].tolist() == [1, 1, 1, 1, -1, -1, -1, -1]
    assert CODES["B"].tolist() == [1, 1, -1, -1, 1, 1, -1, -1]
    assert CODES["C"].tolist() == [1, -1, 1, -1, 1, -1, 1, -1]
    assert all((CODES[pair] == CODES[pair[0]] * CODES[pair[1]]).all() for pair in ("AB", "AC", "BC"))
    assert (CODES["ABC"] == CODES["A"] * CODES["BC"]).all()


def test_effects_take_a_cube_or_a_row_and_nothing_else():
    assert effects([5, 3, 5, 3, 1, 3, 1, 3]) == effects(np.reshape([5, 3, 5, 3, 1, 3, 1, 3], (2, 2, 2)))
    for wrong in (np.ones((1, 8)), np.ones((4, 2)), [1, 2, 3, 4, 5, 6, 7, np.inf]):
        with pytest.raises(ValueError, match="cell_means must be 8 finite numbers"):
            effects(wrong)
    for wrong in (np.ones((0, 8)), np.ones(8), np.ones((8, 1)), np.full((2, 8), np.nan)):
        with pytest.raises(
            ValueError, match=r"cells must be finite numbers of shape \(block, 8\), got shape"
        ):
            contrasts(wrong)


def test_the_ratio_is_that_of_the_sizes_whatever_the_signs():
    cells = blocks() - 0.6 * CODES["C"] + 0.08 * CODES["AC"]  # C is -0.4 now, and AC +0.04
    result = interaction_ratio(cells, level=0.9)
    by_block = contrasts(cells)
    by_hand = ratio_interval(by_block["AC"], -by_block["C"], level=0.9, names=("AC", "C"))
    assert (result.ratio.value, result.ratio.low) == (
        pytest.approx(by_hand.value),
        pytest.approx(by_hand.low),
    )
    assert (result.ratio.level, result.ratio.unit, result.ratio.n) == (0.9, "task draw", 12)
    assert 0 < result.ratio.value < 0.2
    assert interaction_ratio(cells) == interaction_ratio(cells, level=0.95, seed=0)
    small = interaction_ratio(np.random.default_rng(3).normal(0.5, 0.1, (3, 8)))
    assert small.ratio.reason.startswith(f"{small.main} is not separated from 0")


@pytest.mark.parametrize("seed", [0, 4])
def test_stability_counts_the_resamples_with_the_same_two_largest(seed):
    cells = np.random.default_rng(3).normal(0.5, 0.1, (12, 8))
    result, values = interaction_ratio(cells, seed=seed), contrasts(cells)
    drawn = np.random.default_rng(seed).multinomial(12, [1 / 12] * 12, size=999)
    same = 0
    for counts in drawn:
        size = {effect: abs(counts @ by_block) for effect, by_block in values.items()}
        largest = [max(kind, key=size.get) for kind in (("AB", "AC", "BC", "ABC"), ("A", "B", "C"))]
        same += largest == [result.interaction, result.main]
    assert result.stability == pytest.approx(same / 999) and 0 < same < 999


def test_the_logit_scale_ends_short_of_zero_and_one():
    cells = np.full((1, 8), 0.5)
    assert on_scale(cells, "logit").tolist() == [[0.0] * 8]
    for end in (0.0, 1.0):
        cells[0, 3] = end
        with pytest.raises(ValueError, match="strictly between 0 and 1 for the logit scale"):
            on_scale(cells, "logit")
        assert on_scale(cells, "accuracy")[0, 3] == end


def test_blocks_that_are_not_asked_for_otherwise():
    untrained = GRPOConfig(n_steps=0)
    blocks_ = run_blocks(config=untrained)
    strong, weak = TaskFamily(0.80).prior_accuracy, TaskFamily(0.35).prior_accuracy
    assert blocks_.cells == pytest.approx(np.tile([strong, weak], (100, 4)))
    assert (blocks_.priors, blocks_.filtering, blocks_.n_seeds, blocks_.seed) == ((0.80, 0.35), "drop", 2, 0)
    one = run_blocks((0.6, 0.4), filtering="refill", config=untrained, n_blocks=1, n_seeds=3, seed=7)
    assert (one.priors, one.filtering, one.n_seeds, one.seed) == ((0.6, 0.4), "refill", 3, 7)
    with pytest.raises(ValueError, match="n_blocks must be an integer of at least 1, got 0"):
        run_blocks(n_blocks=0)
    with pytest.raises(ValueError, match=r"priors must be two prior strengths, got \(0\.8, 0\.5, 0\.2\)"):
        run_blocks((0.8, 0.5, 0.2))


def test_each_cell_is_its_arm_under_its_filter_at_its_prior():
    config = GRPOConfig(n_steps=15)
    cells = run_blocks(config=config, n_blocks=2, n_seeds=3, seed=5).cells
    runs = simulate(TaskFamily(0.35), replace(config, filtering="off"), n_tasks=2, n_seeds=3, seed=5)
    assert cells[:, 3] == pytest.approx(runs.arm("true").mean(axis=1), abs=1e-15)
    assert cells[:, 7] == pytest.approx(runs.arm("majority").mean(axis=1), abs=1e-15)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: fit([PUBLISHED_CELLS]), "at least 2 blocks"),
        (lambda: on_scale(np.ones((1, 8)), "probit"), "scale must be one of 'accuracy', 'logit'"),
        (lambda: run_blocks(filtering="off"), "filtering must be one of 'drop', 'refill'"),
    ],
)
def test_wrong_arguments_are_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()
