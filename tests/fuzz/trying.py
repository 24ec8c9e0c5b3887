"""What the fuzzers of the command share: one call with a deadline, and what became of it, counted."""

from __future__ import annotations

import re
import shutil
import signal
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from click.testing import Result
from typer.testing import CliRunner

import tests.built_once  # noqa: F401
from rlvr.commands.command_line import app

DEADLINE = 30  # seconds for one case; what waits longer would wait for ever

NASTY = (
    "", " ", "nan", "NaN", "inf", "-inf", "-0", "1e999", "1e-999", "1" + "0" * 400, "-" + "9" * 5000,
    "1_000", "0x1F", "０.５", "½", "٣", "1,5", "50%", "+1", "1.", ".5", "true", "null", "None", "[]", "{}",
    '{"a":1}', "\\ud800", "\\u0000", "[" * 3000, '"', "'", "=1+1", "@x", "-x", "+x", "\t", "\r", "\n", "\0",
    "\ufeff", "\u202e", "\u2028", "\x1b]0;MARK\x07", "\x9b31m", "\x7f", "<img src=x onerror=MARK()>",
    "[x](javascript:MARK())", "a|b", "`x`", "$x$", "$\\frac{1}", "\\", "]]>", "-->", "{{ 7*7 }}", "%s%n",
    "../../x", "é", "\U0001f468\u200d\U0001f469", "x" * 3000,
)  # fmt: skip
"""Text that somebody, somewhere, acts upon."""


_KINDS = ("read", "refused", "traceback", "wrong")


class Waited(BaseException):
    """The case took longer than the deadline."""


Case = Callable[[np.random.Generator, Path], tuple[str, float, str]]
"""From random numbers and an empty folder to what became of a call, its seconds, and what was wrong."""


@dataclass
class Tally:
    """What became of the cases; `faults` are the first that ended in neither numbers nor a line."""

    counts: dict[str, int] = field(
        default_factory=lambda: dict.fromkeys(("read", "refused", "traceback", "wrong"), 0)
    )
    faults: list[str] = field(default_factory=list)
    longest: float = 0.0

    def add(self, kind: str, seconds: float, what: str = "") -> None:
        """One more case; `what` describes a fault."""
        self.counts[kind] += 1
        self.longest = max(self.longest, seconds)
        if kind in ("traceback", "wrong"):
            self.faults.append(what)

    def __str__(self) -> str:
        kinds = {}
        for fault in self.faults:
            kinds.setdefault(re.sub(r"\d+", "N", fault.split(" <- ")[0]), []).append(fault)
        lines = [f"{sum(self.counts.values()):,} cases: {self.counts['refused']:,} refused in one line, "
                 f"{self.counts['read']:,} read, {self.counts['traceback']:,} tracebacks or waits, "
                 f"{self.counts['wrong']:,} wrong; longest wait {self.longest:.1f} s"]  # fmt: skip
        return "\n".join(
            [*lines, *(f"  {len(some)} times {some[0][:300]}" for some in [*kinds.values()][:20])]
        )


def call(arguments: Sequence[str], text: bytes | None = None) -> tuple[Result | None, float]:
    """`rlvr` with these arguments; no result where it had to be stopped."""

    def stop(*_: object) -> None:
        raise Waited

    before, start = signal.signal(signal.SIGALRM, stop), time.perf_counter()
    signal.alarm(DEADLINE)
    try:
        return CliRunner().invoke(app, list(arguments), input=text), time.perf_counter() - start
    except Waited:
        return None, time.perf_counter() - start
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def fault_of(result: Result | None) -> str:
    """Why a call ended as none should, or nothing: it gives numbers, or one line and the exit code 2."""
    if result is None:
        return f"waits for more than {DEADLINE} s"
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        return f"{type(result.exception).__name__}: {str(result.exception)[:80]}"
    if result.exit_code == 0:
        return ""
    lines = result.stderr.splitlines()
    if result.exit_code != 2 or len(lines) != 1 or not lines[0].startswith("rlvr: ") or len(lines[0]) > 2500:
        return f"exit {result.exit_code}, {len(lines)} lines on standard error"
    return "" if not result.stdout else "a refusal with an output"


def fuzz(
    case: Callable[[np.random.Generator, Path], tuple[str, float, str]], n: int, seed: int, folder: Path
) -> Tally:
    """Try a case `n` times, each with a seed and a folder of its own."""
    tally = Tally()
    for number in range(n):
        place = folder / str(number)
        place.mkdir()
        kind, seconds, what = case(np.random.default_rng((seed, number)), place)
        tally.add(kind, seconds, f"{what} (case {number})")
        shutil.rmtree(place)
    return tally


def command_line(case: Case) -> int:
    """`--cases N --seed S`: fuzz, print the figures; 1 if something failed."""
    import argparse
    import resource
    import tempfile

    parser = argparse.ArgumentParser()
    parser.add_argument("--cases", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    resource.setrlimit(resource.RLIMIT_AS, (6 * 2**30, 6 * 2**30))
    with tempfile.TemporaryDirectory() as folder:
        tally = fuzz(case, options.cases, options.seed, Path(folder))
    print(tally)
    return int(bool(tally.faults))
