"""The `rlvr` command."""

from __future__ import annotations

from pathlib import Path

import typer
from rich.console import Console
from rich.table import Table

from rlvr.registered_commands import app as registered_commands
from rlvr.registered_commands import refuse

_STRENGTHS = typer.Option([0.20, 0.35, 0.50, 0.65, 0.80], help="Repeat for several.")
_REPLAY = typer.Option(None, "--store", help="Write the comparison to this CSV file too.")
_STORE = typer.Option(None, help="Rebuild the stored dense sweep into this folder instead (minutes).")

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help='Split "true minus random" into null, elicitation and reward design.',
)
app.add_typer(registered_commands)


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
            raise refuse(ValueError(f"--store must be an existing folder, got {str(store)!r}"))
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


_FIGURE_FORMATS = (".png", ".svg", ".pdf")
_TABLES = typer.Argument(
    ..., help="CSV files, one row an arm or one row an answered item; - reads standard input."
)
_ASSUME = typer.Option([], help="Assume no-harm, true-best or null-zero of missing arms. Repeat for several.")


@app.command()
def audit(
    tables: list[str] = _TABLES,
    json_out: str = typer.Option(None, "--json", metavar="OUT", help="Write the audit as JSON; - prints it."),
    figure: str = typer.Option(
        None, "--figure", metavar="OUT", help="Draw a forest plot: .png, .svg or .pdf."
    ),
    markdown: bool = typer.Option(False, "--markdown", help="Print a Markdown table instead of blocks."),
    level: float = typer.Option(0.95, help="Nominal coverage of the intervals."),
    rule: str = typer.Option("magnitude", help="What makes a term dominate: magnitude or published."),
    assume: list[str] = _ASSUME,
    run_sd: float = typer.Option(
        None, help="Sensitivity: run-to-run standard deviation (a fraction) where a table states none."
    ),
    frozen_shift: float = typer.Option(
        None, help="Sensitivity: how far (a fraction) FROZEN might move with its prompt or hardware."
    ),
) -> None:
    """Audit published arms: what they identify, how surely, and what would change the verdict.

    A table needs the columns study, model, benchmark, arm (frozen, random, majority, true), accuracy or
    accuracy_percent, and n_items; arms may be missing. Or, one row an answered item: study, model,
    benchmark, arm, run, item, correct.
    """
    import json

    from rlvr.audit import audit as audit_tables
    from rlvr.report import draw_forest, print_report, to_dict, to_markdown

    try:
        for option, out in (("--json", json_out), ("--figure", figure)):
            if out and out != "-" and (Path(out).is_dir() or not Path(out).absolute().parent.is_dir()):
                raise ValueError(f"{option} {out}: a file in an existing folder is accepted")
        if figure and Path(figure).suffix.lower() not in _FIGURE_FORMATS:
            raise ValueError(
                f"--figure {figure}: a name that ends in {', '.join(_FIGURE_FORMATS)} is accepted"
            )
        report = audit_tables(
            tables, level=level, rule=rule, assumptions=assume, run_sd=run_sd, frozen_shift=frozen_shift
        )
        if figure:
            draw_forest(report.cells).savefig(figure, dpi=160)
        text = json.dumps(to_dict(report), indent=2, ensure_ascii=False, allow_nan=False) + "\n"
        if json_out and json_out != "-":
            Path(json_out).write_text(text, encoding="utf-8")
    except (ValueError, TypeError, OSError) as problem:
        raise refuse(problem) from None
    if json_out == "-":
        typer.echo(text, nl=False)
    elif markdown:
        typer.echo(to_markdown(report), nl=False)
    else:
        print_report(report, Console())


def main() -> None:
    """Run the command; a broken pipe or an interrupt ends it quietly."""
    app()


if __name__ == "__main__":
    main()
