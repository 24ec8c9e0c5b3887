"""The published arms and curves against their sources' printed numbers."""

import re
from fractions import Fraction
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest

from book.published_tables import PAPERS, published_arms, published_curves
from rlvr.published_runs import published_repeats

ROOT = Path(__file__).parents[2]


def test_every_paper_in_the_data_has_a_name():
    assert set(published_arms().study) == set(PAPERS)


def own(**where):
    rows = published_arms()
    for column, value in where.items():
        rows = rows[rows[column] == value]
    return rows


def complete_cells(comparable):
    rows = own(role="arm")
    rows = rows[rows.comparable.isin(comparable)]
    arms = rows.groupby(["study", "setup", "model", "benchmark"]).arm.agg(frozenset)
    return arms


def test_counts_of_cells():
    strict, near = complete_cells(["strict"]), complete_cells(["strict", "near"])
    assert (strict.map(len) == 4).sum() == 43
    assert (near.map(len) == 4).sum() - (strict.map(len) == 4).sum() == 20
    assert (near.map(len) == 3).sum() == 13


def test_every_study_is_a_reference_and_every_row_says_where_it_was_read():
    keys = set(re.findall(r"@\w+\{(\w+),", (ROOT / "references.bib").read_text(encoding="utf-8")))
    rows = own()
    assert set(rows.study) <= keys
    assert (rows[["how_read", "source", "metric"]] != "").all(axis=None)


def test_the_first_arxiv_version_prints_its_gains():
    v1 = own(setup="arXiv v1, 300 steps", model="Qwen2.5-Math-7B", role="arm").set_index("arm")
    accuracy = v1.accuracy_percent.map(Fraction)
    gains = [float(accuracy[arm] - accuracy["frozen"]) for arm in ("true", "majority", "random")]
    assert float(accuracy["frozen"]) == 49.4 and gains == [29.1, 27.1, 21.4]


def test_the_150_step_and_300_step_versions_differ_and_say_so():
    early = own(setup="150-step bars", model="Qwen2.5-Math-7B").set_index("arm")
    late = own(setup="arXiv v1, 300 steps", model="Qwen2.5-Math-7B").set_index("arm")
    assert float(early.accuracy_percent["true"]) - 49.4 == pytest.approx(28.8)
    assert float(late.accuracy_percent["true"]) - 49.4 == pytest.approx(29.1)
    assert early.note["true"].endswith("150 steps") and late.note["true"].endswith("300 steps")
    assert (early.flag != "").all() and (late.flag != "").all()


def test_the_ends_of_the_curves_are_the_arms():
    curves = published_curves().set_index(["model", "benchmark"])
    rows = own(study="shao2026spurious", setup="training curves", role="arm")
    checked = 0
    for row in rows[rows.benchmark.isin(["MATH-500", "AMC"]) & (rows.arm != "frozen")].itertuples():
        run = curves.loc[(row.model, row.benchmark), row.arm].dropna()
        # Values are read to 0.01 and averaged over ten evaluations.
        assert run.tail(10).mean() == pytest.approx(float(row.accuracy_percent), abs=0.02), row
        checked += 1
    assert checked == 60


def test_the_base_of_the_curves_is_the_frozen_arm_unless_flagged():
    curves = published_curves()
    start = curves[(curves.step == 0) & (curves.benchmark == "MATH-500")].set_index("model")
    frozen = own(setup="training curves", arm="frozen", role="arm", benchmark="MATH-500").set_index("model")
    for model, accuracy in frozen.accuracy_percent.astype(float).items():
        bases = start.loc[model, ["random", "majority", "true"]].astype(float)
        if model == "Olmo2-7B":
            bases = bases.drop("random")  # an average of two runs this early, as the data folder says
        flagged = own(setup="training curves", model=model, benchmark="MATH-500", role="arm").flag.any()
        assert flagged or np.allclose(bases, accuracy, atol=0.011), (model, accuracy, list(bases))
    assert start.loc["Llama3.1-8B-Instruct", "random"] == pytest.approx(38.4)


def test_run_sd_is_that_of_the_five_repeats():
    repeats = published_repeats()
    clipped = repeats[repeats.design == "8 updates, clipping"]
    for benchmark, ends in clipped.groupby("benchmark").accuracy_percent_mean_last_10:
        row = own(setup="training curves", model="Qwen2.5-Math-7B", benchmark=benchmark, arm="random").iloc[0]
        assert float(row.run_sd) == pytest.approx(ends.std(ddof=1), abs=0.005)
        assert row.run_sd_runs == str(len(ends)) == "5"
    ends = clipped[clipped.benchmark == "MATH-500"].accuracy_percent_mean_last_10
    assert (ends.min(), ends.max()) == pytest.approx((53.48, 69.78))


def test_doubtful_rows_are_kept_and_flagged():
    swapped = own(setup="Fig. 7 at step 150", arm="random")
    assert set(swapped.role) == {"arm", "alternative"} and swapped.flag.str.contains("swapped").all()
    assert (
        own(setup="arXiv v1, 300 steps", model="Qwen2.5-7B", arm="true").flag.str.contains("inferred").all()
    )
    hardware = own(setup="training curves", model="Llama3.1-8B-Instruct", arm="random", benchmark="MATH-500")
    assert hardware.flag.str.contains("base accuracy differs").all()
    averaged = own(setup="training curves", model="Llama3.2-3B", arm="frozen", benchmark="MATH-500")
    assert averaged.flag.str.contains("averaged").all()


def test_18064_curve_values_are_there_and_are_percentages():
    values = published_curves().drop(columns=["model", "benchmark", "step"]).stack().dropna()
    assert len(values) == 18_064 and values.between(0, 100).all()


def test_the_data_folder_documents_every_column():
    text = files("rlvr").joinpath("data/README.md").read_text(encoding="utf-8")
    assert [column for column in published_arms() if f"`{column}`" not in text] == []
