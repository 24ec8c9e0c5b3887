"""Coverage by simulation: of each interval the chapters use, on runs of the simulator and elsewhere."""

import math

import numpy as np
import pytest
from scipy import stats

from book.interval_coverage import OWN_DRAW, Coverage, pool_coverage, published_coverage, simulated_coverage
from rlvr.decomposition import TERMS
from rlvr.experiments.gates import PoolBlock, pool_block, published_gate
from rlvr.simulator.grpo_config import GRPOConfig
from rlvr.simulator.task_family import TaskFamily
from rlvr.simulator.trainer import simulate
from rlvr.stats.claims import equivalence
from rlvr.stats.estimates import Estimate, mean_interval, ratio_interval
from rlvr.stats.sampling import wilson


@pytest.fixture(scope="module")
def population():
    """Runs of 1,000 task draws at prior strength 0.50, one seed each."""
    return simulate(TaskFamily(0.5), n_tasks=1_000, n_seeds=1, seed=1)


@pytest.fixture(scope="module")
def pool(population):
    """Their terms."""
    return {term: population.arm(arm) - population.arm(base) for term, (arm, base) in TERMS.items()}


@pytest.mark.parametrize("n", [8, 20])
@pytest.mark.parametrize("term", ["null", "elicitation", "reward_design"])
def test_t_intervals_of_paired_differences_cover(pool, term, n):
    found = pool_coverage(mean_interval, [pool[term]], truth=pool[term].mean(), n=n, n_studies=1_000)
    assert found.nominal, found
    assert found.undefined == 0


def test_fiellers_interval_covers(pool):
    above, below = pool["reward_design"], pool["naive"]
    found = pool_coverage(
        ratio_interval, [above, below], truth=above.mean() / below.mean(), n=8, n_studies=1_000
    )
    assert found.nominal, found


def test_fiellers_interval_covers_where_it_is_often_unbounded():
    generator = np.random.default_rng(2)
    below = generator.normal(0.3, 1.0, (4_000, 1))
    above = 0.5 * below + generator.normal(0, 0.5, (4_000, 1))
    truth = above.mean() / below.mean()
    found = pool_coverage(ratio_interval, [above, below], truth=truth, n=20, n_studies=1_000)
    assert 0.5 < found.undefined < 0.95 and not np.isfinite(found.width)
    assert found.rate.low > 0.95  # undefined intervals are the whole line, so they cover


def test_a_wrong_interval_is_seen(pool):
    def half(values):
        right = mean_interval(values)
        centre, width = right.value, (right.high - right.low) / 4
        return Estimate(centre, centre - width, centre + width)

    values = pool["elicitation"]
    assert not pool_coverage(half, [values], truth=values.mean(), n=20, n_studies=500).nominal


def test_equivalence_errs_at_most_in_five_percent_at_the_margin(pool):
    shifted = pool["null"] - pool["null"].mean() + 0.005
    generator = np.random.default_rng(3)
    wrong = sum(
        equivalence(shifted[generator.choice(1_000, 20)], 0.005).p_inside <= 0.05 for _ in range(1_000)
    )
    assert wrong / 1_000 < 0.05 + 3.5 * np.sqrt(0.05 * 0.95 / 1_000)


def own_draw_pool(n_tasks, n_seeds, seed=5):
    """Accuracies of which all is known: task draws' values, and normal seeds around them."""
    generator = np.random.default_rng(seed)
    values = generator.normal(0.1, 0.05, (n_tasks, 1))
    random = generator.normal(0.5, 0.02, (n_tasks, n_seeds))
    majority = 0.5 + values + generator.normal(0, 0.02, (n_tasks, n_seeds))
    accuracy = {"random": random, "majority": majority}
    return PoolBlock(accuracy, accuracy, seed), values


