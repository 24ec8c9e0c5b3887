"""Laws of run-to-run spreads in an audit: a prior where arms have runs, a stand-in where they have none."""

import numpy as np
import pandas as pd
import pytest

from rlvr import ARMS, audit
from rlvr.auditing.cells import Arm
from rlvr.auditing.run_spreads import law_of_runs
from rlvr.planning.spread_catalogue import catalogue_laws
from rlvr.stats.spread_models import NextDeviation

SURE = NextDeviation(np.array([0.03, 0.031]), np.array([1.0, 0.0]), 1, 1)
WIDE = NextDeviation(np.array([0.001, 0.2]), np.array([0.5, 0.5]), 1, 1)
ROWS = pd.DataFrame(
    {"study": "s", "model": "m", "benchmark": "b", "n_items": 500, "arm": ARMS,
     "accuracy": [0.36, 0.42, 0.68, 0.71]}
)  # fmt: skip


def layer(name, **settings):
    return audit(settings.pop("rows", ROWS), **settings).cells[0].layer(name)


def test_a_law_without_doubt_is_the_number():
    for name in ("runs", "all"):
        by_law, by_number = layer(name, run_sd=SURE), layer(name, run_sd=0.03)
        for term, ends in by_number.terms.items():
            assert by_law.terms[term] == pytest.approx(ends, abs=1e-9)


def test_one_arm_may_have_a_law_and_another_a_number():
    mixed = audit(ROWS, run_sd={"random": SURE, "true": 0.03}).cells[0]
    assert mixed.unknown_runs == ("majority",)
    assert any("RANDOM" in note and "median 3.0 points" in note for note in mixed.notices)


def test_the_runs_of_an_arm_decide_between_the_values_of_a_law():
    arm = Arm("true", 0.5, 500, run_sd=0.002, n_runs=5)
    assert law_of_runs(arm, WIDE).probabilities[0] > 0.99
    assert law_of_runs(Arm("true", 0.5, 500), WIDE) is WIDE
    assert law_of_runs(Arm("true", 0.5, 500, run_sd=0.002), WIDE) is None  # taken as known
    assert law_of_runs(arm, 0.1) is None


def test_outcomes_of_repeated_runs_meet_the_prior():
    rng = np.random.default_rng(3)
    rows = [
        {"study": "s", "model": "m", "benchmark": "b", "arm": arm, "run": run, "item": item,
         "correct": int(rng.random() < p)}
        for arm, p in zip(ARMS, ROWS.accuracy, strict=True)
        for run in range(1 if arm == "frozen" else 2) for item in range(200)
    ]  # fmt: skip
    rows = pd.DataFrame(rows)
    alone, informed = layer("all", rows=rows), layer("all", rows=rows, run_sd=catalogue_laws())
    width = {name: np.diff(each.terms["reward_design"]).item() for name, each in
             {"alone": alone, "informed": informed}.items()}  # fmt: skip
    assert width["informed"] < width["alone"] / 1.2  # two runs have one degree of freedom


@pytest.mark.parametrize(
    ("run_sd", "named"),
    [
        ({"frozen": 0.1}, "run_sd must be"),
        ({"true": 2}, "fraction from 0 to 0.5"),
        (SURE.scaled(100), r"scaled\(0\.01\)"),
    ],
)
def test_what_is_no_spread_of_fractions_is_refused(run_sd, named):
    with pytest.raises(ValueError, match=named):
        audit(ROWS, run_sd=run_sd)
