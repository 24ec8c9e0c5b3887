"""The `rlvr` command, put together from its parts."""

from __future__ import annotations

from importlib.metadata import version

import typer

from rlvr.commands.audit_command import app as audit
from rlvr.commands.plan_command import app as plan
from rlvr.commands.registered_commands import app as registered
from rlvr.commands.simulation_commands import app as simulation

__all__ = ["app", "main"]

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help='Split "true minus random" into null, elicitation and reward design.',
)
for part in (simulation, registered, audit, plan):
    app.add_typer(part)


def _say_version(asked: bool) -> None:
    if asked:
        typer.echo(f"rlvr {version('rlvr')}")
        raise typer.Exit


@app.callback()
def options(
    version_asked: bool = typer.Option(
        False, "--version", callback=_say_version, is_eager=True, help="Print the version and exit."
    ),
) -> None:
    """Split "true minus random" into null, elicitation and reward design."""


def main() -> None:
    """Run the command; a broken pipe or an interrupt ends it quietly."""
    app()
