"""What the pages on collections draw: a contrast on a curve, runs by source, corrected p-values, averages."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke

from book.drawing import NEUTRAL_COLOURS
from book.published_tables import PAPERS
from book.repeated_sources import study_name
from book.world_nulls import NextNull
from rlvr.auditing.families import PooledTerm, VerdictFamily
from rlvr.decomposition import PARTS
from rlvr.plots import TERM_COLOURS, TERM_NAMES
from rlvr.stats.estimates import Estimate

__all__ = [
    "draw_averages", "draw_changes_by_recipe", "draw_corrections", "draw_estimates_on_curve",
    "draw_runs_by_source",
]  # fmt: skip

_STRONG, _PLUM, _MUTED, _PALE = NEUTRAL_COLOURS
_FAMILIES = {
    "Qwen2.5-Math": ("o", _STRONG),
    "other Qwen": ("D", _PLUM),
    "Llama": ("s", _MUTED),
    "Olmo": ("^", _PALE),
}
_RECIPES = {
    "clip can bind": "clip can bind",
    "clip cannot bind": "clip cannot bind",
    "adapter": "adapters, one update",
    "not stated": "clipping not stated",
}
_LABEL = 9  # points: what a name in a figure is set in
_SMALLEST_P = 1e-5  # what is smaller stands at the left edge

Labels = Mapping[str, tuple[float, float, str]]


def draw_estimates_on_curve(
    axes: Axes, bases: Sequence[float], estimates: Sequence[Estimate], names: Sequence[str], *, places: Labels
) -> None:
    """Draw published estimates against the accuracy of FROZEN; those separated from zero with their names.

    Parameters
    ----------
    axes : matplotlib Axes
    bases : sequence of float (comparison,)
        Accuracy of FROZEN, in [0, 1]; drawn in percent.
    estimates : sequence of Estimate (comparison,)
        Drawn in points: filled and with an interval where zero is excluded, else an open dot.
    names : sequence of str (comparison,)
    places : mapping of str to (x, y, alignment)
        Where a name stands that would not fit to the right of its dot. One that stands more than ten points
        from its interval gets a line to it.
    """
    halo = [withStroke(linewidth=3, foreground="white", alpha=0.7)]
    for base, estimate, name in zip(bases, estimates, names, strict=True):
        x, y = 100 * base, 100 * estimate.value
        if not estimate.excludes(0):
            axes.plot(x, y, "o", color=_MUTED, mfc="white", ms=4, zorder=2)
            continue
        low, high = 100 * estimate.low, 100 * estimate.high
        axes.plot([x, x], [low, high], color=_STRONG, lw=1.8, zorder=3)
        axes.plot(x, y, "o", color=_STRONG, ms=5.5, zorder=4)
        across, up, side = places.get(name, (x + 1.2, y, "left"))
        if up > high + 10:
            axes.plot([x, x], [high + 1, up - 3], color=_PALE, lw=0.8, zorder=1)
        elif up < low - 10:
            axes.plot([x, x], [low - 1, up + 3], color=_PALE, lw=0.8, zorder=1)
        axes.text(across, up, name, size=_LABEL, ha=side, va="center", color=_STRONG, path_effects=halo)


def draw_runs_by_source(axes: Axes, runs: pd.DataFrame, law: NextNull) -> None:
    """Draw every RANDOM run as a dot, one row a source and recipe, over the mean and a further source.

    Parameters
    ----------
    axes : matplotlib Axes
    runs : DataFrame
        As :func:`book.world_nulls.random_runs` gives it. Filled dots: beyond the luck of the questions.
    law : NextNull
    """
    groups = sorted(runs.groupby(["study", "recipe"]), key=lambda group: -group[1].change.mean())
    ticks = []
    for row, ((study, recipe), group) in enumerate(groups):
        for family, colour, marker in (("Qwen2.5-Math", _STRONG, "o"), ("", _MUTED, "D")):
            chosen = group[(group.family == "Qwen2.5-Math") == bool(family)]
            beyond = abs(chosen.change) > chosen.luck
            heights = row + _dodged(chosen.change.to_numpy())
            size = 5 if family else 4.4
            axes.plot(chosen.change[beyond], heights[beyond], marker, color=colour, ms=size, zorder=3)
            axes.plot(chosen.change[~beyond], heights[~beyond], marker, color=colour, mfc="white", ms=size,
                      zorder=2)  # fmt: skip
        words = {"not stated": "clipping not stated", "adapter": "adapters"}.get(recipe, recipe)
        ticks.append(f"{PAPERS.get(study, study_name(study))},\n{words}")
    row = len(groups)
    axes.axhline(row - 0.5, color="black", lw=0.6, ls=":")
    axes.plot([law.low, law.high], [row + 1, row + 1], color="black", lw=1.2)
    axes.plot([law.mean.low, law.mean.high], [row, row], color="black", lw=4, solid_capstyle="butt")
    axes.plot(law.mean.value, row, "o", color="white", mec="black", ms=5, zorder=4)
    for end in (law.low, law.high):
        axes.plot([end, end], [row + 0.8, row + 1.2], color="black", lw=1.2)
    axes.axvline(0, color="black", lw=0.8, zorder=0)
    names = [*ticks, "mean of sources,\n95% interval", "a further source,\n95% prediction"]
    axes.set_yticks(range(row + 2), names, size=_LABEL)
    axes.set_ylim(row + 1.6, -0.6)
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="y", visible=False)


def draw_changes_by_recipe(figure: Figure, runs: pd.DataFrame, *, n_items: int) -> None:
    """Draw the change of every RANDOM run against its start: a panel a recipe, a marker a model family.

    Parameters
    ----------
    figure : matplotlib Figure
    runs : DataFrame
        As :func:`book.world_nulls.random_runs` gives it. Filled dots: beyond the luck of the questions.
    n_items : int
        Questions whose luck is shaded, for a run without a change.
    """
    panels = figure.subplots(2, 2, sharex=True, sharey=True).ravel()
    starts = np.linspace(0, 100, 201)
    luck = 1.96 * np.sqrt(2 * starts * (100 - starts) / n_items)
    for axes, (recipe, title) in zip(panels, _RECIPES.items(), strict=True):
        axes.fill_between(starts, -luck, luck, color="#e4e4e4", lw=0, zorder=0)
        axes.axhline(0, color="black", lw=0.8, zorder=1)
        for family, (marker, colour) in _FAMILIES.items():
            group = runs[(runs.recipe == recipe) & (runs.family == family)]
            for fill, part in ((colour, group[group.change.abs() > group.luck]),
                               ("white", group[~(group.change.abs() > group.luck)])):  # fmt: skip
                axes.plot(part.start, part.change, marker, color=colour, mfc=fill, ms=5, ls="")
        axes.set_title(title)
        axes.set(xlim=(0, 100), ylim=(-40, 32), xlabel="start, %", ylabel="change, points")
        axes.label_outer()
    for family, (marker, colour) in _FAMILIES.items():
        panels[0].plot([], [], marker, color=colour, ms=5, label=family)
    figure.legend(loc="outside upper left", ncols=4, fontsize=_LABEL, columnspacing=1, handletextpad=0.2)


def _dodged(values: np.ndarray, *, width: float = 1.8, step: float = 0.2) -> np.ndarray:
    """Heights at which dots of nearly equal value stand side by side."""
    taken: dict[int, int] = {}
    heights = np.zeros(len(values))
    for place in np.argsort(values, kind="stable"):
        stretch = round(values[place] / width)
        count = taken[stretch] = taken.get(stretch, -1) + 1
        heights[place] = step * math.ceil(count / 2) * (-1) ** count
    return np.clip(heights, -0.42, 0.42)


def draw_corrections(axes: Axes, family: VerdictFamily, *, n_rows: int) -> None:
    """Draw the smallest p-values of a family, alone and corrected in two ways, against one minus the level.

    Parameters
    ----------
    axes : matplotlib Axes
    family : VerdictFamily
    n_rows : int
        How many comparisons, from the smallest p-value on.
    """
    order = np.argsort(family.p_values, kind="stable")[:n_rows]
    kinds = (
        ("alone", family.p_values, "o", "white"),
        ("Holm", family.holm, "o", _STRONG),
        ("false discovery rate", family.discovery, "D", _MUTED),
    )
    for row, place in enumerate(order):
        ends = [max(float(values[place]), _SMALLEST_P) for _, values, *_ in kinds]
        axes.plot([min(ends), max(ends)], [row, row], color=_PALE, lw=2, zorder=1)
        for (label, _, marker, fill), end in zip(kinds, ends, strict=True):
            edge = _STRONG if fill == "white" else fill
            axes.plot(end, row, marker, mfc=fill, color=edge, ms=6, zorder=2 + (fill == "white"),
                      label=label if row == 0 else "")  # fmt: skip
        if family.p_values[place] < _SMALLEST_P:
            axes.text(1.6 * _SMALLEST_P, row, "all below 0.00001", size=_LABEL, va="center")
    limit = 1 - family.level
    axes.axvline(limit, color="black", lw=1)
    cells = [family.cells[place] for place in order]
    names = [f"{cell.cell.model}, {cell.cell.benchmark}:\n{cell.verdict}" for cell in cells]
    axes.set_yticks(range(len(names)), names, size=_LABEL)
    axes.set(xscale="log", xlim=(0.7 * _SMALLEST_P, 1.5), ylim=(len(names) - 0.5, -0.5))
    shown = (1e-4, 1e-3, limit, 1)
    axes.set_xticks(shown, [f"{end:.5f}".rstrip("0").rstrip(".") for end in shown], size=_LABEL)
    axes.minorticks_off()
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="y", visible=False)


def draw_averages(
    figure: Figure,
    pools: Mapping[str, Mapping[str, PooledTerm]],
    values: Mapping[str, Mapping[str, Sequence[float]]],
) -> None:
    """Draw terms averaged over models: dots, the mean's interval, and where a further model would lie.

    Parameters
    ----------
    figure : matplotlib Figure
    pools : mapping of benchmark to mapping of term to PooledTerm
        One panel a benchmark, one row a term.
    values : mapping of benchmark to mapping of term to sequence of float (model,)
        What was averaged, in fractions.
    """
    panels = figure.subplots(1, len(pools), sharex=True, sharey=True, squeeze=False)[0]
    for axes, (benchmark, terms) in zip(panels, pools.items(), strict=True):
        for row, part in enumerate(PARTS):
            colour, pool = TERM_COLOURS[part], terms[part]
            dots = 100 * np.asarray(values[benchmark][part])
            axes.plot(dots, np.full(len(dots), row - 0.24), "o", color=colour, mfc="white", ms=4)
            ahead = [100 * pool.next_low, 100 * pool.next_high]
            axes.plot(ahead, [row + 0.2] * 2, color=colour, lw=1.2)
            for end in ahead:
                axes.plot([end, end], [row + 0.12, row + 0.28], color=colour, lw=1.2)
            mean = pool.mean
            axes.plot([100 * mean.low, 100 * mean.high], [row, row], color=colour, lw=4.5,
                      solid_capstyle="butt")  # fmt: skip
            axes.plot(100 * mean.value, row, "o", color="white", mec="black", ms=5, zorder=4)
        axes.axvline(0, color="black", lw=0.8, zorder=0)
        axes.set_title(f"{benchmark}, {terms['null'].mean.n} models")
        axes.set(ylim=(len(PARTS) - 0.5, -0.5), xlabel="points")
        axes.set_yticks(range(len(PARTS)), [TERM_NAMES[part] for part in PARTS])
        axes.tick_params(axis="y", length=0)
        axes.grid(axis="y", visible=False)
