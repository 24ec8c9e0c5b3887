"""The pretrained model on a page: predictions of the closed forms, and figures of its paths."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from numpy.typing import NDArray

from rlvr import GRPOConfig, StrategyFamily, simulate
from rlvr.experiments.language_model_runs import language_model_outcomes, pair_changes
from rlvr.plots import ARM_COLOURS

__all__ = [
    "CLIPS",
    "Prediction",
    "Prior",
    "draw_pairs",
    "predicted_drifts",
    "prior_of",
    "trained_weights",
    "write_logs",
]

CLIPS = {"clipped": (0.2, 0.2), "wider": (0.2, 0.28), "unclipped": None}
"""Designs, each with the bounds of its clip."""


class Prior(NamedTuple):
    """Averages of a family's untrained policy over its questions."""

    share: float
    """Share of digits among the two styles."""
    digits: float
    """Accuracy of answers in digits."""
    quoted: float
    """Accuracy of quoted words."""


class Prediction(NamedTuple):
    """Prediction of the tabular simulator for one cell."""

    drift: float
    """Mean change of the style's log odds over runs."""
    walk: float
    """Standard deviation of that change over runs."""
    accuracy: float
    """Mean change of accuracy."""


def prior_of(paths: pd.DataFrame, family: str) -> Prior:
    """The measured prior of a family, over trained and held-out questions together."""
    start = paths[(paths["family"] == family) & (paths["arm"] == "frozen")].iloc[0]

    def mean(name: str) -> float:
        return float(
            np.average([start[f"trained_{name}"], start[f"held_out_{name}"]], weights=[2, 1])
        )  # trained and held-out questions

    digits, quoted = mean("digits"), mean("quoted")
    return Prior(digits / (digits + quoted), mean("right_digits"), mean("right_quoted"))


def _changes(
    prior: Prior, clip: tuple[float, float] | None, step: float, n_runs: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Changes of the style's log odds and of accuracy over three rollouts of eight updates, run by run."""
    family = StrategyFamily(
        shares=[prior.share, 1 - prior.share], accuracies=[prior.digits, prior.quoted], n_prompts=64
    )
    config = GRPOConfig(
        n_steps=3, batch_size=64, group_size=64, inner_updates=8, optimizer="adam", clip=clip,
        learning_rate=step, kl_coefficient=0.0,
    )  # fmt: skip
    runs = simulate(family, config, arms=("frozen", "random"), n_seeds=n_runs, seed=0)
    odds = runs.logits[-1, 0, :, 0] @ [1, -1]
    return odds - np.log(prior.share / (1 - prior.share)), (runs.arm("random") - runs.arm("frozen")).ravel()


def predicted_drifts(
    priors: Mapping[str, Prior], *, step: float, n_runs: int = 2000
) -> dict[tuple[str, str], Prediction]:
    """Predicted effect of coin flips on two strategies with the measured shares, for the runs' updates.

    Parameters
    ----------
    priors : mapping of str to Prior
        By family.
    step : float
        Learning rate of the tabular simulator under Adam.
    n_runs : int
        Simulated runs per cell.

    Returns
    -------
    dict of (family, design) to Prediction
    """
    found = {}
    for family, prior in priors.items():
        for design, clip in CLIPS.items():
            odds, accuracy = _changes(prior, clip, step, n_runs)
            found[family, design] = Prediction(float(odds.mean()), float(odds.std()), float(accuracy.mean()))
    return found


def trained_weights(n_layers: int, width: int, feed_forward: int, key_width: int) -> int:
    """Weights of a Llama model besides its embedding: attention, gated feed-forward layers and norms.

    Parameters
    ----------
    n_layers, width, feed_forward, key_width : int
        As in the configuration file that a model is published with: ``num_hidden_layers``, ``hidden_size``,
        ``intermediate_size``, and the width of all key heads together.
    """
    attention = 2 * width**2 + 2 * width * key_width
    return n_layers * (attention + 3 * width * feed_forward + 2 * width) + width


def draw_pairs(paths: pd.DataFrame, *, family: str, measure: str = "style_logit") -> Figure:
    """RANDOM's change of one measure along training in a family, a panel a design.

    Thin lines are runs, thick ones the mean over pairs.
    """
    changes = pair_changes(paths, measure)
    figure, panels = plt.subplots(1, len(CLIPS), figsize=(7.2, 2.7), sharex=True, sharey=True)
    for axes, design in zip(panels, CLIPS, strict=True):
        cell = changes[(changes["family"] == family) & (changes["design"] == design)]
        mean, walk = (cell.pivot(index="step", columns="pair", values=name) for name in ("mean", "walk"))
        for runs in (mean + walk, mean - walk):
            axes.plot(runs, color=ARM_COLOURS["random"], lw=0.6, alpha=0.6)
        axes.plot(mean.mean(axis=1), color="black", lw=2)
        axes.axhline(0, color="grey", lw=0.7)
        axes.set(xticks=mean.index, title=design)
    panels[0].set_ylabel("change of log odds")
    panels[1].set_xlabel("optimiser steps")
    return figure


def write_logs(items: pd.DataFrame, family: str, folder: Path, *, n_runs: int) -> list[tuple[str, Path]]:
    """Write logs of the first runs of each arm, one answer per question; return (arm, file) of each."""
    outcomes = language_model_outcomes(items, family=family)
    logs = []
    for (arm, run), rows in outcomes.groupby(["arm", "run"], sort=False):
        if run < n_runs:
            path = folder / f"{family}-{arm}-{run}.jsonl"
            lines = [
                {"item": f"question {question}", "correct": int(right)}
                for question, right in zip(rows["item"], rows["correct"], strict=True)
            ]
            path.write_text("\n".join(map(json.dumps, lines)) + "\n", encoding="utf-8")
            logs.append((arm, path))
    return logs
