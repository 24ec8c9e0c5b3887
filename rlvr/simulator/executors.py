"""Who trains the chunks: threads of this process, or any `concurrent.futures.Executor`.

The rule for lost work: where a worker dies, what it had not returned is trained here, with a warning;
since a chunk carries all it needs, the bits are the same. Any other error stops everything, and nothing
is returned.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Sequence
from concurrent.futures import (
    BrokenExecutor,
    CancelledError,
    Executor,
    Future,
    ThreadPoolExecutor,
    as_completed,
)

import numpy as np
from numpy.typing import NDArray

from rlvr._checks import counted, shown
from rlvr.simulator.training_chunks import Chunk, cut, put, train_chunk

__all__ = ["n_threads", "train_all"]

_GROUPS = 2_000_000  # in a chunk that travels: about half a second of work
_FEWEST = 8  # chunks of a study that travels, if it has as many runs


def n_threads() -> int:
    """Threads to train on: RLVR_THREADS if set, else the processors this process may use."""
    asked = os.environ.get("RLVR_THREADS", "")
    if asked:
        if not asked.isdecimal() or int(asked) < 1:
            raise ValueError(f"RLVR_THREADS must be an integer of at least 1, got {shown(asked)}")
        return int(asked)
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def train_all(studies: Sequence[Chunk], executor: Executor | None) -> list[dict[str, NDArray]]:
    """Train several studies at once, the largest chunks first, so that no worker waits for another's end.

    Parameters
    ----------
    studies : sequence of Chunk
        Each the whole of one study; `study` is its place in the sequence.
    executor : Executor or None
        None: threads of this process, as many as :func:`n_threads` says.

    Returns
    -------
    list of dict of str to ndarray (arm, run, ...)
        In the order of `studies`.

    Warns
    -----
    RuntimeWarning
        If workers of `executor` were lost.
    """
    threads = n_threads()
    chunks: list[Chunk] = []
    for study in studies:
        pieces = 4 * threads if executor is None else max(_FEWEST, study.n_groups // _GROUPS)
        chunks += cut(study, pieces)
    chunks.sort(key=lambda chunk: -chunk.n_groups)
    results: list[dict[str, NDArray]] = [{} for _ in studies]
    lost = chunks if executor is None else _collect(chunks, executor, studies, results)
    if executor is not None and lost:
        warnings.warn(
            f"{counted(len(lost), 'chunk')} of {len(chunks)} lost by the executor: trained here instead",
            RuntimeWarning,
            stacklevel=3,
        )
    if lost:
        own = ThreadPoolExecutor(threads)
        try:
            _collect(lost, own, studies, results)
        finally:
            own.shutdown(cancel_futures=True)
    return results


def _collect(
    chunks: Sequence[Chunk], executor: Executor, studies: Sequence[Chunk], results: list[dict[str, NDArray]]
) -> list[Chunk]:
    """Have chunks trained and put into `results`; return those that died with their worker."""
    waiting: dict[Future, Chunk] = {}
    lost: list[Chunk] = []
    try:
        for chunk in chunks:
            try:
                waiting[executor.submit(train_chunk, chunk)] = chunk
            except BrokenExecutor:
                lost.append(chunk)
        for future in as_completed(list(waiting)):
            chunk = waiting.pop(future)
            try:
                trained = future.result()
            except Exception as problem:
                if not _is_loss(problem):
                    raise
                lost.append(chunk)
                continue
            whole, at = studies[chunk.study], results[chunk.study]
            if not at:
                n_runs = whole.last - whole.first
                at |= {name: np.empty((len(part), n_runs, *part.shape[2:])) for name, part in trained.items()}
            put(chunk, trained, at, whole.first)
    finally:
        for future in waiting:
            future.cancel()
    return lost


def _is_loss(problem: Exception) -> bool:
    """Whether a chunk's error says that its worker went, by the standard library's names or Dask's."""
    gone = isinstance(problem, (BrokenExecutor, CancelledError, ConnectionError, EOFError))
    return gone or type(problem).__name__ == "KilledWorker"
