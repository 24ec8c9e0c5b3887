"""pass@k against samples, the Beta family against integrals, and the transcribed numbers."""

import numpy as np
import pytest
from scipy import integrate, stats

from rlvr.theory.repeated_sampling import base_priors, beta_coverage, beta_shape, coverage, pass_at_k

PRIOR = np.array([0.1, 0.2, 0.3, 0.4])
CORRECT = np.array([True, False, True, False])


def test_pass_at_k_counts_samples():
    generator = np.random.default_rng(3)
    hit = CORRECT[generator.choice(4, p=PRIOR, size=(40_000, 3))].any(axis=1)
    error = hit.std() / 200
    assert abs(pass_at_k(PRIOR, CORRECT, 3) - hit.mean()) < 4 * error
    assert abs(pass_at_k(PRIOR, CORRECT, 2) - hit.mean()) > 4 * error
    assert pass_at_k(PRIOR, CORRECT, 1) == pytest.approx(0.4)


def test_coverage_keeps_small_probabilities_and_the_ends():
    assert coverage(1e-18, 10) == pytest.approx(1e-17, rel=1e-12)
    assert coverage([0.0, 1.0], 7).tolist() == [0.0, 1.0]
    assert np.all(np.diff([coverage(0.3, k) for k in range(1, 30)]) > 0)


@pytest.mark.parametrize("shape", [(0.3, 2.0), (2.0, 5.0), (0.05, 0.05)])
@pytest.mark.parametrize("k", [1, 4, 50])
def test_beta_coverage_is_the_integral_over_prompts(shape, k):
    by_quantile, _ = integrate.quad(
        lambda u: float(coverage(stats.beta(*shape).ppf(u), k)), 0, 1, epsabs=1e-8, limit=500
    )
    assert beta_coverage(shape, k) == pytest.approx(by_quantile, abs=1e-6)
    if k > 1:  # as if all prompts were alike
        assert abs(float(coverage(shape[0] / sum(shape), k)) - by_quantile) > 1e-4


@pytest.mark.parametrize(("pass_1", "pass_k", "k"), [(0.3, 0.8, 16), (0.67, 0.9, 16), (0.0027, 0.57, 10_000)])
def test_beta_shape_has_the_two_numbers_it_was_given(pass_1, pass_k, k):
    shape = beta_shape(pass_1, pass_k, k)
    assert beta_coverage(shape, 1) == pytest.approx(pass_1, rel=1e-9)
    assert beta_coverage(shape, k) == pytest.approx(pass_k, rel=1e-9)
    assert beta_coverage(shape, k // 2) < pass_k - 0.001


def test_beta_shape_recovers_simulated_prompts():
    solved = np.random.default_rng(7).beta(0.5, 1.5, size=200_000)
    a, b = beta_shape(solved.mean(), float(coverage(solved, 16).mean()), 16)
    assert a == pytest.approx(0.5, rel=0.02) and b == pytest.approx(1.5, rel=0.02)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((0.3, 0.2, 16), "pass_k must lie strictly between pass_1 = 0.3"),
        ((0.3, 0.9999, 4), "pass_k must lie strictly between"),
        ((0.0, 0.5, 4), "pass_1 must be a number strictly between 0 and 1"),
        ((0.3, 0.5, 1), "k must be an integer of at least 2"),
    ],
)
def test_impossible_pairs_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        beta_shape(*arguments)


def test_bad_arguments_are_refused_by_name():
    with pytest.raises(ValueError, match="k must be an integer of at least 1, got 0"):
        pass_at_k(PRIOR, CORRECT, 0)
    with pytest.raises(ValueError, match="accuracy must lie in"):
        coverage([0.2, 1.2], 3)
    with pytest.raises(ValueError, match="shape must be two finite numbers above 0"):
        beta_coverage((0.0, 1.0), 3)
    with pytest.raises(ValueError, match="policy must sum to 1"):
        pass_at_k([0.5, 0.4], [True, False], 3)


def test_transcribed_numbers_are_percentages_with_a_source_and_more_samples_never_cover_less():
    table = base_priors()
    assert table.value_percent.between(0, 100).all()
    assert table[["study", "model", "benchmark", "how_read", "source"]].notna().all().all()
    assert not table.duplicated(["study", "model", "benchmark", "quantity", "k"]).any()
    passes = table[table.quantity == "pass"].sort_values("k")
    for _, cell in passes.groupby(["study", "model", "benchmark"]):
        assert cell.value_percent.is_monotonic_increasing
