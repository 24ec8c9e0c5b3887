"""Plans against the instrument itself: audits of simulated answers, limits, and arithmetic by hand."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from rlvr.arms import ARMS
from rlvr.auditing.cell_audit import audit
from rlvr.auditing.cells import Arm
from rlvr.auditing.sampling_error import item_sampling
from rlvr.auditing.verdict_rules import VERDICTS, contrast
from rlvr.planning.design_search import ITEMS, cheapest_design
from rlvr.planning.run_spreads import default_run_sd
from rlvr.planning.simulated_studies import StudyDesign, draw_outcomes, outcomes_table
from rlvr.planning.study_plans import Costs, plan_study

GUESS = StudyDesign((0.3, 0.33, 0.62, 0.66), n_items=120, n_runs=3, run_sd=(0, 0.03, 0.03, 0.03))


def audited(design, n, *, paired, seed=1, rule="magnitude"):
    """Verdicts that survive each layer in n simulated studies, by the whole instrument."""
    rng, tables = np.random.default_rng(seed), []
    for name in range(n):
        outcomes = draw_outcomes(design, rng)
        if paired:
            tables.append(outcomes_table({f"s{name}": outcomes}))
            continue
        scores = {arm: y.mean(axis=1) for arm, y in outcomes.items()}
        tables.append(
            pd.DataFrame(
                {
                    "study": f"s{name}", "model": "m", "benchmark": "b", "arm": ARMS,
                    "accuracy": [scores[arm].mean() for arm in ARMS], "n_items": design.n_items,
                    "n_runs": [len(scores[arm]) for arm in ARMS],
                    "run_sd": [scores[arm].std(ddof=1) if len(scores[arm]) > 1 else "" for arm in ARMS],
                }
            )
        )  # fmt: skip
    cells = audit(tables, rule=rule).cells
    found = {}
    for layer in ("items", "all"):
        layers = [cell.layer(layer) for cell in cells]
        found[layer] = Counter(at.verdict if at.survives else "none" for at in layers)
    return found


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
    found, plan = audited(design, n, paired=paired), plan_study(design, paired=paired)
    for layer, counts in found.items():
        for verdict, chance in plan.chances[layer].items():
            # Room of three points for the normal law, the draws' own error, and margins held at the guess.
            off = max(abs(counts[verdict] / n - chance) - 0.03, 0.0)
            assert off <= 3.5 * (max(chance * (1 - chance), 0.005) / n) ** 0.5, (layer, verdict, counts)


@pytest.mark.slow
def test_a_plan_of_another_design_is_noticed():
    found, n = audited(GUESS, 150, paired=True), 150
    wrong = plan_study(replace(GUESS, run_sd=(0, 0.0, 0.0, 0.0)))
    assert stats.binomtest(found["all"]["elicitation"], n, min(wrong.chance(), 0.999)).pvalue < 1e-6


def test_half_widths_by_hand_without_runs():
    design = StudyDesign((0.2, 0.4, 0.5, 0.7), n_items=400, n_runs=1)
    plan = plan_study(design)
    covariance = design.item_covariance()
    variance = covariance[1, 1] + covariance[0, 0] - 2 * covariance[0, 1]
    expected = stats.t.ppf(0.975, 399) * (variance / 400) ** 0.5
    assert plan.half_widths["items"]["null"] == pytest.approx(expected)
    assert plan.half_widths["all"]["null"] == pytest.approx(expected)


def test_arms_that_differ_on_no_item_are_as_wide_as_independent_ones():
    design = StudyDesign((0.0, 0.0, 1.0, 1.0), n_items=30, n_runs=3)
    paired, unpaired = plan_study(design), plan_study(design, paired=False)
    for layer in ("items", "all"):
        assert paired.half_widths[layer] == pytest.approx(unpaired.half_widths[layer])
    assert paired.half_widths["all"]["null"] > 0.05


def test_one_run_takes_its_spread_as_known():
    plan = plan_study(replace(GUESS, n_runs=1), paired=False, level=0.9)
    arms = {arm: Arm(arm, accuracy, 120) for arm, accuracy in zip(ARMS, GUESS.accuracies, strict=True)}
    (below,), (above,) = item_sampling(arms, level=0.9).margins(contrast("null"))
    run = stats.norm.ppf(0.95) * 0.03
    expected = (np.hypot(below, run) + np.hypot(above, run)) / 2
    assert plan.half_widths["all"]["null"] == pytest.approx(expected)


def test_the_expected_width_of_runs_is_that_of_their_estimated_spread():
    """Unpaired and with many items, half a width is t times the mean of a scaled chi."""
    design = replace(GUESS, n_items=10**6, n_runs=4, run_sd=(0, 0.03, 0.0, 0.0))
    plan = plan_study(design, paired=False, draws=40_000)
    expected = stats.t.ppf(0.975, 3) * 0.03 / 2 * stats.chi.mean(3) / 3**0.5
    assert plan.half_widths["all"]["null"] == pytest.approx(expected, rel=0.01)


def test_chances_add_up_and_are_shared_out_by_verdict():
    plan = plan_study(GUESS)
    for layer in ("items", "all"):
        assert list(plan.chances[layer]) == [*VERDICTS, "none"]
        assert sum(plan.chances[layer].values()) == pytest.approx(1)
        assert plan.chance(layer) == plan.chances[layer]["elicitation"]
        others = ("null", "reward design", "mixed")
        assert plan.wrong(layer) == pytest.approx(sum(plan.chances[layer][other] for other in others))
    assert plan.widest() == max(plan.half_widths["all"][p] for p in ("null", "elicitation", "reward_design"))


def test_a_sure_thing_and_a_hopeless_one():
    sure = StudyDesign((0.2, 0.2, 0.25, 0.8), n_items=5_000, n_runs=5, run_sd=(0, 0.005, 0.005, 0.005))
    assert plan_study(sure).chance() == 1 and plan_study(sure).verdict == "reward design"
    hopeless = StudyDesign((0.5, 0.52, 0.54, 0.56), n_items=30, run_sd=(0, 0.05, 0.05, 0.05))
    assert plan_study(hopeless).chance() < 0.02


def test_mixed_can_be_sure_too():
    mixed = StudyDesign((0.2, 0.4, 0.6, 0.8), n_items=5_000, n_runs=8, run_sd=(0, 0.005, 0.005, 0.005))
    assert plan_study(mixed).verdict == "mixed" and plan_study(mixed).chance() > 0.99


def test_at_the_boundary_of_a_verdict_it_is_hardly_ever_said():
    boundary = StudyDesign((0.3, 0.3, 0.5, 0.7), n_items=500, n_runs=5, run_sd=(0, 0.02, 0.02, 0.02))
    chances = plan_study(boundary, draws=20_000).chances["all"]
    assert chances["elicitation"] <= 0.03 and chances["reward design"] <= 0.03


def test_outcomes_kept_runs_and_items_all_help():
    base = plan_study(GUESS)
    assert plan_study(GUESS, paired=False).chance() < base.chance()
    assert plan_study(replace(GUESS, n_runs=6)).chance() > base.chance()
    assert plan_study(replace(GUESS, n_items=500)).chance() > base.chance()
    assert plan_study(replace(GUESS, samples_per_item=8)).widest("items") < base.widest("items")


def test_runs_that_are_ignored_make_wrong_verdicts():
    """What the status of an audit, which speaks of items alone, cannot know."""
    near = StudyDesign((0.494, 0.60, 0.72, 0.75), n_items=2_000, n_runs=1, run_sd=(0, 0.065, 0.065, 0.065))
    plan = plan_study(near)
    assert plan.wrong("items") > 0.3 > 0.03 > plan.wrong("all")


def test_what_three_runs_confirm_depends_on_the_spread_of_each_arm():
    """Chapter 17's example: RANDOM's published spread lent to MAJORITY and TRUE, or those two at 2 points."""
    spread = default_run_sd()
    guess = StudyDesign((0.36, 0.42, 0.68, 0.71), n_items=500)

    def chances(random, others):
        sds = (0, random, others, others)
        return [plan_study(replace(guess, n_runs=n, run_sd=sds)).chance() for n in (3, 8, 12)]

    assert chances(spread.run_sd, spread.run_sd) == pytest.approx([0.11, 0.57, 0.75], abs=0.015)
    assert chances(spread.run_sd, 0.02) == pytest.approx([0.25, 0.79, 0.92], abs=0.015)
    assert chances(spread.low, spread.low) == pytest.approx([0.32, 0.90, 0.97], abs=0.015)
    assert chances(spread.high, spread.high) == pytest.approx([0.005, 0.06, 0.11], abs=0.015)


def test_the_published_rule_is_kept():
    design = StudyDesign((0.2, 0.2, 0.6, 0.62), n_items=1_000, n_runs=5, run_sd=(0, 0.01, 0.01, 0.01))
    plan = plan_study(design, rule="published")
    assert plan.verdict == "elicitation" and plan.chance() > 0.99 and plan.chances["all"]["null"] == 0


def test_the_same_arguments_give_the_same_numbers_and_another_seed_others():
    one, two, other = plan_study(GUESS), plan_study(GUESS), plan_study(GUESS, seed=1)
    assert (one.chances, one.half_widths) == (two.chances, two.half_widths)
    assert one.chances != other.chances and abs(one.chance() - other.chance()) < 0.03


def test_costs_by_hand():
    design = replace(GUESS, n_items=500, samples_per_item=4, n_runs=5)
    assert Costs().of(design) == pytest.approx(15 + 500 * 4 * 16 / 300_000)
    assert Costs(answers_per_run=1_000).of(design) == pytest.approx(15 + 32)
    assert plan_study(design).cost == Costs().of(design)


def test_the_cheapest_design_is_good_and_cheaper_ones_are_not():
    best = cheapest_design(GUESS, chance=0.8, items=(50, 200, 800), runs=(2, 9))
    assert best.chance() >= 0.8
    for size in (50, 200, 800):
        for runs in range(2, 10):
            tried = plan_study(replace(GUESS, n_items=size, n_runs=runs), draws=2_000)
            if tried.cost < best.cost:
                assert tried.chance() < 0.8


def test_a_dear_answer_buys_runs_instead_of_items():
    cheap = cheapest_design(GUESS, chance=0.8)
    dear = cheapest_design(GUESS, chance=0.8, costs=Costs(answers_per_run=200))
    assert dear.design.n_items < cheap.design.n_items and dear.design.n_runs >= cheap.design.n_runs


def test_a_wanted_half_width_is_reached():
    best = cheapest_design(GUESS, half_width=0.06)
    assert best.widest() <= 0.06
    fewer = replace(best.design, n_runs=best.design.n_runs - 1)
    assert plan_study(fewer, draws=2_000).widest() > 0.06


def test_what_cannot_be_had_is_none():
    assert cheapest_design(GUESS, half_width=0.0001) is None
    assert cheapest_design(GUESS, chance=0.99, runs=(2, 2), items=(30,)) is None


def test_one_run_an_arm_is_offered_only_if_asked_for():
    sure = StudyDesign((0.2, 0.2, 0.25, 0.8), run_sd=(0, 0.01, 0.01, 0.01))
    assert cheapest_design(sure, chance=0.8).design.n_runs == 2
    assert cheapest_design(sure, chance=0.8, runs=(1, 4)).design.n_runs == 1


@pytest.mark.parametrize(
    "call, said",
    [
        (lambda: plan_study(GUESS, level=1.0), "level must be a number strictly between 0 and 1, got 1.0"),
        (lambda: plan_study(GUESS, rule="mine"), "rule must be one of 'magnitude', 'published', got 'mine'"),
        (lambda: plan_study(GUESS, draws=10), "draws must be a whole number of at least 100, got 10"),
        (lambda: plan_study(GUESS).chance("runs"), "layer must be one of 'items', 'all', got 'runs'"),
        (lambda: Costs(answers_per_run=0), "answers_per_run must be a number above 0, got 0"),
        (lambda: cheapest_design(GUESS), "chance or half_width must be given, got neither"),
        (lambda: cheapest_design(GUESS, chance=1.0), "chance must be a number strictly between 0 and 1"),
        (lambda: cheapest_design(GUESS, half_width=0), "half_width must be a number strictly between"),
        (lambda: cheapest_design(GUESS, chance=0.8, runs=(5, 4)), "most runs must be a whole number from"),
        (lambda: cheapest_design(GUESS, chance=0.8, runs=(0, 4)), "fewest runs must be .* least 1, got 0"),
    ],
)
def test_what_is_refused(call, said):
    with pytest.raises(ValueError, match=said):
        call()


def test_the_sizes_sought_among_are_those_of_a_contest_and_one_two_five_a_decade():
    decades = [digit * 10**power for power in (1, 2, 3) for digit in (1, 2, 5)]
    assert list(ITEMS) == [30, *(size for size in decades if size >= 50)]
