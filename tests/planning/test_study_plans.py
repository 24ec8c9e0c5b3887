"""Plans against the instrument itself: audits of simulated answers, limits, and arithmetic by hand."""

from collections import Counter
from dataclasses import replace
from functools import cache

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from rlvr.arms import ARMS
from rlvr.auditing.cell_verdicts import VERDICTS, audit, contrast
from rlvr.auditing.cells import Arm
from rlvr.auditing.sampling import item_sampling
from rlvr.planning.pilots import default_run_sd
from rlvr.planning.study_plans import (
    ITEMS,
    StudyDesign,
    cheapest_design,
    draw_outcomes,
    outcomes_table,
    plan_study,
)  # fmt: skip

GUESS = StudyDesign((0.3, 0.33, 0.62, 0.66), n_items=120, n_runs=3, run_sd=(0, 0.03, 0.03, 0.03))
DESIGN = StudyDesign(
    (0.2, 0.4, 0.5, 0.7), n_items=40_000, samples_per_item=4, n_runs=2, item_correlation=0.3,
    sample_correlation=0.6,
)  # fmt: skip
planned = cache(plan_study)


@cache
def audited(design, n, *, paired, seed=1):
    """Verdicts that survive each layer in n simulated studies, by the whole instrument."""
    rng = np.random.default_rng(seed)
    studies = {f"s{name}": draw_outcomes(design, rng) for name in range(n)}
    if paired:
        table = outcomes_table(studies)
    else:
        rows = [(study, arm, y.mean(axis=1)) for study, arms in studies.items() for arm, y in arms.items()]
        table = pd.DataFrame(
            {
                "study": [study for study, _, _ in rows], "model": "m", "benchmark": "b",
                "arm": [arm for _, arm, _ in rows], "accuracy": [runs.mean() for _, _, runs in rows],
                "n_items": design.n_items, "n_runs": [len(runs) for _, _, runs in rows],
                "run_sd": [runs.std(ddof=1) if len(runs) > 1 else "" for _, _, runs in rows],
            }
        )  # fmt: skip
    cells = audit(table).cells
    return {
        name: Counter(layer.verdict if layer.survives else "none" for layer in (c.layer(name) for c in cells))
        for name in ("items", "all")
    }


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


def test_the_table_holds_every_answer_once():
    design = StudyDesign((0.2, 0.4, 0.5, 0.7), n_items=3, n_runs=2)
    drawn = draw_outcomes(design, np.random.default_rng(0))
    table = outcomes_table({"a": drawn, "b": drawn})
    assert len(table) == 2 * (3 + 3 * 6) and not table.duplicated(["study", "arm", "run", "item"]).any()
    row = table[(table.study == "b") & (table.arm == "true") & (table.run == 1) & (table.item == 2)]
    assert row.correct.item() == drawn["true"][1, 2]


@pytest.mark.parametrize(
    ("name", "least", "most"), [("n_items", 2, 10**6), ("samples_per_item", 1, 10**4), ("n_runs", 1, 1000)]
)
def test_the_least_and_the_most_that_is_accepted(name, least, most):
    for number in (least, most):
        assert getattr(StudyDesign((0.1, 0.2, 0.3, 0.4), **{name: number}), name) == number
    for number in (least - 1, most + 1):
        with pytest.raises(ValueError, match=f"{name} must be a whole number from {least} to {most:,}, got"):
            StudyDesign((0.1, 0.2, 0.3, 0.4), **{name: number})


NAMED = {"true": 0.4, "majority": 0.3, "random": 0.2, "frozen": 0.1}


@pytest.mark.parametrize(
    "given", [NAMED, pd.Series(NAMED), pd.Series([0.1, 0.2, 0.3, 0.4]), np.array([0.1, 0.2, 0.3, 0.4]),
              (number for number in (0.1, 0.2, 0.3, 0.4))]
)  # fmt: skip
def test_numbers_with_names_are_taken_by_name(given):
    assert StudyDesign(given).accuracies == (0.1, 0.2, 0.3, 0.4)


@pytest.mark.parametrize(
    "given", [0.02, np.float32(0.02), {"true": 0.02, "random": 0.02, "majority": 0.02}, [0, 0.02, 0.02, 0.02]]
)
def test_one_spread_is_that_of_every_trained_arm(given):
    design = StudyDesign((0.1, 0.2, 0.3, 0.4), run_sd=given)
    assert design.run_sd == pytest.approx((0, 0.02, 0.02, 0.02))


