"""From a cell's arms to margins: what counts as one item, what is paired, what is known of runs."""

import math
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from rlvr.arms import ARMS
from rlvr.auditing.cell_verdicts import audit, contrast
from rlvr.auditing.cells import Arm, Cell
from rlvr.auditing.sampling import (
    contrast_interval,
    crossed_sampling,
    frozen_values,
    item_sampling,
    pairing_gain,
    run_sampling,
)
from rlvr.planning.study_plans import StudyDesign, draw_outcomes, outcomes_table
from rlvr.stats.sampling import FEWEST_RUNS, mean_squares, wilson

NULL, DESIGN, TOTAL = (contrast(term) for term in ("null", "reward_design", "total"))


def answered(name, outcomes, items="abcdef"):
    """An arm with outcomes (run, item)."""
    outcomes = np.array(outcomes, dtype=float)
    n_runs, n_items = outcomes.shape
    named = np.array(list(items[:n_items])) if n_items <= len(items) else np.arange(n_items)
    return Arm(name, float(outcomes.mean()), n_items, n_runs=n_runs, items=named, outcomes=outcomes)


def test_an_arm_s_margins_are_the_distances_to_its_interval():
    arms = {"true": Arm("true", 0.7, 30, samples_per_item=4), "frozen": Arm("frozen", 0.2, 50)}
    sampling = item_sampling(arms)
    (low, high), (base_low, base_high) = wilson(0.7, 30), wilson(0.2, 50)
    assert sampling.below.tolist() == pytest.approx([0.2 - base_low, 0, 0, 0.7 - low])
    assert sampling.above.tolist() == pytest.approx([base_high - 0.2, 0, 0, high - 0.7])
    assert (sampling.level, sampling.outcomes) == (0.95, None)
    assert item_sampling(arms, level=0.8).above[3] == pytest.approx(wilson(0.7, 30, level=0.8)[1] - 0.7)
    optimistic = item_sampling(arms, independent_samples=True)
    assert optimistic.below[3] == pytest.approx(0.7 - wilson(0.7, 120)[0])
    assert optimistic.below[0] == sampling.below[0]  # no number of samples is one sample
    unknown = item_sampling({"true": Arm("true", 0.7)})
    assert unknown.below[3] == unknown.above[3] == math.inf


@pytest.mark.parametrize("coefficients", [[-1, 1, 0, 0], [0, -1, 2, -1], [0.5, 0, 0, -0.5]])
def test_a_contrast_has_its_value_and_the_margins_of_its_arms(coefficients):
    accuracies, sizes = (0.25, 0.375, 0.5, 0.75), (50, 60, 70, 80)
    arms = {name: Arm(name, *arm) for name, *arm in zip(ARMS, accuracies, sizes, strict=True)}
    estimate = contrast_interval(arms, coefficients, level=0.9)
    value = sum(c * a for c, a in zip(coefficients, accuracies, strict=True))
    (below,), (above,) = item_sampling(arms, level=0.9).margins(coefficients)
    used = [n for c, n in zip(coefficients, sizes, strict=True) if c]
    assert estimate.value == value and (estimate.level, estimate.unit, estimate.n) == (0.9, "item", min(used))
    assert (estimate.low, estimate.high) == (value - below, value + above)
    assert estimate.low < value < estimate.high


def test_a_contrast_needs_its_arms_and_their_sizes_and_no_others():
    sizes = {"frozen": (0.25, 50), "majority": (0.5,), "true": (0.75, 50)}
    arms = {name: Arm(name, *arm) for name, arm in sizes.items()}
    assert contrast_interval(arms, [-1, 0, 0, 1]).low > 0
    unsized = contrast_interval(arms, [-1, 0, 1, 0])
    assert unsized.value == 0.25 and np.isnan(unsized.low)
    assert unsized.reason == "the number of items is not stated"
    with pytest.raises(ValueError, match="with a coefficient, frozen, random; got no random"):
        contrast_interval(arms, [-1, 1, 0, 0])


