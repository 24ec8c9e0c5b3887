"""A figure's form for a phone, with stacked panels, and the extra outputs that a notebook keeps.

The panels of a drawn figure are laid out again at a width where labels keep their size, so both forms show
the same numbers. A figure that does not stack well has its own narrow form, in `narrow_form`.
"""

from __future__ import annotations

import base64
import io
import os
import sys
import textwrap
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from typing import Any, Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure, FigureBase
from matplotlib.gridspec import GridSpec, SubplotSpec
from matplotlib.ticker import FixedFormatter, FixedLocator
from PIL import Image

from book.figure_numbers import figure_data
from book.label_checks import label_faults

__all__ = ["MIME_TYPE", "WANTED", "keep_forms", "narrow_png", "stacked"]

MIME_TYPE = "application/x-narrow-figure"  # a PNG in base64, next to a notebook's own picture
WANTED = "RLVR_NARROW_FIGURES"  # environment variable that requests them, which only built pages use
WIDTH, DPI = 4.4, 164  # inches; twice the pixels of a phone's column
PANEL_HEIGHT = (1.7, 2.8)  # inches: smallest and largest height of a stacked panel
LONGEST_LABEL = 26, 42, 44  # most letters in one line of a vertical name, a horizontal name and a title
MANY = 9  # number of named rows from which a panel keeps its height
COLOURS = 96  # of a stored picture: enough for a figure's colours and their blends

_SIDES: tuple[Literal["left", "center", "right"], ...] = ("left", "center", "right")


@contextmanager
def stacked(figure: Figure) -> Iterator[Figure]:
    """Stack the panels of a figure in one column, as wide as a phone; restore them afterwards.

    Parameters
    ----------
    figure : matplotlib Figure

    Examples
    --------
    >>> figure = Figure(figsize=(7.2, 3))
    >>> panels = figure.subplots(1, 2)
    >>> with stacked(figure) as narrow:
    ...     [round(float(inches), 1) for inches in narrow.get_size_inches()]
    [4.4, 5.4]
    >>> [float(inches) for inches in figure.get_size_inches()]
    [7.2, 3.0]
    """
    places = {axes: place for axes in figure.axes if (place := axes.get_subplotspec()) is not None}
    with ExitStack() as back:
        _resize(figure, places, back)
        if any(place.get_gridspec().ncols > 1 for place in places.values()):
            _one_column(figure, places, back)
        for axes in figure.axes:
            _break_lines(axes, back)
        yield figure


def _resize(figure: Figure, places: Mapping[Axes, SubplotSpec], back: ExitStack) -> None:
    """Resize a figure to the width of a phone and the height that its panels need."""
    wide, high = figure.get_size_inches()
    back.callback(figure.set_size_inches, wide, high)
    grids = [place.get_gridspec() for place in places.values()]
    if any(grid.ncols > 1 for grid in grids):
        row = 0.9 * high / max(grid.nrows for grid in grids)
        crowded = any(len(_named(axes.yaxis)) >= MANY for axes in places)
        high = (row if crowded else float(np.clip(row, *PANEL_HEIGHT))) * len(places)
    figure.set_size_inches(min(wide, WIDTH), high)


def _one_column(figure: Figure, places: Mapping[Axes, SubplotSpec], back: ExitStack) -> None:
    """Stack panels, each with the title, names and tick labels that it shared."""
    grid = GridSpec(len(places), 1, figure=figure)
    last = max(place.rowspan.stop for place in places.values())
    across = {axes.get_xlabel() for axes, place in places.items() if place.rowspan.stop == last} - {""}
    titles = {axes: "".join(axes.get_title(side) for side in _SIDES) for axes in places}
    for number, (axes, place) in enumerate(places.items()):
        shown = {**axes.yaxis.get_tick_params(), "bottom": axes.xaxis.get_tick_params()["labelbottom"]}
        back.callback(axes.tick_params, labelleft=shown["labelleft"], labelbottom=shown["bottom"])
        back.callback(axes.set_subplotspec, place)
        back.callback(axes.set_xlabel, axes.get_xlabel())
        back.callback(axes.set_ylabel, axes.get_ylabel())
        axes.set_subplotspec(grid[number, 0])
        if axes.axison:
            axes.tick_params(labelleft=True, labelbottom=True)
            row = [other for other, spot in places.items() if spot.rowspan == place.rowspan]
            size = row[0].yaxis.get_tick_params().get("labelsize")
            if size is not None and size != shown.get("labelsize"):
                axes.tick_params(axis="y", labelsize=size)
            axes.set_ylabel(next(filter(None, (a.get_ylabel() for a in (axes, *row))), ""))
            if len(across) == 1:  # a common name stands under the last panel
                axes.set_xlabel(next(iter(across)) if number == len(places) - 1 else "")
        column = (titles[other] for other, spot in places.items() if spot.colspan == place.colspan)
        if axes.axison and not titles[axes]:
            back.callback(axes.set_title, "")
            axes.set_title(next(column, ""))


