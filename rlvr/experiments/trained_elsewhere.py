"""Common functions of the runs of `make network` and `make language-model`: digests, outcomes by item."""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from rlvr import _data
from rlvr._checks import choice
from rlvr._data import stored_bytes

__all__ = ["digests_hold", "item_outcomes"]


def digests_hold(record: Mapping[str, Any]) -> dict[str, bool]:
    """Whether each table's text has the SHA-256 that the record of its runs states."""
    return {
        f"{name} has the SHA-256 of the record": digest
        == hashlib.sha256(gzip.decompress(stored_bytes(_data.DATA / name))).hexdigest()
        for name, digest in record["sha256 of the text"].items()
    }


def item_outcomes(
    items: pd.DataFrame, cell: pd.Series, *, study: str, model: str, run: str, correct: str, seed: int
) -> pd.DataFrame:
    """Rows of one cell in the outcomes format of `rlvr audit`.

    Parameters
    ----------
    items : DataFrame
        One row per arm, run and item: ``arm``, ``item``, ``right``, ``greedy``, and the run.
    cell : Series of bool
        Rows of the cell.
    study, model : str
        Their names in the table.
    run : str
        Column with the number of the run.
    correct : {"sampled", "right", "greedy"}
    seed : int
        Seed of the draws of "sampled", which do not depend on the cell.
    """
    choice("correct", correct, ("sampled", "right", "greedy"))
    drawn = np.random.default_rng(seed).random(len(items)) < items["right"]
    kept = items[cell]
    return pd.DataFrame(
        {
            "study": study,
            "model": model,
            "benchmark": "sums",
            "arm": kept["arm"],
            "run": kept[run],
            "item": kept["item"],
            "correct": drawn[cell].astype(int) if correct == "sampled" else kept[correct],
        }
    ).reset_index(drop=True)
