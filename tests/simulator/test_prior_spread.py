"""Prompts that differ in prior strength: moments, reproducibility, and no change where they do not."""

import numpy as np
import pytest
from scipy import integrate, stats

from rlvr import GRPOConfig, StrategyFamily, TaskFamily, simulate
from rlvr.simulator import task_family


def strengths_of(tasks, family):
    """Invert the prior: a prompt's strength from its accuracy."""
    accuracy = np.where(tasks.correct, tasks.prior, 0.0).sum(axis=2)
    n_wrong = family.n_actions - family.n_correct
    boosted = (n_wrong - 1 + family.format_boost) / n_wrong
    return accuracy * boosted / (1 - accuracy + accuracy * boosted)


def test_no_spread_changes_no_bit():
    family = TaskFamily(0.65)
    tasks = family.sample(3, seed=8)
    for task in range(3):
        generator = np.random.default_rng(np.random.SeedSequence(8, spawn_key=(0, task)))
        roles = generator.permuted(np.tile(np.arange(8), (40, 1)), axis=1)
        assert np.array_equal(tasks.prior[task], family.prior()[roles])
        assert np.array_equal(tasks.correct[task], roles < 2)
    assert family.prior_accuracy == float(family.prior()[:2].sum())
    assert family == TaskFamily(0.65, prior_spread=0.0)


@pytest.mark.parametrize("spread", [0.05, 0.4, 0.9])
def test_strengths_have_the_stated_mean_and_variance(spread):
    family = TaskFamily(0.35, prior_spread=spread)
    drawn = strengths_of(family.sample(500, seed=2), family).ravel()
    assert abs(drawn.mean() - 0.35) < 4 * drawn.std() / drawn.size**0.5
    squares = (drawn - 0.35) ** 2
    error = squares.std() / drawn.size**0.5
    assert abs(squares.mean() - spread * 0.35 * 0.65) < 4 * error
    assert abs(squares.mean() - spread**2 * 0.35 * 0.65) > 4 * error  # spread is a share of the variance
    inside = stats.beta(*family.strength_shape).cdf([0.01, 0.25, 0.5, 0.75, 0.99])
    counted = (drawn[:, None] < [0.01, 0.25, 0.5, 0.75, 0.99]).mean(axis=0)
    np.testing.assert_allclose(counted, inside, atol=4 * 0.5 / drawn.size**0.5)


@pytest.mark.parametrize("spread", [0.01, 0.3, 0.7])
def test_prior_accuracy_is_the_integral_over_the_beta_distribution(spread):
    family = TaskFamily(0.5, prior_spread=spread)
    law = stats.beta(*family.strength_shape)
    by_quantile, _ = integrate.quad(
        lambda u: family.prior(law.ppf(u))[:2].sum(), 0, 1, epsabs=1e-9, limit=400
    )
    assert family.prior_accuracy == pytest.approx(by_quantile, abs=1e-6)
    assert abs(family.prior_accuracy - TaskFamily(0.5).prior_accuracy) > 1e-4


def test_quadrature_integrates_moments_of_the_beta_distribution():
    family = TaskFamily(0.3, prior_spread=0.25)
    nodes, weights = family.strengths(6)
    law = stats.beta(*family.strength_shape)
    for power in range(12):
        assert weights @ nodes**power == pytest.approx(law.moment(power) if power else 1.0, rel=1e-9)
    assert weights @ nodes**12 != pytest.approx(law.moment(12), rel=1e-9)
    assert [part.tolist() for part in TaskFamily(0.3).strengths(6)] == [[0.3], [1.0]]


def test_draws_are_prefix_stable_and_roles_do_not_depend_on_the_spread():
    family = TaskFamily(0.35, prior_spread=0.2)
    few, many = family.sample(2, seed=5), family.sample(6, seed=5)
    assert np.array_equal(few.prior, many.prior[:2]) and np.array_equal(few.correct, many.correct[:2])
    assert np.array_equal(few.correct, TaskFamily(0.35).sample(2, seed=5).correct)
    wider = TaskFamily(0.35, prior_spread=0.4)
    ranks = [strengths_of(f.sample(2, seed=5), f).argsort(axis=1) for f in (family, wider)]
    assert np.array_equal(*ranks)  # the same prompts are the strong ones
    assert not np.array_equal(few.prior, family.sample(2, seed=6).prior)


def test_extreme_spreads_still_train():
    family = TaskFamily(0.35, prior_spread=0.999, n_prompts=16)
    runs = simulate(family, GRPOConfig(n_steps=20), n_tasks=4, n_seeds=1, seed=1)
    assert np.isfinite(runs.accuracy).all()


@pytest.mark.parametrize("spread", [-0.1, 1.0, 1.5, float("nan")])
def test_bad_spreads_are_refused(spread):
    with pytest.raises(ValueError, match=r"prior_spread must be a number in \[0, 1\)"):
        TaskFamily(prior_spread=spread)


@pytest.mark.parametrize("spread", [1e-4, 1e-8, 1e-11, 1e-13, 1e-100, 1e-300, 5e-324])
@pytest.mark.parametrize("mean", [1e-6, 0.2, 0.5, 0.999])
def test_next_to_no_spread_is_next_to_none(mean, spread):
    narrow, alike = TaskFamily(mean, prior_spread=spread), TaskFamily(mean)
    nodes, weights = narrow.strengths()
    assert weights @ nodes == pytest.approx(mean, rel=1e-9)
    if spread > 1e-14:  # below, the floats do not tell it
        assert weights @ (nodes - mean) ** 2 == pytest.approx(spread * mean * (1 - mean), rel=1e-6)
    assert narrow.prior_accuracy == pytest.approx(alike.prior_accuracy, rel=2 * spread + 1e-12)
    far = 8 * (max(spread, 1e-30) * mean) ** 0.5
    np.testing.assert_allclose(narrow.sample(2).prior_accuracy, alike.prior_accuracy, rtol=0, atol=far)
    for prompts in vars(StrategyFamily((0.5, 0.5), (mean, 0.2), accuracy_spread=spread).sample(2)).values():
        assert np.isfinite(np.asarray(prompts, dtype=float)).all()


def test_quantiles_of_a_narrow_beta_are_those_of_the_normal_law(monkeypatch):
    """Where both are right they agree, and the moments of the nodes too."""
    at, family = np.linspace(0.01, 0.99, 9), TaskFamily(0.3, prior_spread=1e-9)
    one = task_family.beta_quantile(at, 0.3, 1e9)
    nodes = family.strengths()
    monkeypatch.setattr(task_family, "_SKEWED", 1e-8)
    np.testing.assert_allclose(task_family.beta_quantile(at, 0.3, 1e9), one, rtol=0, atol=1e-8)
    for power in (1, 2, 3):
        assert family.strengths()[1] @ family.strengths()[0] ** power == pytest.approx(
            nodes[1] @ nodes[0] ** power, rel=1e-12
        )
