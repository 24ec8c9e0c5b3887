"""The gates: the published verdicts, error rates against theory and as stored, and what may be quoted."""

import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from rlvr.experiments import published_study as study
from rlvr.experiments.gates import (
    EXAMPLE,
    GATE_RULES,
    MAP,
    Decisions,
    PoolBlock,
    load_counts,
    pool_block,
    published_gate,
    rates,
    read_out,
    studies_of,
    task_draw_gate,
)
from rlvr.simulator.grpo_config import GRPOConfig
from rlvr.simulator.task_family import TaskFamily
from rlvr.simulator.trainer import simulate
from rlvr.stats.estimates import mean_interval


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
    said = {rule: [] for rule in GATE_RULES}
    for seed in range(5):
        pool = normal_pool(seed, task_sd=0.01, seed_sd=0.005)
        for rule in GATE_RULES:
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
    for rule in GATE_RULES:  # every study of equal runs would show equal ends
        low = studies_of(pool, rule, 3).low
        assert np.unique(low).size == low.size


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


def test_points_need_an_interval_that_leaves_zero_out():
    decided = Decisions(np.array([0.0, 1e-9, -0.2, -0.2, -0.1]), np.array([0.2, 0.2, 0.0, -1e-9, 0.1]))
    assert decided.points.tolist() == [False, True, False, True, False]


def test_the_published_gate_resamples_each_arm_by_itself():
    """In plain loops: 300 times n seeds for each of four arms, of which the second and third are used."""
    generator = np.random.default_rng(8)
    random, majority = generator.uniform(size=(2, 3, 5))
    drawn = np.random.default_rng(4).integers(0, 5, size=(300, 4, 5))
    found = published_gate(random, majority, seed=4)
    for row, (low, high) in enumerate(zip(found.low, found.high, strict=True)):
        moved = [majority[row][i[2]].mean() - random[row][i[1]].mean() for i in drawn]
        assert (low, high) == pytest.approx(tuple(np.percentile(moved, [2.5, 97.5])), abs=1e-12)
    assert np.array_equal(published_gate(random, majority).low, published_gate(random, majority, seed=0).low)


def test_a_task_draw_gate_of_two_runs_by_hand():
    decided = task_draw_gate([[1.0, 3.0], [-2.0, 2.0]], level=0.5)  # Cauchy's quartile is 1
    assert (decided.low, decided.high) == (pytest.approx([1.0, -2.0]), pytest.approx([3.0, 2.0]))
    assert decided.points.tolist() == [True, False]
    for level in (0, 1):
        with pytest.raises(ValueError, match="level must be a number strictly between 0 and 1"):
            task_draw_gate([[1.0, 3.0]], level=level)


def test_a_block_has_its_stated_size_and_no_format_mass():
    block = pool_block(0.3, 0, config=GRPOConfig(n_steps=0))
    assert block.exact["random"].shape == block.sampled["majority"].shape == (128, 16)
    assert block.exact["random"] == pytest.approx(np.full((128, 16), 0.3))
    assert block.seed == pool_block(0.3, 0, n_tasks=1, n_seeds=1, seed=0, config=GRPOConfig(n_steps=0)).seed
    with_format = pool_block(0.3, 0, n_tasks=1, n_seeds=1, format_strength=0.2, config=GRPOConfig(n_steps=0))
    assert with_format.exact["random"][0, 0] == pytest.approx(TaskFamily(0.3, 0.2).prior_accuracy)


def test_a_block_can_be_made_again_from_its_seed():
    """Its seed from (root, number), its runs from that seed, its evaluation from a stream of its own."""
    config = GRPOConfig(n_steps=5)
    block = pool_block(0.3, 2, n_tasks=3, n_seeds=2, seed=7, config=config)
    assert block.seed == np.random.SeedSequence(7, spawn_key=(10, 2)).generate_state(1, np.uint64)[0]
    runs = simulate(
        TaskFamily(0.3, 0.0), config, arms=("random", "majority"), n_tasks=3, n_seeds=2, seed=block.seed,
        keep_policies=True,
    )  # fmt: skip
    right = np.where(runs.tasks.correct[:, None], runs.policies, 0).sum(axis=-1).clip(0, 1)
    stream = np.random.default_rng(np.random.SeedSequence(block.seed, spawn_key=(11,)))
    sampled = stream.binomial(128, right).mean(axis=-1) / 128
    for place, arm in enumerate(("random", "majority")):
        np.testing.assert_array_equal(block.exact[arm], runs.arm(arm))
        np.testing.assert_array_equal(block.sampled[arm], sampled[place])


