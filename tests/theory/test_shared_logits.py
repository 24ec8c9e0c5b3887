"""Coin flips on shared logits, plain steps and Adam's: by hand, against drawn groups and the optimisers."""

import numpy as np
import pytest
from scipy import stats

from rlvr.simulator import rules
from rlvr.theory import (
    ADAM_BETAS,
    adam_null_moments,
    momentum_drift,
    momentum_factor,
    null_curvature,
    null_moments,
    ruin_probability,
    updates_to_fill,
)  # fmt: skip
from rlvr.theory.shared_logits import adam_weights, noise_correlation

SETTINGS = {"n_updates": 80, "learning_rate": 2.0, "n_answers": 1024, "group_size": 16}


def coin_walk(rng, shares, *, n_runs, n_updates, learning_rate, n_groups, group_size, inside=(0, 1)):
    """Logits (run, strategy) of RANDOM, group by group; a run rests once its first share is not `inside`."""
    shares = np.asarray(shares)
    logits = np.tile(np.log(shares), (n_runs, 1))
    for _ in range(n_updates):
        policy = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
        edges = policy.cumsum(1)[:, None, None, :-1]
        answers = (rng.random((n_runs, n_groups, group_size, 1)) > edges).sum(-1)
        rewards = rng.integers(0, 2, answers.shape)
        centred = rewards - rewards.mean(-1, keepdims=True)
        advantage = centred / (rewards.std(-1, keepdims=True) + 1e-8)
        chosen = answers[..., None] == np.arange(shares.size)
        going = ((policy[:, 0] > inside[0]) & (policy[:, 0] < inside[1]))[:, None]
        logits += going * learning_rate * (advantage[..., None] * chosen).mean((1, 2))
    return logits


def share_of(logits):
    return np.exp(logits) / np.exp(logits).sum(1, keepdims=True)


def test_two_strategies_by_hand():
    p, gap, noise = 0.65, 0.609 - 0.28, (1 - 2.0**-15) * 80 / 1024
    moments = null_moments([p, 1 - p], [0.609, 0.28], **SETTINGS)
    assert moments.sd == pytest.approx(gap * 2 * 2.0 * (p * (1 - p)) ** 1.5 * noise**0.5, rel=1e-12)
    assert moments.mean == pytest.approx(gap * 2 * 4.0 * noise * (p * (1 - p)) ** 2 * (1 - 2 * p), rel=1e-12)


def test_one_prompt_alone_is_chapter_three_s_curvature():
    policy, correct = np.array([0.1, 0.3, 0.4, 0.2]), np.array([True, False, True, False])
    settings = {"group_size": 8, "learning_rate": 0.05, "n_updates": 20}
    assert null_moments(policy, correct, n_answers=8, **settings).mean == pytest.approx(
        null_curvature(policy, correct, **settings), rel=1e-12
    )


@pytest.mark.parametrize("shares", [(0.65, 0.35), (0.5, 0.3, 0.15, 0.05)])
def test_mean_and_spread_of_drawn_runs(shares):
    accuracies = np.linspace(0.7, 0.1, len(shares))
    n_runs, rate = 4000, 0.6
    logits = coin_walk(
        np.random.default_rng(5), shares, n_runs=n_runs, n_updates=12, learning_rate=rate, n_groups=4,
        group_size=4,
    )  # fmt: skip
    gain = share_of(logits) @ accuracies - np.dot(shares, accuracies)
    wanted = null_moments(shares, accuracies, n_updates=12, learning_rate=rate, n_answers=16, group_size=4)
    assert abs(gain.mean() - wanted.mean) < 4 * gain.std() / n_runs**0.5
    assert gain.std(ddof=1) == pytest.approx(wanted.sd, rel=4 / (2 * n_runs) ** 0.5 + 0.02)
    moved = logits - np.log(shares)
    assert np.all(np.abs(moved.mean(0)) < 4 * moved.std(0) / n_runs**0.5)  # the martingale


def test_equal_accuracies_have_no_null():
    moments = null_moments([0.6, 0.3, 0.1], [0.4, 0.4, 0.4], **SETTINGS)
    assert abs(moments.mean) < 1e-15 and moments.sd < 1e-15


