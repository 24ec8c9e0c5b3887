"""One step of the shared policy by hand, and settings whose effect is known without running anything."""

from dataclasses import replace

import numpy as np
import pytest

from rlvr import GRPOConfig, StrategyFamily, decompose, simulate
from rlvr.simulator import shared_kernel
from rlvr.simulator.changes_by_role import logit_changes
from rlvr.simulator.rules import LOWEST, UNIFORM, as_rules

FAMILY = StrategyFamily((0.65, 0.35), (0.609, 0.280), n_prompts=8)
CONFIG = GRPOConfig(
    n_steps=10, batch_size=4, group_size=4, learning_rate=1.0, kl_coefficient=0.0, inner_updates=4,
    clip=(0.2, 0.2),
)  # fmt: skip


def rules_of(**options):
    return as_rules(replace(CONFIG, **({"clip": None} | options)), 8, shared=True)


def drift_of(logits, old, strategies, advantages, *, clip=None, beta=0.0, fresh=False):
    """Mean gradient of one group, one token, one policy for all prompts; and how much was clipped."""
    logits, old = np.array([logits]), np.array([[old]])
    n = len(strategies)
    drift = np.empty_like(logits)
    counts = shared_kernel.part_drift(
        logits, np.zeros((1, logits.size)), np.zeros(1, np.int64), False, 0, 1, n, old,
        np.full_like(old, 1 / logits.size), np.array([strategies]), np.zeros((1, n), np.int64),
        np.array([advantages], float), np.ones(1, bool), rules_of(clip=clip, kl_coefficient=beta), fresh,
        np.empty_like(logits), drift,
    )  # fmt: skip
    return drift[0], counts


def test_one_plain_step_by_hand():
    drift, counts = drift_of([0.0, 0.0], [0.5, 0.5], [0, 1], [1, -1], fresh=True)
    np.testing.assert_allclose(drift, [0.5, -0.5])  # (1 · (1/2, -1/2) - 1 · (-1/2, 1/2)) / 2
    assert counts == (0, 2)
    drift, _ = drift_of(np.log([0.6, 0.3, 0.1]), [0.6, 0.3, 0.1], [0, 0, 1, 2], [1, 1, -1, -1])
    np.testing.assert_allclose(drift, [0.5, -0.25, -0.25])  # the group's advantages sum to zero


def test_a_ratio_weighs_an_answer():
    now = np.array([0.6, 0.4])
    drift, counts = drift_of(np.log(now), [0.5, 0.5], [0, 1], [1, -1])
    # 1 · 1.2 · (0.4, -0.4) - 1 · 0.8 · (-0.6, 0.6), halved
    np.testing.assert_allclose(drift, [0.48, -0.48])
    assert counts == (0, 2)


@pytest.mark.parametrize(
    ("strategy", "advantage", "counts"), [(0, 1, False), (0, -1, True), (1, 1, True), (1, -1, False)]
)
def test_the_clip_stops_what_goes_on_in_the_direction_already_taken(strategy, advantage, counts):
    now = np.array([0.65, 0.35])  # ratios 1.3 and 0.7
    drift, (n_clipped, n_decisions) = drift_of(
        np.log(now), [0.5, 0.5], [strategy], [advantage], clip=(0.2, 0.2)
    )
    expected = advantage * (1.3, 0.7)[strategy] * (np.eye(2)[strategy] - now)
    np.testing.assert_allclose(drift, expected if counts else [0, 0], atol=1e-15)
    assert (n_clipped, n_decisions) == (not counts, 1)


def test_low_and_high_are_not_exchanged():
    now, old = np.log([0.65, 0.35]), [0.5, 0.5]
    assert drift_of(now, old, [0, 1], [1, -1], clip=(0.1, 0.5))[1] == (1, 2)
    assert drift_of(now, old, [0], [1], clip=(0.1, 0.5))[1] == (0, 1)
    assert drift_of(now, old, [1], [-1], clip=(0.5, 0.1))[1] == (0, 1)


def test_the_kl_pull_by_hand():
    drift, _ = drift_of(np.log([0.7, 0.3]), [0.7, 0.3], [0, 0], [0, 0], beta=0.5)
    np.testing.assert_allclose(drift, [-0.5 * 0.2, 0.5 * 0.2])


ADAM = rules_of(optimizer="adam", learning_rate=0.1)