def test_outcomes_are_averaged_over_runs_and_then_paired_by_item():
    frozen, true = answered("frozen", [[0, 0, 1, 0], [0, 1, 1, 0]]), answered("true", [[1, 1, 1, 0]])
    sampling = item_sampling({"frozen": frozen, "true": true}, level=0.9)
    assert sampling.outcomes.tolist() == [[0, 0, 0, 1], [0.5, 0, 0, 1], [1, 0, 0, 1], [0, 0, 0, 0]]
    interval = stats.ttest_1samp([1, 0.5, 0, 0], 0).confidence_interval(0.9)
    below, above = sampling.margins(TOTAL)
    assert below[0] == above[0] == pytest.approx((interval.high - interval.low) / 2)


TWO_ITEMS = answered("frozen", [[0, 1]]), answered("true", [[1, 1]])


@pytest.mark.parametrize(
    ("frozen", "true", "paired"),
    [
        (*TWO_ITEMS, True),
        (answered("frozen", [[0]]), answered("true", [[1]]), False),  # one item has no spread
        (TWO_ITEMS[0], answered("true", [[1, 1]], "ac"), False),
        (TWO_ITEMS[0], answered("true", [[1, 1]], "ba"), False),
        (TWO_ITEMS[0], replace(TWO_ITEMS[1], outcomes=None), False),
        (TWO_ITEMS[0], replace(TWO_ITEMS[1], items=None), False),
        (replace(TWO_ITEMS[0], items=None), TWO_ITEMS[1], False),
        (Arm("frozen", 0.5, 2), Arm("true", 0.5, 2), False),
    ],
)
def test_arms_are_paired_when_all_answered_the_same_items(frozen, true, paired):
    assert (item_sampling({"frozen": frozen, "true": true}).outcomes is not None) == paired


def test_one_arm_alone_or_none_is_not_paired():
    assert item_sampling({"true": answered("true", [[1, 0, 1]])}).outcomes is None
    assert item_sampling({}).outcomes is None


def test_pairing_gain_is_the_ratio_of_widths():
    rng = np.random.default_rng(5)
    base = rng.random((1, 400)) < 0.5
    true = base ^ (rng.random(400) < 0.1)  # the arms agree on nine items of ten
    items = item_sampling({"frozen": answered("frozen", base), "true": answered("true", true)})
    gains = pairing_gain(items, {"total": TOTAL, "nothing": np.zeros(4)})
    unpaired = np.add(*replace(items, outcomes=None).margins(TOTAL))[0]
    assert gains == {"total": pytest.approx(unpaired / np.add(*items.margins(TOTAL))[0])}
    # Theory: var of independent arms 2 * 1/4 against the share of items that differ, 0.1.
    assert gains["total"] == pytest.approx(np.sqrt(0.5 / 0.1), rel=0.2)
    assert pairing_gain(item_sampling({"true": Arm("true", 0.5, 10)}), {"total": TOTAL}) == {}


@pytest.mark.parametrize(
    ("n_runs", "stated", "behind", "assumed", "half_width"),
    [
        (None, None, None, None, 0.0),
        (None, 0.02, None, None, stats.norm.ppf(0.9) * 0.02),
        (1, 0.02, None, None, stats.norm.ppf(0.9) * 0.02),  # one run did not estimate its own spread
        (1, 0.02, 7, None, stats.t.ppf(0.9, 6) * 0.02),  # lent by repeats elsewhere
        (2, 0.02, None, None, stats.t.ppf(0.9, 1) * 0.02 / math.sqrt(2)),
        (2, 0.02, 7, None, stats.t.ppf(0.9, 6) * 0.02 / math.sqrt(2)),
        (2, None, None, 0.02, stats.norm.ppf(0.9) * 0.02 / math.sqrt(2)),  # assumed, not estimated
        (5, 0.02, None, 0.5, stats.t.ppf(0.9, 4) * 0.02 / math.sqrt(5)),
        (5, 0.0, None, None, 0.0),
    ],
)
def test_half_widths_from_run_to_run(n_runs, stated, behind, assumed, half_width):
    arms = {"random": Arm("random", 0.5, n_runs=n_runs, run_sd=stated, run_sd_runs=behind)}
    found, unknown = run_sampling(arms, level=0.8, assumed_run_sd=assumed)
    assert found.runs.tolist() == pytest.approx([0, half_width, 0, 0])
    assert unknown == (("random",) if stated is None and assumed is None else ())
    assert (found.level, found.below, found.above) == (0.8, 0.0, 0.0)


