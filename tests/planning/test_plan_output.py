"""Plans as text, JSON and figure: the numbers are the plan's."""

import json
from dataclasses import replace
from io import StringIO

import pytest
from rich.console import Console
from rich.table import Table

from rlvr.auditing.audit_output import points
from rlvr.decomposition import PARTS
from rlvr.planning.plan_output import draw_plans, plans_to_dict, print_plans
from rlvr.planning.study_plans import StudyDesign, plan_study

GUESS = StudyDesign((0.3, 0.33, 0.62, 0.66), n_items=200, n_runs=3, run_sd=(0, 0.03, 0.02, 0.01))
PLANS = [plan_study(replace(GUESS, n_runs=n), draws=1_000) for n in (3, 2, 5)]


def printed(*args, **kwargs):
    out = StringIO()
    print_plans(*args, Console(file=out, width=110), **kwargs)
    return out.getvalue()


def test_the_table_has_a_row_a_plan_by_runs():
    text, plan = printed(PLANS), PLANS[0]
    assert "(FROZEN 30.0, RANDOM 33.0, MAJORITY 62.0, TRUE 66.0): elicitation dominates" in text
    assert "200 items, 3 runs an arm, outcomes kept item by item" in text
    assert "RANDOM 3.0, MAJORITY 2.0, TRUE 1.0" in text
    lines = [line.split("│")[1:-1] for line in text.splitlines() if line.startswith("│")]
    rows = [[part.strip() for part in line] for line in lines]
    assert [row[0] for row in rows] == ["2", "3", "5"]
    chances = [f"{plan.chance(layer):.0%} ({plan.wrong(layer):.0%})" for layer in ("items", "all")]
    widths = [points(plan.half_widths["all"][part], signed=False) for part in PARTS]
    assert rows[1] == ["3", f"{plan.cost:.1f}", *chances, *widths]


def test_the_plan_asked_about_stands_out(monkeypatch):
    rows, add_row = [], Table.add_row
    monkeypatch.setattr(
        Table, "add_row", lambda table, *cells, **how: (rows.append(how), add_row(table, *cells, **how))
    )
    printed(PLANS)  # asked about 3 runs; shown by runs
    assert [how["style"] for how in rows] == ["", "bold", ""]


def test_what_was_cheapest_or_why_nothing_was():
    best = printed(PLANS, cheapest=PLANS[2], sources=["a spread from elsewhere"])
    assert (
        f"cheapest: 200 items, 5 runs an arm, cost {PLANS[2].cost:.1f}; chance {PLANS[2].chance():.0%}"
        in best
    )
    assert "note: a spread from elsewhere" in best
    assert "cheapest: none will do" in printed(PLANS, cheapest="none will do")
    assert "cheapest" not in printed(PLANS)


@pytest.mark.parametrize(
    ("changes", "size"),
    [({}, "200 items, 3 runs an arm"), ({"samples_per_item": 2}, "200 items x 2 samples, 3 runs an arm"),
     ({"n_runs": 1, "samples_per_item": 4}, "200 items x 4 samples, 1 run an arm")],
)  # fmt: skip
def test_the_size_is_that_of_the_design(changes, size):
    text = printed([plan_study(replace(GUESS, **changes), paired=False, draws=100)])
    assert f"{size}, accuracies alone kept" in text


def test_a_mixed_guess_is_mixed():
    assert "mixed: no term dominates" in printed([plan_study(StudyDesign((0.2, 0.4, 0.6, 0.8)), draws=100)])


def test_json_holds_the_plan():
    stored = json.loads(json.dumps(plans_to_dict(PLANS)["asked"], allow_nan=False))
    assert stored["design"]["accuracies"] == {"frozen": 0.3, "random": 0.33, "majority": 0.62, "true": 0.66}
    assert stored["design"]["run_sd"]["true"] == 0.01 and stored["design"]["n_runs"] == 3
    assert stored["chance"] == {layer: PLANS[0].chance(layer) for layer in ("items", "all")}
    assert stored["chance_of_another"]["items"] == PLANS[0].wrong("items")
    assert stored["half_widths"]["all"]["naive"] == PLANS[0].half_widths["all"]["naive"]
    assert (stored["verdict"], stored["paired"], stored["draws"]) == ("elicitation", True, 1000)


