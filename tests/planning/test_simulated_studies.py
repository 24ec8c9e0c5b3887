"""Simulated studies: their moments against the formulas they are built on, and what is refused."""

import numpy as np
import pytest

from rlvr.arms import ARMS
from rlvr.planning.study_plans import StudyDesign, draw_outcomes, outcomes_table

DESIGN = StudyDesign(
    (0.2, 0.4, 0.5, 0.7), n_items=40_000, samples_per_item=4, n_runs=2, item_correlation=0.3,
    sample_correlation=0.6,
)  # fmt: skip


def test_covariances_over_items_are_those_of_the_design():
    outcomes = draw_outcomes(DESIGN, np.random.default_rng(1))
    means = np.stack([outcomes[arm].mean(axis=0) for arm in ARMS])
    assert np.cov(means) == pytest.approx(DESIGN.item_covariance(), abs=0.004)
    assert means.mean(axis=1) == pytest.approx(DESIGN.accuracies, abs=0.01)


def test_the_covariance_by_hand():
    covariance = DESIGN.item_covariance()
    assert covariance[0, 3] == pytest.approx(0.3 * (0.2 - 0.2 * 0.7))
    # one evaluation of FROZEN: shared 0.3, its own 0.3, and 0.4 spread over four samples
    assert covariance[0, 0] == pytest.approx(0.16 * (0.3 + 0.3 + 0.1))
    # two runs of TRUE halve all but what is shared
    assert covariance[3, 3] == pytest.approx(0.21 * (0.3 + 0.4 / 2))


def test_two_samples_of_one_policy_correlate_as_said():
    design = StudyDesign((0.5,) * 4, n_items=60_000, samples_per_item=2, n_runs=1, item_correlation=0.2,
                         sample_correlation=0.7)  # fmt: skip
    share = draw_outcomes(design, np.random.default_rng(2))["true"][0]
    assert 4 * share.var() == pytest.approx((1 + 0.7) / 2, abs=0.01)


def test_runs_spread_as_said_and_frozen_does_not():
    design = StudyDesign((0.5,) * 4, n_items=4_000, n_runs=400, run_sd=(0, 0.02, 0.05, 0.0))
    outcomes = draw_outcomes(design, np.random.default_rng(3))
    spreads = [outcomes[arm].mean(axis=1).std(ddof=1) for arm in ("random", "majority", "true")]
    own = 0.25 * 0.5 / 4_000
    assert spreads == pytest.approx([np.hypot(sd, own**0.5) for sd in (0.02, 0.05, 0)], rel=0.12)
    assert outcomes["frozen"].shape == (1, 4_000)


def test_where_hardness_decides_all_the_better_arm_solves_a_superset():
    design = StudyDesign(
        (0.2, 0.4, 0.6, 0.8), n_items=500, n_runs=1, item_correlation=1, sample_correlation=1
    )
    outcomes = draw_outcomes(design, np.random.default_rng(4))
    for worse, better in (("frozen", "random"), ("random", "majority"), ("majority", "true")):
        assert (outcomes[worse] <= outcomes[better]).all() and (outcomes[worse] < outcomes[better]).any()


def test_a_level_beyond_the_ends_stays_inside():
    design = StudyDesign((1.0, 1.0, 1.0, 0.0), n_items=50, n_runs=5, run_sd=(0, 0.3, 0.3, 0.3))
    for values in draw_outcomes(design, np.random.default_rng(5)).values():
        assert values.min() >= 0 and values.max() <= 1


def test_the_same_seed_gives_the_same_bits():
    one, two = (draw_outcomes(DESIGN, np.random.default_rng(7)) for _ in range(2))
    assert all(np.array_equal(one[arm], two[arm]) for arm in ARMS)


def test_the_table_holds_every_answer_once():
    design = StudyDesign((0.2, 0.4, 0.5, 0.7), n_items=3, n_runs=2)
    drawn = draw_outcomes(design, np.random.default_rng(0))
    table = outcomes_table({"a": drawn, "b": drawn})
    assert len(table) == 2 * (3 + 3 * 6) and not table.duplicated(["study", "arm", "run", "item"]).any()
    row = table[(table.study == "b") & (table.arm == "true") & (table.run == 1) & (table.item == 2)]
    assert row.correct.item() == drawn["true"][1, 2]


def test_a_study_of_which_little_is_said():
    design = StudyDesign((0.2, 0.4, 0.5, 0.7))
    assert (design.n_items, design.samples_per_item, design.n_runs) == (500, 1, 3)
    assert design.run_sd == (0, 0, 0, 0)
    assert (design.item_correlation, design.sample_correlation) == (0.5, 0.5)


@pytest.mark.parametrize(
    "changes, said",
    [
        ({"accuracies": (0.1, 0.2)}, "accuracies must hold four numbers"),
        ({"accuracies": (0.1, 0.2, 0.3, 1.5)}, "accuracy of true must be a fraction from 0 to 1, got 1.5"),
        ({"run_sd": (0.1, 0, 0, 0)}, "run_sd of frozen must be 0"),
        ({"run_sd": (0, 0.6, 0, 0)}, "run_sd of random must be a fraction from 0 to 0.5, got 0.6"),
        ({"n_items": 1}, "n_items must be a whole number from 2"),
        ({"n_runs": 0}, "n_runs must be a whole number from 1"),
        ({"samples_per_item": 0}, "samples_per_item must be a whole number from 1"),
        ({"item_correlation": 1.2}, "item_correlation must be a fraction"),
        ({"sample_correlation": 1.2}, "sample_correlation must be a fraction from item_correlation to 1"),
        ({"item_correlation": 0.7}, "sample_correlation must be a fraction from item_correlation to 1, got"),
    ],
)  # fmt: skip
def test_what_is_refused(changes, said):
    with pytest.raises(ValueError, match=said.replace("(", r"\(")):
        StudyDesign(**{"accuracies": (0.1, 0.2, 0.3, 0.4), **changes})


@pytest.mark.parametrize(
    ("name", "least", "most"), [("n_items", 2, 10**6), ("samples_per_item", 1, 10**4), ("n_runs", 1, 1000)]
)
def test_the_least_and_the_most_that_is_accepted(name, least, most):
    for number in (least, most):
        assert getattr(StudyDesign((0.1, 0.2, 0.3, 0.4), **{name: number}), name) == number
    for number in (least - 1, most + 1):
        with pytest.raises(ValueError, match=f"{name} must be a whole number from {least} to {most:,}, got"):
            StudyDesign((0.1, 0.2, 0.3, 0.4), **{name: number})
