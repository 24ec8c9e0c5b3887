"""The same figure for a phone: panels one under the other, at a width where labels keep their size.

A figure drawn for a desk would be a stamp there. Nothing is drawn anew: the panels of a drawn figure are
laid out again, so both forms show the same numbers. What does not stack well brings its own narrow form.
"""

from __future__ import annotations

import base64
import io
import os
import sys
import textwrap
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from weakref import WeakKeyDictionary

from matplotlib.axes import Axes
from matplotlib.figure import Figure, FigureBase
from matplotlib.gridspec import GridSpec, SubplotSpec

__all__ = ["MIME_TYPE", "WANTED", "draw_narrow_as", "keep_narrow_forms", "narrow_png", "stacked"]

MIME_TYPE = "application/x-narrow-figure"  # a PNG in base64, beside a notebook's own picture
WANTED = "RLVR_NARROW_FIGURES"  # the environment variable that asks for them: only a built page has a use
WIDTH, DPI = 4.0, 180  # inches; twice the dots of a phone's column
PANEL_HEIGHT = (1.7, 2.5)  # inches: least and most of a stacked panel
LONGEST_LABEL = 26  # letters of a vertical axis's name before it takes a second line

_own_forms: WeakKeyDictionary[FigureBase, Callable[[], Figure]] = WeakKeyDictionary()


def draw_narrow_as(figure: Figure, draw: Callable[[], Figure]) -> None:
    """Have a figure's narrow form drawn by this function, rather than by stacking its panels.

    Parameters
    ----------
    figure : matplotlib Figure
    draw : function of nothing
        Returns another figure, as wide as it should be.
    """
    _own_forms[figure] = draw


@contextmanager
def stacked(figure: Figure) -> Iterator[Figure]:
    """A figure with its panels in one column, as wide as a phone; afterwards as it was.

    Parameters
    ----------
    figure : matplotlib Figure

    Examples
    --------
    >>> figure = Figure(figsize=(7.2, 3))
    >>> panels = figure.subplots(1, 2)
    >>> with stacked(figure) as narrow:
    ...     [float(inches) for inches in narrow.get_size_inches()]
    [4.0, 5.0]
    >>> [float(inches) for inches in figure.get_size_inches()]
    [7.2, 3.0]
    """
    size = figure.get_size_inches()
    places = {axes: place for axes in figure.axes if (place := axes.get_subplotspec()) is not None}
    panels = list(places)
    grids = [place.get_gridspec() for place in places.values()]
    words = [(axes, axes.get_xlabel(), axes.get_ylabel()) for axes in panels]
    columns, rows = max((grid.ncols for grid in grids), default=1), max((g.nrows for g in grids), default=1)
    titles = [(axes.title, axes.title.get_text()) for axes in figure.axes]
    titles += [(axes._left_title, axes.get_title("left")) for axes in figure.axes]  # type: ignore[attr-defined]
    for title, text in titles:
        title.set_text(textwrap.fill(text, 42))
    least, most = PANEL_HEIGHT
    height = min(max(0.9 * size[1] / rows, least), most) * len(panels) if columns > 1 else size[1]
    figure.set_size_inches(min(size[0], WIDTH), height)
    shown = _one_column(figure, places) if columns > 1 else []
    for axes in panels:
        axes.set_ylabel(textwrap.fill(axes.get_ylabel(), LONGEST_LABEL))
    try:
        yield figure
    finally:
        figure.set_size_inches(size[0], size[1])
        for title, text in titles:
            title.set_text(text)
        for axes, across, up in words:
            axes.set_xlabel(across)
            axes.set_ylabel(up)
        for axes in panels if columns > 1 else ():
            axes.set_subplotspec(places[axes])
        for axes, labels in shown:
            axes.tick_params(**labels)


def _one_column(figure: Figure, places: Mapping[Axes, SubplotSpec]) -> list[tuple[Axes, dict[str, Any]]]:
    """Put panels one under the other, each with its own tick labels; return which labels were shown."""
    shown: list[tuple[Axes, dict[str, Any]]] = []
    grid = GridSpec(len(places), 1, figure=figure)
    last = max(place.rowspan.stop for place in places.values())
    across = {axes.get_xlabel() for axes, place in places.items() if place.rowspan.stop == last} - {""}
    for number, (axes, place) in enumerate(places.items()):
        labels = {
            "labelleft": axes.yaxis.get_tick_params()["labelleft"],
            "labelbottom": axes.xaxis.get_tick_params()["labelbottom"],
        }
        shown.append((axes, labels))
        axes.set_subplotspec(grid[number, 0])
        if axes.axison:
            axes.tick_params(labelleft=True, labelbottom=True)
            row = (other.get_ylabel() for other, its in places.items() if its.rowspan == place.rowspan)
            axes.set_ylabel(axes.get_ylabel() or next(filter(None, row), ""))
    if len(across) == 1:  # one name for a whole row of panels stands under the last
        for axes in places:
            axes.set_xlabel("")
        list(places)[-1].set_xlabel(across.pop())
    return shown


def narrow_png(figure: Figure) -> bytes:
    """The narrow form of a figure, as a PNG.

    Parameters
    ----------
    figure : matplotlib Figure
        As it was drawn; it is left so.
    """
    picture = io.BytesIO()
    if figure in _own_forms:
        _own_forms[figure]().savefig(picture, dpi=DPI)
    else:
        with stacked(figure) as narrow:
            narrow.savefig(picture, dpi=DPI)
    return picture.getvalue()


def keep_narrow_forms() -> None:
    """Where pages are built, have a notebook keep each figure's narrow form beside its picture.

    Elsewhere, and without a notebook, it does nothing.
    """
    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    if shell is None or not os.environ.get(WANTED):
        return
    from IPython.core.formatters import BaseFormatter
    from traitlets import ObjectName, Unicode

    class NarrowFormatter(BaseFormatter):
        format_type = Unicode(MIME_TYPE)
        print_method = ObjectName("_repr_narrow_")

    formatter = NarrowFormatter(parent=shell.display_formatter)
    formatter.for_type(FigureBase, lambda figure: base64.b64encode(narrow_png(figure)).decode("ascii"))
    shell.display_formatter.formatters[MIME_TYPE] = formatter
