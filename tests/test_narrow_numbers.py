"""Numbers stay what they were: a narrow type of NumPy gives what Python's own numbers give."""

import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from rlvr.arms import ARMS
from rlvr.auditing.audit_output import to_dict
from rlvr.auditing.cell_verdicts import audit, feasible, identified_sets, tipping_points, verdicts_at
from rlvr.auditing.cells import Arm, Cell
from rlvr.auditing.families import judge_family, pooled_term, verdict_p_value
from rlvr.auditing.sampling import (
    contrast_interval,
    crossed_sampling,
    frozen_values,
    item_sampling,
    run_sampling,
)
from rlvr.decomposition import decompose
from rlvr.planning.pilots import item_correlation, pilot_design
from rlvr.planning.study_plans import StudyDesign, cheapest_design, draw_outcomes, outcomes_table, plan_study
from rlvr.stats import claims, estimates, power, spreads
from rlvr.stats import sampling as s

RUNS = [0, 1, 3, 7, 2, 9]
OTHER = [10, 11, 15, 17, 12, 19]
OUTCOMES = [[0, 1, 1, 0, 1, 1], [1, 1, 0, 0, 1, 1]]


def design(n, f):
    return StudyDesign(tuple(map(f, (0.25, 0.25, 0.3, 0.75))), n_items=n(200),
                       samples_per_item=n(4), n_runs=n(3), run_sd=tuple(map(f, (0, 0.01, 0.02, 0.03))),
                       item_correlation=f(0.25), sample_correlation=f(0.5))  # fmt: skip


def arms(n, f):
    answers = n(OUTCOMES)
    return {
        name: Arm(name, f(accuracy), n(200), n(4), n(3), None if name == "frozen" else f(0.03),
                  items=np.arange(6), outcomes=answers[:, ::-1] if name == "true" else answers)
        for name, accuracy in zip(ARMS, (0.25, 0.25, 0.3, 0.75), strict=True)
    }  # fmt: skip


def table(n, f):
    return pd.DataFrame({
        "study": "s", "model": "m", "benchmark": "b", "arm": ARMS, "n_items": n([200] * 4),
        "samples_per_item": n([4] * 4), "accuracy": [0.25, 0.25, 0.375, 0.75], "run_sd": f([0.125] * 4),
    })  # fmt: skip


def audited(n, f):
    return audit(table(n, f), level=f(0.9), run_sd=f(0.02), frozen_shift=f(0.05))


