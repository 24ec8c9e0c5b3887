"""Judging: each kind of claim on data built to satisfy it, to break it, and to leave it open."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from rlvr.experiments.factorial_design import CODES, contrasts
from rlvr.experiments.protocol_verdicts import design_cells, evaluate, judge, leaves, sample_sizes
from rlvr.experiments.sealed_protocol import ConfirmatoryResults, Protocol, load_protocol, load_results
from rlvr.stats.power import studies_needed, task_draws_needed

N = 30


def made(arms_by_cell, gate=((400, 400), (20, 400))):
    """ConfirmatoryResults with given mean accuracies (frozen, random, majority, true) and a little noise."""
    generator = np.random.default_rng(1)
    rows = []
    for cell, (frozen, random, majority, true) in arms_by_cell.items():
        noise = {arm: generator.normal(0, 0.003, N) for arm in ("random", "majority", "true")}
        means = {"random": random, "majority": majority, "true": true}
        rows.append(
            pd.DataFrame(
                {
                    "cell": cell,
                    "task": np.arange(N),
                    "frozen": frozen,
                    **{arm: mean + noise[arm] for arm, mean in means.items()},
                }
            )
        )
    counts = pd.DataFrame(
        [("strong", "published", 0, *gate[0]), ("crossover", "published", 0, *gate[1])],
        columns=["condition", "rule", "block", "points", "studies"],
    )
    return ConfirmatoryResults("made up", pd.concat(rows, ignore_index=True), counts)


CELLS = {
    "a": (0.2, 0.2, 0.1, 0.4),
    "b": (0.7, 0.7, 0.8, 0.82),
    "a-off": (0.2, 0.2, 0.1, 0.4),
    "b-off": (0.7, 0.7, 0.8, 0.82),
}
DESIGNS = {"drop": {"filtered": ["b", "a"], "unfiltered": ["b-off", "a-off"]}}


def decided(spec, cells=CELLS, **kwargs):
    protocol = Protocol({"designs": DESIGNS}, "made up", 0)
    claim = evaluate(spec, protocol, made(cells, **kwargs))
    return "yes" if claim.p_inside < 0.01 else "no" if claim.p_outside < 0.01 else "open"


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ({"term": "elicitation", "cell": "a", "below": 0}, "yes"),
        ({"term": "elicitation", "cell": "a", "above": 0}, "no"),
        ({"term": "null", "cell": "a", "within": [-0.005, 0.005]}, "yes"),
        ({"term": "null", "cell": "a", "outside": [-0.005, 0.005]}, "no"),
        ({"term": "null", "cell": "a", "within": [-0.0005, 0.0005]}, "open"),
        ({"term": "elicitation", "cell": "a", "outside": [-0.005, 0.005]}, "yes"),
        ({"ratio": ["reward_design", "naive"], "cell": "a", "above": 1}, "yes"),  # 0.3 / 0.2
        ({"ratio": ["reward_design", "naive"], "cell": "b", "above": 1}, "no"),  # 0.02 / 0.12
        ({"ratio": ["reward_design", "null"], "cell": "b", "above": 1}, "open"),  # denominator near 0
        ({"fall": ["reward_design", "naive"], "from": "a", "to": "b", "above": 0}, "yes"),
        ({"fall": ["reward_design", "naive"], "from": "b", "to": "a", "above": 0}, "no"),
        ({"effect": "AC", "design": "drop", "below": 0}, "yes"),
        ({"effect": "B", "design": "drop", "within": [-0.005, 0.005]}, "yes"),
        ({"dominance": "AC", "design": "drop", "over": {"AB": 1, "BC": 1}, "above": 0}, "yes"),
        ({"dominance": "AC", "design": "drop", "over": {"A": 0.2, "C": 2}, "above": 0}, "no"),
        ({"gate": "published", "condition": "strong", "above": 0.95}, "yes"),
        ({"gate": "published", "condition": "crossover", "below": 0.10}, "yes"),
        ({"gate": "published", "condition": "strong", "below": 0.10}, "no"),
    ],
)
def test_each_kind_of_claim(spec, expected):
    assert decided(spec) == expected


def test_trees():
    yes, no = (
        {"term": "elicitation", "cell": "a", "below": 0},
        {"term": "elicitation", "cell": "a", "above": 0},
    )
    unclear = {"term": "null", "cell": "a", "within": [-0.0005, 0.0005]}
    assert [decided({"all": parts}) for parts in ([yes, yes], [yes, no], [yes, unclear])] == [
        "yes",
        "no",
        "open",
    ]
    assert [decided({"any": parts}) for parts in ([yes, no], [no, no], [no, unclear])] == [
        "yes",
        "no",
        "open",
    ]
    assert decided({"any": [{"all": [yes, no]}, {"all": [yes, yes]}]}) == "yes"


def test_a_design_has_its_cells_in_the_order_of_the_codes():
    protocol = Protocol({"designs": DESIGNS}, "made up", 0)
    means = design_cells(protocol, made(CELLS), "drop").mean(axis=0)
    assert means == pytest.approx([0.82, 0.4, 0.82, 0.4, 0.8, 0.1, 0.8, 0.1], abs=0.003)
    assert means @ CODES["A"] / 8 > 0 and means @ CODES["C"] / 8 > 0


def test_judging_follow_the_results_and_not_the_expectation():
    """Swapping two arms in the stored results turns verdicts round."""
    protocol, stored = load_protocol(), load_results()
    before = {judgement.name: judgement.verdict for judgement in judge(protocol, stored)}
    swapped = stored.accuracy.rename(columns={"majority": "random", "random": "majority"})
    after = {
        judgement.name: judgement.verdict for judgement in judge(protocol, replace(stored, accuracy=swapped))
    }
    assert set(before) == set(after) == set(protocol.hypotheses)
    assert before["H2"] == "supported" and after["H2"] == "contradicted"


def test_few_draws_leave_things_undecided():
    protocol, stored = load_protocol(), load_results()
    few = replace(stored, accuracy=stored.accuracy[stored.accuracy["task"] < 2])
    assert "undecided" in {judgement.verdict for judgement in judge(protocol, few)}


def test_every_leaf_has_an_estimate_a_region_and_words():
    protocol, stored = load_protocol(), load_results()
    found = [leaf for judgement in judge(protocol, stored) for leaf in leaves(judgement.claim)]
    assert all(leaf.estimate.defined and leaf.label and len(leaf.region) == 2 for leaf in found)
    assert {leaf.estimate.unit for leaf in found} == {"task draw", "study"}
    assert len({leaf.label for leaf in found}) > 40


def test_sample_sizes_shrink_with_the_distance():
    protocol, stored = load_protocol(), load_results()
    table = sample_sizes(protocol, stored, alpha=0.05 / 18)
    means = table[table["unit"] == "task draw"]
    assert len(means) > 40 and (means["needed"] >= 2).all()
    order = (means["distance"] / means["sd"]).sort_values().index
    assert means.loc[order, "needed"].is_monotonic_decreasing


def evaluated(spec, cells=CELLS, **kwargs):
    return evaluate(spec, Protocol({"designs": DESIGNS}, "made up", 0), made(cells, **kwargs))


@pytest.mark.parametrize(
    ("spec", "label", "region"),
    [
        ({"term": "null", "cell": "a", "above": 0.01}, "null at a > 0.01", (0.01, np.inf)),
        ({"term": "null", "cell": "a", "below": 0}, "null at a < 0", (-np.inf, 0.0)),
        (
            {"term": "null", "cell": "a", "within": [-0.005, 0.01]},
            "null at a in [-0.005, 0.01]",
            (-0.005, 0.01),
        ),
        ({"term": "null", "cell": "a", "outside": [-1, 1]}, "null at a outside [-1, 1]", (-1.0, 1.0)),
        (
            {"ratio": ["reward_design", "naive"], "cell": "a", "above": 1},
            "reward_design / naive at a > 1",
            (1.0, np.inf),
        ),
        ({"effect": "AC", "design": "drop", "below": 0}, "AC (drop) < 0", (-np.inf, 0.0)),
        (
            {"gate": "published", "condition": "strong", "above": 0.95},
            "P(the published gate quotes a value) at strong > 0.95",
            (0.95, 1.0),
        ),
    ],
)
def test_a_claim_says_in_words_and_numbers_what_it_claims(spec, label, region):
    claim = evaluated(spec)
    assert (claim.label, claim.region, claim.parts) == (label, region, ())


def test_a_term_is_its_paired_difference():
    accuracy = made(CELLS).accuracy.query("cell == 'a'")
    found = evaluated({"term": "elicitation", "cell": "a", "below": 0}).estimate
    units = (accuracy["majority"] - accuracy["random"]).to_numpy()
    assert (found.value, found.n, found.unit) == (pytest.approx(units.mean()), N, "task draw")


def test_a_ratio_names_its_denominator_where_it_is_undefined():
    claim = evaluated({"ratio": ["reward_design", "null"], "cell": "b", "above": 1})
    assert claim.estimate.reason.startswith("null is not separated from 0")


def test_a_fall_is_a_difference_of_ratios_over_positive_denominators():
    claim = evaluated({"fall": ["reward_design", "naive"], "from": "a", "to": "b", "above": 0.5})
    fall, first, second = claim.parts
    assert claim.label == fall.label == "fall of reward_design / naive from a to b > 0.5"
    assert fall.estimate.value == pytest.approx(0.3 / 0.2 - 0.02 / 0.12, abs=0.03) and fall.region == (
        0.5,
        np.inf,
    )
    assert (first.label, second.label) == ("naive at a > 0", "naive at b > 0")
    assert first.region == second.region == (0.0, np.inf)
    assert first.estimate.value == pytest.approx(0.2, abs=0.003)


def test_a_fall_with_a_negative_denominator_does_not_count():
    sunk = {**CELLS, "b": (0.7, 0.7, 0.8, 0.6)}  # naive is -0.1 there
    assert decided({"fall": ["reward_design", "naive"], "from": "a", "to": "b", "above": -9}, sunk) == "no"


def test_dominance_is_one_claim_for_each_sign():
    spec = {"dominance": "AC", "design": "drop", "over": {"A": 0.2, "BC": 1}, "above": 0}
    claim, protocol = evaluated(spec), Protocol({"designs": DESIGNS}, "made up", 0)
    means = {name: v.mean() for name, v in contrasts(design_cells(protocol, made(CELLS), "drop")).items()}
    assert claim.label == "-AC exceeds {'A': 0.2, 'BC': 1}"
    assert {part.label: part.estimate.value for part in claim.parts} == pytest.approx({
        "-AC - 0.2 A > 0": -means["AC"] - 0.2 * means["A"],
        "-AC + 0.2 A > 0": -means["AC"] + 0.2 * means["A"],
        "-AC - 1 BC > 0": -means["AC"] - means["BC"],
        "-AC + 1 BC > 0": -means["AC"] + means["BC"],
    })  # fmt: skip
    assert {part.region for part in claim.parts} == {(0.0, np.inf)}
    assert claim.parts[0].estimate.n == N


def test_a_gate_claim_counts_studies():
    found = evaluated({"gate": "published", "condition": "crossover", "below": 0.1}).estimate
    assert (found.value, found.n, found.unit) == (0.05, 400, "study")


def test_leaves_are_the_single_claims_in_order():
    names = ["null", "total", "naive"]
    first, *rest = ({"term": name, "cell": "a", "above": 0} for name in names)
    claim = evaluated({"any": [first, {"all": rest}]})
    assert [leaf.label for leaf in leaves(claim)] == [f"{name} at a > 0" for name in names]
    assert [leaf.label for leaf in leaves(evaluated(first))] == ["null at a > 0"]
    labelled = evaluated({"all": rest, "statement": "gains"})
    assert labelled.label == "gains" and claim.label == "" and len(labelled.parts) == 2


def test_a_judgement_is_corrected_over_the_family_at_the_protocol_s_level():
    promises = {
        "up": {"statement": "It rises.", "term": "total", "cell": "a", "above": 0},
        "open": {"statement": "It stays.", "term": "null", "cell": "a", "within": [-0.0005, 0.0005]},
    }
    protocol = Protocol({"designs": DESIGNS, "hypotheses": promises, "level": 0.95}, "made up", 0)
    up, unclear = judge(protocol, made(CELLS))
    assert (up.name, up.statement, up.verdict) == ("up", "It rises.", "supported")
    assert unclear.verdict == "undecided" and up.claim.label == "total at a > 0"
    raw = evaluate(promises["open"], protocol, made(CELLS))
    assert unclear.adjusted_p == pytest.approx(min(1, 3 * min(raw.p_inside, raw.p_outside)))  # third of four
    careless = replace(protocol, content={**protocol.content, "level": 1e-9})
    assert judge(careless, made(CELLS))[1].verdict != "undecided"


def test_sample_sizes_by_hand():
    promises = {
        "mean": {"term": "elicitation", "cell": "a", "within": [-0.3, 0.05]},
        "often": {"gate": "published", "condition": "strong", "above": 0.95},
        "seldom": {"gate": "published", "condition": "crossover", "below": 0.1},
    }
    protocol = Protocol({"designs": DESIGNS, "hypotheses": promises}, "made up", 0)
    table = sample_sizes(protocol, made(CELLS, gate=((396, 400), (20, 400))), alpha=0.01).set_index(
        "hypothesis"
    )
    rows = made(CELLS).accuracy.query("cell == 'a'")
    units = rows["majority"] - rows["random"]
    mean, often, seldom = (table.loc[name] for name in promises)
    assert (mean["value"], mean["sd"]) == (pytest.approx(units.mean()), pytest.approx(units.std(ddof=1)))
    assert mean["distance"] == pytest.approx(0.05 - units.mean())  # the nearer end
    assert mean["needed"] == task_draws_needed(mean["distance"], mean["sd"], alpha=0.01, power=0.99)
    assert (mean["claim"], mean["unit"]) == ("elicitation at a in [-0.3, 0.05]", "task draw")
    assert (often["value"], often["distance"]) == (0.99, pytest.approx(0.04)) and np.isnan(often["sd"])
    assert often["needed"] == studies_needed(0.99, 0.95, alpha=0.01, power=0.99)
    assert (seldom["value"], seldom["distance"], seldom["unit"]) == (0.05, pytest.approx(0.05), "study")
    assert seldom["needed"] == studies_needed(0.05, 0.1, alpha=0.01, power=0.99)
    fewer = sample_sizes(protocol, made(CELLS), alpha=0.01, power=0.5).set_index("hypothesis")
    assert fewer.loc["seldom", "needed"] == studies_needed(0.05, 0.1, alpha=0.01, power=0.5)


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ({"cell": "a", "above": 0}, "exactly one of term, ratio"),
        ({"term": "null", "effect": "A", "above": 0}, "exactly one of term, ratio"),
        ({"term": "null", "cell": "a"}, "one of above, below, within, outside"),
        ({"term": "nul", "cell": "a", "above": 0}, "term must be one of 'null'"),
        ({"effect": "A", "design": "x", "above": 0}, "design must be one of 'drop'"),
        (
            {"term": "null", "cell": "a", "above": 0, "below": 1},
            "one of above, below, within, outside, got {",
        ),
    ],
)
def test_malformed_claims_are_named(spec, message):
    with pytest.raises(ValueError, match=message):
        decided(spec)


def test_results_of_another_protocol_are_not_judged():
    with pytest.raises(ValueError, match="the results were made under protocol made up, this one is"):
        judge(load_protocol(), made(CELLS))
    with pytest.raises(ValueError, match=r"under protocol 0123456789ab, this one is ba9876543210: judge"):
        judge(Protocol({}, "ba9876543210cdef", 0), replace(made(CELLS), digest="0123456789abcdef"))


def pairs(cell, drift, greedy=1.0, n=16):
    """Rows of a cell whose coins were turned over: a walk of 0.2 by two measures, greedily `greedy` times."""
    draw = np.random.default_rng(len(cell))
    mean, walk = draw.normal(drift, 0.02, n), draw.normal(0, 0.2, n)
    return [
        {"cell": cell, "task": pair, "measure": measure, "frozen": 0.5, "matched": 0.5 + drift,
         "random": 0.5 + mean[pair] + times * walk[pair], "turned": 0.5 + mean[pair] - times * walk[pair],
         "true": 0.8 if pair < 8 else np.nan}
        for measure, times in (("right", 1.0), ("greedy", greedy))
        for pair in range(n)
    ]  # fmt: skip


RIGHT = {"measure": "right"}


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ({"term": "null", "cell": "up", **RIGHT, "above": 0.05}, "yes"),
        ({"term": "null", "cell": "down", **RIGHT, "above": -0.05}, "no"),
        ({"term": "naive", "cell": "up", **RIGHT, "within": [0.15, 0.25]}, "yes"),  # of the 8 pairs with both
        ({"gain": "null", "from": "down", "to": "up", **RIGHT, "above": 0.15}, "yes"),
        ({"gain": "null", "from": "up", "to": "up", **RIGHT, "half": "size", "above": 0}, "open"),
        ({"term": "null", "cell": "up", **RIGHT, "half": "size", "above": 0.05}, "yes"),
        ({"term": "null", "cell": "up", **RIGHT, "half": "walk", "above": 0.05}, "open"),
        ({"contrast": "null", "sum": [[1, "up", "right"], [-1, "down", "right"]], "above": 0.15}, "yes"),
        (
            {
                "contrast": "null",
                "half": "size",
                "above": 0,
                "sum": [[1, "up", "greedy"], [-1, "up", "right"]],
            },
            "yes",
        ),
        ({"difference": ["matched", "random"], "cell": "up", **RIGHT, "within": [-0.03, 0.03]}, "yes"),
        ({"difference": ["matched", "frozen"], "cell": "up", **RIGHT, "below": 0}, "no"),
        ({"spreads": "null", "of": ["up", "down"], **RIGHT, "half": "walk", "below": 9}, "yes"),
    ],
)
def test_claims_on_pairs(spec, expected):
    table = pd.DataFrame(pairs("up", 0.1, 3.0) + pairs("down", -0.1))
    claim = evaluate(spec, Protocol({}, "made up", 0), ConfirmatoryResults("made up", table, pd.DataFrame()))
    verdict = "yes" if claim.p_inside < 0.01 else "no" if claim.p_outside < 0.01 else "open"
    assert verdict == expected


@pytest.mark.parametrize(
    ("spec", "named"),
    [
        ({"term": "null", "cell": "up", "above": 0}, "measure must be one of"),
        ({"term": "null", "cell": "a", **RIGHT, "above": 0}, "no measures"),
        ({"contrast": "null", "sum": [["x", "up", "right"]], "above": 0}, "a weight must be"),
        (
            {"contrast": "null", "sum": [[1, "up", "right"], [1, "few", "right"]], "above": 0},
            "the same units",
        ),
    ],
)
def test_claims_on_pairs_refuse(spec, named):
    results = made(CELLS) if spec.get("cell") == "a" else None
    table = pd.DataFrame(pairs("up", 0.1) + pairs("few", 0.1, n=5))
    results = results or ConfirmatoryResults("made up", table, pd.DataFrame())
    with pytest.raises((ValueError, TypeError), match=named):
        evaluate(spec, Protocol({}, "made up", 0), results)
