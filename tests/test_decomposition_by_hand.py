"""Terms of four numbers and of a few runs, by hand; what is said where there is no interval."""

import math

import numpy as np
import pytest
from scipy import stats

from rlvr.decomposition import PARTS, TERMS, Decomposition, decompose, entry_orders
from rlvr.stats.estimates import mean_interval, ratio_interval

FOUR = {"frozen": 0.25, "random": 0.5, "majority": 0.625, "true": 1.0}


def test_the_terms_are_these_differences():
    assert dict(TERMS) == {
        "null": ("random", "frozen"), "elicitation": ("majority", "random"),
        "reward_design": ("true", "majority"), "naive": ("true", "random"), "total": ("true", "frozen"),
    }  # fmt: skip
    assert PARTS == ("null", "elicitation", "reward_design")


def test_four_numbers_have_values_and_a_reason():
    parts = decompose(**FOUR, level=0.9)
    assert {name: term.value for name, term in parts.terms().items()} == {
        "null": 0.25, "elicitation": 0.125, "reward_design": 0.375, "naive": 0.5, "total": 0.75,
    }  # fmt: skip
    assert parts.reward_design_fraction.value == 0.75
    for term in (*parts.terms().values(), parts.reward_design_fraction):
        assert math.isnan(term.low) and term.level == 0.9
        assert term.reason == "four numbers alone have no interval"
    assert decompose(**FOUR).null.level == decompose(**FOUR).reward_design_fraction.level == 0.95


def test_a_share_of_nothing_is_undefined():
    undefined = decompose(frozen=0.1, random=0.5, majority=0.25, true=0.5, level=0.9).reward_design_fraction
    assert math.isnan(undefined.value) and undefined.reason == "naive is 0" and undefined.level == 0.9
    negative = decompose(frozen=0.1, random=0.5, majority=0.5, true=0.25).reward_design_fraction
    assert negative.value == 1.0


def test_numbers_of_numpy_come_back_as_python_s():
    parts = decompose(**{arm: np.float64(value) for arm, value in FOUR.items()})
    assert type(parts.null.value) is float
    assert type(decompose(frozen=0, random=1, majority=2, true=3).total.value) is int


def test_runs_have_paired_intervals_at_the_level_asked():
    generator = np.random.default_rng(1)
    runs = {arm: generator.normal(value, 0.1, (5, 2)) for arm, value in FOUR.items()}
    parts = decompose(**runs, level=0.8)
    for name, (arm, base) in TERMS.items():
        assert parts.terms()[name] == mean_interval(runs[arm] - runs[base], level=0.8)
    fraction = ratio_interval(
        runs["true"] - runs["majority"], runs["true"] - runs["random"], level=0.8,
        names=("reward_design", "naive"),
    )  # fmt: skip
    assert parts.reward_design_fraction == fraction
    means = (runs["random"] - runs["frozen"]).mean(axis=1)
    half = stats.t.ppf(0.975, 4) * means.std(ddof=1) / math.sqrt(5)
    assert decompose(**runs).null.high == pytest.approx(means.mean() + half)


def test_an_array_of_one_run_has_no_spread():
    parts = decompose(**{arm: [value] for arm, value in FOUR.items()})
    assert parts.total.value == 0.75 and parts.total.reason == "one observation has no spread"


def test_a_decomposition_is_frozen():
    parts = decompose(**FOUR)
    assert isinstance(parts, Decomposition)
    for frozen in (parts, parts.null, entry_orders(FOUR)[0]):
        with pytest.raises(AttributeError):
            frozen.null = frozen.value = frozen.order = 0


def test_each_order_says_what_every_arm_adds_to_the_one_before():
    by_order = {order.order: order for order in entry_orders(FOUR)}
    as_defined = by_order["frozen", "random", "majority", "true"]
    assert as_defined.added == {"random": 0.25, "majority": 0.125, "true": 0.375} and as_defined.splits_total
    backwards = by_order["true", "majority", "random", "frozen"]
    assert backwards.added == {"majority": -0.375, "random": -0.125, "frozen": -0.25}
    assert not backwards.splits_total
    assert not by_order["frozen", "true", "random", "majority"].splits_total
    assert not by_order["random", "frozen", "majority", "true"].splits_total
