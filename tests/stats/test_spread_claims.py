"""Claims about spreads: their error rates on drawn studies, their estimates by hand, and what they refuse."""

import numpy as np
import pytest
from scipy import stats

from rlvr.stats.spread_claims import far_claim, spread_claim, spread_ratio_claim


def test_a_spread_by_hand():
    claim = spread_claim([1.0, 2.0, 4.0, 5.0], low=0.5, high=9.0, label="sd")
    assert claim.estimate.value == pytest.approx(np.std([1, 2, 4, 5], ddof=1))
    assert (claim.region, claim.label, claim.estimate.unit, claim.estimate.n) == ((0.5, 9.0), "sd", "seed", 4)
    squares = np.array([4.0, 1.0, 1.0, 4.0]) * 4 / 3
    t = (squares.mean() - 0.25) / (squares.std(ddof=1) / 2)
    assert spread_claim([1.0, 2.0, 4.0, 5.0], low=0.5).p_inside == pytest.approx(stats.t.sf(t, 3))


def test_task_draws_are_the_units():
    values = np.random.default_rng(0).normal(size=(50, 3))
    claim = spread_claim(values, high=1.0)
    assert claim.estimate.unit == "task draw"
    assert claim.estimate.value == pytest.approx(values.mean(axis=1).std(ddof=1))


@pytest.mark.parametrize("law", ["normal", "heaps"])
def test_a_true_bound_is_rarely_rejected_and_a_false_one_often(law):
    rng, wrong, right = np.random.default_rng(4), 0, 0
    for _ in range(400):
        x = rng.normal(size=300) if law == "normal" else rng.choice([-1.0, 1.0], 300) + rng.normal(size=300)
        sd = 1.0 if law == "normal" else 2**0.5
        wrong += spread_claim(x, low=sd).p_inside < 0.05
        right += spread_claim(x, low=0.85 * sd).p_inside < 0.05
    assert stats.binomtest(wrong, 400, 0.05).pvalue > 1e-3
    assert right > 350


def test_the_interval_of_a_spread_covers():
    rng, hits = np.random.default_rng(5), 0
    for _ in range(400):
        estimate = spread_claim(rng.normal(size=200), high=2.0).estimate
        hits += estimate.low < 1 < estimate.high
    assert stats.binomtest(hits, 400, 0.95).pvalue > 1e-3


def test_a_ratio_of_spreads_keeps_its_pairs():
    x = np.random.default_rng(6).normal(size=500)
    exact = spread_ratio_claim(2.0 * x, x, low=1.9, high=2.1)
    assert exact.estimate.value == pytest.approx(2) and exact.p_inside < 1e-9
    other = np.random.default_rng(7).normal(size=500)
    assert spread_ratio_claim(2.0 * x, other, low=1.9, high=2.1).p_inside > 0.05
    assert spread_ratio_claim(2.0 * x, other, low=1.5).p_inside < 1e-3
    assert spread_ratio_claim(2.0 * x, other, high=1.5).p_outside < 1e-3


def test_a_ratio_of_spreads_by_hand():
    above, below = np.array([0.0, 2.0, 1.0, 7.0, 9.0, 8.0]), np.array([1.0, 1.5, 1.0, 4.0, 5.0, 4.0])
    claim = spread_ratio_claim(above, below, low=1.5, high=2.5)
    assert claim.estimate.value == pytest.approx(above.std() / below.std())
    one, other = (np.square(x - x.mean()) * 6 / 5 for x in (above, below))
    beyond, inside = [other, one - 1.5**2 * other], 2.5**2 * other - one
    p = [stats.t.sf(x.mean() / (x.std(ddof=1) / 6**0.5), 5) for x in (*beyond, inside)]
    assert claim.p_inside == pytest.approx(max(p))
    assert spread_ratio_claim(above, below, low=1.5).p_inside == pytest.approx(p[1])
    assert p[1] > p[0]


def test_a_run_alone_is_far():
    claim = far_claim([0.0, 0.0, 0.0, 1.0], by=0.5, low=0.1)
    assert claim.estimate.value == 0.25 and claim.estimate.n == 4
    assert claim.p_inside == pytest.approx(stats.binomtest(1, 4, 0.1, alternative="greater").pvalue)
    assert far_claim([0.0, 0.0, 0.0, 1.0], by=0.75, low=0.1).estimate.value == 0  # the mean is 0.25


def test_refusals():
    with pytest.raises(ValueError, match="values must hold at least 3 independent units, got 2"):
        spread_claim([1.0, 2.0], low=0.1)
    with pytest.raises(ValueError, match=r"low must be a number of at least 0, got -1\.0"):
        spread_claim([1.0, 2.0, 3.0], low=-1.0)
    with pytest.raises(ValueError, match="as many units each, got 3 and 4"):
        spread_ratio_claim([1.0, 2.0, 3.0], [1.0, 2.0, 3.0, 4.0], low=0.1)
    with pytest.raises(ValueError, match="by must be a finite number above 0, got 0"):
        far_claim([1.0, 2.0, 3.0], by=0, low=0.1)
