"""Draw many audits as a forest plot of the three terms, in a wide form and a narrow form for phones.

The plot is in percentage points, with item-sampling intervals. This module computes no statistics.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from functools import partial
from typing import TYPE_CHECKING

from rlvr._checks import shortened
from rlvr._escaping import visible
from rlvr.auditing.cell_verdicts import CellAudit
from rlvr.decomposition import PARTS

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["draw_forest"]

_NARROW_WIDTH, _NARROW_ROW = 4.4, 0.39  # inches: as wide as a phone's column, and a row under its name
_LEAST_PANEL = 0.45  # of the widest: where a range is smaller, panels are alike wide instead of alike scaled


def draw_forest(
    cells: Sequence[CellAudit],
    *,
    labels: Iterable[str] | None = None,
    groups: Sequence[str] = (),
    height: float = 0.24,
    width: float = 9.0,
    narrow: bool = False,
    figure: Figure | None = None,
) -> Figure:
    """Draw a forest plot with one row per cell, one panel per part, and item-sampling intervals.

    Filled circles: the verdict is supported over items. Open circles: the verdict is leaning. A pale bar
    without a circle: only a set is identified; the bar is that set with its item sampling. An empty row:
    nothing is identified. If their ranges allow, panels are as wide as their ranges, so that one point has
    the same length in all panels.

    Parameters
    ----------
    cells : sequence of CellAudit
        From top to bottom.
    labels : iterable of str, optional
        By default the names of the cells.
    groups : sequence of str, optional
        The group of each row; its name is drawn above each stretch of equal neighbours.
    height : float
        Height of a row, in inches.
    width : float
        Width of the figure, in inches.
    narrow : bool
        Draw names above their rows, for a screen 390 pixels wide; `height` and `width` are then fixed.
    figure : Figure, optional
        The figure to draw into; its size is set.
    """
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator

    from rlvr.plots import TERM_COLOURS, TERM_NAMES

    given = (shortened(audit.cell.name) for audit in cells) if labels is None else labels
    names = ["\n".join(map(visible, name.split("\n"))) for name in given]
    places, headings = _places(len(cells), groups)
    if figure is None:
        figure = Figure(layout="constrained", facecolor="white")
    n_rows = len(cells) + len(headings)
    row, across = (_NARROW_ROW, _NARROW_WIDTH) if narrow else (height, width)
    figure.set_size_inches(across, 1.2 + row * max(n_rows, 3))
    ranges = [_reach(cells, part) for part in PARTS]
    panels = figure.subplots(1, len(PARTS), sharey=True, width_ratios=_widths(ranges))
    for panel, part, reach in zip(panels, PARTS, ranges, strict=True):
        colour = TERM_COLOURS[part]
        for place, audit in zip(places, cells, strict=True):
            _draw_term(panel, audit, part, place, colour)
        panel.axvline(0, color="black", lw=0.8, zorder=0)
        title = TERM_NAMES[part].replace(" ", "\n") if narrow else TERM_NAMES[part]
        panel.set_title(title, loc="left", color=colour, fontsize=10)
        panel.set_xlabel("points")
        panel.set_xlim(reach)
        panel.xaxis.set_major_locator(MaxNLocator(2 if narrow else 4, steps=[1, 2, 5, 10]))
        panel.spines[["top", "right"]].set_visible(False)
        panel.grid(axis="x", color="#e6e6e6")
        panel.grid(axis="y", visible=False)
        panel.set_axisbelow(True)
        panel.tick_params(axis="y", length=0)
    panels[0].set_ylim(n_rows - 0.4, -0.6)
    if narrow:
        panels[0].set_yticks([])
        for panel in panels:
            panel.spines["left"].set_visible(False)
        _names_above(panels, dict(zip(places, names, strict=True)), headings)
        return figure
    rows = sorted([*zip(places, names, strict=True), *headings.items()])
    panels[0].set_yticks(
        [place for place, _ in rows], [name for _, name in rows], fontsize=9, parse_math=False
    )
    for place, label in zip((place for place, _ in rows), panels[0].get_yticklabels(), strict=True):
        label.set_fontweight("bold" if place in headings else "normal")
    for place in headings:
        for panel in panels if place else ():
            panel.axhline(place - 0.5, color="black", lw=0.6, ls=":")
    narrow_form = partial(draw_forest, cells, labels=names, groups=groups, narrow=True)
    figure.narrow_form = narrow_form  # type: ignore[attr-defined]  # the form for phones
    return figure


def _places(n_cells: int, groups: Sequence[str]) -> tuple[list[int], dict[int, str]]:
    """Return the positions of the rows, and of the headings above each stretch of equal neighbours."""
    places: list[int] = []
    headings: dict[int, str] = {}
    for row in range(n_cells):
        if groups and (row == 0 or groups[row] != groups[row - 1]):
            headings[row + len(headings)] = groups[row]
        places.append(row + len(headings))
    return places, headings


def _reach(cells: Sequence[CellAudit], part: str) -> tuple[float, float]:
    """Return the range of a part's intervals and sets, zero included, with a margin."""
    terms = [audit.terms[part] for audit in cells]
    ends = [100 * end for term in terms for end in (term.low, term.high, term.value) if math.isfinite(end)]
    low, high = min([0.0, *ends]), max([0.0, *ends])
    margin = 0.05 * (high - low) or 1.0
    return low - margin, high + margin


def _widths(ranges: Sequence[tuple[float, float]]) -> list[float]:
    """Return the widths of the panels: as their ranges, or equal if one would become too narrow."""
    spans = [high - low for low, high in ranges]
    return spans if min(spans) >= _LEAST_PANEL * max(spans) else [1.0] * len(spans)


def _draw_term(panel: Axes, audit: CellAudit, part: str, place: float, colour: str) -> None:
    """Draw one row of one panel: a dot with its interval, a set as a pale bar, or nothing."""
    term = audit.terms[part]
    low, high = 100 * term.low, 100 * term.high
    if term.defined:
        fill = colour if audit.status == "supported" else "white"
        panel.plot((low, high), (place, place), color=colour, lw=1.3, zorder=2)
        panel.plot(100 * term.value, place, "o", color=colour, mfc=fill, ms=4.5, zorder=3)
    elif math.isfinite(low):
        panel.plot((low, high), (place, place), color="#d9d9d9", lw=5, solid_capstyle="butt", zorder=1)


def _names_above(panels: Sequence[Axes], names: dict[int, str], headings: dict[int, str]) -> None:
    """Write each row's name above the row, on the last panel so that no other panel covers it."""
    from matplotlib.transforms import blended_transform_factory

    across = blended_transform_factory(panels[0].transAxes, panels[-1].transData)
    for place, name in (names | headings).items():
        heading = place in headings
        text = panels[-1].text(
            0, place - (0.0 if heading else 0.42), name.replace("\n", " "), transform=across, va="center",
            fontsize=10 if heading else 8.5, fontweight="bold" if heading else "normal", parse_math=False,
            bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.6},
        )  # fmt: skip
        text.set_in_layout(False)
