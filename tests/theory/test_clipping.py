"""The clip under coin flips: its force and bounds, and one rollout's law, by enumeration and simulation."""

import itertools
import math

import numpy as np
import pytest

from rlvr import GRPOConfig, StrategyFamily, simulate
from rlvr.theory import clip_bounds, clipped_rollout, mean_clip_force
from rlvr.theory.clipping import ClippedRollout, _update_moments, coin_advantage
from rlvr.theory.shared_logits import noise_correlation

CLIP = (0.2, 0.2)
PRINT = {"n_answers": 128, "group_size": 16, "inner_updates": 8}


def drawn_gradients(rng, before, now, clip, *, n_groups, group_size):
    """Gradients (update, strategy) of answers drawn from `before`, one row of `now` an update."""
    answers = rng.choice(before.size, (len(now), n_groups, group_size), p=before)
    rewards = rng.integers(0, 2, answers.shape)
    advantage = (rewards - rewards.mean(-1, keepdims=True)) / (rewards.std(-1, keepdims=True) + 1e-8)
    ratio = np.take_along_axis(now / before, answers.reshape(len(now), -1), axis=1).reshape(answers.shape)
    out = ((advantage > 0) & (ratio > 1 + clip[1])) | ((advantage < 0) & (ratio < 1 - clip[0]))
    weight = np.where(out, 0.0, advantage * ratio)
    used = np.stack([(weight * (answers == s)).mean((1, 2)) for s in range(before.size)], axis=-1)
    return used - weight.mean((1, 2))[:, None] * now


@pytest.mark.parametrize("scale_free", [True, False])
@pytest.mark.parametrize("before", [(0.65, 0.35), (0.6, 0.3, 0.1)])
def test_the_mean_force_is_that_of_drawn_answers(before, scale_free):
    rng, before, n_updates = np.random.default_rng(2), np.array(before), 20_000
    scale = 0.5 * (np.ones(before.size) if scale_free else np.sqrt(before * (1 - before)))
    covariance = noise_correlation(before) * np.outer(scale, scale)
    moved = rng.multivariate_normal(np.zeros(before.size), covariance, n_updates, method="eigh")
    now = before * np.exp(moved)
    now /= now.sum(axis=1, keepdims=True)
    gradients = drawn_gradients(rng, before, now, CLIP, n_groups=2, group_size=8)
    wanted = mean_clip_force(before, step=0.5, clip=CLIP, group_size=8, scale_free=scale_free)
    assert np.all(np.abs(gradients.mean(0) - wanted) < 4 * gradients.std(0) / n_updates**0.5)
    # What the clip takes back, update by update, is seen at once; without the clip there is nothing to see.
    backward = (gradients * moved).sum(axis=1)
    free = (drawn_gradients(rng, before, now, (1.0, 1e9), n_groups=2, group_size=8) * moved).sum(axis=1)
    assert backward.mean() < -10 * backward.std() / n_updates**0.5
    assert abs(free.mean()) < 4 * free.std() / n_updates**0.5


def test_coin_advantage_by_hand_and_as_print_gives_it():
    assert coin_advantage(2) == pytest.approx(0.25)
    assert coin_advantage(4) == pytest.approx((8 * 3**0.5 + 6 * 2) / 16 / 4)
    assert round(coin_advantage(16), 4) == 0.4835


@pytest.mark.parametrize("share", [0.2, 0.3, 0.5, 0.65, 0.8, 0.9])
def test_bounds_are_where_the_ratios_say(share):
    bounds = clip_bounds(share, clip=CLIP)
    for name, (which, wanted) in {
        "first above": (0, 1.2), "first below": (0, 0.8), "second above": (1, 1.2), "second below": (1, 0.8)
    }.items():  # fmt: skip
        if math.isfinite(bounds[name]):
            odds = share / (1 - share) * math.exp(bounds[name])
            now = (odds / (1 + odds), 1 / (1 + odds))[which]
            assert now / (share, 1 - share)[which] == pytest.approx(wanted)
        else:
            assert (share, 1 - share)[which] * wanted >= 1


@pytest.mark.parametrize("width", [0.05, 0.2, 0.28])
def test_the_bounds_are_uneven_in_favour_of_more_than_half(width):
    for share in np.linspace(0.05, 0.95, 19):
        bounds = clip_bounds(share, clip=(width, width))
        commoner, rarer = (
            math.copysign(1.0, bounds[f"{name} above"] + bounds[f"{name} below"])
            for name in ("first", "second")
        )
        if abs(share - 0.5) < 1e-9:
            assert bounds["first above"] == pytest.approx(-bounds["first below"])
            assert bounds["second above"] == pytest.approx(-bounds["second below"])
        else:
            assert commoner == rarer == math.copysign(1.0, share - 0.5)


