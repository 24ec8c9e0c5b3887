"""Read files once, hash them as they are read, and bound the memory they take.

A file is opened once, and the open handle, not the name, decides whether it is a file, because a pipe without
a writer would block for ever. Gzip and Zstandard are unpacked. A file is refused if it expands far more than
text does, or does not fit into memory in one piece.
"""

from __future__ import annotations

import gc
import gzip
import hashlib
import io
import lzma
import os
import re
import stat
import struct
import sys
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from contextvars import ContextVar
from functools import partial
from pathlib import Path
from typing import IO, Any

from rlvr._checks import shortened

__all__ = [
    "ReadingError", "archive", "digests_as_read", "files_below", "is_zip", "lines", "member",
    "no_search_for_cycles", "opened", "parquet_rows", "read_bytes",
]  # fmt: skip

MOST_WHOLE = 2**31
"""Most bytes that are read in one piece."""

MOST_LINE = 2**28
"""Most bytes of a line, where a file is read line by line."""

MOST_RATIO = 300
"""How many times its packed size a file may expand, beyond the first :data:`FREE_EXPANSION` bytes."""

FREE_EXPANSION = 2**26

MOST_FILES = 1_000_000
"""Most files in a folder and below it."""

_CHUNK, _FEW = 2**20, 2**11
_GZIP, _ZSTANDARD = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"
_ZIPPED_ZSTANDARD = 93  # zip's number for Zstandard, which Python's own module supports from 3.14 on
_DAMAGED = (EOFError, zlib.error, lzma.LZMAError, zipfile.BadZipFile)
_INHERITED = re.compile(r"/dev/stdin|/dev/fd/\d+|/proc/(self|\d+)/fd/\d+")
_digests: ContextVar[dict[str, str] | None] = ContextVar("digests", default=None)


class ReadingError(ValueError):
    """An input that cannot be read; the message names the input and the reason."""

    def __init__(self, name: str | Path, reason: str) -> None:
        super().__init__(f"{shortened(str(name))}: {reason}")
        self.reason = reason


@contextmanager
def digests_as_read(wanted: bool = True) -> Iterator[dict[str, str]]:
    """Collect the SHA-256 of each input that is read inside the block, by name."""
    found: dict[str, str] = {}
    before = _digests.set(found if wanted else None)
    try:
        yield found
    finally:
        _digests.reset(before)


@contextmanager
def opened(path: str | Path, *, pipes: bool = False) -> Iterator[IO[bytes]]:
    """Read the bytes of a file, unpacked if they are gzip or Zstandard.

    Parameters
    ----------
    path : path or "-"
        "-" is standard input.
    pipes : bool
        Accept a pipe that is already open: standard input, or the shell's ``<(command)``.

    Raises
    ------
    ReadingError
        If the path is not a file, cannot be read, is damaged, or expands too much.
    """
    name = "standard input" if str(path) == "-" else str(path)
    with ExitStack() as stack:
        raw, size = _handle(path, name, pipes, stack)
        tap = _Tap(raw, name)
        stream: IO[bytes] = io.BufferedReader(tap, _CHUNK)
        start = stream.peek(4)[:4]  # type: ignore[attr-defined]
        if start[:2] == _GZIP or start == _ZSTANDARD:
            unpacked = gzip.GzipFile(fileobj=stream) if start[:2] == _GZIP else _Zstandard(stream)
            packed = (lambda: size) if size is not None else (lambda: tap.n_read)
            stream = io.BufferedReader(_Expanded(unpacked, name, packed), _CHUNK)
        yield stream
        if (found := _digests.get()) is not None:
            while tap.read(_CHUNK):  # bytes that the reader skipped are part of the file too
                pass
            found[name] = tap.digest.hexdigest()


def _handle(path: str | Path, name: str, pipes: bool, stack: ExitStack) -> tuple[Any, int | None]:
    """An open handle of `path`, closed by `stack`, and its number of bytes if that is known."""
    if str(path) == "-":
        if sys.stdin is None:
            raise ReadingError(name, "it is closed")
        return sys.stdin.buffer, None
    try:
        # Do not wait for a writer: only an open handle shows for certain what a name leads to.
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    except FileNotFoundError:
        what = "a link whose target does not exist" if os.path.islink(path) else "no such file"
        raise ReadingError(name, what) from None
    except (OSError, ValueError) as error:
        raise ReadingError(name, f"cannot be read ({getattr(error, 'strerror', None) or error})") from None
    kind = os.fstat(descriptor)
    is_file, is_open_pipe = stat.S_ISREG(kind.st_mode), pipes and _INHERITED.fullmatch(os.path.abspath(path))
    if stat.S_ISDIR(kind.st_mode) or not (is_file or is_open_pipe):
        os.close(descriptor)
        what = "a folder" if stat.S_ISDIR(kind.st_mode) else "a device or pipe, not a file"
        raise ReadingError(name, f"this is {what}")
    if not is_file:
        os.set_blocking(descriptor, True)
    return stack.enter_context(open(descriptor, "rb", buffering=0)), kind.st_size if is_file else None


