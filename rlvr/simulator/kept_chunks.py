"""An executor that keeps finished chunks in a folder, so that interrupted work goes on where it was.

A file is written whole or not at all, and named by a digest of everything its results depend on: the chunk's
arguments, this package's simulator and the versions of what compiles it. Other arguments or other code
never find it.
"""

from __future__ import annotations

import hashlib
import platform
from collections.abc import Callable
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import suppress
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from rlvr._writing import replacing
from rlvr.simulator.executors import Chunk, n_threads, train_chunk

__all__ = ["KeptChunks", "chunk_digest"]


class KeptChunks(Executor):
    """Trains by another executor and keeps every chunk's results; what is there already is not trained.

    As a context manager it removes the folder when its block ends well, and leaves it there when it does not.

    Parameters
    ----------
    folder : path
        Where the chunks go; made if need be, in a folder that exists.
    executor : concurrent.futures.Executor, optional
        Who trains; threads of this process by default.
    resume : bool
        Go on from the chunks that are there. False removes them first.

    Attributes
    ----------
    n_found : int
        Chunks that were read instead of trained.
    n_trained : int
        Chunks that were trained and kept.

    Examples
    --------
    >>> import tempfile
    >>> from rlvr import TaskFamily, simulate
    >>> folder = Path(tempfile.mkdtemp()) / "chunks"
    >>> kept = KeptChunks(folder)
    >>> runs = simulate(TaskFamily(), executor=kept)
    >>> kept.shutdown()
    >>> with KeptChunks(folder, resume=True) as again:
    ...     same = simulate(TaskFamily(), executor=again)
    >>> bool((runs.accuracy == same.accuracy).all()), again.n_trained, folder.exists()
    (True, 0, False)
    """

    def __init__(self, folder: str | Path, executor: Executor | None = None, *, resume: bool = False) -> None:
        self.folder = Path(folder)
        self.n_found = self.n_trained = 0
        if not resume:
            self.clear()
        self.folder.mkdir(exist_ok=True)
        self._trains = executor or ThreadPoolExecutor(n_threads())
        self._owned = executor is None

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future:
        """Train a chunk or read it; other work is passed on."""
        if fn is not train_chunk:
            return self._trains.submit(fn, *args, **kwargs)
        (chunk,) = args
        path = self.folder / f"{chunk_digest(chunk)}.npz"
        if path.exists():
            found: Future = Future()
            with np.load(path) as file:
                found.set_result(dict(file))
            self.n_found += 1
            return found
        return _Keeping(self, path, self._trains.submit(train_chunk, chunk))

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """End the threads, if they are this executor's own."""
        if self._owned:
            self._trains.shutdown(wait, cancel_futures=cancel_futures)

    def __exit__(self, kind: object, *others: object) -> None:
        self.shutdown(cancel_futures=kind is not None)
        if kind is None:
            self.clear()

    def clear(self) -> None:
        """Remove the chunks, and the folder if nothing else is in it."""
        for pattern in ("*.npz", ".*.npz"):
            for path in self.folder.glob(pattern):
                path.unlink(missing_ok=True)
        with suppress(OSError):
            self.folder.rmdir()


class _Keeping(Future):
    """A chunk's results, which are on the disk before they are known."""

    def __init__(self, kept: KeptChunks, path: Path, trained: Future) -> None:
        super().__init__()
        self._kept, self._path, self._trained = kept, path, trained
        trained.add_done_callback(self._keep)

    def cancel(self) -> bool:
        cancelled = super().cancel()
        self._trained.cancel()
        return cancelled

    def _keep(self, trained: Future) -> None:
        try:
            results = trained.result()
            with replacing(self._path) as (new,):
                np.savez(new, **results)
            self._kept.n_trained += 1
        except BaseException as problem:
            if self.set_running_or_notify_cancel():
                self.set_exception(problem)
        else:
            if self.set_running_or_notify_cancel():
                self.set_result(results)


def chunk_digest(chunk: Chunk) -> str:
    """Digest of a chunk's arguments and of the code that trains it, as hexadecimal digits."""
    digest = hashlib.sha256(_code().encode())
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
    return digest.hexdigest()


@cache
def _code() -> str:
    """Digest of the simulator's source and of the versions of the libraries that compile and compute."""
    digest = hashlib.sha256(f"{np.__version__} {version('numba')} {platform.machine()}".encode())
    for path in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()
