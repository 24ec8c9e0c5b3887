"""The stored sweep: a random part of it computed afresh, and its crossovers read off its own curves."""

import math

import numpy as np
import pytest

from rlvr.decomposition import PARTS
from rlvr.experiments.prior_sweep import DENSE, estimate, stored_crossings, stored_sweep


def test_the_table_is_complete_and_adds_up():
    table = stored_sweep()
    assert len(table) == 4 * len(DENSE) >= 4 * 61
    np.testing.assert_allclose(table[list(PARTS)].sum(axis=1), table.total, atol=1e-14)
    assert (
        (table.elicitation_low <= table.elicitation) & (table.elicitation <= table.elicitation_high)
    ).all()


@pytest.mark.parametrize("key", [(size, tie) for size in ("light", "heavy") for tie in ("lowest", "uniform")])
def test_a_crossing_is_where_its_curve_changes_sign(key):
    curve = stored_sweep().loc[key].elicitation
    crossing = stored_crossings()[key]
    assert np.interp(crossing.value, curve.index, curve) == pytest.approx(0, abs=1e-12)
    assert crossing.low < crossing.value < crossing.high


def test_an_undefined_fraction_keeps_its_reason():
    table = stored_sweep()
    row = table.iloc[0].copy()
    row["fraction"] = math.nan
    assert "not separated" in estimate(row, "fraction").reason
    with pytest.raises(ValueError, match="name must be one of"):
        estimate(row, "luck")