def test_studies_are_carved_in_order_or_from_shuffled_draws():
    pool = normal_pool(3, 0.01, 0.005, shape=(7, 5))
    noisy = {arm: values + place for place, (arm, values) in enumerate(pool.exact.items())}
    pool = replace(pool, sampled=noisy)  # so that the two published rules differ
    for rule, accuracy in (("published", pool.sampled), ("published-exact", pool.exact)):
        carved = [accuracy[arm][:, :4].reshape(-1, 2) for arm in ("random", "majority")]
        np.testing.assert_array_equal(studies_of(pool, rule, 2).low, published_gate(*carved, seed=3).low)
    stream = np.random.default_rng(np.random.SeedSequence(3, spawn_key=(12,)))
    shuffled = stream.permuted(pool.elicitation, axis=0)
    by_hand = [shuffled[start : start + 3, seed] for seed in range(5) for start in (0, 3)]
    np.testing.assert_array_equal(studies_of(pool, "task-draw", 3).low, task_draw_gate(by_hand).low)


def test_a_study_takes_from_two_runs_to_all_there_are():
    pool = normal_pool(0, 1, 1, shape=(7, 5))
    assert studies_of(pool, "task-draw", 7).points.size == 5
    assert studies_of(pool, "published", 5).points.size == 7
    for rule, most in (("task-draw", 7), ("published", 5)):
        for n_runs in (1, most + 1):
            with pytest.raises(ValueError, match=f"n_runs must be an integer from 2 to {most}, got {n_runs}"):
                studies_of(pool, rule, n_runs)


def test_a_reading_by_hand():
    generator = np.random.default_rng(9)
    random, majority, true = generator.normal((0.5, 0.5, 0.6), 0.02, (6, 3)).T[:, :, None]
    reading = read_out(random, majority, true, level=0.9)
    naive, inner = (mean_interval(arm - random, level=0.95) for arm in (true, majority))
    assert (reading.verdict, reading.elicitation) == ("bounds", mean_interval(majority - random, level=0.9))
    bounds = reading.reward_design
    assert (bounds.low, bounds.high) == pytest.approx((naive.low - inner.high, naive.high - inner.low))
    assert (bounds.level, bounds.unit, bounds.n) == (0.9, "task draw", 6)
    sure = read_out(random, majority + 0.2, true, level=0.9)
    assert (sure.verdict, sure.elicitation.level) == ("points", 0.9)
    assert sure.reward_design == mean_interval(true - (majority + 0.2), level=0.9)
    assert read_out(random, majority, true).elicitation.level == 0.95


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: published_gate([[1.0, 2.0]], [[1.0, 2.0, 3.0]]), "must have one shape"),
        (lambda: published_gate([1.0, 2.0], [1.0, 2.0]), r"random must be finite, of shape \(study, run\)"),
        (lambda: task_draw_gate([[1.0]]), r"with at least 2 runs, got shape \(1, 1\)"),
        (lambda: task_draw_gate([[1.0, math.nan]]), "elicitation must be finite"),
        (lambda: studies_of(normal_pool(0, 1, 1), "ours", 4), "rule must be one of 'published'"),
        (lambda: pool_block(0.3, -1), "block must be an integer of at least 0"),
    ],
)
def test_wrong_arguments_are_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()


@pytest.mark.parametrize("grid", [MAP, EXAMPLE], ids=["map", "example"])
def test_every_point_of_a_grid_is_stored_once_and_nothing_else(grid):
    stored = load_counts(grid)
    points = list(zip(stored.prior_strength, stored.block, stored.rule, stored.n_runs, strict=True))
    assert points == [
        (strength, block, rule, n_runs) for strength in grid.prior_strengths for block in range(grid.n_blocks)
        for rule in grid.rules for n_runs in grid.n_runs
    ]  # fmt: skip


def test_every_point_has_at_least_2000_studies():
    table = rates(load_counts(MAP))
    assert (table.studies >= 2_000).all()
    assert len(table) == len(MAP.prior_strengths) * len(MAP.n_runs) * len(MAP.rules)
    assert rates(load_counts(EXAMPLE)).studies.tolist() == [10_000, 10_000]


def test_rates_by_hand():
    counts = pd.DataFrame({
        "prior_strength": 0.25, "block": [0, 1], "rule": "published", "n_runs": 4, "points": [10, 30],
        "studies": 100, "elicitation": [0.0, 0.02],
    })  # fmt: skip
    row = rates(counts).iloc[0]
    assert (row.rate, row.elicitation) == (0.2, 0.01)
    assert row.error == pytest.approx(np.std([0.1, 0.3], ddof=1) / np.sqrt(2))
    assert row.binomial_error == pytest.approx(np.sqrt(0.2 * 0.8 / 200))


def test_at_the_crossover_our_gate_keeps_its_promise_and_the_published_one_does_not():
    table = rates(load_counts(MAP))
    for n_runs in MAP.n_runs:
        ours, published = (table.loc[rule, n_runs, 0.25] for rule in ("task-draw", "published"))
        assert abs(ours.rate - 0.05) < 4 * ours.error
        assert published.rate - 0.05 > 10 * published.error