def test_run_spread_of_several_arms_and_never_of_frozen():
    arms = {name: Arm(name, 0.5, run_sd=None if name == "majority" else 0.02) for name in ARMS}
    found, unknown = run_sampling(arms)
    width = stats.norm.ppf(0.975) * 0.02
    assert found.runs.tolist() == pytest.approx([0, width, 0, width])
    assert unknown == ("majority",) and found.level == 0.95
    assert run_sampling(arms, assumed_run_sd=0.02)[0].runs[2] == pytest.approx(width)


def cell(frozen=0.5, readings=()):
    arms = {"true": Arm("true", 0.9)} | ({} if frozen is None else {"frozen": Arm("frozen", frozen)})
    others = (*(Arm("frozen", reading) for reading in readings), Arm("true", 0.1))
    return Cell("s", "", "m", "b", arms, others)


@pytest.mark.parametrize(
    ("given", "shift", "ends"),
    [
        (cell(), 0.2, (0.3, 0.7)),
        (cell(0.1), 0.2, (0.0, 0.3)),
        (cell(0.95), 0.2, (0.75, 1.0)),
        (cell(0.5, (0.4, 0.8)), None, (0.4, 0.8)),
        (cell(0.3, (0.4, 0.8)), 0.5, (0.3, 0.8)),  # readings are better than a guess
        (cell(0.9, (0.4,)), None, (0.4, 0.9)),
    ],
)
def test_frozen_runs_through_41_values(given, shift, ends):
    values = frozen_values(given, shift)
    assert values == pytest.approx([ends[0] + step / 40 * (ends[1] - ends[0]) for step in range(41)])


@pytest.mark.parametrize(("given", "shift"), [(cell(None), 0.2), (cell(), None), (cell(), 0.0)])
def test_frozen_stays_where_nothing_moves_it(given, shift):
    assert frozen_values(given, shift) == []


def drawn(seed=0, **changes):
    """Outcomes by arm of a simulated study."""
    design = StudyDesign(**{"accuracies": (0.3, 0.4, 0.6, 0.7), "n_items": 60, "n_runs": 6,
                            "run_sd": (0, 0.05, 0.03, 0.02), **changes})  # fmt: skip
    return draw_outcomes(design, np.random.default_rng(seed))


def arms_of(outcomes):
    return {name: answered(name, y) for name, y in outcomes.items()}


def test_repeated_arms_on_the_same_items_are_crossed():
    outcomes = drawn(7)
    outcomes["frozen"] = np.repeat(outcomes["frozen"], 3, axis=0) * [[1.0], [0.5], [0.0]]
    outcomes["true"] = outcomes["true"][:1]
    arms = arms_of(outcomes)
    crossed = crossed_sampling(arms, level=0.8, assumed_run_sd=0.1)
    expected = [(0.0, 0.0), *(mean_squares(outcomes[name]) for name in ("random", "majority")), (0.0, 0.0)]
    assert list(zip(crossed.run_squares, crossed.rest_squares, strict=True)) == expected  # FROZEN has no run
    assert crossed.n_runs.tolist() == [1, 6, 6, 1]
    assert crossed.assumed_run_sd.tolist() == [0, 0, 0, 0.1] and crossed.items.level == 0.8
    assert (crossed.items.outcomes == item_sampling(arms).outcomes).all()
    silent = crossed_sampling(arms)
    assert silent.assumed_run_sd.tolist() == [0, 0, 0, 0] and silent.items.level == 0.95


