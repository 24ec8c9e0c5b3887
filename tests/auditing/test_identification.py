"""Identified sets, against linear programming and brute force."""

import itertools

import numpy as np
import pytest
from scipy.optimize import linprog

from rlvr.arms import ARMS
from rlvr.auditing.identification import ASSUMPTIONS, feasible, identified_sets
from rlvr.auditing.verdict_rules import contrast
from rlvr.decomposition import TERMS

KNOWN = {"frozen": 0.25, "random": 0.375, "majority": 0.5, "true": 0.75}
INEQUALITIES = {  # written down again, by hand: rows c with c @ accuracies <= 0
    "no-harm": [(1, -1, 0, 0), (1, 0, -1, 0), (1, 0, 0, -1)],
    "true-best": [(0, 1, 0, -1), (0, 0, 1, -1)],
    "null-zero": [(1, -1, 0, 0), (-1, 1, 0, 0)],
}


def bounds_by_linear_programming(known, assumptions):
    box = [(known[arm], known[arm]) if arm in known else (0, 1) for arm in ARMS]
    rows = [
        row
        for name in assumptions
        for row in INEQUALITIES[name]
        if not all(ARMS[i] in known for i, weight in enumerate(row) if weight)
    ]
    found = {}
    for term in TERMS:
        ends = [
            linprog(
                sign * contrast(term),
                A_ub=rows or None,
                b_ub=np.zeros(len(rows)) if rows else None,
                bounds=box,
            )
            for sign in (1, -1)
        ]
        if not all(end.success for end in ends):
            return None
        found[term] = (ends[0].fun, -ends[1].fun)
    return found


some_arms = [
    {arm: KNOWN[arm] for arm in arms} for size in range(5) for arms in itertools.combinations(ARMS, size)
]
some_assumptions = [names for size in range(4) for names in itertools.combinations(ASSUMPTIONS, size)]


@pytest.mark.parametrize("known", some_arms, ids=lambda known: "+".join(known) or "none")
def test_bounds_are_sharp_under_every_set_of_assumptions(known):
    for assumptions in some_assumptions:
        expected = bounds_by_linear_programming(known, assumptions)
        found = identified_sets(known, assumptions)
        for term in TERMS:
            assert found[term] == pytest.approx(expected[term], abs=1e-9), (assumptions, term)


def test_sums_that_are_known_although_their_parts_are_not():
    without_majority = identified_sets({arm: KNOWN[arm] for arm in ("frozen", "random", "true")})
    assert without_majority["naive"] == (0.375, 0.375)
    assert without_majority["elicitation"] == (-0.375, 0.625)
    assert without_majority["reward_design"] == (-0.25, 0.75)
    without_random = identified_sets({arm: KNOWN[arm] for arm in ("frozen", "majority", "true")})
    assert without_random["total"] == (0.5, 0.5) and without_random["reward_design"] == (0.25, 0.25)
    assert without_random["null"] == (-0.25, 0.75)


def test_assumptions_are_off_by_default_and_narrow_when_named():
    known = {arm: KNOWN[arm] for arm in ("frozen", "majority", "true")}
    assert identified_sets(known, ["no-harm"])["null"] == (0.0, 0.75)
    assert identified_sets(known, ["no-harm", "true-best"])["null"] == (0.0, 0.5)
    assert identified_sets(known, ["null-zero"])["elicitation"] == (0.25, 0.25)


def test_assumptions_say_nothing_about_arms_that_are_there():
    harmed = {**KNOWN, "random": 0.1}
    assert identified_sets(harmed, list(ASSUMPTIONS))["null"] == pytest.approx((-0.15, -0.15))


def test_a_contradiction_and_an_unknown_name_are_refused():
    with pytest.raises(ValueError, match="compatible with the accuracies"):
        identified_sets({"frozen": 0.8, "true": 0.5}, ["no-harm", "true-best"])
    with pytest.raises(ValueError, match="assumptions must be one of 'no-harm'"):
        identified_sets(KNOWN, ["monotone"])