@contextmanager
def _named(name: str) -> Iterator[None]:
    """Add the name of the input to an error."""
    try:
        yield
    except ReadingError:
        raise
    except OSError as error:
        if isinstance(error, gzip.BadGzipFile):
            raise ReadingError(name, f"damaged, it cannot be unpacked ({error})") from None
        raise ReadingError(name, f"cannot be read ({error.strerror or error})") from None
    except (*_DAMAGED, struct.error, ValueError, RuntimeError) as error:
        raise ReadingError(name, f"damaged, it cannot be unpacked ({error})") from None


class _Counted(io.RawIOBase):
    """Pass bytes on and count them."""

    def __init__(self, stream: Any, name: str) -> None:
        self.stream, self.name, self.n_read = stream, name, 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        with _named(self.name):
            chunk = self.stream.read(len(buffer))
        buffer[: len(chunk)] = chunk
        self.n_read += len(chunk)
        self._look(chunk)
        return len(chunk)

    def _look(self, chunk: bytes) -> None:
        raise NotImplementedError


class _Tap(_Counted):
    """Bytes as they are stored, hashed where a digest was asked for."""

    def __init__(self, stream: Any, name: str) -> None:
        super().__init__(stream, name)
        self.digest = hashlib.sha256()

    def _look(self, chunk: bytes) -> None:
        if _digests.get() is not None:
            self.digest.update(chunk)


class _Zstandard:
    """Unpack frames of Zstandard; the library's own reader would accept a truncated frame."""

    def __init__(self, packed: Any) -> None:
        import zstandard  # a plain table does not need the library

        self.library: Any = zstandard
        self.packed, self.rest, self.ready = packed, b"", b""
        self.frame: Any = None

    def read(self, size: int) -> bytes:
        while not self.ready:
            # Read a few bytes at a time, because their expanded size is not bounded.
            if not (chunk := self.rest or self.packed.read(_FEW)):
                if self.frame is not None:
                    raise EOFError("it ends within a frame")
                return b""
            self.frame = self.frame or self.library.ZstdDecompressor().decompressobj()
            try:
                self.ready, self.rest = self.frame.decompress(chunk), self.frame.unused_data
            except self.library.ZstdError as error:
                raise EOFError(error) from None
            if self.frame.eof:
                self.frame = None
        part, self.ready = self.ready[:size], self.ready[size:]
        return part

    def close(self) -> None:
        """Do nothing: this object holds nothing open."""


class _Expanded(_Counted):
    """Bytes of an unpacked stream, refused once they far exceed the packed bytes."""

    def __init__(self, stream: Any, name: str, packed: Callable[[], int]) -> None:
        super().__init__(stream, name)
        self.packed = packed

    def _look(self, chunk: bytes) -> None:
        if self.n_read > max(FREE_EXPANSION, MOST_RATIO * self.packed()):
            raise ReadingError(
                self.name,
                f"expands to more than {MOST_RATIO} times its packed size of {self.packed():,} bytes; "
                "unpack the file first if this size is right",
            )


def read_bytes(path: str | Path, *, pipes: bool = False, until: bytes = b"") -> bytes:
    """All bytes of a file, as :func:`opened` gives them; reading stops early at the text `until`."""
    with opened(path, pipes=pipes) as stream:
        return _whole(stream, "standard input" if str(path) == "-" else str(path), until)


def _whole(stream: Any, name: str, until: bytes = b"") -> bytes:
    chunks, size = [], 0
    while chunk := stream.read(_CHUNK):
        chunks.append(chunk)
        size += len(chunk)
        if until and until in chunk:
            break
        if size > MOST_WHOLE:
            raise ReadingError(name, f"holds more than {MOST_WHOLE:,} bytes, the most that is read at once")
    return b"".join(chunks)


@contextmanager
def no_search_for_cycles() -> Iterator[None]:
    """Suspend the search for reference cycles: parsed files have none, and it takes a third of the time."""
    searching = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if searching:
            gc.enable()


def lines(path: str | Path) -> Iterator[bytes]:
    """Iterate over the lines of a file, with one line in memory at a time."""
    with opened(path) as stream:
        for number, line in enumerate(iter(partial(stream.readline, MOST_LINE), b""), 1):
            if len(line) == MOST_LINE and not line.endswith(b"\n"):
                raise ReadingError(
                    path, f"line {number} is longer than {MOST_LINE:,} bytes, the most accepted"
                )
            yield line


