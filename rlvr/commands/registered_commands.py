"""The commands of the registered part: factorial, gate-map, protocol check and run."""

from __future__ import annotations

from pathlib import Path

import typer
from rich.console import Console
from rich.table import Table

from rlvr._checks import counted, shortened, shown
from rlvr._writing import refuse_overwriting, replacing
from rlvr.commands.refusal import refuse

__all__ = ["app"]

app = typer.Typer()


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
    from rlvr.experiments.factorial_design import fit, interaction_ratio, on_scale, run_blocks

    try:
        blocks = run_blocks(
            (stronger, weaker), filtering=filtering, n_blocks=n_blocks, n_seeds=n_seeds, seed=seed
        )
        cells = on_scale(blocks.cells, scale)
        estimates, ratio = fit(cells), interaction_ratio(cells)
    except (ValueError, TypeError) as problem:
        raise refuse(problem) from None
    table = Table("effect", f"on the {scale} scale, 95% interval over {counted(n_blocks, 'task draw')}")
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
    blocks: int = typer.Option(0, min=0, help="Only this many randomly chosen blocks; 0 for all (minutes)."),
) -> None:
    """Rebuild the error rates of the gates; exit 1 if a count differs from what is stored."""
    import numpy as np

    from rlvr.experiments.gate_error_rates import EXAMPLE, MAP, block_counts, build, load_counts

    console, same = Console(), True
    if write:
        try:
            with console.status("simulating") as status:
                tables = [build(grid, progress=status.update) for grid in (EXAMPLE, MAP)]
            with replacing(EXAMPLE.path, MAP.path) as files:
                for table, file in zip(tables, files, strict=True):
                    table.to_csv(file, index=False, lineterminator="\n")
        except OSError as problem:
            raise refuse(problem) from None
        return
    with console.status("simulating") as status:
        for grid in (EXAMPLE, MAP):
            stored = load_counts(grid).set_index(["prior_strength", "block"])
            places = stored.index.unique()
            chosen = np.random.default_rng().permutation(len(places))[: blocks or None]
            for place in chosen:
                again = block_counts(grid, *places[place]).set_index(["prior_strength", "block"])
                same &= again.equals(stored.loc[[places[place]]])
    console.print("every count is as stored" if same else "[bold red]the counts differ from those stored[/]")
    raise typer.Exit(0 if same else 1)


protocol = typer.Typer(
    no_args_is_help=True, help="The registered protocols: check their results, or rerun them."
)
app.add_typer(protocol, name="protocol")

_PROTOCOL = typer.Option(None, "--protocol", help="Protocol file; every registered one by default.")
_RESULTS = typer.Option(None, "--results", help="Stem of the stored results; ours by default.")


def _asked(protocol_file: Path | None, results_stem: Path | None) -> list[tuple[Path, Path]]:
    """The protocols to work on, each with the stem of its results: every registered one, or the one named."""
    from rlvr.experiments.sealed_protocol import PROTOCOL, REGISTERED, RESULTS

    if protocol_file is None and results_stem is None:
        return list(REGISTERED.values())
    return [(protocol_file or PROTOCOL, results_stem or RESULTS)]


@protocol.command("check")
def protocol_check(protocol_file: Path | None = _PROTOCOL, results_stem: Path | None = _RESULTS) -> None:
    """Print each digest and each hypothesis with its verdict; exit 1 if digest and results disagree."""
    from rlvr.experiments.protocol_verdicts import judge
    from rlvr.experiments.sealed_protocol import load_protocol, load_results

    console = Console()
    for file, stem in _asked(protocol_file, results_stem):
        try:
            registered = load_protocol(file)
            results = load_results(stem)
        except (ValueError, OSError) as problem:
            raise refuse(problem) from None
        console.print(f"protocol sha256 {registered.digest}", soft_wrap=True)
        if results.digest != registered.digest:
            console.print(f"results  sha256 {shortened(results.digest)}", soft_wrap=True)
            console.print("[bold red]The stored results were made under another protocol.[/]")
            raise typer.Exit(1)
        try:
            judgements = judge(registered, results)
        except (ValueError, TypeError, KeyError) as problem:
            said = shortened(str(problem), most=200)
            raise refuse(ValueError(f"the protocol cannot be judged: {said}")) from None
        table = Table("hypothesis", "statement", "verdict", "Holm-adjusted p")
        for judgement in judgements:
            p = f"{judgement.adjusted_p:.2g}"
            table.add_row(judgement.name, judgement.statement, judgement.verdict, p)
        console.print(table)


@protocol.command("run")
def protocol_run(
    protocol_file: Path | None = _PROTOCOL,
    results_stem: Path | None = _RESULTS,
    write: bool = typer.Option(False, "--write", help="Store the results instead of comparing with them."),
) -> None:
    """Rerun everything that was registered (a few minutes); exit 1 if a bit differs from what is stored."""
    from rlvr.experiments.sealed_protocol import load_protocol, load_results, run_protocol, store_results

    console, same = Console(), True
    for file, stem in _asked(protocol_file, results_stem):
        try:
            registered = load_protocol(file)
            if write:
                files = {f"--results: {part}": f"{stem}_{part}.csv" for part in ("accuracy", "gate")}
                refuse_overwriting(files, [file])
            stored = None if write else load_results(stem)
            with console.status("running") as status:
                results = run_protocol(registered, progress=lambda part: status.update(f"running {part}"))
            if write:
                store_results(results, stem)
                console.print(f"stored results of protocol {registered.digest[:12]}")
        except (ValueError, TypeError, OSError) as problem:
            raise refuse(problem) from None
        except KeyError as missing:
            raise refuse(ValueError(f"the protocol does not state {shown(missing.args[0])}")) from None
        same &= stored is None or results.same_as(stored)
    if not write:
        verdict = "every bit is as stored" if same else "[bold red]the results differ from those stored[/]"
        console.print(verdict)
    raise typer.Exit(0 if same else 1)
