"""The `rlvr` command, put together from its parts."""

from __future__ import annotations

import io
import os
import sys

import typer

from rlvr.commands.audit_command import app as audit
from rlvr.commands.plan_command import app as plan
from rlvr.commands.refusal import RefusesInOneLine, refuse
from rlvr.commands.rewards_commands import app as rewards
from rlvr.commands.stored_commands import app as stored
from rlvr.commands.study_commands import app as studies

__all__ = ["app", "main"]

_INTERRUPTED = 130  # what a shell says of a program that Ctrl-C has ended

app = typer.Typer(
    cls=RefusesInOneLine,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help='Split "true minus random" into null, elicitation and reward design.',
)
for part in (studies, stored, audit, plan, rewards):
    app.add_typer(part)


def _say_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"rlvr {version('rlvr')}")
        raise typer.Exit


@app.callback()
def options(
    version: bool = typer.Option(
        False, "--version", callback=_say_version, is_eager=True, help="Print the version and exit."
    ),
) -> None:
    """Split "true minus random" into null, elicitation and reward design."""


def main() -> None:
    """Run the command and end with its status; only a fault of the program ends in a traceback.

    An interrupt says so in one line. A reader that has gone away (`| head`) is told nothing, but the status
    is not 0; neither is it when the terminal's file is full.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # what a terminal's encoding lacks is shown as a code
            stream.reconfigure(errors="backslashreplace")
    try:
        app()
        status = 0
    except SystemExit as ended:
        status = ended.code if isinstance(ended.code, int) else int(ended.code is not None)
        if status == _INTERRUPTED:
            typer.echo("rlvr: interrupted; outputs are as they were before", err=True)
    except OSError as problem:  # standard output could not be written
        status = refuse(problem).exit_code
    try:
        if sys.stdout is not None:  # it may be closed
            sys.stdout.flush()
    except OSError as problem:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # nothing is left for the last flush
        if not status and not isinstance(problem, BrokenPipeError):
            refuse(problem)
        status = status or 1
    sys.exit(status)
