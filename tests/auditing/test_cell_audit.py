"""The audit of whole cells: layers, statuses, settings, and the book's own verdicts."""

import math

import numpy as np
import pandas as pd
import pytest

from book.published_tables import published_arms
from rlvr.arms import ARMS
from rlvr.auditing.cell_verdicts import (
    STATUSES,
    VERDICT_RULES,
    VERDICTS,
    AuditReport,
    audit,
    contrast,
    feasible,
    tipping_points,
    verdict_slack,
    verdicts_at,
)
from rlvr.auditing.sampling import item_sampling
from rlvr.auditing.tables import TableError
from rlvr.decomposition import PARTS, TERMS, decompose


def arms_table(accuracies=(0.25, 0.25, 0.25, 0.75), **changes):
    table = {"study": "s", "model": "m", "benchmark": "b", "arm": list(ARMS), "n_items": 500}
    return pd.DataFrame({**table, "accuracy": accuracies, **changes})


def one(table, **settings):
    (cell,) = audit(table, **settings).cells
    return cell


@pytest.fixture(scope="module")
def own():
    return audit(published_arms())


def test_values_are_those_of_decompose_and_intervals_are_newcombes():
    cell = one(arms_table((0.25, 0.3, 0.4, 0.75)))
    parts = decompose(frozen=0.25, random=0.3, majority=0.4, true=0.75).terms()
    sampling = item_sampling(cell.cell.arms)
    for name, term in cell.terms.items():
        assert term.value == pytest.approx(parts[name].value, abs=1e-12)
        (below,), (above,) = sampling.margins(contrast(name))
        assert (term.low, term.high) == pytest.approx((term.value - below, term.value + above))
        assert cell.sets[name] == pytest.approx((term.value, term.value))
        assert (term.level, term.unit, term.n, term.reason) == (0.95, "item", 500, "")
    assert cell.tipping == tipping_points([0.25, 0.3, 0.4, 0.75])
    assert cell.rules == {"magnitude": "reward design", "published": "reward design"}
    assert (cell.possible, cell.pairing, cell.notices) == (("reward design",), {}, ())
    (items,) = cell.layers
    assert (items.name, items.note, items.verdict, items.survives) == (
        "items", "unpaired", "reward design", True,
    )  # fmt: skip
    assert cell.layer("items") is items and cell.layer("runs") is None


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


def test_differences_cannot_leave_minus_one_to_one():
    sure = one(arms_table((0.0, 0.0, 0.0, 1.0), n_items=5)).terms["total"]
    assert sure.high == 1.0 and sure.low < 1.0
    lost = one(arms_table((1.0, 1.0, 1.0, 0.0), n_items=5)).terms["total"]
    assert lost.low == -1.0 and lost.high > -1.0


def test_terms_away_from_zero_are_separated():
    assert one(arms_table()).separated == ("reward_design", "naive", "total")
    assert one(arms_table(n_items=3)).separated == ()


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


@pytest.mark.parametrize("missing", ARMS)
def test_terms_without_the_missing_arm_stay_and_nothing_is_settled(missing):
    table = arms_table((0.25, 0.3, 0.4, 0.75))
    full, cell = one(table), one(table[table.arm != missing])
    for name, pair in TERMS.items():
        if missing not in pair:
            assert format(cell.terms[name]) == format(full.terms[name])
    assert cell.status == "not identified" and full.verdict in cell.possible and cell.tipping == {}
    assert (cell.headline, cell.broken_by) == ("not identified", ())


def test_two_missing_arms_say_nothing_of_their_difference():
    cell = one(arms_table().iloc[:2])
    nothing = cell.terms["reward_design"]
    assert nothing.reason == "TRUE and MAJORITY missing: nothing is identified" and nothing.n == 0
    assert math.isnan(nothing.low) and math.isnan(nothing.high) and math.isnan(nothing.value)
    assert cell.terms["null"].n == 500 and cell.terms["null"].reason == ""
    alone = one(arms_table((0.0, 1.0, 0.5, 0.5)).head(1))
    assert alone.terms["total"].reason == "TRUE missing: a set is identified"  # of [0, 1], not of [-1, 1]


