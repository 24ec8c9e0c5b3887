"""Margins of contrasts: against statsmodels, an analysis of variance, by hand, and by what they cover."""

import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from statsmodels.formula.api import ols
from statsmodels.stats.anova import anova_lm
from statsmodels.stats.proportion import confint_proportions_2indep, proportion_confint

from rlvr.stats.sampling import (
    FEWEST_CLUSTERS,
    FEWEST_RUNS,
    CrossedSampling,
    Sampling,
    cluster_variance,
    crossed_margins,
    effective_clusters,
    mean_squares,
    two_sided_quantile,
    wilson,
)

DIFFERENCE = [-1.0, 0.0, 0.0, 1.0]


@pytest.mark.parametrize("level", [0.5, 0.8, 0.95])
def test_quantiles_have_their_level_around_zero(level):
    assert two_sided_quantile(level) == pytest.approx(stats.norm.ppf(0.5 + level / 2))
    assert two_sided_quantile(level, [1, 7]) == pytest.approx(stats.t.ppf(0.5 + level / 2, [1, 7]))


@pytest.mark.parametrize("level", [0.8, 0.95])
def test_wilson_agrees_with_statsmodels(level):
    successes, n = np.array([0, 3, 30, 247, 1, 24.7]), np.array([30, 30, 30, 500, 50, 50.5])
    expected = proportion_confint(successes, n, alpha=1 - level, method="wilson")
    assert wilson(successes / n, n, level=level) == pytest.approx(np.array(expected), abs=1e-12)
    assert wilson(0.3, 10) == wilson(0.3, 10, level=0.95) != wilson(0.3, 10, level=0.96)


def test_wilsons_interval_never_leaves_out_its_accuracy_by_rounding():
    n = np.arange(1, 400)
    for level in (0.5, 0.8, 0.95):
        assert (wilson(0.0, n, level=level)[0] == 0.0).all()
        assert (wilson(1.0, n, level=level)[1] == 1.0).all()


def newcombe(accuracies, n, level=0.95):
    """Item sampling of independent arms, each with n items."""
    low, high = wilson(accuracies, n, level=level)
    return Sampling(accuracies - low, high - accuracies, level=level)


@pytest.mark.parametrize("first, second, n", [(247, 355, 500), (0, 4, 30), (29, 22, 50)])
def test_a_difference_has_newcombes_interval(first, second, n):
    (below,), (above,) = newcombe(np.array([first / n, second / n]), n).margins([-1, 1])
    value = (second - first) / n
    expected = confint_proportions_2indep(second, n, first, n, method="newcomb")
    assert (value - below, value + above) == pytest.approx(expected, abs=1e-12)


def test_margins_add_in_quadrature_on_the_side_that_moves_the_contrast():
    sampling = Sampling(np.array([3.0, 0, 0, 5.0]), np.array([4.0, 0, 0, 12.0]))
    below, above = sampling.margins(DIFFERENCE)
    assert (below[0], above[0]) == (pytest.approx(math.hypot(4, 5)), pytest.approx(math.hypot(3, 12)))
    assert sampling.margins([[-2.0, 0, 0, 0], [0, 0, 0, 0.5]])[0].tolist() == [8.0, 2.5]
    (below,), (above,) = replace(sampling, runs=np.array([0, 0, 0, 2.0])).margins(DIFFERENCE)
    assert below == pytest.approx(math.sqrt(4**2 + 5**2 + 2**2))
    assert above == pytest.approx(math.sqrt(3**2 + 12**2 + 2**2))


def test_nothing_uncertain_has_no_margin_and_nothing_known_none_but_infinity():
    assert [margin.tolist() for margin in Sampling().margins(DIFFERENCE)] == [[0.0], [0.0]]
    assert Sampling().level == 0.95 and Sampling().outcomes is None
    unknown = Sampling(np.array([math.inf, 0, 0, 0.1]), np.array([math.inf, 0, 0, 0.1]))
    below, _ = unknown.margins([DIFFERENCE, [0, 0, 0, 1]])
    assert below.tolist() == [math.inf, 0.1]


def test_a_paired_margin_is_that_of_the_paired_t_test():
    outcomes = np.random.default_rng(3).integers(0, 2, (40, 2))
    for level in (0.95, 0.8):
        (below,), (above,) = Sampling(9.0, 9.0, outcomes=outcomes, level=level).margins([-1, 1])
        low, high = stats.ttest_rel(outcomes[:, 1], outcomes[:, 0]).confidence_interval(level)
        assert below == pytest.approx(above) == pytest.approx((high - low) / 2)