def test_the_gambler_s_ruin_of_drawn_runs():
    size = {"learning_rate": 0.6, "group_size": 8}
    share = share_of(
        coin_walk(
            np.random.default_rng(11), (0.65, 0.35), n_runs=2000, n_updates=1000, n_groups=1,
            inside=(0.2, 0.8), **size,
        )
    )[:, 0]  # fmt: skip
    won, lost = int(np.sum(share >= 0.8)), int(np.sum(share <= 0.2))
    assert won + lost > 1990
    chance = ruin_probability(0.65, low=0.2, high=0.8)
    assert stats.binomtest(won, won + lost, chance).pvalue > 1e-3
    assert stats.binomtest(won, won + lost, (0.65 - 0.2) / 0.6).pvalue < 0.05  # a martingale in the share
    assert stats.binomtest(won, won + lost, 0.5).pvalue < 1e-9


def test_heap_probability_by_hand_and_towards_one_half():
    logit = stats.logistic.ppf
    assert ruin_probability(0.3, low=0.1, high=0.8) == pytest.approx(
        (logit(0.3) - logit(0.1)) / (logit(0.8) - logit(0.1))
    )
    assert ruin_probability(0.5, low=0.2, high=0.8) == pytest.approx(0.5)
    wide = [ruin_probability(0.9, low=10.0**-n, high=1 - 10.0**-n) for n in (2, 5, 12)]
    assert wide[0] > wide[1] > wide[2] > 0.5


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"shares": [0.5, 0.6]}, "shares must be at least two numbers above 0 that sum to 1"),
        ({"shares": [1.0]}, "shares must be"),
        ({"shares": [1.0, 0.0]}, "shares must be"),
        ({"shares": [1.5, -0.5]}, "shares must be"),
        ({"accuracies": [0.5]}, "accuracies must be one number in \\[0, 1\\] for each of 2"),
        ({"accuracies": [0.5, 1.5]}, "accuracies must be"),
        ({"n_updates": -1}, "n_updates must be an integer of at least 0"),
        ({"learning_rate": 0.0}, "learning_rate must be a finite number above 0"),
        ({"n_answers": 0}, "n_answers must be an integer of at least 1"),
        ({"group_size": 1}, "group_size must be an integer of at least 2"),
    ],
)
def test_refusals(change, message):
    arguments = {"shares": [0.5, 0.5], "accuracies": [0.5, 0.1], **SETTINGS} | change
    with pytest.raises(ValueError, match=message):
        null_moments(arguments.pop("shares"), arguments.pop("accuracies"), **arguments)


@pytest.mark.parametrize(
    ("share", "low", "high"), [(0.4, 0.5, 0.9), (0.4, 0.0, 0.9), (0.4, 0.1, 1.0), (0.4, 0.1, 1.5)]
)
def test_bounds_out_of_order_are_refused(share, low, high):
    with pytest.raises(ValueError, match=rf"0 < low < share < high < 1, got {low}, {share}, {high}"):
        ruin_probability(share, low=low, high=high)


def adam_walk(noise, *, learning_rate=1.0, betas=(0.9, 0.95)):
    """Sum of Adam's steps (run,) on gradients (update, run), spelled out."""
    first, second, total = np.zeros(noise.shape[1]), np.zeros(noise.shape[1]), np.zeros(noise.shape[1])
    for t, gradient in enumerate(noise, start=1):
        first = betas[0] * first + (1 - betas[0]) * gradient
        second = betas[1] * second + (1 - betas[1]) * gradient**2
        total += (
            learning_rate * (first / (1 - betas[0] ** t)) / (np.sqrt(second / (1 - betas[1] ** t)) + 1e-8)
        )
    return total


def test_weights_by_hand():
    first = 1 + 0.09 / 0.19 + 0.081 / 0.271
    second = 0.1 / 0.19 + 0.09 / 0.271
    assert adam_weights(3) == pytest.approx([first, second, 0.1 / 0.271])
    assert adam_weights(0).shape == (0,)
    assert adam_weights(400)[100] == pytest.approx(1, abs=1e-3)  # all of it in the end


def test_the_walk_of_adam_itself_and_no_batch_size_in_it():
    noise = np.random.default_rng(3).standard_normal((80, 20_000))
    walks = [adam_walk(noise * scale).std() for scale in (1.0, 8**-0.5)]
    assert walks[0] == pytest.approx(walks[1], rel=1e-5)
    assert walks[0] == pytest.approx(np.sqrt(np.square(adam_weights(80)).sum()), rel=0.08)
    longer = adam_walk(np.random.default_rng(4).standard_normal((320, 5000))).std()
    assert longer / walks[0] == pytest.approx(2, rel=0.1)  # spread follows the root of the steps