def test_several_possible_verdicts_are_listed_in_their_order():
    table = arms_table((0.25, 0.25, 0.5, 0.5))
    cell = one(table[table.arm.isin(["frozen", "majority"])])
    assert (cell.verdict, cell.status) == ("undetermined", "not identified")
    assert cell.possible == ("null", "elicitation", "reward design", "mixed")
    assert cell.rules["magnitude"] == "undetermined" and cell.layers[0].verdict == ""
    assert not cell.layers[0].survives


def test_the_smaller_arm_counts_the_items():
    cell = one(arms_table(n_items=[500, 400, 300, 200]))
    assert {name: term.n for name, term in cell.terms.items()} == {
        "null": 400, "elicitation": 300, "reward_design": 200, "naive": 200, "total": 200,
    }  # fmt: skip


def test_an_unstated_number_of_items_leaves_points_without_intervals():
    cell = one(arms_table(n_items=[500, "", 500, 500]))
    assert (cell.verdict, cell.status) == ("reward design", "leaning")
    null, total = cell.terms["null"], cell.terms["total"]
    assert (null.value, null.n) == (0.0, 0) and math.isnan(null.low)
    assert null.reason == "the number of items is not stated"
    assert total.n == 500 and total.reason == "" and total.low > 0
    assert cell.notices == ("the number of items is not stated for every arm, so item sampling is not known",)
    table = arms_table(n_items=["", "", 500, 500])
    bounded = one(table[table.arm != "random"]).terms["null"]
    assert (bounded.low, bounded.high) == (-0.25, 0.75)
    assert bounded.reason == (
        "RANDOM missing: a set is identified, "
        "its bounds without item sampling since the number of items is not stated"
    )


def test_a_random_that_is_assumed_to_be_frozen_moves_with_it():
    table = arms_table((0.25, 0.0, 0.7, 0.75))
    table = table[table.arm != "random"]
    assert one(table).status == "not identified"
    cell = one(table, assumptions=["null-zero"], frozen_shift=0.125)
    assert (cell.verdict, cell.status, cell.tipping) == ("elicitation", "supported", {})
    null, elicitation = cell.terms["null"], cell.terms["elicitation"]
    assert (null.value, null.low, null.high, null.reason) == (0.0, 0.0, 0.0, "")
    # Elicitation has the interval of MAJORITY - FROZEN, no more and no less.
    (below,), (above,) = item_sampling(cell.cell.arms).margins([-1.0, 0, 1.0, 0])
    assert (elicitation.low, elicitation.high) == pytest.approx((0.45 - below, 0.45 + above))
    assert cell.layer("frozen").terms["null"] == (0.0, 0.0)
    assert cell.layer("frozen").terms["elicitation"] == pytest.approx((0.325, 0.575))
    lone = one(table[table.arm == "majority"], assumptions=["null-zero"])
    assert math.isnan(lone.terms["null"].value)  # without FROZEN there is nothing to take


def test_contradicted_assumptions_are_dropped_with_a_notice():
    table = arms_table((0.75, 0.3, 0.4, 0.25))
    cell = one(table[table.arm != "random"], assumptions=["no-harm", "true-best"])
    assert any("assumptions not used here" in notice for notice in cell.notices)
    assert cell.sets == one(table[table.arm != "random"]).sets


def test_samples_taken_as_independent_narrow_an_interval_by_the_root_of_their_number():
    cell = one(arms_table(n_items=60, samples_per_item=8))
    items, optimistic = (np.ptp(layer.terms["total"]) for layer in cell.layers[:2])
    assert optimistic / items == pytest.approx(8**-0.5, rel=0.1)


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
    assert narrower[1] == pytest.approx(1.281552 * 0.03, abs=1e-6)


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


