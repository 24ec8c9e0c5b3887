"""Coverage by simulation: of each interval the chapters use, on runs of the simulator and elsewhere."""

import numpy as np
import pytest
from scipy import stats

from rlvr.decomposition import TERMS
from rlvr.inference import Estimate, mean_interval, ratio_interval
from rlvr.registered.equivalence_claims import equivalence
from rlvr.registered.gates import pool_block, published_gate
from rlvr.registered.interval_coverage import Coverage, coverage, published_coverage
from rlvr.simulator.task_family import TaskFamily
from rlvr.simulator.trainer import simulate


@pytest.fixture(scope="module")
def pool():
    """Terms of 1,000 task draws at prior strength 0.50, one seed each."""
    runs = simulate(TaskFamily(0.5), n_tasks=1_000, n_seeds=1, seed=1)
    return {term: runs.arm(arm) - runs.arm(base) for term, (arm, base) in TERMS.items()}


@pytest.mark.parametrize("n", [8, 20])
@pytest.mark.parametrize("term", ["null", "elicitation", "reward_design"])
def test_t_intervals_of_paired_differences_cover(pool, term, n):
    found = coverage(mean_interval, [pool[term]], truth=pool[term].mean(), n=n, n_studies=1_000)
    assert found.nominal, found
    assert found.undefined == 0


def test_fiellers_interval_covers(pool):
    above, below = pool["reward_design"], pool["naive"]
    found = coverage(ratio_interval, [above, below], truth=above.mean() / below.mean(), n=8, n_studies=1_000)
    assert found.nominal, found


def test_fiellers_interval_covers_where_it_is_often_unbounded():
    generator = np.random.default_rng(2)
    below = generator.normal(0.3, 1.0, (4_000, 1))
    above = 0.5 * below + generator.normal(0, 0.5, (4_000, 1))
    truth = above.mean() / below.mean()
    found = coverage(ratio_interval, [above, below], truth=truth, n=20, n_studies=1_000)
    assert 0.5 < found.undefined < 0.95 and not np.isfinite(found.width)
    assert found.rate.low > 0.95  # undefined intervals are the whole line, so they cover


def test_bca_covers_at_the_size_it_is_used_for(pool):
    def bca(values):
        return mean_interval(values, method="bca")

    values = pool["elicitation"]
    found = coverage(bca, [values], truth=values.mean(), n=40, n_studies=150)
    assert found.nominal, found


def test_a_wrong_interval_is_seen(pool):
    def half(values):
        right = mean_interval(values)
        centre, width = right.value, (right.high - right.low) / 4
        return Estimate(centre, centre - width, centre + width)

    values = pool["elicitation"]
    assert not coverage(half, [values], truth=values.mean(), n=20, n_studies=500).nominal


def test_equivalence_errs_at_most_in_five_percent_at_the_margin(pool):
    shifted = pool["null"] - pool["null"].mean() + 0.005
    generator = np.random.default_rng(3)
    wrong = sum(
        equivalence(shifted[generator.choice(1_000, 20, replace=False)], 0.005).p_inside <= 0.05
        for _ in range(1_000)
    )
    assert wrong / 1_000 < 0.05 + 3.5 * np.sqrt(0.05 * 0.95 / 1_000)


@pytest.mark.slow
def test_the_published_interval_covers_less_than_it_says():
    block = pool_block(0.25, 0, n_tasks=300, n_seeds=8, seed=4)
    exact = published_coverage(block.exact["random"], block.exact["majority"], truth=0.0)
    sampled = published_coverage(block.sampled["random"], block.sampled["majority"], truth=0.0)
    assert exact.rate.high < 0.7 and sampled.rate.high < 0.9
    assert exact.rate.value < sampled.rate.value  # noise of the evaluation hides the task draw
    assert exact.width < sampled.width


