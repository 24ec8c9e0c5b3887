"""Comparison by math-verify ends in time, in every thread."""

import importlib.util
import io
import json
import sys
import threading
from types import ModuleType, SimpleNamespace

import pytest

from rlvr.rewards import majority_reward, math_verify, true_reward

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("math_verify") is None,
    reason="math-verify, of the extra verify, is not installed",
)


@pytest.fixture
def clock(monkeypatch):
    """A clock that only moves when told, and no memory of slow texts."""
    now = [0.0]
    monkeypatch.setattr(
        math_verify, "time", SimpleNamespace(monotonic=lambda: now[0], process_time=lambda: now[0])
    )
    monkeypatch.setattr(math_verify, "_slow", set())
    math_verify._parsed.cache_clear()
    yield now
    math_verify._parsed.cache_clear()


def test_what_runs_out_of_time_is_asked_about_once_and_its_partners_stay_comparable(clock, monkeypatch):
    asked, tool = [], ModuleType("math_verify")
    tool.parse = lambda text, parsing_timeout: text

    def verify(gold, answer, timeout_seconds):
        asked.append((gold, answer))
        clock[0] += timeout_seconds if "S" in gold + answer else 0
        return "S" not in gold + answer and {*gold} == {*answer}

    tool.__spec__, tool.verify = SimpleNamespace(), verify
    monkeypatch.setitem(sys.modules, "math_verify", tool)
    group = [r"\boxed{S+1}", r"\boxed{a+b}", r"\boxed{b+a}", r"\boxed{c+2}"]
    for _ in range(2):
        assert majority_reward(["p"] * 4, group) == [0, 1, 1, 0]
    with_slow = [pair for pair in asked if "S" in str(pair)]
    # The comparison, and the probe of the slow side; nothing more, in either vote.
    assert len(with_slow) == 2 and any("7" in str(pair) for pair in with_slow)
    assert true_reward(["p"], [r"\boxed{S+1}"], answer=["S+1"]) == [1]


def test_a_comparison_that_waited_for_the_machine_is_tried_again(clock, monkeypatch):
    monkeypatch.setattr(math_verify.time, "process_time", lambda: 0.0)  # none of the time was its own

    def verify(gold, answer, timeout_seconds):
        clock[0] += timeout_seconds
        return False

    monkeypatch.setattr("math_verify.verify", verify)
    assert not math_verify.equal_by_math_verify(r"\boxed{x+1}", "y") and not math_verify._slow


@pytest.mark.parametrize(
    ("answer", "label", "paid"),
    [
        (r"\frac{1}{2}^{3}x", r"\frac{x}{8}", 1), ("1" + "/31" * 12, "x", 0), ("1" + "/31" * 40, "x", 0),
        ("x^{12000}", "x^{12000}+0", 0), ("x^{120}", "x^{120}+0", 1), (r"2^{3^{4}}x", r"x2^{81}", 1),
        (r"2^{3^{4^{5}}}", "x", 0),
    ],
)  # fmt: skip
def test_deep_expressions_and_huge_powers_are_compared_by_spelling_alone(answer, label, paid, monkeypatch):
    import math_verify as tool

    compared = []
    monkeypatch.setattr(
        tool, "verify", lambda *pair, real=tool.verify, **o: compared.append(pair) or real(*pair, **o)
    )
    assert true_reward(["p"], [rf"\boxed{{{answer}}}"], answer=[label]) == [paid]
    assert bool(compared) == bool(paid)


def in_a_thread(work):
    """The result of `work` in a thread that is not the main one."""
    results = []
    thread = threading.Thread(target=lambda: results.append(work()))
    thread.start()
    thread.join(300)
    return results[0]


def test_a_thread_compares_too_and_goes_on_after_its_process_was_killed():
    def paid():
        return true_reward(["p"] * 2, [r"\boxed{x+1}", r"\boxed{x+2}"], answer=["1+x"] * 2)

    assert in_a_thread(paid) == [1, 0]
    (process,) = math_verify._processes
    process.process.kill()
    process.process.wait(60)
    assert in_a_thread(paid) == paid() == [1, 0]
    assert math_verify._processes != [process]


def test_questions_are_answered_line_by_line(capsys):
    math_verify._answer_questions(['["\\\\boxed{x+1}", "\\\\boxed{1+x}"]', "[1]"])
    first, second = capsys.readouterr().out.splitlines()
    assert first == '[true, [], ""]' and second.startswith("[false, [], ") and "TypeError" in second


def test_a_thread_learns_what_was_slow_and_what_failed(clock, monkeypatch):
    replies = iter([[False, ["S", ["g", "t"]], math_verify._TOO_SLOW], [False, [], "TypeError: x"]])
    process = object.__new__(math_verify._Process)
    process.turn, process.lines = (
        threading.Lock(),
        SimpleNamespace(get=lambda timeout: json.dumps(next(replies))),
    )
    process.process = SimpleNamespace(stdin=io.StringIO())
    with pytest.raises(TimeoutError):
        process.compare("g", "S")
    assert math_verify._slow == {"S", ("g", "t")}
    with pytest.raises(RuntimeError, match="TypeError"):
        process.compare("a", "b")
