"""Coverage by simulation: of each interval the chapters use, on runs of the simulator and elsewhere."""

import numpy as np
import pytest

from rlvr.decomposition import TERMS
from rlvr.inference import Estimate, mean_interval, ratio_interval
from rlvr.registered.equivalence_claims import equivalence
from rlvr.registered.gates import pool_block
from rlvr.registered.interval_coverage import coverage, published_coverage
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
