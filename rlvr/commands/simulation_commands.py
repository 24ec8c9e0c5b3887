"""The commands that simulate: `rlvr replay` (the published study), `sweep`, `coin-flips` and `explorer`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer
from rich.console import Console
from rich.table import Table

from rlvr._checks import counted
from rlvr._writing import refuse_overwriting, replacing
from rlvr.commands.refusal import refuse
from rlvr.commands.resuming import RESUME, check_store, keeping

if TYPE_CHECKING:
    from pandas import DataFrame

__all__ = ["app"]

app = typer.Typer()

_STRENGTHS = typer.Option([0.20, 0.35, 0.50, 0.65, 0.80], help="Repeat for several.")
_REPLAY = typer.Option(None, "--store", help="Write the comparison to this CSV file too.")
_COIN_FLIPS = typer.Option(None, "--store", help="Rebuild the stored runs into this CSV file (minutes).")
_STORE = typer.Option(None, help="Rebuild the stored dense sweep into this folder instead (minutes).")

_GRID = typer.Option(None, help="Rebuild the stored grids into this folder instead (minutes).")


@app.command()
def replay(
    quick: bool = typer.Option(
        False, "--quick", help="Only the light sweep at prior strengths 0.20 and 0.80."
    ),
    heavy: bool = typer.Option(False, "--heavy", help="The heavy sweep and factorial too (minutes)."),
    store: Path | None = _REPLAY,
) -> None:
    """Rerun the published study draw for draw; exit 1 if a published digit does not come back."""
    from rlvr.experiments.digit_for_digit import compare

    try:
        refuse_overwriting({"--store": store}, [])
    except ValueError as problem:
        raise refuse(problem) from None
    table = Table("table", "quantity", "published", "replayed", "equal?", title="Published against replayed")
    rows = []
    console = Console()
    with console.status("replaying") as status:
        for row in compare(quick=quick, heavy=heavy):
            status.update(f"replayed {row.table}")
            rows.append(row)
            table.add_row(
                row.table,
                row.quantity,
                row.published,
                row.replayed,
                "yes" if row.equal else "[bold red]NO[/]",
            )
    console.print(table)
    equal = sum(row.equal for row in rows)
    console.print(f"{equal} of {len(rows)} published numbers come back to the last digit given")
    if store is not None:
        import pandas as pd

        try:
            with replacing(store) as (new,):
                pd.DataFrame(rows).to_csv(new, index=False)
        except OSError as problem:
            raise refuse(problem) from None
    raise typer.Exit(0 if equal == len(rows) else 1)


@app.command()
def sweep(
    prior_strength: list[float] = _STRENGTHS,
    n_tasks: int = typer.Option(100, help="Task draws: the unit of replication."),
    n_seeds: int = typer.Option(8, help="Training seeds in each task draw."),
    n_steps: int = typer.Option(200, help="Training steps."),
    tie_break: str = typer.Option("lowest", help="lowest (as published) or uniform."),
    seed: int = typer.Option(0, help="Root of all randomness."),
    store: Path | None = _STORE,
    resume: bool = RESUME,
) -> None:
    """Simulate the four arms over prior strengths and print the terms with 95% intervals."""
    from rlvr.decomposition import PARTS, decompose
    from rlvr.simulator.grpo_config import GRPOConfig
    from rlvr.simulator.task_family import TaskFamily
    from rlvr.simulator.trainer import simulate

    check_store(store, resume, "sweep.csv", "crossings.csv")
    if store is not None:
        from rlvr.experiments.prior_sweep import store as rebuild

        try:
            with keeping(store, "sweep", resume) as kept:
                rebuild(store, typer.echo, executor=kept)
        except (ValueError, OSError) as problem:
            raise refuse(problem) from None
        return
    table = Table(
        "prior strength",
        "prior accuracy",
        "null",
        "elicitation",
        "reward design",
        "reward design / naive",
        title=f"Population terms: {counted(n_tasks, 'task draw')} x {counted(n_seeds, 'seed')}, "
        "95% t intervals over task draws",
    )
    try:
        config = GRPOConfig(n_steps=n_steps, tie_break=tie_break)
        families = [TaskFamily(prior_strength=strength) for strength in prior_strength]
        trained = simulate(families, config, n_tasks=n_tasks, n_seeds=n_seeds, seed=seed, progress=True)
        for family, runs in zip(families, trained, strict=True):
            parts = decompose(runs)
            table.add_row(
                f"{family.prior_strength:.2f}",
                f"{family.prior_accuracy:.4f}",
                *(f"{getattr(parts, name):+.4f}" for name in PARTS),
                f"{parts.reward_design_fraction:.3f}",
            )
    except (ValueError, TypeError) as problem:
        raise refuse(problem) from None
    Console().print(table)


@app.command("coin-flips")
def coin_flips(
    store: Path | None = _COIN_FLIPS,
    runs: int = typer.Option(2, min=1, help="Compare this many runs of each model and design."),
) -> None:
    """Rerun the models of published RANDOM runs; exit 1 if a run differs from what is stored."""
    import numpy as np

    from rlvr.experiments import coin_flip_models
    from rlvr.published_runs import DESIGNS

    console, same = Console(), True
    try:
        refuse_overwriting({"--store": store}, [])
        with console.status("simulating") as status:
            if store is not None:
                coin_flip_models.store(store, status.update)
            for model in coin_flip_models.models() if store is None else ():
                for design in DESIGNS:
                    status.update(f"{model}: {design}")
                    fresh = coin_flip_models.simulated_runs(model, design, n_runs=runs)[:, 1:]
                    kept = coin_flip_models.stored_model_runs(model, design)[: len(fresh)]
                    same &= np.allclose(fresh[: len(kept)], kept, rtol=0, atol=6e-4)
    except (ValueError, OSError) as problem:
        raise refuse(problem) from None
    if store is None:
        console.print("every run is as stored" if same else "[bold red]the runs differ from those stored[/]")
    raise typer.Exit(0 if same else 1)


@app.command()
def explorer(
    groups: int = typer.Option(3, min=1, help="How many randomly chosen groups of each grid to recompute."),
    store: Path | None = _GRID,
    resume: bool = RESUME,
) -> None:
    """Recompute part of the two grids behind the explorer page; exit 1 if a digit differs."""
    from rlvr.experiments import settings_grid, sharing_grid

    check_store(store, resume, "settings_grid.csv", "sharing_grid.csv")
    if store is not None:
        try:
            with keeping(store, "explorer", resume) as kept:
                settings_grid.store_settings(store, typer.echo, executor=kept)
                sharing_grid.store_sharing(store, typer.echo, executor=kept)
        except (ValueError, OSError) as problem:
            raise refuse(problem) from None
        return
    same = [
        *_as_stored(
            settings_grid.stored_settings(),
            settings_grid.GROUPS,
            settings_grid.recompute_settings,
            "{} answers, {} ties, prior strength {}".format,
            groups,
        ),
        *_as_stored(
            sharing_grid.stored_sharing(),
            sharing_grid.SHARING_GROUPS,
            sharing_grid.recompute_sharing,
            sharing_grid.group_name,
            groups,
        ),
    ]
    raise typer.Exit(0 if all(same) else 1)


def _as_stored(
    table: DataFrame,
    groups: tuple[tuple[Any, ...], ...],
    recompute: Callable[..., DataFrame],
    named: Callable[..., str],
    n_groups: int,
) -> Iterator[bool]:
    """Recompute randomly chosen groups of a stored grid, say of each whether it came back, and yield it."""
    import numpy as np

    for chosen in np.random.default_rng().permutation(len(groups))[:n_groups]:
        fresh = recompute(*groups[chosen]).set_index(table.index.names)
        equal = np.allclose(table.loc[fresh.index], fresh, rtol=0, atol=2e-6, equal_nan=True)
        typer.echo(f"{named(*groups[chosen])}: {'as stored' if equal else 'DIFFERS'}")
        yield equal
