"""Sets against linear programming, verdicts against their plain words, tipping points against a fine scan."""

import itertools

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import linprog

from rlvr.arms import ARMS
from rlvr.auditing.cell_verdicts import (
    ASSUMPTIONS,
    VERDICT_RULES,
    audit,
    contrast,
    feasible,
    identified_sets,
    tipping_points,
    verdict_slack,
    verdicts_at,
)  # fmt: skip
from rlvr.decomposition import TERMS, decompose

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


POINTS = np.random.default_rng(7).random((400, 4)).round(3)


def by_magnitude(frozen, random, majority, true):
    parts = {"null": random - frozen, "elicitation": majority - random, "reward design": true - majority}
    for name, value in parts.items():
        if abs(value) > sum(abs(other) for other in parts.values()) - abs(value) + 1e-12:
            return name
    return "mixed"


def as_published(frozen, random, majority, true):
    total = true - frozen
    if abs(total) < 1e-9:
        return "mixed"
    if (majority - frozen) / total > 0.60 + 1e-12:
        return "elicitation"
    return "reward design" if (true - majority) / total > 0.60 + 1e-12 else "mixed"


def as_published_allows(point):
    frozen, _, majority, true = point
    shares = [(majority - frozen) / (true - frozen), (true - majority) / (true - frozen)]
    return sum(share > 0.6 for share in shares) < 2 and min(abs(share - 0.6) for share in shares) > 1e-6


@pytest.mark.parametrize("rule, plain", [("magnitude", by_magnitude), ("published", as_published)])
def test_rules_say_what_their_words_say(rule, plain):
    points = [point for point in POINTS if rule == "magnitude" or as_published_allows(point)]
    assert len(points) > 300
    assert verdicts_at(points, rule=rule).tolist() == [plain(*point) for point in points]


def test_contrasts_are_the_terms():
    for point in POINTS[:20]:
        parts = decompose(**dict(zip(ARMS, point, strict=True))).terms()
        for term in TERMS:
            assert contrast(term) @ point == pytest.approx(parts[term].value, abs=1e-12)


def test_hand_computed():
    assert str(verdicts_at([0.494, 0.7092, 0.7582, 0.7866])) == "null"
    assert str(verdicts_at([0.494, 0.7092, 0.7582, 0.7866], rule="published")) == "elicitation"
    assert str(verdicts_at([0.416, 0.493, 0.730, 0.749])) == "elicitation"
    assert str(verdicts_at([0.09, 0.0052, 0.0162, 0.229])) == "reward design"
    assert str(verdicts_at([0.2, 0.3, 0.4, 0.4])) == "mixed"  # a tie is no dominance
    assert str(verdicts_at([0.3, 0.3, 0.3, 0.3])) == "mixed"
    assert str(verdicts_at([0.3, 0.3, 0.3, 0.3], rule="published")) == "mixed"
    with pytest.raises(ValueError, match="rule must be one of 'magnitude', 'published'"):
        verdicts_at([0.1, 0.2, 0.3, 0.4], rule="shares")


def only(below, above):
    """Margins of one width on either side, whatever the contrast."""
    return lambda contrasts: (np.full(len(contrasts), below), np.full(len(contrasts), above))


@pytest.mark.parametrize(
    ("point", "verdict", "below", "above", "slack"),
    [
        ([0.2, 0.2, 0.3, 0.6], "reward design", 0.0, 9.0, 0.2),  # 0.3 against elicitation's 0.1
        ([0.2, 0.2, 0.3, 0.6], "reward design", 0.15, 9.0, 0.05),
        ([0.2, 0.2, 0.3, 0.6], "reward design", 0.3, 0.0, -0.1),
        ([0.6, 0.6, 0.5, 0.2], "reward design", 0.15, 9.0, 0.05),  # a loss dominates as a gain does
        ([0.1, 0.3, 0.5, 0.7], "mixed", 9.0, 0.0, 0.2),  # three equal steps: each is short by one of them
        ([0.1, 0.3, 0.5, 0.7], "mixed", 9.0, 0.15, 0.05),
        ([0.1, 0.3, 0.5, 0.7], "mixed", 0.0, 0.3, -0.1),
        ([0.3, 0.3, 0.3, 0.3], "mixed", 0.0, 0.001, -0.001),
        ([0.2, 0.2, 0.3, 0.6], "null", 0.0, 0.0, -0.4),
    ],
)
def test_slack_is_what_margins_leave_on_the_side_that_would_change_the_verdict(
    point, verdict, below, above, slack
):
    assert verdict_slack([point], verdict, only(below, above)) == pytest.approx([slack])


