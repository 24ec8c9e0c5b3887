"""The published numbers, each beside its replay.

Source of every published number: Gao, arXiv 2606.05932, and the result files of its code. The text of a
number carries its precision, so "equal" means equal to the last digit given.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import pandas as pd

from rlvr._data import stored_table
from rlvr.arms import ARMS
from rlvr.experiments.factorial_design import INTERACTIONS, MAIN, effects
from rlvr.experiments.published_designs import (
    CELLS,
    STRENGTHS,
    factorial_cells,
    gate,
    power_study,
    re_audit,
    resampled_interval,
    sweep_point,
)

__all__ = ["QUICK", "Comparison", "compare", "published_numbers", "replayed_sweep", "stored_replay"]

_Table = Mapping[str, float | str]

QUICK = ("sweep 0.20", "sweep 0.80")
"""The tables of the quick replay."""


def published_numbers() -> pd.DataFrame:
    """The published numbers as text: columns table, quantity, published."""
    return stored_table("published_study.csv", dtype=str)


@dataclass(frozen=True)
class Comparison:
    """One published number beside its replay."""

    table: str
    quantity: str
    published: str
    replayed: str

    @property
    def equal(self) -> bool:
        return self.published == self.replayed


def compare(*, quick: bool = False, heavy: bool = False, only: Collection[str] = ()) -> Iterator[Comparison]:
    """Replay every published number, yielding each comparison as its table is done.

    Parameters
    ----------
    quick : bool
        Only the light sweep at prior strengths 0.20 and 0.80.
    heavy : bool
        The heavy sweep and factorial too: about fifteen times the work.
    only : collection of str
        These tables alone, whatever `quick` says; the heavy ones need `heavy` besides.
    """
    published = published_numbers()
    for name, replay in _TABLES.items():
        wanted = only or (QUICK if quick else _TABLES)
        if name not in wanted or (name.startswith("heavy") and not heavy):
            continue
        replayed = replay()
        for row in published[published.table == name].itertuples():
            value = replayed[row.quantity]
            yield Comparison(name, row.quantity, row.published, _as_given(value, row.published))


def stored_replay() -> pd.DataFrame:
    """Every published number beside its stored replay: columns table, quantity, published, replayed.

    ``rlvr replay --heavy --store rlvr/data/replay.csv`` rewrites the file.
    """
    return stored_table("replay.csv", dtype=str)


def replayed_sweep() -> pd.DataFrame:
    """The light sweep's replayed accuracies: one row a prior strength, one column an arm."""
    table = stored_replay()
    table = table[table.table.str.startswith("sweep") & table.quantity.isin(ARMS)]
    table = table.assign(strength=table.table.str[-4:].astype(float), replayed=table.replayed.astype(float))
    return table.pivot(index="strength", columns="quantity", values="replayed")[list(ARMS)]


def _as_given(value: float | str, published: str) -> str:
    """Write a value with as many decimals as the published text has."""
    return value if isinstance(value, str) else f"{value:.{len(published.partition('.')[2])}f}"


def _sweep_table(strength: float, size: str) -> _Table:
    means = {arm: float(runs.mean()) for arm, runs in sweep_point(strength, size).items()}
    return means | {"rd_fraction": (means["true"] - means["majority"]) / (means["true"] - means["random"])}


def _factorial_table(size: str) -> _Table:
    means = factorial_cells(size).mean(axis=1)
    found = effects(means)
    ratio = max(abs(found[name]) for name in INTERACTIONS) / max(abs(found[name]) for name in MAIN)
    cells = {
        f"{arm} {'on' if filtering == 'drop' else 'off'} {strength:.2f}": float(mean)
        for (arm, filtering, strength), mean in zip(CELLS, means, strict=True)
    }
    return cells | found | {"interaction_ratio": ratio}


def _gate_table(condition: int) -> _Table:
    result = gate(condition)
    means = {arm: float(runs.mean()) for arm, runs in result.runs.items()}
    return {
        "majority - frozen": means["majority"] - means["frozen"],
        "majority - frozen low": result.over_frozen[0],
        "majority - frozen high": result.over_frozen[1],
        "true - majority": means["true"] - means["majority"],
        "verdict": result.verdict,
    }


def _re_audit_table(strength: float) -> _Table:
    runs = re_audit(strength)
    shares = {"elicitation_share": ("majority", "frozen"), "reward_design_share": ("true", "majority")}
    table: dict[str, float | str] = {"verdict": "MIXED"}
    for name, (arm, base) in shares.items():

        def share(mean: Mapping[str, Any], arm: str = arm, base: str = base) -> Any:
            return (mean[arm] - mean[base]) / (mean["true"] - mean["frozen"])

        value = share({arm: float(values.mean()) for arm, values in runs.items()})
        low, high = resampled_interval(runs, share, 42 + 42000)
        table |= {name: value, f"{name} low": low, f"{name} high": high}
        if value > 0.60:
            table["verdict"] = f"{name.removesuffix('_share').upper()}_DOMINATED"
    return table


def _power_table() -> _Table:
    runs = power_study()
    return {
        f"{n} seeds": float(runs["true"][:n].mean() - runs["majority"][:n].mean())
        for n in (4, 6, 8, 10, 12, 16)
    }


_TABLES: dict[str, Callable[[], _Table]] = {
    **{f"sweep {strength:.2f}": partial(_sweep_table, strength, "light") for strength in STRENGTHS},
    "factorial": partial(_factorial_table, "light"),
    "gate 1": partial(_gate_table, 1),
    "gate 2": partial(_gate_table, 2),
    "re-audit 0.80": partial(_re_audit_table, 0.80),
    "re-audit 0.35": partial(_re_audit_table, 0.35),
    "power": _power_table,
    **{f"heavy sweep {strength:.2f}": partial(_sweep_table, strength, "heavy") for strength in STRENGTHS},
    "heavy factorial": partial(_factorial_table, "heavy"),
}
