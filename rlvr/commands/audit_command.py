"""The command that audits a table: `rlvr audit`."""

from __future__ import annotations

from pathlib import Path

import typer
from rich.console import Console

from rlvr._checks import shortened
from rlvr.commands.refusal import refuse

__all__ = ["app"]

app = typer.Typer()

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
    page: str = typer.Option(None, "--report", metavar="OUT", help="Write one self-contained HTML page."),
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

    from rlvr.auditing.audit_output import draw_forest, print_report, to_dict, to_markdown
    from rlvr.auditing.cell_audit import audit as audit_tables

    try:
        for option, out in (("--json", json_out), ("--figure", figure), ("--report", page)):
            if out and out != "-" and (Path(out).is_dir() or not Path(out).absolute().parent.is_dir()):
                raise ValueError(f"{option} {shortened(out)}: a file in an existing folder is accepted")
        if figure and Path(figure).suffix.lower() not in _FIGURE_FORMATS:
            raise ValueError(
                f"--figure {shortened(figure)}: a name that ends in {', '.join(_FIGURE_FORMATS)} is accepted"
            )
        report = audit_tables(
            tables, level=level, rule=rule, assumptions=assume, run_sd=run_sd, frozen_shift=frozen_shift
        )
        if figure:
            draw_forest(report.cells).savefig(figure, dpi=160)
        if page:
            from rlvr.auditing.html_report import digests, to_html

            Path(page).write_text(to_html(report, inputs=digests(tables)), encoding="utf-8")
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
