"""Verdicts against their plain-words definition, and tipping points against a fine scan."""

import numpy as np
import pytest

from rlvr.arms import ARMS
from rlvr.auditing.verdict_rules import RULES, contrast, judge, tipping_points, verdicts_at
from rlvr.decomposition import TERMS, decompose

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


def half_width(size):
    return lambda contrasts: (
        np.full(len(contrasts), size, dtype=float),
        np.full(len(contrasts), size, dtype=float),
    )


def test_dominance_survives_just_below_its_slack_and_not_just_above():
    point = [0.2, 0.2, 0.3, 0.6]  # reward design 0.3 against elicitation 0.1: slack 0.2
    assert judge(point, half_width(0.199)) == ("reward design", True)
    assert judge(point, half_width(0.201)) == ("reward design", False)


def test_mixed_survives_only_if_no_term_could_dominate():
    point = [0.1, 0.3, 0.5, 0.7]  # three equal steps of 0.2: each is short of the others by 0.2
    assert judge(point, half_width(0.199)) == ("mixed", True)
    assert judge(point, half_width(0.201)) == ("mixed", False)
    assert judge([0.3, 0.3, 0.3, 0.3], half_width(0.001)) == ("mixed", False)


def test_a_set_has_a_verdict_only_if_all_its_points_agree():
    null, design = [0.1, 0.6, 0.6, 0.6], [0.1, 0.1, 0.1, 0.6]
    assert judge([null, null], half_width(0.0)) == ("null", True)
    assert judge([null, design], half_width(0.0)) == ("", False)


@pytest.mark.parametrize("rule", RULES)
def test_wrong_verdicts_survive_at_no_more_than_the_level(rule):
    # True accuracies with a tie between two verdicts: claiming either of them surely is an error.
    rng = np.random.default_rng(1)
    truth = np.array([0.2, 0.4, 0.6, 0.6] if rule == "magnitude" else [0.2, 0.3, 0.44, 0.6])
    deviation, replicates, claims = 0.02, 2000, 0
    for point in truth + deviation * rng.standard_normal((replicates, 4)):
        _, survives = judge(point, lambda c: (1.96 * deviation * np.linalg.norm(c, axis=1),) * 2, rule=rule)
        claims += survives
    # Either side may be claimed, each with chance 0.025.
    assert claims / replicates < 0.05 + 3 * np.sqrt(0.05 * 0.95 / replicates)


@pytest.mark.parametrize("rule", RULES)
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


def test_margins_as_large_as_the_slack_leave_nothing_sure():
    assert judge([0.25, 0.25, 0.25, 0.75], half_width(0.5)) == ("reward design", False)
    assert judge([0.25, 0.25, 0.25, 0.75], half_width(0.499)) == ("reward design", True)
    assert judge([0.0, 0.25, 0.5, 0.75], half_width(0.25)) == ("mixed", False)  # each is short by 0.25


def test_margins_count_on_the_side_that_would_change_the_verdict():
    def only(below, above):
        return lambda rows: (np.full(len(rows), below), np.full(len(rows), above))

    assert judge([0.25, 0.25, 0.25, 0.75], only(0.0, 9.0)) == ("reward design", True)
    assert judge([0.25, 0.25, 0.25, 0.75], only(9.0, 0.0)) == ("reward design", False)
    assert judge([0.0, 0.25, 0.5, 0.75], only(9.0, 0.0)) == ("mixed", True)
    assert judge([0.0, 0.25, 0.5, 0.75], only(0.0, 9.0)) == ("mixed", False)


def test_every_point_of_a_set_must_survive():
    clear, close = [0.1, 0.1, 0.1, 0.9], [0.1, 0.1, 0.4, 0.8]
    assert judge([clear, close], half_width(0.05)) == ("reward design", True)
    assert judge([clear, close], half_width(0.2)) == ("reward design", False)
    even, uneven = [0.0, 0.25, 0.5, 0.75], [0.0, 0.3, 0.5, 0.75]
    assert judge([even, uneven], half_width(0.22)) == ("mixed", False)
    assert judge([even, uneven], half_width(0.1)) == ("mixed", True)


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
    assert judge(point, half_width(0.0))[0] == "null"
    assert judge(point, half_width(0.0), rule="published")[0] == "elicitation"
    with pytest.raises(ValueError, match="term must be one of 'null'"):
        contrast("gain")