def test_coverage_counts_the_studies_it_draws():
    """In plain steps: an interval that holds zero whenever the largest of three draws is positive."""
    values = np.random.default_rng(1).normal(size=40)

    def interval(first, second):
        assert np.array_equal(second, 2 * first)  # the pools are drawn in pairs
        value = float("nan") if first[0] > 1 else 0.0
        return Estimate(value, -1.0, float(first.max()), 0.8)

    found = coverage(interval, [values, 2 * values], truth=0.0, n=3, n_studies=50, seed=4)
    generator = np.random.default_rng(4)
    drawn = [values[generator.choice(40, size=3, replace=False)] for _ in range(50)]
    held, missing = sum(study.max() >= 0 for study in drawn), sum(study[0] > 1 for study in drawn)
    test = stats.binomtest(int(held), 50, 0.8)
    ends = test.proportion_ci(0.95)
    assert (found.rate.value, found.level, found.undefined) == (held / 50, 0.8, missing / 50)
    assert (found.rate.low, found.rate.high) == (ends.low, ends.high) and found.p_value == test.pvalue
    assert (found.rate.level, found.rate.unit, found.rate.n) == (0.95, "study", 50)
    assert found.width == pytest.approx(np.median([study.max() + 1 for study in drawn]))
    assert 0 < held < 50 and 0 < missing < 50


@pytest.mark.parametrize(
    ("low", "high", "rate"), [(0.0, 1.0, 1.0), (-1.0, 0.0, 1.0), (0.1, 1.0, 0.0), (-1.0, -0.1, 0.0)]
)
def test_an_end_belongs_to_its_interval(low, high, rate):
    found = coverage(lambda _: Estimate(0.5, low, high), [np.ones(20)], truth=0.0, n=2, n_studies=3)
    assert (found.rate.value, found.width) == (rate, high - low)


def test_a_study_takes_from_two_draws_to_a_tenth_of_the_pool():
    def interval(values):
        return Estimate(0.0, -1.0, 1.0)

    assert coverage(interval, [np.ones(40)], truth=0, n=4, n_studies=1).rate.n == 1
    assert coverage(interval, [np.ones(40)], truth=0, n=2).rate.n == 2_000
    for n in (1, 5):
        with pytest.raises(
            ValueError, match=f"n must be an integer from 2 to a tenth of the pool's 40 .*, got {n}"
        ):
            coverage(interval, [np.ones(40)], truth=0, n=n)
    with pytest.raises(ValueError, match="n_studies must be an integer of at least 1, got 0"):
        coverage(interval, [np.ones(40)], truth=0, n=2, n_studies=0)
    with pytest.raises(ValueError, match=r"of one length, got lengths \[8, 9\]"):
        coverage(interval, [np.ones(9), np.ones(8)], truth=0, n=2)


def test_the_seed_is_honoured_and_zero_unless_said():
    pool = np.random.default_rng(2).normal(size=100)
    said = {seed: coverage(mean_interval, [pool], truth=0.0, n=5, n_studies=30, seed=seed) for seed in (0, 1)}
    assert coverage(mean_interval, [pool], truth=0.0, n=5, n_studies=30) == said[0]
    assert said[0].width != said[1].width


def test_nominal_means_a_p_value_above_one_in_a_thousand():
    rate = Estimate(0.9)
    assert Coverage(rate, 0.95, 0.0011, 0.0, 1.0).nominal
    assert not Coverage(rate, 0.95, 0.001, 0.0, 1.0).nominal


def test_the_published_interval_is_counted_against_each_study_s_truth():
    generator = np.random.default_rng(5)
    first, second = generator.normal(size=(2, 30, 6))
    truths = generator.normal(size=30)
    decided = published_gate(first, second, seed=3)
    found = published_coverage(first, second, truth=truths, seed=3)
    assert found.rate.value == ((decided.low <= truths) & (truths <= decided.high)).mean()
    assert (found.level, found.undefined, found.rate.n) == (0.95, 0.0, 30)
    assert found.width == np.median(decided.high - decided.low)
    assert published_coverage(first, second, truth=0.0) == published_coverage(
        first, second, truth=0.0, seed=0
    )
    assert published_coverage(first, second, truth=0.0).width != found.width


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: coverage(mean_interval, [np.ones(20)], truth=1, n=3),
            "n must be an integer from 2 to a tenth",
        ),
        (lambda: coverage(mean_interval, [], truth=1, n=3), "pools must be one or more arrays"),
        (lambda: coverage(mean_interval, [np.ones(9), np.ones(8)], truth=1, n=3), "of one length"),
    ],
)
def test_wrong_arguments_are_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()
