"""What the chapters on audits draw: verdicts, terms without an arm, coverage, judges, plans, layers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from book.drawing import NEUTRAL_COLOURS
from rlvr.auditing import identified_sets, item_sampling, verdicts_at
from rlvr.auditing.cell_verdicts import CellAudit
from rlvr.decomposition import PARTS, TERMS
from rlvr.plots import TERM_COLOURS, TERM_NAMES

__all__ = ["audit_layers", "chances_by_runs", "coverage_rates", "judge_grid", "missing_arms", "verdict_map"]

_PLACES = {"elicitation": (45, 82), "null": (78, 66), "reward design": (43, 43), "mixed": (72, 45)}


def verdict_map(audited: CellAudit) -> Figure:
    """The verdict at every accuracy of RANDOM and MAJORITY from 30 to 90%, and where a cell stands.

    Parameters
    ----------
    audited : CellAudit
        Of a cell with all four arms; FROZEN and TRUE stay as they are there.
    """
    arms = audited.cell.arms
    x, y = np.meshgrid(*[np.linspace(0.3, 0.9, 301)] * 2)
    frozen, true = (np.full_like(x, arms[arm].accuracy) for arm in ("frozen", "true"))
    verdicts = verdicts_at(np.stack([frozen, x, y, true], axis=-1))
    colours = {TERM_NAMES[name]: TERM_COLOURS[name] for name in PARTS} | {"mixed": NEUTRAL_COLOURS[2]}
    figure, axes = plt.subplots(figsize=(5.6, 4.2))
    for verdict, colour in colours.items():
        region = verdicts == verdict
        axes.contourf(100 * x, 100 * y, region, levels=[0.5, 1.5], colors=[colour], alpha=0.35)
        axes.text(*_PLACES[verdict], verdict, ha="center", color=colour, weight="bold")
    sampling = item_sampling(arms)
    spread = 100 * np.array([sampling.below, sampling.above])
    dot = 100 * arms["random"].accuracy, 100 * arms["majority"].accuracy
    axes.errorbar(*dot, spread[:, [2]], spread[:, [1]], fmt="ko", ms=5)
    axes.axhline(dot[1], color="black", ls="--", lw=1)
    axes.set(xlabel="RANDOM, %", ylabel="MAJORITY, %", aspect="equal")
    axes.grid(False)
    return figure


def missing_arms(groups: Mapping[str, Mapping[str, float]]) -> Figure:
    """The value, or the sharp set, of each term, for arms of which some may be missing.

    Parameters
    ----------
    groups : mapping of str to mapping of arm to accuracy
        What a group of rows is called, and the accuracies that are known there.
    """
    figure, axes = plt.subplots(figsize=(7.2, 3.1))
    for group, arms in enumerate(groups.values()):
        sets = identified_sets(dict(arms))
        for row, part in enumerate(PARTS, 4 * group):
            low, high = 100 * np.array(sets[part])
            colour = TERM_COLOURS[part]
            if np.isclose(low, high):
                axes.plot(low, row, "o", color=colour, ms=6)
            else:
                axes.barh(row, high - low, left=low, height=0.55, color=colour)
            axes.text(81, row, TERM_NAMES[part], color=colour, va="center", size=9)
    axes.axvline(0, color="black", lw=0.8)
    last = 4 * len(groups) - 1.3
    axes.set(xlim=(-60, 125), ylim=(last, -0.7), yticks=np.arange(len(groups)) * 4 + 1)
    axes.set(xticks=(-50, 0, 50), xlabel="points of accuracy", yticklabels=list(groups))
    axes.grid(axis="y", visible=False)
    return figure


def coverage_rates(rates: pd.DataFrame, replicates: int) -> Figure:
    """How often a 95% interval covers, by number of questions (rows) and recipe (columns).

    Parameters
    ----------
    rates : DataFrame (size, recipe)
        Fractions of `replicates` simulated tables; the index holds the numbers of questions.
    replicates : int
    """
    figure, axes = plt.subplots(figsize=(7.2, 2.9))
    places = np.arange(len(rates))
    for number, (recipe, rate) in enumerate(rates.items()):
        values = rate.to_numpy()
        error = 2 * np.sqrt(values * (1 - values) / replicates)
        colour, marker = NEUTRAL_COLOURS[number], "osD"[number]
        x = places + 0.08 * (number - 1)
        axes.errorbar(x, 100 * values, 100 * error, fmt=marker, color=colour)
        words = str(recipe).replace(" as ", "\nas ")
        axes.text(places[-1] + 0.15, 100 * values[-1] - 2.5 * (number == 0), words, color=colour, va="center")
    axes.axhline(95, color="black", lw=0.8)
    axes.text(0.5, 90, "nominal: 95%", size=9, ha="center", va="top")
    axes.set(xticks=places, xticklabels=[f"{n} questions" for n in rates.index], ylabel="coverage, %")
    axes.set(xlim=(-0.3, places[-1] + 1.3), ylim=(40, 104))
    return figure


def judge_grid(verdicts: pd.DataFrame) -> Figure:
    """Which judge takes which completion for right: a filled dot is right, an open one wrong.

    Parameters
    ----------
    verdicts : DataFrame
        Columns ``completion`` and ``label``, then one of booleans for each judge.
    """
    judges = list(verdicts.columns[2:])
    figure, axes = plt.subplots(figsize=(7.2, 4.3))
    for place, judge in enumerate(judges):
        for row, right in enumerate(verdicts[judge]):
            colour = NEUTRAL_COLOURS[0]
            axes.plot(place, row, "o", ms=9, color=colour, mfc=colour if right else "white")
    names = [f"{row.completion} vs {row.label}".replace("$", r"\$") for row in verdicts.itertuples()]
    axes.set_yticks(range(len(names)), names, family="DejaVu Sans Mono", size=9)
    axes.set_xticks(range(len(judges)), judges, rotation=90)  # side by side they would overlap on a phone
    axes.xaxis.tick_top()
    axes.set(xlim=(-0.5, len(judges) - 0.5), ylim=(len(names) - 0.5, -0.6))
    axes.tick_params(length=0)
    axes.grid(False)
    axes.spines[:].set_visible(False)
    return figure


def chances_by_runs(lines: Mapping[str, Mapping[int, float]], band: Sequence[Mapping[int, float]]) -> Figure:
    """The chance that a study confirms its verdict, by training runs of each arm.

    Parameters
    ----------
    lines : mapping of str to mapping of int to float
        Label, and chance by number of runs. One run is an open dot: there the spread is taken as known.
    band : sequence of two such mappings
        Chances at the ends of an interval of the spread, drawn as a band from two runs on.
    """
    figure, axes = plt.subplots(figsize=(7.2, 3.8))
    counts = list(band[0])
    low, high = ([100 * chances[n] for n in counts[1:]] for chances in band)
    axes.fill_between(counts[1:], low, high, color=NEUTRAL_COLOURS[0], alpha=0.15, lw=0)
    for number, (label, chances) in enumerate(lines.items()):
        colour, style = NEUTRAL_COLOURS[number], ("-", "--", ":")[number]
        values = [100 * chances[n] for n in counts]
        axes.plot(counts[1:], values[1:], "o", ls=style, color=colour, ms=5, label=label)
        axes.plot(1, values[0], "o", color=colour, mfc="white", ms=6)
    axes.axhline(80, color="black", lw=0.8, ls="--")
    axes.text(1, 82, "80%", size=9)
    axes.set(xscale="log", xticks=counts, xticklabels=counts, ylim=(0, 103))
    axes.set(xlabel="training runs of each arm", ylabel="chance of the verdict, %")
    axes.minorticks_off()
    axes.legend(loc="lower left", bbox_to_anchor=(0, 1), frameon=False)
    return figure


def audit_layers(audited: CellAudit, truth: Mapping[str, float]) -> Figure:
    """Each term of an audit with its intervals over items, and over items and runs, beside its true value.

    Parameters
    ----------
    audited : CellAudit
        With the layers "items" and "items and runs".
    truth : mapping of arm to accuracy
    """
    figure, axes = plt.subplots(figsize=(7.2, 2.9))
    for row, term in enumerate(TERMS):
        arm, base = TERMS[term]
        colour, value = TERM_COLOURS[term], 100 * audited.terms[term].value
        for layer, shift, style in (("items", -0.14, "-"), ("items and runs", 0.14, "--")):
            found = audited.layer(layer)
            if found is None:
                raise ValueError(f"the audit has no layer {layer!r}: it needs several runs of each arm")
            ends = 100 * np.array(found.terms[term])
            axes.plot(ends, [row + shift] * 2, ls=style, color=colour, lw=2.2)
            axes.plot(value, row + shift, "o", color=colour, ms=5)
        axes.plot(100 * (truth[arm] - truth[base]), row, "D", color="black", mfc="white", ms=7, zorder=4)
    axes.axvline(0, color="black", lw=0.8)
    axes.set(yticks=range(len(TERMS)), yticklabels=[TERM_NAMES[term] for term in TERMS])
    axes.set(ylim=(len(TERMS) - 0.5, -0.5), xlabel="points of accuracy")
    axes.grid(axis="y", visible=False)
    return figure
