"""Margins by hand: ends of the unit interval, defaults, what counts as one item, what is paired with what."""

import math
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from rlvr.arms import ARMS
from rlvr.auditing.cells import Arm, Cell
from rlvr.auditing.sampling_error import (
    Sampling,
    frozen_values,
    item_sampling,
    pairing_gain,
    run_sampling,
    simulated_coverage,
    wilson,
)

DIFFERENCE = [-1.0, 0.0, 0.0, 1.0]  # TRUE - FROZEN


def test_wilsons_interval_never_leaves_the_unit_interval_by_rounding():
    for n in range(1, 400):
        for level in (0.5, 0.8, 0.95):
            assert wilson(0.0, n, level=level)[0] == 0.0
            assert wilson(1.0, n, level=level)[1] == 1.0


def test_an_interval_holds_its_own_accuracy_and_is_95_percent_unless_said():
    assert wilson(0.3, 10) == wilson(0.3, 10, level=0.95) != wilson(0.3, 10, level=0.96)
    z2 = stats.norm.ppf(0.75) ** 2  # at a level of 0.5; ends solve n (p - x)**2 = z**2 p (1 - p)
    for end in wilson(0.25, 8, level=0.5):
        assert 8 * (end - 0.25) ** 2 == pytest.approx(z2 * end * (1 - end))


def test_margins_of_a_contrast_add_in_quadrature_on_the_side_that_moves_it():
    sampling = Sampling(np.array([3.0, 0, 0, 5.0]), np.array([4.0, 0, 0, 12.0]), np.zeros(4))
    below, above = sampling.margins(DIFFERENCE)
    assert (below[0], above[0]) == (pytest.approx(math.hypot(4, 5)), pytest.approx(math.hypot(3, 12)))
    twice, _ = sampling.margins([[-2.0, 0, 0, 0], [0, 0, 0, 0.5]])
    assert twice.tolist() == [8.0, 2.5]
    with_runs = sampling.with_runs(np.array([0, 0, 0, 2.0])).margins(DIFFERENCE)
    assert with_runs[0][0] == pytest.approx(math.sqrt(4**2 + 5**2 + 2**2))
    assert with_runs[1][0] == pytest.approx(math.sqrt(3**2 + 12**2 + 2**2))


def test_nothing_uncertain_has_no_margin():
    nothing = Sampling.none()
    assert nothing.level == 0.95 and Sampling.none(0.8).level == 0.8
    assert [margin.tolist() for margin in nothing.margins(DIFFERENCE)] == [[0.0], [0.0]]
    assert nothing.outcomes is None and Sampling(nothing.below, nothing.above, nothing.runs).level == 0.95


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


def answered(name, outcomes, items="abcdef"):
    """An arm with outcomes (run, item)."""
    outcomes = np.array(outcomes, dtype=float)
    named = np.array(list(items[: outcomes.shape[1]]))
    return Arm(name, float(outcomes.mean()), outcomes.shape[1], items=named, outcomes=outcomes)


def test_outcomes_are_averaged_over_runs_and_then_paired_by_item():
    arms = {
        "frozen": answered("frozen", [[0, 0, 1, 0], [0, 1, 1, 0]]),
        "true": answered("true", [[1, 1, 1, 0]]),
    }
    sampling = item_sampling(arms, level=0.9)
    assert sampling.outcomes.tolist() == [[0, 0, 0, 1], [0.5, 0, 0, 1], [1, 0, 0, 1], [0, 0, 0, 0]]
    interval = stats.ttest_1samp([1, 0.5, 0, 0], 0).confidence_interval(0.9)
    below, above = sampling.margins(DIFFERENCE)
    assert below[0] == above[0] == pytest.approx((interval.high - interval.low) / 2)


@pytest.mark.parametrize(
    ("frozen", "true", "paired"),
    [
        (answered("frozen", [[0, 1]]), answered("true", [[1, 1]]), True),
        (answered("frozen", [[0]]), answered("true", [[1]]), False),  # one item has no spread
        (answered("frozen", [[0, 1]]), answered("true", [[1, 1]], "ac"), False),
        (answered("frozen", [[0, 1]]), replace(answered("true", [[1, 1]]), outcomes=None), False),
        (answered("frozen", [[0, 1]]), replace(answered("true", [[1, 1]]), items=None), False),
        (replace(answered("frozen", [[0, 1]]), items=None), answered("true", [[1, 1]]), False),
        (Arm("frozen", 0.5, 2), Arm("true", 0.5, 2), False),
    ],
)
def test_arms_are_paired_when_all_answered_the_same_items(frozen, true, paired):
    assert (item_sampling({"frozen": frozen, "true": true}).outcomes is not None) == paired


