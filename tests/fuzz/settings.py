"""Random settings, usual and extreme, for the simulator: none may end the process, hang, or give no number.

``python -m tests.fuzz.settings --cases 100000`` trains them in forked children and prints how many were
refused and ran, and which failed. Set NUMBA_BOUNDSCHECK=1 and a NUMBA_CACHE_DIR of its own to have the
compiled code check each index.
"""

from __future__ import annotations

import argparse
import contextlib
import math
import os
import random
import resource
import select
import signal
import sys
import time
import warnings
from collections import Counter
from fractions import Fraction
from typing import Any

import numpy as np

from rlvr import GRPOConfig, StrategyFamily, TaskFamily, simulate
from rlvr.arms import ARMS
from rlvr.simulator.grpo_config import OPTIONS

__all__ = ["Tally", "case", "fuzz", "outcome"]

MEMORY = 8 * 2**30  # bytes of address space for a child
CODES = {b"r": "refused", b"o": "ran", b"f": "failed"}
REALS = [
    0, 1, -1, 5e-324, 1e-310, 1e-300, 1e-160, 1e-17, 1e-9, 0.01, 0.3, 0.5, 1 - 1e-16, 1.5, 30.0, 1e3, 1e9,
    1e17, 1e154, 1e160, 1e299, 1e300, 1e307, 1.7e308, math.inf, -math.inf, math.nan, 10**15, 10**300, 10**308,
    10**400, 10**5000, True, None, "1", Fraction(1, 3), Fraction(10**400), np.float32(0.3), np.float16(6e4),
    np.longdouble(0.3), np.uint8(1), 1j,
]  # fmt: skip
COUNTS = [
    -1, 0, 2**32, 2**63, 10**12, 10**400, 10**5000, 2.0, math.nan, None, True, "3",
    np.uint8(200), np.int8(100), np.int64(3), np.uint64(2**63),
]  # fmt: skip
WRONG = [0.0, -0.1, math.nan, math.inf, -math.inf, 5e-324, 1e308, 2.0]


def _real(draw: random.Random, usual: list[Any]) -> Any:
    return draw.choice(usual if draw.random() < 0.8 else REALS)


def _count(draw: random.Random, *usual: int) -> Any:
    return draw.choice(usual if draw.random() < 0.98 else COUNTS)


def _some(draw: random.Random, settings: dict[str, Any], share: float) -> dict[str, Any]:
    return {name: value for name, value in settings.items() if draw.random() < share}


def _config(draw: random.Random) -> dict[str, Any]:
    pair = (_real(draw, [0.1, 0.2]), _real(draw, [0.1, 0.3]))
    options = {name: draw.choice(names) for name, names in OPTIONS.items()}
    numbers = {
        "learning_rate": _real(draw, [0.05, 1.0, 100.0]), "kl_coefficient": _real(draw, [0.0, 0.01, 1.0]),
        "clip": draw.choice([None, pair]), "inner_updates": _count(draw, 1, 2, 4),
        "mirror_temperature": _real(draw, [0.1, 1.0]), "verifier_noise": draw.choice([(0, 0), pair]),
        "label_votes": _count(draw, 1, 8), "label_share_right": _real(draw, [None, 0.5, 1.0]),
        "refill_cap": _count(draw, 1, 3),
    }  # fmt: skip
    # Counts that a machine could begin but not end, such as 2**32 - 1 steps, are left out.
    sizes = {"n_steps": _count(draw, 0, 1, 2, 5), "batch_size": _count(draw, 1, 2, 4)}
    sizes["group_size"] = _count(draw, 2, 8, 40)
    return sizes | _some(draw, options, 0.3) | _some(draw, numbers, 0.3)


def case(number: int) -> dict[str, Any]:
    """The settings of a case: the same for the same number."""
    draw = random.Random(number)
    call: dict[str, Any] = {"n_tasks": _count(draw, 1, 2), "n_seeds": _count(draw, 1, 3)}
    extra = {"seed": draw.choice([0, 7, 8, 9, 2**64, 10**400, -1]), "keep_policies": True}
    extra["checkpoints"] = draw.choice([None, None, [0], [0], [1], [2, 1], [10**400], [math.nan]])
    extra["arms"] = draw.choice([ARMS, ("true",), ("frozen", "majority")])
    call |= _some(draw, extra, 0.2)
    if draw.random() < 0.6:
        numbers = {"prior_strength": _real(draw, [0.2, 0.5, 0.8]), "format_strength": _real(draw, [0.0, 0.2])}
        numbers |= {"prior_spread": _real(draw, [0.0, 0.3]), "n_actions": _count(draw, 2, 4, 8)}
        family = {"n_prompts": _count(draw, 4, 7)} | _some(draw, numbers, 0.4)
        family |= _some(draw, {"n_correct": _count(draw, 1, 2)}, 0.3)
        cls: type = TaskFamily
    else:
        shares = [_real(draw, [0.5]), _real(draw, [0.5])]
        numbers = {"shares": draw.choice([shares, (0.2, 0.3, 0.5)]), "accuracies": shares}
        numbers |= {"offset_sd": draw.choice([_real(draw, [1.0]), (1.0, _real(draw, [2.0]))])}
        numbers |= {"accuracy_spread": _real(draw, [0.0, 0.3]), "n_tokens": _count(draw, 1, 3)}
        numbers |= {
            "read": "greedy",
            "n_test_prompts": _count(draw, 3),
            "wrong_agreement": _real(draw, [0.5]),
        }
        family = {"n_prompts": _count(draw, 4, 7)} | _some(draw, numbers, 0.3)
        cls = StrategyFamily
    damage = draw.random() if draw.random() < 0.3 else None
    return {
        "cls": cls,
        "family": family,
        "config": _config(draw),
        "call": call,
        "damage": damage,
        "average": draw.random() < 0.1,  # it takes longer than training
    }


