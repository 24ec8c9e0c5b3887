"""Progress: the caller's function, a bar on a terminal's standard error, or nothing."""

import pytest
from rich import progress as bars

from rlvr.simulator.executors import counting


def test_a_function_is_told_and_no_bar_is_drawn(capsys):
    told = []
    with counting(lambda *now: told.append(now)) as say:
        say(1, 3)
    assert told == [(1, 3)] and capsys.readouterr() == ("", "")


def test_without_progress_there_is_nobody_to_tell():
    with counting(False) as say:
        assert say is None


@pytest.mark.parametrize("wrong", [1, "yes", None])
def test_what_is_neither_is_refused(wrong):
    said = f"progress must be True, False or a callable, got {wrong!r}"
    with pytest.raises(TypeError, match=said), counting(wrong):
        pass


@pytest.fixture
def made(monkeypatch):
    """Every bar that is made, with what it was asked for."""
    kept = []

    class Kept(bars.Progress):
        def __init__(self, **asked):
            super().__init__(**asked)
            kept.append((self, asked))

    monkeypatch.setattr(bars, "Progress", Kept)
    return kept


@pytest.mark.parametrize("terminal", [True, False])
def test_a_bar_counts_and_is_gone_at_the_end_and_no_file_gets_one(made, terminal, capsys, monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1") if terminal else monkeypatch.delenv("FORCE_COLOR", raising=False)
    with counting(True, "sweeping") as say:
        ((bar, asked),) = made
        (task,) = bar.tasks
        assert (task.description, task.total, task.completed) == ("sweeping", None, 0)
        say(2, 5)
        assert (task.total, task.completed) == (5, 2)
    assert asked["transient"] is True and asked["disable"] is not terminal
    assert asked["console"].stderr is True and not asked["console"].is_jupyter
    out, drawn = capsys.readouterr()
    assert out == "" and ("sweeping" in drawn) is terminal
