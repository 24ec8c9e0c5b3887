"""The audit of whole cells: layers, statuses, settings, and the book's own verdicts."""

import math

import numpy as np
import pandas as pd
import pytest

from book.published_tables import published_arms
from rlvr.arms import ARMS
from rlvr.auditing.cell_audit import STATUSES, audit
from rlvr.auditing.cells import read_cells
from rlvr.auditing.sampling_error import item_sampling
from rlvr.auditing.tables import TableError
from rlvr.auditing.verdict_rules import VERDICTS, contrast
from rlvr.decomposition import PARTS, TERMS, decompose


def arms_table(accuracies=(0.25, 0.3, 0.4, 0.75), **changes):
    table = {"study": "s", "model": "m", "benchmark": "b", "arm": list(ARMS), "n_items": 500}
    return pd.DataFrame({**table, "accuracy": accuracies, **changes})


def one(table, **settings):
    (cell,) = audit(table, **settings).cells
    return cell


@pytest.fixture(scope="module")
def own():
    return audit(published_arms())


def test_values_are_those_of_decompose_and_intervals_are_newcombes():
    cell = one(arms_table())
    parts = decompose(frozen=0.25, random=0.3, majority=0.4, true=0.75).terms()
    sampling = item_sampling(cell.cell.arms)
    for name, term in cell.terms.items():
        assert term.value == pytest.approx(parts[name].value, abs=1e-12)
        (below,), (above,) = sampling.margins(contrast(name))
        assert (term.low, term.high) == pytest.approx((term.value - below, term.value + above))
        assert cell.sets[name] == pytest.approx((term.value, term.value))
    assert (cell.verdict, cell.status) == ("reward design", "supported")


def test_a_verdict_on_few_items_leans():
    cell = one(arms_table(n_items=20))
    assert (cell.verdict, cell.status) == ("reward design", "leaning")


@pytest.mark.parametrize("missing", ARMS)
def test_with_an_arm_missing_its_terms_are_sets_and_the_others_stay(missing):
    full, table = one(arms_table()), arms_table()
    cell = one(table[table.arm != missing])
    for name, pair in TERMS.items():
        if missing in pair:
            assert math.isnan(cell.terms[name].value) and missing.upper() in cell.terms[name].reason
            low, high = cell.sets[name]
            assert low < full.terms[name].value < high
            assert cell.terms[name].low <= low and high <= cell.terms[name].high
        else:
            assert format(cell.terms[name]) == format(full.terms[name])
    assert cell.status == "not identified" and full.verdict in cell.possible and cell.tipping == {}


def test_without_majority_only_the_sum_of_elicitation_and_reward_design_is_known():
    table = arms_table()
    cell = one(table[table.arm != "majority"])
    assert cell.terms["naive"].value == pytest.approx(0.45) and not cell.terms["elicitation"].defined


def test_where_nothing_is_identified_there_are_no_bounds():
    cell = one(arms_table().head(1))
    assert (
        math.isnan(cell.terms["elicitation"].low)
        and "nothing is identified" in cell.terms["elicitation"].reason
    )
    assert not math.isnan(cell.terms["null"].low)


def test_assumptions_can_identify_and_are_off_by_default():
    table = arms_table((0.25, 0.3, 0.7, 0.75))
    table = table[table.arm != "random"]
    assert one(table).status == "not identified"
    zero = one(table, assumptions=["null-zero"])
    assert (zero.verdict, zero.status) == ("elicitation", "supported")
    assert zero.terms["null"].value == 0 and (zero.terms["null"].low, zero.terms["null"].high) == (0, 0)
    # RANDOM moves with FROZEN, so elicitation has the interval of MAJORITY - FROZEN, no more and no less.
    whole = one(arms_table((0.25, 0.25, 0.7, 0.75)))
    assert (zero.terms["elicitation"].low, zero.terms["elicitation"].high) == pytest.approx(
        (whole.terms["elicitation"].low, whole.terms["elicitation"].high)
    )


def test_contradicted_assumptions_are_dropped_with_a_notice():
    table = arms_table((0.75, 0.3, 0.4, 0.25))
    cell = one(table[table.arm != "random"], assumptions=["no-harm", "true-best"])
    assert any("assumptions not used here" in notice for notice in cell.notices)
    assert cell.sets == one(table[table.arm != "random"]).sets


