"""Pictures of the network's runs: paths of the RANDOM arm, and splits beside predictions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.figure import Figure

from rlvr.decomposition import PARTS, Decomposition
from rlvr.plots import TERM_COLOURS, TERM_NAMES

__all__ = ["draw_random_paths", "draw_splits"]

_ROWS = {"trained_right": "accuracy", "trained_share_c": "share of c", "trained_entropy": "entropy, nats"}


def draw_random_paths(
    paths: pd.DataFrame,
    *,
    prior: str,
    rates: Sequence[str],
    chance: float,
    measures: Mapping[str, str] = _ROWS,
) -> Figure:
    """Measures of the RANDOM arm along training, a column a rate.

    Parameters
    ----------
    paths : DataFrame
        As :func:`rlvr.experiments.network_runs.network_paths` gives it.
    prior : str
        Which prior.
    rates : sequence of str
        Learning rates, one a column.
    chance : float
        Accuracy of a guess, drawn in the row of sampled accuracy as a dotted line, as the start is in all.
    measures : mapping of str to str
        The column of `paths` in each row of panels, and its label; by default sampled accuracy, share of
        strategy c and entropy, on trained items.

    Returns
    -------
    Figure
        Thin lines are runs, thick ones their mean; orange is clipped, black is not.
    """
    random = paths[(paths["arm"] == "random") & (paths["prior"] == prior)]
    size = (7.6, 0.2 + 2 * len(measures))
    figure, panels = plt.subplots(len(measures), len(rates), figsize=size, sharex=True, sharey="row")
    for line, (measure, name) in zip(panels, measures.items(), strict=True):
        for axes, rate in zip(line, rates, strict=True):
            for design, colour in (("unclipped", "black"), ("clipped", TERM_COLOURS["null"])):
                cell = random[(random["rate"] == rate) & (random["design"] == design)]
                seen = cell.pivot(index="step", columns="seed", values=measure)
                axes.plot(seen, color=colour, lw=0.5, alpha=0.4)
                axes.plot(seen.mean(axis=1), color=colour, lw=2)
            axes.axhline(seen.loc[0].mean(), color="grey", ls=":", lw=1)
            if measure == "trained_right":
                axes.axhline(chance, color="grey", ls=":", lw=1)
        line[0].set_ylabel(name)
    for axes, rate in zip(panels[0], rates, strict=True):
        axes.set_title(f"{rate} rate")
    panels[-1, len(rates) // 2].set_xlabel("optimiser steps")
    return figure


def draw_splits(splits: Mapping[str, Sequence[Decomposition]]) -> Figure:
    """Null, elicitation and reward design, a panel a prior: the network's filled, predictions open.

    Parameters
    ----------
    splits : mapping of str to sequence of Decomposition
        For each panel's title: the network's split first, then up to two predictions.

    Returns
    -------
    Figure
    """
    figure, panels = plt.subplots(1, len(splits), figsize=(7.6, 3.2), sharey=True)
    for axes, (title, shown) in zip(panels, splits.items(), strict=True):
        for place, (parts, mark) in enumerate(zip(shown, "oos", strict=False)):
            for x, name in enumerate(PARTS):
                term, colour = getattr(parts, name), TERM_COLOURS[name]
                at = x + 0.2 * (place - 1)
                axes.plot([at, at], [term.low, term.high], color=colour)
                axes.plot(at, term.value, mark, color=colour, mfc="white" if place else colour)
        axes.axhline(0, color="black", lw=0.7)
        axes.set(title=title, xticks=range(len(PARTS)), xlim=(-0.5, len(PARTS) - 0.5))
        axes.set_xticklabels([TERM_NAMES[name].replace(" ", "\n") for name in PARTS])
    panels[0].set_ylabel("accuracy")
    return figure
