"""Judging: each kind of claim on data built to satisfy it, to break it, and to leave it open."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from rlvr.registered.factorial_design import CODES
from rlvr.registered.protocol_verdicts import design_cells, evaluate, judge, leaves, sample_sizes
from rlvr.registered.sealed_protocol import Protocol, Results, load_protocol, load_results

N = 30


def made(arms_by_cell, gate=((400, 400), (20, 400))):
    """Results with given mean accuracies (frozen, random, majority, true) and a little noise."""
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
    return Results("made up", pd.concat(rows, ignore_index=True), counts)


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


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ({"cell": "a", "above": 0}, "exactly one of term, ratio"),
        ({"term": "null", "effect": "A", "above": 0}, "exactly one of term, ratio"),
        ({"term": "null", "cell": "a"}, "one of above, below, within, outside"),
        ({"term": "nul", "cell": "a", "above": 0}, "term must be one of 'null'"),
        ({"effect": "A", "design": "x", "above": 0}, "design must be one of 'drop'"),
    ],
)
def test_malformed_claims_are_named(spec, message):
    with pytest.raises(ValueError, match=message):
        decided(spec)


def test_results_of_another_protocol_are_not_judged():
    with pytest.raises(ValueError, match="the results were made under protocol made up"):
        judge(load_protocol(), made(CELLS))
