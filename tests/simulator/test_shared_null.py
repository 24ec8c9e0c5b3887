"""RANDOM where strategies are shared: a martingale without the clip, none with it; spread by formula.

The unit of replication is one run (seed). Controls show that the tests of "no drift" can fail.
"""

from dataclasses import replace

import numpy as np
import pytest

from rlvr import GRPOConfig, StrategyFamily, simulate

PAIR = StrategyFamily((0.596, 0.404), (0.72, 0.16), n_prompts=64)
SGD = GRPOConfig(n_steps=40, batch_size=16, group_size=8, learning_rate=1.0, kl_coefficient=0.0)
CLIP = (0.2, 0.2)


def z_of_mean_change(family, config, n_runs=2000, seed=3):
    """Mean change of the first strategy's logit against the average logit, in its standard errors."""
    runs = simulate(family, config, arms=("random",), n_seeds=n_runs, seed=seed)
    moved = runs.logits[0, 0, :, 0] - family.prior_logits[0]
    moved = moved[:, 0] - moved.mean(axis=1)
    return moved.mean() / moved.std(ddof=1) * np.sqrt(n_runs)


@pytest.mark.parametrize("family", [
    PAIR, replace(PAIR, offset_sd=1.5), StrategyFamily.long_tail(0.65, 20, (0.609, 0.28)),
], ids=["two", "prompts differ", "tail"])  # fmt: skip
@pytest.mark.parametrize("config", [
    SGD, replace(SGD, inner_updates=8), replace(SGD, advantage="centered"),
], ids=["one update", "eight updates", "centered"])  # fmt: skip
def test_without_the_clip_plain_steps_are_a_martingale(family, config):
    assert abs(z_of_mean_change(family, config)) < 4


def test_the_clip_makes_it_drift():
    config = replace(SGD, batch_size=16, inner_updates=16, learning_rate=2.0)
    assert abs(z_of_mean_change(PAIR, config)) < 4
    assert z_of_mean_change(PAIR, replace(config, clip=CLIP)) > 6


def test_adam_s_logits_do_not_drift_but_a_tail_of_equal_steps_gains():
    """Rare logits that move as far as common ones gain on average: exp is convex."""
    tail = StrategyFamily.long_tail(0.65, 100, (0.609, 0.28))
    config = replace(SGD, batch_size=64, group_size=16, inner_updates=8, n_steps=40)
    adam = replace(config, optimizer="adam", learning_rate=0.15)
    assert abs(z_of_mean_change(tail, adam, n_runs=300)) < 4
    gain = {}
    for name, design in {"sgd": config, "adam": adam}.items():
        runs = simulate(tail, design, arms=("random",), n_seeds=300)
        gain[name] = runs.shares[0, 0, :, 1:].sum(axis=1) - 0.35
    assert gain["adam"].mean() > 10 * gain["adam"].std() / np.sqrt(300)
    assert abs(gain["sgd"].mean()) < 4 * gain["sgd"].std() / np.sqrt(300)


@pytest.mark.parametrize("share", [0.3, 0.596])
def test_spread_of_the_null_by_formula(share):
    family = StrategyFamily((share, 1 - share), (0.72, 0.16), n_prompts=16)
    config = replace(SGD, learning_rate=0.2, group_size=16)
    n_runs = 4000
    accuracy = simulate(family, config, arms=("random",), n_seeds=n_runs).accuracy[0, 0]
    expected = 0.56 * 2 * 0.2 * (share * (1 - share)) ** 1.5 * np.sqrt(40 / (16 * 16))
    assert accuracy.std(ddof=1) == pytest.approx(expected, rel=4 / np.sqrt(2 * n_runs))


def test_more_prompts_do_not_average_luck_away_at_equal_answers():
    """The spread follows the answers of a step, whatever number of prompts they are spread over."""
    spread = [
        simulate(
            PAIR, replace(SGD, batch_size=b, group_size=g), arms=("random",), n_seeds=1500
        ).accuracy.std()
        for b, g in ((8, 32), (64, 4))
    ]
    # four answers are equal with chance 1/8, and then teach nothing
    assert spread[1] / spread[0] == pytest.approx(np.sqrt(7 / 8), rel=0.08)


def test_adam_s_spread_does_not_follow_the_batch_and_plain_steps_do():
    config = GRPOConfig(n_steps=80, batch_size=64, group_size=16, learning_rate=2.0, kl_coefficient=0.0)
    small = replace(config, batch_size=8)
    adam = {"optimizer": "adam", "learning_rate": 0.04}

    def spread(config):
        return simulate(PAIR, config, arms=("random",), n_seeds=300).accuracy.std()

    assert spread(small) > 1.9 * spread(config)
    assert spread(replace(small, **adam)) == pytest.approx(spread(replace(config, **adam)), rel=0.15)


def test_a_long_tail_climbs_quietly_under_the_clip():
    tail = StrategyFamily.long_tail(0.65, 200, (0.609, 0.28))
    config = GRPOConfig(
        n_steps=80, batch_size=64, group_size=16, learning_rate=0.15, kl_coefficient=0.0, inner_updates=8,
        optimizer="adam",
    )  # fmt: skip
    loose, clipped = (
        simulate(tail, replace(config, clip=clip), arms=("random",), n_seeds=40) for clip in (None, CLIP)
    )
    assert clipped.accuracy.mean() - tail.prior_accuracy > 0.07
    assert loose.accuracy.mean() - tail.prior_accuracy < -0.07
    assert clipped.accuracy.std() < 0.5 * loose.accuracy.std()
    assert 0.005 < clipped.clipped.mean() < 0.03 and loose.clipped.max() == 0
