"""Chunks of work: a range of runs with all it takes to train them, on whatever machine.

A chunk can be pickled, and its runs depend on (seed, task draw, training seed) alone. So neither where a
chunk is trained nor the size or order of chunks can change a bit.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Chunk", "cut", "empty_results", "put", "train_chunk"]


@dataclass(frozen=True)
class Chunk:
    """Runs `first` to `last` - 1 of one study, run r being task ``r // n_seeds``, seed ``r % n_seeds``.

    Attributes
    ----------
    study : int
        Place of the study in its list.
    shared : bool
        Whether prompts share their strategies; says which kernel trains.
    first_task : int
        The task draw that comes first in `by_task`.
    by_task : mapping of str to ndarray (task, ...)
        Arguments of the kernel with a task axis; one of length one stands for all tasks.
    settings : mapping of str to object
        Its other arguments.
    results : mapping of str to tuple of int
        Shape of each result, without (arm, task, seed) in front.
    """

    study: int
    shared: bool
    first: int
    last: int
    n_seeds: int
    n_groups: int
    first_task: int
    by_task: Mapping[str, NDArray]
    settings: Mapping[str, Any]
    results: Mapping[str, tuple[int, ...]]


def cut(whole: Chunk, n_chunks: int) -> list[Chunk]:
    """Cut the runs of a chunk into at most `n_chunks` of nearly equal size, each with its own tasks only."""
    n_runs = whole.last - whole.first
    edges = np.linspace(whole.first, whole.last, min(n_runs, n_chunks) + 1).astype(int).tolist()
    chunks = []
    for first, last in pairwise(edges):
        first_task, end_task = first // whole.n_seeds, (last - 1) // whole.n_seeds + 1
        own = slice(first_task - whole.first_task, end_task - whole.first_task)
        by_task = {
            name: array if array.shape[0] == 1 else array[own] for name, array in whole.by_task.items()
        }
        n_groups = whole.n_groups * (last - first) // n_runs
        chunks.append(
            replace(whole, first=first, last=last, first_task=first_task, by_task=by_task, n_groups=n_groups)
        )
    return chunks


def empty_results(chunk: Chunk) -> dict[str, NDArray[np.float64]]:
    """Arrays for the results of all task draws that a chunk touches, (arm, task, seed, ...)."""
    n_tasks = (chunk.last - 1) // chunk.n_seeds + 1 - chunk.first_task
    n_arms = chunk.settings["arms"].size
    return {name: np.empty((n_arms, n_tasks, chunk.n_seeds, *rest)) for name, rest in chunk.results.items()}


def train_chunk(chunk: Chunk) -> dict[str, NDArray[np.float64]]:
    """Train a chunk's runs.

    Returns
    -------
    dict of str to ndarray (arm, run, ...)
        Results of exactly these runs, in their order.
    """
    from rlvr.simulator import kernel, shared_kernel  # the compiler loads only when something is trained

    results = empty_results(chunk)
    train = shared_kernel.train if chunk.shared else kernel.train
    given = {**chunk.by_task, **chunk.settings, **results}
    if not chunk.shared and "policies" not in given:
        given["policies"] = np.empty((given["arms"].size, 0, chunk.n_seeds, *given["prior"].shape[1:]))
    train(chunk.first, chunk.last, chunk.first_task, n_seeds=chunk.n_seeds, **given)
    skipped = chunk.first - chunk.first_task * chunk.n_seeds
    own = slice(skipped, skipped + chunk.last - chunk.first)
    return {name: array.reshape(len(array), -1, *array.shape[3:])[:, own] for name, array in results.items()}


def put(chunk: Chunk, trained: Mapping[str, NDArray], whole: Mapping[str, NDArray], origin: int) -> None:
    """Copy a chunk's results to where they belong in arrays (arm, run, ...) that begin at run `origin`."""
    for name, array in trained.items():
        whole[name][:, chunk.first - origin : chunk.last - origin] = array
