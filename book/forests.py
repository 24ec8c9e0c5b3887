"""Forests: named rows, each with one or more estimates and their intervals, drawn level."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from rlvr.decomposition import PARTS
from rlvr.plots import TERM_COLOURS, TERM_NAMES
from rlvr.stats.estimates import Estimate

__all__ = ["Marks", "draw_forest", "forest_panels", "legend_above", "term_marks"]

CROWDED = 0.5  # of a row: marks further apart than this need a line between rows


@dataclass(frozen=True)
class Marks:
    """One estimate a row that look alike: how a legend calls them, their colour and their marker.

    Attributes
    ----------
    estimates : sequence of Estimate (row,)
        A value without an interval is drawn as a mark alone.
    label, colour, marker : str
    filled : bool
        Open marks are for predictions.
    """

    estimates: Sequence[Estimate]
    label: str
    colour: str
    marker: str = "o"
    filled: bool = True


def draw_forest(axes: Axes, rows: Sequence[str], marks: Sequence[Marks], *, apart: float = 0.0) -> None:
    """Draw rows from top to bottom, with a line at zero.

    Parameters
    ----------
    axes : matplotlib Axes
    rows : sequence of str
        A row that starts with the same word as the one before belongs to its group. A thin line divides
        groups, and rows whose marks stand far apart.
    marks : sequence of Marks
        Each with an estimate a row, in the units of the axis.
    apart : float
        Distance, in rows, from the first to the last marks of a row; the first stands on top.
    """
    places = np.arange(len(rows))
    shifts = np.linspace(-apart / 2, apart / 2, len(marks)) if len(marks) > 1 else [0.0]
    for shift, one in zip(shifts, marks, strict=True):
        known = [(y, term.low, term.high) for y, term in zip(places + shift, one.estimates, strict=True)
                 if term.low == term.low]  # fmt: skip
        if known:
            axes.hlines(*zip(*known, strict=True), color=one.colour, lw=1.6, label=one.label, zorder=2)
        axes.plot(
            [term.value for term in one.estimates], places + shift, one.marker, color=one.colour, ms=5.5,
            mfc=one.colour if one.filled else "white", label=one.label, zorder=3,
        )  # fmt: skip
    axes.axvline(0, color="black", lw=0.7)
    groups = [row.split(",")[0].split(":")[0] for row in rows]
    for place in places[1:]:
        if apart >= CROWDED or (len(set(groups)) < len(rows) and groups[place] != groups[place - 1]):
            axes.axhline(place - 0.5, color="#bdbdbd", lw=0.7)
    axes.set_yticks(places, list(rows))
    axes.set_ylim(len(rows) - 0.4, -0.6)
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="y", visible=False)


def forest_panels(
    rows: Sequence[str],
    panels: Mapping[str, Sequence[Marks]],
    *,
    size: tuple[float, float],
    apart: float = 0.0,
    units: str | Sequence[str] = "points",
) -> Figure:
    """Forests side by side over the same rows, with one legend above them.

    Parameters
    ----------
    rows : sequence of str
    panels : mapping of str to sequence of Marks
        By title; an empty title is none.
    size : (width, height)
        In inches.
    apart : float
        As in :func:`draw_forest`.
    units : str or sequence of str (panel,)
        What the horizontal axes show.
    """
    figure, grid = plt.subplots(1, len(panels), figsize=size, sharey=True, squeeze=False)
    named = [units] * len(panels) if isinstance(units, str) else units
    for axes, (title, marks), unit in zip(grid[0], panels.items(), named, strict=True):
        draw_forest(axes, rows, marks, apart=apart)
        axes.set(title=title, xlabel=unit)
    legend_above(figure)
    return figure


def legend_above(figure: Figure) -> None:
    """One legend for all panels, in two columns, which fit a phone's width too.

    What is drawn alike in several panels or pieces stands once. Labels such as "null, network" are ordered by
    what follows the comma.
    """
    drawn: dict[str, Any] = {}
    for axes in figure.axes:
        handles, labels = axes.get_legend_handles_labels()
        drawn |= dict(zip(labels, handles, strict=True))
    shown = dict(sorted(drawn.items(), key=lambda entry: entry[0].partition(", ")[2]))
    if len(shown) > 1:
        figure.legend(
            shown.values(), shown.keys(), loc="outside upper center", ncols=2, columnspacing=1.2,
            handlelength=1.4,
        )  # fmt: skip


def term_marks(
    splits: Sequence[Mapping[str, Estimate]],
    *,
    names: Sequence[str] = PARTS,
    of: str = "",
    filled: bool = True,
) -> list[Marks]:
    """The terms of several splits as marks in the terms' colours.

    Parameters
    ----------
    splits : sequence of mapping of str to Estimate (row,)
        Each term's estimate by name.
    names : sequence of str
        Which terms.
    of : str
        Whose they are, for the legend.
    filled : bool
    """
    shapes = {"null": "o", "elicitation": "s", "reward_design": "D", "naive": "^", "total": "v"}
    return [
        Marks(
            [split[name] for split in splits], f"{TERM_NAMES[name]}{of and ', ' + of}", TERM_COLOURS[name],
            shapes[name], filled,
        )
        for name in names
    ]  # fmt: skip
