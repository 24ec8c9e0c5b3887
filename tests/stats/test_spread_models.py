"""The next study's deviation: against direct integration, its limits, and its coverage in simulation."""

import math

import numpy as np
import pytest
from scipy import integrate, stats

from rlvr.stats import spread_models
from rlvr.stats.spread_models import NextDeviation, next_deviations


def test_one_cell_agrees_with_direct_integration():
    """With one study of one cell the two effects add in variance: a double integral per pair of nodes."""
    sd, df = 2.0, 3
    law = next_deviations([sd], [df], ["a"], ["true"])["true"]
    nodes = spread_models._HETEROGENEITY
    weight = np.gradient(nodes) * np.exp(-(nodes**2) / 2)
    pair = np.outer(weight, weight) / weight.sum() ** 2  # one cell says nothing of the effects

    def likelihood(log_sigma):
        return math.exp(df * (math.log(sd) - log_sigma) - df * math.exp(2 * (math.log(sd) - log_sigma)) / 2)

    edge = math.log(5.0)
    mass, _ = integrate.quad(likelihood, -8, 8)
    below = 0.0
    for i, study in enumerate(nodes):
        for j, cell in enumerate(nodes):
            # log sigma of the next cell, given that of this one: both are mu plus two effects
            apart = math.sqrt(2 * (study**2 + cell**2))
            part, _ = integrate.quad(lambda t: likelihood(t) * stats.norm.cdf(edge, t, apart), -8, 8)  # noqa: B023
            below += pair[i, j] * part / mass
    probability = law.probabilities[law.values < 5.0].sum()
    assert probability == pytest.approx(below, abs=0.02)


def test_many_cells_without_heterogeneity_give_their_deviation():
    law = next_deviations([3.0] * 40, [50] * 40, range(40), ["true"] * 40)["true"]
    assert law.median == pytest.approx(3.0, rel=0.02)
    low, high = law.interval()
    assert 2.4 < low < 3.0 < high < 3.7
    assert law.probabilities.sum() == pytest.approx(1)
    assert (law.n_cells, law.n_studies) == (40, 40)


def test_groups_share_their_heterogeneity_and_not_their_mean():
    seen = [0.5, 1.0, 8.0, 20.0], [9, 9, 9, 9], ["a", "b", "a", "b"], ["true", "true", "random", "random"]
    both = next_deviations(*seen)
    assert both["random"].median > 5 * both["true"].median
    alone = next_deviations([10.0], [9], ["a"], ["random"])["random"]
    with_others = next_deviations([10.0, *[1.0] * 30], [9, *[20] * 30], range(31), ["random", *["true"] * 30])
    width = [np.log(law.interval()[1] / law.interval()[0]) for law in (alone, with_others["random"])]
    assert width[1] < width[0]


def test_unit_and_order_do_not_matter():
    sds, dfs, studies = [1.0, 2.0, 5.0], [2, 3, 4], ["a", "b", "b"]
    law = next_deviations(sds, dfs, studies, ["t"] * 3)["t"]
    other = next_deviations(np.array(sds[::-1]) / 100, dfs[::-1], studies[::-1], ["t"] * 3)["t"]
    assert other.median * 100 == pytest.approx(law.median)
    assert np.multiply(other.interval(0.8), 100) == pytest.approx(law.interval(0.8))


def test_no_deviation_above_the_possible():
    law = next_deviations([20.0, 30.0], [4, 4], ["a", "b"], ["t"] * 2, most=50.0)["t"]
    assert law.values.max() <= 50.0


def test_intervals_hold_what_they_promise():
    """150 simulated data sets; the docstring's figures come from 1,000."""
    rng, held, n = np.random.default_rng(7), 0, 150
    for _ in range(n):
        cells = []
        for study in range(6):
            effect = rng.normal(0, 0.8)
            for _ in range(rng.integers(1, 5)):
                df = rng.integers(1, 6)
                sigma = 2 * np.exp(effect + rng.normal(0, 0.4))
                cells.append((sigma * np.sqrt(rng.chisquare(df) / df), df, study, "t"))
        low, high = next_deviations(*zip(*cells, strict=True))["t"].interval()
        held += low < 2 * np.exp(rng.normal(0, math.hypot(0.8, 0.4))) < high
    assert stats.binomtest(held, n, 0.95).pvalue > 0.001


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"deviations": [0.0, 1.0]}, "deviations"),
        ({"deviations": [np.nan, 1.0]}, "deviations"),
        ({"deviations": []}, "length"),
        ({"dfs": [0, 1]}, "dfs"),
        ({"studies": ["a"]}, "length"),
        ({"prior_scale": 0.0}, "prior_scale"),
        ({"most": 0.0}, "most"),
        ({"most": 1.5}, "most"),
    ],
)
def test_refusals_name_the_argument(change, named):
    good = {"deviations": [1.0, 2.0], "dfs": [2, 2], "studies": ["a", "b"], "groups": ["t", "t"]}
    with pytest.raises(ValueError, match=named):
        next_deviations(**{**good, **change})


LAW = NextDeviation(np.array([0.5, 1.0, 4.0]), np.array([0.2, 0.5, 0.3]), 3, 1)


def test_runs_update_the_law_by_bayes_rule():
    runs = np.array([0.0, 2.0, 3.0])
    seen = LAW.updated(runs.std(ddof=1), 2)
    # The likelihood of the runs about their own mean, the mean integrated out.
    likelihood = [
        np.prod(stats.norm.pdf(runs, runs.mean(), sigma)) * sigma * math.sqrt(2 * math.pi / 3)
        for sigma in LAW.values
    ]
    expected = LAW.probabilities * likelihood
    assert seen.probabilities == pytest.approx(expected / expected.sum())
    assert LAW.updated(0.0, 1).probabilities[0] > LAW.probabilities[0]


@pytest.mark.parametrize("n_runs", [1, 4])
def test_the_half_width_holds_its_share_of_drawn_means(n_runs):
    rng = np.random.default_rng(0)
    sigmas = rng.choice(LAW.values, 40_000, p=LAW.probabilities)
    means = sigmas * rng.standard_normal(40_000) / math.sqrt(n_runs)
    assert np.mean(np.abs(means) <= LAW.half_width(0.9, n_runs)) == pytest.approx(0.9, abs=0.006)


def test_a_law_in_another_unit():
    assert LAW.scaled(0.01).half_width() == pytest.approx(LAW.half_width() / 100)
