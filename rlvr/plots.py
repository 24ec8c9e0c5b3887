"""The style of every figure: white ground, colour-blind-safe colours, direct labels before legends.

Colours are Okabe and Ito's hues, darkened until text in them has a contrast of 4.5 to 1 on white (the
originals reach 2.3). A term keeps its colour on every page, and so does an arm.
"""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib as mpl
from matplotlib.axes import Axes

__all__ = ["ARM_COLOURS", "TERM_COLOURS", "TERM_NAMES", "end_labels", "use_style"]

ARM_COLOURS = {"frozen": "#4D4D4D", "random": "#A86400", "majority": "#0072B2", "true": "#007F5C"}
TERM_COLOURS = {
    "null": "#A86400",
    "elicitation": "#0072B2",
    "reward_design": "#007F5C",
    "naive": "#000000",
    "total": "#4D4D4D",
}
TERM_NAMES = {
    "null": "null",
    "elicitation": "elicitation",
    "reward_design": "reward design",
    "naive": "naive",
    "total": "total",
}


def use_style() -> None:
    """Set the style of the report's figures."""
    mpl.rcParams.update(
        {
            "figure.figsize": (7.2, 3.6),
            "figure.dpi": 144,
            "savefig.facecolor": "white",
            "figure.facecolor": "white",
            "figure.constrained_layout.use": True,
            "font.size": 10,
            "font.family": "DejaVu Sans",
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.grid": True,
            "grid.color": "#e6e6e6",
            "axes.axisbelow": True,
            "axes.titlesize": 10.5,
            "axes.titlelocation": "left",
            "legend.frameon": False,
            "lines.linewidth": 1.8,
            "savefig.bbox": None,
            "svg.hashsalt": "rlvr",
        }
    )


def end_labels(axes: Axes, labels: Sequence[tuple[float, float, str, str]], *, gap: float = 0.06) -> None:
    """Label lines at their ends, and move the labels apart so that none overlap.

    Parameters
    ----------
    axes : matplotlib Axes
        With its limits already set.
    labels : sequence of (x, y, text, colour)
    gap : float
        Least distance between labels, as a fraction of the vertical axis.
    """
    bottom, top = axes.get_ylim()
    step, last = gap * (top - bottom), float("-inf")
    for x, y, text, colour in sorted(labels, key=lambda label: label[1]):
        last = max(y, last + step)
        axes.annotate(
            text,
            (x, y),
            xytext=(x, last),
            textcoords="data",
            color=colour,
            va="center",
            annotation_clip=False,
        )
