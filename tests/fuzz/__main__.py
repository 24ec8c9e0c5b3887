"""Every fuzzer, one after another, each in a process of its own; figures are printed, and stored if asked.

python -m tests.fuzz --store book/data/fuzz_runs.csv
python -m tests.fuzz tables rewards --cases 1000
"""

from __future__ import annotations

import argparse
import csv
import importlib
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

LARGE = {
    "settings": 100_000, "stored": 1_000, "tables": 100_000, "logs": 20_000, "outputs": 1_000,
    "rewards": 1_000_000,
}  # fmt: skip
"""Cases of each fuzzer where none are asked for: together about an hour on two cores."""

COLUMNS = ("version", "fuzzer", "cases", "refused", "answered", "faults", "longest_seconds")
Figures = tuple[int, int, int, float]
"""Refused by name, answered, faults (crash, traceback, silent difference, wait), and the longest wait."""


def command_figures(name: str, cases: int, seed: int) -> Figures:
    """Of a fuzzer of the command or of stored data."""
    from tests.fuzz.trying import fuzz

    with tempfile.TemporaryDirectory() as folder:
        tally = fuzz(importlib.import_module(f"tests.fuzz.{name}").case, cases, seed, Path(folder))
    print(tally, file=sys.stderr)
    faults = tally.counts["traceback"] + tally.counts["wrong"]
    return tally.counts["refused"], tally.counts["read"], faults, tally.longest


def settings_figures(name: str, cases: int, seed: int) -> Figures:
    from tests.fuzz.settings import fuzz

    tally = fuzz(seed * cases, (seed + 1) * cases, deadline=60.0)
    return tally.counts["refused"], tally.counts["ran"], len(tally.bad), tally.longest


def reward_figures(name: str, cases: int, seed: int) -> Figures:
    """A group of completions that ends in an error counts as so many faults."""
    from tests.fuzz.rewards import GROUP, run

    faults, longest = 0, 0.0
    for number in range(cases // GROUP):
        try:
            longest = max(longest, run(GROUP, seed * cases + number)[0])
        except Exception as problem:
            print(f"group {number}: {problem!r}", file=sys.stderr)
            faults += GROUP
    return 0, cases - faults, faults, longest


OF: dict[str, Callable[[str, int, int], Figures]] = {"settings": settings_figures, "rewards": reward_figures}


def store(path: Path, row: tuple[str, ...]) -> None:
    """Put a row in the place of the one of the same version and fuzzer."""
    rows = list(csv.reader(path.read_text(encoding="utf-8").splitlines()))[1:] if path.exists() else []
    rows = sorted([list(row), *(old for old in rows if tuple(old[:2]) != row[:2])])
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows([COLUMNS, *rows])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("fuzzers", nargs="*", default=list(LARGE), choices=[*LARGE, []])
    parser.add_argument("--cases", type=int, help="of each fuzzer; many by default")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--version", default="now", help="whose figures these are")
    parser.add_argument("--store", type=Path, metavar="CSV")
    parser.add_argument("--alone", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.alone:
        (name,) = given.fuzzers
        found = OF.get(name, command_figures)(name, given.cases, given.seed)
        print(*found[:3], round(found[3], 3))
        return 0
    n_faults = 0
    for name in given.fuzzers:
        cases = given.cases or LARGE[name]
        options = ["--alone", "--cases", str(cases), "--seed", str(given.seed)]
        ended = subprocess.run(
            [sys.executable, "-m", "tests.fuzz", name, *options],
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )
        figures = ended.stdout.split()[-4:]
        print(f"{name}: {cases:,} cases, {figures[0]} refused, {figures[1]} answered, {figures[2]} faults, "
              f"longest wait {figures[3]} s", flush=True)  # fmt: skip
        n_faults += int(figures[2])
        if given.store:
            store(given.store, (given.version, name, str(cases), *figures))
    return int(n_faults > 0)


if __name__ == "__main__":
    raise SystemExit(main())
