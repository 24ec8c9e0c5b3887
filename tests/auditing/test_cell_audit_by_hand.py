"""One cell at a time, worked out by hand: which layers it has, what they say, what its estimates claim."""

import math

import numpy as np
import pandas as pd
import pytest

from rlvr.arms import ARMS
from rlvr.auditing.cell_audit import STATUSES, AuditReport, audit
from rlvr.auditing.sampling import item_sampling
from rlvr.auditing.verdict_rules import contrast, tipping_points


def arms_table(accuracies=(0.25, 0.25, 0.25, 0.75), **changes):
    table = {"study": "s", "model": "m", "benchmark": "b", "arm": list(ARMS), "n_items": 500}
    return pd.DataFrame({**table, "accuracy": accuracies, **changes})


def one(table, **settings):
    (cell,) = audit(table, **settings).cells
    return cell


def test_an_audit_of_a_table_or_of_several_remembers_its_settings(tmp_path):
    report = audit(arms_table())
    assert (report.level, report.rule, report.assumptions) == (0.95, "magnitude", ())
    path = tmp_path / "arms.csv"
    arms_table().to_csv(path, index=False)
    for table in (path, str(path), [path], [arms_table()]):
        assert [cell.verdict for cell in audit(table).cells] == ["reward design"]
    assert len(audit([arms_table(), arms_table(study="t")]).cells) == 2
    named = audit(arms_table(), level=0.8, rule="published", assumptions=iter(["null-zero"]))
    assert named == AuditReport(named.cells, 0.8, "published", ("null-zero",))


@pytest.mark.parametrize(
    ("settings", "accepted"),
    [({"run_sd": 0.0}, True), ({"run_sd": 0.5}, True), ({"run_sd": -1e-9}, False), ({"run_sd": 0.51}, False),
     ({"frozen_shift": 0.0}, True), ({"frozen_shift": 1.0}, True), ({"frozen_shift": 1.01}, False),
     ({"frozen_shift": -0.01}, False), ({"level": 0.01}, True), ({"level": 0.0}, False),
     ({"level": 1}, False)],
)  # fmt: skip
def test_settings_up_to_their_ends(settings, accepted):
    if accepted:
        assert one(arms_table(), **settings).verdict == "reward design"
    else:
        ((name, value),) = settings.items()
        with pytest.raises(ValueError, match=f"{name} must be a (fraction|number) .*, got {value}"):
            audit(arms_table(), **settings)


def test_a_cell_with_sizes_alone_has_one_layer():
    cell = one(arms_table())
    (items,) = cell.layers
    assert (items.name, items.note, items.verdict, items.survives) == (
        "items",
        "unpaired",
        "reward design",
        True,
    )
    below, above = item_sampling(cell.cell.arms).margins(contrast("total"))
    assert items.terms["total"] == pytest.approx((0.5 - below[0], 0.5 + above[0]))
    assert cell.layer("items") is items and cell.layer("runs") is None
    assert cell.possible == ("reward design",) and cell.pairing == {}
    assert cell.tipping == pytest.approx(tipping_points([0.25, 0.25, 0.25, 0.75]), nan_ok=True)
    assert cell.rules == {"magnitude": "reward design", "published": "reward design"}


def test_differences_cannot_leave_minus_one_to_one():
    sure = one(arms_table((0.0, 0.0, 0.0, 1.0), n_items=5)).terms["total"]
    assert sure.high == 1.0 and sure.low < 1.0
    lost = one(arms_table((1.0, 1.0, 1.0, 0.0), n_items=5)).terms["total"]
    assert lost.low == -1.0 and lost.high > -1.0


@pytest.mark.parametrize("samples", [1, 2])
def test_several_samples_an_item_add_the_optimistic_layer(samples):
    cell = one(arms_table(samples_per_item=["", samples, "", ""]))
    names = [layer.name for layer in cell.layers]
    assert names == (["items"] if samples == 1 else ["items", "items, independent samples", "all"])
    if samples > 1:
        assert cell.layers[1].note == "right only if all items are equally hard"
        assert cell.layers[2].note == "every layer that this cell has"