def test_adam_by_hand():
    logits, moments = np.zeros((1, 2)), np.zeros((2, 1, 2))
    shared_kernel.update_logits(logits, np.array([[0.03, -0.002]]), moments, 1, ADAM)
    np.testing.assert_allclose(logits, [[0.1, -0.1]], rtol=1e-5)  # the first step is the sign
    np.testing.assert_allclose(moments[:, 0], [[0.003, -0.0002], [0.05 * 9e-4, 0.05 * 4e-6]])
    shared_kernel.update_logits(logits, np.array([[0.0, -0.002]]), moments, 2, ADAM)
    first = 0.9 * 0.003 / (1 - 0.81) / np.sqrt(0.95 * 0.05 * 9e-4 / (1 - 0.95**2))
    np.testing.assert_allclose(logits, [[0.1 + 0.1 * first, -0.2]], rtol=1e-5)


def test_a_gradient_as_small_as_adam_s_epsilon_moves_half_as_far():
    logits, moments = np.zeros((1, 1)), np.zeros((2, 1, 1))
    shared_kernel.update_logits(logits, np.array([[1e-8]]), moments, 1, ADAM)
    assert logits.item() == pytest.approx(0.05)


def test_a_token_that_no_answer_came_to_is_left_alone():
    logits = np.log([[0.7, 0.3], [0.7, 0.3], [0.7, 0.3]])
    old, drift = np.exp(logits)[None], np.empty((3, 2))
    ends = np.array([[0, 1]])  # the first answer turns off at once, the second goes one token on
    counts = shared_kernel.part_drift(
        logits, np.zeros((1, 2)), np.zeros(1, np.int64), False, 0, 1, 2, old, np.full_like(old, 0.5),
        np.array([[1, 1]]), ends, np.zeros((1, 2)), np.ones(1, bool), rules_of(kl_coefficient=0.5), True,
        np.empty((3, 2)), drift,
    )  # fmt: skip
    pull = 0.5 * np.array([-0.2, 0.2])  # at each answer that decides the token
    np.testing.assert_allclose(drift, [pull, pull / 2, [0, 0]], atol=1e-15)
    assert counts == (0, 3)


def test_a_whole_first_step_by_hand():
    """Strategy 0 always right, 1 always wrong, two answers: only a group with one of each moves."""
    family = StrategyFamily((0.7, 0.3), (1.0, 0.0), n_prompts=1)
    config = GRPOConfig(n_steps=1, batch_size=1, group_size=2, learning_rate=3.0, kl_coefficient=0.0)
    runs = simulate(family, config, arms=("true",), n_seeds=4000)
    moved = (runs.logits[0, 0, :, 0] - np.log([0.7, 0.3])).round(6)
    assert np.unique(moved, axis=0).tolist() == [[0.0, 0.0], [1.5, -1.5]]
    assert abs((moved[:, 0] > 0).mean() - 0.42) < 4 * np.sqrt(0.42 * 0.58 / 4000)
    config = replace(config, optimizer="adam", learning_rate=0.2)
    by_adam = simulate(family, config, arms=("true",), n_seeds=4000).logits[0, 0, :, 0] - np.log([0.7, 0.3])
    np.testing.assert_allclose(by_adam, np.sign(moved) * 0.2, rtol=1e-6, atol=1e-12)


def test_greedy_reading_by_hand():
    offsets = np.array([[0.0, 0.0], [0.0, 2.0], [0.0, -1.0], [0.0, 1.0]])  # the last is a tie: the first
    accuracies = np.array([[0.5, 0.1], [0.6, 0.2], [0.7, 0.3], [0.8, 0.4]])
    shares, policy = np.empty(2), np.empty((1, 2))
    logits = np.array([[1.0, 0.0]])
    found = shared_kernel.read(logits, offsets, accuracies, True, policy, shares)
    assert shares.tolist() == [0.75, 0.25] and found == pytest.approx((0.5 + 0.2 + 0.7 + 0.8) / 4)
    found = shared_kernel.read(logits, offsets[:1], accuracies[:1], False, policy, shares)
    share = 1 / (1 + np.exp(-1))
    np.testing.assert_allclose(shares, [share, 1 - share])
    assert found == pytest.approx(0.5 * share + 0.1 * (1 - share))


def test_greedy_reading_of_two_tokens_by_hand():
    logits = np.array([[1.0, 0.0, 0.5], [0.0, 0.1, 2.0]])  # goes on, then turns to the third
    shares = np.empty(3)
    accuracies, policy = np.array([[0.1, 0.2, 0.3]]), np.empty((2, 3))
    assert shared_kernel.read(logits, np.zeros((1, 3)), accuracies, True, policy, shares) == 0.3
    assert shares.tolist() == [0, 0, 1]