def held(block, n_runs, truths, seed=0):
    """By hand: which studies' intervals hold their truth, (task, study)."""
    n_studies = truths.shape[1]
    children = np.random.SeedSequence(seed).generate_state(n_studies, np.uint64)
    cut = [slice(k * n_runs, (k + 1) * n_runs) for k in range(n_studies)]
    decided = [
        published_gate(block.sampled["random"][:, each], block.sampled["majority"][:, each], seed=int(child))
        for each, child in zip(cut, children, strict=True)
    ]
    low, high = (np.stack([getattr(one, end) for one in decided], axis=1) for end in ("low", "high"))
    return (low <= truths) & (truths <= high), high - low


def test_a_truth_from_the_judged_runs_flatters_and_one_from_other_seeds_does_not():
    """Of the known values normal theory's 0.90 is covered; other seeds agree, the judged seeds do not."""
    block, values = own_draw_pool(200, 128)
    studies = block.elicitation.reshape(200, 16, 8)
    known = held(block, 8, np.broadcast_to(values, (200, 16)))[0].mean()
    circular = held(block, 8, studies.mean(axis=2))[0].mean()
    found = published_coverage(block, 8, truth=OWN_DRAW)
    normal = [2 * stats.t.cdf(1.96 * np.sqrt(7 / 8), df) - 1 for df in (7, 14)]
    assert normal[0] < known < normal[1] < 0.92
    assert circular > 0.98
    assert found.rate.value == pytest.approx(known, abs=0.012)  # the truth's own noise lowers it a little
    assert found.rate.high < 0.92 and not found.nominal


def test_the_truth_of_an_own_draw_is_the_mean_of_the_seeds_left_out():
    block, _ = own_draw_pool(7, 47)
    others = [np.delete(block.elicitation, np.arange(4 * k, 4 * k + 4), axis=1) for k in range(11)]
    truths = np.stack([seeds.mean(axis=1) for seeds in others], axis=1)  # the last 3 seeds are in no study
    covered, widths = held(block, 4, truths, seed=3)
    found = published_coverage(block, 4, truth=OWN_DRAW, seed=3)
    low, high = stats.ttest_1samp(covered.mean(axis=1), 0).confidence_interval()
    assert found.rate == Estimate(covered.mean(axis=1).mean(), low, high, 0.95, "task draw", 7)
    assert found.p_value == stats.ttest_1samp(covered.mean(axis=1), 0.95).pvalue
    assert (found.level, found.undefined, found.width) == (0.95, 0.0, np.median(widths))
    assert found != published_coverage(block, 4, truth=OWN_DRAW)
    assert published_coverage(block, 4, truth=OWN_DRAW) == published_coverage(
        block, 4, truth=OWN_DRAW, seed=0
    )


def test_a_truth_that_shares_runs_with_what_it_judges_is_refused():
    """With the same seeds, or a mean over the block, there would be no coverage but a circle."""
    block = pool_block(0.3, 0, n_tasks=3, n_seeds=21, seed=7, config=GRPOConfig(n_steps=2))
    family, size = TaskFamily(0.3, 0.0), {"n_tasks": 3, "n_seeds": 2}
    same, other = (
        simulate(family, GRPOConfig(n_steps=2), seed=seed, **size) for seed in (block.seed, block.seed + 1)
    )
    assert np.array_equal(same.arm("majority"), block.exact["majority"][:, :2])  # they do share runs
    with pytest.raises(ValueError, match="other draws than the studies, but both have the seed"):
        published_coverage(block, 2, truth=same)
    population = (other.arm("majority") - other.arm("random")).mean()
    assert published_coverage(block, 2, truth=other) == published_coverage(block, 2, truth=population)
    with pytest.raises(ValueError, match="must have at least 22 seeds a task draw, got 21"):
        published_coverage(block, 2, truth=OWN_DRAW)
    with pytest.raises(TypeError, match="truth must be 'own task draw', Runs or a number known beforehand"):
        published_coverage(block, 2, truth=block.elicitation.mean(axis=1))
    with pytest.raises(ValueError, match="truth must be one of 'own task draw', got 'population'"):
        published_coverage(block, 2, truth="population")
    with pytest.raises(
        ValueError, match="rule must be one of 'published', 'published-exact', got 'task-draw'"
    ):
        published_coverage(block, 2, truth=0.0, rule="task-draw")
    for n_runs in (1, 22):
        with pytest.raises(ValueError, match=f"n_runs must be an integer from 2 to 21, got {n_runs}"):
            published_coverage(block, n_runs, truth=0.0)


