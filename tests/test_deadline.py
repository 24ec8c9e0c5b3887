"""A test that waits for ever fails, and says where it stood, whatever it waits for."""

import subprocess
import sys
from pathlib import Path

import pytest

SETTINGS = Path(__file__).parent.parent / "pyproject.toml"
WAITS = {
    "a lock": "threading.Lock().acquire() and threading.Event().wait()",
    "a thread that is waited for on the way out": "with_a_thread()",
    "another process": "subprocess.run([sys.executable, '-c', 'import time; time.sleep(1000)'])",
    "compiled code that lets no other thread run": "collections.deque(itertools.repeat(0), maxlen=0)",
}
CODE = """
import collections, itertools, subprocess, sys, threading
from concurrent.futures import ThreadPoolExecutor

def with_a_thread():
    with ThreadPoolExecutor(1) as pool:
        pool.submit(threading.Event().wait).result()

def stands_here():
    {wait}

def test_that_never_ends():
    stands_here()

def test_that_ends():
    pass
"""


@pytest.fixture(scope="module")
def started(tmp_path_factory):
    """All of them at once: each does nothing but wait."""
    processes = {}
    for name, wait in WAITS.items():
        file = tmp_path_factory.mktemp("waiting") / "test_waiting.py"
        file.write_text(CODE.format(wait=wait))
        command = [
            sys.executable, "-m", "pytest", "-c", SETTINGS, "-n", "1", "--max-worker-restart", "0",
            "-p", "no:cacheprovider", "--timeout", "1", "-o", "faulthandler_timeout=4", file,
        ]  # fmt: skip
        pipe = subprocess.PIPE
        processes[name] = subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True, cwd=file.parent)
    yield processes
    for process in processes.values():
        process.kill()
        process.communicate()


@pytest.mark.slow
@pytest.mark.parametrize("name", WAITS)
def test_a_test_that_waits_for_ever_fails_and_says_where(name, started):
    shown, errors = started[name].communicate()
    assert started[name].returncode == pytest.ExitCode.TESTS_FAILED
    assert "test_that_never_ends" in shown and "stands_here" in shown + errors