def test_correlation_is_that_of_the_covariance():
    policy = np.array([0.5, 0.3, 0.15, 0.05])
    covariance = np.diag(policy) - np.outer(policy, policy)
    sd = np.sqrt(np.diag(covariance))
    assert noise_correlation(policy) == pytest.approx(covariance / np.outer(sd, sd))


def late_drift(share, betas, *, rate=0.01, n_runs=8000):
    """Drift of the logit difference an update, once averages are full, by Adam's rule; and its error.

    Each run has a twin with every coin turned over, so what is odd in the coins cancels.
    """
    rng = np.random.default_rng(5)
    x, first, second = np.zeros((3, 2 * n_runs))
    for t in range(1, 201):
        noise, now = rng.standard_normal(n_runs), 1 / (1 + (1 - share) / share * np.exp(-x))
        gradient = np.sqrt(now * (1 - now)) * np.concatenate([noise, -noise])
        first = betas[0] * first + (1 - betas[0]) * gradient
        second = betas[1] * second + (1 - betas[1]) * gradient**2
        x = x + 2 * rate * first / (1 - betas[0] ** t) / np.sqrt(second / (1 - betas[1] ** t))
        if t == 60:
            early = x
    moved = (x - early).reshape(2, n_runs).mean(axis=0) / 140
    return moved.mean(), moved.std() / n_runs**0.5


@pytest.mark.parametrize("share", [0.8, 0.35])
def test_momentum_carries_on_towards_the_commoner_strategy(share):
    found, error = late_drift(share, (0.9, 0.95))
    wanted = momentum_drift([share, 1 - share], learning_rate=0.01) @ [1, -1]
    assert found == pytest.approx(wanted, rel=0.12) and found * (share - 0.5) > 0
    assert abs(found) > 30 * error  # so "no drift" fails, and holds without momentum:
    without, error = late_drift(share, (0.0, 0.95))
    assert abs(without) < 4 * error
    assert momentum_drift([share, 1 - share], learning_rate=0.01, betas=(0.0, 0.95)) == pytest.approx([0, 0])


def test_the_default_betas_are_those_of_the_simulator():
    assert ADAM_BETAS == rules.BETAS


def test_the_factor_of_momentum_s_drift_depends_on_both_betas():
    assert momentum_factor() == momentum_factor((0.9, 0.95)) == pytest.approx(0.9 * 0.05 / (1.9 * 0.145))
    assert momentum_factor((0.9, 0.999)) == pytest.approx(0.9 * 0.001 / (1.9 * 0.1009))
    assert momentum_factor((0.0, 0.95)) == 0
    for betas in ((0.9, 0.95), (0.9, 0.999)):
        drift = momentum_drift([0.8, 0.2], learning_rate=0.1, betas=betas)
        assert drift[0] == pytest.approx(0.01 * momentum_factor(betas) * 0.6)


def test_until_the_average_of_squares_is_full_the_factor_is_larger():
    """Against the sum over gradients and squares, both bias-corrected, and against Adam's own rule."""

    def summed(n, first, second):
        total = 0.0
        for k in range(1, n + 1):
            later = np.arange(k, n)
            moved = np.cumsum(np.r_[0.0, (1 - first) * first ** (later - k) / (1 - first**later)])
            weights = (1 - second) * second ** (n - np.arange(k, n + 1)) / (1 - second**n)
            total += (1 - first) * first ** (n - k) / (1 - first**n) * (weights * moved).sum()
        return total

    for betas in ((0.9, 0.95), (0.9, 0.999)):
        for n in (60, 150, 640):
            assert momentum_factor(betas, n_updates=n) == pytest.approx(summed(n, *betas), rel=0.03)
    late = (0.9, 0.999)
    found, error = late_drift(0.8, late)  # updates 61 to 200
    by_update = [momentum_factor(late, n_updates=n) for n in range(61, 201)]
    unit = 2 * 0.01**2 * 0.6
    assert found == pytest.approx(unit * np.mean(by_update), abs=4 * error)
    assert found > unit * momentum_factor(late) + 4 * error  # the value for full averages fails so early


def test_updates_until_an_average_is_full():
    for beta in (0.9, 0.95, 0.999):
        n = updates_to_fill(beta)
        weights = (1 - beta) * beta ** np.arange(n)
        assert weights.sum() >= 0.95 > weights[:-1].sum()
    assert (updates_to_fill(0.95), updates_to_fill(0.999), updates_to_fill(0.0)) == (59, 2995, 1)
    assert updates_to_fill(0.999, weight=1 - np.exp(-1)) == pytest.approx(1000, abs=1)  # 1 / (1 - beta)


