"""What the accuracy of the network's runs changed by, taken apart.

With shares p_s and accuracies a_s of the strategies, accuracy is sum_s p_s a_s plus right answers without a
strategy. The change between two policies has three parts::

    reweighting  = sum_s (p_s' - p_s) (a_s + a_s') / 2
    within       = sum_s (a_s' - a_s) (p_s + p_s') / 2
    elsewhere    = right answers without a strategy, now minus then

The three parts add up exactly; the halves average over both orders of the two changes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from rlvr._checks import choice
from rlvr.experiments.network_runs import CONTROLS, network_accuracies

__all__ = ["READINGS", "SOURCES", "changes_by_reading", "changes_by_source", "terms_by_base"]

_KEYS = ("prior", "arm", "design", "rate", "seed")
_STRATEGIES = {"share_c": "from_c", "share_d": "from_d"}

READINGS = {"sampled": "right", "greedy": "greedy"}
"""Ways to read an answer, with the measure of `network_paths` for each."""

SOURCES = ("reweighting", "within", "elsewhere")
"""Sources of a change in accuracy: choice of strategy, skill within a strategy, answers without one."""


def changes_by_source(
    paths: pd.DataFrame,
    *,
    items: str = "trained",
    keys: Sequence[str] = _KEYS,
    strategies: Mapping[str, str] = _STRATEGIES,
) -> pd.DataFrame:
    """Change of every run since its own step 0, by source.

    Parameters
    ----------
    paths : DataFrame
        As :func:`rlvr.experiments.network_runs.network_paths` gives it; each run with its step 0.
    items : {"trained", "held_out"}
        On which items.
    keys : sequence of str
        Columns that identify runs.
    strategies : mapping of str to str
        Columns of each strategy's share, and of the probability of the strategy *and* a right answer, without
        the prefix of the items.

    Returns
    -------
    DataFrame
        `paths`' keys and ``step``, then ``change`` and the columns of ``SOURCES``, in units of accuracy.

    Examples
    --------
    >>> run = {"prior": "p", "arm": "random", "design": "d", "rate": "r", "seed": 0}
    >>> then = run | {"step": 0, "trained_right": 0.5, "trained_share_c": 0.5, "trained_share_d": 0.5,
    ...               "trained_from_c": 0.4, "trained_from_d": 0.1}
    >>> now = run | {"step": 8, "trained_right": 0.8, "trained_share_c": 1.0, "trained_share_d": 0.0,
    ...              "trained_from_c": 0.8, "trained_from_d": 0.0}
    >>> changes_by_source(pd.DataFrame([then, now])).loc[1, ["change", "reweighting", "within"]].tolist()
    [0.3, 0.3, 0.0]
    """
    both = _beside_start(paths, items, ["right", *strategies, *strategies.values()], keys)
    reweighting, within, elsewhere = (np.zeros(len(both)) for _ in range(3))
    for of_share, of_right in strategies.items():
        share, share_0 = both[of_share], both[f"{of_share}_0"]
        right, right_0 = both[of_right], both[f"{of_right}_0"]
        # A strategy that is never used has no accuracy; it keeps its former one.
        skill_0 = (right_0 / share_0).to_numpy()
        skill = np.where(share > 0, right / share.where(share > 0, 1.0), skill_0)
        reweighting += (share - share_0) * (skill + skill_0) / 2
        within += (skill - skill_0) * (share + share_0) / 2
        elsewhere -= right - right_0
    change = both["right"] - both["right_0"]
    columns = (change, reweighting, within, elsewhere + change)
    found = pd.DataFrame(dict(zip(("change", *SOURCES), columns, strict=True))).round(12)
    return pd.concat([both[[*keys, "step"]], found], axis=1)


def changes_by_reading(paths: pd.DataFrame, *, items: str = "trained") -> pd.DataFrame:
    """Change of every run since its own step 0, with sampled and with greedy answers.

    Sampled accuracy is the mean probability of a right answer. Greedy accuracy is the fraction of items whose
    most probable answer is right, so it changes only where another answer takes the lead.

    Parameters
    ----------
    paths : DataFrame
        As :func:`rlvr.experiments.network_runs.network_paths` gives it; each run with its step 0.
    items : {"trained", "held_out"}
        On which items.

    Returns
    -------
    DataFrame
        `paths`' keys and ``step``, then the columns of ``READINGS``, in units of accuracy.

    Examples
    --------
    >>> run = {"prior": "p", "arm": "random", "design": "d", "rate": "r", "seed": 0}
    >>> then = run | {"step": 0, "trained_right": 0.25, "trained_greedy": 0.0}
    >>> now = run | {"step": 8, "trained_right": 0.25, "trained_greedy": 0.5}
    >>> changes_by_reading(pd.DataFrame([then, now])).loc[1, ["sampled", "greedy"]].tolist()
    [0.0, 0.5]
    """
    both = _beside_start(paths, items, list(READINGS.values()))
    found = {reading: (both[name] - both[f"{name}_0"]).round(12) for reading, name in READINGS.items()}
    return pd.concat([both[[*_KEYS, "step"]], pd.DataFrame(found)], axis=1)


def _beside_start(
    paths: pd.DataFrame, items: str, names: list[str], keys: Sequence[str] = _KEYS
) -> pd.DataFrame:
    """Measures of every row, and those at its run's step 0, with names that end in ``_0``."""
    choice("items", items, ("trained", "held_out"))
    table = paths[[*keys, "step", *(f"{items}_{name}" for name in names)]].copy()
    table.columns = pd.Index([*keys, "step", *names])
    start = table[table["step"] == 0].drop(columns="step")
    return table.merge(start, on=list(keys), suffixes=("", "_0"), validate="many_to_one", how="left")


def terms_by_base(
    paths: pd.DataFrame, *, prior: str, design: str, rate: str = "low", measure: str = "right"
) -> dict[str, dict[str, NDArray[np.float64]]]:
    """Split of every seed, with elicitation counted from RANDOM and from each control.

    Parameters
    ----------
    paths : DataFrame
        Both tables of :func:`rlvr.experiments.network_runs.network_paths`, concatenated.
    prior, design, rate, measure : str
        As in :func:`rlvr.experiments.network_runs.network_accuracies`.

    Returns
    -------
    dict of str to dict of str to ndarray (seed,)
        By base: "null" (base minus FROZEN), "elicitation" (MAJORITY minus base), "reward_design" (TRUE minus
        MAJORITY) and "away" (base minus RANDOM), in points.
    """
    arms = network_accuracies(paths, prior=prior, design=design, rate=rate, measure=measure)
    return {
        base: {
            "null": 100 * (arms[base] - arms["frozen"]),
            "elicitation": 100 * (arms["majority"] - arms[base]),
            "reward_design": 100 * (arms["true"] - arms["majority"]),
            "away": 100 * (arms[base] - arms["random"]),
        }
        for base in ("random", *CONTROLS)
    }
