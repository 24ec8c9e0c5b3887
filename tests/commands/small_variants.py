"""Every long command in a small form, and a process that runs one until it ends or is ended.

The tests start these processes as forks of a server that has loaded the package and its kernels.
"""

import multiprocessing
import os
import resource
import signal
import sys
import time
from dataclasses import replace
from functools import partial
from pathlib import Path

from rlvr import GRPOConfig, StrategyFamily, TaskFamily, simulate
from rlvr.commands.command_line import main
from rlvr.experiments import (
    budget_axis,
    coin_flip_models,
    gates,
    grids,
    multiverse,
    prior_sweep,
    published_study,
    sealed_protocol,
)
from rlvr.experiments.stored import EXPERIMENTS, find_experiment
from rlvr.simulator import executors
from rlvr.simulator.kept_chunks import KeptChunks

if multiprocessing.current_process().name == "MainProcess" and "pytest" not in sys.modules:  # the server
    for family in (TaskFamily(n_prompts=4), StrategyFamily(n_prompts=4)):
        simulate(family, GRPOConfig(n_steps=1, batch_size=2))

PROTOCOL = """
settings: {family: {n_prompts: 4}, training: {n_steps: 20, batch_size: 2}}
sample: {n_tasks: 40, n_seeds: 2}
cells: {weak: {prior_strength: 0.2}, strong: {prior_strength: 0.8, arms: [random, 'true']}}
hypotheses: {}
"""

# What is run, and which files come out of it; "PLACE" is the folder they go to.
COMMANDS = {
    name: (["stored", name, "--rebuild", "--folder", "PLACE"], "--resume")
    for name in EXPERIMENTS
    if find_experiment(name).compute and not find_experiment(name).is_sealed
} | {
    "protocol run": (
        ["protocol", "run", "--write", "--protocol", "PLACE/p.yml", "--results", "PLACE/p"], "--resume"
    ),
    "explorer": (["explorer", "--store", "PLACE"], "--resume"),
    "coin-flips --store": (["coin-flips", "--store", "PLACE/runs.csv"], "--resume"),
    "factorial": (["factorial", "--n-blocks", "30", "--keep", "PLACE"], "--resume"),
    "sweep --keep": (["sweep", "--n-tasks", "8", "--n-seeds", "2", "--keep", "PLACE"], "--resume"),
    "replay --keep": (["replay", "--quick", "--store", "PLACE/replay.csv", "--keep", "PLACE"], "--resume"),
}  # fmt: skip


def shrink():
    """Make every stored experiment a matter of a second, in chunks of a few runs."""
    executors._TRAVELLING = 10_000
    prior_sweep.SIZES = {"light": replace(prior_sweep.SIZES["light"], n_tasks=4, n_seeds=2)}
    prior_sweep.DENSE = (0.2, 0.5, 0.8)
    budget_axis._N_TASKS, budget_axis.BUDGET_PRIORS = 2, (0.2, 0.5)
    multiverse.HALF_WIDTH, multiverse._PILOT = 0.1, 4
    trainings = multiverse.trainings()[::60]
    multiverse.MULTIVERSE = replace(multiverse.MULTIVERSE, cells=lambda: trainings)
    grids.DRAWS, grids.N_RUNS = (3, 1), {"shared": 4, "own": 2}
    settings, sharing = grids.SETTINGS_GROUPS[:3], grids.SHARING_GROUPS[:60:20]
    grids.SETTINGS_GRID = replace(grids.SETTINGS_GRID, cells=lambda: settings)
    grids.SHARING_GRID = replace(grids.SHARING_GRID, cells=lambda: sharing)
    gates.GATE_MAP, gates.GATE_EXAMPLE = (
        gates._stored(
            replace(
                grid, prior_strengths=grid.prior_strengths[:2], n_blocks=2, n_tasks=8, n_seeds=4, n_runs=(4,)
            )
        )
        for grid in (gates.MAP, gates.EXAMPLE)
    )
    coin_flip_models.COIN_FLIPS = replace(
        coin_flip_models.COIN_FLIPS,
        compute=partial(coin_flip_models._rows, n_runs=4),
        cells=lambda: [("plain steps", "1 update of 128"), ("two strategies", "8 updates, clipping")],
    )
    quick = [(name,) for name in published_study.QUICK]
    published_study.REPLAY = replace(published_study.REPLAY, cells=lambda: quick)
    published_study._TABLES |= {
        name: partial(published_study._sweep_table, strength, "light")
        for (name,), strength in zip(quick, (0.2, 0.8), strict=True)
    }
    assert sealed_protocol.REGISTERED  # `protocol run` is made small by the protocol that it is given


def run(command: str, place: str, log: str, resume: bool, most: int = 0) -> None:
    """Run one of ``COMMANDS`` in this process, with a line in `log` for whatever has been kept.

    Where `most` is not 0, no file may grow beyond so many bytes, as on a full disk.
    """
    out = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(out, 1)
    os.dup2(out, 2)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    shrink()
    keep = KeptChunks.keep

    def keep_slowly(*arguments):
        keep(*arguments)
        os.write(out, b"kept\n")
        time.sleep(0.02)

    KeptChunks.keep = keep_slowly
    if most:
        resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
    arguments, go_on = COMMANDS[command]
    sys.argv = ["rlvr", *(part.replace("PLACE", place) for part in arguments), *([go_on] if resume else [])]
    main()


def results(folder: Path) -> dict[str, bytes]:
    """Every file in a folder, hidden ones too."""
    return {path.name: path.read_bytes() if path.is_file() else b"folder" for path in folder.iterdir()}
