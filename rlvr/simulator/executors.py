"""Who trains the chunks: threads of this process, or any `concurrent.futures.Executor`.

The rule for lost work: where a worker dies, what it had not returned is trained here, with a warning;
since a chunk carries all it needs, the bits are the same. Any other error stops everything, and nothing
is returned.
"""

from __future__ import annotations

import itertools
import os
import traceback
import warnings
from collections import defaultdict
from collections.abc import Callable, Sequence
from concurrent.futures import (
    BrokenExecutor,
    CancelledError,
    Executor,
    Future,
    ThreadPoolExecutor,
    as_completed,
)
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rlvr._checks import counted, shown
from rlvr.simulator.progress_bars import Progress
from rlvr.simulator.training_chunks import Chunk, alike, cut, join, train_chunk

__all__ = ["Results", "n_threads", "train_all"]

_SIDE_BY_SIDE = 64  # runs of a chunk, where there are enough: with refilling, as many fill the lanes
_LONGEST = 20_000_000  # groups of a chunk on a thread: a few seconds, which an interrupt has to wait
_TRAVELLING = 2_000_000  # groups of a chunk that travels: half a second
_WORKERS = 8  # that short studies are cut for, where nobody knows how many there are

Results = dict[str, NDArray]


@dataclass(frozen=True)
class _Piece:
    """A chunk of a whole, and where in the results (arm, run, ...) of the whole its own belong."""

    chunk: Chunk
    results: Results
    at: int
    n_runs: int

    def keep(self, trained: Results) -> None:
        for name, part in trained.items():
            if name not in self.results:
                self.results[name] = np.empty((len(part), self.n_runs, *part.shape[2:]))
            self.results[name][:, self.at : self.at + self.chunk.n_runs] = part


def n_threads() -> int:
    """Threads to train on: RLVR_THREADS if set, else the processors this process may use."""
    asked = os.environ.get("RLVR_THREADS", "")
    if asked:
        if not asked.isdecimal() or int(asked) < 1:
            raise ValueError(f"RLVR_THREADS must be an integer of at least 1, got {shown(asked)}")
        return int(asked)
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def train_all(
    studies: Sequence[Chunk], executor: Executor | None = None, progress: Progress | None = None
) -> list[Results]:
    """Train several studies at once, the largest chunks first, so that no worker waits for another's end.

    Studies that differ in their priors alone become one piece of work before it is cut.

    Parameters
    ----------
    studies : sequence of Chunk
        Each the whole of one study.
    executor : Executor or None
        None: threads of this process, as many as :func:`n_threads` says.
    progress : callable, optional
        Told how many chunks are done and how many there are; the first time when none is.

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
    groups: dict[object, list[int]] = defaultdict(list)
    for place, study in enumerate(studies):
        groups[alike(study)].append(place)
    n_groups = max(1, sum(study.n_groups for study in studies))
    pieces: list[_Piece] = []
    results: list[Results] = [{}] * len(studies)
    for places in groups.values():
        whole = join([studies[place] for place in places])
        share = max(1, -(-threads * whole.n_groups // n_groups))  # of the threads, rounded up
        n_chunks = max(share, min(4 * share, whole.n_runs // _SIDE_BY_SIDE), whole.n_groups // _LONGEST)
        if executor is not None:
            n_chunks = max(1, min(_WORKERS, whole.n_runs // _SIDE_BY_SIDE), whole.n_groups // _TRAVELLING)
        together: Results = {}
        at = 0
        for chunk in cut(whole, n_chunks):
            pieces.append(_Piece(chunk, together, at, whole.n_runs))
            at += chunk.n_runs
        for place in places:
            results[place] = together
    pieces.sort(key=lambda piece: -piece.chunk.n_groups)
    say = _counter(len(pieces), progress)
    lost = pieces if executor is None else _collect(pieces, executor, say)
    if executor is not None and lost:
        warnings.warn(
            f"{counted(len(lost), 'chunk')} of {len(pieces)} lost by the executor: trained here instead",
            RuntimeWarning,
            stacklevel=3,
        )
    if lost:
        own = ThreadPoolExecutor(threads)
        try:
            _collect(lost, own, say)
        finally:
            own.shutdown(cancel_futures=True)
    for places in groups.values():
        at = 0
        for place in places:
            own_runs = slice(at, at := at + studies[place].n_runs)
            results[place] = {name: array[:, own_runs] for name, array in results[place].items()}
    return results


def _collect(pieces: Sequence[_Piece], executor: Executor, say: Callable[[], None]) -> list[_Piece]:
    """Have chunks trained and their results kept; return those that died with their worker."""
    waiting: dict[Future, _Piece] = {}
    lost: list[_Piece] = []
    try:
        for piece in pieces:
            try:
                waiting[executor.submit(train_chunk, piece.chunk)] = piece
            except BrokenExecutor:
                lost.append(piece)
        for future in as_completed(list(waiting)):
            piece = waiting.pop(future)
            try:
                piece.keep(future.result())
            except Exception as problem:
                if not _is_loss(problem):
                    raise
                lost.append(piece)
            else:
                say()
    finally:
        for future in waiting:
            future.cancel()
    return lost


def _counter(n_chunks: int, progress: Progress | None) -> Callable[[], None]:
    """What to call after each chunk."""
    done = itertools.count()

    def say() -> None:
        if progress is not None:
            progress(next(done), n_chunks)

    say()
    return say


def _is_loss(problem: Exception) -> bool:
    """Whether a chunk's error says that its worker went: by the standard library's names, or Dask's own.

    Dask's executor raises what a worker raised with the worker's traceback. What it raises itself is that it
    gave a chunk up, or trips over an answer whose worker died between sending it and being asked for it.
    """
    if isinstance(problem, (BrokenExecutor, CancelledError, ConnectionError, EOFError)):
        return True
    frames = [frame for frame, _ in traceback.walk_tb(problem.__traceback__)]
    return bool(frames) and frames[-1].f_globals.get("__name__") == "distributed.cfexecutor"
