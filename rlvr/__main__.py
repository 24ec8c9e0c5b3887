"""The `rlvr` command."""

from __future__ import annotations

from pathlib import Path

import typer
from rich.console import Console
from rich.table import Table

_STRENGTHS = typer.Option([0.20, 0.35, 0.50, 0.65, 0.80], help="Repeat for several.")
_REPLAY = typer.Option(None, "--store", help="Write the comparison to this CSV file too.")
_STORE = typer.Option(None, help="Rebuild the stored dense sweep into this folder instead (minutes).")

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help='Split "true minus random" into null, elicitation and reward design.',
)


def _refuse(problem: Exception) -> typer.Exit:
    """Say what was wrong on standard error; nothing has been written."""
    typer.echo(f"rlvr: {problem}", err=True)
    return typer.Exit(2)


@app.command()
def replay(
    quick: bool = typer.Option(
        False, "--quick", help="Only the light sweep at prior strengths 0.20 and 0.80."
    ),
    heavy: bool = typer.Option(False, "--heavy", help="The heavy sweep and factorial too (minutes)."),
    store: Path | None = _REPLAY,
) -> None:
    """Rerun the published study draw for draw; exit 1 if a published digit does not come back."""
    from rlvr.published import compare

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
    from rlvr.grpo import GRPOConfig, simulate
    from rlvr.tasks import TaskFamily

    if store is not None:
        from rlvr.sweep import store as rebuild

        if not store.is_dir():
            raise _refuse(ValueError(f"--store must be an existing folder, got {str(store)!r}"))
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
        raise _refuse(problem) from None
    Console().print(table)


@app.command()
def factorial(
    filtering: str = typer.Option("drop", help="What B = +1 stands for: drop or refill; B = -1 is off."),
    stronger: float = typer.Option(0.80, help="Prior strength at C = +1."),
    weaker: float = typer.Option(0.35, help="Prior strength at C = -1."),
    scale: str = typer.Option("accuracy", help="accuracy or logit."),
    n_blocks: int = typer.Option(100, help="Task draws: the unit of replication."),
    n_seeds: int = typer.Option(2, help="Training seeds in each task draw."),
    seed: int = typer.Option(0, help="Root of all randomness."),
) -> None:
    """Simulate a 2x2x2 (reward, filtering, prior) blocked by task draw; print effects in ±1 coding."""
    from rlvr.factorial import fit, interaction_ratio, on_scale, run_blocks

    try:
        blocks = run_blocks(
            (stronger, weaker), filtering=filtering, n_blocks=n_blocks, n_seeds=n_seeds, seed=seed
        )
        cells = on_scale(blocks.cells, scale)
        estimates, ratio = fit(cells), interaction_ratio(cells)
    except (ValueError, TypeError) as problem:
        raise _refuse(problem) from None
    table = Table("effect", f"on the {scale} scale, 95% interval over {n_blocks} task draws")
    for effect, estimate in estimates.items():
        table.add_row(effect, f"{estimate:+.6f}")
    console = Console()
    console.print(table)
    console.print(
        f"{ratio.interaction} / {ratio.main}: {ratio.ratio:.4f} (both largest in {ratio.stability:.1%})"
    )


@app.command("gate-map")
def gate_map(
    write: bool = typer.Option(False, "--write", help="Store the counts instead of comparing with them."),
    blocks: int = typer.Option(0, help="Only this many randomly chosen blocks; 0 for all (minutes)."),
) -> None:
    """Rebuild the error rates of the gates; exit 1 if a count differs from what is stored."""
    import numpy as np

    from rlvr.gate_map import EXAMPLE, MAP, block_counts, build, load_counts

    console, same = Console(), True
    with console.status("simulating") as status:
        for grid in (EXAMPLE, MAP):
            if write:
                table = build(grid, progress=status.update)
                table.to_csv(grid.path, index=False, lineterminator="\n")
                continue
            stored = load_counts(grid).set_index(["prior_strength", "block"])
            places = stored.index.unique()
            chosen = np.random.default_rng().permutation(len(places))[: blocks or None]
            for place in chosen:
                again = block_counts(grid, *places[place]).set_index(["prior_strength", "block"])
                same &= again.equals(stored.loc[[places[place]]])
    if not write:
        console.print(
            "every count is as stored" if same else "[bold red]the counts differ from those stored[/]"
        )
    raise typer.Exit(0 if same else 1)


protocol = typer.Typer(no_args_is_help=True, help="The registered protocol: check its results, or rerun it.")
app.add_typer(protocol, name="protocol")

_PROTOCOL = typer.Option(None, "--protocol", help="Protocol file; the registered one by default.")
_RESULTS = typer.Option(None, "--results", help="Stem of the stored results; ours by default.")


@protocol.command("check")
def protocol_check(protocol_file: Path | None = _PROTOCOL, results_stem: Path | None = _RESULTS) -> None:
    """Print the digest and each hypothesis with its verdict; exit 1 if digest and stored results disagree."""
    from rlvr.protocol import PROTOCOL, RESULTS, load_protocol, load_results
    from rlvr.judging import judge

    try:
        registered = load_protocol(protocol_file or PROTOCOL)
        results = load_results(results_stem or RESULTS)
    except (ValueError, OSError) as problem:
        raise _refuse(problem) from None
    console = Console()
    console.print(f"protocol sha256 {registered.digest}", soft_wrap=True)
    if results.digest != registered.digest:
        console.print(f"results  sha256 {results.digest}", soft_wrap=True)
        console.print("[bold red]The stored results were made under another protocol.[/]")
        raise typer.Exit(1)
    table = Table("hypothesis", "statement", "verdict", "Holm-adjusted p")
    for judgement in judge(registered, results):
        table.add_row(judgement.name, judgement.statement, judgement.verdict, f"{judgement.adjusted_p:.2g}")
    console.print(table)


@protocol.command("run")
def protocol_run(
    protocol_file: Path | None = _PROTOCOL,
    results_stem: Path | None = _RESULTS,
    write: bool = typer.Option(False, "--write", help="Store the results instead of comparing with them."),
) -> None:
    """Rerun everything that was registered (about a minute); exit 1 if a bit differs from what is stored."""
    from rlvr.protocol import PROTOCOL, RESULTS, load_protocol, load_results, run_protocol, store_results

    console = Console()
    try:
        registered = load_protocol(protocol_file or PROTOCOL)
        stored = None if write else load_results(results_stem or RESULTS)
        with console.status("running") as status:
            results = run_protocol(registered, progress=lambda part: status.update(f"running {part}"))
    except (ValueError, OSError) as problem:
        raise _refuse(problem) from None
    if stored is None:
        store_results(results, results_stem or RESULTS)
        console.print(f"stored results of protocol {registered.digest[:12]}")
        return
    same = results.same_as(stored)
    console.print("every bit is as stored" if same else "[bold red]the results differ from those stored[/]")
    raise typer.Exit(0 if same else 1)


def main() -> None:
    """Run the command; a broken pipe or an interrupt ends it quietly."""
    app()


if __name__ == "__main__":
    main()
