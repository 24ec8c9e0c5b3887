"""The command that audits a table: `rlvr audit`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING
from warnings import catch_warnings, filterwarnings

import typer
from rich.console import Console

from rlvr._checks import shortened
from rlvr._escaping import json_text
from rlvr._writing import refuse_overwriting, replacing
from rlvr.arms import ARMS
from rlvr.commands.refusal import refusing
from rlvr.commands.spread_options import CATALOGUE, RUN_SD_HELP, read_run_sd

if TYPE_CHECKING:
    from rlvr.auditing.run_spreads import RunSd
    from rlvr.stats.spread_models import NextDeviation

__all__ = ["app"]

app = typer.Typer()

_FIGURE_FORMATS = (".png", ".svg", ".pdf")
_TABLES = typer.Argument(
    None, help="CSV files, one row an arm or one row an answered item; - reads standard input."
)
_ASSUME = typer.Option(
    [], help="Assumption about missing arms: no-harm, true-best or null-zero. Repeat for several."
)
_LOG = typer.Option(
    [],
    "--log",
    metavar="ARM=PATH",
    help="Evaluation log of an arm: a file, or a folder of runs. Repeat for each arm and run.",
)
_METRIC = typer.Option(
    [], help="Metric that scores an answer as right or wrong. Repeat for several benchmarks."
)
_FIELD = typer.Option(
    [],
    metavar="PART=NAME",
    help="Which field of a line of --log is the item, the outcome (correct) and, if need be, its prompt, "
    "output, truth, benchmark, cluster, model, step or sample; dots lead into nested ones. Repeat for each.",
)
_RUN_SD = typer.Option([], help=f"Assumed where a table states none. {RUN_SD_HELP}")


@app.command()
def audit(
    tables: list[str] = _TABLES,
    log: list[str] = _LOG,
    metric: list[str] = _METRIC,
    field: list[str] = _FIELD,
    benchmark: str = typer.Option(None, help="Benchmark of all logs, where they name it differently."),
    common_items: bool = typer.Option(
        False, "--common-items", help="Leave out items that are not in every log."
    ),
    unpaired: bool = typer.Option(
        False, "--unpaired", help="Do not match the items of the logs across arms."
    ),
    split_samples: bool = typer.Option(
        False, "--split-samples", help="Treat items with different numbers of samples as separate benchmarks."
    ),
    pass_at: str = typer.Option(
        None,
        metavar="K,K,...",
        help="Also split pass@k at each k, such as 1,8,64. Every item of every log needs at least k samples.",
    ),
    json_out: str = typer.Option(
        None, "--json", metavar="OUT", help="Write the audit as JSON to this file; - is standard output."
    ),
    figure: str = typer.Option(
        None, "--figure", metavar="OUT", help="Draw a forest plot: .png, .svg or .pdf."
    ),
    page: str = typer.Option(None, "--report", metavar="OUT", help="Write one self-contained HTML page."),
    markdown: bool = typer.Option(False, "--markdown", help="Print a Markdown table instead of blocks."),
    level: float = typer.Option(0.95, help="Nominal coverage of the intervals."),
    rule: str = typer.Option("magnitude", help="Rule by which a term dominates: magnitude or published."),
    assume: list[str] = _ASSUME,
    run_sd: list[str] = _RUN_SD,
    frozen_shift: float = typer.Option(
        None, help="Sensitivity: how much (a fraction) FROZEN may change with its prompt or hardware."
    ),
) -> None:
    """Audit published arms: the terms they identify, their uncertainty, and what would change the verdict.

    A table with one row per arm needs the columns arm (frozen, random, majority, true, or base, coin, vote,
    gt), accuracy or accuracy_percent, and n_items; arms may be missing. With a column seed or run, each row
    is a training run. A table with one row per answered item needs arm, item and correct, and run or seed
    where an arm has several runs; a column cluster names the question of which an item is a variant. Both may
    have study, model and benchmark. Semicolons or tabs may replace the commas.

    Logs are those of lm-evaluation-harness, Inspect, verl and the other tools in README, lines with item and
    correct, or records with the fields that --field names. Their items are matched across arms. Arms that
    were decoded differently (greedy, sampled), by their logs or by a table's column decoding, are refused.
    """
    from rlvr._reading import digests_as_read, no_search_for_cycles
    from rlvr.auditing.audit_output import print_report, to_dict, to_html, to_markdown
    from rlvr.auditing.cell_verdicts import audit as audit_tables
    from rlvr.auditing.cell_verdicts import with_notices
    from rlvr.auditing.forest_plot import draw_forest

    # Only the HTML page shows digests.
    with refusing(), no_search_for_cycles(), digests_as_read(bool(page)) as digests:
        tables = tables or []
        if not tables and not log:
            raise ValueError(
                "no table and no --log was given; give a CSV file, or --log ARM=PATH for each arm"
            )
        logs = [_arm_and_path(pair) for pair in log]
        inputs = [*tables, *(path for _, path in logs)]
        ks = None
        if pass_at is not None:
            from rlvr.auditing.pass_at_k_terms import ks_from

            ks = ks_from(pass_at)
            if not logs:
                raise ValueError(
                    "--pass-at needs the samples of each item: logs (--log ARM=PATH) are accepted"
                )
        outputs = {"--json": json_out, "--figure": figure, "--report": page}
        refuse_overwriting(outputs, inputs)
        if figure and Path(figure).suffix.lower() not in _FIGURE_FORMATS:
            raise ValueError(
                f"--figure {shortened(figure)}: a name that ends in {', '.join(_FIGURE_FORMATS)} is accepted"
            )
        if page == "-":
            raise ValueError("--report -: the page needs a file; a name such as audit.html is accepted")
        outcomes = None
        if logs:
            from rlvr.logs.runs import read_logs

            outcomes = read_logs(
                logs,
                metrics=metric,
                common_items=common_items,
                benchmark=benchmark,
                unpaired=unpaired,
                fields=field,
                split_samples=split_samples,
            )
        report = audit_tables(
            [*tables, outcomes.table] if outcomes else tables,
            level=level,
            rule=rule,
            assumptions=assume,
            run_sd=_run_sd(run_sd),
            frozen_shift=frozen_shift,
        )
        if outcomes:
            at_k = None
            if ks:
                from rlvr.auditing.pass_at_k_terms import terms_at_k

                at_k = terms_at_k(outcomes, ks, level=level)
            report = with_notices(report, outcomes, at_k)
        text = json_text(to_dict(report)) + "\n" if json_out else ""
        files = {option: out for option, out in outputs.items() if out and out != "-"}
        with replacing(*files.values()) as fresh:
            for (option, out), new in zip(files.items(), fresh, strict=True):
                if option == "--json":
                    new.write_text(text, encoding="utf-8")
                elif option == "--report":
                    new.write_text(to_html(report, inputs=digests), encoding="utf-8")
                else:  # the ending of the new file is that of a link's target
                    picture = Path(out).suffix[1:].lower()
                    with catch_warnings():  # matplotlib draws a box for a letter that the font lacks
                        filterwarnings("ignore", "Glyph .* missing")
                        draw_forest(report.cells).savefig(new, dpi=160, format=picture)
    if json_out == "-":
        typer.echo(text.encode(), nl=False)  # UTF-8, whatever the terminal's encoding
    elif markdown:
        typer.echo(to_markdown(report), nl=False)
    else:
        print_report(report, Console())


def _run_sd(texts: list[str]) -> RunSd:
    """Return the spread of each arm, with laws from the catalogue; one number for all stays one number."""
    spreads = read_run_sd(texts)
    first = next(iter(spreads.values()), None)
    if isinstance(first, float) and list(spreads.values()) == [first] * len(ARMS[1:]):
        return first
    laws: dict[str, NextDeviation] = {}
    if CATALOGUE in spreads.values():
        from rlvr.planning.spread_catalogue import catalogue_laws

        laws = catalogue_laws()
    return {arm: laws[arm] if isinstance(sd, str) else sd for arm, sd in spreads.items()} or None


def _arm_and_path(pair: str) -> tuple[str, str]:
    arm, sign, path = pair.partition("=")
    if not sign or not path:
        raise ValueError(f"--log must be ARM=PATH, got {shortened(pair)}")
    from rlvr.auditing.tables import arm_name

    return arm_name(arm) or arm.strip().lower(), path