def vote(names, word, uniform=True):
    scratch = np.zeros(9, np.int64), np.zeros(9, np.int64)
    found = shared_kernel.vote(np.array(names), np.uint64(word), UNIFORM if uniform else LOWEST, *scratch)
    assert not scratch[0].any()
    return found


def test_votes_by_hand():
    assert vote([3, 0, -3, 0], 0, False) == 1
    assert vote([3, 0, 3, 0], 0, False) == 0 and vote([0, 3, 3, 0], 0, False) == 0
    assert vote([3, 0, 3, 0], 2**31 - 1) == 0 and vote([3, 0, 3, 0], 2**31) == 1
    assert vote([-1, -2, 5, -4], 0, False) == 0 and vote([-1, -2, 5, -4], 2**31) == 2
    assert vote([-1, 5, 5, 2], 2**32 - 1) == 1


def test_accuracy_is_the_sum_of_share_times_accuracy_and_shares_add_up():
    greedy = replace(FAMILY, n_tokens=3, read="greedy", offset_sd=1)
    for family in (FAMILY, replace(FAMILY, offset_sd=1.0), greedy):
        runs = simulate(family, CONFIG, n_tasks=2, n_seeds=3, checkpoints=(0, 5))
        assert runs.shares.shape == (4, 2, 3, 2) and runs.share_curves.shape == (4, 2, 3, 3, 2)
        np.testing.assert_allclose(runs.shares @ np.array(family.accuracies), runs.accuracy, rtol=1e-13)
        np.testing.assert_allclose(runs.share_curves.sum(axis=-1), 1, rtol=1e-13)
        before = runs.share_curves[:, :, :, 0]
        np.testing.assert_array_equal(before, np.broadcast_to(before[:1, :, :1], before.shape))
        assert np.isnan(runs.clipped[0]).all() and np.isnan(runs.clipped[1:, ..., 0]).all()
        assert (runs.clipped[1:, ..., 1:] >= 0).all() and runs.clipped[1:, ..., 1:].max() < 0.5


def test_kept_policies_average_to_the_shares():
    family = replace(FAMILY, offset_sd=1.5, n_tokens=2)
    runs = simulate(family, CONFIG, n_tasks=2, n_seeds=3, keep_policies=True)
    assert runs.policies.shape == (4, 2, 3, 8, 2)
    np.testing.assert_allclose(runs.policies.mean(axis=3), runs.shares, rtol=1e-12)
    with pytest.raises(ValueError, match="runs must be of a TaskFamily, got runs of a StrategyFamily"):
        logit_changes(runs)


def test_reading_changes_nothing_in_training():
    family = replace(FAMILY, offset_sd=1.0)
    expected = simulate(family, CONFIG, n_seeds=3).logits
    for other in (replace(family, read="greedy"), replace(family, n_test_prompts=5)):
        np.testing.assert_array_equal(simulate(other, CONFIG, n_seeds=3).logits, expected)


def test_with_equal_accuracies_every_term_is_zero_exactly():
    runs = simulate(replace(FAMILY, accuracies=(0.4, 0.4)), CONFIG, n_tasks=2, n_seeds=4)
    assert (runs.accuracy == 0.4).all() and runs.shares[1].std() > 0.01
    parts = decompose(runs)
    assert parts.null.value == parts.elicitation.value == parts.reward_design.value == 0


def test_a_strategy_that_nobody_uses_is_not_found():
    runs = simulate(StrategyFamily((1 - 1e-12, 1e-12), (0.2, 0.9), n_prompts=8), CONFIG, n_seeds=20)
    np.testing.assert_allclose(runs.accuracy, 0.2, atol=1e-9)
    assert (runs.shares[..., 1] > 0).all()


def test_one_update_is_never_clipped():
    plain = simulate(FAMILY, replace(CONFIG, inner_updates=1, clip=None), n_seeds=5)
    clipped = simulate(FAMILY, replace(CONFIG, inner_updates=1, clip=(1e-9, 1e-9)), n_seeds=5)
    np.testing.assert_array_equal(plain.logits, clipped.logits)
    assert (clipped.clipped[1:] == 0).all()


