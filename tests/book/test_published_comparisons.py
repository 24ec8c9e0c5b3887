"""The published comparisons, each once and by name, and what the borrowed spread makes of their audit."""

import re
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from book.published_comparisons import (
    MEASURED_DESIGN,
    comparison_name,
    counted_once,
    measured_spread,
    published_comparisons,
    with_measured_spread,
)  # fmt: skip
from book.published_tables import PAPERS, published_arms, published_curves
from book.repeated_runs import end_points
from rlvr._data import stored_table
from rlvr.arms import ARMS
from rlvr.auditing import audit
from rlvr.auditing.cells import Arm
from rlvr.auditing.sampling import contrast_interval
from rlvr.stats.sampling import wilson


@pytest.fixture(scope="module")
def cells():
    return published_comparisons()


def test_what_the_data_hold_twice_is_counted_once():
    arms = published_arms()
    once = counted_once(arms)
    assert set(arms.setup) - set(once.setup) == {
        "150-step bars", "arXiv v1, 300 steps", "Fig. 7 at step 150", "other hardware",
    }  # fmt: skip
    assert set(once.study) == set(PAPERS)
    left_out = arms.drop(once.index)
    keys = ["study", "model", "benchmark"]
    assert set(left_out[keys].itertuples(index=False)) <= set(arms[keys].itertuples(index=False))


def test_every_comparison_has_two_arms_at_least_and_a_name_of_its_own(cells):
    assert min(len(cell.cell.arms) for cell in cells) == 2
    names = Counter(map(comparison_name, cells))
    assert [name for name, n in names.items() if n > 1] == []


def test_names_say_the_paper_where_it_is_not_the_one_that_most_are_of(cells):
    for cell in cells:
        other = cell.cell.study != "shao2026spurious"
        assert (f"({PAPERS[cell.cell.study]}" in comparison_name(cell)) == other
    names = set(map(comparison_name, cells))
    assert {
        "Qwen2.5-7B, AMC", "Qwen2.5-Math-7B, MATH-500 (EMPO)", "Qwen2.5-Math-7B, MATH-500 (EMPO, June)"
    } <= names  # fmt: skip


def test_what_is_counted_is_called_a_collection_and_not_the_literature():
    """The comparisons are those that could be read: counts are of them, not of all papers."""
    page = (Path(__file__).parent.parent.parent / "chapters" / "04-synthesis.md").read_text(encoding="utf-8")
    assert "not a sample of the literature" in page
    assert re.findall(r"[^.\n]*\bliterature\b", page.replace("not a sample of the literature", "")) == []


def test_the_measured_spread_on_both_benchmarks():
    assert format(measured_spread(), ".2f") == "6.55 [3.92, 18.81]"
    assert format(measured_spread("AMC"), ".2f") == "5.14 [3.08, 14.76]"
    assert measured_spread(level=0.9).high < measured_spread().high
    assert measured_spread().n == 5


def test_it_is_borrowed_by_random_of_the_measured_study_and_benchmarks_alone():
    before, after = published_arms(), with_measured_spread(published_arms())
    changed = after[(before.run_sd != after.run_sd)]
    assert set(changed.study) == {"shao2026spurious"} and set(changed.arm) == {"random"}
    assert set(changed.benchmark) == {"MATH-500", "AMC"}
    assert set(changed[changed.benchmark == "AMC"].run_sd) == {"5.1382"}
    assert set(changed.run_sd_runs) == {"5"}
    own = before.run_sd != ""
    assert own.sum() == 2 and after[own].equals(before[own])  # a stated spread stays
    every = with_measured_spread(published_arms(), arms=ARMS[1:])
    assert set(every[every.run_sd != ""].arm) == set(ARMS[1:])


def test_the_upper_end_is_taken_as_known_and_also_where_a_spread_is_stated():
    upper = with_measured_spread(published_arms(), upper=True)
    rows = upper[(upper.run_sd != "") & (upper.benchmark == "MATH-500")]
    assert set(rows.run_sd) == {"18.8100"} and set(rows.run_sd_runs) == {""}


def test_on_the_logit_scale_the_spread_shrinks_towards_zero():
    table = with_measured_spread(published_arms(), scale="logit")
    rows = table[
        (table.setup == "training curves") & (table.benchmark == "MATH-500") & (table.arm == "random")
    ]
    rows = rows.set_index("model")
    logit = measured_spread(scale="logit").value
    share = float(rows.accuracy_percent["Olmo2-7B"]) / 100
    assert float(rows.run_sd["Olmo2-7B"]) == pytest.approx(100 * logit * share * (1 - share), abs=1e-4)
    assert float(rows.run_sd["Olmo2-7B"]) < 0.2 < 6 < float(rows.run_sd["Qwen2.5-Math-1.5B"])