def test_without_an_item_on_which_arms_differ_the_margin_is_unpaired():
    same = np.array([[1.0, 1.0], [0.0, 0.0], [1.0, 1.0]])
    below, above = Sampling(0.3, 0.4, outcomes=same).margins([-1, 1])
    assert (below[0], above[0]) == (pytest.approx(0.5), pytest.approx(0.5))


def test_unpaired_intervals_of_independent_arms_cover():
    rates, contrast = np.array([0.1, 0.3, 0.35]), np.array([-1.0, 2.0, -1.0])  # not a plain difference
    accuracies = np.random.default_rng(11).binomial(100, rates, (1_500, 3)) / 100
    covered = 0
    for study in accuracies:
        (below,), (above,) = newcombe(study, 100).margins(contrast)
        covered += -above <= contrast @ (study - rates) <= below
    assert stats.binomtest(covered, 1_500, 0.95).pvalue > 1e-3, covered


def drawn(n_runs=6, run_sd=0.1, seed=0, n_items=60):
    """Outcomes (run, item) of one arm: items of unequal hardness, runs that shift them all."""
    rng = np.random.default_rng(seed)
    chance = rng.beta(2, 2, n_items) + rng.normal(0, run_sd, (n_runs, 1))
    return (rng.random((n_runs, n_items)) < chance).astype(float)


def crossed(frozen, *trained, level=0.95, assumed=0.0):
    """Mean squares of arms from outcomes; the first arm has no run."""
    outcomes = np.column_stack([y.mean(axis=0) for y in (frozen, *trained)])
    n_runs = np.array([1, *map(len, trained)])
    squares = np.array([(0.0, 0.0), *(mean_squares(y) if len(y) > 1 else (0.0, 0.0) for y in trained)])
    known = np.where((n_runs == 1) & (np.arange(n_runs.size) > 0), assumed, 0.0)
    return CrossedSampling(Sampling(0.3, 0.4, outcomes=outcomes, level=level), n_runs, *squares.T, known)


def test_mean_squares_are_those_of_an_analysis_of_variance():
    y = drawn(n_items=20)
    run, item = np.indices(y.shape)
    columns = {"y": y.ravel(), "run": run.ravel(), "item": item.ravel()}
    table = anova_lm(ols("y ~ C(run) + C(item)", pd.DataFrame(columns)).fit())
    squares = table.sum_sq / table.df
    assert mean_squares(y) == pytest.approx((squares["C(run)"] / y.shape[1], squares["Residual"]))


@pytest.mark.parametrize("level", [0.8, 0.95])
def test_the_margin_of_one_arm_is_that_of_a_two_way_layout(level):
    """For one arm alone V = (MS items + MS runs - MS rest) / (items x runs)."""
    y = drawn(run_sd=0.3)
    sampling = crossed(np.zeros((1, 60)), y, level=level)
    ms_items, ms_runs, ms_rest = 6 * y.mean(axis=0).var(ddof=1), 60 * mean_squares(y)[0], mean_squares(y)[1]
    assert ms_runs > ms_rest
    variance = (ms_items + ms_runs - ms_rest) / y.size
    doubt = (ms_items / y.size) ** 2 / 59 + (ms_runs / y.size) ** 2 / 5 + (ms_rest / y.size) ** 2 / 295
    (below,), (above,) = sampling.margins([-1, 1])
    assert below == above
    assert below == pytest.approx(stats.t.ppf(0.5 + level / 2, variance**2 / doubt) * variance**0.5)


def half_width(*squares, contrast, **settings):
    return float(crossed_margins(*squares, [contrast], **settings)[0])


@pytest.mark.parametrize("weights", [(0.5, -2.0), (1.0, 0.0)])
def test_satterthwaites_degrees_of_freedom_part_by_part(weights):
    """A contrast of two arms with 6 and 8 runs; weights enter by their squares."""
    run, rest, n_runs = np.array([0.02, 0.03]), np.array([0.1, 0.2]), np.array([6, 8])
    square = np.square(weights)
    by_items, spread, shared = 0.3 / 50, square * run / n_runs, square * rest / n_runs / 50
    variance = by_items + spread.sum() - shared.sum()
    free = n_runs - 1
    doubt = by_items**2 / 49 + (spread**2 / free).sum() + (shared**2 / (free * 49)).sum()
    found = half_width([0.3], 50, run, rest, n_runs, contrast=weights)
    assert found == pytest.approx(stats.t.ppf(0.975, variance**2 / doubt) * variance**0.5)