@pytest.mark.parametrize("known", some_arms[1:], ids=lambda known: "+".join(known))
@pytest.mark.parametrize("assumptions", some_assumptions, ids=lambda names: "+".join(names) or "none")
def test_the_grid_reaches_the_bounds_and_stays_inside(known, assumptions):
    grid = feasible(known, assumptions)
    for name in assumptions:
        for row in INEQUALITIES[name]:
            if not all(ARMS[i] in known for i, weight in enumerate(row) if weight):
                assert (grid @ np.array(row) <= 1e-9).all()
    for term, (low, high) in identified_sets(known, assumptions).items():
        values = grid @ contrast(term)
        assert (values.min(), values.max()) == pytest.approx((low, high), abs=1e-9)


def test_one_point_when_all_arms_are_there():
    np.testing.assert_array_equal(feasible(KNOWN), [[0.25, 0.375, 0.5, 0.75]])


@pytest.mark.parametrize(
    ("missing", "sizes"),
    [((), (1, 1, 1, 1)), (("random",), (1, 201, 1, 1)), (("random", "true"), (1, 51, 1, 51)),
     (("frozen", "random", "true"), (21, 21, 1, 21)), (ARMS[:3], (21, 21, 21, 1))],
)  # fmt: skip
def test_the_grid_has_the_steps_it_is_said_to_have(missing, sizes):
    known = {arm: 0.5 for arm in ARMS if arm not in missing}  # a place that every grid has
    if len(missing) == 2:
        known = {"frozen": 0.5, "majority": 0.5}
    grid = feasible(known)
    assert tuple(np.unique(grid[:, column]).size for column in range(4)) == sizes
    assert len(grid) == np.prod(sizes)


def test_the_grid_holds_the_known_accuracies_where_inequalities_meet():
    grid = feasible({"frozen": 0.1234, "majority": 0.5678, "true": 0.75})
    assert {0.1234, 0.5678, 0.75} <= set(grid[:, 1]) and len(grid) == 203
    bounded = feasible({"frozen": 0.1234, "majority": 0.5678, "true": 0.75}, ["no-harm", "true-best"])
    assert (bounded[:, 1].min(), bounded[:, 1].max()) == (0.1234, 0.75)
    assert 0.5678 in bounded[:, 1] and len(bounded) == 202


def test_other_values_of_frozen_take_random_along_if_they_are_one():
    known = {"frozen": 0.25, "majority": 0.5, "true": 0.75}
    grid = feasible(known, ["null-zero"], frozen=[0.25, 0.375])
    np.testing.assert_array_equal(grid, [[0.25, 0.25, 0.5, 0.75], [0.375, 0.375, 0.5, 0.75]])
    moved = feasible({**known, "random": 0.125}, ["null-zero"], frozen=[0.375])
    np.testing.assert_array_equal(moved, [[0.375, 0.125, 0.5, 0.75]])
    free = feasible(known, frozen=[0.375])
    assert len(free) == 201 and set(free[:, 0]) == {0.375}
    unknown = feasible({"majority": 0.5, "true": 0.75}, ["null-zero"])
    assert (unknown[:, 0] == unknown[:, 1]).all() and len(unknown) > 51


def test_a_contradiction_within_rounding_is_none():
    for excess, refused in ((1e-13, False), (2e-12, True)):
        known = {"frozen": 0.5 + excess, "true": 0.5}
        if refused:
            with pytest.raises(ValueError, match=r"with frozen 0\.5, true 0\.5 they leave no possible value"):
                identified_sets(known, ["no-harm", "true-best"])
        else:
            assert identified_sets(known, ["no-harm", "true-best"])["null"] == pytest.approx(
                (0, 0), abs=1e-12
            )
            assert len(feasible(known, ["no-harm", "true-best"])) > 0
