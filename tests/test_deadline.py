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


@pytest.mark.slow
@pytest.mark.parametrize("wait", WAITS.values(), ids=WAITS)
def test_a_test_that_waits_for_ever_fails_and_says_where(wait, tmp_path):
    file = tmp_path / "test_waiting.py"
    file.write_text(CODE.format(wait=wait))
    ended = subprocess.run(
        [
            sys.executable, "-m", "pytest", "-c", SETTINGS, "-n", "1", "--max-worker-restart", "0",
            "-p", "no:cacheprovider", "--timeout", "1", "-o", "faulthandler_timeout=4", file,
        ],
        capture_output=True, text=True, cwd=tmp_path,
    )  # fmt: skip
    assert ended.returncode == pytest.ExitCode.TESTS_FAILED
    assert "test_that_never_ends" in ended.stdout and "stands_here" in ended.stdout + ended.stderr
