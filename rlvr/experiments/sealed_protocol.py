"""The registered protocols: read one, derive the seed from its bytes, run it, keep the results.

`data/protocol.yml` and `data/protocol-2.yml` were each committed before their confirmatory run. The seed of
that run is the SHA-256 of the file's bytes read as an integer, so whoever edits a protocol changes its data:
nobody can look at results and adjust the promise to them. The unit of replication is the task draw; for the
gates, the study.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import yaml

from rlvr._checks import choice, shortened, shown
from rlvr._data import DATA
from rlvr._writing import replacing
from rlvr.arms import ARMS
from rlvr.experiments.gates import RULES, pool_block, studies_of
from rlvr.simulator.grpo_config import GRPOConfig
from rlvr.simulator.strategy_family import StrategyFamily
from rlvr.simulator.task_family import TaskFamily
from rlvr.simulator.trainer import simulate

__all__ = [
    "PROTOCOL",
    "REGISTERED",
    "RESULTS",
    "Protocol",
    "Results",
    "load_protocol",
    "load_results",
    "run_cell",
    "run_gate",
    "run_protocol",
    "store_results",
]

PROTOCOL = DATA / "protocol.yml"
"""The registered file. Its bytes are the registration."""

RESULTS = DATA / "confirmatory"
"""Stem of the stored confirmatory results ``<stem>_accuracy.csv`` and ``<stem>_gate.csv``."""

REGISTERED = {
    "1": (PROTOCOL, RESULTS),  # the terms along the prior, the factorial, the gates
    "2": (DATA / "protocol-2.yml", DATA / "confirmatory-2"),  # coin flips on a shared policy
}
"""Every registration by its number, as (its file, the stem of its stored results)."""

_DIGEST = "# protocol sha256 "

_COLUMNS = {"accuracy": ("cell", "task", *ARMS), "gate": ("condition", "rule", "block", "points", "studies")}


@dataclass(frozen=True)
class Protocol:
    """A protocol and the digest of its bytes.

    Attributes
    ----------
    content : dict
        The parsed file.
    digest : str
        SHA-256 of its bytes, in hexadecimal.
    seed : int
        Root of all randomness: the digest read as an integer.
    """

    content: dict[str, Any] = field(repr=False)
    digest: str
    seed: int = field(repr=False)

    @property
    def cells(self) -> dict[str, dict[str, Any]]:
        """Registered training conditions by name, each as what differs from the settings."""
        return dict(self.content["cells"])

    @property
    def hypotheses(self) -> dict[str, dict[str, Any]]:
        return dict(self.content["hypotheses"])

    def exploratory(self, *, seed: int, n_tasks: int, n_studies: int) -> Protocol:
        """The same cells from another seed and smaller samples: for planning, never for a verdict."""
        content = deepcopy(self.content)
        content["sample"]["n_tasks"] = n_tasks
        if "gate" in content:
            content["gate"].update(n_blocks=1, studies_per_block=n_studies)
        return Protocol(content, f"exploratory, seed {seed}", seed)

    def setting(self, cell: str) -> tuple[TaskFamily | StrategyFamily, GRPOConfig]:
        """The family and the training of one cell."""
        choice("cell", cell, tuple(self.cells))
        return _setting(self.content["settings"], self.cells[cell])


@dataclass(frozen=True)
class Results:
    """What a confirmatory run leaves behind.

    Attributes
    ----------
    digest : str
        Of the protocol that made it.
    accuracy : DataFrame
        One row a cell and task draw: columns cell, task, and each arm's mean accuracy over seeds; empty for
        arms that the cell leaves out.
    gate : DataFrame
        One row a condition, rule and block: columns condition, rule, block, points, studies. No row where
        no gate was registered.
    """

    digest: str
    accuracy: pd.DataFrame = field(repr=False)
    gate: pd.DataFrame = field(repr=False)

    def arm(self, cell: str, arm: str) -> np.ndarray:
        """Accuracies of one arm in one cell, ndarray (task, 1): the mean over seeds of each task draw."""
        rows = self.accuracy[self.accuracy["cell"] == cell]
        if rows.empty:
            raise ValueError(f"cell must be one of {sorted(set(self.accuracy['cell']))}, got {shown(cell)}")
        return rows[[arm]].to_numpy()

    def gate_counts(self, condition: str, rule: str) -> tuple[int, int]:
        """Studies in which the gate quotes a value ("points"), and all studies."""
        rows = self.gate[(self.gate["condition"] == condition) & (self.gate["rule"] == rule)]
        return int(rows["points"].sum()), int(rows["studies"].sum())

    def same_as(self, other: Results) -> bool:
        """Whether both hold the same bits."""
        return (
            self.digest == other.digest
            and self.accuracy.equals(other.accuracy)
            and self.gate.equals(other.gate)
        )


def load_protocol(path: str | Path = PROTOCOL) -> Protocol:
    """Read a protocol file and take its digest.

    Examples
    --------
    >>> protocol = load_protocol()
    >>> protocol.seed == int(protocol.digest, 16)
    True

    Raises
    ------
    ValueError
        If the file is no YAML, or lacks a part that a protocol must state.
    """
    data, asked = Path(path).read_bytes(), shortened(str(path))
    try:
        content = yaml.safe_load(data)
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        mark = getattr(error, "problem_mark", None)
        where = f", line {mark.line + 1}" if mark else ""
        raise ValueError(f"{asked}{where}: cannot be read as YAML, which is what is accepted") from None
    needed = ("settings", "sample", "cells", "hypotheses")
    stated = content if isinstance(content, Mapping) else {}
    missing = [key for key in needed if not isinstance(stated.get(key), Mapping)]
    if missing:
        raise ValueError(
            f"{asked}: a protocol must state {', '.join(needed)}, each as names and values; "
            f"this one lacks {', '.join(missing)}"
        )
    for name in content["sample"]:
        choice("a size in sample", name, ("n_tasks", "n_seeds"))
    digest = hashlib.sha256(data).hexdigest()
    return Protocol(dict(content), digest, int(digest, 16))


def run_cell(protocol: Protocol, cell: str) -> pd.DataFrame:
    """Run one registered cell: a row a task draw, as in ``Results.accuracy``."""
    family, config = protocol.setting(cell)
    arms = protocol.cells[cell].get("arms", ARMS)
    runs = simulate(family, config, arms=arms, seed=protocol.seed, **protocol.content["sample"])
    means = {arm: runs.arm(arm).mean(axis=1) if arm in arms else np.nan for arm in ARMS}
    return pd.DataFrame({"cell": cell, "task": np.arange(runs.n_tasks), **means})


def run_gate(protocol: Protocol, condition: str, rule: str) -> pd.DataFrame:
    """Run one registered gate condition under one rule: a row a block, as in ``Results.gate``."""
    gate = protocol.content["gate"]
    choice("condition", condition, tuple(gate["conditions"]))
    choice("rule", rule, RULES)
    family, config = _setting(protocol.content["settings"], gate["conditions"][condition])
    assert isinstance(family, TaskFamily)  # gates are defined on its tasks
    n_runs, per_block = gate["n_runs"], gate["studies_per_block"]
    shape = (per_block * n_runs, 1) if rule == "task-draw" else (per_block, n_runs)
    rows = []
    for block in range(gate["n_blocks"]):
        pool = pool_block(
            family.prior_strength,
            block,
            n_tasks=shape[0],
            n_seeds=shape[1],
            seed=protocol.seed,
            format_strength=family.format_strength,
            config=config,
        )
        points = studies_of(pool, rule, n_runs).points
        rows.append((condition, rule, block, int(points.sum()), points.size))
    return pd.DataFrame(rows, columns=list(_COLUMNS["gate"]))


def run_protocol(protocol: Protocol, *, progress: Callable[[str], None] = lambda _: None) -> Results:
    """Run everything that was registered.

    Parameters
    ----------
    protocol : Protocol
    progress : callable
        Told the name of each part before it runs.

    Returns
    -------
    Results
        The same bits on every call, whatever the number of threads.
    """
    cells, gates = [], []
    for cell in protocol.cells:
        progress(cell)
        cells.append(run_cell(protocol, cell))
    gate = protocol.content.get("gate", {"conditions": (), "rules": ()})
    for condition in gate["conditions"]:
        for rule in gate["rules"]:
            progress(f"gate {rule}, {condition}")
            gates.append(run_gate(protocol, condition, rule))
    counts = pd.concat(gates, ignore_index=True) if gates else pd.DataFrame(columns=_COLUMNS["gate"])
    return Results(protocol.digest, pd.concat(cells, ignore_index=True), counts)


def store_results(results: Results, stem: str | Path = RESULTS) -> None:
    """Write results as two text files whose first line is the protocol's digest; floats keep every bit."""
    with replacing(*(_path(stem, name) for name in _COLUMNS)) as files:
        for name, file in zip(_COLUMNS, files, strict=True):
            table = getattr(results, name).to_csv(index=False, lineterminator="\n")
            file.write_text(f"{_DIGEST}{results.digest}\n{table}", encoding="utf-8", newline="\n")


