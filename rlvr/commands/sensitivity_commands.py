"""The commands of chapter 9: `rlvr budget` (the training budget) and `rlvr multiverse` (every option)."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path

import typer
from rich.console import Console
from rich.progress import Progress

from rlvr._writing import replacing
from rlvr.commands.refusal import refuse
from rlvr.commands.resuming import RESUME, check_store, keeping

__all__ = ["app"]

app = typer.Typer()

_STORE = typer.Option(None, help="Rebuild what is stored into this folder, instead of comparing with it.")


@app.command()
def budget(
    store: Path | None = _STORE,
    resume: bool = RESUME,
    until: int = typer.Option(80, help="Compare up to this budget, in visits of each prompt (5 to 2000)."),
) -> None:
    """Recompute the stored curves over the training budget; exit 1 if a number differs (--store: minutes)."""
    import numpy as np

    from rlvr.experiments import budget_axis

    console = Console()
    check_store(store, resume, "budget.csv", "sign_changes.csv")
    if store is not None:
        try:
            with keeping(store, "budget", resume) as kept:
                budget_axis.store(store, console.print, executor=kept)
        except OSError as problem:
            raise refuse(problem) from None
        console.print("stored budget.csv and sign_changes.csv")
        return
    same, stored = True, budget_axis.stored_budgets()
    try:
        with Progress(console=Console(stderr=True), transient=True) as bar:
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
    resume: bool = RESUME,
    trainings: int = typer.Option(10, help="Compare this many randomly chosen trainings."),
) -> None:
    """Recompute a random part of the multiverse (with --store: all); exit 1 if one of 12 digits differs."""
    import numpy as np
    import pandas as pd

    from rlvr.experiments import multiverse as specifications

    console, everything = Console(), specifications.trainings()
    check_store(store, resume, "multiverse.csv")
    if trainings < 1:
        raise refuse(ValueError(f"--trainings must be a whole number of at least 1, got {trainings}"))
    places = np.arange(len(everything))
    if store is None:
        places = np.random.default_rng().permutation(len(everything))[:trainings]
    chosen = [everything[place] for place in places]
    try:
        with nullcontext() if store is None else keeping(store, "multiverse", resume) as kept:
            fresh = specifications.recompute_trainings(chosen, executor=kept, progress=True)
            if store is not None:
                with replacing(store / "multiverse.csv") as (file,):
                    digits = f"%.{specifications.STORED_DIGITS}g"
                    pd.concat(fresh).to_csv(file, float_format=digits, lineterminator="\n")
    except OSError as problem:
        raise refuse(problem) from None
    if store is not None:
        console.print(f"stored {sum(map(len, fresh))} specifications in multiverse.csv")
        return
    _say(console, all(specifications.as_stored(one) for one in fresh))


def _say(console: Console, same: bool) -> None:
    console.print(
        "every number is as stored" if same else "[bold red]the numbers differ from those stored[/]"
    )
    raise typer.Exit(0 if same else 1)
