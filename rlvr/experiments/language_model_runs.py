"""Stored runs of `make language-model`: six arms on a pretrained language model, registered and pilot.

The runs cannot be trained again here, so a check verifies that the files belong together. The registered
accuracies of the third and the fourth protocol are part of the paths, pair by pair.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from rlvr import _data
from rlvr._checks import choice, shown
from rlvr._data import stored_bytes, stored_table
from rlvr.arms import ARMS
from rlvr.experiments.stored import StoredExperiment
from rlvr.experiments.trained_elsewhere import digests_hold, item_outcomes

__all__ = [
    "LANGUAGE_MODEL", "LANGUAGE_MODEL_FLOAT64", "LANGUAGE_MODEL_PILOT", "LANGUAGE_MODEL_REPEAT", "MEASURES",
    "RUN_SETS", "accuracy_table", "arm_table", "language_model_items", "language_model_outcomes",
    "language_model_paths", "language_model_record", "pair_changes",
]  # fmt: skip

RUN_SETS = {
    "registered": "language_model",
    "repeat": "language_model_repeat",
    "float64": "language_model_float64",
    "pilot": "language_model_pilot",
}
"""Sets of runs, and the stem of each set's files."""

MEASURES = ("right", "style_logit", "greedy")
"""The registered measures, means over trained questions."""

_RUN = ["family", "arm", "design", "pair", "turned"]
_COLUMNS = ["frozen", "random", "turned", "majority", "true", "matched", "permuted"]


def _stem(runs: str) -> str:
    choice("runs", runs, tuple(RUN_SETS))
    return RUN_SETS[runs]


def language_model_record(runs: str = "registered") -> dict[str, Any]:
    """Record of the runs: the model, settings, versions and digests.

    Parameters
    ----------
    runs : {"registered", "repeat", "float64", "pilot"}
        The runs of the third protocol; those of the fourth, which repeat its decisive cells on new pairs; the
        first pairs of the fourth again in float64; or the pilot runs on other families that the settings
        were chosen by.

    Returns
    -------
    dict
        Keys "command", "runs" and "planned" (counts), "model", "common", "designs", "versions",
        "sha256 of the text"; of runs under a protocol also "protocol", the digest of its file.
    """
    return json.loads(stored_bytes(_data.DATA / f"{_stem(runs)}.json"))


def language_model_paths(runs: str = "registered") -> pd.DataFrame:
    """Exact measurements along every run.

    Returns
    -------
    DataFrame
        One row per run and measured step: ``family``, ``arm``, ``design``, ``pair``, ``turned`` (whether
        every coin was reversed), ``step`` (in optimiser steps); then, for trained and for held-out questions
        (prefixes ``trained_``, ``held_out_``), means of ``right`` (accuracy), ``digits`` and ``quoted``
        (shares of the styles), ``right_digits`` and ``right_quoted`` (accuracy given the style),
        ``from_digits`` and ``from_quoted`` (probability of the style *and* a right answer), ``valid``,
        ``style_logit`` (log odds of digits against quoted), ``entropy`` and ``entropy_style`` (nats),
        ``greedy``, ``plurality`` and ``divergence`` (from the start, nats); last ``loss``, ``reward``,
        ``clipped_low``, ``clipped_high`` (fractions of tokens) and ``gradient_norm``, means over the steps
        since the previous row.
    """
    return stored_table(f"{_stem(runs)}_paths.csv.gz")


def language_model_items(runs: str = "registered") -> pd.DataFrame:
    """Measurements of every question at the end of every run.

    Returns
    -------
    DataFrame
        Columns ``family``, ``arm``, ``design``, ``pair``, ``turned``, ``item`` (the question's index in the
        family), ``right`` (the exact probability of a right answer at temperature 1), ``greedy`` (0 or 1),
        ``style_logit``.
    """
    return stored_table(f"{_stem(runs)}_items.csv.gz")


def pair_changes(paths: pd.DataFrame, measure: str, *, items: str = "trained") -> pd.DataFrame:
    """RANDOM's changes from its start along training, pair by pair.

    Parameters
    ----------
    paths : DataFrame
        As :func:`language_model_paths` gives it.
    measure : str
        Any mean over questions, without its prefix.
    items : {"trained", "held_out"}

    Returns
    -------
    DataFrame
        One row per pair and measured step: ``family``, ``design``, ``pair``, ``step``; ``mean``, the mean of
        the pair's two runs, in which the random walk cancels to first order; ``walk``, half their difference.
    """
    rows = paths[paths["arm"] == "random"].copy()
    key = ["family", "design", "pair"]
    value = f"{items}_{measure}"
    start = rows[rows["step"] == 0].set_index([*key, "turned"])[value]
    rows["change"] = rows[value] - start.loc[list(rows[[*key, "turned"]].itertuples(index=False))].to_numpy()
    halves = rows.pivot(index=[*key, "step"], columns="turned", values="change").dropna()
    coins, turned = halves[False], halves[True]
    return pd.DataFrame({"mean": (coins + turned) / 2, "walk": (coins - turned) / 2}).reset_index()


