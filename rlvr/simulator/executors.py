"""Chunks of work, and who trains them: threads of this process, or any `concurrent.futures.Executor`.

A chunk can be pickled, and its runs depend on (seed, task draw, training seed) alone. So neither where a
chunk is trained, nor the size or order of chunks, nor the company of other studies can change a bit.

The rule for lost work: what a dead worker had not returned is trained here, with a warning; since a chunk
carries all it needs, the bits are the same. Any other error stops everything, and nothing is returned.

Not every loss is reported. A Dask cluster keeps work waiting without limit once its last worker is gone, and
on a loaded machine that happens after one death: a local cluster removes a worker that is not back in 15 s.
Paused and frozen workers, lost connections and full pools look the same from here: no answer comes. So where
an executor answers nobody for some time, this process trains chunks too, until it answers again; of two
answers the first counts.
"""

from __future__ import annotations

import itertools
import os
import traceback
import warnings
import weakref
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import BrokenExecutor, CancelledError, Executor, Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import pairwise
from queue import Empty, SimpleQueue
from time import monotonic
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rlvr._checks import counted, shown

__all__ = [
    "Chunk",
    "Progress",
    "Results",
    "counting",
    "cut",
    "n_threads",
    "train_all",
    "train_chunk",
    "without_first",
]

_SIDE_BY_SIDE = 64  # runs of a chunk, where there are enough: with refilling, as many fill the lanes
_LONGEST = 20_000_000  # groups of a chunk on a thread: a few seconds, which an interrupt has to wait
_TRAVELLING = 2_000_000  # groups of a chunk that travels: half a second
_WORKERS = 8  # that short studies are cut for, where nobody knows how many there are
_SILENCE = 60.0  # seconds without an answer, besides twice what the longest chunk takes here

Results = dict[str, NDArray]
Progress = Callable[[int, int], object]


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


def _alike(chunk: Chunk) -> object:
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


def _join(studies: Sequence[Chunk]) -> Chunk:
    """Whole studies that are :func:`_alike` as one chunk, task draws one after the other."""
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
    train = shared_kernel.train_strategies if chunk.shared else kernel.train_prompts
    train(chunk.first, chunk.last, n_seeds=chunk.n_seeds, **given, **results)
    own = slice(chunk.first, chunk.last)
    return {name: array.reshape(front[0], -1, *array.shape[3:])[:, own] for name, array in results.items()}


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
    studies: Sequence[Chunk], executor: Executor | None = None, progress: bool | Progress = False
) -> list[Results]:
    """Train several studies at once, the largest chunks first, so that no worker waits for another's end.

    Studies that differ in their priors alone become one piece of work before it is cut.

    Parameters
    ----------
    studies : sequence of Chunk
        Each the whole of one study.
    executor : Executor or None
        None: threads of this process, as many as :func:`n_threads` says.
    progress : bool or callable
        As in :func:`counting`; told how many chunks are done, the first time when none is.

    Returns
    -------
    list of dict of str to ndarray (arm, run, ...)
        In the order of `studies`.

    Warns
    -----
    RuntimeWarning
        If chunks were trained here because workers of `executor` were lost, or answered nothing.
    """
    threads = n_threads()
    groups: dict[object, list[int]] = defaultdict(list)
    for place, study in enumerate(studies):
        groups[_alike(study)].append(place)
    n_groups = max(1, sum(study.n_groups for study in studies))
    pieces: list[_Piece] = []
    results: list[Results] = [{}] * len(studies)
    for places in groups.values():
        whole = _join([studies[place] for place in places])
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
    with counting(progress) as report:
        n_lost = _collect(pieces, executor, threads, _counter(len(pieces), report))
    if n_lost and executor is not None:
        silent = f", after {_patience(pieces):.0f} s without an answer" if _pulse(executor).silent else ""
        warnings.warn(
            f"{counted(n_lost, 'chunk')} of {len(pieces)} lost by the executor: trained here instead{silent}",
            RuntimeWarning,
            stacklevel=3,
        )
    for places in groups.values():
        at = 0
        for place in places:
            own_runs = slice(at, at := at + studies[place].n_runs)
            results[place] = {name: array[:, own_runs] for name, array in results[place].items()}
    return results


@dataclass
class _Pulse:
    """When an executor last answered anyone, and whether it has been given up since."""

    heard: float
    silent: bool = False


_pulses: dict[int, _Pulse] = {}  # by id, for not every executor can be hashed


