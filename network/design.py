"""The table of runs, trained two at a time, each once: a finished run is not repeated.

``python -m network.design`` resumes where it was stopped, and stores the results when all runs have ended.
``--quick`` tries the whole path with few and short runs, and stores them outside the book.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import sys
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path
from typing import Any

from network.addition_task import PRIORS
from network.store import ROOT, store

__all__ = ["DESIGNS", "RATES", "design", "main", "name_of"]

DESIGNS: dict[str, dict[str, Any]] = {
    "clipped": {"updates": 8, "clip": True},  # a generation of 512 answers, divided into eight updates of 64
    "unclipped": {"updates": 8, "clip": False},
    "one update": {"updates": 1, "clip": True},  # a generation of 64: the ratio is 1, so the clip cannot act
}
TRAINED, CLIPPING = ("random", "majority", "true"), ("clipped", "unclipped")
CONTROLS = ("matched", "permuted")
RATES = {"low": 1e-4, "middle": 3e-4, "high": 1e-3}
COMMON: dict[str, Any] = {"answers": 64, "group_size": 8, "steps": 96, "every": 8}
SEEDS = tuple(range(8))
MORE_SEEDS = tuple(range(8, 20))
QUICK: dict[str, Any] = {"answers": 64, "group_size": 8, "steps": 16, "every": 8}

# The combinations that are run. Every arm, with and without clipping: every prior at the low rate, and every
# rate at the middle prior. RANDOM also at every prior at the middle rate.
_CELLS = [
    *[("frozen", "untrained", "none", prior) for prior in PRIORS],
    *[(arm, how, "low", prior) for prior in PRIORS for arm in TRAINED for how in CLIPPING],
    *[("random", how, "middle", prior) for prior in PRIORS for how in CLIPPING],
    *[(arm, how, "middle", "middle") for arm in ("majority", "true") for how in CLIPPING],
    *[(arm, how, "high", "middle") for arm in TRAINED for how in CLIPPING],
    *[("random", "one update", rate, "middle") for rate in ("low", "middle")],
]  # fmt: skip
# The two controls that can replace RANDOM as the base of elicitation, in cells with all four arms.
_CONTROLS = [(arm, how, "low", "middle") for arm in CONTROLS for how in CLIPPING]
# Seeds beyond the first eight repeat only the comparison of spreads.
_REPEATED = [("frozen", "untrained", "none", "middle")] + [
    ("random", how, "middle", "middle") for how in CLIPPING
]


def design(*, controls: bool = False, quick: bool = False) -> list[dict[str, Any]]:
    """Every run of the four arms or of the two controls, seed by seed, so a stopped design is balanced."""
    runs = []
    seeds = SEEDS if controls else SEEDS + MORE_SEEDS
    for seed in seeds[: 1 if controls else 2] if quick else seeds:
        for arm, how, rate, prior in _CONTROLS if controls else _CELLS if seed in SEEDS else _REPEATED:
            if quick and (prior != "middle" or rate not in ("none", "low")):
                continue
            trained = arm != "frozen"
            runs.append(
                {
                    "prior": prior, "arm": arm, "design": how, "rate": rate, "seed": seed, "network": seed,
                    "learning_rate": RATES[rate] if trained else 0.0,
                    **(DESIGNS[how] if trained else {"updates": 0, "clip": False}),
                    **(QUICK if quick else COMMON),
                }
            )  # fmt: skip
    return runs


def name_of(run: dict[str, Any]) -> str:
    """File name of the run, without its ending."""
    return "-".join(str(run[key]).replace(" ", "_") for key in ("prior", "arm", "design", "rate", "seed"))


def write_whole(path: Path, text: str) -> None:
    """Write a file completely or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{os.getpid()}")
    part.write_text(text, encoding="utf-8")
    part.replace(path)


def _prepare() -> None:
    """Prepare a worker: one thread, no network, no progress output."""
    os.environ |= {"HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false"}
    import datasets
    import torch
    import transformers

    torch.set_num_threads(1)
    datasets.disable_progress_bars()
    transformers.logging.set_verbosity_error()


def _fit(task: tuple[int, list[str], Path]) -> None:
    from network.prior import fitted

    seed, priors, folder = task
    for prior in priors:
        fitted(prior, seed, folder)


def _train(task: tuple[dict[str, Any], Path]) -> None:
    from network.prior import fitted
    from network.train import train

    run, work = task
    result = train(run, fitted(run["prior"], run["network"], work / "fits"))
    write_whole(work / "runs" / f"{name_of(run)}.json", json.dumps(result))


def ended(run: dict[str, Any], work: Path) -> bool:
    """Whether the results of this run, with the same settings, have been kept."""
    path = work / "runs" / f"{name_of(run)}.json"
    return path.exists() and json.loads(path.read_text(encoding="utf-8"))["run"] == run


def run_missing(runs: list[dict[str, Any]], work: Path, jobs: int) -> None:
    """Fit and train the unfinished runs, seed by seed, while the next seed's networks are fitted."""
    from tqdm import tqdm

    missing = [run for run in runs if not ended(run, work)]
    seeds = sorted({run["seed"] for run in missing})
    fits = {
        seed: (seed, sorted({run["prior"] for run in missing if run["seed"] == seed}), work / "fits")
        for seed in seeds
    }
    pool = ProcessPoolExecutor(jobs, multiprocessing.get_context("spawn"), initializer=_prepare)
    with pool, tqdm(total=len(missing), desc="runs", disable=None, file=sys.stderr) as bar:
        fitting = [pool.submit(_fit, fits[seed]) for seed in seeds[:1]]
        for place, seed in enumerate(seeds):
            fitting.pop().result()
            runs_of_seed = [pool.submit(_train, (run, work)) for run in missing if run["seed"] == seed]
            fitting = [pool.submit(_fit, fits[after]) for after in seeds[place + 1 : place + 2]]
            for future in as_completed(runs_of_seed):
                future.result()
                bar.update()


def main(arguments: list[str] | None = None) -> int:
    """Train the missing runs, then store the results."""
    parser = argparse.ArgumentParser(prog="python -m network.design", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="try the whole path with few and short runs")
    parser.add_argument("--jobs", type=int, default=2, help="number of runs at a time, one thread each")
    parser.add_argument("--partial", action="store_true", help="store the finished runs, train nothing")
    asked = parser.parse_args(arguments)
    if asked.jobs < 1:
        parser.error(f"--jobs must be at least 1, got {asked.jobs}")
    work = ROOT / "_build" / ("network-quick" if asked.quick else "network")
    designs = {
        "network": design(quick=asked.quick),
        "network_controls": design(controls=True, quick=asked.quick),
    }
    if not asked.partial:
        run_missing([run for runs in designs.values() for run in runs], work, asked.jobs)
    target = work / "data" if asked.quick else ROOT / "rlvr" / "data"
    for stem, runs in designs.items():
        files = [work / "runs" / f"{name_of(run)}.json" for run in runs if ended(run, work)]
        written = store(files, len(runs), target, stem)
        names = ", ".join(str(path.relative_to(ROOT)) for path in written)
        print(f"{len(files)} of {len(runs)} runs stored in {names}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
