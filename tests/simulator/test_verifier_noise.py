"""A verifier that errs: what it does to TRUE, and to nothing else."""

import math
from dataclasses import replace

import numpy as np
import pytest

from rlvr import GRPOConfig, TaskFamily, simulate

FAMILY = TaskFamily(prior_strength=0.5, n_actions=4, n_correct=1, n_prompts=16)
FAST = GRPOConfig(n_steps=40, learning_rate=0.4)


def test_noise_is_true_s_alone():
    exact, noisy = (simulate(FAMILY, replace(FAST, verifier_noise=rates)) for rates in ((0, 0), (0.1, 0.2)))
    for arm in ("frozen", "random", "majority"):
        np.testing.assert_array_equal(exact.arm(arm), noisy.arm(arm))
    assert (exact.arm("true") > noisy.arm("true")).all()


def difference_from_random(rates):
    """TRUE minus RANDOM and its standard error; the unit is a task draw."""
    runs = simulate(FAMILY, replace(FAST, verifier_noise=rates), n_tasks=400, n_seeds=1, seed=2)
    by_task = (runs.arm("true") - runs.arm("random"))[:, 0]
    return by_task.mean(), by_task.std(ddof=1) / math.sqrt(by_task.size)


def test_a_verifier_that_tosses_a_coin_is_random():
    value, error = difference_from_random((0.5, 0.5))
    assert abs(value) < 4 * error
    value, error = difference_from_random((0.45, 0.45))  # the check sees a verifier a little better than that
    assert value > 4 * error


def test_a_verifier_that_rejects_all_or_accepts_all_trains_nothing():
    for rates in ((0, 1), (1, 0)):
        runs = simulate(FAMILY, replace(FAST, verifier_noise=rates))
        np.testing.assert_allclose(runs.arm("true"), FAMILY.prior_accuracy, rtol=1e-13)


def test_a_verifier_that_is_always_wrong_unlearns():
    runs = simulate(FAMILY, replace(FAST, verifier_noise=(1, 1)))
    assert (runs.arm("true") < FAMILY.prior_accuracy / 4).all()


def test_a_noisy_verifier_at_its_weakest_is_the_exact_one():
    """Rates too small for a 32-bit uniform to fall below change no bit, though the noise is drawn."""
    exact = simulate(FAMILY, FAST).accuracy
    np.testing.assert_array_equal(simulate(FAMILY, replace(FAST, verifier_noise=(1e-12, 0))).accuracy, exact)


@pytest.mark.parametrize("rates", [(0.1,), "ab", 0.1, (0.1, "b")])
def test_rates_that_are_no_pair_are_refused(rates):
    with pytest.raises(TypeError, match="verifier_noise must be two rates"):
        GRPOConfig(verifier_noise=rates)
