"""The registered protocols: read one, derive the seed from its bytes, run it, and keep the results.

`data/protocol.yml` and `data/protocol-2.yml` to `data/protocol-4.yml` were each committed before their
confirmatory run. The seed of that run is the SHA-256 of the file's bytes read as an integer. An edit of a
protocol therefore changes its data, so nobody can fit a protocol to results that they have seen. The unit of
replication is the task draw; for the gates, the study.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Mapping
from concurrent.futures import Executor
from copy import deepcopy
from dataclasses import dataclass, field, fields, replace
from functools import cache
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import yaml

from rlvr._checks import choice, shortened, shown
from rlvr._data import DATA, stored_bytes
from rlvr.arms import ARMS
from rlvr.experiments.gates import GATE_RULES, pool_block, studies_of
from rlvr.experiments.stored import CellKey, StoredExperiment
from rlvr.simulator.grpo_config import GRPOConfig
from rlvr.simulator.strategy_family import StrategyFamily
from rlvr.simulator.task_family import TaskFamily
from rlvr.simulator.trainer import simulate

__all__ = [
    "CONFIRMATORY_1", "CONFIRMATORY_2", "PROTOCOL", "REGISTERED", "RESULTS", "ConfirmatoryResults",
    "Protocol", "confirmatory_run", "load_protocol", "load_results", "run_cell", "run_gate",
    "run_protocol",
]  # fmt: skip

PROTOCOL = DATA / "protocol.yml"
"""The registered file. Its bytes are the registration."""

RESULTS = DATA / "confirmatory"
"""Stem of the stored confirmatory results ``<stem>_accuracy.csv`` and ``<stem>_gate.csv``."""

REGISTERED = {
    "1": (PROTOCOL, RESULTS),  # the terms along the prior, the factorial, the gates
    "2": (DATA / "protocol-2.yml", DATA / "confirmatory-2"),  # coin flips on a shared policy
    "3": (DATA / "protocol-3.yml", DATA / "confirmatory-3"),  # coin flips on a pretrained language model
    "4": (DATA / "protocol-4.yml", DATA / "confirmatory-4"),  # its decisive hypothesis on new pairs
}
"""Registrations by number, as (file, stem of the stored results)."""

_DIGEST = "# protocol sha256 "

_COLUMNS = {"accuracy": ("cell", "task", *ARMS), "gate": ("condition", "rule", "block", "points", "studies")}


@dataclass(frozen=True)
class Protocol:
    """A protocol, its parsed `content`, and the `digest` of its bytes, SHA-256 in hexadecimal.

    The root of all randomness, `seed`, is the digest read as an integer.
    """

    content: dict[str, Any] = field(repr=False)
    digest: str
    seed: int = field(repr=False)

    @property
    def cells(self) -> dict[str, dict[str, Any]]:
        """Registered training conditions by name, each as its differences from the settings."""
        return dict(self.content["cells"])

    @property
    def hypotheses(self) -> dict[str, dict[str, Any]]:
        return dict(self.content["hypotheses"])

    @property
    def is_simulated(self) -> bool:
        """Whether the simulator trains its cells, so that they can be run here."""
        return "family" in self.content["settings"]

    def exploratory(self, *, seed: int, n_tasks: int, n_studies: int) -> Protocol:
        """The same cells with another seed and smaller samples: for planning, never for a verdict."""
        content = deepcopy(self.content)
        content["sample"]["n_tasks"] = n_tasks
        if "gate" in content:
            content["gate"].update(n_blocks=1, studies_per_block=n_studies)
        return Protocol(content, f"exploratory, seed {seed}", seed)

    def setting(self, cell: str) -> tuple[TaskFamily | StrategyFamily, GRPOConfig]:
        """Family and configuration of one cell."""
        choice("cell", cell, tuple(self.cells))
        return _setting(self.content["settings"], self.cells[cell])


@dataclass(frozen=True)
class ConfirmatoryResults:
    """Results of a confirmatory run.

    Attributes
    ----------
    digest : str
        Digest of the protocol of the run.
    accuracy : DataFrame
        One row per cell and task draw: columns cell, task, and each arm's mean accuracy over seeds; empty for
        arms that the cell leaves out.
    gate : DataFrame
        One row per condition, rule and block: columns condition, rule, block, points, studies. No row where
        no gate was registered.
    """

    digest: str
    accuracy: pd.DataFrame = field(repr=False)
    gate: pd.DataFrame = field(repr=False)

    def arm(self, cell: str, arm: str, measure: str | None = None, half: str = "mean") -> np.ndarray:
        """Accuracies of one arm in one cell, ndarray (task, 1): the mean over seeds of each task draw.

        Results with several measures take `measure`, and give an ndarray (pair,). Where coins were reversed,
        RANDOM is the mean of a pair's two runs; with `half` "walk", half their difference; with "size", the
        magnitude of half their difference.
        """
        rows = self.accuracy[self.accuracy["cell"] == cell]
        if rows.empty:
            raise ValueError(f"cell must be one of {sorted(set(self.accuracy['cell']))}, got {shown(cell)}")
        choice("half", half, ("mean", "walk", "size"))
        if "measure" not in rows:
            if measure is not None or half != "mean":
                raise ValueError(
                    "these results have no measures and no reversed coins: leave out measure, half"
                )
            return rows[[arm]].to_numpy()
        choice("measure", str(measure), tuple(dict.fromkeys(rows["measure"])))
        rows = rows[rows["measure"] == measure]
        choice("arm", arm, [name for name in rows if name not in ("cell", "task", "measure")])
        if half != "mean":
            first, second = ("random", "turned") if arm == "random" else (arm, arm)
            walk = (rows[first] - rows[second]).to_numpy() / 2
            return walk if half == "walk" else np.abs(walk)
        return rows[["random", "turned"] if arm == "random" else [arm]].mean(axis=1, skipna=False).to_numpy()

    def gate_counts(self, condition: str, rule: str) -> tuple[int, int]:
        """Studies in which the gate quotes a value ("points"), and all studies."""
        rows = self.gate[(self.gate["condition"] == condition) & (self.gate["rule"] == rule)]
        return int(rows["points"].sum()), int(rows["studies"].sum())


def load_protocol(path: str | Path = PROTOCOL) -> Protocol:
    """Read a protocol file and compute its digest.

    A file that is not YAML, or that lacks a required part, is refused.

    Examples
    --------
    >>> protocol = load_protocol()
    >>> protocol.seed == int(protocol.digest, 16)
    True
    """
    data, name = stored_bytes(Path(path)), shortened(str(path))
    try:
        content = yaml.safe_load(data)
    except (yaml.YAMLError, ValueError, RecursionError) as error:  # a number or date may not fit Python
        mark = getattr(error, "problem_mark", None)
        where = f", line {mark.line + 1}" if mark else ""
        raise ValueError(f"{name}{where}: cannot be read as YAML; correct the file's syntax") from None
    needed = ("settings", "sample", "cells", "hypotheses")
    stated = content if isinstance(content, Mapping) else {}
    missing = [key for key in needed if not isinstance(stated.get(key), Mapping)]
    if missing:
        raise ValueError(
            f"{name}: a protocol must state {', '.join(needed)}, each as names and values; "
            f"this one lacks {', '.join(missing)}"
        )
    for size in content["sample"]:
        choice("a size in sample", size, ("n_tasks", "n_seeds", "n_pairs", "n_runs"))
    digest = hashlib.sha256(data).hexdigest()
    return Protocol(dict(content), digest, int(digest, 16))


def run_cell(protocol: Protocol, cell: str, *, executor: Executor | None = None) -> pd.DataFrame:
    """Run one registered cell: one row per task draw, as in ``ConfirmatoryResults.accuracy``."""
    family, config = protocol.setting(cell)
    arms, sample = protocol.cells[cell].get("arms", ARMS), protocol.content["sample"]
    runs = simulate(family, config, arms=arms, seed=protocol.seed, executor=executor, **sample)
    means = {arm: runs.arm(arm).mean(axis=1) if arm in arms else np.nan for arm in ARMS}
    return pd.DataFrame({"cell": cell, "task": np.arange(runs.n_tasks), **means})


def run_gate(
    protocol: Protocol, condition: str, rule: str, *, executor: Executor | None = None
) -> pd.DataFrame:
    """Run a registered gate condition under one rule: a row per block, as in ``ConfirmatoryResults.gate``."""
    gate = protocol.content["gate"]
    choice("condition", condition, tuple(gate["conditions"]))
    choice("rule", rule, GATE_RULES)
    family, config = _setting(protocol.content["settings"], gate["conditions"][condition])
    assert isinstance(family, TaskFamily)  # gates are defined on the simulator's tasks
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
            executor=executor,
        )
        points = studies_of(pool, rule, n_runs).points
        rows.append((condition, rule, block, int(points.sum()), points.size))
    return pd.DataFrame(rows, columns=list(_COLUMNS["gate"]))


def _parts(protocol: Protocol) -> list[CellKey]:
    """All registered parts: (cell,) for each cell, then (condition, rule) for each gate."""
    gate = protocol.content.get("gate", {"conditions": (), "rules": ()})
    return [(cell,) for cell in protocol.cells] + list(product(gate["conditions"], gate["rules"]))


def _run_part(
    protocol: Protocol, *part: str, few: bool = False, executor: Executor | None = None
) -> pd.DataFrame:
    """Run one of `_parts`, or its first task draws or block, which do not depend on the later ones."""
    if few:
        content = deepcopy(protocol.content)
        content["sample"]["n_tasks"] = 5
        content.get("gate", {})["n_blocks"] = 1
        protocol = replace(protocol, content=content)
    run = run_cell if len(part) == 1 else run_gate
    return run(protocol, *part, executor=executor)


def _joined(runs: Mapping[CellKey, pd.DataFrame]) -> list[pd.DataFrame]:
    """Join the accuracies and the gates of the parts."""
    tables = []
    for n_names, columns in ((1, _COLUMNS["accuracy"]), (2, _COLUMNS["gate"])):
        parts = [run for key, run in runs.items() if len(key) == n_names]
        tables.append(pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=list(columns)))
    return tables


def run_protocol(protocol: Protocol) -> ConfirmatoryResults:
    """Run all registered parts; every call gives the same bits, for any number of threads."""
    runs = {part: _run_part(protocol, *part) for part in _parts(protocol)}
    return ConfirmatoryResults(protocol.digest, *_joined(runs))


def _part_name(*part: str) -> str:
    return part[0] if len(part) == 1 else f"gate {part[1]}, {part[0]}"


def confirmatory_run(protocol_file: Path, results_stem: Path) -> StoredExperiment:
    """The confirmatory run of a protocol as a stored experiment.

    A cell is a cell of the protocol, or a gate condition under one rule. `results_stem` is the stem of the
    files of the results, which may not exist yet.
    """
    protocol = cache(lambda: load_protocol(protocol_file))  # read only when needed

    def tables(runs: Mapping[CellKey, pd.DataFrame]) -> list[pd.DataFrame]:
        accuracy, gate = _joined(runs)
        return [accuracy.set_index(["cell", "task"]), gate.set_index(["condition", "rule", "block"])]

    return StoredExperiment(
        files=tuple(f"{results_stem.name}_{name}.csv" for name in _COLUMNS),
        digits="every digit",
        cells=lambda: _parts(protocol()),
        compute=lambda *part, **settings: _run_part(protocol(), *part, **settings),
        tables=tables,
        quick_part={"few": True},
        label=_part_name,
        first_line=lambda: f"{_DIGEST}{protocol().digest}\n",
        folder=results_stem.parent,
    )


CONFIRMATORY_1 = replace(confirmatory_run(*REGISTERED["1"]), is_sealed=True)
CONFIRMATORY_2 = replace(confirmatory_run(*REGISTERED["2"]), is_sealed=True)
"""Confirmatory runs, which are compared and never replaced."""


def load_results(stem: str | Path = RESULTS) -> ConfirmatoryResults:
    """Read stored results.

    A file is refused if it does not start with a digest, or is not a table of results; the pair is refused if
    the two digests differ.
    """
    tables, digests = {}, set()
    for name, columns in _COLUMNS.items():
        path = _path(stem, name)
        short = shortened(path.name)
        try:
            first, _, rest = stored_bytes(path).decode("utf-8").partition("\n")
        except UnicodeDecodeError:
            raise ValueError(
                f"{short}: not UTF-8 text; a comma-separated table in UTF-8 is accepted"
            ) from None
        if not first.startswith(_DIGEST):
            raise ValueError(f"{short} must start with {_DIGEST!r} and a digest, got {shown(first)}")
        digests.add(first.rstrip("\r").removeprefix(_DIGEST))
        try:
            tables[name] = pd.read_csv(io.StringIO(rest))
        except ValueError as error:
            raise ValueError(f"{short}: {str(error).strip()}; a table is accepted") from None
        lacking = [column for column in columns if column not in tables[name]]
        if lacking:
            raise ValueError(
                f"{short} must have the columns {', '.join(columns)}; it lacks {', '.join(lacking)}"
            )
    if len(digests) > 1:
        both = ", ".join(map(shortened, sorted(digests)))
        raise ValueError(
            f"the stored results come from different protocols: {both}; name the files of one run"
        )
    return ConfirmatoryResults(digests.pop(), tables["accuracy"], tables["gate"])


def _path(stem: str | Path, name: str) -> Path:
    return Path(f"{stem}_{name}.csv")


def _setting(
    settings: Mapping[str, Any], changed: Mapping[str, Any]
) -> tuple[TaskFamily | StrategyFamily, GRPOConfig]:
    """Split the changes of a cell between family and configuration; an unknown name is an error."""
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
