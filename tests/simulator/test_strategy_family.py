"""Strategy families: what is stated about the prior holds, draws are keyed, bad input is named."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import special, stats

from rlvr import GRPOConfig, StrategyFamily, TaskFamily, simulate
from rlvr.simulator.labels import fixed_names, strategy_shares
from rlvr.simulator.strategy_family import _numbers, mean_shares


def test_what_is_not_given():
    family = StrategyFamily()
    assert (family.shares, family.accuracies) == ((0.65, 0.35), (0.609, 0.280))
    assert (family.n_prompts, family.offset_sd, family.accuracy_spread, family.n_tokens) == (64, 0.0, 0.0, 1)
    assert (family.read, family.n_test_prompts, family.wrong_agreement) == ("sample", None, 0.5)
    assert family.prior_accuracy == pytest.approx(0.65 * 0.609 + 0.35 * 0.280, abs=1e-15)
    assert family == StrategyFamily(np.array([0.65, 0.35]), [0.609, 0.280]) and hash(family)


@pytest.mark.parametrize(
    ("given", "error", "message"),
    [
        ({"shares": (0.5, 0.4)}, ValueError, r"shares must be at least two .* sum to 1, got \(0.5, 0.4\)"),
        ({"shares": (1.0,)}, ValueError, r"shares must be .*, got \(1.0,\)"),
        ({"shares": (1.0, 0.0)}, ValueError, r"shares must be .* above 0 .*, got \(1.0, 0.0\)"),
        ({"shares": (1.5, -0.5)}, ValueError, "shares must be"),
        ({"shares": (np.nan, 0.5)}, ValueError, "shares must be .* got .nan, 0.5"),
        ({"shares": "ab"}, TypeError, "shares must be .* got 'ab'"),
        ({"shares": ()}, (TypeError, ValueError), r"shares must be .* got \(\)"),
        ({"accuracies": (0.5,)}, ValueError, r"accuracies must be numbers in \[0, 1\] of shape \(2,\) or "),
        ({"accuracies": (0.5, 1.1)}, ValueError, r"accuracies must be .* got \(0.5, 1.1\)"),
        ({"accuracies": (0.5, -0.1)}, ValueError, r"accuracies must be .* got \(0.5, -0.1\)"),
        ({"accuracies": ((0.5, 0.1),)}, ValueError, r"of shape \(2,\) or \(64, 2\)"),
        ({"accuracies": ((0.5, 0.1), (0.2,))}, ValueError, "accuracies must be"),
        ({"accuracies": (True, False)}, TypeError, "accuracies must be"),
        ({"n_prompts": 0}, ValueError, "n_prompts must be an integer of at least 1, got 0"),
        ({"offset_sd": -1}, ValueError, "offset_sd must be a finite number of at least 0, got -1"),
        ({"accuracy_spread": 1.0}, ValueError, r"accuracy_spread must be a number in \[0, 1\), got 1.0"),
        ({"accuracies": ((0.5, 0.1),), "n_prompts": 1, "accuracy_spread": 0.1}, ValueError,
         "accuracy_spread must be 0 where accuracies are given for each prompt, got 0.1"),
        ({"n_tokens": 0}, ValueError, "n_tokens must be an integer of at least 1, got 0"),
        ({"n_tokens": 1.5}, TypeError, "n_tokens must be"),
        ({"read": "argmax"}, ValueError, "read must be one of 'sample', 'greedy', got 'argmax'"),
        ({"n_test_prompts": 0}, ValueError, "n_test_prompts must be None or an integer of at least 1, got 0"),
        ({"accuracies": ((0.5, 0.1),), "n_prompts": 1, "n_test_prompts": 5}, ValueError,
         "n_test_prompts must be None where accuracies are given for each prompt, got 5"),
        ({"wrong_agreement": 1.2}, ValueError, r"wrong_agreement must be a number in \[0, 1\], got 1.2"),
    ],
)  # fmt: skip
def test_bad_families(given, error, message):
    with pytest.raises(error, match=message):
        StrategyFamily(**given)


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"batch_size": 8, "inner_updates": 3}, "inner_updates must divide batch_size = 8 .*, got 3"),
        ({"batch_size": 65}, "batch_size must be at most n_prompts = 64, got 65"),
    ],
)
def test_what_has_no_meaning_for_shared_strategies_is_refused(config, message):
    with pytest.raises(ValueError, match=message):
        simulate(StrategyFamily(), GRPOConfig(n_steps=1, **config), n_seeds=1)


def test_draws_of_another_family_are_refused():
    config = GRPOConfig(n_steps=1, batch_size=1)
    with pytest.raises(TypeError, match="tasks must be StrategyTasks, got Tasks"):
        simulate(StrategyFamily(), config, tasks=TaskFamily().sample())
    with pytest.raises(TypeError, match="tasks must be Tasks, got StrategyTasks"):
        simulate(TaskFamily(), config, tasks=StrategyFamily().sample())
    with pytest.raises(ValueError, match=r"= \(1, 64, 2\), got \(1, 8, 2\)"):
        simulate(StrategyFamily(), config, tasks=StrategyFamily(n_prompts=8).sample())
    with pytest.raises(TypeError, match="family must be a TaskFamily or a StrategyFamily, got dict"):
        simulate({}, config)


def test_a_long_tail_falls_as_one_over_rank():
    family = StrategyFamily.long_tail(0.4, 3, (0.9, 0.2), n_prompts=5)
    np.testing.assert_allclose(family.shares, [0.4, 0.6 * 6 / 11, 0.6 * 3 / 11, 0.6 * 2 / 11])
    assert family.accuracies == (0.9, 0.2, 0.2, 0.2) and family.n_prompts == 5
    with pytest.raises(ValueError, match=r"share must be a number strictly between 0 and 1, got 1\.0"):
        StrategyFamily.long_tail(1.0, 3, (0.9, 0.2))
    with pytest.raises(ValueError, match="n_rare must be an integer of at least 1, got 0"):
        StrategyFamily.long_tail(0.5, 0, (0.9, 0.2))


@pytest.mark.parametrize("n_tokens", [1, 2, 7])
def test_prior_shares_do_not_depend_on_the_number_of_tokens(n_tokens):
    family = StrategyFamily((0.5, 0.3, 0.2), (0.6, 0.3, 0.1), n_tokens=n_tokens)
    assert family.prior_logits.shape == (n_tokens, 3)
    np.testing.assert_allclose(np.exp(family.prior_logits).sum(axis=1), 1, rtol=1e-14)
    np.testing.assert_allclose(np.exp(family.prior_logits[0, 0]), 0.5 ** (1 / n_tokens))
    np.testing.assert_allclose(strategy_shares(family.prior_logits), family.shares, rtol=1e-14)
    frozen = simulate(family, GRPOConfig(n_steps=0), arms=("frozen",), n_seeds=1)
    np.testing.assert_allclose(frozen.shares[0, 0, 0], family.shares, rtol=1e-13)


def test_shares_next_to_one_lose_no_digit_over_several_tokens():
    family = StrategyFamily((1 - 1e-20, 1e-20), n_tokens=4)
    np.testing.assert_allclose(strategy_shares(family.prior_logits)[1], 1e-20, rtol=1e-12)


def test_shares_of_two_tokens_by_hand():
    logits = np.log([[0.8, 0.15, 0.05], [0.5, 0.1, 0.4]])
    np.testing.assert_allclose(strategy_shares(logits), [0.4, 0.15 + 0.08, 0.05 + 0.32])


def test_average_shares_of_two_strategies_are_known_integrals():
    leads = mean_shares(np.array([1.1, 0.0]), 2.0, greedy=True)
    np.testing.assert_allclose(leads[0], stats.norm.cdf(1.1 / np.sqrt(8)), atol=1e-10)
    nodes, weights = special.roots_hermitenorm(200)
    expected = (special.expit(1.1 + np.sqrt(8) * nodes) * weights).sum() / np.sqrt(2 * np.pi)
    shares = mean_shares(np.array([1.1, 0.0]), 2.0, greedy=False)
    np.testing.assert_allclose(shares[0], expected, atol=1e-8)


@pytest.mark.parametrize("sd", [0.01, 0.3, 2.0, 6.0])
@pytest.mark.parametrize("greedy", [False, True])
def test_average_shares_are_those_of_drawn_offsets(sd, greedy):
    logits = np.log(StrategyFamily.long_tail(0.5, 6, (1, 0)).shares)
    drawn = logits + sd * np.random.default_rng(5).normal(size=(200_000, 7))
    shares = np.eye(7)[drawn.argmax(axis=1)] if greedy else special.softmax(drawn, axis=1)
    found = mean_shares(logits, sd, greedy=greedy)
    variance = found * (1 - found) if greedy else shares.var(axis=0)
    assert (abs(found - shares.mean(axis=0)) < 4.5 * np.sqrt(variance / len(drawn)) + 1e-5).all()
    assert found.sum() == pytest.approx(1, abs=1e-12)


@pytest.mark.parametrize("read", ["sample", "greedy"])
@pytest.mark.parametrize("family", [
    StrategyFamily((0.65, 0.35), (0.68, 0.15), offset_sd=2.0),
    StrategyFamily.long_tail(0.65, 30, (0.7, 0.1), offset_sd=1.0),
])  # fmt: skip
def test_a_matched_family_has_the_prior_accuracy_that_was_asked_for(family, read):
    family = replace(family, read=read).matched(0.494)
    assert family.prior_accuracy == pytest.approx(0.494, abs=1e-9)
    runs = simulate(family, GRPOConfig(n_steps=0), arms=("frozen",), n_tasks=150, n_seeds=1)
    frozen = runs.accuracy[0, :, 0]
    assert abs(frozen.mean() - 0.494) < 4 * frozen.std(ddof=1) / np.sqrt(150)


def test_matching_without_offsets_tilts_shares():
    family = StrategyFamily((0.2, 0.3, 0.5), (0.9, 0.5, 0.1)).matched(0.6)
    assert family.prior_accuracy == pytest.approx(0.6, abs=1e-12)
    weights = np.array(family.shares) / [0.2, 0.3, 0.5]
    assert weights[0] / weights[1] == pytest.approx(weights[1] / weights[2])
    with pytest.raises(
        ValueError, match=r"strictly between the strategies' accuracies 0\.1 and 0\.9, got 0\.9"
    ):
        family.matched(0.9)


def test_the_prior_average_over_offsets_of_several_tokens_is_refused_with_its_reason():
    with pytest.raises(ValueError, match="n_tokens must be 1 for the prior's average over offsets, got 2"):
        _ = StrategyFamily(offset_sd=1.0, n_tokens=2).prior_accuracy
    assert StrategyFamily(offset_sd=1.0, n_tokens=2, read="greedy").prior_accuracy > 0.28


def test_draws_are_keyed_by_task_and_shared_by_families_that_differ_in_size_of_effect():
    family = StrategyFamily(offset_sd=1.0, accuracy_spread=0.2, n_prompts=9, n_test_prompts=4)
    more, fewer = family.sample(3, seed=8), family.sample(1, seed=8)
    for name in ("offsets", "accuracies", "read_offsets", "read_accuracies"):
        np.testing.assert_array_equal(getattr(more, name)[:1], getattr(fewer, name))
        assert len(np.unique(getattr(more, name)[:, 0, 0])) == 3
    assert more.offsets.shape == (3, 9, 2) and more.read_offsets.shape == (3, 4, 2)
    np.testing.assert_allclose(replace(family, offset_sd=2.0).sample(3, 8).offsets, 2 * more.offsets)
    assert not np.isin(more.read_offsets, more.offsets).any()
    same = replace(family, n_test_prompts=None).sample(3, seed=8)
    np.testing.assert_array_equal(same.offsets, more.offsets)
    assert same.read_offsets is same.offsets


def test_difficulty_is_beta_with_the_stated_mean_and_variance_and_common_to_strategies():
    family = StrategyFamily(accuracies=(0.6, 0.3), accuracy_spread=0.25, n_prompts=20_000)
    drawn = family.sample(1, seed=1).accuracies[0]
    for s, mean in enumerate((0.6, 0.3)):
        variance = 0.25 * mean * (1 - mean)
        assert abs(drawn[:, s].mean() - mean) < 4 * np.sqrt(variance / 20_000)
        assert drawn[:, s].var() == pytest.approx(variance, rel=0.04)
    assert stats.spearmanr(drawn[:, 0], drawn[:, 1]).statistic == pytest.approx(1)
    certain = replace(family, accuracies=(1.0, 0.0)).sample(1).accuracies
    assert (certain == [1.0, 0.0]).all()


def labels_of(family, **given):
    config = GRPOConfig(majority_labels="fixed", **given)
    return fixed_names(family, family.sample(3, 2), config, 2)


def test_labels_by_vote_in_their_limits():
    assert (labels_of(StrategyFamily(accuracies=(1, 1))) == 0).all()
    assert (labels_of(StrategyFamily((0.9, 0.1), (0, 0), wrong_agreement=1)) == 1).all()
    assert (labels_of(StrategyFamily((0.1, 0.9), (0, 0), wrong_agreement=1)) == 2).all()
    assert (labels_of(StrategyFamily(accuracies=(0, 0), wrong_agreement=0)) == -1).all()
    one_vote = labels_of(StrategyFamily((0.5, 0.5), (0.6, 0.6), n_prompts=3000), label_votes=1)
    assert abs((one_vote == 0).mean() - 0.6) < 4 * np.sqrt(0.24 / one_vote.size)
    assert abs((one_vote == -1).mean() - 0.2) < 4 * np.sqrt(0.16 / one_vote.size)
    for ties in ("lowest", "uniform"):  # two votes: right when both are, or one is and wins the tie
        two = labels_of(StrategyFamily((0.5, 0.5), (0.6, 0.6), n_prompts=3000), label_votes=2, tie_break=ties)
        assert abs((two == 0).mean() - 0.6) < 4 * np.sqrt(0.24 / two.size)


def test_labels_with_a_stated_share_right():
    labels = labels_of(StrategyFamily(n_prompts=10), label_share_right=0.26)
    assert ((labels == 0).sum(axis=1) == 3).all() and len(np.unique(labels == 0, axis=0)) == 3
    many = labels_of(StrategyFamily((0.5, 0.5), (0.6, 0.2), n_prompts=6000), label_share_right=0)
    assert set(np.unique(many)) == {1, 2}
    assert abs((many == 1).mean() - 1 / 3) < 4 * np.sqrt(2 / 9 / many.size)  # 0.5 · 0.4 against 0.5 · 0.8
    assert (labels_of(StrategyFamily(accuracies=(1, 1)), label_share_right=0) == -1).all()


def test_without_offsets_the_average_is_the_softmax_itself_or_the_first_leader():
    logits = np.log([0.2, 0.4, 0.4])
    np.testing.assert_allclose(mean_shares(logits, 0.0, greedy=False), [0.2, 0.4, 0.4], rtol=1e-14)
    assert mean_shares(logits, 0.0, greedy=True).tolist() == [0, 1, 0]


def test_one_number_is_taken_and_none_is_refused():
    assert _numbers("offset_sd", [0.5], "numbers").tolist() == [0.5]
    for nothing in ([], [np.nan], [np.inf]):
        with pytest.raises((ValueError, TypeError), match="offset_sd must be numbers, got"):
            _numbers("offset_sd", nothing, "numbers")
