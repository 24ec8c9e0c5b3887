"""One way for a command to refuse."""

from __future__ import annotations

import typer

__all__ = ["refuse"]


def refuse(problem: Exception) -> typer.Exit:
    """Say what was wrong on standard error; nothing has been written."""
    typer.echo(f"rlvr: {problem}", err=True)
    return typer.Exit(2)
