"""Collects what the benchmarks measured, prints each goal beside it, and stores the table if asked."""

import pytest
from rich.console import Console
from rich.table import Table

from benchmarks.goals import machine, outcome
from rlvr._writing import replacing

MEASURED = pytest.StashKey[dict]()


def pytest_addoption(parser):
    parser.addoption("--largest", type=float, default=1e8, help="groups of the largest run of the slope")
    parser.addoption(
        "--store-goals", metavar="CSV", help="write the goals and what was measured to this file"
    )


def pytest_configure(config):
    config.stash[MEASURED] = {}


@pytest.fixture
def measured(request):
    """Where a benchmark records its number, under the key of its goal."""
    return request.config.stash[MEASURED]


def pytest_terminal_summary(terminalreporter, config):
    numbers = config.stash[MEASURED]
    if not numbers:
        return
    table, here = outcome(numbers), machine()
    shown = Table("goal", "measured", "accepted", "verdict", title=", ".join(here.values()))
    for row in table.itertuples():
        shown.add_row(row.quantity, f"{row.measured:.4g} {row.unit}", row.accepted, row.verdict)
    Console().print(shown)
    if config.getoption("--store-goals"):
        with replacing(config.getoption("--store-goals")) as (file,):
            table.assign(**here).to_csv(file, index=False, float_format="%.4g", lineterminator="\n")
