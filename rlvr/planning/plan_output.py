"""Show a plan as text for a terminal, as JSON, or as a figure; this module computes nothing.

Text and figures are in percentage points; JSON keeps fractions.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from rlvr._escaping import visible
from rlvr.arms import ARMS
from rlvr.auditing.audit_output import points
from rlvr.decomposition import PARTS, TERMS
from rlvr.planning.study_plans import LAYERS, Plan

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["draw_plans", "plans_to_dict", "print_plans"]

_SURE = {"items": "items alone", "all": "items + runs"}


def _size(plan: Plan) -> str:
    design = plan.design
    runs = f"{design.n_runs} run{'s' if design.n_runs > 1 else ''} an arm"
    samples = f" x {design.samples_per_item} samples" if design.samples_per_item > 1 else ""
    return f"{design.n_items} items{samples}, {runs}"


def print_plans(
    plans: Sequence[Plan], console: Console, *, cheapest: Plan | str = "", sources: Sequence[str] = ()
) -> None:
    """Print the guess, one table row per plan, and the cheapest design.

    All `plans` share one guess, and the first is the requested plan. `cheapest` is a plan, the reason why
    there is none, or empty if no search was made. `sources` name the origin of numbers that the user did not
    give.
    """

    def line(*parts: str | tuple[str, str]) -> None:
        shown = (visible(part) if isinstance(part, str) else (visible(part[0]), part[1]) for part in parts)
        console.print(Text.assemble(*shown), soft_wrap=True, highlight=False)

    first = plans[0]
    design = first.design
    guess = ", ".join(
        f"{arm.upper()} {points(accuracy, signed=False)}"
        for arm, accuracy in zip(ARMS, design.accuracies, strict=True)
    )
    verdict = "mixed: no term dominates" if first.verdict == "mixed" else f"{first.verdict} dominates"
    line("If the arms are as guessed (", guess, "): ", (verdict, "bold"))
    spreads = ", ".join(
        f"{arm.upper()} {points(sd, signed=False)}"
        for arm, sd in zip(ARMS[1:], design.run_sd[1:], strict=True)
    )
    pairing = "outcomes kept item by item" if first.paired else "accuracies alone kept"
    line(f"{_size(first)}, {pairing}; run-to-run standard deviation, points: {spreads}")
    for source in sources:
        line(("note: ", "yellow"), source)
    line("")
    widths_of = ("± " + part.replace("_", " ") for part in PARTS)
    table = Table(
        title="Chance of this verdict (of another), and half-widths in points", title_justify="left"
    )
    for head in ("runs", "cost", *(_SURE[layer] for layer in LAYERS), *widths_of):
        table.add_column(head, justify="right")
    for plan in sorted(plans, key=lambda plan: plan.design.n_runs):
        chances = [f"{plan.chance(layer):.0%} ({plan.wrong(layer):.0%})" for layer in LAYERS]
        widths = [points(plan.half_widths["all"][part], signed=False) for part in PARTS]
        style = "bold" if plan is first else ""
        table.add_row(f"{plan.design.n_runs}", f"{plan.cost:.1f}", *chances, *widths, style=style)
    console.print(table)
    line("runs of each trained arm; cost in training runs; chances that the verdict is supported over items")
    line("alone or over items and runs; half-widths of items and runs together")
    if isinstance(cheapest, Plan):
        line(
            ("cheapest: ", "bold green"),
            f"{_size(cheapest)}, cost {cheapest.cost:.1f}; chance {cheapest.chance():.0%}, ",
            f"largest half-width {points(cheapest.widest(), signed=False)}",
        )
    elif cheapest:
        line(("cheapest: ", "bold red"), cheapest)


def _plan_to_dict(plan: Plan) -> dict[str, Any]:
    """Convert a plan for JSON, in fractions."""
    return {
        "design": {
            **asdict(plan.design),
            "accuracies": dict(zip(ARMS, plan.design.accuracies, strict=True)),
            "run_sd": dict(zip(ARMS, plan.design.run_sd, strict=True)),
        },
        "paired": plan.paired,
        "verdict": plan.verdict,
        "chance": {layer: plan.chance(layer) for layer in LAYERS},
        "chance_of_another": {layer: plan.wrong(layer) for layer in LAYERS},
        "chances": {layer: dict(plan.chances[layer]) for layer in LAYERS},
        "half_widths": {layer: {term: plan.half_widths[layer][term] for term in TERMS} for layer in LAYERS},
        "cost": plan.cost,
        "draws": plan.draws,
    }


def plans_to_dict(
    plans: Sequence[Plan], *, cheapest: Plan | str = "", sources: Sequence[str] = ()
) -> dict[str, Any]:
    """Convert everything that :func:`print_plans` shows for JSON; the arguments are the same."""
    return {
        "asked": _plan_to_dict(plans[0]),
        "other_designs": [_plan_to_dict(plan) for plan in plans[1:]],
        "cheapest": _plan_to_dict(cheapest) if isinstance(cheapest, Plan) else None,
        "notes": [*sources, *([cheapest] if isinstance(cheapest, str) and cheapest else [])],
    }


def draw_plans(plans: Sequence[Plan], *, figure: Figure | None = None) -> Figure:
    """Draw the chance of a supported verdict, and the half-widths, against the runs per arm.

    Left: the chance that the guess's verdict is supported, one line per benchmark size; solid lines over
    items and runs, dotted lines over items alone. Right: the half-width of each part over items and runs, at
    the benchmark size of the first plan.

    Parameters
    ----------
    plans : sequence of Plan
        Plans of one guess, with several numbers of runs at one or several sizes. A ring marks the first.
    figure : Figure, optional
        The figure to draw into.
    """
    from matplotlib.figure import Figure

    from rlvr.plots import TERM_COLOURS, TERM_NAMES, end_labels

    if figure is None:
        figure = Figure(figsize=(9, 3.8), layout="constrained", facecolor="white")
    left, right = figure.subplots(1, 2)
    first = plans[0]
    sizes = sorted({plan.design.n_items for plan in plans})
    ticks = sorted({plan.design.n_runs for plan in plans})
    ends, widths_at_end = [], []
    for order, size in enumerate(sizes, start=1):
        group = sorted(
            (plan for plan in plans if plan.design.n_items == size), key=lambda plan: plan.design.n_runs
        )
        runs = [plan.design.n_runs for plan in group]
        colour = str(0.7 - 0.7 * order / len(sizes))
        left.plot(runs, [100 * plan.chance() for plan in group], "o-", color=colour, ms=3)
        left.plot(runs, [100 * plan.chance("items") for plan in group], ":", color=colour)
        ends.append((1.06 * runs[-1], 100 * group[-1].chance(), f"{size} items", colour))
        for part in PARTS if size == first.design.n_items else ():
            widths = [100 * plan.half_widths["all"][part] for plan in group]
            right.plot(runs, widths, "o-", color=TERM_COLOURS[part], ms=3)
            widths_at_end.append((1.06 * runs[-1], widths[-1], TERM_NAMES[part], TERM_COLOURS[part]))
    left.plot(first.design.n_runs, 100 * first.chance(), "o", mfc="none", mec="black", ms=10)
    left.set(ylim=(-4, 118), yticks=range(0, 101, 20))
    left.set_title(f"Chance that “{first.verdict}” is supported, %", loc="left", fontsize=10)
    right.set_ylim(0, None)
    right.set_title(f"Half-width at {first.design.n_items} items, points", loc="left", fontsize=10)
    for axes, labels in ((left, ends), (right, widths_at_end)):
        axes.set_xscale("log")
        axes.set_xticks(ticks, [str(tick) for tick in ticks])
        axes.minorticks_off()
        axes.set_xlabel("runs an arm")
        axes.spines[["top", "right"]].set_visible(False)
        axes.grid(color="#e6e6e6")
        axes.set_axisbelow(True)
        end_labels(axes, labels)
    return figure
