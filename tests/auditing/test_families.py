"""Families of verdicts and pooled terms, against closed forms, statsmodels and simulation."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy import optimize, stats
from statsmodels.stats.meta_analysis import combine_effects
from statsmodels.stats.multitest import multipletests

from rlvr.arms import ARMS
from rlvr.auditing.cell_verdicts import CellAudit, audit
from rlvr.auditing.families import judge_family, pooled_term, verdict_p_value
from rlvr.auditing.sampling import contrast_interval
from rlvr.stats.estimates import Estimate


def cells_of(*accuracies, n_items=500, **settings):
    rows = [
        {"study": f"s{i}", "model": "m", "benchmark": "b", "arm": arm, "accuracy": a, "n_items": n_items}
        for i, four in enumerate(accuracies)
        for arm, a in zip(ARMS, four, strict=True)
    ]
    return audit(pd.DataFrame(rows), **settings).cells


FOUR = cells_of(
    (0.2, 0.2, 0.22, 0.7), (0.4, 0.4, 0.42, 0.62), (0.3, 0.32, 0.42, 0.46), (0.5, 0.51, 0.52, 0.54)
)


def test_a_p_value_is_where_the_worst_inequality_touches_zero():
    cell = FOUR[1].cell

    def worst(p):
        return min(
            contrast_interval(cell.arms, c, level=1 - p).low
            for c in ([0, 0, -1, 1] + np.outer([a for a in (-1, 1)], [1, -1, 0, 0])[i]
                      + np.outer([b for b in (-1, 1)], [0, 1, -1, 0])[j]
                      for i in (0, 1) for j in (0, 1))
        )  # fmt: skip

    assert verdict_p_value(cell) == pytest.approx(optimize.brentq(worst, 1e-9, 0.9), rel=1e-6)


@pytest.mark.parametrize("level", [0.5, 0.8, 0.95, 0.99])
def test_a_verdict_is_supported_at_a_level_if_its_p_value_allows_it(level):
    cells = cells_of(*[[cell.cell.arms[arm].accuracy for arm in ARMS] for cell in FOUR], level=level)
    p_values = [verdict_p_value(cell.cell) for cell in FOUR]
    assert [cell.status == "supported" for cell in cells] == [p < 1 - level for p in p_values]


def test_a_sure_verdict_has_the_smallest_and_one_on_a_boundary_none():
    sure, boundary = cells_of((0.1, 0.1, 0.1, 0.9), (0.25, 0.25, 0.5, 0.75))
    assert verdict_p_value(sure.cell) == 1e-12
    assert boundary.verdict == "mixed" and verdict_p_value(boundary.cell) == 1.0


def test_mixed_has_a_p_value_too():
    (cell,) = cells_of((0.2, 0.4, 0.6, 0.8), n_items=5000)
    assert cell.verdict == "mixed" and verdict_p_value(cell.cell) < 1e-6


def test_adjustments_are_those_of_statsmodels():
    family = judge_family(FOUR)
    p_values = [verdict_p_value(cell.cell) for cell in FOUR]
    assert family.p_values.tolist() == p_values
    assert family.holm == pytest.approx(multipletests(p_values, method="holm")[1])
    assert family.discovery == pytest.approx(multipletests(p_values, method="fdr_by")[1])


def test_holm_keeps_fewer_than_plain_and_all_are_named():
    family = judge_family(FOUR)
    assert family.supported() == FOUR[:2] and family.by_chance == pytest.approx(4 * 0.025)
    assert len(family.supported("holm")) <= len(family.supported("discovery")) + 1 <= 3
    tail = 1 - stats.binom.cdf(1, 4, 0.025)
    assert family.chance_of_as_many == pytest.approx(tail)


def test_the_former_name_still_answers_and_names_the_new_one():
    family = judge_family(FOUR)
    for adjusted in ("plain", "holm", "discovery"):
        with pytest.warns(DeprecationWarning, match=r"call VerdictFamily\.supported") as warned:
            former = family.identified(adjusted)
        assert former == family.supported(adjusted)
        assert len(warned) == 1 and warned[0].filename == __file__


def test_the_level_moves_what_is_kept():
    loose = judge_family(FOUR, level=0.5)
    assert loose.by_chance == pytest.approx(1.0) and len(loose.supported()) >= len(
        judge_family(FOUR).supported()
    )


def test_chance_supports_no_more_than_is_expected(monkeypatch):
    """At the worst boundary, at most `by_chance` verdicts are supported, and Holm seldom supports any."""
    monkeypatch.setattr("gc.collect", lambda: 0)  # statsmodels calls it in each adjustment, at 0.1 s here
    families, size = 20, 10
    # elicitation + null = reward design: the boundary between reward design and mixed
    drawn = np.random.default_rng(8).binomial(400, (0.3, 0.3, 0.45, 0.6), (families * size, 4)) / 400
    cells = cells_of(*drawn, n_items=400)
    supported = any_by_holm = 0
    for start in range(0, len(cells), size):
        family = judge_family([cell for cell in cells[start : start + size] if cell.verdict != "mixed"])
        supported += len(family.supported())
        any_by_holm += bool(family.supported("holm"))
    assert stats.binomtest(supported, families * size, 0.025, alternative="greater").pvalue > 0.001
    assert stats.binomtest(any_by_holm, families, 0.05, alternative="greater").pvalue > 0.001


def pooled(values, half=0.04, term="null"):
    """Cells that have nothing but a term."""
    cells = []
    for i, (value, width) in enumerate(zip(values, np.broadcast_to(half, len(values)), strict=True)):
        model = FOUR[0]
        cell = replace(model.cell, model=f"m{i}")
        terms = {term: Estimate(value, value - width, value + width, 0.95, "item", 500)}
        cells.append(CellAudit(cell, "mixed", "leaning", (), terms, {}, (), {}, {}, {}, ()))
    return pooled_term(cells, term)


def test_the_mean_is_that_of_statsmodels():
    values, half = [0.0, 0.1, 0.25, -0.05, 0.3], np.array([0.05, 0.04, 0.06, 0.03, 0.05])
    found = pooled(values, half)
    errors = half / stats.norm.ppf(0.975)
    oracle = combine_effects(np.array(values), errors**2, method_re="iterated", use_t=True)
    assert found.mean.value == pytest.approx(oracle.mean_effect_re)
    assert found.spread == pytest.approx(oracle.tau2**0.5)
    low, high = oracle.conf_int(use_t=True)[3]  # random effects with Hartung and Knapp's factor
    assert (found.mean.low, found.mean.high) == pytest.approx((low, high))
    assert found.heterogeneity_p == pytest.approx(oracle.test_homogeneity().pvalue)
    assert (found.mean.unit, found.mean.n) == ("model", 5)


def test_alike_cells_have_no_spread_and_unlike_ones_a_wide_one():
    alike = pooled([0.10, 0.101, 0.099, 0.1])
    error = 0.04 / stats.norm.ppf(0.975) / 2
    assert alike.spread == 0 and alike.heterogeneity_p > 0.99
    assert alike.mean.high - alike.mean.value == pytest.approx(stats.t.ppf(0.975, 3) * error)
    unlike = pooled([-0.5, 0.0, 0.2, 0.6])
    assert unlike.next_low < -0.5 and unlike.next_high > 0.6


def test_a_further_model_lies_within_the_spread_and_the_error_of_the_mean():
    found = pooled([0.0, 0.1, 0.3])
    error = (found.mean.high - found.mean.value) / stats.t.ppf(0.975, 2)
    ahead = stats.t.ppf(0.975, 1) * np.hypot(found.spread, error)
    assert found.next_high - found.mean.value == pytest.approx(ahead)
    assert found.mean.value - found.next_low == pytest.approx(ahead)


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: judge_family([]), "at least one audited cell"),
        (lambda: judge_family(FOUR, level=0), "level must be"),
        (lambda: judge_family(FOUR).supported("bonferroni"), "adjusted must be one of"),
        (lambda: pooled_term(FOUR[:2], "null"), "at least three with a value of null, got 2"),
        (lambda: pooled_term(FOUR, "gain"), "term must be one of"),
        (lambda: verdict_p_value(FOUR[0].cell, rule="mine"), "rule must be one of"),
    ],
)
def test_what_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_a_missing_arm_is_named():
    rows = {"study": "s", "model": "m", "benchmark": "b", "arm": ["frozen", "true"], "accuracy": [0.2, 0.5],
            "n_items": 100}  # fmt: skip
    (cell,) = audit(pd.DataFrame(rows)).cells
    with pytest.raises(ValueError, match="has no random, majority"):
        verdict_p_value(cell.cell)
