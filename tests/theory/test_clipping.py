"""Clipping under coin flips: the force by hand and against drawn answers, its bounds, and whom it favours."""

import math

import numpy as np
import pytest

from rlvr.theory import clip_bounds, mean_clip_force
from rlvr.theory.clipping import clip_force, clipped_share, coin_advantage

CLIP = (0.2, 0.2)


def drawn_gradients(rng, before, now, clip, *, n_updates, n_groups, group_size):
    """Gradients (update, strategy) of answers drawn from `before`, and the share of them left out."""
    before, now = np.asarray(before), np.asarray(now)
    answers = rng.choice(before.size, (n_updates, n_groups, group_size), p=before)
    rewards = rng.integers(0, 2, answers.shape)
    advantage = (rewards - rewards.mean(-1, keepdims=True)) / (rewards.std(-1, keepdims=True) + 1e-8)
    ratio = (now / before)[answers]
    out = ((advantage > 0) & (ratio > 1 + clip[1])) | ((advantage < 0) & (ratio < 1 - clip[0]))
    weight = np.where(out, 0.0, advantage * ratio)[..., None]
    return (weight * ((answers[..., None] == np.arange(now.size)) - now)).mean((1, 2)), out.mean()


@pytest.mark.parametrize(
    ("before", "now"),
    [((0.65, 0.35), (0.76, 0.24)), ((0.6, 0.3, 0.1), (0.55, 0.25, 0.2)), ((0.5, 0.2, 0.3), (0.3, 0.3, 0.4))],
)
def test_the_force_of_drawn_answers(before, now):
    rng = np.random.default_rng(2)
    drawn, left_out = drawn_gradients(rng, before, now, CLIP, n_updates=4000, n_groups=8, group_size=8)
    error = drawn.std(0) / 4000**0.5
    assert np.all(np.abs(drawn.mean(0) - clip_force(before, now, clip=CLIP, group_size=8)) < 4 * error)
    assert left_out == pytest.approx(clipped_share(before, now, clip=CLIP, group_size=8), abs=0.004)
    free, none = drawn_gradients(rng, before, now, (1.0, 1e9), n_updates=4000, n_groups=8, group_size=8)
    assert none == 0 and np.all(np.abs(free.mean(0)) < 4 * free.std(0) / 4000**0.5)
    assert np.any(np.abs(drawn.mean(0)) > 10 * error)  # so the force is seen, and not there without the clip


def test_the_force_by_hand():
    mu = coin_advantage(16)
    force = clip_force([0.5, 0.5], [0.65, 0.35], clip=CLIP, group_size=16)
    assert force[0] - force[1] == pytest.approx(
        -2 * mu * 0.65 * 0.35 * 2
    )  # the first above, the second below
    only = clip_force([0.65, 0.35], [0.72, 0.28], clip=(0.19, 0.2), group_size=16)  # the second below alone
    assert only == pytest.approx([-mu * 0.72 * 0.28, mu * 0.28 * 0.72])
    assert clip_force([0.6, 0.4], [0.6, 0.4], clip=CLIP, group_size=16) == pytest.approx([0, 0])


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
    assert clipped_share([0.6, 0.4], [0.1, 0.9], clip=(1.0, 9.0), group_size=4) == 0


def test_refusals():
    with pytest.raises(ValueError, match=r"clip must be two numbers \(low, high\), each above 0, got -0\.2"):
        clip_force([0.5, 0.5], [0.5, 0.5], clip=(0.2, -0.2), group_size=8)
    with pytest.raises(ValueError, match=r"share must be a number strictly between 0 and 1, got 1\.0"):
        clip_bounds(1.0, clip=CLIP)
    with pytest.raises(ValueError, match="step must be a finite number above 0, got 0"):
        mean_clip_force([0.5, 0.5], step=0, clip=CLIP, group_size=8)
    with pytest.raises(ValueError, match="group_size must be an integer of at least 2, got 1"):
        clipped_share([0.5, 0.5], [0.5, 0.5], clip=CLIP, group_size=1)
