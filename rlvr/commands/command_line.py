"""The `rlvr` command, assembled from its parts."""

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

_INTERRUPTED = 130  # the exit status in a shell of a program that Ctrl-C ended

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
    """Run the command and exit with its status; only a fault of the program shows a traceback.

    An interrupt gives one line of output at any time. The status is not 0 if the output's reader has closed
    (`| head`), which gives no message, or if standard output cannot be written.
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
        if isinstance(stream, io.TextIOWrapper):  # shows a character that the encoding lacks by its code
            stream.reconfigure(errors="backslashreplace")
    try:
        app()
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    except OSError as problem:  # standard output could not be written
        return refuse(problem).exit_code
    return 0


def _flushed(status: int) -> int:
    """Write the rest of standard output and return the status, which is not 0 if writing fails."""
    try:
        if sys.stdout is not None:  # None if standard output is closed
            sys.stdout.flush()
    except OSError as problem:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # so that the last flush cannot fail
        if not status and not isinstance(problem, BrokenPipeError):
            refuse(problem)
        return status or 1
    return status


def _ignore_interrupts() -> None:
    """Ignore interrupts while Python shuts down, after the work has ended or was reported as interrupted."""
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, signal.SIG_IGN)
