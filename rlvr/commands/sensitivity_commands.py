"""The commands of chapter 9: `rlvr budget` (the training budget) and `rlvr multiverse` (every option)."""

from __future__ import annotations

import os
from pathlib import Path

import typer
from rich.console import Console
from rich.progress import Progress

from rlvr._checks import shown
from rlvr._writing import refuse_overwriting, replacing
from rlvr.commands.refusal import refuse

__all__ = ["app"]

app = typer.Typer()

_STORE = typer.Option(None, help="Rebuild what is stored into this folder, instead of comparing with it.")


def _check_folder(store: Path | None, *names: str) -> None:
    """Refuse a `--store` into which nothing could be written, before the work."""
    if store is None:
        return
    try:
        if not os.path.isdir(store):  # unlike Path.is_dir it never raises
            raise ValueError(f"--store must be an existing folder, got {shown(str(store))}")
        refuse_overwriting({f"--store: {name}": store / name for name in names}, [])
    except ValueError as problem:
        raise refuse(problem) from None


@app.command()
def budget(
    store: Path | None = _STORE,
    until: int = typer.Option(80, help="Compare up to this budget, in updates a prompt (5 to 2000)."),
) -> None:
    """Recompute the stored curves over the training budget; exit 1 if a number differs (--store: minutes)."""
    import numpy as np

    from rlvr.simulator import budget_axis

    console = Console()
    _check_folder(store, "budget.csv", "sign_changes.csv")
    if store is not None:
        try:
            with console.status("simulating") as status:
                budget_axis.store(store, status.update)
        except OSError as problem:
            raise refuse(problem) from None
        console.print("stored budget.csv and sign_changes.csv")
        return
    same, stored = True, budget_axis.stored_budgets()
    try:
        with Progress(console=console, transient=True) as bar:
            curves = {key[:2] for key in stored.index}
            for tie_break, strength in bar.track(sorted(curves), description="recomputing"):
                fresh = budget_axis.budget_table(budget_axis.budget_runs(tie_break, strength, until=until))
                kept = stored.loc[tie_break, strength].loc[fresh.index]
                same &= np.allclose(kept, fresh, rtol=1e-9, atol=1e-12, equal_nan=True)
    except (ValueError, TypeError) as problem:
        raise refuse(problem) from None
    _say(console, same)


@app.command("multiverse")
def rerun_multiverse(
    store: Path | None = _STORE,
    trainings: int = typer.Option(10, help="Compare this many randomly chosen trainings."),
) -> None:
    """Recompute a random part of the multiverse; exit 1 if a number differs (with --store: all of it)."""
    import numpy as np
    import pandas as pd

    from rlvr.simulator import multiverse as specifications

    console, everything = Console(), specifications.trainings()
    _check_folder(store, "multiverse.csv")
    if trainings < 1:
        raise refuse(ValueError(f"--trainings must be a whole number of at least 1, got {trainings}"))
    places = np.arange(len(everything))
    if store is None:
        places = np.random.default_rng().permutation(len(everything))[:trainings]
    with Progress(console=console, transient=True) as bar:
        computed = specifications.recompute_trainings(everything[place] for place in places)
        fresh = list(bar.track(computed, total=len(places), description="simulating"))
    if store is not None:
        try:
            with replacing(store / "multiverse.csv") as (file,):
                pd.concat(fresh).to_csv(file, float_format="%.12g", lineterminator="\n")
        except OSError as problem:
            raise refuse(problem) from None
        console.print(f"stored {sum(map(len, fresh))} specifications in multiverse.csv")
        return
    table = specifications.stored_multiverse()
    numbers = table.select_dtypes("number").columns
    same = all(np.allclose(table.loc[one.index, numbers], one[numbers], rtol=1e-9) for one in fresh)
    _say(console, same)


def _say(console: Console, same: bool) -> None:
    console.print(
        "every number is as stored" if same else "[bold red]the numbers differ from those stored[/]"
    )
    raise typer.Exit(0 if same else 1)
