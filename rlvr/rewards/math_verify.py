r"""Comparison of two answers by math-verify, within a time limit in any thread.

math-verify limits its time by a signal, which only the main thread of a process receives. Another thread asks
a process of its own, whose main thread compares. What is known to take long is not compared at all: deep
expressions, with each level of which math-verify 0.9.0 takes about twice as long, and huge powers.
"""

from __future__ import annotations

import json
import os
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Hashable, Iterable
from contextlib import suppress
from functools import lru_cache
from importlib import import_module
from typing import Any

__all__ = ["LONGEST_TEXT", "equal_by_math_verify"]

LONGEST_TEXT = 2000
"""The most characters of a text that is compared."""

_SECONDS, _SECONDS_ALONE = 5, 3  # for a comparison, and for the question which of its sides was slow
_TOO_SLOW = f"not compared within {_SECONDS} s"
_SLOW = 0.2  # seconds of processor time; an interrupted comparison that took less waited for the machine
_PROBES = (r"\boxed{7}", r"\boxed{q}")
_SECONDS_TO_START = 120  # of the process of a thread
_DEEPEST = 12  # levels of an expression
_LARGEST_EXPONENT = 10_000
_slow: set[Hashable] = set()  # texts, or pairs of texts, whose comparison ran out of time


def equal_by_math_verify(answer: Any, label: Any) -> bool:
    """Whether math-verify finds an answer equal to a label.

    Raises
    ------
    TimeoutError
        If the comparison takes too long. It is not tried again: from then on the slow text equals no other.
    """
    text, gold = str(answer), str(label)
    if not any(mark in gold for mark in ("$", r"\boxed", r"\(", r"\[")):
        gold = f"\\boxed{{{gold}}}"
    if max(len(text), len(gold)) > LONGEST_TEXT:
        return False
    if not _slow.isdisjoint((gold, text, (gold, text))):
        return False
    if threading.current_thread() is threading.main_thread():
        return _compare(gold, text)
    return _own_process().compare(gold, text)


@lru_cache(maxsize=4096)
def _parsed(text: str) -> Any:
    return import_module("math_verify").parse(text, parsing_timeout=_SECONDS)


def _compare(gold: str, text: str) -> bool:
    parts = {side: _parsed(side) for side in (gold, text)}
    if not all(_is_light(each) for part in parts.values() for each in part):
        return False
    same, ended = _verify(parts[gold], parts[text], _SECONDS)
    if not ended:
        # The side that is slow with other texts too is to blame; the other stays comparable.
        probes = [_parsed(probe) for probe in _PROBES]
        slow = [
            side
            for side, part in parts.items()
            if not all(_verify(probe, part, _SECONDS_ALONE)[1] for probe in probes)
        ]
        _slow.update(slow or [(gold, text)])
        raise TimeoutError(_TOO_SLOW)
    return same


def _verify(gold: Any, part: Any, seconds: int) -> tuple[bool, bool]:
    """Whether math-verify finds the two equal, and whether it came to an end."""
    start, used = time.monotonic(), time.process_time()
    same = bool(import_module("math_verify").verify(gold, part, timeout_seconds=seconds))
    return same, time.monotonic() - start < seconds or time.process_time() - used < _SLOW


def _is_light(expression: Any, room: int = _DEEPEST) -> bool:
    parts: Any = getattr(expression, "args", ())
    if not room or not all(_is_light(part, room - 1) for part in parts):
        return False
    if not getattr(expression, "is_Pow", False) or not parts[1].is_number:
        return True
    return bool(abs(parts[1].evalf(3)) <= _LARGEST_EXPONENT)


class _Process:
    """A process that compares for the threads of this one, and ends when its input ends."""

    def __init__(self) -> None:
        self.owner = os.getpid()
        self.process = subprocess.Popen(
            [sys.executable, "-m", __name__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        )
        self.turn = threading.Lock()
        self.lines: queue.Queue[str] = queue.Queue()
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.put(line)
        self.lines.put("")
        self.process.stdout.close()

    def is_alive(self) -> bool:
        # After a fork the pipes are still the parent's.
        return self.owner == os.getpid() and self.process.poll() is None

    def compare(self, gold: str, text: str) -> bool:
        assert self.process.stdin is not None
        with self.turn:
            try:
                print(json.dumps([gold, text]), file=self.process.stdin, flush=True)
                line = self.lines.get(timeout=_SECONDS_TO_START)
            except (OSError, queue.Empty):
                line = ""
            if not line:
                self.process.kill()
                _slow.add((gold, text))
                raise RuntimeError("the process that compares by math-verify has ended")
        same, slow, problem = json.loads(line)
        _slow.update(tuple(each) if isinstance(each, list) else each for each in slow)
        if problem:
            raise (TimeoutError if problem == _TOO_SLOW else RuntimeError)(problem)
        return bool(same)


_processes: list[_Process] = []
_one_at_a_time = threading.Lock()


def _own_process() -> _Process:
    """The process of this one's threads, begun at the first question or after its end."""
    with _one_at_a_time:
        if not _processes or not _processes[0].is_alive():
            for ended in _processes:
                with suppress(OSError):
                    ended.process.stdin.close()  # type: ignore[union-attr]
            _processes[:] = [_Process()]
        return _processes[0]


def _answer_questions(lines: Iterable[str]) -> None:
    """Compare what each line names, and tell the result, what was found slow, and what went wrong."""
    for line in lines:
        same, problem = False, ""
        try:
            same = _compare(*json.loads(line))
        except TimeoutError as error:
            problem = str(error)
        except Exception as error:
            problem = f"{type(error).__name__}: {error}"
        print(json.dumps([same, [*_slow], problem]), flush=True)
        _slow.clear()  # whoever asks remembers


if __name__ == "__main__":
    _answer_questions(sys.stdin)
