"""Adam under coin flips: its weights by hand, its walk against Adam itself, its pull against formulas."""

import numpy as np
import pytest

from rlvr.simulator import rules
from rlvr.theory import ADAM_BETAS, adam_null_moments, momentum_drift, momentum_factor, updates_to_fill
from rlvr.theory.scale_free_step import adam_weights, noise_correlation, scale_free_drift


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


def test_the_pull_of_two_strategies_by_hand():
    pull = scale_free_drift([0.7, 0.3], learning_rate=0.1)
    assert pull == pytest.approx([2 * 0.01 * 0.21 * (1 - 1.4), 2 * 0.01 * 0.21 * 0.4])
    assert scale_free_drift([0.5, 0.5], learning_rate=0.1) == pytest.approx([0, 0], abs=1e-15)


def test_the_pull_of_drawn_steps():
    policy = np.array([0.6, 0.25, 0.1, 0.05])
    rng = np.random.default_rng(8)
    steps = rng.multivariate_normal(np.zeros(4), 0.05**2 * noise_correlation(policy), 200_000)
    moved = [policy * np.exp(sign * steps) for sign in (1, -1)]
    change = sum(new / new.sum(1, keepdims=True) for new in moved) / 2 - policy
    wanted = scale_free_drift(policy, learning_rate=0.05)
    assert np.all(np.abs(change.mean(0) - wanted) < 4 * change.std(0) / 200_000**0.5 + 2e-6)
    assert wanted.sum() == pytest.approx(0, abs=1e-15) and wanted[0] < 0 < wanted[3]


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


def test_a_long_tail_gains_on_a_dominant_strategy():
    tail = 1 / np.arange(1, 201)
    policy = np.concatenate([[0.65], 0.35 * tail / tail.sum()])
    near = 0.15**2 * policy * ((policy**2).sum() - policy)
    assert scale_free_drift(policy, learning_rate=0.15)[0] == pytest.approx(near[0], rel=0.2)


def test_moments_of_two_strategies_by_hand():
    moments = adam_null_moments([0.65, 0.35], [0.609, 0.28], n_updates=80, learning_rate=0.04)
    steps = np.square(adam_weights(80)).sum()
    assert moments.sd == pytest.approx(0.329 * 2 * 0.04 * 0.65 * 0.35 * steps**0.5)
    assert moments.mean == pytest.approx(0.329 * 2 * 0.04**2 * 0.65 * 0.35 * -0.3 * steps)


def test_refusals():
    with pytest.raises(ValueError, match="betas\\[0\\] must be a number in \\[0, 1\\), got 1"):
        adam_weights(3, betas=(1.0, 0.95))
    with pytest.raises(ValueError, match="n_updates must be an integer of at least 0, got -1"):
        adam_weights(-1)
    with pytest.raises(ValueError, match="n_updates must be an integer of at least 1, got 0"):
        momentum_factor(n_updates=0)
    with pytest.raises(ValueError, match="weight must be a number strictly between 0 and 1"):
        updates_to_fill(0.9, weight=1.0)
    with pytest.raises(ValueError, match="learning_rate must be"):
        scale_free_drift([0.5, 0.5], learning_rate=-1)
    with pytest.raises(ValueError, match="shares must be"):
        noise_correlation([0.5, 0.4])


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