@pytest.mark.parametrize(
    "changes, found",
    [
        ({"accuracies": (0.1, 0.2)}, "accuracies must hold four numbers"),
        ({"accuracies": {"true": 0.1, "coin": 0.2}}, "accuracies must hold four numbers"),
        ({"accuracies": {1: 0.1, 2: 0.2, 3: 0.3, 4: 0.4}}, "accuracies must hold four numbers"),
        ({"accuracies": 0.4}, "accuracies must hold four numbers"),
        ({"accuracies": "0.40"}, "accuracies must hold four numbers"),
        ({"accuracies": (0.1, 0.2, 0.3, 1.5)}, "accuracy of true must be a fraction from 0 to 1, got 1.5"),
        ({"run_sd": (0.1, 0, 0, 0)}, "run_sd of frozen must be 0"),
        ({"run_sd": (0, 0.6, 0, 0)}, "run_sd of random must be a fraction from 0 to 0.5, got 0.6"),
        ({"item_correlation": 1.2}, "item_correlation must be a fraction"),
        ({"sample_correlation": 1.2}, "sample_correlation must be a fraction from item_correlation to 1"),
        ({"item_correlation": 0.7}, "sample_correlation must be a fraction from item_correlation to 1, got"),
    ],
)  # fmt: skip
def test_a_design_out_of_range_is_refused(changes, found):
    with pytest.raises(ValueError, match=found.replace("(", r"\(")):
        StudyDesign(**{"accuracies": (0.1, 0.2, 0.3, 0.4), **changes})


@pytest.mark.slow
@pytest.mark.parametrize("paired", [True, False])
@pytest.mark.parametrize(
    "design",
    [
        GUESS,
        StudyDesign((0.4, 0.43, 0.45, 0.66), n_items=100, n_runs=4, run_sd=(0, 0.02, 0.02, 0.02),
                    samples_per_item=2, item_correlation=0.3, sample_correlation=0.6),
        StudyDesign((0.3, 0.55, 0.55, 0.56), n_items=100, n_runs=2, run_sd=(0, 0.01, 0.01, 0.01)),
    ],
)  # fmt: skip
def test_the_chance_is_that_of_audits_of_simulated_answers(design, paired):
    n = 150
    found, plan = audited(design, n, paired=paired), planned(design, paired=paired)
    for layer, counts in found.items():
        for verdict, chance in plan.chances[layer].items():
            # Room of three points for the normal law, the draws' own error, and margins held at the guess.
            off = max(abs(counts[verdict] / n - chance) - 0.03, 0.0)
            assert off <= 3.5 * (max(chance * (1 - chance), 0.005) / n) ** 0.5, (layer, verdict, counts)


@pytest.mark.slow
def test_a_plan_of_another_design_is_noticed():
    found, n = audited(GUESS, 150, paired=True), 150
    wrong = planned(replace(GUESS, run_sd=(0, 0.0, 0.0, 0.0)))
    assert stats.binomtest(found["all"]["elicitation"], n, min(wrong.chance(), 0.999)).pvalue < 1e-6


def test_half_widths_by_hand_without_runs():
    design = StudyDesign((0.2, 0.4, 0.5, 0.7), n_items=400, n_runs=1)
    plan = planned(design)
    covariance = design.item_covariance()
    variance = covariance[1, 1] + covariance[0, 0] - 2 * covariance[0, 1]
    expected = stats.t.ppf(0.975, 399) * (variance / 400) ** 0.5
    assert plan.half_widths["items"]["null"] == pytest.approx(expected)
    assert plan.half_widths["all"]["null"] == pytest.approx(expected)


def test_arms_that_differ_on_no_item_are_as_wide_as_independent_ones():
    design = StudyDesign((0.0, 0.0, 1.0, 1.0), n_items=30, n_runs=3)
    paired, unpaired = planned(design), planned(design, paired=False)
    for layer in ("items", "all"):
        assert paired.half_widths[layer] == pytest.approx(unpaired.half_widths[layer])
    assert paired.half_widths["all"]["null"] > 0.05


def test_one_run_takes_its_spread_as_known():
    plan = planned(replace(GUESS, n_runs=1), paired=False, level=0.9)
    arms = {arm: Arm(arm, accuracy, 120) for arm, accuracy in zip(ARMS, GUESS.accuracies, strict=True)}
    (below,), (above,) = item_sampling(arms, level=0.9).margins(contrast("null"))
    run = stats.norm.ppf(0.95) * 0.03
    expected = (np.hypot(below, run) + np.hypot(above, run)) / 2
    assert plan.half_widths["all"]["null"] == pytest.approx(expected)


