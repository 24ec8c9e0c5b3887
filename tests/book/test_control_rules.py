"""How often rules for a random arm mislead, against normal probabilities at known spreads."""

import math

import numpy as np
import pytest
from scipy import stats

from book import control_rules
from book.control_rules import leakage_calls, rule_errors
from book.world_nulls import random_runs
from rlvr.stats.spread_models import NextDeviation


def test_rates_at_one_known_spread_are_normal_probabilities(monkeypatch):
    sure = NextDeviation(np.array([0.03, 0.031]), np.array([1.0, 0.0]), 1, 1)
    monkeypatch.setattr(control_rules, "catalogue_laws", lambda: {"random": sure, "true": sure})
    leak, gain, paired = rule_errors()
    luck = math.sqrt(0.25 / 500)
    sd = math.sqrt(0.03**2 + 2 * luck**2)
    assert leak.rate == pytest.approx(2 * stats.norm.sf(2 * luck / sd), abs=4 * leak.error)
    assert gain.rate == pytest.approx(stats.norm.sf(1.96 * math.sqrt(2) * luck / sd), abs=4 * gain.error)
    assert paired.rate == pytest.approx(0.05, abs=4 * paired.error)


def test_over_the_catalogue_only_the_paired_interval_keeps_its_level():
    leak, gain, paired = rule_errors()
    assert leak.rate > 0.5 > gain.rate > 0.2
    assert paired.rate < 0.07 and all(each.error < 0.005 for each in (leak, gain, paired))


def test_a_run_that_collapses_is_called_leakage():
    calls, runs = leakage_calls(), random_runs()
    assert calls.runs < len(runs) and 0 < calls.fell < calls.leakage < calls.runs
    collapsed = runs[(runs.study == "whileai2026softmax") & (runs.change < -20)]
    error = np.sqrt(collapsed.start * (100 - collapsed.start) / collapsed.n_items)
    assert len(collapsed) == 2 and (collapsed.change.abs() > 2 * error).all()