def test_layers_stand_apart_and_together():
    four = (0.25, 0.3, 0.4, 0.75)
    table = pd.concat([arms_table(four, run_sd=0.03), arms_table(role="alternative", accuracy=0.45).head(1)])
    cell = one(table)
    assert [layer.name for layer in cell.layers] == ["items", "runs", "frozen", "all"]
    widths = {layer.name: np.subtract(*layer.terms["total"][::-1]) for layer in cell.layers}
    assert widths["all"] > max(widths["items"], widths["runs"], widths["frozen"])
    # FROZEN alone moves from 0.25 to 0.45: total 0.3 to 0.5, and reward design does not feel it.
    assert cell.layer("frozen").terms["total"] == pytest.approx((0.3, 0.5))
    assert cell.layer("frozen").terms["reward_design"] == pytest.approx((0.35, 0.35))
    # The layers beside it change nothing in what `low` and `high` report.
    assert format(cell.terms["total"]) == format(one(arms_table(four)).terms["total"])


def test_a_layer_on_its_own_can_break_a_verdict_that_items_support():
    table = arms_table((0.45, 0.70, 0.75, 0.78))
    assert one(table).status == "supported"
    moved = pd.concat([table, arms_table((0.68, 0, 0, 0), role="alternative").head(1)])
    cell = one(moved)
    assert (cell.verdict, cell.status, cell.headline) == (
        "null",
        "supported",
        "leaning",
    )  # status: items alone
    assert cell.broken_by == ("frozen",) and cell.unknown_runs == ARMS[1:]
    assert not cell.layer("frozen").survives and cell.layer("frozen").verdict == ""
    assert not one(table, run_sd=0.1).layer("runs").survives
    assert one(table, run_sd=0.01).layer("runs").survives
    assert not one(table, frozen_shift=0.2).layer("frozen").survives


@pytest.mark.parametrize(
    ("accuracies", "settings", "headline", "broken"),
    [
        (None, {}, "supported", ()),
        (None, {"run_sd": 0.01, "frozen_shift": 0.01}, "supported", ()),
        (None, {"run_sd": 0.3, "frozen_shift": 0.01}, "leaning", ("runs",)),
        (None, {"run_sd": 0.3, "frozen_shift": 0.6}, "leaning", ("runs", "frozen")),
        ((0.45, 0.70, 0.75, 0.78), {"run_sd": 0.03, "frozen_shift": 0.06}, "leaning", ("all",)),
        ((0.25, 0.3, 0.34, 0.36), {}, "leaning", ("items",)),
    ],
)
def test_the_headline_is_judged_by_every_layer_and_names_those_that_break_it(
    accuracies, settings, headline, broken
):
    cell = one(arms_table(accuracies) if accuracies else arms_table(), **settings)
    assert (cell.headline, cell.broken_by) == (headline, broken)
    assert cell.unknown_runs == (() if "run_sd" in settings else ARMS[1:])


def test_an_optimistic_layer_never_decides_the_headline():
    cell = one(arms_table((0.25, 0.27, 0.29, 0.41), n_items=100, samples_per_item=64))
    assert cell.layer("items, independent samples").survives and cell.headline == "leaning"
    assert cell.broken_by == ("items",)


