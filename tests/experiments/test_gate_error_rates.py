"""The stored map of the gates: a random block counted again, rates by hand, and its commands."""

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from rlvr.commands.command_line import app
from rlvr.experiments.gate_error_rates import EXAMPLE, MAP, block_counts, load_counts, rates


@pytest.mark.slow
@pytest.mark.parametrize("grid", [MAP, EXAMPLE], ids=["map", "example"])
def test_a_random_block_counts_as_stored(grid):
    generator = np.random.default_rng()
    strength, block = float(generator.choice(grid.prior_strengths)), int(generator.integers(grid.n_blocks))
    stored = load_counts(grid)
    kept = stored[(stored.prior_strength == strength) & (stored.block == block)].reset_index(drop=True)
    again = block_counts(grid, strength, block)
    pd.testing.assert_frame_equal(again, kept, check_exact=False, rtol=1e-12)


@pytest.mark.parametrize("grid", [MAP, EXAMPLE], ids=["map", "example"])
def test_every_point_of_a_grid_is_stored_once_and_nothing_else(grid):
    stored = load_counts(grid)
    points = list(zip(stored.prior_strength, stored.block, stored.rule, stored.n_runs, strict=True))
    assert points == [
        (strength, block, rule, n_runs) for strength in grid.prior_strengths for block in range(grid.n_blocks)
        for rule in grid.rules for n_runs in grid.n_runs
    ]  # fmt: skip


def test_every_point_has_at_least_2000_studies():
    table = rates(load_counts(MAP))
    assert (table.studies >= 2_000).all()
    assert len(table) == len(MAP.prior_strengths) * len(MAP.n_runs) * len(MAP.rules)
    assert rates(load_counts(EXAMPLE)).studies.tolist() == [10_000, 10_000]


def test_rates_by_hand():
    counts = pd.DataFrame({
        "prior_strength": 0.25, "block": [0, 1], "rule": "published", "n_runs": 4, "points": [10, 30],
        "studies": 100, "elicitation": [0.0, 0.02],
    })  # fmt: skip
    row = rates(counts).iloc[0]
    assert (row.rate, row.elicitation) == (0.2, 0.01)
    assert row.error == pytest.approx(np.std([0.1, 0.3], ddof=1) / np.sqrt(2))
    assert row.binomial_error == pytest.approx(np.sqrt(0.2 * 0.8 / 200))


def test_at_the_crossover_our_gate_keeps_its_promise_and_the_published_one_does_not():
    table = rates(load_counts(MAP))
    for n_runs in MAP.n_runs:
        ours, published = (table.loc[rule, n_runs, 0.25] for rule in ("task-draw", "published"))
        assert abs(ours.rate - 0.05) < 4 * ours.error
        assert published.rate - 0.05 > 10 * published.error


@pytest.mark.slow
def test_commands():
    recount = CliRunner().invoke(app, ["gate-map", "--blocks", "1"])
    assert recount.exit_code == 0 and "as stored" in recount.output
    effects = CliRunner().invoke(app, ["factorial", "--n-blocks", "3", "--n-seeds", "1"])
    assert effects.exit_code == 0 and "AC / C" in effects.output
    bad = CliRunner().invoke(app, ["factorial", "--filtering", "off"])
    assert bad.exit_code == 2 and "filtering must be one of" in bad.output and "Traceback" not in bad.output