def test_an_unknown_number_of_items_can_only_lean():
    cell = one(arms_table(n_items=""))
    assert (cell.verdict, cell.status) == ("reward design", "leaning")
    assert cell.terms["total"].value == 0.5 and math.isnan(cell.terms["total"].low)
    table = arms_table(n_items="")
    null = one(table[table.arm != "random"]).terms["null"]
    assert (null.low, null.high) == (-0.25, 0.75) and "not stated" in null.reason


def test_layers_stand_apart_and_together():
    table = pd.concat([arms_table(run_sd=0.03), arms_table(role="alternative", accuracy=0.45).head(1)])
    cell = one(table)
    assert [layer.name for layer in cell.layers] == ["items", "runs", "frozen", "all"]
    widths = {layer.name: np.subtract(*layer.terms["total"][::-1]) for layer in cell.layers}
    assert widths["all"] > max(widths["items"], widths["runs"], widths["frozen"])
    # FROZEN alone moves from 0.25 to 0.45: total 0.3 to 0.5, and reward design does not feel it.
    assert cell.layer("frozen").terms["total"] == pytest.approx((0.3, 0.5))
    assert cell.layer("frozen").terms["reward_design"] == pytest.approx((0.35, 0.35))
    assert cell.layer("runs").terms["reward_design"] == pytest.approx(
        (0.35 - 1.959964 * 0.03 * 2**0.5, 0.35 + 1.959964 * 0.03 * 2**0.5), abs=1e-6
    )
    # The layers beside it change nothing in what `low` and `high` report.
    assert format(cell.terms["total"]) == format(one(arms_table()).terms["total"])


def test_a_layer_on_its_own_can_break_a_verdict_that_items_support():
    table = arms_table((0.45, 0.70, 0.75, 0.78))
    assert one(table).status == "supported"
    moved = pd.concat([table, arms_table((0.68, 0, 0, 0), role="alternative").head(1)])
    cell = one(moved)
    assert (cell.verdict, cell.status) == ("null", "supported")  # item sampling alone, as the table says
    assert not cell.layer("frozen").survives and cell.layer("frozen").verdict == ""
    assert not one(table, run_sd=0.1).layer("runs").survives
    assert one(table, run_sd=0.01).layer("runs").survives
    assert not one(table, frozen_shift=0.2).layer("frozen").survives


def test_samples_show_as_a_layer_that_is_narrower():
    cell = one(arms_table(n_items=60, samples_per_item=8))
    items, optimistic = (
        np.subtract(*cell.layer(n).terms["total"]) for n in ("items", "items, independent samples")
    )
    assert optimistic / items == pytest.approx(8**-0.5, rel=0.1)


def test_per_item_outcomes_are_paired_and_say_what_that_bought():
    rng = np.random.default_rng(4)
    hard = rng.random(300)
    rows = pd.DataFrame(
        [
            {"study": "s", "model": "m", "benchmark": "b", "arm": arm, "run": run, "item": item}
            | {"correct": int(hard[item] < rate)}
            for arm, rate in zip(ARMS, (0.3, 0.35, 0.4, 0.7), strict=True)
            for run in (1, 2)
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
    assert plain.pairing == {}


def test_doubts_name_flags_and_unlike_arms():
    cell = one(
        arms_table(flag=["", "label swapped", "", ""], comparable=["strict", "strict", "near", "strict"])
    )
    assert cell.doubts == ("random: label swapped", "majority arm comparable: near")
    assert one(arms_table()).doubts == ()


@pytest.mark.parametrize(
    "settings, message",
    [
        ({"level": 1.0}, "level must be"),
        ({"rule": "share"}, "rule must be one of"),
        ({"assumptions": ["x"]}, "assumptions must be one of"),
        ({"run_sd": 5.0}, "run_sd must be a fraction"),
        ({"frozen_shift": -1.0}, "frozen_shift must be"),
    ],
)
def test_settings_are_checked(settings, message):
    with pytest.raises(ValueError, match=message):
        audit(arms_table(), **settings)
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


def test_the_same_table_gives_the_same_report(own):
    assert repr(audit(published_arms())) == repr(own)


def test_cells_of_the_book_are_all_read():
    assert len(read_cells([published_arms()])) == len(audit(published_arms()).cells)


def test_the_public_name_audits_whatever_was_imported_first():
    import rlvr

    direct = audit(arms_table())
    assert repr(rlvr.audit(arms_table())) == repr(direct)
    from rlvr import audit as public

    assert repr(public(arms_table(), level=0.95)) == repr(direct)
