"""The numbers that a figure shows, as the table that readers download below it.

The numbers are read from the drawn figure, so both always agree, and a fresh run shows a change in a number
that a change in pixels would hide.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection, PathCollection, PolyCollection
from matplotlib.colors import to_hex
from matplotlib.contour import ContourSet
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.ticker import FixedLocator

__all__ = ["COLUMNS", "figure_data"]

COLUMNS = ("panel", "kind", "series", "colour", "x", "y", "x_end", "y_end")
DIGITS, SMALLEST = 5, 10  # significant digits and decimals that do not depend on a processor's rounding


def figure_data(figure: Figure) -> pd.DataFrame:
    """All elements of a figure in data coordinates, one row per dot, bar, interval or label.

    Parameters
    ----------
    figure : matplotlib Figure

    Returns
    -------
    DataFrame
        Columns `panel` (title or number), `kind` (``line``, ``points``, ``interval``, ``band``, ``bar``,
        ``text``, ``x tick``, ``y tick``), `series` (its label, or the words of a text or tick), `colour`,
        and the coordinates `x`, `y` and, for extended elements, `x_end`, `y_end`: all as text. Regions of a
        contour plot and images are left out.

    Examples
    --------
    >>> figure = Figure()
    >>> axes = figure.subplots()
    >>> _ = axes.plot([0, 1], [0.25, 1 / 3], label="rise", color="black")
    >>> figure_data(figure)[["kind", "series", "x", "y"]].to_numpy().tolist()
    [['line', 'rise', '0', '0.25'], ['line', 'rise', '1', '0.33333']]
    """
    rows = []
    for number, axes in enumerate(figure.axes, start=1):
        titles = (axes.get_title(loc) for loc in ("left", "center", "right"))
        panel = next((" ".join(title.split()) for title in titles if title), str(number))
        rows += [(panel, *row) for row in _rows(axes)]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _rows(axes: Axes) -> Iterator[tuple[str, ...]]:
    """The rows of one panel, without its name."""
    lines: list[Any] = list(axes.lines)
    for line in lines:
        if line.get_transform() == axes.transData:  # not a line across the panel
            kind = "points" if line.get_linestyle() == "None" else "line"
            for x, y in np.column_stack([line.get_xdata(), line.get_ydata()]):
                yield _row(kind, line.get_label(), line.get_color(), x, y)
    for patch in axes.patches:
        if isinstance(patch, Rectangle) and patch.get_data_transform() == axes.transData:
            x, y = patch.get_xy()
            ends = x + patch.get_width(), y + patch.get_height()
            yield _row("bar", patch.get_label(), patch.get_facecolor(), x, y, *ends)
    for drawing in axes.collections:
        yield from _collected(drawing)
    for text in axes.texts:
        if text.get_transform() == axes.transData and text.get_text().strip():
            yield _row("text", text.get_text(), text.get_color(), *text.get_position())
    for name, axis in (("x", axes.xaxis), ("y", axes.yaxis)):
        places = [float(place) for place in axis.get_majorticklocs()]
        labels = [str(label) for label in axis.get_major_formatter().format_ticks(places)]
        named = any(letter.isalpha() for letter in "".join(labels))
        if named and isinstance(axis.get_major_locator(), FixedLocator):
            for place, words in zip(places, labels, strict=True):
                across = (place, None) if name == "x" else (None, place)
                yield _row(f"{name} tick", words, "", *across)


def _collected(drawing: Any) -> Iterator[tuple[str, ...]]:
    """The rows of a collection: many dots, many intervals, or a band."""
    if isinstance(drawing, ContourSet):
        return
    colours = [*drawing.get_edgecolor(), *drawing.get_facecolor()]
    colour = colours[0] if colours else ""
    if isinstance(drawing, PathCollection):
        for x, y in np.asarray(drawing.get_offsets()):
            yield _row("points", drawing.get_label(), colour, x, y)
    elif isinstance(drawing, LineCollection):
        for segment in drawing.get_segments():
            (x, y), (x_end, y_end) = np.asarray(segment)[[0, -1]]
            yield _row("interval", drawing.get_label(), colour, x, y, x_end, y_end)
    elif isinstance(drawing, PolyCollection):
        for path in drawing.get_paths():
            for x, y in np.asarray(path.vertices):
                yield _row("band", drawing.get_label(), colour, x, y)


def _row(kind: str, series: Any, colour: Any, *coordinates: Any) -> tuple[str, ...]:
    """A row as stored text."""
    words = " ".join(str(series).split())
    shown = "" if words.startswith("_") else words
    hexadecimal = to_hex(colour) if len(colour) else ""
    numbers = [_text(value) for value in coordinates]
    return (kind, shown, hexadecimal, *numbers, *[""] * (4 - len(numbers)))


def _text(value: Any) -> str:
    """A coordinate with the digits that are stored; empty for None."""
    if value is None or isinstance(value, str):
        return value or ""
    rounded = round(float(value), SMALLEST) + 0.0  # no negative zero
    return f"{rounded:.{DIGITS}g}" if np.isfinite(rounded) else ""
