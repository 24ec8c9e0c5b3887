"""An executor that keeps finished chunks in a folder, so that interrupted work can be resumed.

A file is written completely or not at all. Its name is a digest of everything that its results depend on: the
chunk's arguments, this package's code and the versions of the libraries that compile it. The last 64 bytes
(the comment of the ``.npz`` archive) are the digest of this name and of all bytes before. A file that does
not end with its own digest is not used: it is cut, damaged, or holds other results.
"""

from __future__ import annotations

import errno
import hashlib
import io
import os
import platform
import warnings
import zipfile
from collections.abc import Callable, Mapping
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import suppress
from functools import cache
from importlib.metadata import version
from math import prod
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rlvr._locking import FolderLock
from rlvr._writing import replacing
from rlvr.simulator.chunks import Chunk, argument_digest, fault_of, sealed, train_chunk
from rlvr.simulator.executors import n_threads

__all__ = ["KeptChunks", "chunk_digest", "code_digest"]

_PACKAGE = Path(__file__).parents[1]
_SEAL = 64  # digits of a digest
_WHOLE, _HALF = ("[0-9a-f]" * _SEAL + ".npz",), (".*.npz",)
_MOST = 2**30  # bytes of results, more than any chunk has
_FRONT = 2**12  # most bytes of an array's name and shape


class KeptChunks(Executor):
    """Train by another executor and keep every chunk's results; kept chunks are read, not trained.

    One process at a time may use the folder. As a context manager, this executor removes the folder when its
    block ends without an error, and otherwise keeps it.

    Parameters
    ----------
    folder : path
        Folder of the chunks; created if missing, in an existing folder.
    executor : concurrent.futures.Executor, optional
        Executor that trains; threads of this process by default.
    resume : bool
        Continue from the kept chunks. False removes them first.
    report : callable, optional
        Called with one line for each file that is not used and whose chunk is trained again; by default a
        RuntimeWarning.

    Attributes
    ----------
    n_found : int
        Chunks that were read instead of trained.
    n_trained : int
        Chunks that were trained and kept.

    Raises
    ------
    BlockingIOError
        If the folder is in use; the message names the user.
    OSError
        If the folder cannot be written to, or, from a submitted chunk, its file cannot.

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

    def __init__(
        self,
        folder: str | Path,
        executor: Executor | None = None,
        *,
        resume: bool = False,
        report: Callable[[str], object] | None = None,
    ) -> None:
        self.folder = Path(folder)
        self.n_found = self.n_trained = 0
        threads = n_threads()
        self._lock = _made_and_locked(self.folder)
        self._report, self._counting = report or _warn, Lock()
        self._remove(*_HALF, *(() if resume else _WHOLE))
        self._trains = ThreadPoolExecutor(threads) if executor is None else executor
        self._owned = executor is None

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future:
        """Train a chunk or read its kept results; other work is passed on."""
        if fn is not train_chunk:
            return self._trains.submit(fn, *args, **kwargs)
        (chunk,) = args
        digest = chunk_digest(chunk)
        n_numbers = chunk.settings["arms"].size * chunk.n_runs * sum(map(prod, chunk.results.values()))
        results = self.find(digest, most=8 * n_numbers + _FRONT * (1 + len(chunk.results)))
        if results is not None:
            found: Future = Future()
            found.set_result(sealed(chunk, results))
            return found
        return _Keeping(self, chunk, digest, self._trains.submit(train_chunk, chunk))

    def find(self, digest: str, *, most: int = _MOST) -> dict[str, NDArray] | None:
        """Read what was kept under a digest, or None; any other content is reported and removed.

        A file of more than `most` bytes is removed without being read.
        """
        path = self._path(digest)
        if not os.path.lexists(path):
            return None
        results = _verified(path, digest, most)
        if results is None:
            if path.is_dir() and not path.is_symlink():
                raise IsADirectoryError(
                    errno.EISDIR, "a folder where finished work is kept; move it away", str(path)
                )
            path.unlink(missing_ok=True)
            self._report(f"{path.name[:12]}….npz in {self.folder} is not what was kept there; computed anew")
        else:
            with self._counting:
                self.n_found += 1
        return results

    def keep(self, digest: str, results: Mapping[str, Any]) -> None:
        """Write results (arrays, numbers or texts by name) under a digest of everything they depend on."""
        if not self._lock.release.alive:
            raise RuntimeError(f"{self.folder}: nothing is kept after a shutdown; open a new KeptChunks")
        with replacing(self._path(digest)) as (new,):
            np.savez(new, **results)
            with zipfile.ZipFile(new, "a") as archive:
                archive.comment = bytes(_SEAL)
            with new.open("r+b") as file:
                seal = _seal(digest, file.read()[:-_SEAL])
                file.seek(-_SEAL, os.SEEK_END)
                file.write(seal)
        with self._counting:
            self.n_trained += 1

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Release the folder, and end the threads if they belong to this executor."""
        if self._owned:
            self._trains.shutdown(wait, cancel_futures=cancel_futures)
        self._lock.release()

    def __exit__(self, kind: object, *others: object) -> None:
        if self._owned:
            self._trains.shutdown(cancel_futures=kind is not None)
        if kind is None:
            self.clear()
        self._lock.release()
        if kind is None:
            with suppress(OSError):  # the lock file is gone by now
                self.folder.rmdir()

    def clear(self) -> None:
        """Remove the chunks, and the folder if it is then empty."""
        self._remove(*_HALF, *_WHOLE)
        with suppress(OSError):
            self.folder.rmdir()

    def _path(self, digest: str) -> Path:
        return self.folder / f"{digest}.npz"

    def _remove(self, *patterns: str) -> None:
        for pattern in patterns:
            for path in self.folder.glob(pattern):
                if path.is_symlink() or not path.is_dir():
                    path.unlink(missing_ok=True)