@pytest.mark.parametrize(("scale", "n"), [("points", 2), ("logit", 4)])
def test_how_many_nulls_exclude_zero_over_items_and_with_the_lent_spread(scale, n):
    """Beside the audit: Newcombe's half-widths and Student's t of the lent spread in quadrature."""
    table = published_arms()
    table = table[
        (table.setup == "training curves") & (table.benchmark == "MATH-500") & (table.role == "arm")
    ]
    sd = measured_spread(scale=scale).value
    over_items, with_runs, reach = set(), set(), []
    for model, rows in table.groupby("model"):
        frozen, random = (float(rows.accuracy_percent[rows.arm == arm].iloc[0]) / 100 for arm in ARMS[:2])
        ends = {"frozen": wilson(frozen, 500), "random": wilson(random, 500)}
        null = random - frozen
        below = ((random - ends["random"][0]) ** 2 + (ends["frozen"][1] - frozen) ** 2) ** 0.5
        above = ((ends["random"][1] - random) ** 2 + (frozen - ends["frozen"][0]) ** 2) ** 0.5
        run = stats.t.ppf(0.975, 4) * (sd / 100 if scale == "points" else sd * random * (1 - random))
        reach.append(max(below - null, above + null))
        if null > below or null < -above:
            over_items.add(model)
        if null > (below**2 + run**2) ** 0.5 or null < -((above**2 + run**2) ** 0.5):
            with_runs.add(model)
    assert (len(over_items), len(with_runs)) == (5, n) and min(reach) > 0.0076
    lent = audit(with_measured_spread(table, scale=scale)).cells
    ends = {cell.cell.model: cell.layer("all").terms["null"] for cell in lent}
    assert {model for model, (low, high) in ends.items() if low > 0 or high < 0} == with_runs


def test_no_two_accuracies_of_500_items_can_show_a_difference_within_half_a_point():
    pairs = [(a, b) for a in (0, 1, 2, 5, 50, 250, 450, 499, 500) for b in range(501) if abs(a - b) < 7]
    found = [
        contrast_interval({"frozen": Arm("frozen", a / 500, 500), "random": Arm("random", b / 500, 500)},
                          [-1, 1, 0, 0]) for a, b in pairs
    ]  # fmt: skip
    z = stats.norm.ppf(0.975)
    assert min(max(-each.low, each.high) for each in found) == pytest.approx(z**2 / (500 + z**2))
    assert z**2 / (500 + z**2) > 0.0076


def test_columns_are_made_where_there_are_none():
    bare = published_arms().drop(columns=["run_sd", "run_sd_runs"])
    assert (with_measured_spread(bare).run_sd != "").sum() == 33


@pytest.mark.parametrize("benchmark", ["MATH-500", "AMC"])
def test_the_audited_run_is_the_fourth_of_the_five_repeats(benchmark):
    """Its spread is not one of other runs, and it ended highest of the five."""
    curve = published_curves().query("model == 'Qwen2.5-Math-7B' and benchmark == @benchmark")
    audited = curve.set_index("step").random.astype(float).loc[:80]
    repeats = stored_table("repeated_runs.csv").query(
        "benchmark == @benchmark and design == @MEASURED_DESIGN"
    )
    steps = repeats.set_index("run")[[f"step_{step}" for step in audited.index]].astype(float)
    gaps = np.abs(steps.to_numpy() - audited.to_numpy()).max(axis=1)
    assert len(audited) == 81 and gaps.argmin() == 3 and gaps[3] < 0.06 < 5 < np.delete(gaps, 3).min()
    if benchmark == "MATH-500":
        assert end_points(MEASURED_DESIGN, benchmark).argmax() == 3


def test_the_spread_of_runs_that_hold_the_judged_run_covers_it_too_often():
    """Student's t is exact for another run; for one of the five themselves 95% becomes 99%."""
    runs = np.random.default_rng(6).normal(size=(20_000, 5))
    reach = stats.t.ppf(0.975, 4) * runs.std(axis=1, ddof=1)
    held = (np.abs(runs[:, 3]) <= reach).mean()
    apart = stats.t.ppf(0.975, 3) * np.delete(runs, 3, axis=1).std(axis=1, ddof=1)
    assert 0.987 < held < 0.994
    assert (np.abs(runs[:, 3]) <= apart).mean() == pytest.approx(0.95, abs=0.006)


def test_how_many_verdicts_survive():
    arms = published_arms()
    curves = arms[(arms.setup == "training curves") & (arms.benchmark == "MATH-500")]

    def left(table, **settings):
        cells = [cell for cell in audit(table, **settings).cells if not cell.doubts]
        return {
            cell.cell.model for cell in cells
            if cell.status == "supported" and (cell.layer("all") or cell.layer("items")).survives
        }  # fmt: skip

    assert len(left(curves)) == 5  # the sixth states a spread of its own, and falls
    assert left(curves, run_sd=0.03) == {"Qwen2.5-Math-1.5B", "Qwen2.5-1.5B"}
    assert left(with_measured_spread(curves)) == {"Qwen2.5-1.5B"}
    assert left(with_measured_spread(curves, scale="logit")) == {"Qwen2.5-1.5B", "Olmo2-7B"}
    assert left(with_measured_spread(curves, upper=True)) == set()
    assert left(with_measured_spread(curves, arms=ARMS[1:])) == set()


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda: with_measured_spread(published_arms(), arms=("frozen",)), "arms must be one of 'random'"),
        (
            lambda: with_measured_spread(published_arms(), scale="odds"),
            "scale must be one of 'points', 'logit'",
        ),
        (lambda: with_measured_spread(published_arms(), level=0), "level must be a number strictly between"),
        (lambda: measured_spread("AIME24"), "benchmark must be one of 'MATH-500', 'AMC', got 'AIME24'"),
    ],
)
def test_refusals(wrong, message):
    with pytest.raises(ValueError, match=message):
        wrong()