def test_rloo_is_a_larger_step_of_the_centered_advantage():
    rloo = simulate(FAMILY, replace(CONFIG, advantage="rloo"), n_seeds=5)
    centered = simulate(FAMILY, replace(CONFIG, advantage="centered", learning_rate=4 / 3), n_seeds=5)
    np.testing.assert_allclose(rloo.logits, centered.logits, atol=1e-12)
    grpo = simulate(FAMILY, CONFIG, n_seeds=5)
    assert abs(grpo.logits - centered.logits).max() > 0.01


def test_labels_that_are_all_right_make_majority_true():
    config = replace(CONFIG, majority_labels="fixed", label_share_right=1.0)
    runs = simulate(FAMILY, config, n_seeds=6)
    np.testing.assert_array_equal(runs.logits[2], runs.logits[3])


def test_labels_that_nobody_gives_teach_nothing():
    config = replace(CONFIG, majority_labels="fixed", label_share_right=0.0)
    runs = simulate(replace(FAMILY, wrong_agreement=0.0), config, n_seeds=6)
    np.testing.assert_array_equal(runs.logits[2], runs.logits[0])
    blank = replace(config, label_share_right=None)  # a vote of answers that never agree
    runs = simulate(replace(FAMILY, accuracies=(0, 0), wrong_agreement=0), blank, n_seeds=6)
    np.testing.assert_array_equal(runs.logits[2], runs.logits[0])


def test_a_verifier_that_says_yes_teaches_nothing_and_one_that_lies_teaches_the_contrary():
    config = replace(CONFIG, n_steps=60, group_size=16)
    yes = simulate(FAMILY, replace(config, verifier_noise=(1.0, 0.0)), n_seeds=6)
    np.testing.assert_array_equal(yes.logits[3], yes.logits[0])
    honest, lies = (
        simulate(FAMILY, replace(config, verifier_noise=rates), arms=("true",), n_seeds=6).shares[..., 0]
        for rates in ((0.0, 0.0), (1.0, 1.0))
    )
    assert (honest > 0.65).all() and (lies < 0.65).all()


def test_majority_follows_the_truth_where_it_leads_and_the_common_mistake_where_that_does():
    config = GRPOConfig(n_steps=200, batch_size=8, group_size=16, learning_rate=2.0, kl_coefficient=0.0)
    weak = StrategyFamily((0.9, 0.1), (0.3, 0.6), n_prompts=8)
    arms = ("majority", "true")
    apart = simulate(replace(weak, wrong_agreement=1.0), config, arms=arms, n_seeds=10).accuracy
    assert (apart[0] < 0.31).all() and (apart[1] > 0.59).all()
    scattered = simulate(replace(weak, wrong_agreement=0.0), config, arms=arms, n_seeds=10).accuracy
    assert (scattered > 0.59).all()


def test_refilling_where_no_prompt_is_left_is_dropping():
    whole = replace(CONFIG, batch_size=8, inner_updates=1)
    dropped = simulate(FAMILY, replace(whole, filtering="drop"), n_seeds=5)
    refilled = simulate(FAMILY, replace(whole, filtering="refill"), n_seeds=5)
    np.testing.assert_allclose(refilled.logits, dropped.logits, atol=1e-12)


def test_refilling_takes_larger_steps():
    config = replace(CONFIG, batch_size=2, group_size=2, inner_updates=1, n_steps=1)
    moved = []
    for filtering in ("drop", "refill"):
        runs = simulate(FAMILY, replace(config, filtering=filtering), arms=("random",), n_seeds=2000)
        moved.append(abs(runs.logits - FAMILY.prior_logits).mean())
    assert moved[1] > 1.2 * moved[0]


def test_accuracies_given_for_each_prompt():
    family = StrategyFamily((0.5, 0.5), ((0.9, 0.1), (0.2, 0.4)), n_prompts=2)
    runs = simulate(family, GRPOConfig(n_steps=0, batch_size=1), n_seeds=1)
    np.testing.assert_allclose(runs.accuracy, 0.4)
    assert family.prior_accuracy == pytest.approx(0.4)
    one = StrategyFamily((0.5, 0.5), ((1, 0), (0, 0)), n_prompts=2)  # a prompt nobody solves teaches nothing
    config = GRPOConfig(n_steps=1, batch_size=1, group_size=16, kl_coefficient=0.0)
    moved = simulate(one, config, arms=("true",), n_seeds=400).logits[0, 0, :, 0, 0] != np.log(0.5)
    assert abs(moved.mean() - 0.5) < 4 * 0.5 / 20
