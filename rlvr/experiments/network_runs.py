"""Stored runs of `make network`: paths along training, items at the end, and the record of the runs.

The runs cannot be trained again here, so a check verifies that the files belong together.
"""

from __future__ import annotations

import json
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from rlvr import _data
from rlvr._checks import choice, shown
from rlvr._data import stored_bytes, stored_table
from rlvr.arms import ARMS
from rlvr.experiments.stored import StoredExperiment
from rlvr.experiments.trained_elsewhere import digests_hold, item_outcomes

__all__ = [
    "CONTROLS",
    "NETWORK",
    "NETWORK_CONTROLS",
    "network_accuracies",
    "network_items",
    "network_outcomes",
    "network_paths",
    "network_record",
]

CONTROLS = ("matched", "permuted")
"""MATCHED gives MAJORITY's rewards, permuted within the group; PERMUTED rewards the vote of another prompt.
"""

ITEM_SETS = ("trained", "held_out")
_RUN = ["prior", "arm", "design", "rate", "seed"]


def _name(part: str, controls: bool) -> str:
    return f"network{'_controls' if controls else ''}{part}"


def network_record(*, controls: bool = False) -> dict[str, Any]:
    """Record of the runs: the design, the trainer's settings, versions and digests.

    Keys are "runs" and "planned" (counts), "common", "rates", "designs", "trainer", "epsilon", "versions" and
    "sha256 of the text".

    Parameters
    ----------
    controls : bool
        Read the runs of MATCHED and PERMUTED instead, which have their own files.
    """
    return json.loads(stored_bytes(_data.DATA / _name(".json", controls)))


def network_paths(*, controls: bool = False) -> pd.DataFrame:
    """Exact measurements along every run.

    Parameters
    ----------
    controls : bool
        As in :func:`network_record`.

    Returns
    -------
    DataFrame
        One row per run and measured step: ``prior``, ``arm``, ``design``, ``rate``, ``seed``, ``step`` (in
        optimiser steps); then, for trained and for held-out items (prefixes ``trained_``, ``held_out_``),
        the means over items of ``right`` (accuracy), ``share_c`` and ``share_d`` (of the strategies),
        ``from_c`` and ``from_d`` (probability of the strategy *and* a right answer), ``entropy`` and
        ``entropy_strategy`` (nats), ``greedy``; last ``clipped`` (fraction of tokens whose gradient the clip
        removed) and ``gradient_norm``, means over the steps since the previous row.
    """
    return stored_table(_name("_paths.csv.gz", controls))


def network_items(*, controls: bool = False) -> pd.DataFrame:
    """Measurements of every item at the end of every run.

    Parameters
    ----------
    controls : bool
        As in :func:`network_record`.

    Returns
    -------
    DataFrame
        Columns ``prior``, ``arm``, ``design``, ``rate``, ``seed``, ``item`` (10 a + b), ``right`` (the
        exact probability of a right answer at temperature 1) and ``greedy`` (0 or 1).
    """
    return stored_table(_name("_items.csv.gz", controls))


def _verified(*, controls: bool = False) -> dict[str, bool]:
    """Whether the record, the paths and the items come from one training of the network."""
    record = network_record(controls=controls)
    paths, items = network_paths(controls=controls), network_items(controls=controls)
    found = digests_hold(record)
    ends = paths.loc[paths.groupby(_RUN)["step"].idxmax()].set_index(_RUN)
    accuracy = items.groupby(_RUN)["right"].mean()
    found["paths and items hold the runs that the record counts"] = (
        set(ends.index) == set(accuracy.index) and len(ends) == record["runs"]
    )
    of_all_items = 0.64 * ends["trained_right"] + 0.36 * ends["held_out_right"]
    found["the items of each run have the accuracy at the end of its path"] = bool(
        ((of_all_items - accuracy).abs() < 1e-4).all()
    )
    return found | (_made_alike(record, paths) if controls else {})


