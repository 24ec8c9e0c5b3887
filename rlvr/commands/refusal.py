"""Report every error of a command in one line on standard error, with exit code 2."""

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
    """Print a problem in one line on standard error; return the exit that the caller raises."""
    message = str(problem)
    if isinstance(problem, OSError) and problem.filename is not None:
        message = f"{problem.strerror}: {shown(str(problem.filename))}"
    typer.echo(f"rlvr: {visible(message)}", err=True)
    return typer.Exit(2)


@contextmanager
def refusing() -> Iterator[None]:
    """Report unusable or too large inputs in one line."""
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
    """A command that reports wrong options in one line, as it does wrong values, instead of in a box."""

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
            if message:  # empty after the help was shown
                typer.echo(f"rlvr: {visible(shortened(message, most=200))}", err=True)
        sys.exit(code or 0)