def arm_table(
    paths: pd.DataFrame, measure: str, *, items: str = "trained", step: int | None = None
) -> pd.DataFrame:
    """One measure of every arm, pair by pair.

    Parameters
    ----------
    paths : DataFrame
        As :func:`language_model_paths` gives it.
    measure : str
        Any mean over questions, without its prefix.
    items : {"trained", "held_out"}
    step : int, optional
        Number of optimiser steps; the last by default.

    Returns
    -------
    DataFrame
        Indexed by ``family``, ``design``, ``pair``; columns ``frozen`` (the start of the pair's runs),
        ``random`` and ``turned`` (the pair's two runs), ``majority``, ``true``, ``matched``, ``permuted``;
        NaN where an arm was not run.
    """
    choice("items", items, ("trained", "held_out"))
    value, key = f"{items}_{measure}", ["family", "design", "pair"]
    trained = paths[paths["arm"] != "frozen"]
    at = trained["step"].max() if step is None else step
    ends = trained[trained["step"] == at]
    ends = ends.assign(column=np.where(ends["turned"], "turned", ends["arm"]))
    table = ends.pivot(index=key, columns="column", values=value)
    start = trained[(trained["step"] == 0) & (trained["arm"] == "random") & ~trained["turned"]]
    table["frozen"] = start.set_index(key)[value]
    return table.reindex(columns=_COLUMNS).rename_axis(columns=None)


def accuracy_table(paths: pd.DataFrame) -> pd.DataFrame:
    """Measures of the third and fourth protocol, in the form of their confirmatory results.

    Returns
    -------
    DataFrame
        One row per cell, pair and measure of :data:`MEASURES`, on trained questions after the last step:
        ``cell``, ``task`` (the pair), ``measure``, then the columns of :func:`arm_table`.
    """
    tables = [arm_table(paths, measure).assign(measure=measure).reset_index() for measure in MEASURES]
    rows = pd.concat(tables, ignore_index=True)
    rows["cell"] = rows["family"] + " " + rows["design"]
    rows = rows.rename(columns={"pair": "task"})[["cell", "task", "measure", *_COLUMNS]]
    return rows.sort_values(["cell", "task", "measure"], kind="stable", ignore_index=True)


def language_model_outcomes(
    items: pd.DataFrame, *, family: str, correct: str = "sampled", seed: int = 0
) -> pd.DataFrame:
    """One row per arm, run and question of a clipped cell, in the outcomes format of `rlvr audit`.

    Parameters
    ----------
    items : DataFrame
        As :func:`language_model_items` gives it, or part of it.
    family : str
    correct : {"sampled", "right", "greedy"}
        The outcome: one answer per question, drawn with its exact probability of being right, as in a
        benchmark; that probability itself; or the most probable answer.
    seed : int, at least 0
        Seed of the draws of "sampled".

    Returns
    -------
    DataFrame
        Columns ``study``, ``model``, ``benchmark``, ``arm``, ``run`` (the pair; for RANDOM the first run of
        each), ``item``, ``correct``.
    """
    cell = (
        (items["family"] == family)
        & (items["design"] == "clipped")
        & items["arm"].isin(ARMS)
        & ~items["turned"]
    )
    if not cell.any():
        raise ValueError(f"no items of family {shown(family)}")
    return item_outcomes(
        items, cell, study="language model", model=family, run="pair", correct=correct, seed=seed
    )


def _verified(runs: str) -> dict[str, bool]:
    """Whether the record, the paths and the items come from one set of runs."""
    record, paths, items = language_model_record(runs), language_model_paths(runs), language_model_items(runs)
    found = digests_hold(record)
    first, ends = (paths.loc[getattr(paths.groupby(_RUN)["step"], at)()] for at in ("idxmin", "idxmax"))
    held = set(ends.set_index(_RUN).index)
    found["paths and items hold the runs that the record counts, all that were planned"] = (
        held == set(items.groupby(_RUN).size().index) and len(held) == record["runs"] == record["planned"]
    )
    by_split = first.filter(regex="_right$|_style_logit$").assign(
        family=first["family"], pair=first["pair"] if "protocol" in record else 0
    )
    found["every run of a family and split starts from the same model, to the last digit"] = bool(
        (by_split.groupby(["family", "pair"]).nunique() == 1).all(axis=None)
    )
    return found


def _registered(runs: str, number: str) -> dict[str, bool]:
    from rlvr.experiments.sealed_protocol import load_protocol, load_results

    folder = _data.DATA
    protocol = load_protocol(folder / f"protocol-{number}.yml")
    results = load_results(folder / f"confirmatory-{number}")
    digests = {protocol.digest, results.digest, language_model_record(runs)["protocol"]}
    return _verified(runs) | {
        "the runs, their results and the protocol carry one digest": len(digests) == 1,
        "the registered accuracies are those at the ends of the paths": accuracy_table(
            language_model_paths(runs)
        ).equals(results.accuracy),
    }


def _files(stem: str) -> tuple[str, ...]:
    return f"{stem}_paths.csv.gz", f"{stem}_items.csv.gz", f"{stem}.json"


LANGUAGE_MODEL = StoredExperiment(
    files=(*_files(RUN_SETS["registered"]), "confirmatory-3_accuracy.csv", "confirmatory-3_gate.csv"),
    digits="verified against each other",
    verify=lambda: _registered("registered", "3"),
    made_by="make language-model",
)
"""Trained in a separate environment, which `make language-model` builds."""

LANGUAGE_MODEL_REPEAT = replace(
    LANGUAGE_MODEL,
    files=(*_files(RUN_SETS["repeat"]), "confirmatory-4_accuracy.csv", "confirmatory-4_gate.csv"),
    verify=lambda: _registered("repeat", "4"),
    made_by="make language-model PROTOCOL=4",
)

LANGUAGE_MODEL_FLOAT64 = replace(
    LANGUAGE_MODEL,
    files=_files(RUN_SETS["float64"]),
    verify=lambda: _verified("float64"),
    made_by="make language-model FLOAT64=1",
)
"""The first pairs of the fourth protocol in float64, which any processor repeats."""

LANGUAGE_MODEL_PILOT = replace(
    LANGUAGE_MODEL,
    files=_files(RUN_SETS["pilot"]),
    verify=lambda: _verified("pilot"),
    made_by="make language-model PILOT=1",
)