# Each takes a counting and a measuring type; `n` and `f` turn numbers and lists into them.
FUNCTIONS = {
    "mean_interval": lambda n, f: estimates.mean_interval(n(RUNS), level=f(0.9)),
    "ratio_interval": lambda n, f: estimates.ratio_interval(n(RUNS), n(OTHER), level=f(0.9)),
    "crossing_interval": lambda n, f: estimates.crossing_interval(
        n([0, 100, 200]), f([[-3.0, -1, -2], [-1.0, 0, -1], [1.0, 2, 2]]), level=f(0.9)
    ),
    "welch_half_width": lambda n, f: estimates.welch_half_width(f([0.5, 0.25]), n([200, 100]), level=f(0.9)),
    "mean_claim": lambda n, f: claims.mean_claim(n(RUNS), low=n(1), high=n(200)),
    "equivalence": lambda n, f: claims.equivalence(n(RUNS), n(200)),
    "ratio_claim": lambda n, f: claims.ratio_claim(n(RUNS), n(OTHER), low=f(0.1), high=n(200)),
    "linearised_ratio": lambda n, f: claims.linearised_ratio(n(RUNS), n(OTHER)),
    "proportion_claim": lambda n, f: claims.proportion_claim(n(100), n(200), low=f(0.3)),
    "spread_claim": lambda n, f: claims.spread_claim(n(RUNS), low=n(20), high=n(200)),
    "spread_ratio_claim": lambda n, f: claims.spread_ratio_claim(n(RUNS), n(OTHER), high=n(20)),
    "far_claim": lambda n, f: claims.far_claim(n(RUNS), by=f(2.5), low=f(0.1)),
    "verdicts": lambda n, f: claims.verdicts({"a": claims.mean_claim(n(RUNS), low=n(1))}, level=f(0.9)),
    "task_draws_needed": lambda n, f: power.task_draws_needed(f(0.3), n(1), alpha=f(0.05), power=f(0.8)),
    "half_width_draws": lambda n, f: power.half_width_draws(f(0.3), n(2), level=f(0.9)),
    "studies_needed": lambda n, f: power.studies_needed(f(0.7), f(0.5), alpha=f(0.05), power=f(0.8)),
    "power_of_difference": lambda n, f: power.power_of_difference(n(14), (f(6.5), n(200)), (n(200), n(100))),
    "power_of_variance_ratio": lambda n, f: power.power_of_variance_ratio(
        f(1.3), (n(200), n(255)), level=f(0.9)
    ),
    "power_of_proportions": lambda n, f: power.power_of_proportions(
        (f(0.1), f(0.4)), (n(20), n(25)), level=f(0.9)
    ),
    "fewest_runs": lambda n, f: power.fewest_runs(
        lambda runs: 1 - 0.9 ** runs[0], power=f(0.8), at_most=n(200)
    ),
    "deviation_interval": lambda n, f: spreads.deviation_interval(n(RUNS), level=f(0.9)),
    "deviation_ratio": lambda n, f: spreads.deviation_ratio(n(RUNS), n(OTHER), level=f(0.9)),
    "paired_deviation_ratio": lambda n, f: spreads.paired_deviation_ratio(n(RUNS), n(OTHER), level=f(0.9)),
    "same_mean": lambda n, f: spreads.same_mean(n(RUNS), n(OTHER)),
    "same_spread": lambda n, f: spreads.same_spread(n(RUNS), n(OTHER)),
    "two_sided_quantile": lambda n, f: (s.two_sided_quantile(f(0.9)), s.two_sided_quantile(f(0.9), n(200))),
    "wilson": lambda n, f: s.wilson(f(0.3), n(200), level=f(0.9)),
    "mean_squares": lambda n, f: (s.mean_squares(n(OUTCOMES)), s.mean_squares(f(OUTCOMES))),
    "crossed_margins": lambda n, f: s.crossed_margins(
        f([0.25]), n(200), f([0, 0, 0.01, 0.003]), f([0, 0, 0.5, 0.09]), n([1, 1, 200, 100]),
        n([[0, 0, 1, 1]]), assumed_run_sd=f([0, 0.1, 0, 0]), level=f(0.9),
    ),
    "decompose": lambda n, f: decompose(
        frozen=n(OTHER), random=n(RUNS), majority=n(OTHER), true=n(RUNS), level=f(0.9)
    ),
    "decompose numbers": lambda n, f: decompose(
        frozen=n(9), random=n(5), majority=n(7), true=n(1), level=f(0.9)
    ),
    "identified_sets": lambda n, f: identified_sets({"frozen": n(1), "random": n(0), "true": f(0.3)}),
    "feasible": lambda n, f: feasible({"frozen": n(1), "random": n(0), "true": f(0.3)}, frozen=f([0.2, 0.4])),
    "tipping_points": lambda n, f: tipping_points(f([0.25, 0.2, 0.3, 0.6])),
    "verdicts_at": lambda n, f: verdicts_at(n([1, 0, 1, 1])),
    "audit": lambda n, f: to_dict(audited(n, f)),
    "verdict_p_value": lambda n, f: verdict_p_value(Cell("s", "", "m", "b", arms(n, f))),
    "judge_family": lambda n, f: judge_family(audited(n, f).cells, level=f(0.9)).by_chance,
    "pooled_term": lambda n, f: pooled_term(
        [audit(table(n, f).assign(accuracy=f([0.25, at, 0.5, 0.75]))).cells[0] for at in (0.1, 0.2, 0.4)],
        "null", level=f(0.9),
    ),
    "contrast_interval": lambda n, f: contrast_interval(arms(n, f), n([0, 1, 1, 1]), level=f(0.9)),
    "item_sampling": lambda n, f: item_sampling(
        arms(n, f), independent_samples=True
    ).margins(n([[0, 1, 0, 0]])),
    "run_sampling": lambda n, f: run_sampling(arms(n, f), assumed_run_sd=f(0.1))[0].runs,
    "crossed_sampling": lambda n, f: crossed_sampling(arms(n, f), level=f(0.9)).margins(n([[0, 1, 0, 1]])),
    "frozen_values": lambda n, f: frozen_values(Cell("s", "", "m", "b", arms(n, f)), float(f(0.1))),
    "item_correlation": lambda n, f: item_correlation(arms(n, f)),
    "pilot_design": lambda n, f: pilot_design(Cell("s", "", "m", "b", arms(n, f))).cost(f(1000.0)),
    "StudyDesign": lambda n, f: (
        design(n, f), design(n, f).cost(f(10_000.0)), design(n, f).item_covariance()
    ),
    "plan_study": lambda n, f: plan_study(
        design(n, f), level=f(0.9), answers_per_run=f(10_000.0), draws=n(200)
    ),
    "cheapest_design": lambda n, f: cheapest_design(
        design(n, f), chance=f(0.8), half_width=f(0.2), items=n([100, 200]), runs=(n(2), n(10)), level=f(0.9),
        answers_per_run=f(10_000.0), draws=n(200),
    ),
    "draw_outcomes": lambda n, f: outcomes_table(
        {"s": draw_outcomes(design(n, f), np.random.default_rng(0))}
    ).to_numpy(),
}  # fmt: skip


def narrowly(kind):
    return lambda values: kind(values) if np.ndim(values) == 0 else np.array(values, dtype=kind)


def plainly(kind):
    """The same values in Python's own types, or the widest arrays."""

    def wide(values):
        narrow = np.array(values, dtype=kind)
        return (
            narrow.item() if narrow.ndim == 0 else narrow.astype(float if narrow.dtype.kind == "f" else int)
        )

    return wide


