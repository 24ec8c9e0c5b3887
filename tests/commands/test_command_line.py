"""The command as a whole: its version, its help, its parts."""

import errno
import io
import os
import signal
import sys
from importlib.metadata import version

import pytest
from typer.testing import CliRunner

from rlvr.commands import command_line
from rlvr.commands.command_line import app


@pytest.mark.parametrize("more", [[], ["--help"], ["audit", "--no-such-option"]])
def test_version_is_the_package_s_before_anything_is_checked(more):
    result = CliRunner().invoke(app, ["--version", *more])
    assert (result.exit_code, result.output) == (0, f"rlvr {version('rlvr')}\n")


@pytest.mark.parametrize("arguments", [["--help"], []])
def test_help_names_every_command_and_offers_no_completion(arguments):
    shown = CliRunner().invoke(app, arguments).output
    for command in ("Usage", "audit", "sweep", "replay", "factorial", "gate-map", "protocol", "--version"):
        assert command in shown
    assert "completion" not in shown


def test_an_unknown_command_is_refused():
    result = CliRunner().invoke(app, ["adit"])
    assert result.exit_code == 2 and "adit" in result.output


def test_a_fault_of_the_program_is_a_plain_traceback():
    assert app.pretty_exceptions_enable is False


@pytest.mark.parametrize(("ended", "status"), [(None, 0), (0, 0), (3, 3), ("words", 1)])
def test_the_status_is_that_of_the_command(monkeypatch, ended, status):
    def command():
        raise SystemExit(ended)

    monkeypatch.setattr(command_line, "app", command)
    with pytest.raises(SystemExit) as end:
        command_line.main()
    assert end.value.code == status


class _Unwritable(io.StringIO):
    """A standard output whose last flush fails, and only that."""

    def __init__(self, number):
        super().__init__()
        self.problem = OSError(number, os.strerror(number))

    def flush(self):
        raise self.problem


@pytest.mark.parametrize(
    ("number", "said"), [(errno.EPIPE, ""), (errno.ENOSPC, os.strerror(errno.ENOSPC))], ids=["gone", "full"]
)
def test_output_that_fails_at_the_last_flush_is_told_unless_its_reader_is_gone(
    monkeypatch, capsys, number, said
):
    monkeypatch.setattr(command_line, "app", lambda: None)
    monkeypatch.setattr(sys, "stdout", _Unwritable(number))
    monkeypatch.setattr(sys.stdout, "fileno", lambda: -1, raising=False)
    monkeypatch.setattr(os, "dup2", lambda *_: None)
    with pytest.raises(SystemExit) as ended:
        command_line.main()
    error = capsys.readouterr().err
    assert ended.value.code == 1
    assert said in error and bool(error) == bool(said)


@pytest.mark.parametrize("moment", ["before", "after"])
def test_an_interrupt_beside_the_command_is_one_line_and_later_ones_are_ignored(monkeypatch, capsys, moment):
    def interrupt(*_):
        signal.raise_signal(signal.SIGINT)

    signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored where the tests run in the background
    monkeypatch.setattr(command_line, "app", lambda: None)
    where = {"before": (command_line, "_run"), "after": (sys.stdout, "flush")}[moment]
    monkeypatch.setattr(*where, interrupt)
    with pytest.raises(SystemExit) as ended:
        command_line.main()
    signal.raise_signal(signal.SIGINT)
    monkeypatch.undo()
    assert ended.value.code == 130
    assert capsys.readouterr().err == "rlvr: interrupted; no output was changed\n"
