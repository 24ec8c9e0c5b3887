"""Repeated arms of other sources as comparisons: their runs, their seeds, and where they are listed."""

import math
import re

import numpy as np
import pytest
from scipy import stats

from book.repeated_comparisons import (
    DIFFERENCES,
    comparison_link,
    counted_differences,
    difference_rows,
    over_runs,
    repeated_comparisons,
    repeated_table,
    run_counts,
)
from book.repeated_sources import repeated_source_page
from rlvr.arms import ARMS
from rlvr.planning.repeated_arms import load_repeated_arms
from rlvr.planning.spread_catalogue import measured_spreads

CELLS = repeated_comparisons()


def of(study, benchmark, arms):
    return next(
        c for c in CELLS
        if c.cell.study == study and c.cell.benchmark.startswith(benchmark) and {*arms} <= {*c.cell.arms}
    )  # fmt: skip


def test_every_training_run_of_the_four_arms_is_there_once():
    rows = load_repeated_arms()
    trained = rows[rows.arm.isin(ARMS[1:])]
    table = repeated_table()
    kept = table[table.arm != "frozen"]
    assert sorted(kept.accuracy_percent) == sorted(trained.accuracy_percent)
    assert kept.n_runs.sum() == trained.n_runs.sum()
    starts = table[table.arm == "frozen"]
    assert not starts.duplicated(["study", "setup", "model", "benchmark"]).any()


def test_no_comparison_has_four_arms_or_a_verdict():
    assert {len(c.cell.arms) for c in CELLS} == {2, 3}
    assert {c.status for c in CELLS} == {"not identified"}
    assert not any({"random", "majority"} <= {*c.cell.arms} for c in CELLS)


def test_the_best_measured_difference_is_the_one_that_its_source_prints():
    best = of("thuvesen2026grpodecomp", "GSM8K", ("random", "true"))
    found = over_runs(best, "true minus random")
    assert (found.value, found.low, found.high) == pytest.approx((0.0394238, 0.0229176, 0.0559300), abs=1e-5)
    assert found.n == 6 and run_counts(best) == "RANDOM 6, TRUE 6"


def test_a_control_that_falls_makes_the_difference_exceed_the_total():
    for cell in CELLS:
        terms = cell.terms
        if {"frozen", "random", "true"} <= {*cell.cell.arms}:
            assert (terms["null"].value < 0) == (terms["naive"].value > terms["total"].value)
    hurt = of("chaudhry2026rlordata", "counting (generated, 300), greedy", ("random", "true"))
    assert over_runs(hurt, "true minus random").value > 2 * over_runs(hurt, "total").value > 0
    assert math.isnan(over_runs(hurt, "null").low)  # one run of RANDOM


def test_runs_without_common_seeds_are_not_paired():
    votes = of("vakada2026labelfree", "MATH-500", ("majority", "true"))
    arms = votes.cell.arms
    half = [stats.t.ppf(0.975, 2) * arms[name].run_sd / math.sqrt(3) for name in ("majority", "true")]
    found = over_runs(votes, "reward design")
    assert found.high - found.value == pytest.approx(np.hypot(*half))
    gain = over_runs(votes, "null + elicitation")
    assert gain.high - gain.value == pytest.approx(half[0])


def test_spreads_are_those_of_the_catalogue():
    spreads = measured_spreads().query("study == 'thuvesen2026grpodecomp'").set_index(["benchmark", "arm"]).sd
    for benchmark in ("GSM8K", "Countdown"):
        for name, arm in of("thuvesen2026grpodecomp", benchmark, ("random",)).cell.arms.items():
            assert name == "frozen" or 100 * arm.run_sd == pytest.approx(spreads[benchmark, name])


def test_links_lead_to_places_that_exist():
    anchors = set(re.findall(r"^\((.*)\)=$", repeated_source_page(), re.M))
    links = [comparison_link(cell) for cell in CELLS]
    assert {re.search(r"\(#(.*)\)$", link).group(1) for link in links} <= anchors


def test_counts_are_those_of_the_comparisons():
    counts = {row.difference: row for row in counted_differences()}
    assert list(counts) == list(DIFFERENCES)
    assert counts["reward design"].sources == 1 and counts["true minus random"].repeated == 4
    assert counts["null"].over_runs == 0 < counts["null"].over_items


def test_every_difference_that_two_arms_identify_has_a_row_with_its_runs():
    rows = difference_rows()
    tallied = {row.difference: row for row in counted_differences()}
    for name, row in tallied.items():
        mine = [each for each in rows if each["difference"] == name]
        assert len(mine) == row.comparisons
        assert sum("[" in each["points"] for each in mine) == row.repeated
    best = next(r for r in rows if "GSM8K" in r["comparison"] and r["difference"] == "true minus random")
    assert best["runs"] == "RANDOM 6, TRUE 6" and best["points"].startswith("+3.9")
    assert not any("FROZEN" in row["runs"] for row in rows)
