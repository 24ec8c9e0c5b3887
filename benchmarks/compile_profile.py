"""Where a first call's compiling goes, printed as JSON: ``python -m benchmarks.compile_profile``.

The compiler tells when it begins and ends a function. A function's own seconds are those between, less
those of the functions that it had compiled meanwhile. Run it with an empty ``NUMBA_CACHE_DIR``, or there is
nothing to see.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping

__all__ = ["PARTS", "in_parts", "own_seconds", "profile"]

PARTS = {
    "compile_train": "rlvr.simulator.kernel._train",
    "compile_kernel": "rlvr.simulator.kernel.",
    "compile_drawing": "rlvr.simulator.drawing.",
    "compile_numpy": "",
}
"""By the key of a measurement, how the names of its functions begin; the first that fits."""


def own_seconds(events: Iterable[tuple[str, bool, float]]) -> dict[str, float]:
    """Seconds of each name without those of what began and ended inside it.

    Parameters
    ----------
    events : iterable of (name, whether it begins, seconds)
        Properly nested, in order.

    Examples
    --------
    >>> own_seconds([("a", True, 0.0), ("b", True, 1.0), ("b", False, 3.0), ("a", False, 4.0)])
    {'b': 2.0, 'a': 2.0}
    """
    own: dict[str, float] = defaultdict(float)
    begun: list[tuple[float, float]] = []  # when, and the seconds of what was inside
    for name, begins, when in events:
        if begins:
            begun.append((when, 0.0))
            continue
        start, inside = begun.pop()
        own[name] += when - start - inside
        if begun:
            begun[-1] = (begun[-1][0], begun[-1][1] + when - start)
    return dict(own)


def in_parts(own: Mapping[str, float]) -> dict[str, float]:
    """Seconds of each of :data:`PARTS`.

    Examples
    --------
    >>> in_parts({"rlvr.simulator.kernel._train": 2.0, "rlvr.simulator.kernel.sample": 1.0})["compile_train"]
    2.0
    """
    parts = dict.fromkeys(PARTS, 0.0)
    for name, seconds in own.items():
        parts[next(key for key, start in PARTS.items() if name.startswith(start))] += seconds
    return parts


def profile() -> dict[str, float]:
    """Compile what a first `simulate` does: seconds of each part, and of all parts in LLVM."""
    from numba.core import event

    from rlvr import GRPOConfig, TaskFamily, simulate

    with (
        event.install_recorder("numba:compile") as functions,
        event.install_recorder("numba:run_pass") as passes,
    ):
        simulate(TaskFamily(), GRPOConfig(n_steps=1))

    def name_of(function):
        return f"{function.__module__}.{function.__name__}"

    of_functions = own_seconds(
        (name_of(each.data["dispatcher"].py_func), each.is_start, when) for when, each in functions.buffer
    )
    of_passes = own_seconds((each.data["name"], each.is_start, when) for when, each in passes.buffer)
    in_llvm = sum(seconds for name, seconds in of_passes.items() if name.startswith("native_lowering"))
    return in_parts(of_functions) | {"compile_llvm": in_llvm}


if __name__ == "__main__":
    print(json.dumps(profile()))
