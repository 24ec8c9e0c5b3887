"""The stored sweep: a random part of it computed afresh, and its crossovers read off its own curves."""

import math

import numpy as np
import pytest
from typer.testing import CliRunner

from rlvr.commands.command_line import app
from rlvr.decomposition import PARTS
from rlvr.experiments.prior_sweep import DENSE, estimate, recompute, stored_crossings, stored_sweep


@pytest.mark.slow
def test_stored_rows_are_what_the_command_computes():
    """Other rows every time: the stored numbers must hold wherever one looks."""
    table = stored_sweep()
    for key in np.random.default_rng().choice(np.array(table.index, dtype=object), 3, replace=False):
        row = recompute(*key)
        for column in table.columns:
            stored = table.loc[key, column]
            assert row[column] == pytest.approx(stored, rel=1e-12, abs=1e-15, nan_ok=True), (key, column)


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


def test_command_prints_terms_and_refuses_bad_input():
    good = CliRunner().invoke(app, ["sweep", "--prior-strength", "0.5", "--n-tasks", "3", "--n-seeds", "2"])
    assert good.exit_code == 0 and "0.50" in good.output
    for bad, message in (("1.5", "prior_strength"), ("nan", "prior_strength")):
        result = CliRunner().invoke(app, ["sweep", "--prior-strength", bad])
        assert result.exit_code == 2 and message in result.output and "Traceback" not in result.output
    missing = CliRunner().invoke(app, ["sweep", "--store", "no-such-folder"])
    assert missing.exit_code == 2 and "existing folder" in missing.output