def load_results(stem: str | Path = RESULTS) -> Results:
    """Read stored results.

    Raises
    ------
    ValueError
        If a file does not start with a digest, the two disagree, or a file is no table of what a run gives.
    """
    tables, digests = {}, set()
    for name, columns in _COLUMNS.items():
        path = _path(stem, name)
        asked = shortened(path.name)
        with path.open(encoding="utf-8") as file:
            first = file.readline().rstrip("\n")
            if not first.startswith(_DIGEST):
                raise ValueError(f"{asked} must start with {_DIGEST!r} and a digest, got {shown(first)}")
            digests.add(first.removeprefix(_DIGEST))
            try:
                tables[name] = pd.read_csv(file)
            except ValueError as error:
                raise ValueError(f"{asked}: {str(error).strip()}; a table is accepted") from None
        lacking = [column for column in columns if column not in tables[name]]
        if lacking:
            raise ValueError(
                f"{asked} must have the columns {', '.join(columns)}; it lacks {', '.join(lacking)}"
            )
    if len(digests) > 1:
        both = ", ".join(map(shortened, sorted(digests)))
        raise ValueError(f"the stored results come from different protocols: {both}")
    return Results(digests.pop(), tables["accuracy"], tables["gate"])


def _path(stem: str | Path, name: str) -> Path:
    return Path(f"{stem}_{name}.csv")


def _setting(
    settings: Mapping[str, Any], changed: Mapping[str, Any]
) -> tuple[TaskFamily | StrategyFamily, GRPOConfig]:
    """Split what a cell changes between the family and the training; an unknown name is an error."""
    family, training = dict(settings["family"]), dict(settings["training"])
    for name, value in changed.items():
        if name == "arms":
            continue
        target = training if name in training else family
        target[name] = value
    policy = StrategyFamily if "shares" in family else TaskFamily
    for kind, given in ((policy, family), (GRPOConfig, training)):
        for name in given:
            choice(f"a setting of {kind.__name__}", name, [each.name for each in fields(kind)])
    return policy(**family), GRPOConfig(**training)