def _break_lines(axes: Axes, back: ExitStack) -> None:
    """Break titles, names and named ticks that are too long into two lines."""
    upright, level, longest = LONGEST_LABEL
    for side in _SIDES:
        title = axes.get_title(side)
        if max(map(len, title.split("\n"))) > longest:
            back.callback(axes.set_title, title, loc=side)
            axes.set_title(textwrap.fill(title, longest), loc=side)
    back.callback(axes.set_xlabel, axes.get_xlabel())
    back.callback(axes.set_ylabel, axes.get_ylabel())
    axes.set_xlabel(textwrap.fill(axes.get_xlabel(), level))
    axes.set_ylabel(textwrap.fill(axes.get_ylabel(), upright))
    if names := _named(axes.xaxis):
        back.callback(axes.xaxis.set_major_formatter, axes.xaxis.get_major_formatter())
        room = max(6, 40 // len(names))
        wrapped = [
            name if "\n" in name else textwrap.fill(name, room, break_long_words=False) for name in names
        ]
        axes.xaxis.set_major_formatter(FixedFormatter(wrapped))


def _named(axis: Axis) -> list[str]:
    """Tick labels of an axis with names instead of numbers."""
    places = axis.get_majorticklocs()
    labels = [str(label) for label in axis.get_major_formatter().format_ticks(list(places))]
    fixed = isinstance(axis.get_major_locator(), FixedLocator)
    return labels if fixed and any(letter.isalpha() for letter in "".join(labels)) else []


def _narrow(figure: Figure) -> AbstractContextManager[Figure]:
    """Narrow form of a figure: its own, or its panels in one column."""
    own = getattr(figure, "narrow_form", None)
    return nullcontext(own()) if own else stacked(figure)


def narrow_png(figure: Figure) -> bytes:
    """The narrow form of a figure as a PNG.

    Parameters
    ----------
    figure : matplotlib Figure
        The drawn figure, which is not changed.
    """
    drawn, stored = io.BytesIO(), io.BytesIO()
    with _narrow(figure) as narrow:
        narrow.savefig(drawn, dpi=DPI)
    Image.open(drawn).convert("RGB").quantize(COLOURS).save(stored, format="png", optimize=True)
    return stored.getvalue()


def keep_forms() -> None:
    """Let a notebook keep each figure's numbers (``text/csv``) with its picture from now on.

    Where pages are built (the environment sets ``WANTED``), its narrow form is kept too. A figure with
    illegible words, in either form, fails its cell. Without a notebook this does nothing.
    """
    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    if shell is None:
        return
    _keep(shell, "text/csv", _checked_numbers)
    if os.environ.get(WANTED):
        _keep(shell, MIME_TYPE, lambda figure: base64.b64encode(narrow_png(figure)).decode("ascii"))


def _checked_numbers(figure: Figure) -> str:
    """A figure's numbers as CSV, after a check that its words are legible."""
    faults = label_faults(figure)
    with _narrow(figure) as narrow:
        faults += [f"{fault} (on a phone)" for fault in label_faults(narrow)]
    if faults:
        raise ValueError(f"the figure's words cannot be read: {'; '.join(faults)}")
    return figure_data(figure).to_csv(index=False, lineterminator="\n")


def _keep(shell: Any, mime_type: str, form: Callable[[Figure], str]) -> None:
    """Register one form of every figure with a notebook."""
    from IPython.core.formatters import BaseFormatter
    from traitlets import ObjectName, Unicode

    class FigureFormatter(BaseFormatter):
        format_type = Unicode(mime_type)
        print_method = ObjectName("_repr_kept_form_")

    formatter = FigureFormatter(parent=shell.display_formatter)
    # Register for the parent class, because choosing a picture format clears what was set for Figure itself.
    formatter.for_type(FigureBase, form)
    shell.display_formatter.formatters[mime_type] = formatter