def test_the_mean_force_favours_the_dominant_strategy():
    for share in (0.55, 0.65, 0.9):
        for scale_free in (True, False):
            force = mean_clip_force(
                [share, 1 - share], step=0.5, clip=CLIP, group_size=16, scale_free=scale_free
            )
            back = mean_clip_force(
                [1 - share, share], step=0.5, clip=CLIP, group_size=16, scale_free=scale_free
            )
            assert force[0] > 0 and force.sum() == pytest.approx(0, abs=1e-12)
            assert back[::-1] == pytest.approx(force, rel=0.05)
    even = mean_clip_force([0.5, 0.5], step=0.5, clip=CLIP, group_size=16)
    assert np.abs(even).max() < 1e-3 * coin_advantage(16)


def test_a_long_tail_loses_under_a_scale_free_step_and_not_under_a_plain_one():
    tail = 1 / np.arange(1, 41)
    policy = np.concatenate([[0.65], 0.35 * tail / tail.sum()])
    free = mean_clip_force(policy, step=0.15, clip=CLIP, group_size=16)
    plain = mean_clip_force(policy, step=0.15, clip=CLIP, group_size=16, scale_free=False)
    assert free[0] > 0 and free[1:].sum() < 0
    assert abs(plain[0]) < 0.02 * free[0]  # rare logits hardly move, so few bounds are met


def test_no_displacement_meets_a_wide_clip():
    assert mean_clip_force([0.65, 0.35], step=0.2, clip=(0.99, 9.0), group_size=16) == pytest.approx([0, 0])


def enumerated(share, now, clip, group_size):
    """Mean, and size times variance, of one group's gradient of the logit difference, over all groups."""
    before, now = np.array([share, 1 - share]), np.array([now, 1 - now])
    ratio, total, square = now / before, 0.0, 0.0
    for answers in itertools.product((0, 1), repeat=group_size):
        for coins in itertools.product((0, 1), repeat=group_size):
            chance = np.prod(before[list(answers)]) * 0.5**group_size
            rewards = np.array(coins, float)
            advantages = (rewards - rewards.mean()) / (rewards.std() or 1)
            gradient = 0.0
            for s, worth in zip(answers, advantages, strict=True):
                if not ((worth > 0 and ratio[s] > 1 + clip[1]) or (worth < 0 and ratio[s] < 1 - clip[0])):
                    onehot = np.eye(2)[s]
                    gradient += worth * ratio[s] * ((onehot - now) @ [1, -1]) / group_size
            total, square = total + chance * gradient, square + chance * gradient**2
    return total, group_size * (square - total**2)


@pytest.mark.parametrize("now", [0.65, 0.75, 0.8, 0.55, 0.4])
@pytest.mark.parametrize("clip", [CLIP, (0.1, 0.3)])
def test_an_update_s_moments_are_those_of_every_group(now, clip):
    before, after = np.array([[0.65], [0.35]]), np.array([[now], [1 - now]])
    ratio = after / before
    push = np.stack([2 * after[1] * ratio[0], -2 * after[0] * ratio[1]])
    found = _update_moments(before, push, 1.0 * (ratio > 1 + clip[1]), 1.0 * (ratio < 1 - clip[0]), 4)
    np.testing.assert_allclose(np.ravel(found), enumerated(0.65, now, clip, 4), rtol=1e-12, atol=1e-15)


def test_without_the_clip_it_is_the_martingale():
    found = clipped_rollout(0.65, learning_rate=0.2, clip=None, **PRINT)
    spread = 2 * 0.2 * np.sqrt((1 - 2.0**-15) * 0.65 * 0.35 * 8 / 128)
    assert found.sd == pytest.approx(spread, rel=2e-3) and abs(found.mean) < 1e-6
    assert found[2:] == (0, 0, 0)
    assert clipped_rollout(0.65, learning_rate=9.0, clip=CLIP, **(PRINT | {"inner_updates": 1})).clipped == 0


@pytest.mark.parametrize("rate", [1.0, 2.0, 5.0])
@pytest.mark.parametrize("share", [0.65, 0.2])
def test_the_drift_is_the_difference_of_what_is_clipped(share, rate):
    found = clipped_rollout(share, learning_rate=rate, clip=CLIP, **PRINT)
    worth = 2 * coin_advantage(16) / (1 - 2.0**-15)  # of an answer in a group of unequal rewards
    wanted = 2 * rate * worth * 8 * (found.losing - found.gaining)
    assert found.mean == pytest.approx(wanted, rel=1e-9) and found.mean * (share - 0.5) > 0
    assert clipped_rollout(1 - share, learning_rate=rate, clip=CLIP, **PRINT) == pytest.approx(
        ClippedRollout(-found.mean, found.sd, found.clipped, found.gaining, found.losing), rel=1e-9
    )