@pytest.mark.parametrize("n_runs", [1, 2])
def test_outcomes_by_item_are_paired_and_say_what_that_gains(n_runs):
    rng = np.random.default_rng(4)
    hard = rng.random(300)
    rows = pd.DataFrame(
        [
            {"study": "s", "model": "m", "benchmark": "b", "arm": arm, "run": run, "item": item}
            | {"correct": int(hard[item] < rate)}
            for arm, rate in zip(ARMS, (0.3, 0.35, 0.4, 0.7), strict=True)
            for run in (1, 2)[:n_runs]
            for item in range(300)
        ]
    )
    cell = one(rows)
    plain = one(
        pd.DataFrame(
            {"study": "s", "model": "m", "benchmark": "b", "arm": list(ARMS), "n_items": 300}
            | {"accuracy": [arm.accuracy for arm in cell.cell.arms.values()]}
        )
    )
    for part in PARTS:
        paired, unpaired = ((t := c.terms[part]).high - t.low for c in (cell, plain))
        assert cell.terms[part].value == pytest.approx(plain.terms[part].value)
        assert cell.pairing[part] == pytest.approx(unpaired / paired) and cell.pairing[part] > 1.2
    assert set(cell.pairing) == {"null", "elicitation", "reward_design", "total"} and plain.pairing == {}
    notes = {layer.name: layer.note for layer in cell.layers}
    assert notes["items"] == "paired by item" and ("items and runs" in notes) == (n_runs == 2)


def test_doubts_name_flags_and_unlike_arms():
    cell = one(
        arms_table(flag=["", "label swapped", "", ""], comparable=["strict", "strict", "near", "strict"])
    )
    assert cell.doubts == ("random: label swapped", "majority arm comparable: near")
    assert one(arms_table()).doubts == ()


def test_an_audit_of_a_table_or_of_several_remembers_its_settings(tmp_path):
    report = audit(arms_table())
    assert (report.level, report.rule, report.assumptions) == (0.95, "magnitude", ())
    path = tmp_path / "arms.csv"
    arms_table().to_csv(path, index=False)
    for table in (path, str(path), [path], [arms_table()]):
        assert [cell.verdict for cell in audit(table).cells] == ["reward design"]
    assert len(audit([arms_table(), arms_table(study="t")]).cells) == 2
    named = audit(arms_table(), level=0.8, rule="published", assumptions=iter(["null-zero"]))
    assert audit(arms_table(), assumptions="null-zero").assumptions == named.assumptions == ("null-zero",)
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


def test_unknown_names_and_no_table_are_refused():
    with pytest.raises(ValueError, match="rule must be one of"):
        audit(arms_table(), rule="share")
    with pytest.raises(ValueError, match="assumptions must be one of"):
        audit(arms_table(), assumptions=["x"])
    with pytest.raises(TableError):
        audit([])


def test_every_own_cell_has_a_verdict_a_status_and_consistent_terms(own):
    for cell in own.cells:
        assert cell.verdict in (*VERDICTS, "undetermined") and cell.status in STATUSES
        assert (
            (cell.verdict == "undetermined") == (cell.status == "not identified") == (len(cell.possible) > 1)
        )
        if len(cell.cell.arms) == 4:
            values = {name: term.value for name, term in cell.terms.items()}
            assert sum(values[part] for part in PARTS) == pytest.approx(values["total"], abs=1e-12)
            assert cell.rules["magnitude"] == cell.verdict


def test_no_cell_without_all_four_arms_is_supported(own):
    assert all(cell.status != "supported" for cell in own.cells if len(cell.cell.arms) < 4)


def test_first_look_at_the_ten_models_comes_back(own):
    """Terms in points, as computed outside the project from the same ten evaluations."""
    first_look = {
        "Qwen2.5-Math-7B": (21.5, 4.9, 2.8), "Qwen2.5-Math-1.5B": (27.2, 5.1, 2.0),
        "Qwen2.5-7B": (7.7, 23.7, 1.9), "Qwen2.5-1.5B": (-2.2, 52.6, 3.9), "Olmo2-7B": (-8.5, 1.1, 21.3),
        "Olmo2-7B-SFT": (-2.6, 2.2, 13.7), "Llama3.1-8B": (1.3, -1.3, 11.1),
        "Llama3.2-3B-Instruct": (-4.8, 11.3, -0.9), "Llama3.1-8B-Instruct": (-3.3, 14.9, -0.6),
    }  # fmt: skip
    found = {
        cell.cell.model: tuple(100 * cell.terms[part].value for part in PARTS)
        for cell in own.cells
        if cell.cell.setup == "training curves" and cell.cell.benchmark == "MATH-500"
    }
    for model, expected in first_look.items():
        assert found[model] == pytest.approx(expected, abs=0.051), model