def test_run_spread_is_a_layer_that_names_what_it_does_not_know():
    cell = one(arms_table(run_sd=["", 0.03, "", ""]))
    runs = cell.layer("runs")
    assert runs.note == "not known, so left out: majority, true"
    assert runs.terms["null"] == pytest.approx((-1.959964 * 0.03, 1.959964 * 0.03), abs=1e-6)
    assert runs.terms["reward_design"] == pytest.approx((0.5, 0.5))
    assert one(arms_table(run_sd=0.03)).layer("runs").note == ""
    assert one(arms_table(run_sd=0.0)).layer("runs") is None  # nothing to show
    narrower = one(arms_table(run_sd=0.03), level=0.8).layer("runs").terms["null"]
    assert narrower[1] == pytest.approx(1.281552 * 0.03 * math.sqrt(1), abs=1e-6)


def test_another_frozen_is_a_layer_over_a_grid():
    cell = one(arms_table(), frozen_shift=0.125)
    frozen = cell.layer("frozen")
    assert frozen.note == "FROZEN from 0.125 to 0.375"
    assert frozen.terms["total"] == pytest.approx((0.375, 0.625))
    assert frozen.terms["null"] == pytest.approx((-0.125, 0.125))
    assert frozen.terms["naive"] == pytest.approx((0.5, 0.5))
    assert (frozen.verdict, frozen.survives) == ("reward design", True)
    whole = cell.layer("all").terms["total"]
    below, above = item_sampling(cell.cell.arms).margins(contrast("total"))
    assert whole == pytest.approx((0.375 - below[0], 0.625 + above[0]))


@pytest.mark.parametrize(
    ("missing", "term", "reason", "ends"),
    [
        ("true", "total", "TRUE missing: a set is identified", (-0.25, 0.75)),
        ("random", "null", "RANDOM missing: a set is identified", (-0.25, 0.75)),
        ("frozen", "null", "FROZEN missing: a set is identified", (-0.75, 0.25)),
        ("majority", "elicitation", "MAJORITY missing: a set is identified", (-0.25, 0.75)),
    ],
)
def test_a_missing_arm_leaves_a_set_widened_by_the_sampling_of_the_other(missing, term, reason, ends):
    table = arms_table()
    cell = one(table[table.arm != missing])
    estimate = cell.terms[term]
    (below,), (above,) = item_sampling(cell.cell.arms).margins(contrast(term))
    assert (estimate.reason, estimate.unit, estimate.n, estimate.level) == (reason, "item", 500, 0.95)
    assert (estimate.low, estimate.high) == pytest.approx((ends[0] - below, ends[1] + above))
    assert cell.sets[term] == pytest.approx(ends) and math.isnan(estimate.value)


def test_two_missing_arms_say_nothing_of_their_difference():
    cell = one(arms_table().iloc[:2])
    nothing = cell.terms["reward_design"]
    assert nothing.reason == "TRUE and MAJORITY missing: nothing is identified" and nothing.n == 0
    assert math.isnan(nothing.low) and math.isnan(nothing.high) and math.isnan(nothing.value)
    assert cell.terms["null"].n == 500 and cell.terms["null"].reason == ""
    alone = one(arms_table((0.0, 1.0, 0.5, 0.5)).head(1))
    assert alone.terms["total"].reason == "TRUE missing: a set is identified"  # of [0, 1], not of [-1, 1]


def test_the_smaller_arm_counts_the_items():
    cell = one(arms_table(n_items=[500, 400, 300, 200]))
    assert {name: term.n for name, term in cell.terms.items()} == {
        "null": 400, "elicitation": 300, "reward_design": 200, "naive": 200, "total": 200,
    }  # fmt: skip


