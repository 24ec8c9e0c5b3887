"""The gates: the published verdicts, error rates against theory, and what may be quoted."""

import math

import numpy as np
import pytest
from scipy import stats

from rlvr.inference import mean_interval
from rlvr.registered.gates import (
    RULES,
    PoolBlock,
    pool_block,
    published_gate,
    read_out,
    studies_of,
    task_draw_gate,
)
from rlvr.replication import published_designs as study


def normal_pool(seed, task_sd, seed_sd, shape=(400, 8), mean=0.0):
    """A block of normal accuracies, exact and sampled alike."""
    generator = np.random.default_rng(seed)
    random = np.full(shape, 0.5)
    by_task = generator.normal(0, task_sd, (shape[0], 1))
    majority = random + mean + by_task + generator.normal(0, seed_sd, shape)
    accuracy = {"random": random, "majority": majority}
    return PoolBlock(accuracy, accuracy, seed)


@pytest.mark.parametrize(("condition", "base"), [(1, 132), (2, 35)])
def test_the_published_gate_comes_back(condition, base):
    published = study.gate(condition)
    ours = published_gate(published.runs["random"][None], published.runs["majority"][None], seed=base + 9999)
    assert (ours.low[0], ours.high[0]) == pytest.approx(published.over_random, abs=1e-12)
    assert ("points" if ours.points[0] else "bounds") == published.verdict


def test_the_task_draw_gate_is_students_interval():
    values = np.random.default_rng(1).normal(0.01, 0.02, (5, 6))
    decided = task_draw_gate(values)
    for row, low, high in zip(values, decided.low, decided.high, strict=True):
        by_hand = mean_interval(row)
        assert (low, high) == pytest.approx((by_hand.low, by_hand.high), rel=1e-9)


def test_only_the_task_draw_gate_keeps_its_error_when_task_draws_differ():
    said = {rule: [] for rule in RULES}
    for seed in range(5):
        pool = normal_pool(seed, task_sd=0.01, seed_sd=0.005)
        for rule in RULES:
            said[rule].extend(studies_of(pool, rule, 8).points)
    n = len(said["task-draw"])
    assert stats.binomtest(int(sum(said["task-draw"])), n, 0.05).pvalue > 0.001
    assert np.mean(said["published"]) > 0.5  # the negative control: seeds alone speak of one task draw


def test_with_nothing_between_task_draws_seeds_alone_nearly_do():
    pool = normal_pool(1, task_sd=0.0, seed_sd=0.005, shape=(2_000, 16))
    assert np.mean(studies_of(pool, "published-exact", 16).points) < 0.12


def test_elicitation_is_zero_at_the_format_free_crossover():
    """By symmetry, whatever the tie rule; just above it, it is not."""
    at, above = (
        pool_block(strength, 0, n_tasks=60, n_seeds=2, seed=3).elicitation for strength in (0.25, 0.29)
    )
    assert abs(stats.ttest_1samp(at.mean(axis=1), 0).statistic) < 3.5
    assert stats.ttest_1samp(above.mean(axis=1), 0).statistic > 8


def test_sampled_accuracy_has_the_noise_of_128_answers_a_prompt():
    pool = pool_block(0.5, 0, n_tasks=30, n_seeds=4, seed=4)
    noise = (pool.sampled["random"] - pool.exact["random"]).ravel()
    assert abs(noise.mean()) < 4 * noise.std() / math.sqrt(noise.size)
    expected = math.sqrt(0.25 / (40 * 128))  # prompts near 0.5; the spread of prompts takes a little off
    assert 0.8 * expected < noise.std() < 1.2 * expected


def test_no_run_serves_twice():
    pool = normal_pool(2, 0.01, 0.005, shape=(20, 6))
    for rule, n_runs, studies in (("task-draw", 4, 30), ("published", 3, 40), ("task-draw", 6, 18)):
        assert studies_of(pool, rule, n_runs).points.size == studies
    for rule in RULES:  # every study of equal runs would show equal ends
        low = studies_of(pool, rule, 3).low
        assert np.unique(low).size == low.size


def test_a_block_depends_on_its_seed_and_number_alone():
    same, again = (pool_block(0.3, 2, n_tasks=4, n_seeds=2, seed=5) for _ in range(2))
    assert np.array_equal(same.sampled["majority"], again.sampled["majority"])
    for other in (
        pool_block(0.3, 3, n_tasks=4, n_seeds=2, seed=5),
        pool_block(0.3, 2, n_tasks=4, n_seeds=2, seed=6),
    ):
        assert not np.array_equal(same.exact["majority"], other.exact["majority"])


def test_points_quote_a_point_and_bounds_an_interval():
    generator = np.random.default_rng(6)
    random = generator.normal(0.5, 0.01, (8, 1))
    clear = read_out(random, random + 0.1 + generator.normal(0, 0.01, (8, 1)), random + 0.15)
    assert clear.verdict == "points" and clear.reward_design.defined
    majority = random + generator.normal(0, 0.02, (8, 1))
    true = random + 0.15 + generator.normal(0, 0.01, (8, 1))
    unclear = read_out(random, majority, true)
    assert unclear.verdict == "bounds" and not unclear.reward_design.defined
    inner = mean_interval(true - majority)
    assert unclear.reward_design.low < inner.low < inner.high < unclear.reward_design.high
    assert "not separated from 0" in unclear.reward_design.reason


def test_bounds_cover_at_least_as_promised():
    generator = np.random.default_rng(7)
    covered = []
    for _ in range(600):
        noise = generator.normal(0, 0.02, (3, 8, 1))
        reading = read_out(0.5 + noise[0], 0.5 + noise[1], 0.6 + noise[2])
        if reading.verdict == "bounds":
            covered.append(reading.reward_design.low < 0.1 < reading.reward_design.high)
    assert stats.binomtest(sum(covered), len(covered), 0.95, alternative="less").pvalue > 0.001


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: published_gate([[1.0, 2.0]], [[1.0, 2.0, 3.0]]), "must have one shape"),
        (lambda: published_gate([1.0, 2.0], [1.0, 2.0]), r"random must be finite, of shape \(study, run\)"),
        (lambda: task_draw_gate([[1.0]]), "with at least 2 runs"),
        (lambda: studies_of(normal_pool(0, 1, 1), "ours", 4), "rule must be one of 'published'"),
        (lambda: studies_of(normal_pool(0, 1, 1), "published", 9), "n_runs must be an integer from 2 to 8"),
        (lambda: pool_block(0.3, -1), "block must be an integer of at least 0"),
    ],
)
def test_wrong_arguments_are_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()
