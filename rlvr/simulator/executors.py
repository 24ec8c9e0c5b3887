"""Train chunks of work on threads of this process or on any `concurrent.futures.Executor`.

A chunk can be pickled, and its runs depend only on (seed, task draw, training seed). So results are the same
bits wherever a chunk is trained, whatever the size or order of chunks, and whatever other studies are
trained.

If a worker dies, this process trains the chunks that it had not returned, with a warning. A chunk holds
everything that it needs, so the bits are the same. A chunk that comes back as anything but its sealed answer
is treated alike. Any other error stops the whole call.

Not every loss is reported. A Dask cluster keeps work waiting without limit once its last worker is gone, and
a local cluster on a loaded machine removes a worker that does not reconnect within 15 s. Paused and frozen
workers, lost connections and full pools all look alike here: no answer comes. So while an executor gives no
answer, this process trains chunks too; of two answers the first is used.
"""

from __future__ import annotations

import itertools
import os
import traceback
import warnings
import weakref
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import BrokenExecutor, CancelledError, Executor, Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from queue import Empty, SimpleQueue
from time import monotonic
from typing import Any

import numpy as np

from rlvr._checks import counted, shown
from rlvr.simulator.chunks import Chunk, Results, cut, fault_of, train_chunk

__all__ = ["Chunk", "Progress", "Results", "counting", "cut", "n_threads", "train_all", "train_chunk"]

_SIDE_BY_SIDE = 64  # fewest runs of a chunk, if there are as many: with refilling, these fill the lanes
_LONGEST = 20_000_000  # groups of a chunk on a thread: a few seconds, for which an interrupt waits
_TRAVELLING = 2_000_000  # groups of a chunk that is sent away: half a second
_WORKERS = 8  # assumed number of workers, where it is not known
_OF_FUTURES = ("add_done_callback", "cancel", "cancelled", "done", "result")
_SILENCE = 60.0  # seconds without an answer, plus twice the time of the longest chunk here

Progress = Callable[[int, int], object]


def _alike(chunk: Chunk) -> object:
    """Properties that two studies must share to be trained as one; never equal for shared strategies."""
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
    """Join whole studies that are :func:`_alike` into one chunk, task draws one after the other."""
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


@dataclass(frozen=True)
class _Piece:
    """A chunk, and the place of its results in those (arm, run, ...) of the whole."""

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
    """Number of training threads: RLVR_THREADS if set, else the processors that this process may use."""
    asked = os.environ.get("RLVR_THREADS", "")
    if asked:
        if not asked.isdecimal() or int(asked) < 1:
            raise ValueError(f"RLVR_THREADS must be an integer of at least 1, got {shown(asked)}")
        return int(asked)
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def train_all(
    studies: Sequence[Chunk], executor: Executor | None = None, progress: bool | Progress = False
) -> list[Results]:
    """Train several studies at once, largest chunks first, so that no worker waits at the end.

    Studies that differ only in their priors are joined before the work is cut.

    Parameters
    ----------
    studies : sequence of Chunk
        One chunk for each whole study.
    executor : Executor or None
        None: threads of this process, as many as :func:`n_threads` says.
    progress : bool or callable
        As in :func:`counting`; called with the number of finished chunks, first with 0.

    Returns
    -------
    list of dict of str to ndarray (arm, run, ...)
        In the order of `studies`.

    Warns
    -----
    RuntimeWarning
        If chunks were trained here because workers of `executor` were lost, silent or wrong.

    Raises
    ------
    TypeError
        If `executor.submit` does not return a future.
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
        share = max(1, -(-threads * whole.n_groups // n_groups))  # its part of the threads, rounded up
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
        not_taken = _collect(pieces, executor, threads, _counter(len(pieces), report))
    if executor is not None:
        silent = f", after {_patience(pieces):.0f} s without an answer" if _pulse(executor).silent else ""
        wrong = f"answered wrongly by the executor ({next(iter(not_taken.wrong.values()), '')})"
        n_wrong = len(not_taken.wrong)
        for n, what, how in ((not_taken.n_lost, "lost by the executor", silent), (n_wrong, wrong, "")):
            if n:
                line = f"{counted(n, 'chunk')} of {len(pieces)} {what}: trained here instead{how}"
                warnings.warn(line, RuntimeWarning, stacklevel=3)
    for places in groups.values():
        at = 0
        for place in places:
            own_runs = slice(at, at := at + studies[place].n_runs)
            results[place] = {name: array[:, own_runs] for name, array in results[place].items()}
    return results


@dataclass
class _Pulse:
    """Time of an executor's last answer to any study, and whether it has been given up since."""

    heard: float
    silent: bool = False


_pulses: dict[int, _Pulse] = {}  # by id, because not every executor can be hashed


def _pulse(executor: Executor) -> _Pulse:
    """The pulse of an executor, shared by all studies that wait for its workers."""
    if id(executor) not in _pulses:
        _pulses[id(executor)] = _Pulse(monotonic())
        weakref.finalize(executor, _pulses.pop, id(executor), None)
    return _pulses[id(executor)]


