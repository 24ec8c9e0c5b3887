"""The table of runs, trained several at a time, each once: a finished run is not repeated.

``python -m language_model.design`` resumes where it was stopped, and stores the results when all runs have
ended. Its runs are those of the third protocol, with ``--protocol 4`` those of the fourth. ``--float64``
trains the first pairs of the fourth in float64, which any processor repeats. ``--pilot`` trains the pilot
runs, whose families only served to choose settings, and ``--quick`` tries the whole path with few and short
runs.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import sys
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import Any, NoReturn

from language_model.arms import ARMS
from language_model.items import PILOT
from language_model.registered import Registration, registration
from language_model.store import ROOT, store, write_whole
from language_model.weights import ModelError, given_model, prepare
from rlvr._data import DATA
from rlvr.experiments.language_model_runs import RUN_SETS

__all__ = ["DESIGNS", "design", "in_float64", "main", "name_of", "prepare_worker"]

PROTOCOLS = {"3": "registered", "4": "repeat"}
"""Numbers of the protocols, and the name of each one's runs."""

CLIPS: dict[str, dict[str, Any]] = {
    "clipped": {"epsilon": 0.2},
    "wider above": {"epsilon": 0.2, "epsilon_high": 0.28},
    "unclipped": {"epsilon": None},
}
RATES = {"": 3e-6, ", faster": 1e-5}
DESIGNS = {
    f"{clip}{speed}": {"learning_rate": rate, **bounds}
    for clip, bounds in CLIPS.items()
    for speed, rate in RATES.items()
}
SETTINGS: dict[str, Any] = {
    "max_steps": 48, "prompts_per_step": 8, "num_generations": 64, "steps_per_generation": 8,
}  # fmt: skip
QUICK = SETTINGS | {"max_steps": 8, "num_generations": 8, "steps_per_generation": 4}
PAIRS, SEEDS = range(1), range(1)
PAIRS_IN_FLOAT64 = 4


def _runs(
    family: str, arm: str, how: str, pairs: Any, settings: dict[str, Any], common: dict[str, Any]
) -> list:
    """All pairs of one cell; RANDOM has two runs per pair, the second with every coin reversed."""
    return [
        {
            "family": family, "arm": arm, "design": how, "pair": pair, "turned": turned, "split": 0, **common,
            "settings": settings | DESIGNS[how],
        }
        for pair in pairs
        for turned in ((False, True) if arm == "random" else (False,))
    ]  # fmt: skip


def design(
    *, quick: bool = False, device: str = "cpu", dtype: str = "float32", layers: int | None = None
) -> list[dict[str, Any]]:
    """All runs of the pilot or, with `quick`, of the trial, pair by pair, so a stopped design is balanced."""
    common = {"layers": layers, "every": 4 if quick else 8, "device": device, "dtype": dtype}
    runs = []
    if quick:
        for family in ("A", "B"):
            runs += _runs(family, "frozen", "clipped", range(1), QUICK, common)
            runs += _runs(family, "random", "clipped", range(1), QUICK, common)
        for arm in ARMS[2:]:
            runs += _runs("A", arm, "unclipped", range(1), QUICK, common)
        return runs
    for family in PILOT:
        runs += _runs(family, "frozen", "clipped", range(1), SETTINGS, common)
        for how in DESIGNS:
            runs += _runs(family, "random", how, PAIRS, SETTINGS, common)
        for arm in ARMS[2:]:
            runs += _runs(family, arm, "clipped", SEEDS, SETTINGS, common)
    return sorted(runs, key=lambda run: run["pair"])


def in_float64() -> Registration:
    """The first pairs of the fourth protocol, to be trained in float64."""
    digest, runs = registration(DATA / "protocol-4.yml")
    return Registration(
        digest, [run | {"dtype": "float64"} for run in runs if run["pair"] < PAIRS_IN_FLOAT64]
    )


def name_of(run: dict[str, Any]) -> str:
    """File name of the run, without its ending."""
    parts = [run[key] for key in ("family", "arm", "design", "pair")] + ["turned"] * run["turned"]
    return "-".join(str(part).replace(", ", "_").replace(" ", "_") for part in parts)


