"""Refusals of the command: one line on standard error, exit code 2, and never the whole of a long option."""

import pytest
import typer
from typer.testing import CliRunner

from rlvr.commands.command_line import app
from rlvr.commands.refusal import refuse

LONG = "x" * 5_000


def test_a_refusal_is_a_line_on_standard_error_and_exit_code_two(capsys):
    assert isinstance(refuse(ValueError("level must be positive")), typer.Exit)
    assert refuse(ValueError("")).exit_code == 2
    said = capsys.readouterr()
    assert said.err.splitlines()[0] == "rlvr: level must be positive" and said.out == ""


def test_a_file_that_cannot_be_opened_is_named_after_its_fault(capsys):
    refuse(FileNotFoundError(2, "No such file or directory", "arms.csv"))
    refuse(OSError("the disk is full"))
    assert capsys.readouterr().err == "rlvr: No such file or directory: 'arms.csv'\nrlvr: the disk is full\n"


@pytest.mark.parametrize(
    "arguments",
    [
        ["audit", LONG],
        ["audit", "--rule", LONG, "arms.csv"],
        ["audit", "--assume", LONG, "arms.csv"],
        ["audit", "--figure", LONG, "arms.csv"],
        ["audit", "--json", f"{LONG}/out.json", "arms.csv"],
        ["sweep", "--tie-break", LONG],
        ["sweep", "--store", LONG],
        ["factorial", "--filtering", LONG],
        ["factorial", "--n-blocks", "1", "--n-seeds", "1", "--scale", LONG],
        ["protocol", "check", "--protocol", LONG],
        ["protocol", "run", "--results", LONG],
    ],
    ids=lambda arguments: " ".join(word for word in arguments if len(word) < 99),
)
def test_a_long_option_is_shortened(arguments):
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 2 and result.output.startswith("rlvr: ")
    assert "characters)" in result.output
    assert len(result.output) < 300 and result.output.count("\n") == 1
