"""Where MAJORITY ends, against counts of modes, long training and the definition of the crossover."""

import numpy as np
import pytest
from scipy import stats

from rlvr import GRPOConfig, TaskFamily, simulate
from rlvr.theory.expected_drift import majority_drifts
from rlvr.theory.majority_endpoint import crossover, elicitation_limit


def test_without_spread_the_limit_is_all_or_nothing_and_shared_at_the_tie():
    family = TaskFamily()
    assert elicitation_limit(TaskFamily(family.crossover + 1e-6)) == 1.0
    assert elicitation_limit(TaskFamily(family.crossover - 1e-6)) == 0.0
    assert elicitation_limit(TaskFamily(family.crossover)) == pytest.approx(2 / 3)  # two right, one format
    assert elicitation_limit(TaskFamily(0.25, format_strength=0.0)) == pytest.approx(0.25)


@pytest.mark.parametrize(("strength", "spread"), [(0.3, 0.2), (0.5, 0.5), (0.7, 0.05)])
def test_with_spread_the_limit_is_the_share_of_prompts_with_a_correct_mode(strength, spread):
    family = TaskFamily(strength, prior_spread=spread)
    tasks = family.sample(200, seed=4)
    share = np.take_along_axis(tasks.correct, tasks.prior.argmax(axis=2)[..., None], 2)[..., 0].mean(axis=1)
    error = share.std(ddof=1) / share.size**0.5
    assert abs(elicitation_limit(family) - share.mean()) < 4 * error
    without_format = stats.beta.sf(0.25, *family.strength_shape)
    assert abs(without_format - share.mean()) > 4 * error


@pytest.mark.parametrize("strength", [0.5, 0.7])
def test_long_training_goes_there(strength):
    family = TaskFamily(strength, prior_spread=0.3)
    config = GRPOConfig(n_steps=3000, kl_coefficient=0.0, tie_break="uniform")
    runs = simulate(family, config, arms=("majority",), n_tasks=8, n_seeds=2, seed=6)
    tasks = runs.tasks
    ends = np.take_along_axis(tasks.correct, tasks.prior.argmax(axis=2)[..., None], 2)[..., 0].mean(axis=1)
    reached = runs.arm("majority").mean(axis=1)
    # chance decides prompts near the crossover, so the draws agree to a prompt or two in forty
    assert np.abs(reached - ends).mean() < 0.05
    assert np.abs(tasks.prior_accuracy - ends).mean() > 0.05


def test_the_limit_is_that_of_majority_less_frozen_and_of_elicitation_without_a_null():
    """Mirror descent under coin flips has a null of its own, which the limit does not know."""
    family = TaskFamily(0.6, n_correct=1)
    limit = elicitation_limit(family) - family.prior_accuracy
    for update, null in (("gradient", False), ("mirror", True)):
        config = GRPOConfig(
            n_steps=3000, batch_size=40, kl_coefficient=0.0, tie_break="uniform", update=update
        )
        runs = simulate(family, config, n_tasks=2, n_seeds=1, seed=6)
        frozen, random, majority = (runs.arm(arm).mean() for arm in ("frozen", "random", "majority"))
        assert majority - frozen == pytest.approx(limit, abs=0.1 if null else 0.01)
        assert (abs(random - frozen) > 0.3) == null
        assert (abs(majority - random - limit) > 0.25) == null


def test_more_than_half_of_the_weight_is_the_mode_only_if_a_single_answer_is_right():
    policies = np.random.default_rng(7).dirichlet(np.ones(4), 5000)
    single, pair = policies[:, 0] > 0.5, policies[:, :2].sum(axis=1) > 0.5
    mode = policies.argmax(axis=1)
    assert single.sum() > 300 and (mode[single] == 0).all()
    assert (mode[pair] > 1).any()
    assert np.argmax([0.3, 0.3, 0.4]) == 2


def test_long_training_below_the_crossover_ends_near_nothing():
    config = GRPOConfig(n_steps=2000, kl_coefficient=0.0, tie_break="uniform")
    runs = simulate(TaskFamily(0.35), config, arms=("majority",), n_tasks=4, n_seeds=2, seed=6)
    assert runs.accuracy.mean() < 0.05 and elicitation_limit(TaskFamily(0.35)) == 0.0


@pytest.mark.parametrize(
    ("spread", "format_strength"), [(0.0, 0.0), (0.02, 0.0), (0.2, 0.0), (0.0, 0.2), (0.2, 0.2), (0.5, 0.2)]
)
def test_crossover_is_where_the_limit_meets_the_prior(spread, format_strength):
    family = TaskFamily(format_strength=format_strength, prior_spread=spread)
    at = crossover(family)
    for offset, sign in ((-0.01, -1), (0.01, 1)):
        there = TaskFamily(at + offset, format_strength=format_strength, prior_spread=spread)
        assert np.sign(elicitation_limit(there) - there.prior_accuracy) == sign
    if spread == 0:
        assert at == family.crossover


def test_spread_moves_the_crossover_and_0_35_is_none_of_them():
    found = [crossover(TaskFamily(prior_spread=spread)) for spread in (0.0, 0.02, 0.2, 0.5)]
    assert np.all(np.abs(np.array(found) - 0.35) > 0.01)
    assert found[0] == pytest.approx(13 / 28)


def test_a_family_without_a_crossover_says_so():
    # few prompts are known, but those are known well: majority training always pays
    uneven = TaskFamily(0.02, format_strength=0.0, prior_spread=0.5)
    assert elicitation_limit(uneven) > uneven.prior_accuracy
    with pytest.raises(ValueError, match="family must have a crossover between"):
        crossover(uneven)


@pytest.mark.parametrize("group_size", [3, 4, 8])
def test_the_mode_always_has_the_largest_majority_drift(group_size):
    generator = np.random.default_rng(group_size)
    policies = np.concatenate([generator.dirichlet(np.full(5, spread), 1000) for spread in (0.5, 1, 20)])
    drifts = majority_drifts(policies, group_size, "uniform")
    mode = policies.argmax(axis=1)
    assert np.array_equal(drifts.argmax(axis=1), mode)
    # with pairs, every mixed group is a tie and a fair coin decides: no drift, and so no limit
    np.testing.assert_allclose(majority_drifts(policies, 2, "uniform"), 0.0, atol=1e-15)