def _patience(pieces: Sequence[_Piece]) -> float:
    """Seconds without an answer after which an executor counts as silent."""
    return _SILENCE + max((piece.chunk.n_groups for piece in pieces), default=0) / _TRAVELLING


@dataclass
class _NotTaken:
    """Chunks of an executor that were trained here: the number lost, and the faults of the others."""

    n_lost: int = 0
    wrong: dict[int, str] = field(default_factory=dict)


def _collect(
    pieces: Sequence[_Piece], executor: Executor | None, threads: int, say: Callable[[], None]
) -> _NotTaken:
    """Train every chunk, by an executor if there is one, and verify each of its answers."""
    here = ThreadPoolExecutor(threads)
    pulse = _Pulse(monotonic()) if executor is None else _pulse(executor)
    began, patience = monotonic(), _patience(pieces)
    unanswered = dict(enumerate(pieces))
    begun_here: set[int] = set()
    answers: SimpleQueue[tuple[int, Future, bool]] = SimpleQueue()
    pending: set[Future] = set()
    n_busy, not_taken = 0, _NotTaken()

    def begin(place: int, pool: Executor) -> None:
        def answered(future: Future) -> None:
            if pool is not here and not future.cancelled():
                pulse.heard, pulse.silent = monotonic(), False
            answers.put((place, future, pool is here))

        future = pool.submit(train_chunk, pieces[place].chunk)
        if isinstance(future, type) or not all(hasattr(future, method) for method in _OF_FUTURES):
            raise TypeError(
                f"executor.submit must return a concurrent.futures.Future, got {shown(future)} of type "
                f"{type(future).__name__}"
            )
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
                begin(place, here if executor is None else executor)  # an executor may be falsy
            except Exception as problem:
                if not _is_loss(problem):
                    raise
                begin_here(place)
        while unanswered:
            if pulse.silent:  # from the end, which a recovering executor reaches last
                rest = (place for place in reversed(unanswered) if place not in begun_here)
                for place in itertools.islice(rest, max(0, threads - n_busy)):
                    begin_here(place)
            left = max(pulse.heard, began) + patience - monotonic()
            try:
                place, future, from_here = answers.get(
                    timeout=None if executor is None or pulse.silent else max(0.0, left)
                )
            except Empty:
                if monotonic() - max(pulse.heard, began) >= patience:  # no answer to any study
                    pulse.silent = True
                continue
            pending.discard(future)
            n_busy -= from_here
            if place not in unanswered:
                continue
            try:
                trained: Any = future.result() if future.done() else "a future that is not done"
            except BaseException as problem:
                if executor is None or from_here or not _is_loss(problem):
                    raise
                begin_here(place)
                continue
            if not from_here and (fault := fault_of(pieces[place].chunk, trained)):
                not_taken.wrong.setdefault(place, fault)
                begin_here(place)
                continue
            unanswered.pop(place).keep(trained)
            not_taken.n_lost += from_here and executor is not None and place not in not_taken.wrong
            say()
    finally:
        for future in pending:
            future.cancel()
        here.shutdown(wait=executor is None, cancel_futures=True)
    return not_taken


def _counter(n_chunks: int, progress: Progress | None) -> Callable[[], None]:
    """The function to call after each chunk."""
    done = itertools.count()

    def say() -> None:
        if progress is not None:
            progress(next(done), n_chunks)

    say()
    return say


def _is_loss(problem: BaseException) -> bool:
    """Whether a chunk's error means a lost worker, by the names of the standard library or of Dask.

    A worker that calls `sys.exit` must not end the process that waits for it.

    Dask's executor raises a worker's error with the worker's traceback. Errors without it are Dask's own: it
    gave up a chunk, was closed, or found that the worker died after announcing its answer.
    """
    if isinstance(problem, (BrokenExecutor, CancelledError, ConnectionError, EOFError, SystemExit)):
        return True
    if type(problem).__name__ == "CancelledError":  # asyncio has an error of its own
        return True
    if type(problem).__module__.split(".")[0] == "distributed":
        return True
    frames = [frame for frame, _ in traceback.walk_tb(problem.__traceback__)]
    return bool(frames) and frames[-1].f_globals.get("__name__") == "distributed.cfexecutor"


@contextmanager
def counting(progress: bool | Progress, described: str = "simulating") -> Iterator[Progress | None]:
    """The function that progress is reported to: the caller's, a bar, or none.

    Parameters
    ----------
    progress : bool or callable
        A callable is returned as it is. True gives a bar, drawn only on a terminal, so that logs and
        notebooks stay free of it.
    described : str
        Text before the bar.

    Yields
    ------
    callable or None
        Takes the number finished and the total.

    Raises
    ------
    TypeError
        If `progress` is neither a boolean nor a callable.
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
