"""The estimands: hand-computed terms, the identity to the last bit, orders of entry, undefined shares."""

import math
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise, permutations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rlvr import ARMS, TaskFamily, decompose, simulate
from rlvr.decomposition import PARTS, TERMS
from rlvr.stats.estimates import mean_interval, ratio_interval

QWEN = {
    "frozen": Fraction("0.494"),
    "random": Fraction("0.7092"),
    "majority": Fraction("0.7582"),
    "true": Fraction("0.7866"),
}


def test_the_terms_are_these_differences():
    assert dict(TERMS) == {
        "null": ("random", "frozen"), "elicitation": ("majority", "random"),
        "reward_design": ("true", "majority"), "naive": ("true", "random"), "total": ("true", "frozen"),
    }  # fmt: skip
    assert PARTS == ("null", "elicitation", "reward_design")


def test_terms_by_hand_are_exact_and_say_why_they_have_no_interval():
    parts = decompose(**QWEN, level=0.9)
    assert {name: str(term.value) for name, term in parts.terms().items()} == {
        "null": "269/1250", "elicitation": "49/1000", "reward_design": "71/2500", "naive": "387/5000",
        "total": "1463/5000",
    }  # fmt: skip
    assert parts.reward_design_fraction.value == Fraction(284, 774)
    for term in (*parts.terms().values(), parts.reward_design_fraction):
        assert math.isnan(term.low) and term.level == 0.9 and not term.excludes(0)
        assert term.reason == "four numbers alone have no interval"
    assert decompose(**QWEN).null.level == decompose(**QWEN).reward_design_fraction.level == 0.95


def test_numbers_come_back_as_python_s():
    assert type(decompose(**{arm: np.float64(value) for arm, value in QWEN.items()}).null.value) is float
    assert type(decompose(frozen=0, random=1, majority=2, true=3).total.value) is int


accuracies = st.floats(0, 1)


@pytest.mark.parametrize("other", [Decimal("0.25"), "0.25", np.float32(0.25), Fraction(1, 4)])
def test_numbers_of_several_types_mix(other):
    parts = decompose(frozen=other, random=0.5, majority=Decimal("0.5"), true=Fraction(3, 4))
    assert [float(term.value) for term in parts.terms().values()] == [0.25, 0.0, 0.25, 0.25, 0.5]


def test_series_are_paired_by_equal_labels_alone():
    arms = {arm: pd.Series([0.1, 0.2], index=[7, 8]) for arm in ARMS}
    assert decompose(**arms).null.value == 0.0
    with pytest.raises(ValueError, match=r"labels of frozen .* and of true"):
        decompose(**{**arms, "true": arms["true"][::-1]})


@given(accuracies, accuracies, accuracies, accuracies)
def test_identity_and_bias_are_exact(frozen, random, majority, true):
    given_arms = dict(zip(ARMS, map(Fraction, (frozen, random, majority, true)), strict=True))
    parts = decompose(**given_arms)
    assert parts.total.value == sum(getattr(parts, name).value for name in PARTS)
    assert parts.naive.value - parts.reward_design.value == parts.elicitation.value


def test_runs_have_paired_intervals_at_the_level_asked():
    runs = simulate(TaskFamily(), n_tasks=6, n_seeds=4, seed=2)
    parts = decompose(runs, level=0.8)
    for name, (arm, base) in TERMS.items():
        assert parts.terms()[name] == mean_interval(runs.arm(arm) - runs.arm(base), level=0.8)
        assert (parts.terms()[name].unit, parts.terms()[name].n) == ("task draw", 6)
    design, naive = (runs.arm("true") - runs.arm(base) for base in ("majority", "random"))
    fraction = ratio_interval(design, naive, level=0.8, names=("reward_design", "naive"))
    assert parts.reward_design_fraction == fraction
    assert parts == decompose(**{arm: runs.arm(arm) for arm in ARMS}, level=0.8)
    assert decompose(runs) == decompose(runs, level=0.95)


def test_an_array_of_one_run_has_no_spread():
    parts = decompose(**{arm: [float(value)] for arm, value in QWEN.items()})
    assert parts.total.value == pytest.approx(0.2926)
    assert parts.total.reason == "one observation has no spread"


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
    equal = decompose(frozen=0.1, random=0.5, majority=0.25, true=0.5, level=0.9).reward_design_fraction
    assert not equal.defined and (equal.reason, equal.level) == ("naive is 0", 0.9)
    negative = decompose(frozen=0.1, random=0.5, majority=0.5, true=0.25).reward_design_fraction
    assert negative.value == 1.0


def test_two_orders_of_24_split_the_total():
    added = {
        order: {arm: QWEN[arm] - QWEN[base] for base, arm in pairwise(order)} for order in permutations(ARMS)
    }
    parts = decompose(**QWEN)
    admissible = [order for order, steps in added.items() if sum(steps.values()) == parts.total.value]
    assert admissible == [("frozen", "random", "majority", "true"), ("frozen", "majority", "random", "true")]
    assert list(added[admissible[0]].values()) == [parts.terms()[part].value for part in PARTS]
    assert added[admissible[1]]["true"] == parts.naive.value


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