def test_the_pool_is_the_population_of_the_studies_drawn_from_it():
    """Drawn with replacement, a study of a tenth of the pool errs as far as one of an endless population."""
    seen = []

    def interval(values):
        seen.append(values)
        return mean_interval(values)

    pool = np.random.default_rng(3).normal(size=50)
    pool_coverage(interval, [pool], truth=pool.mean(), n=5, n_studies=4_000)
    errors = np.array([values.mean() for values in seen]) - pool.mean()
    ratio = errors.var() / (pool.var() / 5)  # without replacement it would be 45/49
    assert abs(ratio - 1) < 4 * np.sqrt(2 / 4_000) * 0.9 and ratio > 0.95


@pytest.mark.slow
def test_the_published_interval_falls_short_on_its_own_task_draw_too(population):
    """Its truth from 80 other seeds; unit of replication: the task draw."""
    block = pool_block(0.5, 0, n_tasks=150, n_seeds=88, seed=82, format_strength=0.2)
    found = published_coverage(block, 8, truth=OWN_DRAW)
    assert 0.87 < found.rate.low < found.rate.value < found.rate.high < 0.92 and not found.nominal
    assert published_coverage(block, 8, truth=population).rate.high < 0.65


@pytest.mark.slow
def test_the_published_interval_covers_less_than_it_says():
    block = pool_block(0.25, 0, n_tasks=300, n_seeds=8, seed=4)
    exact = published_coverage(block, 8, truth=0.0, rule="published-exact")
    sampled = published_coverage(block, 8, truth=0.0)
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

    found = pool_coverage(interval, [values, 2 * values], truth=0.0, n=3, n_studies=50, seed=4)
    generator = np.random.default_rng(4)
    drawn = [values[generator.choice(40, size=3)] for _ in range(50)]
    covering, missing = sum(study.max() >= 0 for study in drawn), sum(study[0] > 1 for study in drawn)
    test = stats.binomtest(int(covering), 50, 0.8)
    ends = test.proportion_ci(0.95)
    assert (found.rate.value, found.level, found.undefined) == (covering / 50, 0.8, missing / 50)
    assert (found.rate.low, found.rate.high) == (ends.low, ends.high) and found.p_value == test.pvalue
    assert (found.rate.level, found.rate.unit, found.rate.n) == (0.95, "study", 50)
    assert found.width == pytest.approx(np.median([study.max() + 1 for study in drawn]))
    assert 0 < covering < 50 and 0 < missing < 50


@pytest.mark.parametrize(
    ("low", "high", "rate"), [(0.0, 1.0, 1.0), (-1.0, 0.0, 1.0), (0.1, 1.0, 0.0), (-1.0, -0.1, 0.0)]
)
def test_an_end_belongs_to_its_interval(low, high, rate):
    found = pool_coverage(lambda _: Estimate(0.5, low, high), [np.ones(20)], truth=0.0, n=2, n_studies=3)
    assert (found.rate.value, found.width) == (rate, high - low)


