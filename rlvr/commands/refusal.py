"""One way for a command to refuse: one line on standard error, exit code 2."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import typer
from typer.core import TyperGroup

from rlvr._checks import shortened, shown
from rlvr._escaping import visible

__all__ = ["RefusesInOneLine", "refuse", "refusing"]


def refuse(problem: Exception) -> typer.Exit:
    """Say what was wrong in one line on standard error; the returned exit is to be raised."""
    message = str(problem)
    if isinstance(problem, OSError) and problem.filename is not None:
        message = f"{problem.strerror}: {shown(str(problem.filename))}"
    typer.echo(f"rlvr: {visible(message)}", err=True)
    return typer.Exit(2)


@contextmanager
def refusing() -> Iterator[None]:
    """Refuse in one line what the work could not be done with, and what is too large for it."""
    try:
        yield
    except (ValueError, TypeError, OSError) as problem:
        raise refuse(problem) from None
    except MemoryError:
        raise refuse(ValueError("the input is too large for the memory of this computer")) from None
    except OverflowError as problem:
        raise refuse(ValueError(f"a number is too large to compute with ({problem})")) from None
    except RecursionError:
        raise refuse(ValueError("the input is nested too deeply for a table or a log")) from None


class RefusesInOneLine(TyperGroup):
    """A command whose options and parts are refused as its values are, instead of in a box of any size."""

    def main(self, *arguments: Any, **settings: Any) -> Any:
        ends_the_process = settings.get("standalone_mode", True)
        settings["standalone_mode"] = False
        if not ends_the_process:
            return super().main(*arguments, **settings)
        try:
            code = super().main(*arguments, **settings)
        except typer.Abort:
            code = 1
        except Exception as problem:
            if not hasattr(problem, "format_message"):  # a fault of the program
                raise
            code, message = problem.exit_code, problem.format_message()  # type: ignore[attr-defined]
            if message:  # there is none where help has been shown
                typer.echo(f"rlvr: {visible(shortened(message, most=200))}", err=True)
        sys.exit(code or 0)
