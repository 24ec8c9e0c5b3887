"""Coin flips on shared logits, plain gradient steps: by hand, against drawn groups, and at the ends."""

import numpy as np
import pytest
from scipy import stats

from rlvr.theory import heap_probability, null_curvature, null_moments
from rlvr.theory.shared_logits import updates_to_heap

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


def test_more_answers_less_spread_more_prompts_none():
    wide = null_moments([0.6, 0.4], [0.7, 0.2], **(SETTINGS | {"n_answers": 128}))
    narrow = null_moments([0.6, 0.4], [0.7, 0.2], **SETTINGS)
    assert wide.sd / narrow.sd == pytest.approx(8**0.5)
    assert wide.mean / narrow.mean == pytest.approx(8)


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
    chance = heap_probability(0.65, low=0.2, high=0.8)
    assert stats.binomtest(won, won + lost, chance).pvalue > 1e-3
    assert stats.binomtest(won, won + lost, (0.65 - 0.2) / 0.6).pvalue < 0.05  # a martingale in the share
    assert stats.binomtest(won, won + lost, 0.5).pvalue < 1e-9


def test_the_time_to_a_heap_of_drawn_runs():
    settings = {"learning_rate": 0.3, "group_size": 8}
    wanted = updates_to_heap(0.6, low=0.4, high=0.8, n_answers=8, **settings)
    rng, inside, alive = np.random.default_rng(12), (0.4, 0.8), 0.0
    for n_updates in range(0, 400, 20):
        share = share_of(
            coin_walk(rng, (0.6, 0.4), n_runs=300, n_updates=n_updates, n_groups=1, inside=inside, **settings)
        )[:, 0]
        alive += 20 * np.mean((share > inside[0]) & (share < inside[1]))
    assert alive - 10 == pytest.approx(wanted, rel=0.15)  # the area under the curve of survival


def test_heap_probability_by_hand_and_towards_one_half():
    logit = stats.logistic.ppf
    assert heap_probability(0.3, low=0.1, high=0.8) == pytest.approx(
        (logit(0.3) - logit(0.1)) / (logit(0.8) - logit(0.1))
    )
    assert heap_probability(0.5, low=0.2, high=0.8) == pytest.approx(0.5)
    wide = [heap_probability(0.9, low=10.0**-n, high=1 - 10.0**-n) for n in (2, 5, 12)]
    assert wide[0] > wide[1] > wide[2] > 0.5


def test_time_to_a_heap_solves_its_equation():
    settings = {"low": 0.05, "high": 0.97, "learning_rate": 2.0, "n_answers": 128, "group_size": 4}
    start, step = stats.logistic.ppf(0.7), 1e-3
    here, up, down = (updates_to_heap(stats.logistic.cdf(start + d), **settings) for d in (0.0, step, -step))
    variance = 4 * 2.0**2 * (1 - 2.0**-3) / 128 * 0.7 * 0.3
    assert 0.5 * variance * (up - 2 * here + down) / step**2 == pytest.approx(-1, abs=1e-4)
    near = updates_to_heap(0.0501, **settings)
    assert 0 < near < 0.01 * here


@pytest.mark.parametrize(
    ("change", "said"),
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
def test_refusals(change, said):
    arguments = {"shares": [0.5, 0.5], "accuracies": [0.5, 0.1], **SETTINGS} | change
    with pytest.raises(ValueError, match=said):
        null_moments(arguments.pop("shares"), arguments.pop("accuracies"), **arguments)


@pytest.mark.parametrize(
    ("share", "low", "high"), [(0.4, 0.5, 0.9), (0.4, 0.0, 0.9), (0.4, 0.1, 1.0), (0.4, 0.1, 1.5)]
)
def test_bounds_out_of_order_are_refused(share, low, high):
    with pytest.raises(ValueError, match=rf"0 < low < share < high < 1, got {low}, {share}, {high}"):
        heap_probability(share, low=low, high=high)
