"""One user of a folder at a time, however the other one ended."""

import os
import signal
import subprocess
import sys

import pytest

from rlvr import _locking
from rlvr._locking import FolderLock

HOLD = """
import sys
from pathlib import Path
from rlvr._locking import FolderLock
lock = FolderLock(Path(sys.argv[1]))
print("has it", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def other(tmp_path):
    """Another process that has the lock."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout.readline() == "has it\n"
        yield process
        process.kill()


def test_a_second_user_is_refused_and_told_who_the_first_is(tmp_path, other):
    with pytest.raises(BlockingIOError) as refused:
        FolderLock(tmp_path)
    assert f"process {other.pid} of " in str(refused.value) and str(tmp_path) in str(refused.value)
    other.communicate()
    assert list(tmp_path.iterdir()) == []
    FolderLock(tmp_path).release()


def test_what_a_killed_process_has_left_is_taken_over(tmp_path, other):
    other.send_signal(signal.SIGKILL)
    other.wait(60)
    assert (tmp_path / ".lock").is_file()
    lock = FolderLock(tmp_path)
    assert f"process {os.getpid()} of " in (tmp_path / ".lock").read_text()
    lock.release()
    assert list(tmp_path.iterdir()) == []


def test_one_process_has_a_folder_once_by_whatever_name(tmp_path):
    (tmp_path / "folder").mkdir()
    (tmp_path / "link").symlink_to("folder")
    lock = FolderLock(tmp_path / "folder")
    for name in ("folder", "link"):
        with pytest.raises(BlockingIOError, match=f"in use by this process .{os.getpid()}"):
            FolderLock(tmp_path / name)
    lock.release()
    lock.release()
    forgotten = FolderLock(tmp_path / "link")
    del forgotten
    FolderLock(tmp_path / "folder").release()


def test_a_forked_copy_gives_nothing_free(tmp_path, monkeypatch):
    lock = FolderLock(tmp_path)
    monkeypatch.setattr(os, "getpid", lambda: -1)
    _locking._release(str(tmp_path / ".lock"), -1, os.getppid())
    monkeypatch.undo()
    assert (tmp_path / ".lock").is_file()
    lock.release()


def test_a_lock_is_written_through_no_link_and_over_no_folder(tmp_path):
    for name, make in (
        ("a", lambda path: path.symlink_to(tmp_path / "mine")),
        ("b", lambda path: path.mkdir()),
    ):
        (tmp_path / name).mkdir()
        make(tmp_path / name / ".lock")
        with pytest.raises(OSError, match=r"\.lock"):
            FolderLock(tmp_path / name)
    assert not (tmp_path / "mine").exists()


GONE = 2**30  # no system numbers its processes so far


@pytest.mark.parametrize(
    ("record", "is_taken"),
    [
        ("", False),
        ("another's notes", False),
        (f"process {GONE} of {_locking._machine()} since 2026-01-01 10:00:00", False),
        (f"process {os.getppid()} of {_locking._machine()} since 2026-01-01 10:00:00", True),
        (f"process {GONE} of elsewhere since 2026-01-01 10:00:00", True),
    ],
)
def test_where_a_file_system_has_no_locks_the_record_decides(tmp_path, monkeypatch, record, is_taken):
    def unsupported(handle):
        raise OSError(38, "Function not implemented")

    monkeypatch.setattr(_locking, "_lock", unsupported)
    (tmp_path / ".lock").write_text(record)
    if is_taken:
        with pytest.raises(BlockingIOError, match="in use by process"):
            FolderLock(tmp_path)
        assert (tmp_path / ".lock").read_text() == record
    else:
        FolderLock(tmp_path).release()
        assert not (tmp_path / ".lock").exists()


def test_a_pipe_in_the_place_of_the_lock_is_refused_and_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / ".lock")
    with pytest.raises(OSError, match=r"pipe.*lock"):
        FolderLock(tmp_path)
