"""What several pages draw: estimates with intervals, four arms as a staircase."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from matplotlib.axes import Axes

from rlvr.arms import ARMS
from rlvr.decomposition import TERMS
from rlvr.plots import ARM_COLOURS, TERM_COLOURS
from rlvr.stats.estimates import Estimate

__all__ = ["NEUTRAL_COLOURS", "intervals", "staircase"]

# For everything that is neither an arm nor a term: purple, plum, slate and grey.
NEUTRAL_COLOURS = ("#6A4C93", "#9B4F78", "#5B6B7B", "#767676")


def intervals(
    axes: Axes,
    positions: Sequence[float],
    estimates: Sequence[Estimate],
    *,
    colour: str,
    label: str = "",
    marker: str = "o",
) -> None:
    """Draw estimates as dots with their intervals; an open dot has no interval.

    Parameters
    ----------
    axes : matplotlib Axes
    positions : sequence of float (estimate,)
    estimates : sequence of Estimate
    colour : str
    label : str
        Label of the estimates in a legend.
    marker : str
    """
    for position, estimate in zip(positions, estimates, strict=True):
        known = estimate.low == estimate.low
        fill = colour if known else "white"
        axes.plot(position, estimate.value, marker, color=colour, mfc=fill, ms=5, label=label, zorder=3)
        if known:
            axes.plot([position] * 2, [estimate.low, estimate.high], "-", color=colour, lw=1.6, zorder=2)
        label = ""


def staircase(axes: Axes, accuracies: Mapping[str, float], terms: Mapping[str, Estimate]) -> None:
    """Draw four arms as levels and the three terms as the steps between them, with their intervals.

    Parameters
    ----------
    axes : matplotlib Axes
    accuracies : mapping of str to float
        Accuracy of each arm, in [0, 1]; drawn in percent.
    terms : mapping of str to Estimate
        Null, elicitation and reward design by name. An interval wider than half a point is drawn as a bar at
        the end of its step.
    """
    for place, arm in enumerate(ARMS):
        level = 100 * accuracies[arm]
        reach = place - 0.3, place + (0.3 if arm == ARMS[-1] else 1.3)
        axes.plot(reach, [level, level], color=ARM_COLOURS[arm], lw=1)
        axes.plot([place - 0.3, place + 0.3], [level, level], color=ARM_COLOURS[arm], lw=4)
    for name in ("null", "elicitation", "reward_design"):
        arm, base = TERMS[name]
        place, colour, term = ARMS.index(arm), TERM_COLOURS[name], terms[name]
        start = 100 * accuracies[base]
        axes.bar(place, 100 * term.value, 0.44, bottom=start, color=colour, alpha=0.85)
        if term.low == term.low and term.high - term.low > 0.005:
            ends = start + 100 * term.low, start + 100 * term.high
            axes.plot([place, place], ends, color="black", lw=1.2)
    axes.set_xticks(range(len(ARMS)), [arm.upper() for arm in ARMS])
    axes.set_xlim(-0.5, len(ARMS) - 0.5)