def _pulse(executor: Executor) -> _Pulse:
    """The one pulse of an executor, whoever trains by it: several studies may wait for the same workers."""
    if id(executor) not in _pulses:
        _pulses[id(executor)] = _Pulse(monotonic())
        weakref.finalize(executor, _pulses.pop, id(executor), None)
    return _pulses[id(executor)]


def _patience(pieces: Sequence[_Piece]) -> float:
    """Seconds without an answer after which an executor is silent."""
    return _SILENCE + max((piece.chunk.n_groups for piece in pieces), default=0) / _TRAVELLING


def _collect(
    pieces: Sequence[_Piece], executor: Executor | None, threads: int, say: Callable[[], None]
) -> int:
    """Have every chunk trained, by an executor if there is one; return how many of its chunks it lost."""
    here = ThreadPoolExecutor(threads)
    pulse = _Pulse(monotonic()) if executor is None else _pulse(executor)
    began, patience = monotonic(), _patience(pieces)
    unanswered = dict(enumerate(pieces))
    begun_here: set[int] = set()
    answers: SimpleQueue[tuple[int, Future, bool]] = SimpleQueue()
    pending: set[Future] = set()
    n_busy = n_lost = 0

    def begin(place: int, pool: Executor) -> None:
        def answered(future: Future) -> None:
            if pool is not here and not future.cancelled():
                pulse.heard, pulse.silent = monotonic(), False
            answers.put((place, future, pool is here))

        future = pool.submit(train_chunk, pieces[place].chunk)
        pending.add(future)
        future.add_done_callback(answered)

    def begin_here(place: int) -> None:
        nonlocal n_busy
        if place not in begun_here:
            begun_here.add(place)
            begin(place, here)
            n_busy += 1

    try:
        for place in unanswered:
            try:
                begin(place, executor or here)
            except Exception as problem:
                if not _is_loss(problem):
                    raise
                begin_here(place)
        while unanswered:
            if pulse.silent:  # from the end, where whoever wakes up arrives last
                rest = (place for place in reversed(unanswered) if place not in begun_here)
                for place in itertools.islice(rest, max(0, threads - n_busy)):
                    begin_here(place)
            left = max(pulse.heard, began) + patience - monotonic()
            try:
                place, future, from_here = answers.get(
                    timeout=None if executor is None or pulse.silent else max(0.0, left)
                )
            except Empty:
                if monotonic() - max(pulse.heard, began) >= patience:  # nor has it answered another study
                    pulse.silent = True
                continue
            pending.discard(future)
            n_busy -= from_here
            if place not in unanswered:
                continue
            try:
                trained = future.result()
            except Exception as problem:
                if executor is None or from_here or not _is_loss(problem):
                    raise
                begin_here(place)
            else:
                unanswered.pop(place).keep(trained)
                n_lost += from_here and executor is not None
                say()
    finally:
        for future in pending:
            future.cancel()
        here.shutdown(wait=executor is None, cancel_futures=True)
    return n_lost


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
    gave a chunk up or is closed, or trips over an answer whose worker died between sending it and being
    asked for it.
    """
    if isinstance(problem, (BrokenExecutor, CancelledError, ConnectionError, EOFError)):
        return True
    if type(problem).__module__.split(".")[0] == "distributed":
        return True
    frames = [frame for frame, _ in traceback.walk_tb(problem.__traceback__)]
    return bool(frames) and frames[-1].f_globals.get("__name__") == "distributed.cfexecutor"


@contextmanager
def counting(progress: bool | Progress, described: str = "simulating") -> Iterator[Progress | None]:
    """What to tell the progress to: the caller's function, a bar, or nothing.

    Parameters
    ----------
    progress : bool or callable
        A callable is given back. True stands for a bar, which is drawn on a terminal only, so that no log
        and no notebook keeps one.
    described : str
        What the bar says in front.

    Yields
    ------
    callable or None
        Takes how many are done, and of how many.

    Raises
    ------
    TypeError
        If `progress` is neither.
    """
    if callable(progress):
        yield progress
        return
    if not isinstance(progress, bool):
        raise TypeError(f"progress must be True, False or a callable, got {shown(progress)}")
    if not progress:
        yield None
        return
    from rich.console import Console
    from rich.progress import Progress as Bar

    console = Console(stderr=True, force_jupyter=False)
    with Bar(console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task(described, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