@pytest.mark.parametrize("assumed_weight", [0.0, 3.0])
@pytest.mark.parametrize("n_runs", [(2, 3), (3, 3), (4, 4)])
def test_with_few_runs_items_and_runs_each_have_their_own_t(n_runs, assumed_weight):
    """Runs of two arms count together as in Welch's test; an assumed spread is taken as known."""
    spread, free = np.array([0.25 * 0.02, 4 * 0.03]) / n_runs, np.array(n_runs) - 1
    freedom = spread.sum() ** 2 / (spread**2 / free).sum()
    expected = stats.t.ppf(0.975, 49) ** 2 * 0.3 / 50 + stats.t.ppf(0.975, freedom) ** 2 * spread.sum()
    expected += stats.norm.ppf(0.975) ** 2 * assumed_weight**2 * 0.4**2
    found = half_width([0.3], 50, [0, 0, 0.02, 0.03], [0, 0, 0.1, 0.2], [1, 1, *n_runs],
                       contrast=[1, assumed_weight, 0.5, -2], assumed_run_sd=[0, 0.4, 0, 0])  # fmt: skip
    assert found == pytest.approx(expected**0.5)


def test_runs_that_do_not_spread_leave_the_items_alone():
    squares = [0, 0, 0, 0.0001], [0, 0, 0, 0.09]
    half = half_width([0.25], 100, *squares, [1, 1, 1, 5], contrast=DIFFERENCE)
    spread, shared = 0.0001 / 5, 0.09 / 5 / 100  # the first is smaller: no run term
    freedom = 0.0025**2 / (0.0025**2 / 99 + spread**2 / 4 + shared**2 / (4 * 99))
    assert half == pytest.approx(stats.t.ppf(0.975, freedom) * 0.05)


def test_arms_without_repeats_take_what_is_assumed():
    one, other = drawn(1, seed=1), drawn(1, seed=2)
    over_items = (other - one).var(ddof=1) / 60
    variance = over_items + 2 * 0.1**2
    freedom = variance**2 / (over_items**2 / 59)
    (below,), _ = crossed(drawn(1), one, other, assumed=0.1).margins([0, -1, 1])
    assert below == pytest.approx(stats.t.ppf(0.975, freedom) * variance**0.5)
    (below,), _ = crossed(drawn(1), one, other).margins([0, -1, 1])  # nothing assumed: items alone
    assert below == pytest.approx(stats.t.ppf(0.975, 59) * over_items**0.5)


def test_crossed_arms_that_differ_on_no_item_have_the_margin_of_independent_arms():
    same = np.repeat([[1.0, 0.0, 0.0, 1.0]], 3, axis=0)
    sampling = crossed(same[:1], same)
    assert sampling.margins([-1, 1]) == sampling.items.margins([-1, 1])


def worst_coverage(n_runs):
    """Of Satterthwaite's interval over how items and runs may weigh, items' share known, by simulation."""
    free = n_runs - 1
    run_square = np.random.default_rng(0).chisquare(free, 100_000) / free
    coverage = []
    for share in (0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 0.9):
        variance = share + (1 - share) * run_square
        freedom = np.maximum(variance**2 / (((1 - share) * run_square) ** 2 / free), free)
        half = two_sided_quantile(0.95, freedom) * variance**0.5
        coverage.append((2 * stats.norm.cdf(half) - 1).mean())
    return min(coverage)


def test_satterthwaite_is_used_from_where_it_keeps_within_a_point_of_its_level():
    assert worst_coverage(FEWEST_RUNS) > 0.94 > worst_coverage(FEWEST_RUNS - 1)


# Runs that share their seeds -------------------------------------------------------------------------


@pytest.mark.parametrize("level", [0.8, 0.95])
def test_runs_that_share_seeds_are_paired(level):
    runs = np.array([[0, 0.60, np.nan, 0.66], [0, 0.62, np.nan, 0.69], [0, 0.61, np.nan, 0.65]])
    runs[:, 0] = np.nan
    sampling = Sampling(runs=np.array([0.0, 0.05, 0.04, 0.06]), paired_runs=runs, level=level)
    contrasts = np.array([[0, -1, 0, 1], [0, -1, 1, 0], [0, 0, 1, -1], [-1, 0, 0, 1]])
    below, above = sampling.margins(contrasts)
    np.testing.assert_array_equal(below, above)
    tail = stats.t.ppf(0.5 + level / 2, 2) / math.sqrt(3)
    alone = [tail * runs[:, arm].std(ddof=1) for arm in (1, 3)]
    paired = tail * (runs[:, 3] - runs[:, 1]).std(ddof=1)
    expected = [paired, math.hypot(alone[0], 0.04), math.hypot(alone[1], 0.04), alone[1]]
    np.testing.assert_allclose(below, expected)
    test = stats.ttest_rel(runs[:, 3], runs[:, 1]).confidence_interval(level)
    assert (test.high - test.low) / 2 == pytest.approx(paired)