def test_momentum_drift_by_hand():
    carried = 0.9 * 0.05 / (1.9 * 0.145)
    found = momentum_drift([0.7, 0.3], learning_rate=0.1)
    assert found == pytest.approx([0.01 * carried * 0.4, -0.01 * carried * 0.4])
    assert momentum_drift([0.5, 0.5], learning_rate=0.1) == pytest.approx([0, 0], abs=1e-15)
    three = np.array([0.5, 0.3, 0.2])
    aligned = 1 - noise_correlation(three) @ three
    wanted = -0.005 * carried * (1 - 2 * three) * aligned / (1 - three)
    assert momentum_drift(three, learning_rate=0.1) == pytest.approx(wanted)


def test_momentum_drift_of_three_strategies_by_adam_s_rule():
    rng, rate, n_runs = np.random.default_rng(6), 0.01, 6000
    policy = np.array([0.6, 0.3, 0.1])
    logits, first, second = np.zeros((3, 2 * n_runs, 3))
    for t in range(1, 201):
        now = policy * np.exp(logits)
        now /= now.sum(axis=1, keepdims=True)
        drawn = rng.standard_normal((n_runs, 3))
        noise = np.sqrt(now) * np.concatenate([drawn, -drawn])
        gradient = noise - now * noise.sum(axis=1, keepdims=True)  # of covariance diag(pi) - pi pi^T
        first, second = 0.9 * first + 0.1 * gradient, 0.95 * second + 0.05 * gradient**2
        logits = logits + rate * first / (1 - 0.9**t) / np.sqrt(second / (1 - 0.95**t))
        if t == 60:
            early = logits
    moved = (logits - early).reshape(2, n_runs, 3).mean(axis=0) / 140
    wanted = momentum_drift(policy, learning_rate=rate)
    assert np.all(abs(moved.mean(axis=0) - wanted) < 4 * moved.std(axis=0) / n_runs**0.5 + 0.12 * abs(wanted))


def test_the_noise_of_the_average_of_squares_lowers_the_factor_by_a_tenth():
    """By Adam's own rule, on pairs of opposite noise whose first-order steps cancel."""

    def by_rule(betas, n=4000, fill=400, kept=200, rate=0.01):
        rng, odds = np.random.default_rng(0), np.full((2, n), np.log(0.8 / 0.2))
        mean, square, from_here = np.zeros((2, n)), np.full((2, n), 0.8 * 0.2), odds
        for step in range(fill + kept):
            p, noise = 1 / (1 + np.exp(-odds)), rng.normal(size=n)
            gradient = np.sqrt(p * (1 - p)) * np.stack([noise, -noise])
            mean = betas[0] * mean + (1 - betas[0]) * gradient
            square = betas[1] * square + (1 - betas[1]) * gradient**2
            if step >= fill:  # until then the averages fill where the odds stand
                odds = odds + 2 * rate * mean / np.sqrt(square)
            if step == fill + 59:  # what the standing odds left in the averages is gone
                from_here = odds
        drift = (odds - from_here).mean(axis=0) / (kept - 60) / (2 * rate**2 * 0.6)
        return drift.mean(), drift.std(ddof=1) / np.sqrt(n)

    found, error = by_rule((0.9, 0.95))
    assert 0.05 < 1 - found / momentum_factor((0.9, 0.95)) < 0.13 and error < 0.003


def test_adam_s_moments_of_two_strategies_by_hand():
    moments = adam_null_moments([0.65, 0.35], [0.609, 0.28], n_updates=80, learning_rate=0.04)
    steps = np.square(adam_weights(80)).sum()
    assert moments.sd == pytest.approx(0.329 * 2 * 0.04 * 0.65 * 0.35 * steps**0.5)
    assert moments.mean == pytest.approx(0.329 * 2 * 0.04**2 * 0.65 * 0.35 * -0.3 * steps)


def test_refusals_of_adam_s_settings():
    with pytest.raises(ValueError, match="betas\\[0\\] must be a number in \\[0, 1\\), got 1"):
        adam_weights(3, betas=(1.0, 0.95))
    with pytest.raises(ValueError, match="n_updates must be an integer of at least 0, got -1"):
        adam_weights(-1)
    with pytest.raises(ValueError, match="n_updates must be an integer of at least 1, got 0"):
        momentum_factor(n_updates=0)
    with pytest.raises(ValueError, match="weight must be a number strictly between 0 and 1"):
        updates_to_fill(0.9, weight=1.0)
    with pytest.raises(ValueError, match="shares must be"):
        noise_correlation([0.5, 0.4])
