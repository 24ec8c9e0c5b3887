"""Re-weighting strategies: by hand, by brute force over shares, limits and refusals."""

import numpy as np
import pytest

from book.reweighting import largest_reweighting_null, reweighted_null, smallest_reweighting_null


def test_one_kind_by_hand():
    shares, accuracies = [0.5, 0.3, 0.2], [0.6, 0.1, 0.9]  # 0.30 + 0.03 + 0.18 = 0.51
    assert largest_reweighting_null(shares, accuracies) == pytest.approx(0.39)
    assert smallest_reweighting_null(shares, accuracies) == pytest.approx(-0.41)
    assert reweighted_null(shares, accuracies, [0.0, 0.5, 0.5]) == pytest.approx(0.5 - 0.51)


def test_two_kinds_by_hand_and_weighted():
    shares, accuracies = [[0.5, 0.5], [0.2, 0.8]], [[1.0, 0.0], [0.25, 0.5]]
    # kind 1: 1 - 0.5 = 0.5; kind 2: 0.5 - 0.45 = 0.05
    assert largest_reweighting_null(shares, accuracies) == pytest.approx(0.275)
    assert largest_reweighting_null(shares, accuracies, [0.9, 0.1]) == pytest.approx(0.455)
    assert smallest_reweighting_null(shares, accuracies, [0.9, 0.1]) == pytest.approx(-0.9 * 0.5 - 0.1 * 0.2)
    assert reweighted_null(shares, accuracies, [[1, 0], [0, 1]], [0.9, 0.1]) == pytest.approx(0.455)


def test_no_shares_leave_the_bounds_and_some_reach_them():
    rng = np.random.default_rng(2)
    accuracies, weights = rng.random((3, 4)), rng.dirichlet(np.ones(3))
    shares = rng.dirichlet(np.ones(4), 3)
    tried = [
        reweighted_null(shares, accuracies, rng.dirichlet(np.full(4, 0.2), 3), weights) for _ in range(500)
    ]
    low = smallest_reweighting_null(shares, accuracies, weights)
    high = largest_reweighting_null(shares, accuracies, weights)
    assert low <= min(tried) < max(tried) <= high
    best = np.eye(4)[accuracies.argmax(axis=1)]
    assert reweighted_null(shares, accuracies, best, weights) == pytest.approx(high)


def test_limits():
    assert largest_reweighting_null([0.0, 1.0], [0.2, 0.7]) == 0.0
    assert largest_reweighting_null([0.4, 0.6], [0.3, 0.3]) == pytest.approx(0.0)
    assert reweighted_null([0.4, 0.6], [0.1, 0.9], [0.4, 0.6]) == 0.0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([0.5, 0.4], [0.1, 0.2]), r"shares must be at least 0 and sum to 1, of shape \(1, 2\)"),
        (([1.5, -0.5], [0.1, 0.2]), "shares must be at least 0"),
        (([0.5, 0.5], [0.1, 1.2]), r"accuracies must be fractions from 0 to 1, .* got \[0.1, 1.2\]"),
        (([0.5, 0.5], [0.1, float("nan")]), "accuracies must be fractions"),
        (([0.5, 0.5], [0.1, 0.2, 0.3]), "shares must be .* like accuracies"),
        (([0.5, 0.5], [0.1, 0.2], [0.9]), r"weights must be at least 0 and sum to 1, of shape \(1,\)"),
    ],
)
def test_refusals(arguments, message):
    with pytest.raises(ValueError, match=message):
        largest_reweighting_null(*arguments)


def test_new_shares_are_checked_too():
    with pytest.raises(ValueError, match="shares must be at least 0 and sum to 1"):
        reweighted_null([0.5, 0.5], [0.1, 0.2], [0.5, 0.6])