def parquet_rows(path: str | Path) -> Iterator[dict[str, Any]]:
    """Iterate over the rows of a Parquet file, refused once they far exceed the bytes that hold them.

    Raises
    ------
    ReadingError
        If the file cannot be read, is damaged or expands too much, or pyarrow is not installed.
    """
    try:
        from pyarrow import ArrowException, BufferReader
        from pyarrow.parquet import ParquetFile
    except ImportError:
        raise ReadingError(
            path,
            "a Parquet file, which is read with pyarrow; install it (pip install pyarrow, or "
            "'rlvr[parquet]'), or write the rows as JSON lines",
        ) from None
    content = read_bytes(path)
    n_read, most = 0, max(FREE_EXPANSION, MOST_RATIO * len(content))
    try:
        for batch in ParquetFile(BufferReader(content)).iter_batches(1024):
            for column in batch.columns:  # a dictionary has few entries, but becomes one text for each row
                is_packed = hasattr(column, "dictionary_decode")
                n_read += (column.dictionary_decode() if is_packed else column).nbytes
            if n_read > most:
                raise ReadingError(
                    path,
                    f"expands to more than {MOST_RATIO} times its packed size of {len(content):,} bytes; "
                    "write the rows as JSON lines if this size is right",
                )
            yield from batch.to_pylist()
    except (ArrowException, OSError) as error:
        raise ReadingError(
            path, f"a damaged Parquet file ({shortened(str(error))}); a whole one is accepted"
        ) from None


def is_zip(path: str | Path) -> bool:
    """Whether a file is a zip archive; does not wait for a pipe."""
    with ExitStack() as stack:
        raw, _ = _handle(path, str(path), False, stack)
        return zipfile.is_zipfile(raw)


@contextmanager
def archive(path: str | Path) -> Iterator[zipfile.ZipFile]:
    """Open a zip archive, hashed as a whole before its members are read.

    Raises
    ------
    ReadingError
        If the path is not a file, or the archive is incomplete.
    """
    with ExitStack() as stack:
        raw, _ = _handle(path, str(path), False, stack)
        if (found := _digests.get()) is not None:
            found[str(path)] = hashlib.file_digest(raw, "sha256").hexdigest()
        with _named(str(path)):
            packed = stack.enter_context(zipfile.ZipFile(stack.enter_context(io.BufferedReader(raw))))
        yield packed


def member(packed: zipfile.ZipFile, path: str | Path, name: str) -> bytes:
    """The bytes of one member of an archive that lies at `path`."""
    info = packed.getinfo(name)
    if info.flag_bits & 1:
        raise ReadingError(path, f"{name} is encrypted; an archive without a password is accepted")
    where = f"{path}, {name}"
    with _named(where):
        if info.compress_type != _ZIPPED_ZSTANDARD:
            stream: Any = packed.open(info)
        else:
            file = packed.fp
            assert file is not None
            file.seek(info.header_offset + 26)
            file.seek(sum(int.from_bytes(file.read(2), "little") for _ in range(2)), os.SEEK_CUR)
            stream = _Zstandard(io.BytesIO(file.read(info.compress_size)))
    with closing(stream):
        content = _whole(
            io.BufferedReader(_Expanded(stream, where, lambda: info.compress_size), _CHUNK), where
        )
    if zlib.crc32(content) != info.CRC:
        raise ReadingError(where, "damaged, its checksum differs")
    return content


def files_below(folder: str | Path) -> list[Path]:
    """Every file in a folder and its subfolders, linked folders included, each once.

    Raises
    ------
    ReadingError
        Naming the folder that cannot be listed.
    """
    found: list[Path] = []
    seen: set[tuple[int, int]] = set()
    waiting, linked = [Path(folder)], list[Path]()
    while waiting or linked:
        place = waiting.pop() if waiting else linked.pop()  # links come last, after their possible targets
        try:
            status = place.stat()
            if (status.st_dev, status.st_ino) in seen:
                continue
            seen.add((status.st_dev, status.st_ino))
            with os.scandir(place) as entries:
                for entry in entries:
                    if not entry.is_dir():
                        found.append(Path(entry.path))
                    else:
                        (linked if entry.is_symlink() else waiting).append(Path(entry.path))
                    if len(found) > MOST_FILES:
                        raise ReadingError(folder, f"holds more than {MOST_FILES:,} files, the most accepted")
        except OSError as error:
            raise ReadingError(place, f"this folder cannot be listed ({error.strerror})") from None
    return found
