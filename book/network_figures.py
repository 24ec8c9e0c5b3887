"""Two readings of one null as bars, and its sources: pictures of the RANDOM arm on a network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from book.drawing import NEUTRAL_COLOURS
from book.forests import Marks, draw_forest, legend_above
from rlvr.plots import TERM_COLOURS
from rlvr.stats.estimates import Estimate

__all__ = ["draw_readings", "draw_sources"]


def draw_readings(nulls: Mapping[str, tuple[Estimate, Estimate]]) -> Figure:
    """Two bars a group, the null of sampled (solid) and of greedy accuracy (hatched), in points.

    Parameters
    ----------
    nulls : mapping of str to (sampled, greedy)
        By the name of the group.
    """
    figure, axes = plt.subplots(figsize=(6.4, 3.4))
    places, brown = np.arange(len(nulls)), TERM_COLOURS["null"]
    for number, (label, fill, hatch) in enumerate(
        (("sampled accuracy", brown, None), ("greedy accuracy", "white", "////"))
    ):
        terms = [pair[number] for pair in nulls.values()]
        at = places + 0.19 * (2 * number - 1)
        values = [term.value for term in terms]
        axes.bar(at, values, 0.34, label=label, facecolor=fill, edgecolor=brown, hatch=hatch)
        axes.vlines(at, [term.low for term in terms], [term.high for term in terms], color="black", lw=1.2)
        for x, term in zip(at, terms, strict=True):
            up = term.value > 0 if abs(term.value) > 0.05 else True
            axes.text(
                x, (term.high + 1) if up else (term.low - 1), _points(term.value), ha="center",
                va="bottom" if up else "top", fontsize=10,
            )  # fmt: skip
    axes.axhline(0, color="black", lw=0.7)
    axes.set_xticks(places, list(nulls))
    axes.tick_params(axis="x", length=0)
    axes.grid(axis="x", visible=False)
    axes.margins(y=0.12)
    axes.set_ylabel("RANDOM \N{MINUS SIGN} FROZEN, points")
    axes.legend(loc="upper right")
    return figure


def _points(value: float) -> str:
    """A gain with its sign; none before what rounds to zero."""
    text = f"{value:+.1f}".replace("-", "\N{MINUS SIGN}")
    return "0.0" if text[1:] == "0.0" else text


def draw_sources(
    rows: Sequence[str],
    sources: Mapping[str, Sequence[float]],
    sampled: Sequence[Estimate],
    greedy: Sequence[Estimate],
) -> Figure:
    """Left the change of sampled accuracy as stacked bars of its sources, right that of greedy accuracy.

    Parameters
    ----------
    rows : sequence of str
        The cells.
    sources : mapping of str to sequence of float (row,)
        What each source adds to the sampled change, in points.
    sampled, greedy : sequence of Estimate (row,)
        The changes in points.
    """
    figure, (left, right) = plt.subplots(1, 2, figsize=(7.2, 5.4), sharey=True)
    ends = {1: np.zeros(len(rows)), -1: np.zeros(len(rows))}
    for (name, values), colour in zip(sources.items(), NEUTRAL_COLOURS[::-3], strict=False):
        parts = np.asarray(values)
        start = np.where(parts > 0, ends[1], ends[-1])
        left.barh(np.arange(len(rows)), parts, 0.66, left=start, color=colour, alpha=0.75, label=name)
        for side in ends:
            ends[side] = ends[side] + np.where(parts * side > 0, parts, 0)
    brown, sign = TERM_COLOURS["null"], "RANDOM \N{MINUS SIGN} FROZEN"
    draw_forest(left, rows, [Marks(sampled, sign, brown)])
    draw_forest(right, rows, [Marks(greedy, sign, brown)])
    left.set(title="sampled accuracy", xlabel="points")
    right.set(title="greedy accuracy", xlabel="points")
    legend_above(figure)
    return figure