class _Keeping(Future):
    """A chunk's results, on disk before they are returned; results without a valid seal are not kept."""

    def __init__(self, kept: KeptChunks, chunk: Chunk, digest: str, trained: Future) -> None:
        super().__init__()
        self._kept, self._chunk, self._digest, self._trained = kept, chunk, digest, trained
        trained.add_done_callback(self._keep)

    def cancel(self) -> bool:
        cancelled = super().cancel()
        self._trained.cancel()
        return cancelled

    def _keep(self, trained: Future) -> None:
        try:
            results = trained.result()
            if not fault_of(self._chunk, results):
                self._kept.keep(self._digest, results)
        except BaseException as problem:
            if self.set_running_or_notify_cancel():
                self.set_exception(problem)
        else:
            if self.set_running_or_notify_cancel():
                self.set_result(results)


def _made_and_locked(folder: Path) -> FolderLock:
    while True:
        folder.mkdir(exist_ok=True)
        with suppress(FileNotFoundError):  # its last user has removed the folder since
            return FolderLock(folder)


def _warn(line: str) -> None:
    warnings.warn(line, RuntimeWarning, stacklevel=4)


def _seal(digest: str, content: bytes) -> bytes:
    """The digest at the end of a file of results, of its name and its bytes (types, shapes and values)."""
    return hashlib.sha256(digest.encode() + content).hexdigest().encode()


def _verified(path: Path, digest: str, most: int) -> dict[str, NDArray] | None:
    """The results in a file if its digest is valid; nothing is parsed before."""
    try:
        if not path.is_file() or path.stat().st_size > most:  # do not wait for a pipe
            return None
        with path.open("rb") as file:
            data = file.read(most + 1)  # the file may grow
    except (OSError, MemoryError):
        return None
    if _seal(digest, data[:-_SEAL]) != data[-_SEAL:]:
        return None
    with np.load(io.BytesIO(data)) as file:
        return dict(file)


def chunk_digest(chunk: Chunk) -> str:
    """Digest of a chunk's arguments and of the training code, as hexadecimal digits."""
    return hashlib.sha256(code_digest().encode() + argument_digest(chunk)).hexdigest()


@cache
def code_digest() -> str:
    """Digest of the package's source and of the versions of the libraries that compile and compute.

    The digest covers the whole package, because the kernels take arms and options from other files.
    """
    libraries = " ".join(f"{name} {version(name)}" for name in ("numpy", "numba", "llvmlite", "scipy"))
    digest = hashlib.sha256(f"{libraries} {platform.machine()}".encode())
    for path in sorted(_PACKAGE.rglob("*.py")):
        source = path.read_bytes()
        digest.update(f" {path.relative_to(_PACKAGE).as_posix()} {len(source)} ".encode() + source)
    return digest.hexdigest()
