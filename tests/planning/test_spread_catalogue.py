"""The catalogue of spreads against plain arithmetic, and what it says of the next study."""

import statistics

import numpy as np
import pytest
from scipy import stats

from rlvr.planning.pilots import known_run_spreads
from rlvr.planning.repeated_arms import CELL, load_repeated_arms
from rlvr.planning.spread_catalogue import catalogue_laws, measured_spreads, next_spreads, runs_for
from rlvr.planning.study_plans import StudyDesign, plan_study
from rlvr.stats.spread_models import NextDeviation

CATALOGUE = measured_spreads()


def test_every_spread_is_that_of_its_rows():
    rows = load_repeated_arms()
    single = CATALOGUE[(CATALOGUE.study != "shao2026spurious")]
    for cell in single.itertuples():
        mine = rows
        for name in CELL:
            mine = mine[mine[name] == getattr(cell, name)]
        if len(mine) == 1:
            assert (cell.sd, cell.n_runs) == (mine.run_sd.item(), mine.n_runs.item())
        else:
            assert cell.sd == pytest.approx(statistics.stdev(mine.accuracy_percent))
            assert cell.n_runs == len(mine)


def test_intervals_are_chi_squares():
    row = CATALOGUE.query(
        "study == 'thuvesen2026grpodecomp' and benchmark == 'GSM8K' and arm == 'true'"
    ).iloc[0]
    low, high = row.sd * (5 / stats.chi2.ppf([0.975, 0.025], 5)) ** 0.5
    assert (row.low, row.high) == (pytest.approx(low), pytest.approx(high))


def test_the_published_repeats_are_those_of_the_pilots():
    mine = {
        (row.setup, row.benchmark): row.sd / 100
        for row in CATALOGUE.itertuples()
        if row.study == "shao2026spurious"
    }
    theirs = {(s.setting, s.benchmark): s.run_sd for s in known_run_spreads() if "Qwen" in s.model}
    assert mine == pytest.approx(theirs)


def test_cells_that_cannot_move_are_left_out_with_a_reason():
    reasons = CATALOGUE.set_index(["study", "arm"]).left_out
    assert (
        "floor" in reasons["thuvesen2026esme", "random"]
        or "questions" in reasons["thuvesen2026esme", "random"]
    )
    assert (reasons.xs("other", level="arm") != "").all()
    assert (reasons["dlwbm2026medical"] != "").all()
    assert (reasons["vakada2026labelfree"] == "").all()


def test_a_second_reading_of_the_same_runs_counts_once():
    used = CATALOGUE[CATALOGUE.left_out == ""]
    law = next_spreads()["true"]
    readings = used[used.arm == "true"]
    twice = readings.metric.str.startswith("mean of 8") & (readings.study == "chaudhry2026rlordata")
    assert law.n_cells == len(readings) - int(twice.sum())
    assert law.n_studies == readings.study.nunique()


def test_random_spreads_more_and_nobody_may_be_sure():
    laws = next_spreads()
    assert laws["random"].median > laws["true"].median > laws["majority"].median
    for law in laws.values():
        low, high = law.interval()
        assert high / low > 20
        assert law.values.max() <= 50


def test_a_prior_twice_as_wide_moves_little():
    first, second = next_spreads(), next_spreads(prior_scale=2.0)
    for arm, law in first.items():
        assert second[arm].median == pytest.approx(law.median, rel=0.1)
        assert second[arm].interval(0.8) == pytest.approx(law.interval(0.8), rel=0.15)


def test_studies_are_predicted_from_the_others():
    used = CATALOGUE[(CATALOGUE.left_out == "") & (CATALOGUE.arm != "majority")]
    positions = []
    for (study, arm), cells in used.groupby(["study", "arm"]):
        law = next_spreads(CATALOGUE[(CATALOGUE.study != study) | (CATALOGUE.arm != arm)])[arm]
        for cell in cells.itertuples():
            below = stats.chi2.cdf(cell.df * (cell.sd / law.values) ** 2, cell.df)
            positions.append(law.probabilities @ below)
    outside = [sum(abs(p - 0.5) > level / 2 for p in positions) for level in (0.95, 0.8)]
    assert (len(positions), *outside) == (48, 0, 3)


GUESS = (0.36, 0.42, 0.68, 0.71)


def sure(sd):
    return NextDeviation(np.array([sd, 1.001 * sd]), np.array([1.0, 0.0]), 1, 1)


def test_a_plan_over_a_law_without_doubt_is_the_plan_at_the_number():
    arms = ("random", "majority", "true")
    over = plan_study(StudyDesign(GUESS), laws=dict.fromkeys(arms, sure(0.03)))
    at = plan_study(StudyDesign(GUESS, run_sd=(0, 0.03, 0.03, 0.03)))
    assert over.chance() == pytest.approx(at.chance(), abs=0.02)
    assert over.widest() == pytest.approx(at.widest(), rel=0.02)
    assert over.design.run_sd == pytest.approx(at.design.run_sd)


def test_with_one_run_the_law_is_all_that_an_audit_has():
    design = StudyDesign(GUESS, n_runs=1)
    laws = catalogue_laws()
    assert plan_study(design, laws=laws) == plan_study(design, laws=laws, laws_in_audit=True)
    certain = plan_study(design, laws={arm: sure(0.03) for arm in laws})
    told = plan_study(StudyDesign(GUESS, n_runs=1, run_sd=(0, 0.03, 0.03, 0.03)))
    assert certain.half_widths["all"]["elicitation"] == pytest.approx(
        told.half_widths["all"]["elicitation"], rel=0.03
    )


def test_a_prior_narrows_the_intervals_of_two_runs():
    design, laws = StudyDesign(GUESS, n_runs=2), catalogue_laws()
    plain, informed = (plan_study(design, laws=laws, laws_in_audit=known) for known in (False, True))
    assert informed.widest() < plain.widest()
    assert informed.wrong() < 0.05


def test_runs_for_a_width_are_those_of_plain_arithmetic():
    n = runs_for(sure(2.0), 3.0, chance=0.5)
    for runs, enough in ((n - 1, False), (n, True)):
        free = 2 * runs - 2
        half = stats.t.ppf(0.975, free) * 2.0 * (2 / runs * stats.chi2.ppf(0.5, free) / free) ** 0.5
        assert (half <= 3.0) == enough
    assert runs_for(sure(2.0), 0.01) is None