def test_the_expected_width_of_runs_is_that_of_their_estimated_spread():
    """Unpaired and with many items, half a width is t times the mean of a scaled chi."""
    design = replace(GUESS, n_items=10**6, n_runs=4, run_sd=(0, 0.03, 0.0, 0.0))
    plan = planned(design, paired=False, draws=40_000)
    expected = stats.t.ppf(0.975, 3) * 0.03 / 2 * stats.chi.mean(3) / 3**0.5
    assert plan.half_widths["all"]["null"] == pytest.approx(expected, rel=0.01)


def test_chances_add_up_and_are_shared_out_by_verdict():
    plan = planned(GUESS)
    assert plan.draws == 10_000
    for layer in ("items", "all"):
        assert list(plan.chances[layer]) == [*VERDICTS, "none"]
        assert sum(plan.chances[layer].values()) == pytest.approx(1)
        assert plan.chance(layer) == plan.chances[layer]["elicitation"]
        others = ("null", "reward design", "mixed")
        assert plan.wrong(layer) == pytest.approx(sum(plan.chances[layer][other] for other in others))
    assert plan.widest() == max(plan.half_widths["all"][p] for p in ("null", "elicitation", "reward_design"))


def test_a_sure_thing_and_a_hopeless_one():
    sure = StudyDesign((0.2, 0.2, 0.25, 0.8), n_items=5_000, n_runs=5, run_sd=(0, 0.005, 0.005, 0.005))
    assert planned(sure).chance() == 1 and planned(sure).verdict == "reward design"
    mixed = StudyDesign((0.2, 0.4, 0.6, 0.8), n_items=5_000, n_runs=8, run_sd=(0, 0.005, 0.005, 0.005))
    assert planned(mixed).verdict == "mixed" and planned(mixed).chance() > 0.99
    hopeless = StudyDesign((0.5, 0.52, 0.54, 0.56), n_items=30, run_sd=(0, 0.05, 0.05, 0.05))
    assert planned(hopeless).chance() < 0.02


def test_at_the_boundary_of_a_verdict_it_is_hardly_ever_said():
    boundary = StudyDesign((0.3, 0.3, 0.5, 0.7), n_items=500, n_runs=5, run_sd=(0, 0.02, 0.02, 0.02))
    chances = planned(boundary, draws=20_000).chances["all"]
    assert chances["elicitation"] <= 0.03 and chances["reward design"] <= 0.03


def test_outcomes_kept_runs_and_items_all_help():
    base = planned(GUESS)
    assert planned(GUESS, paired=False).chance() < base.chance()
    assert planned(replace(GUESS, n_runs=6)).chance() > base.chance()
    assert planned(replace(GUESS, n_items=500)).chance() > base.chance()
    assert planned(replace(GUESS, samples_per_item=8)).widest("items") < base.widest("items")


def test_runs_that_are_ignored_make_wrong_verdicts():
    """What the status of an audit, which speaks of items alone, cannot know."""
    near = StudyDesign((0.494, 0.60, 0.72, 0.75), n_items=2_000, n_runs=1, run_sd=(0, 0.065, 0.065, 0.065))
    plan = planned(near)
    assert plan.wrong("items") > 0.3 > 0.03 > plan.wrong("all")


def test_what_three_runs_confirm_depends_on_the_spread_of_each_arm():
    """Chapter 12's example: RANDOM's published spread lent to MAJORITY and TRUE, or those two at 2 points."""
    spread = default_run_sd()
    guess = StudyDesign((0.36, 0.42, 0.68, 0.71), n_items=500)

    def chances(random, others):
        sds = (0, random, others, others)
        return [planned(replace(guess, n_runs=n, run_sd=sds)).chance() for n in (3, 8, 12)]

    assert chances(spread.run_sd, spread.run_sd) == pytest.approx([0.11, 0.57, 0.75], abs=0.015)
    assert chances(spread.run_sd, 0.02) == pytest.approx([0.25, 0.79, 0.92], abs=0.015)
    assert chances(spread.low, spread.low) == pytest.approx([0.32, 0.90, 0.97], abs=0.015)
    assert chances(spread.high, spread.high) == pytest.approx([0.005, 0.06, 0.11], abs=0.015)