def test_differences_that_are_equal_by_chance_are_no_interval_of_no_width():
    runs = np.array([[np.nan, 0.6, np.nan, 0.7], [np.nan, 0.7, np.nan, 0.8]])
    (half,), _ = Sampling(runs=np.array([0, 0.3, 0, 0.4]), paired_runs=runs).margins([0, -1, 0, 1])
    assert half == pytest.approx(0.5)


# Clusters of items -----------------------------------------------------------------------------------

SIZES = {"alike": [4] * 8, "one to eight": range(1, 9), "one large": [20, *[2] * 15]}


def clustered(sizes, agreement, n_studies, rng):
    """Differences (study, item) with mean 0.1 whose variants follow their question so often, and clusters."""
    clusters = np.repeat(np.arange(len(sizes)), list(sizes))
    question, own = rng.random((n_studies, len(sizes)))[:, clusters], rng.random((n_studies, clusters.size))
    place = np.where(rng.random(own.shape) < agreement, question, own)
    return np.where(place < 0.25, 1.0, np.where(place < 0.4, -1.0, 0.0)), clusters


@pytest.mark.parametrize("sizes", SIZES.values(), ids=SIZES)
def test_clusters_agree_with_a_regression_s_robust_errors(sizes):
    (differences,), clusters = clustered(sizes, 0.7, 1, np.random.default_rng(4))
    order = np.random.default_rng(5).permutation(clusters.size)
    table = pd.DataFrame({"d": differences[order], "cluster": clusters[order]})
    fit = ols("d ~ 1", table).fit(cov_type="cluster", cov_kwds={"groups": table.cluster}, use_t=True)
    assert cluster_variance(table.d, table.cluster) == pytest.approx(fit.bse.iloc[0] ** 2)
    outcomes = np.stack([table.d * 0, table.d], axis=1)
    (below,), (above,) = Sampling(9, 9, outcomes=outcomes, clusters=table.cluster.to_numpy()).margins([-1, 1])
    effective = effective_clusters(clusters)
    tails = stats.t.ppf(0.975, [effective - 1, len(sizes) - 1])
    assert below == above == pytest.approx(tails[0] * fit.bse.iloc[0])
    low, high = fit.conf_int().iloc[0]
    assert (high - low) / 2 == pytest.approx(tails[1] * fit.bse.iloc[0])  # narrower where sizes differ
    assert (effective == len(sizes)) == (len({*sizes}) == 1)


def test_clusters_of_one_item_are_no_clusters():
    outcomes = np.random.default_rng(1).integers(0, 2, (30, 2)).astype(float)
    alone = Sampling(9, 9, outcomes=outcomes).margins([-1, 1])
    np.testing.assert_allclose(
        Sampling(9, 9, outcomes=outcomes, clusters=np.arange(30)).margins([-1, 1]), alone
    )


@pytest.mark.parametrize("agreement", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("sizes", [[4] * FEWEST_CLUSTERS, *SIZES.values()], ids=["fewest", *SIZES])
def test_intervals_over_clusters_keep_their_level(sizes, agreement):
    n_studies = 20_000
    assert effective_clusters(np.repeat(np.arange(len(sizes)), list(sizes))) >= FEWEST_CLUSTERS
    differences, clusters = clustered(sizes, agreement, n_studies, np.random.default_rng(2026))
    error = np.sqrt(cluster_variance(differences.T, clusters))
    half = stats.t.ppf(0.975, effective_clusters(clusters) - 1) * error
    covered = (np.abs(differences.mean(axis=1) - 0.1) <= half) | (
        error == 0
    )  # there another interval is used
    monte_carlo = math.sqrt(0.95 * 0.05 / n_studies)
    assert 0.94 - 4 * monte_carlo < covered.mean() < 0.98 + 4 * monte_carlo


def test_crossed_clusters_stand_for_items():
    rng = np.random.default_rng(3)
    clusters = np.repeat(np.arange(12), 3)
    items = np.repeat(rng.random((12, 2)), 3, axis=0)
    runs, rest, n_runs = np.array([0.0, 4e-4]), np.array([0.0, 0.01]), np.array([1, 6])
    crossed = CrossedSampling(
        Sampling(1, 1, outcomes=items, clusters=clusters), n_runs, runs, rest, np.zeros(2)
    )
    halves = crossed.margins([-1, 1])[0]
    variance = cluster_variance(items @ [-1, 1], clusters)
    expected = crossed_margins(
        [variance * 36], 36, runs, rest, n_runs, [[-1, 1]], n_clusters=effective_clusters(clusters)
    )
    alone = replace(crossed, items=replace(crossed.items, clusters=None)).margins([-1, 1])[0]
    assert halves == pytest.approx(expected) and halves > alone