def test_what_is_not_repeated_or_has_no_outcomes_is_not_crossed():
    once = arms_of(drawn(6, n_runs=1))
    assert crossed_sampling(once) is None and crossed_sampling(once, assumed_run_sd=0.1) is not None
    partly = arms_of(drawn()) | {"true": Arm("true", 0.7, 60, n_runs=4, run_sd=0.02)}
    assert crossed_sampling(partly) is None
    assert crossed_sampling({"frozen": once["frozen"]}, assumed_run_sd=0.1) is None


def crossed_coverage(design, contrast, *, level=0.95, replicates=500, seed=0):
    """In how many simulated studies the interval of a contrast holds what the arms have in the long run."""
    rng, covered = np.random.default_rng(seed), {"items and runs": 0, "items": 0}
    for _ in range(replicates):
        arms = arms_of(draw_outcomes(design, rng))
        error = contrast @ (np.array([arms[name].accuracy for name in ARMS]) - design.accuracies)
        crossed = crossed_sampling(arms, level=level)
        for name, sampling in (("items and runs", crossed), ("items", crossed.items)):
            (below,), (above,) = sampling.margins(contrast)
            covered[name] += bool(-above <= error <= below)
    return covered


@pytest.mark.slow
@pytest.mark.parametrize("n_runs, run_sd", [(3, 0.0), (3, 0.03), (5, 0.065)])
def test_coverage_is_nominal_and_ignoring_runs_is_not(n_runs, run_sd):
    design = StudyDesign((0.4, 0.5, 0.6, 0.65), n_items=150, n_runs=n_runs, run_sd=(0, *[run_sd] * 3))
    covered = crossed_coverage(design, DESIGN, replicates=800, seed=11)
    assert stats.binomtest(covered["items and runs"], 800, 0.95, alternative="less").pvalue > 0.001
    if n_runs >= FEWEST_RUNS:  # with fewer it is conservative, and meant to be
        assert covered["items and runs"] < 0.985 * 800
    ignoring = stats.binomtest(covered["items"], 800, 0.95, alternative="less").pvalue
    assert ignoring < 1e-6 if run_sd else ignoring > 0.001


@pytest.mark.slow
def test_two_runs_cover_at_least_what_is_said():
    design = StudyDesign((0.4, 0.5, 0.6, 0.65), n_items=150, n_runs=2, run_sd=(0, 0.065, 0.065, 0.065))
    covered = crossed_coverage(design, NULL, replicates=500, seed=3)
    assert stats.binomtest(covered["items and runs"], 500, 0.95, alternative="less").pvalue > 0.001
    assert covered["items"] < 0.85 * 500


def test_another_level_is_covered():
    design = StudyDesign((0.4, 0.5, 0.6, 0.65), n_items=100, n_runs=6, run_sd=(0, 0.05, 0.05, 0.05))
    covered = crossed_coverage(design, DESIGN, level=0.7, replicates=300, seed=5)["items and runs"]
    assert stats.binomtest(covered, 300, 0.7).pvalue > 0.001


def test_the_audit_of_repeated_runs_has_the_layer():
    (cell,) = audit(outcomes_table({"s": drawn(1)})).cells
    layer = cell.layer("items and runs")
    assert layer.note == "crossed, paired by item" and cell.layer("runs") is None
    value = cell.cell.arms["random"].accuracy - cell.cell.arms["frozen"].accuracy
    (below,), (above,) = crossed_sampling(cell.cell.arms).margins(NULL)
    assert layer.terms["null"] == pytest.approx((value - below, value + above))
    assert cell.layer("all").terms["null"] == layer.terms["null"]
    assert layer.terms["null"][0] < cell.layers[0].terms["null"][0]


def test_the_audit_names_the_arm_without_repeats():
    outcomes = drawn(1)
    outcomes["true"] = outcomes["true"][:1]
    (cell,) = audit(outcomes_table({"s": outcomes})).cells
    assert cell.layer("items and runs").note == "crossed, paired by item; not known, so left out: true"
