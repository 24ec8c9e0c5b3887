"""Verdicts as coloured squares: one a model and benchmark, or one a model and assumption."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.patches import Rectangle

from rlvr.auditing.cell_verdicts import CellAudit
from rlvr.decomposition import PARTS
from rlvr.plots import TERM_COLOURS, TERM_NAMES

__all__ = ["VERDICT_COLOURS", "held_verdicts", "verdict_tiles"]

VERDICT_COLOURS = {TERM_NAMES[part]: TERM_COLOURS[part] for part in PARTS} | {"mixed": "#6E6E6E"}
"""A verdict has the colour of the term that dominates; "mixed" is grey."""

_PALE = 0.15  # of a colour, the rest being white
_LONGEST_NAME = 13  # letters of a model on one line


def verdict_tiles(axes: Axes, cells: Sequence[CellAudit], columns: Mapping[str, str]) -> None:
    """Draw a tile a cell with its verdict: models down in their order of appearance, benchmarks across.

    Dark tiles are supported verdicts. An asterisk marks a doubtful arm, a dagger one that was evaluated at
    another step than the others.

    Parameters
    ----------
    axes : matplotlib Axes
    cells : sequence of CellAudit
    columns : mapping of str to str
        What stands above each benchmark, in order.
    """
    models = list(dict.fromkeys(cell.cell.model for cell in cells))
    for cell in cells:
        x, y = list(columns).index(cell.cell.benchmark), models.index(cell.cell.model)
        dark = cell.status == "supported"
        colour = [part if dark else 1 - _PALE * (1 - part) for part in to_rgb(VERDICT_COLOURS[cell.verdict])]
        axes.add_patch(Rectangle((x - 0.48, y - 0.44), 0.96, 0.88, facecolor=colour))
        matched = all(arm.comparable != "no" for arm in cell.cell.arms.values())
        mark = (" *" if cell.doubts else "") if matched else " †"
        axes.text(
            x, y, cell.verdict.replace(" ", "\n") + mark, size=8.8, linespacing=1, ha="center", va="center",
            color="white" if dark else "black",
        )  # fmt: skip
    axes.set_yticks(range(len(models)), [_on_two_lines(model) for model in models])
    axes.set_xticks(range(len(columns)), list(columns.values()))
    axes.set(xlim=(-0.5, len(columns) - 0.5), ylim=(len(models) - 0.5, -0.5))
    axes.xaxis.tick_top()
    _bare(axes)


def held_verdicts(
    axes: Axes, assumptions: Mapping[str, Collection[str]], verdicts: Mapping[str, str]
) -> None:
    """Draw a row an assumption and a column a model: a square where its verdict holds, else a cross.

    Parameters
    ----------
    axes : matplotlib Axes
    assumptions : mapping of str to collection of str
        The models whose verdict holds under each assumption.
    verdicts : mapping of str to str
        The verdict of each model, left to right.
    """
    for y, held in enumerate(assumptions.values()):
        for x, (model, verdict) in enumerate(verdicts.items()):
            if model in held:
                axes.plot(x, y, "s", color=VERDICT_COLOURS[verdict], ms=12, label=verdict)
            else:
                axes.plot(x, y, "x", color="#9A9A9A", ms=6, mew=1.4, label="fails")
    for x, model in enumerate(verdicts):
        axes.text(x, -0.6, model, rotation=90, size=9, ha="center", va="bottom")
    axes.set_yticks(range(len(assumptions)), list(assumptions))
    axes.set_xticks([])
    longest = max(map(len, verdicts))
    axes.set(xlim=(-0.6, len(verdicts) - 0.4), ylim=(len(assumptions) - 0.5, -0.9 - 0.22 * longest))
    _bare(axes)


def _on_two_lines(model: str) -> str:
    """A long name with a new line after its last hyphen."""
    if len(model) <= _LONGEST_NAME:
        return model
    first, last = model.rsplit("-", 1)
    return f"{first}-\n{last}"


def _bare(axes: Axes) -> None:
    """Take away what a field of squares does not need."""
    axes.tick_params(length=0, labelsize=9)
    axes.grid(False)
    axes.spines[:].set_visible(False)
