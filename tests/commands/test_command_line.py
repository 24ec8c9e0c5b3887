"""The command as a whole: its version, its help, its parts."""

from importlib.metadata import version

from typer.testing import CliRunner

from rlvr.commands.command_line import app


def test_version_is_the_package_s():
    result = CliRunner().invoke(app, ["--version"])
    assert result.exit_code == 0
    assert result.output == f"rlvr {version('rlvr')}\n"


def test_help_names_every_command():
    shown = CliRunner().invoke(app, ["--help"]).output
    for command in ("audit", "sweep", "replay", "factorial", "gate-map", "protocol", "--version"):
        assert command in shown


def test_an_unknown_command_is_refused():
    result = CliRunner().invoke(app, ["adit"])
    assert result.exit_code == 2
    assert "adit" in result.output
