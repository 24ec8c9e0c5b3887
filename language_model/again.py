"""Train a stored run again and report how far it is from the stored one.

``python -m language_model.again`` takes a random run of the third protocol, with ``--protocol 4`` one of the
fourth, with ``--float64`` one of those in float64. With ``ATEN_CPU_CAPABILITY=default MKL_CBWR=COMPATIBLE``
before it, the processor sums in another order: that moves a run in float32, and not one in float64.
"""

from __future__ import annotations

import argparse
import random
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import pandas as pd

from language_model.design import PROTOCOLS, in_float64, name_of, prepare_worker
from language_model.registered import registration
from language_model.store import KEY
from language_model.train import train
from language_model.weights import prepare
from rlvr._data import DATA
from rlvr.experiments.language_model_runs import language_model_paths

__all__ = ["main"]


def main(arguments: list[str] | None = None) -> int:
    """Repeat one run; the exit code is 1 if a number differs by more than 1e-4."""
    parser = argparse.ArgumentParser(prog="python -m language_model.again", description=__doc__)
    parser.add_argument("name", nargs="?", metavar="RUN", help="by default a random one")
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--float64", action="store_true", help="one of the runs in float64")
    which.add_argument("--protocol", choices=list(PROTOCOLS), default="3", help="whose run (default: 3)")
    options = parser.parse_args(arguments)
    sealed = DATA / f"protocol-{options.protocol}.yml"
    listed = in_float64() if options.float64 else registration(sealed)
    runs = {name_of(run): run for run in listed.runs}
    name = options.name or random.choice(list(runs))
    if name not in runs:
        parser.exit(2, f"no run is called {name}; name a run such as {next(iter(runs))}\n")
    run = runs[name]
    prepare_worker()
    with TemporaryDirectory() as folder:
        prepare(Path(folder) / "model")
        result = train(run, Path(folder) / "model")
    stored = language_model_paths("float64" if options.float64 else PROTOCOLS[options.protocol])
    same = (stored[KEY] == pd.Series({key: run[key] for key in KEY})).all(axis=1)
    again = pd.DataFrame(result["path"]).round(6)
    apart = (stored[same].reset_index(drop=True)[again.columns] - again).abs().max(axis=None)
    print(f"{name}: {len(again)} rows of {again.shape[1]} numbers, largest difference {apart:g}")
    return int(not apart <= 1e-4)


if __name__ == "__main__":
    sys.exit(main())
