"""The command `rlvr stored`: list, compare and rebuild the stored experiments.

The older commands (`budget`, `multiverse`, `coin-flips`, `explorer`, `gate-map`) remain for one release and
name their replacement.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer
from rich.console import Console
from rich.table import Table

from rlvr._checks import counted, shown
from rlvr._writing import refuse_overwriting
from rlvr.commands.refusal import refusing

if TYPE_CHECKING:
    from pandas import DataFrame

    from rlvr.experiments.stored import StoredExperiment
    from rlvr.simulator.kept_chunks import KeptChunks

__all__ = ["RESUME", "app", "check_folder", "keeping", "needs", "rebuild_all", "rebuild_into", "say_instead"]

app = typer.Typer()

RESUME = typer.Option(False, "--resume", help="With --store: continue an interrupted run.")
_STORE = typer.Option(None, help="Rebuild the stored files into this folder, instead of comparing with them.")
_COIN_FLIPS = typer.Option(None, "--store", help="Rebuild the stored runs into this CSV file (minutes).")
_NAME = typer.Argument(None, help="A stored experiment. Default: all.")
_FOLDER = typer.Option(None, help="With --rebuild: write into this folder instead of over the stored files.")


@app.command("stored")
def stored_command(
    name: str | None = _NAME,
    compare: bool = typer.Option(
        False, "--check", help="Recompute a part and compare; exit 1 if a number differs."
    ),
    build: bool = typer.Option(False, "--rebuild", help="Compute everything and replace the stored files."),
    resume: bool = typer.Option(False, "--resume", help="Continue an interrupted rebuild."),
    folder: Path | None = _FOLDER,
    cells: int | None = typer.Option(
        None, min=0, help="With --check: recompute this many random cells, 0 for all."
    ),
) -> None:
    """List the stored experiments, recompute a part of one and compare, or rebuild one."""
    from rlvr.experiments.stored import EXPERIMENTS, check, find_experiment

    with refusing():
        experiments = {each: find_experiment(each) for each in ([name] if name else EXPERIMENTS)}
        build |= resume
        if build and (compare or name is None):
            raise ValueError(
                f"--rebuild takes one name of {', '.join(EXPERIMENTS)}, and no --check; got {shown(name)}"
            )
        for option, given, needs in (("--folder", folder, build), ("--cells", cells, compare)):
            if given is not None and not needs:
                raise ValueError(
                    f"{option} goes with --{'check' if option == '--cells' else 'rebuild'} alone"
                )
        if build:
            experiment = experiments[str(name)]
            place = folder or experiment.stored_in
            check_folder(place, False, *experiment.files, option="--folder")
            rebuild_into(place, experiment, str(name), resume=resume)
            typer.echo(f"stored {' and '.join(experiment.files)}")
        elif compare:
            same = True
            for each, experiment in experiments.items():
                found = check(experiment, n_cells=cells or None, quick=cells is None, progress=True)
                for part in (part for part, as_stored in found.items() if not as_stored):
                    typer.echo(f"{each}: {part}: DIFFERS")
                n_same = f"{sum(found.values())} of {counted(len(found), 'part')}"
                typer.echo(f"{each}: {n_same} as stored ({experiment.digits})")
                same &= all(found.values())
            raise typer.Exit(0 if same else 1)
        else:
            table = Table("name", "files", "what comes back", "cells")
            for each, experiment in experiments.items():
                n_cells = str(len(experiment.cells())) if experiment.compute else experiment.made_by
                table.add_row(each, ", ".join(experiment.files), experiment.digits, n_cells)
            Console().print(table)


def check_folder(folder: Path | None, resume: bool, *names: str, option: str = "--store") -> None:
    """Refuse, before any work, a folder into which these files cannot be written."""
    with refusing():
        needs(resume, folder, f"{option}, the folder of the interrupted run")
        if folder is None:
            return
        if not os.path.isdir(folder):  # unlike Path.is_dir, os.path.isdir never raises
            raise ValueError(f"{option} must be an existing folder, got {shown(str(folder))}")
        refuse_overwriting({f"{option}: {name}": folder / name for name in names}, [])


def needs(resume: bool, given: object, what: str) -> None:
    """Refuse to resume without the option that names the place."""
    if resume and not given:
        raise ValueError(f"--resume needs {what}, got none")


def rebuild_into(
    folder: Path, experiment: StoredExperiment, name: str, *, resume: bool, names: Sequence[str] = ()
) -> list[DataFrame]:
    """Rebuild an experiment; a hidden folder beside the results keeps finished work after an interrupt."""
    (tables,) = rebuild_all([(folder, experiment, name)], resume=resume, names=names)
    return tables


def rebuild_all(
    parts: Sequence[tuple[Path, StoredExperiment, str]], *, resume: bool, names: Sequence[str] = ()
) -> list[list[DataFrame]]:
    """Rebuild several experiments together; finished parts are kept until all are finished."""
    from rlvr.experiments.stored import rebuild

    for folder, experiment, _ in parts:
        experiment.check_rebuild(folder)
    places = [folder / f".{name}-chunks" for folder, _, name in parts]
    with keeping(places, resume=resume) as executors:
        return [
            rebuild(experiment, folder, executor=kept, names=names, progress=True)
            for (folder, experiment, _), kept in zip(parts, executors, strict=True)
        ]


@contextmanager
def keeping(places: Sequence[Path], *, resume: bool) -> Iterator[list[KeptChunks]]:
    """Yield executors that keep finished work in these folders; an interrupt reports how much is kept."""
    from rlvr.simulator.kept_chunks import KeptChunks

    try:
        with ExitStack() as stack:
            yield [stack.enter_context(KeptChunks(place, resume=resume, report=_say)) for place in places]
    except KeyboardInterrupt:
        n_kept = sum(len(list(place.glob("[!.]*.npz"))) for place in places)
        _say(f"{counted(n_kept, 'finished chunk')} kept; repeat the command with --resume to continue")
        raise


def _say(line: str) -> None:
    typer.echo(f"rlvr: {line}", err=True)


def _old_rebuild(old: str, folder: Path, *experiments: str, resume: bool, **more: Any) -> list[DataFrame]:
    from rlvr.experiments.stored import find_experiment

    for name in experiments:
        say_instead(old, f"{name} --rebuild")
    parts = [(folder, find_experiment(name), name) for name in experiments]
    return rebuild_all(parts, resume=resume, **more)[0]


def _old_check(old: str, name: str, **settings: Any) -> dict[str, bool]:
    from rlvr.experiments.stored import check, find_experiment

    found = check(find_experiment(name), progress=True, **settings)
    say_instead(old, f"{name} --check")
    return found


def say_instead(old: str, new: str) -> None:
    """Name on standard error the command that replaces an old one."""
    typer.echo(f"rlvr: `rlvr {old}` will be removed in the next release; use `rlvr stored {new}`", err=True)


def _end(same: bool, what: str = "number") -> None:
    """Report whether the recomputed values equal the stored ones, and exit with 0 or 1."""
    differ = f"[bold red]the {what}s differ from the stored ones[/]"
    Console().print(f"every {what} is as stored" if same else differ)
    raise typer.Exit(0 if same else 1)


@app.command()
def budget(
    store: Path | None = _STORE,
    resume: bool = RESUME,
    until: int = typer.Option(80, help="Compare up to this budget, in visits of each prompt (5 to 2000)."),
) -> None:
    """Recompute the stored curves over training budgets (--store: minutes); exit 1 if a number differs."""
    check_folder(store, resume, "budget.csv", "sign_changes.csv")
    with refusing():
        if store is None:
            _end(all(_old_check("budget", "budget", until=until).values()))
        else:
            _old_rebuild("budget --store", store, "budget", resume=resume)
            typer.echo("stored budget.csv and sign_changes.csv")


@app.command("multiverse")
def rerun_multiverse(
    store: Path | None = _STORE,
    resume: bool = RESUME,
    trainings: int = typer.Option(10, help="Compare this many randomly chosen trainings."),
) -> None:
    """Recompute a random part of the multiverse, or all with --store; exit 1 if one of 12 digits differs."""
    check_folder(store, resume, "multiverse.csv")
    with refusing():
        if trainings < 1:
            raise ValueError(f"--trainings must be a whole number of at least 1, got {trainings}")
        if store is None:
            _end(all(_old_check("multiverse", "multiverse", n_cells=trainings).values()))
        else:
            (table,) = _old_rebuild("multiverse --store", store, "multiverse", resume=resume)
            typer.echo(f"stored {len(table)} specifications in multiverse.csv")


@app.command("coin-flips")
def coin_flips(
    store: Path | None = _COIN_FLIPS,
    resume: bool = RESUME,
    runs: int = typer.Option(2, min=1, help="Compare this many runs of each model and design."),
) -> None:
    """Rerun the models of published RANDOM runs; exit 1 if a run differs from the stored one."""
    with refusing():
        needs(resume, store, "--store, the file of the interrupted run")
        refuse_overwriting({"--store": store}, [])
        if store is None:
            _end(all(_old_check("coin-flips", "coin-flips", n_runs=runs).values()), "run")
        else:
            place, names = store.parent, [store.name]
            _old_rebuild("coin-flips --store", place, "coin-flips", resume=resume, names=names)


@app.command()
def explorer(
    groups: int = typer.Option(3, min=1, help="How many randomly chosen groups of each grid to recompute."),
    store: Path | None = _STORE,
    resume: bool = RESUME,
) -> None:
    """Recompute a part of the two grids behind the explorer page; exit 1 if a digit differs."""
    check_folder(store, resume, "settings_grid.csv", "sharing_grid.csv")
    same, names = True, ("settings-grid", "sharing-grid")
    with refusing():
        if store is not None:
            _old_rebuild("explorer --store", store, *names, resume=resume)
            return
        for name in names:
            for group, as_stored in _old_check("explorer", name, n_cells=groups).items():
                typer.echo(f"{group}: {'as stored' if as_stored else 'DIFFERS'}")
                same &= as_stored
    raise typer.Exit(0 if same else 1)


@app.command("gate-map")
def gate_map(
    write: bool = typer.Option(False, "--write", help="Store the counts instead of comparing with them."),
    resume: bool = typer.Option(False, "--resume", help="With --write: continue an interrupted run."),
    blocks: int = typer.Option(0, min=0, help="Only this many randomly chosen blocks; 0 for all (minutes)."),
) -> None:
    """Recompute the error rates of the gates; exit 1 if a count differs from the stored one."""
    from rlvr._data import DATA

    same, names = True, ("gate-example", "gate-map")
    with refusing():
        needs(resume, write, "--write")
        if write:
            _old_rebuild("gate-map --write", DATA, *names, resume=resume)
            return
        for name in names:
            same &= all(_old_check("gate-map", name, n_cells=blocks or None).values())
        _end(same, "count")
