"""Points of Chapters 5, 6, 13, 16 and 17 that need no random numbers."""

import numpy as np
import pytest
from glued import estimate, quoted, states
from majority_path import forward, majority_drift, path, plurality, reverse, speed, true_drift
from plain_grpo import prior
from scipy import optimize, stats

# Chapters 5 and 13: what the sampled KL penalty descends


def slopes(function, at, step=1e-5):
    """Central differences of a function of the logits."""
    return np.array(
        [(function(at + step * e) - function(at - step * e)) / (2 * step) for e in np.eye(len(at))]
    )


def policy_at(logits):
    return np.exp(logits) / np.exp(logits).sum()


@pytest.mark.parametrize("seed", range(3))
def test_mean_gradient_of_the_penalty(seed):
    rng = np.random.default_rng(seed)
    start, logits = rng.dirichlet(np.ones(6)), rng.normal(size=6)
    policy = policy_at(logits)

    def penalty(x):
        ratio = start / policy_at(x)
        return ratio - np.log(ratio) - 1

    def divergence(p, q):
        return p @ np.log(p / q)

    mean = slopes(penalty, logits) @ policy
    assert np.allclose(mean, policy - start, atol=1e-8)
    assert np.allclose(mean, slopes(lambda x: divergence(start, policy_at(x)), logits), atol=1e-8)
    other = slopes(lambda x: divergence(policy_at(x), start), logits)
    assert np.abs(mean - other).max() > 0.01
    weighted = slopes(lambda x: policy_at(x) / policy * penalty(x), logits) @ policy
    assert np.allclose(weighted, other, atol=1e-8)
    assert np.allclose(-reverse(policy, start), other, atol=1e-8)
    assert np.allclose(-forward(policy, start), mean, atol=1e-8)


def test_what_the_choice_of_pull_is_worth():
    start, target = prior(0.50), prior(0.70)
    assert states("13", "kl_apart", np.abs(forward(target, start) - reverse(target, start)).max())
    for name, weight, updates in (("kl_small", 0.01, 80), ("kl_large", 1.0, 1000)):
        ends = [
            path(0.50, true_drift, updates, pull=pull, weight=weight, dropped=True)[-1]
            for pull in (forward, reverse)
        ]
        assert states("13", name, 100 * abs(ends[0] - ends[1]))


# Chapter 13: drifts, and how late a hard prompt learns


def test_drifts():
    start = prior(0.50)
    for name, drift in (("majority", majority_drift(start)), ("true", true_drift(start))):
        assert abs(drift.sum()) < 1e-12
        assert all(states("13", f"drift_{name}_{role}", drift[role]) for role in (0, 2, 3))


def updates_to_half(of_p):
    """Of one right and one wrong answer, from one in a hundred."""
    gap, n = np.log(0.01 / 0.99), 0
    while gap < 0:
        gap, n = gap + 0.1 * of_p(1 / (1 + np.exp(-gap))), n + 1
    return n


def test_small_groups_are_part_of_the_delay():
    eight, limit = updates_to_half(speed), updates_to_half(lambda p: np.sqrt(p * (1 - p)))
    assert states("13", "hard_eight", eight) and states("13", "hard_limit", limit)
    assert states("13", "hard_part", 1 - limit / eight)
    assert limit < updates_to_half(lambda p: speed(p, 64)) < eight


# Chapters 6 and 13: where elicitation turns positive


def crossing(n_updates, actions=8, size=8):
    def gain(strength):
        found = path(strength, majority_drift, n_updates, actions, size)
        return found[-1] - found[0]

    return optimize.brentq(gain, 0.36, 0.49, xtol=1e-7)


def test_crossings_of_the_expected_path():
    found = {n: crossing(n) for n in (40, 80, 160, 100)}
    assert found[40] < found[80] < found[160] < 0.4643
    assert all(states("06", f"path_{n}", value) for n, value in found.items())
    assert states("13", "crossing_80", found[80])
    assert states("06", "path_100_ten", crossing(100, size=10))
    assert states("06", "path_heavy", crossing(100, actions=10, size=10))


def test_modes():
    light, heavy = (2 * b / (2 * b + k - 2) for k, b in ((8, 2.6), (10, 3.0)))
    assert states("06", "mode_light", light) and states("06", "mode_heavy", heavy)
    assert states("13", "crossover_format", light) and states("05", "crossover", light)


def test_the_plurality_is_right_before_the_mode_is():
    wins = plurality(prior(quoted("06", "crossing_light")[0]))
    error = 3 * np.sqrt(wins * (1 - wins) / 200_000)  # the page samples so many groups
    near = 0.0005  # the crossing is quoted to three digits
    assert states("06", "wins_correct", 2 * wins[0], error=2 * error[0] + near)
    assert states("06", "wins_format", wins[2], error=error[2] + near)


# Chapter 16: groups until as many have counted


def test_groups_of_a_refilled_run():
    p = path(0.80, true_drift, 200)
    counts = np.cumsum(1 - p**8 - (1 - p) ** 8)
    assert states("16", "refill_groups", np.searchsorted(counts, 80) / 80)


# Chapter 17: normal theory, and task draws for a margin


def test_percentiles_of_eight_runs_are_too_narrow():
    reach = stats.norm.ppf(0.975) * np.sqrt(7 / 8)
    for freedom in (7, 14):
        assert states("17", f"normal_{freedom}", 2 * stats.t.cdf(reach, freedom) - 1)
    assert estimate("17", "cover_own")[0] < 0.95


def test_task_draws_for_a_margin():
    sd, _ = quoted("17", "design_sd")
    half = {n: stats.t.ppf(0.975, n - 1) * sd / np.sqrt(n) for n in range(2, 20)}  # in points
    assert states("17", "needed", min(n for n in half if half[n] <= 3))
