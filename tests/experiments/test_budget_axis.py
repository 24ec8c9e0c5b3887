"""The budget axis: what is stored is what a run gives, sign changes by hand, and none where there is none."""

import numpy as np
import pytest

from rlvr.decomposition import PARTS
from rlvr.experiments import budget_axis
from rlvr.experiments.budget_axis import (
    BUDGET_PRIORS,
    BUDGETS,
    budget_runs,
    sign_changes,
    stored_budgets,
    stored_sign_changes,
)


def test_the_table_is_complete_and_adds_up():
    table = stored_budgets()
    assert len(table) == 2 * len(BUDGET_PRIORS) * len(BUDGETS) and BUDGETS[0] == 5 and BUDGETS[-1] == 2000
    np.testing.assert_allclose(table[list(PARTS)].sum(axis=1), table.total, atol=1e-10)
    np.testing.assert_allclose(table.reward_design / table.naive, table.fraction, rtol=1e-8)


@pytest.mark.parametrize(("updates", "share"), [(20, 0.40), (80, 0.12), (320, -0.10), (1280, -0.02)])
def test_the_share_at_a_strong_prior_is_that_of_an_independent_simulation(updates, share):
    """Population values of other code, uniform ties, prior strength 0.80, given to two digits."""
    assert stored_budgets().loc["uniform", 0.80, updates].fraction == pytest.approx(share, abs=0.006)


def test_a_stored_sign_change_is_where_its_curve_changes_sign():
    found = stored_sign_changes()
    assert sum(map(len, found.values())) >= 4
    for (tie, strength, term), changes in found.items():
        curve = stored_budgets().loc[tie, strength][term]
        for becomes, where in changes:
            assert np.interp(np.log(where.value), np.log(curve.index), curve) == pytest.approx(0, abs=1e-9)
            later = curve[curve.index > where.high].iloc[0]
            assert becomes == ("positive" if later > 0 else "negative")
            assert where.low < where.value < where.high


def curves_of(means, spread=0.01):
    """Curves (position, task, seed) with the given means."""
    luck = np.random.default_rng(1).normal(0, spread, (1, 40, 1))
    return np.array(means)[:, None, None] + luck - luck.mean()


def test_every_change_is_found_in_order_and_by_interpolation():
    (first, up), (second, down) = sign_changes([1, 2, 3, 4], curves_of([-1.0, 1.0, 3.0, -1.0]))
    assert (first, second) == ("positive", "negative")
    assert up.value == pytest.approx(1.5) and down.value == pytest.approx(3.75)
    assert up.unit == "task draw" and up.n == 40


def test_a_change_lies_between_the_surest_positions_not_the_farthest_ones(monkeypatch):
    windows = []
    monkeypatch.setattr(budget_axis, "crossing_interval", lambda at, values: windows.append(list(at)))
    luck = np.random.default_rng(1).normal(0, [[0.1], [0.5], [0.5], [0.1]], (4, 40))
    means = np.array([-1.0, -2.0, 2.0, 1.0])  # ten deviations, four, four, ten
    sign_changes([1, 2, 3, 4], (means[:, None] + luck - luck.mean(axis=1, keepdims=True))[..., None])
    assert windows == [[1, 2, 3, 4]]


def test_a_curve_that_hugs_zero_changes_no_sign():
    assert sign_changes([1, 2, 3], curves_of([-0.001, 0.001, -0.001], spread=0.1)) == []
    assert sign_changes([1, 2, 3], curves_of([1.0, 0.0, 1.0])) == []


def test_zero_in_between_does_not_hide_a_change():
    ((becomes, where),) = sign_changes([1, 2, 3], curves_of([1.0, 0.0, -1.0]))
    assert becomes == "negative" and where.value == pytest.approx(2.0)


@pytest.mark.parametrize(("until", "error"), [(4, ValueError), (2001, ValueError), (5.0, TypeError)])
def test_a_budget_out_of_range_is_refused(until, error):
    with pytest.raises(error, match="until must be one of 5, 7"):
        budget_runs("lowest", 0.5, until=until)


def test_budgets_grow_by_the_root_of_two_and_end_at_two_thousand():
    assert [round(5 * 2 ** (k / 2)) for k in range(17)] + [1600, 2000] == list(BUDGETS)
