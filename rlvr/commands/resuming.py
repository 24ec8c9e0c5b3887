"""What the commands that rebuild stored results have in common: `--store` into a folder, and `--resume`."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from rlvr._checks import counted, shown
from rlvr._writing import refuse_overwriting
from rlvr.commands.refusal import refuse

if TYPE_CHECKING:
    from rlvr.simulator.kept_chunks import KeptChunks

__all__ = ["RESUME", "check_store", "keeping"]

RESUME = typer.Option(
    False, "--resume", help="With --store: go on from what an interrupted run had finished."
)


def check_store(store: Path | None, resume: bool, *names: str) -> None:
    """Refuse, before the work, a `--store` into which files of these names could not be written."""
    try:
        if store is None:
            if resume:
                raise ValueError("--resume needs --store, the folder of the run to go on with, got none")
            return
        if not os.path.isdir(store):  # unlike Path.is_dir it never raises
            raise ValueError(f"--store must be an existing folder, got {shown(str(store))}")
        refuse_overwriting({f"--store: {name}": store / name for name in names}, [])
    except ValueError as problem:
        raise refuse(problem) from None


@contextmanager
def keeping(store: Path, command: str, resume: bool) -> Iterator[KeptChunks]:
    """An executor whose finished chunks outlive an interrupt, in a hidden folder beside the results.

    Yields
    ------
    KeptChunks
        The folder is gone when the block ends well.
    """
    from rlvr.simulator.kept_chunks import KeptChunks

    folder = store / f".{command}-chunks"
    try:
        with KeptChunks(folder, resume=resume) as kept:
            yield kept
    except KeyboardInterrupt:
        n_kept = counted(kept.n_found + kept.n_trained, "finished chunk")
        typer.echo(f"rlvr: {n_kept} kept; the same command with --resume goes on from there", err=True)
        raise
