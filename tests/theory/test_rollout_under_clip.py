"""One rollout under the clip: moments by enumeration, the law against simulation, and what must not fit."""

import itertools

import numpy as np
import pytest

from rlvr import GRPOConfig, StrategyFamily, simulate
from rlvr.theory import clipped_rollout
from rlvr.theory.rollout_under_clip import ClippedRollout, _update_moments, answer_worth

PRINT = {"n_answers": 128, "group_size": 16, "inner_updates": 8}
CLIP = (0.2, 0.2)


def test_worth_by_hand():
    assert answer_worth(2) == pytest.approx(1)
    # of 14 unequal groups of four, eight hold one or three ones, with advantages of mean size sqrt(3) / 2
    assert answer_worth(4) == pytest.approx((8 * 3**0.5 / 2 + 6) / 14)


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
    wanted = 2 * rate * answer_worth(16) * 8 * (found.losing - found.gaining)
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


@pytest.mark.parametrize(
    ("change", "said"),
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
def test_refusals(change, said):
    with pytest.raises(ValueError, match=said):
        clipped_rollout(**({"share": 0.65, "learning_rate": 1.0, "clip": CLIP} | PRINT | change))