def test_every_point_of_a_set_has_its_slack():
    clear, close = [0.1, 0.1, 0.1, 0.9], [0.1, 0.1, 0.4, 0.8]
    assert verdict_slack([clear, close], "reward design", only(0.05, 0.05)) == pytest.approx([0.75, 0.05])
    even, uneven = [0.0, 0.25, 0.5, 0.75], [0.0, 0.3, 0.5, 0.75]
    assert verdict_slack([even, uneven], "mixed", only(0.1, 0.1)) == pytest.approx([0.15, 0.05])
    by_point = np.array([[0.05], [0.2]])  # margins that differ from point to point
    slack = verdict_slack([clear, close], "reward design", lambda rows: (by_point + 0 * rows[:, 0],) * 2)
    assert slack == pytest.approx([0.75, -0.1])


def test_mixed_is_judged_by_the_side_on_which_its_inequalities_would_hold():
    """A contrast's own way up is worth more here than its opposite's, as Wilson's intervals are skewed."""

    def margins(rows):
        above = 0.02 * np.maximum(rows, 0).max(axis=1) ** 2
        return 0.01 + 0 * above, above

    # The null, 0.4, is smaller than the rest by 0.1, and -frozen + 2 random - true has a margin of 0.08.
    assert verdict_slack([[0.0, 0.4, 0.65, 0.9]], "mixed", margins) == pytest.approx([0.02])


@pytest.mark.parametrize("rule", VERDICT_RULES)
def test_wrong_verdicts_survive_at_no_more_than_the_level(rule):
    # True accuracies with a tie between two verdicts: claiming either of them surely is an error.
    rng = np.random.default_rng(1)
    truth = np.array([0.2, 0.4, 0.6, 0.6] if rule == "magnitude" else [0.2, 0.3, 0.44, 0.6])
    deviation, replicates = 0.02, 20_000
    points = truth + deviation * rng.standard_normal((replicates, 4))

    def margins(contrasts):
        return (1.96 * deviation * np.linalg.norm(contrasts, axis=1),) * 2

    verdicts = [*VERDICT_RULES[rule], "mixed"]
    survive = [verdict_slack(points, verdict, margins, rule=rule) > 0 for verdict in verdicts]
    for verdict, at in zip(verdicts, survive, strict=True):
        assert set(verdicts_at(points[at], rule=rule)) <= {verdict}  # what survives is the point's own
    claims = np.sum(survive)
    # Either side may be claimed, each with chance 0.025.
    assert claims / replicates < 0.05 + 3 * np.sqrt(0.05 * 0.95 / replicates)


@pytest.mark.parametrize("rule", VERDICT_RULES)
def test_tipping_points_are_the_nearest_change(rule):
    moves = np.linspace(-1, 1, 8001)
    for point in POINTS[:25]:
        now = str(verdicts_at(point, rule=rule))
        for column, (_, move) in enumerate(tipping_points(point, rule=rule).items()):
            scanned = np.repeat(point[None], moves.size, axis=0)
            scanned[:, column] += moves
            inside = (scanned[:, column] >= 0) & (scanned[:, column] <= 1)
            changed = np.abs(moves[inside & (verdicts_at(scanned, rule=rule) != now)])
            if np.isnan(move):
                assert changed.size == 0
            else:
                assert abs(move) == pytest.approx(changed.min(initial=np.inf), abs=3e-4)


def test_a_lead_within_rounding_is_a_tie():
    assert str(verdicts_at([0.0, 1e-12, 1e-12, 1e-12])) == "mixed"
    assert str(verdicts_at([0.0, 2e-12, 2e-12, 2e-12])) == "null"
    assert str(verdicts_at([0.0, 0.25, 0.5, 0.5])) == "mixed"


def test_an_arm_may_move_to_the_ends_of_the_unit_interval():
    up = tipping_points([1.0, 0.375, 0.375, 0.375])  # only at 1 is reward design as large as the null
    down = tipping_points([0.0, 0.625, 0.625, 0.625])  # only at 0
    assert (up["true"], down["true"]) == (pytest.approx(0.625), pytest.approx(-0.625))
    shares = tipping_points([0.25, 0.2, 0.3, 0.6], rule="published")
    assert shares["random"] != shares["random"]  # the published shares do not look at RANDOM


def test_the_default_rule_is_by_magnitude():
    point = [0.494, 0.709, 0.758, 0.787]
    assert (
        tipping_points(point)
        == tipping_points(point, rule="magnitude")
        != tipping_points(point, rule="published")
    )
    assert verdict_slack([point], "elicitation", only(0, 0), rule="published") > 0
    assert verdict_slack([point], "elicitation", only(0, 0)) < 0
    with pytest.raises(ValueError, match="term must be one of 'null'"):
        contrast("gain")


def test_equal_runs_do_not_make_the_headline_hold_for_other_runs():
    rows = [{"arm": arm, "seed": seed, "accuracy": accuracy, "n_items": 500}
            for arm, accuracy in (("random", 0.12), ("majority", 0.13), ("true", 0.9))
            for seed in range(2)]  # fmt: skip
    (cell,) = audit(pd.DataFrame([*rows, {"arm": "frozen", "accuracy": 0.1, "n_items": 500}])).cells
    assert cell.headline == "supported" and cell.unknown_runs == ("random", "majority", "true")
