"""Check that a figure's words are legible: no overlaps, nothing cut off, minus signs instead of hyphens."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import combinations

from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text
from matplotlib.transforms import Bbox

__all__ = ["label_faults"]

MARGIN = 0.15  # of a line's height: overlap of two boxes that is allowed, because no letter fills its box
SMALLEST = 6.0  # points: smallest legible size on a page of the book's width


def label_faults(figure: Figure) -> list[str]:
    """List faults of the words of a figure, one line per fault; empty if all words are legible.

    Parameters
    ----------
    figure : matplotlib Figure
        The figure is drawn for the check and not changed.

    Examples
    --------
    >>> figure = Figure(figsize=(3, 2), layout="constrained")
    >>> axes = figure.subplots()
    >>> _ = axes.text(0.5, 0.5, "null"), axes.text(0.52, 0.5, "naive")
    >>> label_faults(figure)
    ["'null' and 'naive' overlap"]
    """
    renderer = FigureCanvasAgg(figure).get_renderer()
    figure.draw(renderer)
    shown = [(text, _box(text, renderer)) for text in _texts(figure)]
    found = [
        f"{_words(one)!r} and {_words(other)!r} overlap"
        for (one, box), (other, near) in combinations(shown, 2)
        if _overlap(box, near)
    ]
    whole = figure.bbox.padded(1)
    found += [f"{_words(text)!r} is cut off" for text, box in shown if not _inside(box, whole)]
    found += [
        f"{_words(text)!r} is smaller than {SMALLEST:g} points"
        for text, _ in shown
        if float(text.get_fontsize()) < SMALLEST
    ]
    found += [
        f"{_words(text)!r} has a hyphen for a minus sign"
        for text, _ in shown
        if "$" not in text.get_text() and re.search(r"(?<![\w.)\]-])-\.?\d", text.get_text())
    ]
    return sorted(set(found))


def _texts(figure: Figure) -> Iterator[Text]:
    """Texts that are drawn."""
    hidden = {id(text) for axes in figure.axes for text in _beyond(axes)}
    for text in figure.findobj(Text):
        if text.get_visible() and text.get_text().strip() and id(text) not in hidden and _is_shown(text):
            yield text


def _is_shown(text: Text) -> bool:
    """Whether the panel of a text is drawn with its axes."""
    axes = text.axes
    return axes is None or axes.get_visible()


def _beyond(axes: Axes) -> Iterator[Text]:
    """Labels that are never drawn: ticks outside a panel's limits, and all labels of a panel without axes."""
    for axis in (axes.xaxis, axes.yaxis):
        low, high = sorted(axis.get_view_interval())
        slack = 1e-9 * (high - low)
        for tick in (*axis.get_major_ticks(), *axis.get_minor_ticks()):
            inside = low - slack <= tick.get_loc() <= high + slack
            labels = (tick.label1, tick.label2)
            yield from labels if not (inside and axes.axison and axis.get_visible()) else ()
        if not (axes.axison and axis.get_visible()):
            yield from _names(axis)


def _names(axis: Axis) -> tuple[Text, Text]:
    return axis.label, axis.offsetText


def _box(text: Text, renderer: object) -> Bbox:
    return text.get_window_extent(renderer)  # type: ignore[arg-type]


def _overlap(one: Bbox, other: Bbox) -> bool:
    """Whether two boxes overlap by more than the margin around their letters."""
    shared = Bbox.intersection(one, other)
    if shared is None:
        return False
    line = MARGIN * min(one.height, other.height, one.width, other.width)
    return shared.width > line and shared.height > line


def _inside(box: Bbox, whole: Bbox) -> bool:
    return whole.x0 <= box.x0 and box.x1 <= whole.x1 and whole.y0 <= box.y0 and box.y1 <= whole.y1


def _words(text: Text) -> str:
    return " ".join(text.get_text().split())