def test_the_public_name_audits_the_same_table_to_the_same_report():
    import rlvr

    assert repr(rlvr.audit(arms_table())) == repr(audit(arms_table()))


# Many cells at once ----------------------------------------------------------------------------------


def random_cells(n_cells, rng):
    """Tables of a cell each: any arms, some without a size, with spreads, samples or another FROZEN."""
    for number in range(n_cells):
        arms = [arm for arm in ARMS if rng.random() < 0.8] or ["true"]
        blank = lambda values: [value if rng.random() < 0.8 else "" for value in values]  # noqa: E731
        rows = pd.DataFrame({
            "model": f"m{number}", "arm": arms, "role": "arm", "accuracy": rng.random(len(arms)).round(3),
            "n_items": blank([int(rng.integers(5, 900))] * len(arms)),
            "samples_per_item": blank([4] * len(arms)), "n_runs": blank(rng.integers(1, 6, len(arms))),
            "run_sd": blank(rng.random(len(arms)).round(3) / 20),
        })  # fmt: skip
        yield (
            pd.concat([rows, rows[:1].assign(role="alternative", accuracy=0.4)]) if number % 3 == 0 else rows
        )


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"rule": "published", "assumptions": ["null-zero"], "frozen_shift": 0.05},
        {"assumptions": ["no-harm"], "run_sd": 0.03, "level": 0.8},
    ],
)
def test_cells_audited_together_are_as_each_alone(settings):
    tables = list(random_cells(25, np.random.default_rng(7)))
    if settings.get("assumptions"):  # another reading of FROZEN may contradict what is assumed
        tables = [table[table.role == "arm"] for table in tables]
    together = audit(pd.concat(tables), **settings).cells
    for cell, table in zip(together, tables, strict=True):
        alone = one(table, **settings)
        assert (cell.verdict, cell.status, cell.possible, cell.rules, cell.broken_by, cell.unknown_runs) == (
            alone.verdict, alone.status, alone.possible, alone.rules, alone.broken_by, alone.unknown_runs,
        )  # fmt: skip
        assert [note.partition("line")[0] for note in cell.notices] == [
            note.partition("line")[0] for note in alone.notices
        ]
        np.testing.assert_allclose(list(cell.tipping.values()), list(alone.tipping.values()), atol=1e-12)
        for layer, other in zip(cell.layers, alone.layers, strict=True):
            assert (layer.name, layer.verdict, layer.survives, layer.note) == (
                other.name, other.verdict, other.survives, other.note,
            )  # fmt: skip
            np.testing.assert_allclose(list(layer.terms.values()), list(other.terms.values()), atol=1e-12)
        for term, other in zip(cell.terms.values(), alone.terms.values(), strict=True):
            np.testing.assert_allclose(
                [term.value, term.low, term.high], [other.value, other.low, other.high], atol=1e-12
            )
            assert (term.reason, term.n) == (other.reason, other.n)


def test_layers_agree_with_points_checked_one_by_one():
    """The tables of signs against the rule's own inequalities, at every feasible point."""
    for table in random_cells(25, np.random.default_rng(11)):
        for rule in VERDICT_RULES:
            cell = one(table, rule=rule)
            known = {name: arm.accuracy for name, arm in cell.cell.arms.items()}
            points = feasible(known)
            found = {str(verdict) for verdict in verdicts_at(points, rule=rule)}
            items = cell.layers[0]
            assert {*cell.possible} == found and (items.verdict in found) == (len(found) == 1)
            if items.verdict:
                margins = item_sampling(cell.cell.arms).margins
                slack = verdict_slack(points, items.verdict, margins, rule=rule)
                assert items.survives == (slack > 0).all()


