"""Reading logs: processor time as a multiple of parsing the same lines, and memory as a part of the file.

By hand, here or beside another checkout::

    python -m benchmarks.log_reading
    python -m benchmarks.log_reading --against ../checkout-of-another-commit

Every round starts a process a checkout and file. In it the lines are parsed by orjson and then read by
`read_log`, a few times in turn, and the smallest user time of each counts. The table gives medians over
rounds. Peak memory is that of Python's objects while a file is read, traced.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import resource
import subprocess
import sys
import tempfile
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median
from typing import Any

ROOT = Path(__file__).parent.parent
REPEATS = 5


def lm_eval_lines() -> Iterator[dict[str, Any]]:
    """Samples of lm-evaluation-harness: a question, its prompt, and 900 characters of output."""
    for n in range(40_000):
        digest = hashlib.sha256(str(n).encode()).hexdigest()
        settings = {"until": ["\n"], "do_sample": False}
        yield {
            "doc_id": n, "doc": {"question": "q" * 300}, "target": "1",
            "arguments": {"gen_args_0": {"arg_0": "q" * 800, "arg_1": settings}},
            "resps": [["the answer " + "x" * 900 + str(n)]], "filtered_resps": ["x"], "filter": "none",
            "metrics": ["exact_match"], "doc_hash": digest, "prompt_hash": digest, "target_hash": "a",
            "exact_match": float(n % 2),
        }  # fmt: skip


def plain_lines() -> Iterator[dict[str, Any]]:
    """Lines of item and correct alone."""
    return ({"item": n, "correct": n % 2} for n in range(100_000))


def verl_lines(answer: str = r"\boxed{%d}") -> Iterator[dict[str, Any]]:
    """Validation generations of verl, four samples an item, 1,500 characters of output before an answer."""
    for n in range(20_000):
        item = n // 4
        yield {
            "input": "q" * 400 + str(item), "output": "word " * 300 + answer % (n % 7), "gts": str(item % 7),
            "score": float(n % 7 == item % 7), "step": 1,
        }  # fmt: skip


FILES: dict[str, Callable[[], Iterator[dict[str, Any]]]] = {
    "samples_lm_eval": lm_eval_lines,
    "plain": plain_lines,
    "verl_boxed": verl_lines,
    "verl_number": lambda: verl_lines("so it is %d."),
    "verl_latex": lambda: verl_lines(r"$x = \frac{%d}{1}$, so $\boxed{\frac{12}{5}}$"),
}


def user_seconds(work: Callable[[], object]) -> float:
    """Processor time that `work` takes outside of the system."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_utime
    work()
    return resource.getrusage(resource.RUSAGE_SELF).ru_utime - before


def measure(path: Path) -> dict[str, float]:
    """In this process: seconds of parsing, seconds of reading, and bytes at the peak of it."""
    import orjson

    from rlvr.logs.formats import read_log

    def parse() -> None:
        with path.open("rb") as lines:
            for line in lines:
                orjson.loads(line)

    tracemalloc.start()
    read_log(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    times = [(user_seconds(parse), user_seconds(lambda: read_log(path))) for _ in range(REPEATS)]
    parsing, reading = (min(column) for column in zip(*times, strict=True))
    return {"parsing": parsing, "reading": reading, "peak": peak}


def in_a_process(checkout: Path, path: Path) -> dict[str, float]:
    """What :func:`measure` finds with the package of a checkout."""
    environment = os.environ | {"PYTHONPATH": str(checkout), "PYTHONSAFEPATH": "1"}
    command = [sys.executable, __file__, "--measure", str(path)]
    ended = subprocess.run(command, env=environment, check=True, stdout=subprocess.PIPE)
    return json.loads(ended.stdout)


def main() -> None:
    """Print a table, a row a file and checkout."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--against", type=Path, action="append", default=[], metavar="CHECKOUT")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", choices=FILES, action="append", help="this file alone")
    parser.add_argument("--measure", type=Path, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.measure:
        print(json.dumps(measure(chosen.measure)))
        return
    checkouts = [ROOT, *(folder.resolve() for folder in chosen.against)]
    print(f"{'file':16} {'checkout':24} {'parsing s':>9} {'reading s':>9} {'ratio':>6} {'memory / file':>14}")
    with tempfile.TemporaryDirectory() as folder:
        for name in chosen.only or FILES:
            path = Path(folder, f"{name}.jsonl")
            path.write_text("".join(f"{json.dumps(line)}\n" for line in FILES[name]()), encoding="utf-8")
            found: dict[Path, list[dict[str, float]]] = {checkout: [] for checkout in checkouts}
            for _ in range(chosen.rounds):
                for checkout in checkouts:
                    found[checkout].append(in_a_process(checkout, path))
            for checkout, rounds in found.items():
                parsing, reading = (median(one[key] for one in rounds) for key in ("parsing", "reading"))
                ratio = median(one["reading"] / one["parsing"] for one in rounds)
                memory = median(one["peak"] for one in rounds) / path.stat().st_size
                print(
                    f"{name:16} {checkout.name:24} {parsing:9.3f} {reading:9.3f} {ratio:6.2f} {memory:14.2f}",
                    flush=True,
                )


if __name__ == "__main__":
    main()