def _damaged(tasks: Any, draw: random.Random) -> Any:
    """The tasks with a value, a type or a shape that they should not have."""
    name = draw.choice(list(vars(tasks)))
    array = np.array(vars(tasks)[name])
    kind = draw.choice(["one", "all", "type", "shape", "order", "same"])
    if kind in ("one", "all") and array.dtype == bool:
        array[:] = draw.random() < 0.5
    elif kind == "all":
        array *= draw.choice(WRONG)
    elif kind == "one":
        array.flat[draw.randrange(array.size)] = draw.choice(WRONG)
    elif kind == "type":
        array = array.astype(draw.choice(["f4", ">f8", "i8", "u1", "c16", "O", "U8", "g", "?"]))
    elif kind == "shape":
        array = draw.choice(
            [array[:, :1], array[..., :1], array[0], array[:, :0], array.ravel(), array[None]]
        )
    elif kind == "order":
        array = draw.choice([np.asfortranarray(array), array[:, ::-1], np.repeat(array, 2, axis=2)[..., ::2]])
    return type(tasks)(**(vars(tasks) | {name: array}))


def outcome(settings: dict[str, Any]) -> bytes:
    """Train as the settings say: refused, ran, or failed with another error or without a number."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            family, config = settings["cls"](**settings["family"]), GRPOConfig(**settings["config"])
            call = dict(settings["call"])
            if settings["damage"] is not None:
                tasks = family.sample(call["n_tasks"], 0)
                call["tasks"] = _damaged(tasks, random.Random(settings["damage"]))
            runs = simulate(family, config, **call)
            found = [runs.accuracy, runs.curves]
            found += [array for array in (runs.policies, runs.shares, runs.logits) if array is not None]
            sound = all(np.isfinite(array).all() for array in found)
            sound = sound and -1e-9 <= runs.accuracy.min() <= runs.accuracy.max() <= 1 + 1e-9
            with contextlib.suppress(ValueError):  # some averages have no closed form
                sound = sound and (not settings["average"] or -1e-9 <= family.prior_accuracy <= 1 + 1e-9)
            return b"o" if sound else b"f"
    except (TypeError, ValueError) as error:
        return b"r" if str(error) else b"f"
    except Exception:
        return b"f"


class Tally:
    """What became of the cases; `bad` are the numbers of those that failed, died or were too slow."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.bad: list[tuple[int, str]] = []
        self.longest = 0.0

    def add(self, number: int, what: str, seconds: float) -> None:
        self.counts[what] += 1
        self.longest = max(self.longest, seconds)
        if what not in ("refused", "ran"):
            self.bad.append((number, what))


def fuzz(first: int, last: int, deadline: float) -> Tally:
    """Try cases `first` to `last` - 1 in forked children, a new one after each death or missed deadline."""
    for family in (TaskFamily(n_prompts=1), StrategyFamily(n_prompts=1)):  # compiled before the clock runs
        for optimizer in OPTIONS["optimizer"]:
            simulate(family, GRPOConfig(n_steps=1, batch_size=1, optimizer=optimizer), n_seeds=1)
    tally = Tally()
    while first < last:
        reader, writer = os.pipe()
        child = os.fork()
        if not child:
            try:
                resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
                resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
                os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
                for number in range(first, last):
                    os.write(writer, outcome(case(number)))
            finally:
                os._exit(0)
        os.close(writer)
        while first < last:
            start = time.monotonic()
            code = os.read(reader, 1) if select.select([reader], [], [], deadline)[0] else b"slow"
            tally.add(first, CODES.get(code, "slow" if code else "died"), time.monotonic() - start)
            first += 1
            if code not in CODES:
                break
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        os.close(reader)
    return tally


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=1_000)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--deadline", type=float, default=60.0, metavar="SECONDS")
    given = parser.parse_args()
    tally = fuzz(given.first, given.first + given.cases, given.deadline)
    counts = ", ".join(
        f"{what} {tally.counts[what]}" for what in ("refused", "ran", "failed", "died", "slow")
    )
    print(f"cases {sum(tally.counts.values())}, {counts}, longest wait {tally.longest:.1f} s")
    sys.set_int_max_str_digits(0)
    for number, what in tally.bad[:50]:
        print(f"case {number} {what}: {case(number)}"[:1000])
    sys.exit(bool(tally.bad))


if __name__ == "__main__":
    main()
