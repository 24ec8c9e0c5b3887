"""The estimands: hand-computed terms, the identity to the last bit, orders of entry, undefined shares."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rlvr import ARMS, TaskFamily, decompose, simulate
from rlvr.decomposition import PARTS, TERMS, entry_orders

QWEN = {
    "frozen": Fraction("0.494"),
    "random": Fraction("0.7092"),
    "majority": Fraction("0.7582"),
    "true": Fraction("0.7866"),
}


def test_terms_by_hand():
    parts = decompose(**QWEN)
    assert {name: str(term.value) for name, term in parts.terms().items()} == {
        "null": "269/1250", "elicitation": "49/1000", "reward_design": "71/2500", "naive": "387/5000",
        "total": "1463/5000",
    }  # fmt: skip
    assert parts.reward_design_fraction.value == Fraction(284, 774)
    assert "no interval" in parts.null.reason and not parts.null.excludes(0)


accuracies = st.floats(0, 1)


@given(accuracies, accuracies, accuracies, accuracies)
def test_identity_and_bias_are_exact(frozen, random, majority, true):
    given_arms = dict(zip(ARMS, map(Fraction, (frozen, random, majority, true)), strict=True))
    parts = decompose(**given_arms)
    assert parts.total.value == sum(getattr(parts, name).value for name in PARTS)
    assert parts.naive.value - parts.reward_design.value == parts.elicitation.value


def test_runs_are_paired():
    runs = simulate(TaskFamily(), n_tasks=6, n_seeds=4, seed=2)
    parts = decompose(runs)
    for name, (arm, base) in TERMS.items():
        difference = (runs.arm(arm) - runs.arm(base)).mean(axis=1)
        term = parts.terms()[name]
        assert term.value == pytest.approx(difference.mean(), abs=1e-15)
        assert (term.unit, term.n) == ("task draw", 6)
        half_width = 2.5705818366147395 * difference.std(ddof=1) / np.sqrt(6)  # t(5) at 97.5%
        assert term.high - term.value == pytest.approx(half_width, rel=1e-9)


def test_arrays_and_runs_give_the_same():
    runs = simulate(TaskFamily(), n_tasks=3, n_seeds=4, seed=2)
    assert decompose(runs) == decompose(**{arm: runs.arm(arm) for arm in ARMS})


def test_fraction_is_undefined_where_naive_may_be_zero():
    noisy = {
        "frozen": [0.5, 0.5, 0.5],
        "random": [0.5, 0.52, 0.48],
        "majority": [0.6, 0.5, 0.55],
        "true": [0.52, 0.5, 0.49],
    }
    fraction = decompose(**noisy).reward_design_fraction
    assert not fraction.defined and "naive is not separated from 0" in fraction.reason
    assert (fraction.low, fraction.high) == (-np.inf, np.inf)
    equal = decompose(frozen=0.1, random=0.2, majority=0.3, true=0.2).reward_design_fraction
    assert not equal.defined and equal.reason == "naive is 0"


def test_two_orders_of_24_split_the_total():
    orders = entry_orders(QWEN)
    admissible = [order for order in orders if order.splits_total]
    assert len(orders) == 24 and len({order.order for order in orders}) == 24
    assert [order.order for order in admissible] == [
        ("frozen", "random", "majority", "true"), ("frozen", "majority", "random", "true"),
    ]  # fmt: skip
    total = QWEN["true"] - QWEN["frozen"]
    assert all(sum(order.added.values()) == total for order in admissible)
    assert all(sum(order.added.values()) != total for order in orders if not order.splits_total)
    assert admissible[1].added["true"] == decompose(**QWEN).naive.value


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({}, TypeError, "missing frozen, random, majority, true"),
        ({"frozen": 1, "random": 1, "true": 1}, TypeError, "missing majority"),
        ({**QWEN, "true": float("nan")}, ValueError, "true must hold finite accuracies"),
        ({**QWEN, "true": [0.1, 0.2]}, ValueError, "share one shape"),
        ({arm: [0.1, float("inf")] for arm in ARMS}, ValueError, "finite"),
        ({"runs": [0.1], }, TypeError, "runs must be a Runs"),
        ({"runs": simulate(TaskFamily()), "true": 0.1}, TypeError, "got both"),
    ],
)  # fmt: skip
def test_bad_arguments(arguments, error, message):
    with pytest.raises(error, match=message):
        decompose(**arguments)


def test_a_missing_arm_is_named():
    with pytest.raises(ValueError, match="arm must be one of 'frozen', 'true', got 'random'"):
        decompose(simulate(TaskFamily(), arms=("frozen", "true")))
