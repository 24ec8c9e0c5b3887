"""Lock a folder for one process at a time, with a lock that names its holder.

The lock is an operating-system lock on one byte of the file ``.lock`` in the folder. The lock belongs to the
process and ends with it, however the process ends; forked workers do not inherit it. So the file of a killed
process is taken over. Over NFS the server keeps the lock for all its machines. Where a file system has no
locks, the name in the file decides: the lock of a dead process of this machine is taken over, and any other
lock is respected.
"""

from __future__ import annotations

import errno
import os
import platform
import re
import stat
import sys
import threading
import weakref
from contextlib import suppress
from datetime import datetime
from pathlib import Path

__all__ = ["FolderLock"]

_AT = 1 << 30  # the locked byte lies behind the record, so other processes can read the record
_HOLDER = re.compile(r"process (\d+) of ([\w.-]+) since [\d:. -]+")
_HERE: set[str] = set()  # locks of this process; the system would grant it the same lock twice
_GUARD = threading.Lock()


class FolderLock:
    """The lock of a folder, from now until :meth:`release` or the end of this process.

    Raises
    ------
    BlockingIOError
        If another process, or another lock of this process, holds the folder; the message names the holder.
    OSError
        If the folder cannot be written to.
    """

    def __init__(self, folder: Path) -> None:
        path = os.path.join(os.path.realpath(folder), ".lock")
        with _GUARD:
            if path in _HERE:
                raise _in_use(folder, f"this process ({os.getpid()})")
            handle = _locked(path, folder)
            _HERE.add(path)
        self.release = weakref.finalize(self, _release, path, handle, os.getpid())


def _locked(path: str, folder: Path) -> int:
    """Open a file, lock it and write this process's name into it."""
    while True:
        flags = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)  # do not wait for a pipe
        handle = os.open(path, os.O_RDWR | os.O_CREAT | flags, 0o666)
        try:
            if not stat.S_ISREG(os.fstat(handle).st_mode):
                raise OSError(errno.EINVAL, "a device or pipe, not a file; move it away", path)
            holder = _HOLDER.fullmatch(os.read(handle, 300).decode("utf-8", "replace").strip())
            try:
                _lock(handle)
            except OSError as problem:
                is_taken = problem.errno in (errno.EACCES, errno.EAGAIN, errno.EDEADLK)
                if is_taken or (holder and _may_live(int(holder[1]), holder[2])):
                    raise _in_use(folder, holder[0] if holder else "another process") from None
            if _is_file(handle, path):  # else its holder removed it in the meantime
                now = f"{datetime.now():%Y-%m-%d %H:%M:%S}"
                os.ftruncate(handle, 0)
                os.lseek(handle, 0, os.SEEK_SET)
                os.write(handle, f"process {os.getpid()} of {_machine()} since {now}\n".encode())
                return handle
        except BaseException as problem:
            if isinstance(problem, OSError) and problem.filename is None:
                problem.filename = path  # a full disk
            os.close(handle)
            raise
        os.close(handle)


def _in_use(folder: Path, holder: str) -> BlockingIOError:
    return BlockingIOError(
        errno.EAGAIN, f"in use by {holder}; wait for its end, or name another folder", str(folder)
    )


def _machine() -> str:
    return re.sub(r"[^\w.-]", "-", platform.node()) or "unnamed"


def _may_live(process: int, machine: str) -> bool:
    """Whether the process named as holder may still run; a process of another machine may."""
    if machine != _machine():
        return True
    if process == os.getpid():
        return False
    try:
        if sys.platform != "win32":  # where this call would end the process
            os.kill(process, 0)
    except OSError as problem:
        return not isinstance(problem, ProcessLookupError)
    return True


def _is_file(handle: int, path: str) -> bool:
    try:
        return os.path.samestat(os.fstat(handle), os.stat(path))
    except FileNotFoundError:
        return False


def _release(path: str, handle: int, process: int) -> None:
    if os.getpid() != process:  # a forked copy, whose parent holds the lock
        return
    with _GUARD:
        _HERE.discard(path)
        with suppress(OSError):
            if sys.platform == "win32":  # which removes no open file
                os.truncate(handle, 0)
            else:
                os.unlink(path)
        os.close(handle)


if sys.platform == "win32":
    import msvcrt

    def _lock(handle: int) -> None:
        os.lseek(handle, _AT, os.SEEK_SET)
        msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)

else:
    import fcntl

    def _lock(handle: int) -> None:
        fcntl.lockf(handle, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, _AT)