def test_an_unstated_number_of_items_leaves_points_without_intervals():
    cell = one(arms_table(n_items=[500, "", 500, 500]))
    null, total = cell.terms["null"], cell.terms["total"]
    assert (null.value, null.n) == (0.0, 0) and math.isnan(null.low)
    assert null.reason == "the number of items is not stated"
    assert total.n == 500 and total.reason == "" and total.low > 0
    assert cell.notices == (
        "the number of items is not stated for every arm, so nothing is known of its sampling",
    )
    table = arms_table(n_items=["", "", 500, 500])
    bounded = one(table[table.arm != "random"]).terms["null"]
    assert (bounded.low, bounded.high) == (-0.25, 0.75)
    assert bounded.reason == (
        "RANDOM missing: a set is identified, "
        "its bounds without item sampling since the number of items is not stated"
    )
    unknown = one(arms_table(n_items="").iloc[:1]).terms["reward_design"]
    assert unknown.reason == "TRUE and MAJORITY missing: nothing is identified"
    assert one(arms_table()).notices == ()


def test_a_borrowed_random_moves_with_frozen():
    table = arms_table((0.25, 0.0, 0.5, 0.75))
    cell = one(table[table.arm != "random"], assumptions=["null-zero"], frozen_shift=0.125)
    null, elicitation = cell.terms["null"], cell.terms["elicitation"]
    assert (null.value, null.low, null.high, null.reason) == (0.0, 0.0, 0.0, "")
    (below,), (above,) = item_sampling(cell.cell.arms).margins([-1.0, 0, 1.0, 0])
    assert (elicitation.low, elicitation.high) == pytest.approx((0.25 - below, 0.25 + above))
    assert cell.layer("frozen").terms["null"] == (0.0, 0.0)
    assert cell.layer("frozen").terms["elicitation"] == pytest.approx((0.125, 0.375))
    assert cell.tipping == {}
    lone = one(table[table.arm == "majority"], assumptions=["null-zero"])
    assert math.isnan(lone.terms["null"].value)  # without FROZEN there is nothing to borrow


@pytest.mark.parametrize(
    ("accuracies", "n_items", "verdict", "status"),
    [
        ((0.25, 0.25, 0.25, 0.75), 500, "reward design", "supported"),
        ((0.25, 0.25, 0.25, 0.75), 5, "reward design", "leaning"),
        ((0.1, 0.3, 0.5, 0.7), 5000, "mixed", "supported"),
        ((0.1, 0.3, 0.5, 0.7), 50, "mixed", "leaning"),
    ],
)
def test_a_verdict_is_supported_if_it_survives_the_sampling_of_items(accuracies, n_items, verdict, status):
    cell = one(arms_table(accuracies, n_items=n_items))
    assert (cell.verdict, cell.status) == (verdict, status) and status in STATUSES


def test_several_possible_verdicts_are_listed_in_their_order():
    table = arms_table((0.25, 0.25, 0.5, 0.5))
    cell = one(table[table.arm.isin(["frozen", "majority"])])
    assert (cell.verdict, cell.status) == ("undetermined", "not identified")
    assert cell.possible == ("null", "elicitation", "reward design", "mixed")
    assert cell.rules["magnitude"] == "undetermined" and cell.layers[0].verdict == ""
    assert not cell.layers[0].survives


def test_terms_away_from_zero_are_separated():
    assert one(arms_table()).separated == ("reward_design", "naive", "total")
    assert one(arms_table(n_items=3)).separated == ()


def test_outcomes_by_item_are_one_paired_layer():
    rng = np.random.default_rng(2)
    table = pd.DataFrame([
        {"study": "s", "model": "m", "benchmark": "b", "arm": arm, "run": 1, "item": item,
         "correct": int(rng.random() < chance)}
        for arm, chance in zip(ARMS, (0.2, 0.3, 0.3, 0.8), strict=True) for item in range(60)
    ])  # fmt: skip
    cell = one(table)
    assert [(layer.name, layer.note) for layer in cell.layers] == [("items", "paired by item")]
    assert set(cell.pairing) == {"null", "elicitation", "reward_design", "total"}
