"""One way for a command to refuse."""

from __future__ import annotations

import typer

from rlvr._checks import shown

__all__ = ["refuse"]


def refuse(problem: Exception) -> typer.Exit:
    """Say what was wrong on standard error; nothing has been written."""
    said = str(problem)
    if isinstance(problem, OSError) and problem.filename is not None:
        said = f"{problem.strerror}: {shown(str(problem.filename))}"
    typer.echo(f"rlvr: {said}", err=True)
    return typer.Exit(2)