def test_a_study_takes_from_two_draws_to_a_tenth_of_the_pool():
    def interval(values):
        return Estimate(0.0, -1.0, 1.0)

    assert pool_coverage(interval, [np.ones(40)], truth=0, n=4, n_studies=1).rate.n == 1
    assert pool_coverage(interval, [np.ones(40)], truth=0, n=2).rate.n == 2_000
    for n in (1, 5):
        with pytest.raises(
            ValueError, match=f"n must be an integer from 2 to a tenth of the pool's 40 .*, got {n}"
        ):
            pool_coverage(interval, [np.ones(40)], truth=0, n=n)
    with pytest.raises(ValueError, match="n_studies must be an integer of at least 1, got 0"):
        pool_coverage(interval, [np.ones(40)], truth=0, n=2, n_studies=0)
    with pytest.raises(ValueError, match="pools must be one or more arrays"):
        pool_coverage(interval, [], truth=0, n=2)
    with pytest.raises(ValueError, match=r"of one length, got lengths \[8, 9\]"):
        pool_coverage(interval, [np.ones(9), np.ones(8)], truth=0, n=2)


def test_the_seed_is_honoured_and_zero_unless_said():
    pool = np.random.default_rng(2).normal(size=100)
    default, zero, one = (
        pool_coverage(mean_interval, [pool], truth=0.0, n=5, n_studies=30, **seed)
        for seed in ({}, {"seed": 0}, {"seed": 1})
    )
    assert default == zero and zero.width != one.width


def test_nominal_means_a_p_value_above_one_in_a_thousand():
    rate = Estimate(0.9)
    assert Coverage(rate, 0.95, 0.0011, 0.0, 1.0).nominal
    assert not Coverage(rate, 0.95, 0.001, 0.0, 1.0).nominal


@pytest.mark.parametrize("n", [30, 500])
def test_simulated_coverage_is_nominal_for_other_items_and_conservative_for_the_same(n):
    other = simulated_coverage(n, shared=False, replicates=800, seed=5)
    same = simulated_coverage(n, shared=True, replicates=800, seed=5)
    assert stats.binomtest(round(800 * other), 800, 0.95).pvalue > 1e-3
    assert stats.binomtest(round(800 * same), 800, 0.95, alternative="greater").pvalue < 1e-6


def test_counting_samples_as_items_undercovers_and_the_default_does_not():
    wrong = simulated_coverage(60, samples=8, replicates=400, seed=2)
    assert stats.binomtest(round(400 * wrong), 400, 0.95, alternative="less").pvalue < 1e-6
    rng = np.random.default_rng(2)
    accuracies = rng.binomial(8, rng.beta(0.5, 0.5, (400, 60))).mean(axis=1) / 8
    low, high = wilson(accuracies, 60)
    covered = int(((low <= 0.5) & (high >= 0.5)).sum())
    assert stats.binomtest(covered, 400, 0.95, alternative="less").pvalue > 1e-3


@pytest.mark.parametrize(("n_items", "shared", "samples"), [(30, True, 1), (30, False, 1), (20, True, 8)])
def test_simulated_coverage_counts_these_tables(n_items, shared, samples):
    """In plain steps: unequal hardness, answers, Newcombe's interval of two arms or Wilson's of one."""
    rng, covered = np.random.default_rng(np.random.SeedSequence(3, spawn_key=(n_items, samples))), 0
    for _ in range(60):
        hardness = rng.beta(0.5, 0.5, (2, n_items))
        base, true = rng.binomial(samples, hardness[[0, 0]] if shared else hardness).mean(axis=1) / samples
        (low, high), (base_low, base_high) = (wilson(arm, n_items * samples) for arm in (true, base))
        if samples > 1:
            covered += low <= 0.5 <= high
            continue
        below, above = math.hypot(true - low, base_high - base), math.hypot(high - true, base - base_low)
        covered += -above <= true - base <= below
    found = simulated_coverage(n_items, shared=shared, samples=samples, replicates=60, seed=3)
    assert found == covered / 60 and found > 0.5


def test_simulated_coverage_of_shared_items_500_times_unless_said():
    assert simulated_coverage(12) == simulated_coverage(12, shared=True, samples=1, replicates=500, seed=0)
    other = simulated_coverage(12, shared=False)
    assert other != simulated_coverage(12) and simulated_coverage(12, shared=False, seed=1) != other
