"""Which columns a table may have, which values fit each, and signs that an accuracy is in another unit."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np
import pandas as pd

from rlvr.arms import ARMS
from rlvr.logs.decoding import DECODINGS

__all__ = [
    "ARMS_NEED",
    "CHECKS",
    "COMPARABLE",
    "KNOWN",
    "MEASURES",
    "OF_ARMS",
    "OF_OUTCOMES",
    "OPTIONAL",
    "OUTCOMES_NEED",
    "fraction_among_percentages",
    "near_whole",
]

ARMS_NEED = ("study", "model", "benchmark", "arm", "n_items")
"""Columns of the arms format, beside ``accuracy`` or ``accuracy_percent``."""

OUTCOMES_NEED = ("study", "model", "benchmark", "arm", "run", "item", "correct")
"""Columns of the outcomes format."""

OPTIONAL = (
    "setup",
    "role",
    "samples_per_item",
    "n_runs",
    "run_sd",
    "run_sd_runs",
    "n_evaluations",
    "comparable",
    "flag",
    "arm_label",
    "metric",
    "how_read",
    "source",
    "note",
    "decoding",
)
"""Columns of the arms format that may be left out; ``rlvr/data/README.md`` says what each means."""

OF_OUTCOMES = ("setup", "role", "samples_per_item", "comparable", "decoding")
"""Optional columns that change what is computed from outcomes; ``source`` is read too."""

OF_ARMS = (*OPTIONAL[:8], "decoding")
"""Those that change what is computed, of which none may be passed over misspelt."""

COMPARABLE = ("no", "near", "strict")
"""How an arm's setup compares with its cell's, from worst to best."""

MEASURES = ("accuracy", "accuracy_percent")
KNOWN = {*ARMS_NEED, *OUTCOMES_NEED, *OPTIONAL, *MEASURES}


class _Check(NamedTuple):
    """Which of a column's distinct values fit, and what is accepted."""

    fits: Callable[[pd.Series], pd.Series]
    error: str
    choices: tuple[str, ...] = ()


def _number(accepted: str, low: float, high: float, *, whole: bool = False, blank: bool = True) -> _Check:
    def fits(values: pd.Series) -> pd.Series:
        numbers = pd.to_numeric(values, errors="coerce").astype(float)
        inside = numbers.between(low, high) & ((numbers % 1 == 0) | (not whole))
        return inside | ((values == "") & blank)

    return _Check(fits, accepted + (", or empty" if blank else ""))


def _one_of(*names: str, blank: bool = True) -> _Check:
    accepted = "one of " + ", ".join(names) + (", or empty" if blank else "")
    return _Check(lambda values: values.str.lower().isin(names) | ((values == "") & blank), accepted, names)


_NAMED = _Check(lambda values: values != "", "a name, not empty")
_COUNT = _number("a whole number from 1 to 1,000,000,000", 1, 1e9, whole=True)
CHECKS: Mapping[str, _Check] = {
    "study": _NAMED,
    "model": _NAMED,
    "benchmark": _NAMED,
    "run": _NAMED,
    "item": _NAMED,
    "arm": _one_of(*ARMS, blank=False),
    "role": _one_of("arm", "alternative"),
    "comparable": _one_of(*COMPARABLE[::-1]),
    "decoding": _one_of(*DECODINGS),
    "accuracy": _number("a fraction from 0 to 1 (percentages go in accuracy_percent)", 0, 1, blank=False),
    "accuracy_percent": _number("a percentage from 0 to 100, without a % sign", 0, 100, blank=False),
    "n_items": _COUNT,
    "samples_per_item": _COUNT,
    "n_runs": _COUNT,
    "n_evaluations": _COUNT,
    "run_sd_runs": _number("a whole number from 2 to 1,000,000,000", 2, 1e9, whole=True),
    "run_sd": _number("a standard deviation of at least 0, in the unit of the accuracy", 0, 100),
    "correct": _Check(
        lambda values: (
            pd.to_numeric(values, errors="coerce").astype(float).between(0, 1)
            | values.str.lower().isin(("true", "false"))
        ),
        "0 or 1 (or true, false, or the fraction of the item's samples that were right)",
    ),
}


def near_whole(printed: str, unit: float, graded: int) -> bool:
    """Whether the printed accuracy, to its last digit, can be a whole number of graded answers."""
    digits = printed.lower().partition("e")[0].partition(".")[2]
    half_digit = 0.5 * 10.0 ** -len(digits) / unit
    answers = float(printed) / unit * graded
    return abs(answers - round(answers)) <= half_digit * graded + 1e-9


def fraction_among_percentages(value: float, cell: list[float]) -> bool:
    """Whether a value of at most 1 lies nearer to the rest of its cell when read as a fraction."""
    others = [other for other in cell if other > 1]
    if not 0 < value <= 1 or not others:
        return False
    middle = float(np.median(others))
    return abs(100 * value - middle) < middle - value
