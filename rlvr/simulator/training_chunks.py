"""Chunks of work: runs with all it takes to train them, on whatever machine.

A chunk can be pickled, and its runs depend on (seed, task draw, training seed) alone. So neither where a
chunk is trained, nor the size or order of chunks, nor the company of other studies can change a bit.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Chunk", "alike", "cut", "join", "train_chunk", "without_first"]


@dataclass(frozen=True)
class Chunk:
    """Runs `first` to `last` - 1 of the tasks it holds: run r is task ``r // n_seeds``, seed ``r % n_seeds``.

    Attributes
    ----------
    shared : bool
        Whether prompts share their strategies; says which kernel trains.
    first, last : int
        Counted from the first task that the chunk holds.
    n_seeds : int
        Training seeds of a task.
    n_groups : int
        Groups of answers that its runs sample at most: how much work it is.
    by_task : mapping of str to ndarray (task, ...)
        Arguments of the kernel with a task axis, among them `draws`, the number of each task draw. One of
        length one stands for all tasks.
    settings : mapping of str to object
        Its other arguments.
    results : mapping of str to tuple of int
        Shape of each result, without (arm, task, seed) in front.
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
    """A whole study but for its first task draws."""
    n_runs = whole.n_runs - n_tasks * whole.n_seeds
    return replace(
        whole,
        last=n_runs,
        n_groups=whole.n_groups * n_runs // whole.n_runs,
        by_task={name: rows if len(rows) == 1 else rows[n_tasks:] for name, rows in whole.by_task.items()},
    )


def alike(chunk: Chunk) -> object:
    """What two studies must have in common to be trained as one; never the same for shared strategies."""
    if chunk.shared:
        return object()
    return (
        chunk.n_seeds,
        tuple(chunk.results.items()),
        tuple((name, rows.shape[1:]) for name, rows in chunk.by_task.items()),
        tuple(
            (name, value.tobytes() if isinstance(value, np.ndarray) else value)
            for name, value in chunk.settings.items()
        ),
    )


def join(studies: Sequence[Chunk]) -> Chunk:
    """Whole studies that are :func:`alike` as one chunk, task draws one after the other."""
    if len(studies) == 1:
        return studies[0]
    return replace(
        studies[0],
        last=sum(study.n_runs for study in studies),
        n_groups=sum(study.n_groups for study in studies),
        by_task={
            name: np.concatenate([study.by_task[name] for study in studies]) for name in studies[0].by_task
        },
    )


def train_chunk(chunk: Chunk) -> dict[str, NDArray[np.float64]]:
    """Train a chunk's runs.

    Returns
    -------
    dict of str to ndarray (arm, run, ...)
        Results of exactly these runs, in their order.
    """
    from rlvr.simulator import kernel, shared_kernel  # the compiler loads only when something is trained

    given = {**chunk.by_task, **chunk.settings}
    for (
        name,
        value,
    ) in given.items():  # what travelled may be read-only, which is another type to the compiler
        if isinstance(value, np.ndarray):
            given[name] = np.require(value, requirements=["C", "W"])
    front = (chunk.settings["arms"].size, len(chunk.by_task["draws"]), chunk.n_seeds)
    results = {name: np.empty((*front, *rest)) for name, rest in chunk.results.items()}
    if not chunk.shared and "policies" not in results:
        given["policies"] = np.empty((front[0], 0, chunk.n_seeds, *chunk.by_task["prior"].shape[1:]))
    train = shared_kernel.train if chunk.shared else kernel.train
    train(chunk.first, chunk.last, n_seeds=chunk.n_seeds, **given, **results)
    own = slice(chunk.first, chunk.last)
    return {name: array.reshape(front[0], -1, *array.shape[3:])[:, own] for name, array in results.items()}