@pytest.mark.parametrize(("share", "rate", "clip"), [
    (0.65, 1.0, CLIP), (0.65, 2.0, CLIP), (0.65, 5.0, CLIP), (0.2, 2.0, CLIP), (0.65, 2.0, (0.1, 0.3)),
])  # fmt: skip
def test_drift_spread_and_share_of_simulated_rollouts(share, rate, clip):
    n_runs = 6000
    family = StrategyFamily((share, 1 - share), (0.6, 0.3))
    config = GRPOConfig(
        n_steps=1, batch_size=64, group_size=16, inner_updates=8, learning_rate=rate, kl_coefficient=0.0,
        clip=clip,
    )  # fmt: skip
    runs = simulate(family, config, arms=("random",), n_seeds=n_runs)
    x = runs.logits[0, 0, :, 0] @ [1, -1] - np.log(share / (1 - share))
    error, found = x.std() / n_runs**0.5, clipped_rollout(share, learning_rate=rate, clip=clip, **PRINT)
    assert abs(x.mean() - found.mean) < 4 * error
    assert x.std() == pytest.approx(found.sd, rel=4 / (2 * n_runs) ** 0.5)
    assert runs.clipped.mean() == pytest.approx(found.clipped, rel=0.05)
    even, free = (
        clipped_rollout(0.5, learning_rate=rate, clip=clip, **PRINT),
        clipped_rollout(share, learning_rate=rate, clip=None, **PRINT),
    )
    assert abs(x.mean() - even.mean) > 4 * error  # controls: an even split's drift, a free walk's spread
    assert x.std() < free.sd * (1 - 8 / (2 * n_runs) ** 0.5)


def test_rare_clipping_is_one_sided():
    sides = [clipped_rollout(0.65, learning_rate=rate, clip=CLIP, **PRINT) for rate in (0.4, 0.6, 1.0, 2.0)]
    ratios = [each.losing / each.gaining for each in sides]
    assert ratios == sorted(ratios, reverse=True) and ratios[0] > 4 > 1.5 > ratios[-1]


def test_the_upper_bound_favours_the_leader_and_the_lower_one_its_rival():
    upper, lower, wider = (
        clipped_rollout(0.65, learning_rate=1.0, clip=clip, **PRINT).mean
        for clip in ((1.0, 0.2), (0.2, 9.0), (0.2, 0.28))
    )
    assert upper > 0.03 and lower < -0.01 and wider < -0.004
    even = clipped_rollout(0.5, learning_rate=1.0, clip=(0.1, 0.3), **PRINT)
    assert even.mean == pytest.approx(0, abs=1e-12) and even.clipped > 0.001


def test_a_finer_grid_says_the_same():
    coarse, fine = (
        clipped_rollout(0.65, learning_rate=2.0, clip=CLIP, n_points=n, **PRINT) for n in (801, 1601)
    )
    np.testing.assert_allclose(coarse, fine, rtol=0.01)


def test_the_force_and_the_bounds_refuse_by_name():
    with pytest.raises(ValueError, match=r"clip must be two numbers \(low, high\), each above 0, got -0\.2"):
        mean_clip_force([0.5, 0.5], step=0.2, clip=(0.2, -0.2), group_size=8)
    with pytest.raises(ValueError, match=r"share must be a number strictly between 0 and 1, got 1\.0"):
        clip_bounds(1.0, clip=CLIP)
    with pytest.raises(ValueError, match="step must be a finite number above 0, got 0"):
        mean_clip_force([0.5, 0.5], step=0, clip=CLIP, group_size=8)
    with pytest.raises(ValueError, match="group_size must be an integer of at least 2, got 1"):
        mean_clip_force([0.5, 0.5], step=0.2, clip=CLIP, group_size=1)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"share": 1.0}, "share must be a number strictly between 0 and 1, got 1"),
        ({"share": 1.0, "clip": None}, "share must be a number strictly between 0 and 1, got 1"),
        ({"learning_rate": 0.0}, "learning_rate must be a finite number above 0, got 0"),
        ({"n_answers": 0}, "n_answers must be an integer of at least 1, got 0"),
        ({"group_size": 1}, "group_size must be an integer of at least 2, got 1"),
        ({"inner_updates": 0}, "inner_updates must be an integer of at least 1, got 0"),
        ({"clip": (0.2, 0.0)}, r"clip must be two numbers \(low, high\), each above 0, got 0"),
        ({"n_points": 4}, "n_points must be an odd integer of at least 101, got 4"),
    ],
)
def test_refusals(change, message):
    with pytest.raises(ValueError, match=message):
        clipped_rollout(**({"share": 0.65, "learning_rate": 1.0, "clip": CLIP} | PRINT | change))