def test_the_published_rule_is_kept():
    design = StudyDesign((0.2, 0.2, 0.6, 0.62), n_items=1_000, n_runs=5, run_sd=(0, 0.01, 0.01, 0.01))
    plan = planned(design, rule="published")
    assert plan.verdict == "elicitation" and plan.chance() > 0.99 and plan.chances["all"]["null"] == 0


def test_the_same_arguments_give_the_same_numbers_and_another_seed_others():
    one, two, other = plan_study(GUESS), planned(GUESS), planned(GUESS, seed=1)
    assert (one.chances, one.half_widths) == (two.chances, two.half_widths)
    assert one.chances != other.chances and abs(one.chance() - other.chance()) < 0.03


def test_costs_by_hand():
    design = replace(GUESS, n_items=500, samples_per_item=4, n_runs=5)
    assert planned(design).cost == pytest.approx(15 + 500 * 4 * 16 / 300_000)
    assert planned(design, answers_per_run=1_000).cost == pytest.approx(15 + 32)


def test_the_cheapest_design_is_good_and_cheaper_ones_are_not():
    best = cheapest_design(GUESS, chance=0.8, items=(50, 200, 800), runs=(2, 9))
    assert best.chance() >= 0.8
    for size in (50, 200, 800):
        for runs in range(2, 10):
            tried = planned(replace(GUESS, n_items=size, n_runs=runs), draws=2_000)
            if tried.cost < best.cost:
                assert tried.chance() < 0.8


def test_a_dear_answer_buys_runs_instead_of_items():
    sought = {"chance": 0.8, "items": (50, 200, 1000), "draws": 1_000}
    cheap = cheapest_design(GUESS, **sought)
    dear = cheapest_design(GUESS, **sought, answers_per_run=200)
    assert dear.design.n_items < cheap.design.n_items and dear.design.n_runs >= cheap.design.n_runs


def test_a_wanted_half_width_is_reached():
    best = cheapest_design(GUESS, half_width=0.06, items=(100, 200, 500))
    assert best.widest() <= 0.06
    fewer = replace(best.design, n_runs=best.design.n_runs - 1)
    assert planned(fewer, draws=2_000).widest() > 0.06


def test_what_cannot_be_had_is_none():
    assert cheapest_design(GUESS, half_width=0.0001, items=(30, 5_000), draws=100) is None
    assert cheapest_design(GUESS, chance=0.99, runs=(2, 2), items=(30,)) is None


def test_one_run_an_arm_is_offered_only_if_asked_for():
    sure = StudyDesign((0.2, 0.2, 0.25, 0.8), run_sd=(0, 0.01, 0.01, 0.01))
    sought = {"chance": 0.8, "items": (500, 1000), "draws": 1_000}
    assert cheapest_design(sure, **sought).design.n_runs == 2
    assert cheapest_design(sure, **sought, runs=(1, 4)).design.n_runs == 1


def test_the_sizes_sought_among_are_those_of_a_contest_and_one_two_five_a_decade():
    decades = [digit * 10**power for power in (1, 2, 3) for digit in (1, 2, 5)]
    assert list(ITEMS) == [30, *(size for size in decades if size >= 50)]


@pytest.mark.parametrize(
    "call, found",
    [
        (lambda: plan_study(GUESS, level=1.0), "level must be a number strictly between 0 and 1, got 1.0"),
        (lambda: plan_study(GUESS, rule="mine"), "rule must be one of 'magnitude', 'published', got 'mine'"),
        (lambda: plan_study(GUESS, draws=10), "draws must be a whole number of at least 100, got 10"),
        (lambda: plan_study(GUESS).chance("runs"), "layer must be one of 'items', 'all', got 'runs'"),
        (lambda: plan_study(GUESS, answers_per_run=0), "answers_per_run must be a number above 0, got 0"),
        (lambda: plan_study(GUESS, answers_per_run=5e-324), "answers_per_run must be so large"),
        (lambda: cheapest_design(GUESS), "chance or half_width must be given, got neither"),
        (lambda: cheapest_design(GUESS, chance=1.0), "chance must be a number strictly between 0 and 1"),
        (lambda: cheapest_design(GUESS, half_width=0), "half_width must be a number strictly between"),
        (lambda: cheapest_design(GUESS, chance=0.8, runs=(5, 4)), "most runs must be a whole number from"),
        (lambda: cheapest_design(GUESS, chance=0.8, runs=(0, 4)), "fewest runs must be .* least 1, got 0"),
    ],
)
def test_what_is_refused(call, found):
    with pytest.raises(ValueError, match=found):
        call()