def at_level(level):
    return lambda values: np.array(values) if np.ndim(values) else level if values == 0.9 else values


@pytest.mark.parametrize(("count", "measure"), [(np.uint8, np.float16), (np.int16, np.float32)])
@pytest.mark.parametrize("function", FUNCTIONS.values(), ids=FUNCTIONS)
def test_a_narrow_type_changes_no_bit(function, count, measure):
    wide, narrow = function(plainly(count), plainly(measure)), function(narrowly(count), narrowly(measure))
    np.testing.assert_equal(narrow, wide)


def test_outcomes_in_bits_and_halves_are_outcomes():
    answers = np.array(OUTCOMES)
    expected = s.mean_squares(answers.astype(float))
    for kind in (bool, np.uint8, np.float16):
        assert s.mean_squares(answers.astype(kind)) == expected
        assert Arm("true", 0.5, outcomes=answers.astype(kind)).outcomes.dtype == float
    frame = pd.DataFrame({"study": "s", "model": "m", "benchmark": "b", "arm": "true", "run": 1,
                          "item": np.arange(6, dtype=np.uint8), "correct": answers[0]})  # fmt: skip
    cells = [
        audit(frame.astype({"correct": kind})).cells[0].cell.arms["true"] for kind in (bool, int, np.uint8)
    ]
    assert {cell.accuracy for cell in cells} == {4 / 6}


# Levels and spreads at the ends of what there is ------------------------------------------------------

LEVELS = {
    name: FUNCTIONS[name]
    for name in (
        "mean_interval", "ratio_interval", "crossing_interval", "welch_half_width", "half_width_draws",
        "power_of_variance_ratio", "power_of_proportions", "deviation_interval", "deviation_ratio",
        "paired_deviation_ratio", "two_sided_quantile", "wilson", "crossed_margins", "decompose", "verdicts",
        "decompose numbers", "audit", "contrast_interval", "plan_study", "cheapest_design",
    )
}  # fmt: skip


@pytest.mark.parametrize(
    "level", [0.9999999999999999, 1 - 1e-14, 5e-324, 1e-300, 1e-17, 0.0, 1.0, math.nan, 2]
)
@pytest.mark.parametrize("function", LEVELS.values(), ids=LEVELS)
def test_a_level_next_to_0_and_1_is_named(function, level):
    with pytest.raises(ValueError, match=r"^level must be a number strictly between 0 and 1"):
        function(plainly(int), at_level(level))


@pytest.mark.parametrize("level", [1e-13, 1e-9, 1 - 1e-9, 1 - 1e-13])
@pytest.mark.parametrize("name", sorted(LEVELS.keys() - {"ratio_interval", "decompose", "decompose numbers"}))
def test_a_level_that_is_taken_gives_numbers(name, level):
    assert "nan" not in repr(LEVELS[name](plainly(int), at_level(level)))


TINY = {
    "mean": lambda v, w: estimates.mean_interval(v),
    "ratio": lambda v, w: estimates.ratio_interval(v, w),
    "deviation": lambda v, w: spreads.deviation_interval(v),
    "deviations": lambda v, w: spreads.deviation_ratio(v, w),
    "paired": lambda v, w: spreads.paired_deviation_ratio(v, w),
}


@pytest.mark.parametrize("tiny", [2.0**-500, 2.0**-700, 2.0**-1000])
@pytest.mark.parametrize("interval", TINY.values(), ids=TINY)
def test_an_interval_of_tiny_values_is_that_of_larger_ones(interval, tiny):
    v, w = np.array([3.0, 4, 6, 5, 4.5]), np.array([13.0, 15, 18, 14, 15.5])
    large, small = interval(v, w), interval(v * tiny, w * tiny)
    unit = tiny if small.value < 1e-100 else 1.0
    assert (small.value, small.low, small.high) == tuple(
        unit * end for end in (large.value, large.low, large.high)
    )


@pytest.mark.parametrize("tiny", [1e-80, 1e-150, 1e-160, 1e-200, 5e-324])
@pytest.mark.parametrize("paired", [True, False])
def test_a_plan_of_tiny_spreads_has_finite_numbers(tiny, paired):
    for accuracies in ((0.2, 0.3, 0.4, 0.7), (1, 1, 1, 1), (tiny, tiny, tiny, tiny)):
        for n_runs in (1, 3, 6):
            guess = StudyDesign(accuracies, n_items=5, n_runs=n_runs, run_sd=(0, tiny, tiny, tiny))
            for plan in (plan_study(each, draws=100, paired=paired) for each in (
                guess, replace(guess, item_correlation=1.0, sample_correlation=1.0)
            )):  # fmt: skip
                widths = [width for layer in plan.half_widths.values() for width in layer.values()]
                assert np.isfinite(widths).all()
    assert power.power_of_difference(tiny, (tiny, tiny), (3, 3)) == pytest.approx(
        power.power_of_difference(1.0, (1.0, 1.0), (3, 3))
    )