# Rows that are runs, items that are variants ---------------------------------------------------------


def test_the_runs_of_arms_that_share_seeds_are_paired():
    accuracies = [0.40, 0.50, 0.61, 0.72, 0.51, 0.62, 0.73]
    arms, seeds = ["frozen", *ARMS[1:], *ARMS[1:]], ["", 1, 1, 1, 2, 2, 2]
    table = pd.DataFrame({"arm": arms, "seed": seeds, "accuracy": accuracies, "n_items": 1000})
    paired, apart = one(table), one(table.assign(seed=["", 1, 2, 3, 4, 5, 6]))
    runs = paired.layer("runs")
    assert "RANDOM and MAJORITY and TRUE paired by seed, 2 seeds" in runs.note
    assert "not paired, since the arms have other seeds" in apart.layer("runs").note
    assert paired.layer("items").terms == apart.layer("items").terms
    low, high = runs.terms["null"]  # only one arm of it has runs
    assert (low, high) == pytest.approx(apart.layer("runs").terms["null"])
    # All runs move together, so that differences do not move at all: arms apart serve instead of no width.
    assert runs.terms["naive"] == pytest.approx(apart.layer("runs").terms["naive"])
    uneven = one(table.assign(accuracy=[*accuracies[:6], 0.74])).layer("runs")
    half = 12.7062 * np.std([0.22, 0.23], ddof=1) / math.sqrt(2)
    assert uneven.terms["naive"] == pytest.approx((0.225 - half, 0.225 + half), abs=1e-4)


@pytest.mark.parametrize(("first", "n_shared"), [(3, 2), (1, 4)])
def test_arms_that_share_some_seeds_are_not_paired_and_it_is_said(first, n_shared):
    def rows(arm, seeds):
        return [(arm, seed, 0.5 + 0.01 * (seed % 5)) for seed in seeds]

    own, others, far = range(5), range(first, first + 5), range(10, 15)
    columns = ["arm", "seed", "accuracy"]
    table = pd.DataFrame([*rows("random", own), *rows("true", others)], columns=columns).assign(n_items=1000)
    elsewhere = pd.DataFrame([*rows("random", own), *rows("true", far)], columns=columns).assign(n_items=1000)
    runs, apart = one(table).layer("runs"), one(elsewhere).layer("runs")
    named = ", ".join(map(str, range(first, 5)))
    assert (
        f"RANDOM and TRUE not paired, they share {n_shared} of {10 - n_shared} seeds ({named})" in runs.note
    )
    assert runs.terms == apart.terms
    three = pd.concat([table, pd.DataFrame(rows("majority", own), columns=columns).assign(n_items=1000)])
    note = one(three).layer("runs").note
    assert "RANDOM and MAJORITY paired by seed, 5 seeds; " in note and "MAJORITY and TRUE not paired" in note


def test_clusters_widen_the_interval_and_are_counted():
    rng = np.random.default_rng(8)
    right = {"frozen": rng.random(12) < 0.4, "true": rng.random(12) < 0.7}
    table = pd.DataFrame([
        {"arm": arm, "run": 1, "item": f"{question}.{variant}", "correct": int(each[question]),
         "cluster": question}
        for arm, each in right.items() for question in range(12) for variant in range(5)
    ])  # fmt: skip
    with_clusters, without = one(table), one(table.drop(columns="cluster"))
    assert with_clusters.layers[0].note == "paired by item, over 12 clusters"
    widths = [cell.terms["total"].half_width for cell in (with_clusters, without)]
    single = one(table[table.item.str.endswith(".0")].drop(columns="cluster")).terms["total"]
    assert widths[0] > 2 * widths[1] and widths[0] == pytest.approx(single.half_width)
    unmatched = one(table.assign(item=table.arm + table.item))
    assert unmatched.layers[0].note == "unpaired, a cluster counts as one item"
    assert unmatched.terms["total"].half_width > widths[1]
