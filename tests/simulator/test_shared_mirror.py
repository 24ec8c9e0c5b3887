"""Mirror descent on shared logits: targets by hand, known limits, and the coin's drift by formula."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import special

from rlvr import GRPOConfig, StrategyFamily, simulate
from rlvr.simulator.shared_kernel import add_mirror_drift
from rlvr.theory import mirror_random_drift
from tests.oracles import plain_trainer

FAMILY = StrategyFamily((0.5, 0.3, 0.2), (0.6, 0.3, 0.1), n_prompts=8)
CONFIG = GRPOConfig(
    n_steps=10, batch_size=4, group_size=5, learning_rate=1.0, kl_coefficient=0.0, update="mirror",
    inner_updates=2, mirror_temperature=0.5,
)  # fmt: skip


def drift_of(logits, strategies, rewards, *, ends=None, temperature=1.0, n_groups=None, offsets=None):
    """Mean gradient of the groups (place, sample); a prompt a place where there are offsets."""
    logits = np.atleast_2d(np.asarray(logits, float))
    strategies, rewards = np.atleast_2d(strategies), np.atleast_2d(np.asarray(rewards, float))
    ends = np.zeros_like(strategies) if ends is None else np.atleast_2d(ends)
    n = len(strategies)
    shifts = np.zeros((n, logits.shape[1])) if offsets is None else np.asarray(offsets, float)
    drift = np.zeros_like(logits)
    add_mirror_drift(
        logits, shifts, np.arange(n), offsets is not None, 0, n, n_groups or n, strategies, ends, rewards,
        temperature, np.empty_like(logits), drift,
    )  # fmt: skip
    return drift


def test_one_group_of_two_strategies_by_hand():
    """Strategy 0 right once in two, strategy 1 never: at temperature 1/2 a tilt of exp(1) against 1."""
    policy = np.array([0.6, 0.1, 0.3])
    found = drift_of(np.log(policy), [0, 2, 0], [1, 0, 0], temperature=0.5)[0]
    target = 0.6 * np.e / (0.6 * np.e + 0.3)
    np.testing.assert_allclose(found, [target - 2 / 3, 0, 2 / 3 - target], rtol=1e-14)
    assert found[1] == 0 and found[0] == pytest.approx(0.1779709, abs=1e-7)  # 2e / (2e + 1) - 2/3


def test_groups_are_averaged_and_empty_places_count():
    logits = np.log([0.6, 0.1, 0.3])
    one, other = ([0, 2, 0], [1, 0, 0]), ([1, 1, 2], [0, 0, 1])
    alone = [drift_of(logits, *group) for group in (one, other)]
    both = drift_of(logits, [one[0], other[0]], [one[1], other[1]])
    np.testing.assert_allclose(both, (alone[0] + alone[1]) / 2, rtol=1e-14)
    padded = drift_of(logits, [one[0], other[0]], [one[1], other[1]], n_groups=8)
    np.testing.assert_allclose(padded, both / 4, rtol=1e-14)


def test_offsets_are_each_prompt_s_own():
    logits, offsets = np.array([0.2, 0.0, -0.1]), np.array([[0.5, 0.0, 0.0], [0.0, -1.0, 2.0]])
    group = ([0, 2, 0], [1, 0, 0])
    found = drift_of(logits, [group[0]] * 2, [group[1]] * 2, offsets=offsets)
    alone = [drift_of(logits + offset, *group) for offset in offsets]
    np.testing.assert_allclose(found, (alone[0] + alone[1]) / 2, rtol=1e-14)
    assert abs(alone[0] - alone[1]).max() > 0.015


def test_with_one_token_it_is_the_rule_of_a_prompt_with_logits_of_its_own():
    rng = np.random.default_rng(4)
    for _ in range(50):
        policy, actions = rng.dirichlet(np.ones(5)), rng.integers(0, 5, 7)
        rewards = rng.integers(0, 2, 7)
        by_table = plain_trainer._towards_target(policy, actions, rewards, 0.3)
        np.testing.assert_allclose(
            drift_of(np.log(policy), actions, rewards, temperature=0.3)[0], by_table, atol=1e-15
        )


STRATEGIES, ENDS, REWARDS = [0, 1, 1, 2, 1, 0], [2, 0, 1, 1, 1, 2], [1, 1, 0, 0, 1, 0]


def test_several_tokens_go_up_the_cross_entropy_of_the_sampled_answers():
    """Candidates are (strategy, token): the target from their chances, the gradient by differences."""
    logits = np.random.default_rng(6).normal(size=(3, 3))
    answers = {(0, 2): 0.5, (1, 0): 1.0, (1, 1): 0.5, (2, 1): 0.0}  # and their mean rewards

    def log_chances(at):
        steps = special.log_softmax(at, axis=1)
        chances = np.array([steps[:end, 0].sum() + steps[end, s] for s, end in answers])
        return chances - special.logsumexp(chances)

    target = special.softmax(log_chances(logits) + np.array(list(answers.values())) / 0.5)
    wanted = np.empty_like(logits)
    for place in np.ndindex(3, 3):
        step = np.zeros_like(logits)
        step[place] = 1e-5
        wanted[place] = target @ (log_chances(logits + step) - log_chances(logits - step)) / 2e-5
    found = drift_of(logits, STRATEGIES, REWARDS, ends=ENDS, temperature=0.5)
    np.testing.assert_allclose(found, wanted, atol=1e-9)
    assert np.abs(found).max() > 0.05
    pooled = drift_of(logits, STRATEGIES, REWARDS, ends=[2, 1, 1, 1, 1, 2], temperature=0.5)
    assert np.abs(pooled - wanted).max() > 0.01  # strategies alone, whatever token they were reached by


@pytest.mark.parametrize("logits", [np.log([0.6, 0.1, 0.3]), np.random.default_rng(6).normal(size=(3, 3))])
def test_equal_rewards_move_nothing_exactly(logits):
    tokens = len(np.atleast_2d(logits))
    ends = ENDS if tokens == 3 else [0] * 6
    for rewards in ([0] * 6, [1] * 6):
        assert not drift_of(logits, STRATEGIES, rewards, ends=ends, temperature=0.3).any()
    halves = drift_of(logits, [0, 0, 2, 2], [1, 0, 0, 1], ends=[tokens - 1] * 2 + [0] * 2, temperature=0.3)
    assert not halves.any()  # unequal rewards, of equal means


@pytest.mark.parametrize("given", [{}, {"optimizer": "adam"}, {"filtering": "off"}])
def test_strategies_that_are_always_right_stay(given):
    family = replace(FAMILY, accuracies=(1, 1, 1), n_tokens=2)
    runs = simulate(family, replace(CONFIG, **given), arms=("frozen", "true"), n_seeds=5)
    np.testing.assert_array_equal(runs.logits[1], runs.logits[0])
    some = simulate(replace(family, accuracies=(1, 1, 0.9)), replace(CONFIG, **given), arms=("true",))
    assert abs(some.logits[0] - runs.logits[0, 0, 0]).max() > 0.01


def test_an_infinite_temperature_moves_nothing_and_a_high_one_in_proportion():
    def moved(temperature):
        runs = simulate(FAMILY, replace(CONFIG, mirror_temperature=temperature, n_steps=1), n_seeds=5)
        return runs.logits[1:] - FAMILY.prior_logits

    assert abs(moved(1e15)).max() < 1e-12
    np.testing.assert_allclose(moved(1e5), 10 * moved(1e6), atol=1e-9)
    assert abs(moved(1e5)).max() > 1e-7


def test_a_cold_target_is_the_best_answer_alone():
    found = drift_of(np.log([0.6, 0.1, 0.3]), [0, 2, 0, 1], [0, 1, 1, 0], temperature=1e-3)[0]
    np.testing.assert_allclose(found, [-0.6, -0.1, 0.7], atol=1e-14)


def test_what_is_subtracted_or_divided_by_does_not_matter():
    expected = simulate(FAMILY, CONFIG, n_seeds=5).logits
    for advantage in ("centered", "rloo"):
        found = simulate(FAMILY, replace(CONFIG, advantage=advantage), n_seeds=5).logits
        np.testing.assert_array_equal(found, expected)
    assert abs(simulate(FAMILY, replace(CONFIG, update="gradient"), n_seeds=5).logits - expected).max() > 0.1


def test_coins_flatten_as_the_formula_says_and_the_gradient_does_not():
    family = StrategyFamily((0.6, 0.25, 0.15), (0.6, 0.3, 0.1), n_prompts=4)
    config = replace(CONFIG, n_steps=1, inner_updates=1, group_size=8, mirror_temperature=4.0)
    n_runs = 40_000
    z = {}
    for update in ("mirror", "gradient"):
        runs = simulate(family, replace(config, update=update), arms=("random",), n_seeds=n_runs)
        moved = runs.logits[0, 0, :, 0] - family.prior_logits[0]
        z[update] = moved.mean(axis=0) / (moved.std(axis=0) / n_runs**0.5)
        if update == "mirror":
            wanted = mirror_random_drift(family.shares, group_size=8, temperature=4.0)
            error = moved.std(axis=0) / n_runs**0.5
            assert (abs(moved.mean(axis=0) - wanted) < 4 * error + 0.02 * abs(wanted)).all()
    assert z["mirror"][0] < -10 and z["mirror"][2] > 10
    assert abs(z["gradient"]).max() < 4


def test_true_climbs():
    runs = simulate(FAMILY, replace(CONFIG, n_steps=200), arms=("true",), n_seeds=5)
    assert (runs.shares[0, 0, :, 0] > 0.7).all() and (runs.clipped[0, 0] == 0).all()
