"""The command that plans a study: `rlvr plan`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer
from rich.console import Console

from rlvr._checks import shortened
from rlvr._escaping import json_text
from rlvr._writing import refuse_overwriting, replacing
from rlvr.arms import ARMS
from rlvr.commands.refusal import refusing
from rlvr.commands.spread_options import CATALOGUE, RUN_SD_HELP, read_run_sd

if TYPE_CHECKING:
    from rlvr.auditing.cells import Cell
    from rlvr.planning.study_plans import Plan, StudyDesign
    from rlvr.stats.spread_models import NextDeviation

__all__ = ["app"]

app = typer.Typer()

_FIGURE_FORMATS = (".png", ".svg", ".pdf")
_RUNS = (2, 3, 5, 8, 12, 20)
_PILOT = typer.Argument(None, help="A pilot: a table with one cell of four arms, as `rlvr audit` reads it.")
_RUN_SD = typer.Option([], help=RUN_SD_HELP)


@app.command()
def plan(
    pilot: str | None = _PILOT,
    frozen: float = typer.Option(None, help="Guessed accuracy of FROZEN, a fraction."),
    random: float = typer.Option(None, help="Guessed accuracy of RANDOM."),
    majority: float = typer.Option(None, help="Guessed accuracy of MAJORITY."),
    true: float = typer.Option(None, help="Guessed accuracy of TRUE."),
    items: int = typer.Option(None, help="Items of the benchmark. Default: the pilot's, or 500."),
    samples: int = typer.Option(None, help="Answers to each item. Default: the pilot's, or 1."),
    runs: int = typer.Option(None, help="Training runs of each trained arm. Default: the pilot's, or 3."),
    run_sd: list[str] = _RUN_SD,
    item_correlation: float = typer.Option(
        None, help="Correlation of two arms' outcomes on an item, 0 to 1. Default: the pilot's, or 0.5."
    ),
    sample_correlation: float = typer.Option(
        None,
        help="Correlation of one arm's repeated answers to an item. At least, and by default, "
        "--item-correlation.",
    ),
    paired: bool = typer.Option(
        True,
        "--paired/--unpaired",
        help="Whether the study keeps outcomes item by item, or accuracies alone.",
    ),
    chance: float = typer.Option(0.8, help="Find the cheapest design with this chance of a verdict."),
    half_width: float = typer.Option(
        None, help="Find the cheapest design with this half-width (a fraction) instead of a chance."
    ),
    answers_per_run: float = typer.Option(300_000, help="How many evaluated answers cost one training run."),
    level: float = typer.Option(0.95, help="Nominal coverage of the intervals."),
    rule: str = typer.Option("magnitude", help="Rule by which a term dominates: magnitude or published."),
    json_out: str = typer.Option(
        None, "--json", metavar="OUT", help="Write the plan as JSON to this file; - is standard output."
    ),
    figure: str = typer.Option(None, "--figure", metavar="OUT", help="Draw the plan: .png, .svg or .pdf."),
) -> None:
    """Plan four arms before training: the chance of a supported verdict, half-widths, the cheapest design.

    Give a guess of the four accuracies, the table of a pilot, or both; an option overrides the table.
    """
    from rlvr.planning.plan_output import draw_plans, plans_to_dict, print_plans
    from rlvr.planning.study_plans import ITEMS, cheapest_design, plan_study

    with refusing():
        outputs = {"--json": json_out, "--figure": figure}
        refuse_overwriting(outputs, [pilot] if pilot else [])
        if figure and Path(figure).suffix.lower() not in _FIGURE_FORMATS:
            raise ValueError(
                f"--figure {shortened(figure)}: a name that ends in {', '.join(_FIGURE_FORMATS)} is accepted"
            )
        guess = (frozen, random, majority, true)
        sizes = {"n_items": items, "samples_per_item": samples, "n_runs": runs}
        spreads = read_run_sd(run_sd)
        laws = _laws(arm for arm, sd in spreads.items() if sd == CATALOGUE)
        design, sources = _design(pilot, guess, sizes, spreads, laws, item_correlation, sample_correlation)
        settings: dict[str, Any] = {
            "paired": paired, "level": level, "rule": rule, "answers_per_run": answers_per_run, "laws": laws,
        }  # fmt: skip
        best = cheapest_design(
            design,
            chance=None if half_width is not None else chance,
            half_width=half_width,
            items=sorted({*ITEMS, design.n_items}),
            **settings,
        )
        runs_shown = [design.n_runs, *(n for n in _RUNS if n != design.n_runs)]
        plans = [plan_study(replace(design, n_runs=n), **settings) for n in runs_shown]
        sources += _what_laws_change(plans[0], settings) if laws else []
        wanted = f"chance {chance:g}" if half_width is None else f"half-width {half_width:g}"
        cheapest = best or f"none with up to {max(*ITEMS, design.n_items)} items and 20 runs has {wanted}"
        text = json_text(plans_to_dict(plans, cheapest=cheapest, sources=sources)) + "\n"
        files = {option: out for option, out in outputs.items() if out and out != "-"}
        with replacing(*files.values()) as fresh:
            for option, new in zip(files, fresh, strict=True):
                if option == "--json":
                    new.write_text(text, encoding="utf-8")
                    continue
                more = [
                    plan_study(replace(design, n_items=size, n_runs=n), **settings)
                    for size in (100, 500, 2000)
                    if size != design.n_items
                    for n in _RUNS
                ]
                shape = Path(figure).suffix[1:].lower()
                draw_plans([*plans, *more]).savefig(new, dpi=160, format=shape)
    if json_out == "-":
        typer.echo(text.encode(), nl=False)  # UTF-8, whatever the terminal's encoding
    else:
        print_plans(plans, Console(), cheapest=cheapest, sources=sources)


def _laws(arms: Iterable[str]) -> dict[str, NextDeviation]:
    names = list(arms)
    if not names:
        return {}
    from rlvr.planning.spread_catalogue import catalogue_laws

    return catalogue_laws(names)


def _what_laws_change(plan: Plan, settings: dict[str, Any]) -> list[str]:
    """Describe the laws, and the chance with their medians or in an audit that uses the laws as priors."""
    from rlvr.planning.study_plans import plan_study

    laws: dict[str, NextDeviation] = settings["laws"]
    lines = []
    for arm, law in laws.items():
        low, high = (100 * end for end in law.interval())
        lines.append(
            f"run-to-run standard deviation of {arm.upper()} from {law.n_cells} spreads that {law.n_studies} "
            f"stud{'y' if law.n_studies == 1 else 'ies'} measured: median {100 * law.median:.1f} points, "
            f"95% of further studies {low:.1f} to {high:.1f}; chances are averages over it"
        )
    plugged = plan_study(plan.design, **{**settings, "laws": None})
    informed = plan_study(plan.design, **settings, laws_in_audit=True)
    lines.append(
        f"at the median spreads, the chance over items and runs would be {plugged.chance():.0%} in "
        f"place of {plan.chance():.0%}; in an audit that takes the catalogue as its prior "
        f"(rlvr audit --run-sd from=catalogue) it is {informed.chance():.0%}"
    )
    return lines


def _with_guesses(cell: Cell, guess: tuple[float | None, ...], n_items: int | None) -> Cell:
    """Return a pilot with a guess for each arm that it lacks, and `n_items` where it states no number."""
    from rlvr.auditing.cells import Arm

    known = [arm.n_items for arm in cell.arms.values() if arm.n_items]
    n_runs = min((arm.n_runs for arm in cell.arms.values() if arm.n_runs), default=None)
    arms = {
        name: Arm(name, value, n_items=min(known, default=None), n_runs=n_runs)
        for name, value in zip(ARMS, guess, strict=True)
        if value is not None
    } | dict(cell.arms)
    return replace(
        cell, arms={name: replace(arm, n_items=arm.n_items or n_items) for name, arm in arms.items()}
    )


def _few_runs(cell: Cell, spreads: Mapping[str, float | str]) -> list[str]:
    """State how well the runs of a pilot determine the spreads that the plan takes from it."""
    from rlvr.stats.spreads import interval_of_deviation

    lines = []
    for name, arm in cell.arms.items():
        n = arm.run_sd_runs or arm.n_runs
        if name in spreads or arm.run_sd is None or n is None or n < 2:
            continue
        ends = interval_of_deviation(arm.run_sd, n)
        known = (
            f"95% interval {100 * ends.low:.1f} to {100 * ends.high:.1f}"
            if arm.run_sd
            else "equal runs by chance or by rounding, not runs without a spread: --run-sd gives another"
        )
        lines.append(
            f"run-to-run standard deviation of {name.upper()} from {n} runs of the pilot: "
            f"{100 * arm.run_sd:.1f} points ({known})"
        )
    return lines


def _design(
    pilot: str | None,
    guess: tuple[float | None, ...],
    sizes: Mapping[str, int | None],
    spreads: Mapping[str, float | str],
    laws: Mapping[str, NextDeviation],
    item_correlation: float | None,
    sample_correlation: float | None,
) -> tuple[StudyDesign, list[str]]:
    """Return the design of a guess or a pilot under the options, and the origin of numbers not given."""
    from rlvr.auditing.cells import read_cells
    from rlvr.planning.pilots import DEFAULT_ITEM_CORRELATION, default_run_sd, pilot_design
    from rlvr.planning.study_plans import StudyDesign

    default = default_run_sd()
    sources: list[str] = []
    if pilot is None:
        missing = [f"--{arm}" for arm, value in zip(ARMS, guess, strict=True) if value is None]
        if missing:
            raise ValueError(
                f"the plan needs a guessed accuracy of every arm, or the table of a pilot; "
                f"missing {', '.join(missing)}"
            )
        base = StudyDesign(
            tuple(value for value in guess if value is not None),
            run_sd=(0.0, *[default.run_sd] * 3),
            item_correlation=DEFAULT_ITEM_CORRELATION,
            sample_correlation=DEFAULT_ITEM_CORRELATION,
        )
        assumed = list(ARMS[1:])
    else:
        cells = read_cells([pilot])
        if len(cells) > 1:
            raise ValueError(
                f"the table of a pilot must hold one cell, got {len(cells)}: "
                f"{shortened(', '.join(cell.name for cell in cells))}"
            )
        cell = _with_guesses(cells[0], guess, sizes["n_items"])
        base = pilot_design(cell)
        assumed = [arm for arm in ARMS[1:] if cell.arms[arm].run_sd is None]
        sources = _few_runs(cell, spreads)
    if assumed := [arm.upper() for arm in assumed if arm not in spreads]:
        low, high = (f"{100 * end:.1f}" for end in (default.low, default.high))
        sources.append(
            f"run-to-run standard deviation of {', '.join(assumed)} not given: that of {default.n_runs} "
            f"{default.source}, {default.model}, {default.setting}, {default.benchmark} "
            f"(95% interval {low} to {high})"
        )
    alike = base.item_correlation if item_correlation is None else item_correlation
    design = replace(
        base,
        accuracies=tuple(
            own if value is None else value for own, value in zip(base.accuracies, guess, strict=True)
        ),
        run_sd=tuple(
            laws[arm].median if arm in laws else float(spreads.get(arm, own))
            for arm, own in zip(ARMS, base.run_sd, strict=True)
        ),
        item_correlation=alike,
        sample_correlation=alike if sample_correlation is None else sample_correlation,
        **{name: size for name, size in sizes.items() if size is not None},
    )
    return design, sources
