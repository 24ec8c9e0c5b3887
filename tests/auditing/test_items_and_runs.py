"""Items crossed with runs: by hand, against an analysis of variance, and by simulated coverage."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from statsmodels.formula.api import ols
from statsmodels.stats.anova import anova_lm

from rlvr.arms import ARMS
from rlvr.auditing.cell_audit import audit
from rlvr.auditing.cells import Arm
from rlvr.auditing.items_and_runs import FEWEST_RUNS, crossed_margins, crossed_outcomes
from rlvr.auditing.sampling_error import item_sampling
from rlvr.auditing.verdict_rules import contrast
from rlvr.planning.simulated_studies import StudyDesign, draw_outcomes, outcomes_table

NULL, DESIGN = contrast("null"), contrast("reward_design")


def arms_of(outcomes):
    """Arms as a table of outcomes would give them."""
    return {
        name: Arm(name, float(y.mean()), y.shape[1], n_runs=len(y), items=np.arange(y.shape[1]), outcomes=y)
        for name, y in outcomes.items()
    }


def drawn(seed=0, **changes):
    design = StudyDesign(**{"accuracies": (0.3, 0.4, 0.6, 0.7), "n_items": 60, "n_runs": 6,
                            "run_sd": (0, 0.05, 0.03, 0.02), **changes})  # fmt: skip
    return draw_outcomes(design, np.random.default_rng(seed))


def crossed_coverage(design, contrast, *, level=0.95, replicates=500, seed=0):
    """In how many simulated studies the interval of a contrast holds what the arms have in the long run."""
    rng, c = np.random.default_rng(seed), np.asarray(contrast, dtype=float)
    held = {"items and runs": 0, "items": 0}
    for _ in range(replicates):
        arms = {
            name: Arm(
                name, float(y.mean()), y.shape[1], n_runs=len(y), items=np.arange(y.shape[1]), outcomes=y
            )
            for name, y in draw_outcomes(design, rng).items()
        }
        error = sum(
            weight * (arms[name].accuracy - truth)
            for name, weight, truth in zip(ARMS, c, design.accuracies, strict=True)
        )
        crossed = crossed_outcomes(arms, level=level)
        items = item_sampling(arms, level=level)
        for name, sampling in (("items and runs", crossed or items), ("items", items)):
            (below,), (above,) = sampling.margins(c)
            held[name] += bool(-above <= error <= below)
    return held


def test_mean_squares_are_those_of_an_analysis_of_variance():
    outcomes = drawn()
    crossed = crossed_outcomes(arms_of(outcomes))
    for column, name in enumerate(ARMS[1:], start=1):
        y = outcomes[name]
        run, item = np.indices(y.shape)
        table = anova_lm(
            ols(
                "y ~ C(run) + C(item)",
                pd.DataFrame({"y": y.ravel(), "run": run.ravel(), "item": item.ravel()}),
            ).fit()
        )
        squares = table.sum_sq / table.df
        assert crossed.run_squares[column] == pytest.approx(squares["C(run)"] / y.shape[1])
        assert crossed.rest_squares[column] == pytest.approx(squares["Residual"])


def test_the_variance_of_one_arm_is_that_of_a_two_way_layout():
    """For one arm alone V = (MS items + MS runs - MS rest) / (items x runs)."""
    y = drawn(3, run_sd=(0, 0, 0, 0.2))["true"]
    arms = arms_of({"frozen": np.zeros((1, 60)), "true": y})
    crossed = crossed_outcomes(arms)
    ms_items = y.shape[0] * y.mean(axis=0).var(ddof=1)
    ms_runs, ms_rest = 60 * crossed.run_squares[3], crossed.rest_squares[3]
    assert ms_runs > ms_rest
    variance = (ms_items + ms_runs - ms_rest) / y.size
    doubt = (ms_items / y.size) ** 2 / 59 + (ms_runs / y.size) ** 2 / 5 + (ms_rest / y.size) ** 2 / 295
    df = variance**2 / doubt
    (below,), (above,) = crossed.margins([-1, 0, 0, 1])
    assert crossed.degrees_of_freedom([-1, 0, 0, 1])[0] == pytest.approx(df)
    assert below == above == pytest.approx(stats.t.ppf(0.975, df) * variance**0.5)
    shares = crossed.variance_shares([-1, 0, 0, 1])
    assert sum(shares.values()) == pytest.approx(variance)
    assert shares["runs"] == pytest.approx((ms_runs - ms_rest) / y.size)
    assert shares["items x runs"] == pytest.approx(ms_rest / y.size)


@pytest.mark.parametrize("n_runs", [2, 3, 4])
def test_with_few_runs_each_part_has_its_own_t(n_runs):
    crossed = crossed_outcomes(arms_of(drawn(5, n_runs=n_runs)))
    over_items = (crossed.items.outcomes @ NULL).var(ddof=1)
    by_items = stats.t.ppf(0.975, 59) ** 2 * over_items / 60
    by_runs = stats.t.ppf(0.975, n_runs - 1) ** 2 * crossed.run_squares[1] / n_runs
    assert crossed.margins(NULL)[0][0] == pytest.approx((by_items + by_runs) ** 0.5)


def test_with_few_runs_those_of_two_arms_count_together_as_in_welchs_test():
    crossed = crossed_outcomes(arms_of(drawn(9, n_runs=3)))
    over_items = (crossed.items.outcomes @ DESIGN).var(ddof=1)
    majority, true = crossed.run_squares[2:] / 3
    df = (majority + true) ** 2 / (majority**2 / 2 + true**2 / 2)
    expected = stats.t.ppf(0.975, 59) ** 2 * over_items / 60 + stats.t.ppf(0.975, df) ** 2 * (majority + true)
    assert crossed.margins(DESIGN)[0][0] == pytest.approx(expected**0.5)


def worst_coverage(n_runs):
    """Of Satterthwaite's interval over how items and runs may weigh, items' share known, by simulation."""
    free = n_runs - 1
    seen = np.random.default_rng(0).chisquare(free, 100_000) / free
    held = []
    for share in (0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 0.9):
        variance = share + (1 - share) * seen
        df = np.maximum(variance**2 / (((1 - share) * seen) ** 2 / free), free)
        held.append((2 * stats.norm.cdf(stats.t.ppf(0.975, df) * variance**0.5) - 1).mean())
    return min(held)


def test_satterthwaite_is_used_from_where_it_keeps_within_a_point_of_its_level():
    assert worst_coverage(FEWEST_RUNS) > 0.94 > worst_coverage(FEWEST_RUNS - 1)


def test_runs_that_do_not_spread_leave_the_items_alone():
    half, df = crossed_margins([0.25], 100, [0, 0, 0, 0.0001], [0, 0, 0, 0.09], [1, 1, 1, 5], [[-1, 0, 0, 1]])
    assert half[0] == pytest.approx(stats.t.ppf(0.975, df[0]) * 0.05)  # 0.0001 < 0.09 / 100: no run term
    assert 99 > df[0] > 90


def test_an_arm_without_repeats_takes_what_is_assumed():
    arms = arms_of(drawn(6, n_runs=1))
    assert crossed_outcomes(arms) is None
    crossed = crossed_outcomes(arms, assumed_run_sd=0.1)
    over_items = (crossed.items.outcomes @ DESIGN).var(ddof=1) / 60
    variance = over_items + 2 * 0.1**2
    df = variance**2 / (over_items**2 / 59)
    assert crossed.margins(DESIGN)[0][0] == pytest.approx(stats.t.ppf(0.975, df) * variance**0.5)
    assert crossed.unknown == ()
    assert crossed.variance_shares(DESIGN)["runs"] == pytest.approx(2 * 0.1**2)


def test_what_is_not_known_is_named():
    outcomes = drawn(6)
    outcomes["true"] = outcomes["true"][:1]
    crossed = crossed_outcomes(arms_of(outcomes))
    assert crossed.unknown == ("true",) and crossed.n_runs.tolist() == [1, 6, 6, 1]


def test_frozen_has_no_run_even_if_it_was_evaluated_often():
    outcomes = drawn(7)
    outcomes["frozen"] = np.repeat(outcomes["frozen"], 3, axis=0) * [[1.0], [0.5], [0.0]]
    assert crossed_outcomes(arms_of(outcomes)).run_squares[0] == 0


def test_without_an_item_on_which_arms_differ_the_width_is_that_of_independent_arms():
    same = np.repeat([[1.0, 0.0, 0.0, 1.0]], 3, axis=0)
    crossed = crossed_outcomes(arms_of({"frozen": same[:1], "random": same, "majority": same, "true": same}))
    expected = crossed.items.margins(NULL)
    assert crossed.margins(NULL)[0][0] == pytest.approx(expected[0][0]) and expected[0][0] > 0.3


def test_other_items_or_no_outcomes_are_not_crossed():
    arms = arms_of(drawn())
    arms["true"] = Arm("true", 0.7, 60, n_runs=4, run_sd=0.02)
    assert crossed_outcomes(arms) is None


@pytest.mark.slow
@pytest.mark.parametrize("n_runs, run_sd", [(3, 0.0), (3, 0.03), (5, 0.065)])
def test_coverage_is_nominal_and_ignoring_runs_is_not(n_runs, run_sd):
    design = StudyDesign(
        (0.4, 0.5, 0.6, 0.65), n_items=150, n_runs=n_runs, run_sd=(0, run_sd, run_sd, run_sd)
    )
    held = crossed_coverage(design, DESIGN, replicates=800, seed=11)
    assert stats.binomtest(held["items and runs"], 800, 0.95, alternative="less").pvalue > 0.001
    if n_runs >= FEWEST_RUNS:  # with fewer it is conservative, and meant to be
        assert held["items and runs"] < 0.985 * 800
    ignoring = stats.binomtest(held["items"], 800, 0.95, alternative="less").pvalue
    assert ignoring < 1e-6 if run_sd else ignoring > 0.001


@pytest.mark.slow
def test_two_runs_cover_at_least_what_is_said():
    design = StudyDesign((0.4, 0.5, 0.6, 0.65), n_items=150, n_runs=2, run_sd=(0, 0.065, 0.065, 0.065))
    held = crossed_coverage(design, NULL, replicates=500, seed=3)
    assert stats.binomtest(held["items and runs"], 500, 0.95, alternative="less").pvalue > 0.001
    assert held["items"] < 0.85 * 500


def test_the_level_is_kept():
    design = StudyDesign((0.4, 0.5, 0.6, 0.65), n_items=100, n_runs=6, run_sd=(0, 0.05, 0.05, 0.05))
    held = crossed_coverage(design, DESIGN, level=0.7, replicates=300, seed=5)["items and runs"]
    assert stats.binomtest(held, 300, 0.7).pvalue > 0.001
    assert crossed_coverage(design, DESIGN, level=0.7, replicates=20) == crossed_coverage(
        design, DESIGN, level=0.7, replicates=20, seed=0
    )


def test_the_audit_of_repeated_runs_has_the_layer():
    (cell,) = audit(outcomes_table({"s": drawn(1)})).cells
    layer = cell.layer("items and runs")
    assert layer.note == "crossed, paired by item" and cell.layer("runs") is None
    value = cell.cell.arms["random"].accuracy - cell.cell.arms["frozen"].accuracy
    (below,), (above,) = crossed_outcomes(cell.cell.arms).margins(NULL)
    assert layer.terms["null"] == pytest.approx((value - below, value + above))
    assert cell.layer("all").terms["null"] == layer.terms["null"]
    assert layer.terms["null"][0] < cell.layers[0].terms["null"][0]


def test_the_audit_names_the_arm_without_repeats():
    outcomes = drawn(1)
    outcomes["true"] = outcomes["true"][:1]
    (cell,) = audit(outcomes_table({"s": outcomes})).cells
    assert cell.layer("items and runs").note == "crossed, paired by item; not known, so left out: true"
    assert isinstance(cell.cell.arms["true"].outcomes, np.ndarray)


def test_weights_other_than_one_enter_by_their_squares():
    """A contrast 0.5, -2 of two arms, 6 and 8 runs: Satterthwaite's degrees of freedom part by part."""
    n_items, runs, rest, n_runs = 50, (0.02, 0.03), (0.1, 0.2), (6, 8)
    half, df = crossed_margins(
        [0.3], n_items, [0, 0, *runs], [0, 0, *rest], [1, 1, *n_runs], [[0, 0, 0.5, -2]]
    )
    by_items = 0.3 / 50
    spread = 0.25 * 0.02 / 6, 4 * 0.03 / 8
    shared = 0.25 * 0.1 / 6 / 50, 4 * 0.2 / 8 / 50
    variance = by_items + sum(spread) - sum(shared)
    doubt = (
        by_items**2 / 49
        + spread[0] ** 2 / 5 + spread[1] ** 2 / 7
        + shared[0] ** 2 / (5 * 49) + shared[1] ** 2 / (7 * 49)
    )  # fmt: skip
    assert df[0] == pytest.approx(variance**2 / doubt)
    assert half[0] == pytest.approx(stats.t.ppf(0.975, df[0]) * variance**0.5)


def test_with_few_runs_weights_enter_each_part_by_their_squares():
    def half(random):
        study = [0.3], 50, [0, 0, 0.02, 0.03], [0, 0, 0.1, 0.2], [1, 1, 2, 3]
        contrast = [[1, random, 0.5, -2]]
        return crossed_margins(*study, contrast, assumed_run_sd=[0, 0.4, 0, 0])[0][0]

    spread = 0.25 * 0.02 / 2, 4 * 0.03 / 3
    df = sum(spread) ** 2 / (spread[0] ** 2 / 1 + spread[1] ** 2 / 2)
    expected = stats.t.ppf(0.975, 49) ** 2 * 0.3 / 50 + stats.t.ppf(0.975, df) ** 2 * sum(spread)
    assert half(random=0) == pytest.approx(expected**0.5)  # nothing assumed of an arm that has no weight
    assumed = stats.norm.ppf(0.975) ** 2 * 9 * 0.4**2
    assert half(random=3) == pytest.approx((expected + assumed) ** 0.5)
