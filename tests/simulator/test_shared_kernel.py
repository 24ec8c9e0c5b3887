"""The compiled shared policy against its plain twin, sample for sample, over every option."""

from dataclasses import replace
from unittest import mock

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from rlvr import GRPOConfig, StrategyFamily, simulate
from tests.oracles import shared_in_plain_numpy
from tests.oracles.shared_in_plain_numpy import plain_strategy_run

TRAINED = ("random", "majority", "true")
FAMILY = StrategyFamily(shares=(0.5, 0.3, 0.2), accuracies=(0.6, 0.3, 0.1), n_prompts=7, wrong_agreement=0.7)
CONFIG = GRPOConfig(
    n_steps=3, batch_size=4, group_size=5, learning_rate=2.0, kl_coefficient=0.0, inner_updates=2,
    clip=(0.1, 0.1),
)  # fmt: skip


def assert_same_run(family, config, arm, task=0, run=0, seed=0):
    runs = simulate(
        family,
        config,
        arms=(arm,),
        n_tasks=task + 1,
        n_seeds=run + 1,
        seed=seed,
        checkpoints=range(config.n_steps),
    )
    plain = plain_strategy_run(family, config, arm, task, run, seed)
    close = {"rtol": 0, "atol": 1e-7 if config.optimizer == "adam" else 1e-11}
    np.testing.assert_allclose(runs.logits[0, task, run], plain.logits[-1], **close)
    np.testing.assert_allclose(runs.curves[0, task, run], plain.accuracy, **close)
    np.testing.assert_allclose(runs.share_curves[0, task, run], plain.shares, **close)
    np.testing.assert_allclose(runs.clipped[0, task, run, 1:], plain.clipped, rtol=1e-12)
    return plain


def moved_by_rounding(family, config, arm, task, run, seed):
    """How far the plain twin's logits move when every gradient is off by about one rounding."""
    direction, noise = shared_in_plain_numpy._direction, np.random.default_rng(0)

    def rounded(gradient, *others):
        return direction(gradient + noise.uniform(-1e-17, 1e-17, gradient.shape), *others)

    exact = plain_strategy_run(family, config, arm, task, run, seed).logits[-1]
    with mock.patch.object(shared_in_plain_numpy, "_direction", rounded):
        return np.abs(plain_strategy_run(family, config, arm, task, run, seed).logits[-1] - exact).max()


@settings(max_examples=120, deadline=None)
@given(
    arm=st.sampled_from(TRAINED), seed=st.integers(0, 2**40), task=st.integers(0, 1), run=st.integers(0, 1),
    family=st.builds(
        lambda **given: replace(FAMILY, **given), offset_sd=st.sampled_from([0.0, 1.5]),
        accuracy_spread=st.sampled_from([0.0, 0.3]), n_tokens=st.integers(1, 3),
        read=st.sampled_from(["sample", "greedy"]), n_test_prompts=st.sampled_from([None, 3]),
        wrong_agreement=st.sampled_from([0.0, 0.5, 1.0]),
    ),
    config=st.builds(
        lambda **given: replace(CONFIG, **(given | ({"clip": None} if given["update"] == "mirror" else {}))),
        inner_updates=st.sampled_from([1, 2, 4]),
        clip=st.sampled_from([None, (0.05, 0.2), (0.2, 0.05)]), optimizer=st.sampled_from(["sgd", "adam"]),
        advantage=st.sampled_from(["grpo", "centered", "rloo"]), refill_cap=st.integers(1, 2),
        filtering=st.sampled_from(["off", "drop", "refill"]), kl=st.sampled_from(["forward", "reverse"]),
        kl_coefficient=st.sampled_from([0.0, 0.3]), tie_break=st.sampled_from(["lowest", "uniform"]),
        verifier_noise=st.sampled_from([(0.0, 0.0), (0.2, 0.1)]), group_size=st.sampled_from([2, 5, 9]),
        majority_labels=st.sampled_from(["group", "fixed"]), label_votes=st.integers(1, 9),
        label_share_right=st.sampled_from([None, 0.5]),
        update=st.sampled_from(["gradient", "gradient", "mirror"]),
        mirror_temperature=st.sampled_from([0.2, 1.0]),
    ),
)  # fmt: skip
def test_the_kernel_is_its_plain_twin(arm, seed, task, run, family, config):
    if config.optimizer == "adam":
        config = replace(config, learning_rate=0.2)
        # Adam divides by the gradient's own size. Where that is rounding, each update makes a hundred million
        # times more of it, and two programs need not agree; whether it is, the plain twin says alone.
        assume(moved_by_rounding(family, config, arm, task, run, seed) < 1e-9)
    assert_same_run(family, config, arm, task, run, seed)


@pytest.mark.parametrize("task", [2, 3])
def test_more_tasks_than_prompts_have_their_own_offsets_and_accuracies(task):
    family = replace(FAMILY, n_prompts=2, offset_sd=1.5, accuracy_spread=0.3)
    assert_same_run(family, replace(CONFIG, batch_size=2), "true", task=task)


@pytest.mark.parametrize("arm", TRAINED)
@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_a_long_tail_is_sampled_as_in_plain_numpy(arm, optimizer):
    family = StrategyFamily.long_tail(0.65, 40, (0.609, 0.28), n_prompts=20)
    config = GRPOConfig(
        n_steps=6, batch_size=16, group_size=16, learning_rate=2.0 if optimizer == "sgd" else 0.15,
        kl_coefficient=0.0, inner_updates=8, clip=(0.2, 0.2), optimizer=optimizer,
    )  # fmt: skip
    plain = assert_same_run(family, config, arm, seed=4)
    assert plain.clipped.max() > 0


def test_more_words_than_one_block():
    assert_same_run(FAMILY, replace(CONFIG, group_size=40), "random", seed=2)
    assert_same_run(replace(FAMILY, n_tokens=4), replace(CONFIG, group_size=33), "majority", seed=3)


def test_the_same_bits_on_any_thread_count_and_for_fewer_runs(monkeypatch):
    family = replace(FAMILY, offset_sd=1.0)
    found = []
    for threads in ("1", "2", "5"):
        monkeypatch.setenv("RLVR_THREADS", threads)
        runs = simulate(family, CONFIG, n_tasks=3, n_seeds=4, seed=9)
        found.append((runs.accuracy, runs.shares, runs.clipped, runs.logits))
    for other in found[1:]:
        for first, second in zip(found[0], other, strict=True):
            np.testing.assert_array_equal(first, second)
    fewer = simulate(family, CONFIG, arms=("random",), n_tasks=2, n_seeds=3, seed=9)
    np.testing.assert_array_equal(fewer.accuracy[0], found[0][0][1, :2, :3])
    assert len(np.unique(found[0][0][1])) == 12