def _made_alike(record: dict[str, Any], paths: pd.DataFrame) -> dict[str, bool]:
    """Whether the controls can be paired with the four arms."""
    network, measures = ["prior", "seed"], [name for name in paths if name.startswith(ITEM_SETS)]
    untrained = network_paths().query("arm == 'frozen'").set_index(network)[measures]
    starts = paths[paths["step"] == 0].set_index(network)[measures]
    return {
        "each control starts from the network that FROZEN of its seed is": bool(
            starts.eq(untrained.reindex(starts.index)).all(axis=None)
        ),
        "the trainer of the controls was set as that of the four arms": all(
            record[part] == network_record()[part] for part in ("common", "trainer")
        ),
    }


NETWORK = StoredExperiment(
    files=("network_paths.csv.gz", "network_items.csv.gz", "network.json"),
    digits="verified against each other",
    verify=_verified,
    made_by="make network",
)
"""Trained by TRL in a separate environment, which `make network` builds."""

NETWORK_CONTROLS = StoredExperiment(
    files=("network_controls_paths.csv.gz", "network_controls_items.csv.gz", "network_controls.json"),
    digits="verified against each other and against the four arms",
    verify=partial(_verified, controls=True),
    made_by="make network",
)
"""MATCHED and PERMUTED, trained in the same way from the same networks."""


def network_accuracies(
    paths: pd.DataFrame,
    *,
    prior: str,
    design: str,
    rate: str = "low",
    items: str = "trained",
    step: int | None = None,
    measure: str = "right",
) -> dict[str, NDArray[np.float64]]:
    """Accuracy of each arm, run by run, in the form that :func:`rlvr.decompose` takes.

    Parameters
    ----------
    paths : DataFrame
        As :func:`network_paths` gives it; with both of its tables concatenated, the controls are included.
    prior, design, rate : str
        The cell; FROZEN, one run per prior and seed, belongs to every cell of its prior.
    items : {"trained", "held_out"}
    step : int, optional
        Number of optimiser steps; the last by default.
    measure : str
        Any mean over items of :func:`network_paths`, without its prefix.

    Returns
    -------
    dict of str to ndarray (seed,)
        Arms of this cell, on the seeds that all of them have, in ascending order.
    """
    choice("items", items, ITEM_SETS)
    cell = paths[(paths["prior"] == prior) & (paths["design"] == design) & (paths["rate"] == rate)]
    if cell.empty:
        cells = sorted({*paths[["prior", "design", "rate"]].itertuples(index=False, name=None)})
        raise ValueError(f"no runs of {shown((prior, design, rate))}; there are {shown(cells)}")
    at = cell["step"].max() if step is None else step
    if at not in set(cell["step"]):
        raise ValueError(f"step must be one of {shown(sorted(set(cell['step'])))}, got {shown(step)}")
    frozen = paths[(paths["prior"] == prior) & (paths["arm"] == "frozen")]
    rows = pd.concat([frozen, cell[cell["step"] == at]])
    table = rows.pivot(index="seed", columns="arm", values=f"{items}_{measure}").sort_index()
    table = table.dropna()
    if table.empty:
        raise ValueError(f"no seed has all arms of {shown((prior, design, rate))}")
    return {arm: table[arm].to_numpy() for arm in (*ARMS, *CONTROLS) if arm in table}


def network_outcomes(
    items: pd.DataFrame,
    *,
    prior: str,
    design: str,
    rate: str = "low",
    correct: str = "sampled",
    seed: int = 0,
) -> pd.DataFrame:
    """One row per arm, run and item, in the outcomes format of `rlvr audit`.

    Parameters
    ----------
    items : DataFrame
        As :func:`network_items` gives it, or part of it.
    prior, design, rate : str
        The cell; FROZEN belongs to every cell of its prior.
    correct : {"sampled", "right", "greedy"}
        The outcome: one answer per item, drawn with its exact probability of being right, as in a benchmark;
        that probability itself, the mean of infinitely many answers; or the most probable answer.
    seed : int, at least 0
        Seed of the draws of "sampled".

    Returns
    -------
    DataFrame
        Columns ``study``, ``model`` (the prior), ``benchmark``, ``arm``, ``run``, ``item``, ``correct``.
    """
    cell = (items["prior"] == prior) & (
        (items["arm"] == "frozen") | ((items["design"] == design) & (items["rate"] == rate))
    )
    if not cell.any():
        raise ValueError(f"no items of {shown((prior, design, rate))}")
    return item_outcomes(items, cell, study="network", model=prior, run="seed", correct=correct, seed=seed)
