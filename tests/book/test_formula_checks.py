"""Each formula of coin flips agrees with simulation, and what leaves its idea out does not."""

import math

import numpy as np
import pytest

from book import formula_checks
from book.formula_checks import check_formulas, standard_errors_off


def test_distance_by_hand():
    sample = np.array([0.0, 2.0, 4.0, 6.0])  # mean 3, sd 2.582, standard error 1.291
    assert standard_errors_off(sample, 3.0) == 0.0
    assert standard_errors_off(sample, 0.0) == pytest.approx(3 / 1.2909944)
    squares = (sample - 3) ** 2  # 9, 1, 1, 9: mean 5, standard error 2.309
    assert standard_errors_off(sample, 1.0, spread=True) == pytest.approx((5 - 1) / (squares.std(ddof=1) / 2))


def test_formulas_hold_and_controls_fail():
    checks = check_formulas(seed=1)
    assert [check.formula for check in checks] == [
        "plain spread", "Adam's spread", "first to dominate", "Adam's logits", "Adam's shares",
        "clipped drift", "clipped spread",
    ]  # fmt: skip
    for check in checks:
        assert abs(check.off) < 4 < abs(check.control_off), check
    plain, adam, dominant, logits, shares, drift, spread = checks
    walk = 0.5 * math.sqrt(40 * (1 - 2.0**-15) / 128 * 4 * 0.65 * 0.35)  # sd of the logit difference
    assert plain.by_formula == pytest.approx(0.65 * 0.35 * walk * (0.609 - 0.280))
    edge = math.log(49)
    assert dominant.by_formula == pytest.approx((math.log(0.65 / 0.35) + edge) / (2 * edge))
    assert logits.by_formula > 0 > shares.by_formula  # momentum favours the leader, the softmax its rivals
    assert drift.by_formula > 0 and spread.by_formula < 0.2
    assert adam.by_formula > plain.by_formula
    assert [logits.by_formula, shares.by_formula] == pytest.approx([0.1244206320, -0.0499452970], rel=1e-7)
    # Same arguments, same draws: a setting that moved would move these.
    assert [check.simulated for check in checks] == pytest.approx(
        [0.0193213766, 0.0400107297, 0.586, 0.1232549597, -0.0492616650, 0.0158889446, 0.1721968997], rel=1e-7
    )


def test_another_seed_draws_other_runs():
    assert formula_checks._clip(3)[0].simulated != formula_checks._clip(4)[0].simulated
