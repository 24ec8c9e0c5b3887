"""The commands that simulate: `rlvr replay` (the published study), `rlvr sweep` and `rlvr explorer`."""

from __future__ import annotations

import os
from pathlib import Path

import typer
from rich.console import Console
from rich.table import Table

from rlvr._checks import shown
from rlvr.commands.refusal import refuse, writable

__all__ = ["app"]

app = typer.Typer()

_STRENGTHS = typer.Option([0.20, 0.35, 0.50, 0.65, 0.80], help="Repeat for several.")
_REPLAY = typer.Option(None, "--store", help="Write the comparison to this CSV file too.")
_STORE = typer.Option(None, help="Rebuild the stored dense sweep into this folder instead (minutes).")

_GRID = typer.Option(None, help="Rebuild the stored grid into this folder instead (minutes).")


@app.command()
def replay(
    quick: bool = typer.Option(
        False, "--quick", help="Only the light sweep at prior strengths 0.20 and 0.80."
    ),
    heavy: bool = typer.Option(False, "--heavy", help="The heavy sweep and factorial too (minutes)."),
    store: Path | None = _REPLAY,
) -> None:
    """Rerun the published study draw for draw; exit 1 if a published digit does not come back."""
    from rlvr.replication.digit_for_digit import compare

    try:
        if store is not None:
            writable("--store", store)
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

        pd.DataFrame(rows).to_csv(store, index=False)
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
) -> None:
    """Simulate the four arms over prior strengths and print the terms with 95% intervals."""
    from rlvr.decomposition import PARTS, decompose
    from rlvr.simulator.grpo_config import GRPOConfig
    from rlvr.simulator.task_family import TaskFamily
    from rlvr.simulator.trainer import simulate

    if store is not None:
        from rlvr.simulator.prior_sweep import store as rebuild

        if not os.path.isdir(store):  # unlike Path.is_dir it never raises
            raise refuse(ValueError(f"--store must be an existing folder, got {shown(str(store))}"))
        rebuild(store, typer.echo)
        return
    table = Table(
        "prior strength",
        "prior accuracy",
        "null",
        "elicitation",
        "reward design",
        "reward design / naive",
        title=f"Population terms: {n_tasks} task draws x {n_seeds} seeds, 95% t intervals over task draws",
    )
    try:
        config = GRPOConfig(n_steps=n_steps, tie_break=tie_break)
        for strength in prior_strength:
            family = TaskFamily(prior_strength=strength)
            parts = decompose(simulate(family, config, n_tasks=n_tasks, n_seeds=n_seeds, seed=seed))
            table.add_row(
                f"{strength:.2f}",
                f"{family.prior_accuracy:.4f}",
                *(f"{getattr(parts, name):+.4f}" for name in PARTS),
                f"{parts.reward_design_fraction:.3f}",
            )
    except (ValueError, TypeError, NotImplementedError) as problem:
        raise refuse(problem) from None
    Console().print(table)


@app.command()
def explorer(
    groups: int = typer.Option(3, min=1, help="How many randomly chosen groups of settings to recompute."),
    store: Path | None = _GRID,
) -> None:
    """Recompute part of the grid of settings behind the explorer page; exit 1 if a digit differs."""
    import numpy as np

    from rlvr.simulator.settings_grid import GROUPS, recompute_settings, store_settings, stored_settings

    if store is not None:
        if not os.path.isdir(store):
            raise refuse(ValueError(f"--store must be an existing folder, got {shown(str(store))}"))
        store_settings(store, typer.echo)
        return
    table, same = stored_settings(), True
    for chosen in np.random.default_rng().permutation(len(GROUPS))[:groups]:
        fresh = recompute_settings(*GROUPS[chosen]).set_index(table.index.names)
        equal = np.allclose(table.loc[fresh.index], fresh, rtol=0, atol=2e-6, equal_nan=True)
        typer.echo(
            "{} answers, {} ties, prior strength {}: {}".format(
                *GROUPS[chosen], "as stored" if equal else "DIFFERS"
            )
        )
        same &= equal
    raise typer.Exit(0 if same else 1)