def test_json_of_several():
    stored = plans_to_dict(PLANS, cheapest=PLANS[2], sources=["why"])
    assert [plan["design"]["n_runs"] for plan in stored["other_designs"]] == [2, 5]
    assert stored["cheapest"] == stored["other_designs"][1] and stored["notes"] == ["why"]
    none = plans_to_dict(PLANS, cheapest="none")
    assert none["cheapest"] is None and none["notes"] == ["none"]
    assert plans_to_dict(PLANS)["notes"] == []


def test_the_figure_draws_the_chances_and_the_widths():
    more = plan_study(replace(GUESS, n_items=800), draws=500)
    figure = draw_plans([*PLANS, more])
    left, right = figure.axes
    by_runs = sorted(PLANS, key=lambda plan: plan.design.n_runs)
    solid, dotted, *_, ring = left.lines
    assert solid.get_xdata() == pytest.approx([2, 3, 5])
    assert solid.get_ydata() == pytest.approx([100 * plan.chance() for plan in by_runs])
    assert dotted.get_ydata() == pytest.approx([100 * plan.chance("items") for plan in by_runs])
    assert (ring.get_xdata()[0], ring.get_ydata()[0]) == (3, 100 * PLANS[0].chance())
    assert len(left.lines) == 2 * 2 + 1  # a size has two lines, and the plan asked about its ring
    for line, part in zip(right.lines, PARTS, strict=True):  # at its own size alone
        assert line.get_ydata() == pytest.approx([100 * plan.half_widths["all"][part] for plan in by_runs])
    assert draw_plans(PLANS, figure=figure) is figure


def test_larger_sizes_are_darker_and_labels_stand_six_percent_beyond_the_last_run():
    more = plan_study(replace(GUESS, n_items=800), draws=500)
    left, right = draw_plans([*PLANS, more]).axes
    assert [float(left.lines[at].get_color()) for at in (0, 2)] == pytest.approx([0.35, 0.0])
    at = {text.get_text(): text.get_position()[0] for text in left.texts}
    assert at == {"200 items": pytest.approx(5.3), "800 items": pytest.approx(3.18)}
    assert [text.get_position()[0] for text in right.texts] == pytest.approx([5.3] * 3)


def test_the_figure_fits_a_page_and_its_marks_and_letters_are_read():
    figure = draw_plans(PLANS)
    left, right = figure.axes
    assert figure.get_size_inches().tolist() == [9.0, 3.8]
    titles = [(axes._left_title.get_text(), axes._left_title.get_fontsize()) for axes in (left, right)]
    assert titles == [
        ("Chance that “elicitation” is supported, %", 10), ("Half-width at 200 items, points", 10),
    ]  # fmt: skip
    assert left.get_ylim() == (-4, 118) and left.get_yticks().tolist() == [0, 20, 40, 60, 80, 100]
    assert right.get_ylim()[0] == 0
    for axes in (left, right):
        assert (axes.get_xscale(), axes.get_xlabel(), axes.get_axisbelow()) == ("log", "runs an arm", True)
        assert axes.get_xticks().tolist() == [2, 3, 5] and len(axes.get_xticks(minor=True)) == 0
        assert [tick.get_text() for tick in axes.get_xticklabels()] == ["2", "3", "5"]
        assert not axes.spines["top"].get_visible() and not axes.spines["right"].get_visible()
    solid, dotted, *_, ring = left.lines
    assert (ring.get_markersize(), ring.get_markerfacecolor(), ring.get_markeredgecolor()) == (
        10, "none", "black",
    )  # fmt: skip
    assert [line.get_markersize() for line in (solid, *right.lines)] == [3] * 4
    assert solid.get_marker() == "o" and dotted.get_linestyle() == ":"
