"""Chunks of work: their content, how they are cut and trained, and how their results are verified.

The process that trains a chunk seals its results with a digest of the chunk, of the training code and of
every number. A result without the right seal is rejected: an error returned as a value, results of another
chunk or another release, or numbers that were changed in transit.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rlvr._checks import shown

__all__ = [
    "Answer", "Chunk", "Results", "argument_digest", "cut", "fault_of", "sealed", "train_chunk",
    "without_first",
]  # fmt: skip

Results = dict[str, NDArray]

_MAY_BE_NAN = ("clipped",)  # NaN where no answer was sampled
_TRAINING = ("chunks.py", "drawing.py", "kernel.py", "rules.py", "shared_kernel.py")


@dataclass(frozen=True)
class Chunk:
    """Runs `first` to `last` - 1 of the tasks it holds: run r is task ``r // n_seeds``, seed ``r % n_seeds``.

    Attributes
    ----------
    shared : bool
        Whether prompts share their strategies; selects the kernel.
    first, last : int
        Counted from the first task that the chunk holds.
    n_seeds : int
        Training seeds of a task.
    n_groups : int
        Largest number of groups of answers that its runs sample, a measure of its work.
    by_task : mapping of str to ndarray (task, ...)
        Arguments of the kernel with a task axis, among them `draws`, the number of each task draw. An axis of
        length one stands for all tasks.
    settings : mapping of str to object
        The kernel's other arguments.
    results : mapping of str to tuple of int
        Shape of each result, without the leading (arm, task, seed).
    """

    shared: bool
    first: int
    last: int
    n_seeds: int
    n_groups: int
    by_task: Mapping[str, NDArray]
    settings: Mapping[str, Any]
    results: Mapping[str, tuple[int, ...]]

    @property
    def n_runs(self) -> int:
        return self.last - self.first


def cut(whole: Chunk, n_chunks: int) -> list[Chunk]:
    """Cut the runs of a chunk into at most `n_chunks` of nearly equal size, each with its own tasks only."""
    n_seeds = whole.n_seeds
    edges = np.linspace(whole.first, whole.last, min(whole.n_runs, n_chunks) + 1).astype(int).tolist()
    chunks = []
    for first, last in pairwise(edges):
        task, end = first // n_seeds, (last - 1) // n_seeds + 1
        chunks.append(
            replace(
                whole,
                first=first - task * n_seeds,
                last=last - task * n_seeds,
                n_groups=whole.n_groups * (last - first) // whole.n_runs,
                by_task={
                    name: rows if len(rows) == 1 else rows[task:end] for name, rows in whole.by_task.items()
                },
            )
        )
    return chunks


def without_first(whole: Chunk, n_tasks: int) -> Chunk:
    """A whole study without its first task draws."""
    n_runs = whole.n_runs - n_tasks * whole.n_seeds
    return replace(
        whole,
        last=n_runs,
        n_groups=whole.n_groups * n_runs // whole.n_runs,
        by_task={name: rows if len(rows) == 1 else rows[n_tasks:] for name, rows in whole.by_task.items()},
    )


class Answer(Results):
    """Results with the seal of their chunk; a copy as a plain dict has no seal."""

    seal = b""


def train_chunk(chunk: Chunk) -> Answer:
    """Train a chunk's runs.

    Returns
    -------
    dict of str to ndarray (arm, run, ...)
        Results of exactly these runs, in their order, sealed.
    """
    from rlvr.simulator import kernel, shared_kernel  # the compiler loads only when something is trained

    given = {**chunk.by_task, **chunk.settings}
    for name, value in given.items():  # sent arrays may be read-only, another type to the compiler
        if isinstance(value, np.ndarray):
            given[name] = np.require(value, requirements=["C", "W"])
    front = (chunk.settings["arms"].size, len(chunk.by_task["draws"]), chunk.n_seeds)
    results = {name: np.empty((*front, *rest)) for name, rest in chunk.results.items()}
    train = shared_kernel.train_strategies if chunk.shared else kernel.train_prompts
    train(chunk.first, chunk.last, n_seeds=chunk.n_seeds, **given, **results)
    runs = slice(chunk.first, chunk.last)
    shaped = {name: array.reshape(front[0], -1, *array.shape[3:]) for name, array in results.items()}
    return sealed(chunk, {name: array[:, runs] for name, array in shaped.items()})


def sealed(chunk: Chunk, results: Mapping[str, NDArray]) -> Answer:
    """Seal results that are known to be a chunk's own."""
    answer = Answer(results)
    answer.seal = _seal(chunk, answer)
    return answer


def fault_of(chunk: Chunk, answer: object) -> str:
    """Describe what is wrong with the result of a chunk; empty if it is the sealed answer."""
    try:
        return _fault(chunk, answer)
    except Exception as problem:  # the object raises an error when it is read
        return f"a {type(answer).__name__} that cannot be read ({type(problem).__name__})"


def _fault(chunk: Chunk, answer: object) -> str:
    if isinstance(answer, BaseException):
        return f"the error {shown(answer)} as a value"
    if not isinstance(answer, Mapping):
        return f"{shown(answer)} of type {type(answer).__name__}, which holds no named arrays"
    if set(answer) != set(chunk.results):
        return f"arrays named {shown(sorted(map(str, answer)))}, not {shown(sorted(chunk.results))}"
    n_arms = chunk.settings["arms"].size
    for name, rest in chunk.results.items():
        array, shape = answer[name], (n_arms, chunk.n_runs, *rest)
        if not isinstance(array, np.ndarray) or array.dtype != np.float64:
            kind = array.dtype if isinstance(array, np.ndarray) else f"a {type(array).__name__}"
            return f"{name} as {kind}, not as an array of float64"
        if array.shape != shape:
            return f"{name} of shape {array.shape}, not {shape}"
        if name not in _MAY_BE_NAN and not np.isfinite(array).all():
            return f"{name} with a number that is not finite"
    seal = getattr(answer, "seal", b"")
    if not seal:
        return "arrays without the seal that train_chunk puts on them"
    if seal != _seal(chunk, answer):
        return "numbers of another chunk or another version of rlvr, or changed on the way"
    return ""


def _seal(chunk: Chunk, answer: Mapping[str, NDArray]) -> bytes:
    digest = hashlib.sha256(_training_code() + argument_digest(chunk))
    for name in sorted(answer):
        digest.update(f"{name} {answer[name].shape} ".encode() + answer[name].tobytes())
    return digest.digest()


def argument_digest(chunk: Chunk) -> bytes:
    """Digest of everything that a chunk's results depend on, except the code."""
    digest = hashlib.sha256()
    front = {
        "shared": chunk.shared,
        "runs": (chunk.first, chunk.last, chunk.n_seeds),
        "results": chunk.results,
    }
    for name, value in {**front, **chunk.by_task, **chunk.settings}.items():
        if isinstance(value, np.ndarray):
            digest.update(f"{name} {value.dtype.str} {value.shape} ".encode())
            digest.update(np.ascontiguousarray(value).tobytes())
        else:
            digest.update(f"{name} {value!r} ".encode())
    return digest.digest()


@cache
def _training_code() -> bytes:
    """Digest of the files that train a chunk; a worker may have another release of them."""
    digest = hashlib.sha256()
    for path in (files("rlvr.simulator") / name for name in _TRAINING):
        digest.update(path.read_bytes() if path.is_file() else b"")
    return digest.digest()