def ended(run: dict[str, Any], work: Path) -> dict[str, Any] | None:
    """The kept results of this run with the same settings, or None."""
    try:
        result = json.loads((work / "runs" / f"{name_of(run)}.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return result if result.get("run") == run else None


def prepare_worker() -> None:
    """Prepare a process for training: one thread, no network, no progress output."""
    os.environ |= {"HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false"}
    os.environ["CUBLAS_WORKSPACE_CONFIG"] = (
        ":4096:8"  # without this setting a graphics card may sum in another order
    )
    import torch
    import transformers

    torch.set_num_threads(1)
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()


def _train(run: dict[str, Any], work: Path, model: Path) -> None:
    from language_model.train import train

    result = train(run, model)
    write_whole(work / "runs" / f"{name_of(run)}.json", json.dumps(result).encode())


def run_missing(runs: list[dict[str, Any]], work: Path, model: Path, jobs: int) -> None:
    """Train the unfinished runs."""
    from tqdm import tqdm

    missing = [run for run in runs if not ended(run, work)]
    context = multiprocessing.get_context("spawn")
    with (
        ProcessPoolExecutor(jobs, mp_context=context, initializer=prepare_worker) as pool,
        tqdm(total=len(missing), desc="runs", file=sys.stderr) as bar,
    ):
        futures = [pool.submit(_train, run, work, model) for run in missing]
        try:
            for future in as_completed(futures):
                future.result()
                bar.update()
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            for worker in multiprocessing.active_children():
                worker.terminate()
            raise


class Options(argparse.ArgumentParser):
    """A parser of options that refuses in one line."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{message}; `{self.prog} --help` lists what is accepted\n")


def main(arguments: list[str] | None = None) -> int:
    """Train the missing runs, then store the results."""
    parser = Options(prog="python -m language_model.design", description=__doc__, allow_abbrev=False)
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--quick", action="store_true", help="try the whole path with few and short runs")
    which.add_argument(
        "--pilot", action="store_true", help="train the runs by which the settings were chosen"
    )
    which.add_argument(
        "--float64", action="store_true", help="train the first pairs of the fourth protocol in float64"
    )
    which.add_argument("--protocol", choices=list(PROTOCOLS), default="3", help="whose runs (default: 3)")
    parser.add_argument("--jobs", type=int, default=2, help="number of runs at a time, one thread each")
    parser.add_argument("--partial", action="store_true", help="store the finished runs, train nothing")
    parser.add_argument("--layers", type=int, help="train only this many of the top layers (default: all)")
    parser.add_argument("--model", type=Path, help="use another model: a folder that transformers can load")
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu")
    parser.add_argument("--dtype", choices=["float32", "float64", "bfloat16"])
    options = parser.parse_args(arguments)
    for name in ("jobs", "layers"):
        if (value := getattr(options, name)) is not None and value < 1:
            parser.error(f"--{name} must be at least 1, got {value}")
    build = ROOT / "_build" / "language-model"
    usual = "float64" if options.float64 else "float32"
    how = {"device": options.device, "dtype": options.dtype or usual, "layers": options.layers}
    own = (*how.values(), options.model) != ("cpu", usual, None, None)
    digest, results = "", f"confirmatory-{options.protocol}"
    try:
        if options.quick or options.pilot:
            runs, parts = design(quick=options.quick, **how), ["quick" if options.quick else "pilot"]
        elif options.float64:
            (digest, runs), results = in_float64(), ""
            runs, parts = [run | how for run in runs], ["float64"]
        else:
            digest, runs = registration(DATA / f"protocol-{options.protocol}.yml")
            runs, parts = [run | how for run in runs], [f"registered-{digest[:12]}"]
        parts += [str(options.layers or "all"), options.device, how["dtype"]] if own else []
        folder = options.model or build / "model"
        model = given_model(folder) if options.model else prepare(folder)
        parts += [model["source"][:12]] if options.model else []
        work = build / "-".join(parts)
        print(f"{model['model']}, licence {model['licence']}, from {model['package']}", file=sys.stderr)
        if not options.partial:
            run_missing(runs, work, folder, options.jobs)
        trained = [result for run in runs if (result := ended(run, work))]
        command = "make language-model" + " QUICK=1" * options.quick + " PILOT=1" * options.pilot
        command += " FLOAT64=1" * options.float64
        if options.protocol != "3":
            command += f" PROTOCOL={options.protocol}"
        if own:
            chosen = how | {"model": options.model}
            command += f' OPTIONS="{" ".join(f"--{k} {v}" for k, v in chosen.items() if v)}"'
        beside = options.quick or own or len(trained) < len(runs)
        target = work / "data" if beside else ROOT / "rlvr" / "data"
        stem = RUN_SETS["float64" if options.float64 else PROTOCOLS[options.protocol] if digest else "pilot"]
        registered = (digest, results) if digest else None
        written = store(trained, len(runs), model, target, command, stem=stem, registered=registered)
    except (ModelError, ValueError, RuntimeError, OSError) as problem:
        if isinstance(problem, BrokenProcessPool):
            problem = RuntimeError("a run was killed, perhaps for lack of memory (each takes 2.5 GB)")
        lasting = isinstance(problem, ModelError)
        again = "" if lasting else "; finished runs are kept, and the same command resumes"
        parser.exit(2, f"{' '.join(str(problem).split())}{again}\n")
    except KeyboardInterrupt:
        parser.exit(130, "interrupted; finished runs are kept, and the same command resumes\n")
    names = ", ".join(str(path.relative_to(ROOT)) for path in written)
    print(f"{len(trained)} of {len(runs)} runs stored in {names}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