def test_one_arm_alone_or_none_is_not_paired():
    assert item_sampling({"true": answered("true", [[1, 0, 1]])}).outcomes is None
    assert item_sampling({}).outcomes is None


def test_a_contrast_that_no_item_moves_keeps_its_unpaired_margin():
    same = {name: answered(name, [[0, 1, 1]]) for name in ("frozen", "true")}
    unpaired = replace(item_sampling(same), outcomes=None)
    assert item_sampling(same).margins(DIFFERENCE) == unpaired.margins(DIFFERENCE)


def test_pairing_gain_leaves_out_a_contrast_without_a_width():
    arms = {"frozen": answered("frozen", [[0, 0, 1, 0]]), "true": answered("true", [[1, 0, 1, 0]])}
    items = item_sampling(arms)
    unpaired = np.add(*replace(items, outcomes=None).margins(DIFFERENCE))[0]
    gains = pairing_gain(items, {"gain": np.array(DIFFERENCE), "nothing": np.zeros(4)})
    assert gains == {"gain": pytest.approx(unpaired / np.add(*items.margins(DIFFERENCE))[0])}


@pytest.mark.parametrize(
    ("n_runs", "stated", "assumed", "half_width"),
    [
        (None, None, None, 0.0),
        (None, 0.02, None, stats.norm.ppf(0.9) * 0.02),
        (1, 0.02, None, stats.norm.ppf(0.9) * 0.02),  # one run did not estimate its own spread
        (2, 0.02, None, stats.t.ppf(0.9, 1) * 0.02 / math.sqrt(2)),
        (2, None, 0.02, stats.norm.ppf(0.9) * 0.02 / math.sqrt(2)),  # assumed, not estimated
        (5, 0.02, 0.5, stats.t.ppf(0.9, 4) * 0.02 / math.sqrt(5)),
        (5, 0.0, None, 0.0),
    ],
)
def test_half_widths_from_run_to_run(n_runs, stated, assumed, half_width):
    arms = {"random": Arm("random", 0.5, n_runs=n_runs, run_sd=stated)}
    found, unknown = run_sampling(arms, level=0.8, assumed_run_sd=assumed)
    assert found.runs.tolist() == pytest.approx([0, half_width, 0, 0])
    assert unknown == (("random",) if stated is None and assumed is None else ())
    assert (found.level, found.below.any(), found.above.any()) == (0.8, False, False)


def test_run_spread_of_several_arms_and_at_95_percent_unless_said():
    arms = {name: Arm(name, 0.5, run_sd=None if name == "majority" else 0.02) for name in ARMS}
    found, unknown = run_sampling(arms)
    assert found.runs.tolist() == pytest.approx(
        [0, stats.norm.ppf(0.975) * 0.02, 0, stats.norm.ppf(0.975) * 0.02]
    )
    assert unknown == ("majority",) and found.level == 0.95


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


@pytest.mark.parametrize(("n_items", "shared", "samples"), [(30, True, 1), (30, False, 1), (20, True, 8)])
def test_simulated_coverage_counts_these_tables(n_items, shared, samples):
    """In plain steps: unequal hardness, answers, Newcombe's interval of two arms or Wilson's of one."""
    rng, held = np.random.default_rng(np.random.SeedSequence(3, spawn_key=(n_items, samples))), 0
    for _ in range(60):
        hardness = rng.beta(0.5, 0.5, (2, n_items))
        base, true = rng.binomial(samples, hardness[[0, 0]] if shared else hardness).mean(axis=1) / samples
        low, high = wilson(true, n_items * samples)
        if samples > 1:
            held += low <= 0.5 <= high
            continue
        base_low, base_high = wilson(base, n_items)
        error = true - base
        held += -math.hypot(high - true, base - base_low) <= error <= math.hypot(true - low, base_high - base)
    found = simulated_coverage(n_items, shared=shared, samples=samples, replicates=60, seed=3)
    assert found == held / 60 and found > 0.5


def test_simulated_coverage_of_shared_items_500_times_unless_said():
    assert simulated_coverage(12) == simulated_coverage(12, shared=True, samples=1, replicates=500, seed=0)
    other = simulated_coverage(12, shared=False, replicates=500, seed=0)
    assert simulated_coverage(12, shared=False) == other != simulated_coverage(12)
    assert simulated_coverage(12, shared=False, seed=1) != other
