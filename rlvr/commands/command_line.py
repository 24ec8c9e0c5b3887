"""The `rlvr` command, put together from its parts."""

from __future__ import annotations

import io
import os
import signal
import sys
import threading

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

    An interrupt says so in one line, whenever it comes. A reader that has gone away (`| head`) is told
    nothing, but the status is not 0; neither is it when the terminal's file is full.
    """
    try:
        status = _flushed(_run())
        _ignore_interrupts()
    except KeyboardInterrupt:  # before the command has begun, or after its end
        _ignore_interrupts()
        status = _INTERRUPTED
    if status == _INTERRUPTED:
        typer.echo("rlvr: interrupted; no output was changed", err=True)
    sys.exit(status)


def _run() -> int:
    """Run the command and return its status."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # what a terminal's encoding lacks is shown as a code
            stream.reconfigure(errors="backslashreplace")
    try:
        app()
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    except OSError as problem:  # standard output could not be written
        return refuse(problem).exit_code
    return 0


def _flushed(status: int) -> int:
    """Write what is left of standard output and return the status, which is not 0 where that fails."""
    try:
        if sys.stdout is not None:  # it may be closed
            sys.stdout.flush()
    except OSError as problem:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # nothing is left for the last flush
        if not status and not isinstance(problem, BrokenPipeError):
            refuse(problem)
        return status or 1
    return status


def _ignore_interrupts() -> None:
    """Let an interrupt do nothing while Python shuts down: the work is done, or told as interrupted."""
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, signal.SIG_IGN)
