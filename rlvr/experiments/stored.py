"""One runner for all stored experiments: recompute a part and compare, or rebuild everything.

An experiment is a declaration beside its own code: its cells, the computation of one cell, its tables, and
the number of digits that a recomputation reproduces. ``EXPERIMENTS`` lists the declarations, and ``rlvr
stored`` runs them. A new experiment is a declaration and a line there.
"""

from __future__ import annotations

import hashlib
import importlib
import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from pandas.api.types import is_numeric_dtype

from rlvr import _data
from rlvr._checks import choice
from rlvr._data import DIGESTS, digest_list, listed_digests
from rlvr._writing import remove_halves, replacing
from rlvr.simulator.executors import Progress, counting, n_threads
from rlvr.simulator.kept_chunks import KeptChunks, code_digest

__all__ = [
    "EXPERIMENTS",
    "CellKey",
    "StoredExperiment",
    "check",
    "compute_cells",
    "find_experiment",
    "keeping_cells",
    "rebuild",
]

EXPERIMENTS = {
    "sweep": "prior_sweep.SWEEP",
    "budget": "budget_axis.BUDGET",
    "multiverse": "multiverse.MULTIVERSE",
    "settings-grid": "grids.SETTINGS_GRID",
    "sharing-grid": "grids.SHARING_GRID",
    "gate-map": "gates.GATE_MAP",
    "gate-example": "gates.GATE_EXAMPLE",
    "coin-flips": "coin_flip_models.COIN_FLIPS",
    "replay": "published_study.REPLAY",
    "protocol-1": "sealed_protocol.CONFIRMATORY_1",
    "protocol-2": "sealed_protocol.CONFIRMATORY_2",
    "network": "network_runs.NETWORK",
    "network-controls": "network_runs.NETWORK_CONTROLS",
    "language-model": "language_model_runs.LANGUAGE_MODEL",
    "language-model-repeat": "language_model_runs.LANGUAGE_MODEL_REPEAT",
    "language-model-float64": "language_model_runs.LANGUAGE_MODEL_FLOAT64",
    "language-model-pilot": "language_model_runs.LANGUAGE_MODEL_PILOT",
}
"""Stored experiments by name, each with the module and name of its declaration."""

CellKey = tuple[Any, ...]


@dataclass(frozen=True)
class StoredExperiment:
    """Declaration of an experiment: computation, storage and tolerance.

    Attributes
    ----------
    files : tuple of str
    digits : str
        Number of reproduced digits, in words.
    cells : callable
        Returns the keys of all cells, in the order of the files' rows.
    compute : callable
        ``compute(*key, executor=None)``, the result of one cell, of any type. With the settings of
        `quick_part` too, a part of the cell whose rows are rows of the whole.
    tables : callable
        From results by key, one DataFrame per file, indexed by what identifies its rows. A table that needs
        missing cells has no rows.
    tolerance : (float, float)
        Relative and absolute difference up to which two numbers count as equal.
    quick_cells : int, sequence of keys or None
        Cells of a quick check: this many at random, these, or all.
    quick_part : mapping
        Settings of `compute` in a quick check.
    label : callable
        Describes a cell in words, from its key.
    float_formats, decimals
        Number format of a file, and the decimals to which all numbers are rounded when written (not when
        compared); all digits by default.
    first_line : callable
        The line above each table, with its line break.
    folder : path, optional
        Folder of the files; the package's data by default.
    is_sealed : bool
        Whether the files in `folder` are compared and never replaced.
    trains : bool
        Whether the simulator trains the cells, so that a rebuild keeps its finished chunks. Otherwise a
        rebuild keeps finished cells, whose results are numbers and texts by name.
    verify, made_by
        Where nothing can be recomputed here: a function that verifies the files, and the command that makes
        them.
    """

    files: tuple[str, ...]
    digits: str
    cells: Callable[[], Sequence[CellKey]] = lambda: ()
    compute: Callable[..., Any] | None = None
    tables: Callable[[Mapping[CellKey, Any]], Sequence[pd.DataFrame]] = lambda results: ()
    tolerance: tuple[float, float] = (0.0, 0.0)
    quick_cells: int | Sequence[CellKey] | None = None
    quick_part: Mapping[str, Any] = field(default_factory=dict)
    label: Callable[..., str] = lambda *key: ", ".join(map(str, key))
    float_formats: Mapping[str, str] = field(default_factory=dict)
    decimals: int | None = None
    first_line: Callable[[], str] = lambda: ""
    folder: Path | None = None
    is_sealed: bool = False
    trains: bool = True
    verify: Callable[[], Mapping[str, bool]] | None = None
    made_by: str = ""

    @property
    def stored_in(self) -> Path:
        """The folder of the stored files."""
        return self.folder or _data.DATA

    def stored_table(self, name: str, like: pd.DataFrame) -> pd.DataFrame:
        """One stored file, with the index and the text columns of a computed table."""
        texts = {name: str for name, column in like.reset_index().items() if not is_numeric_dtype(column)}
        table = pd.read_csv(
            io.BytesIO(_data.stored_bytes(self.stored_in / name)),
            encoding="utf-8",
            skiprows=self.first_line().count("\n"),
            dtype=texts,
            keep_default_na=False,  # a term is named "null"
            na_values={str(column): [""] for column in like if column not in texts},
        )
        return table.set_index(list(like.index.names))

    def check_rebuild(self, folder: Path) -> None:
        """Refuse an experiment that cannot be computed here, and a folder whose files are sealed."""
        if self.compute is None:
            raise ValueError(f"nothing here computes {self.files[0]}; run `{self.made_by}`")
        if self.is_sealed and folder.resolve() == self.stored_in.resolve():
            raise ValueError(
                f"{self.files[0]} is sealed: it is compared and never replaced; name another folder"
            )

    def has_first_line(self, name: str) -> bool:
        """Whether a stored file starts with the required line."""
        return _data.stored_bytes(self.stored_in / name).startswith(self.first_line().encode())

    def agrees(self, fresh: pd.DataFrame, stored: pd.DataFrame) -> bool:
        """Whether two tables have the same rows, equal texts, and numbers within the tolerance."""
        if list(fresh.index) != list(stored.index) or list(fresh) != list(stored):
            return False
        numbers = [column for column in fresh if is_numeric_dtype(fresh[column])]
        texts = [column for column in fresh if column not in numbers]
        relative, absolute = self.tolerance
        close = np.allclose(fresh[numbers], stored[numbers], rtol=relative, atol=absolute, equal_nan=True)
        return close and bool((fresh[texts].to_numpy() == stored[texts].to_numpy()).all())


def find_experiment(name: str) -> StoredExperiment:
    """The declaration of one of ``EXPERIMENTS``."""
    module, attribute = EXPERIMENTS[choice("NAME", name, tuple(EXPERIMENTS))].split(".")
    return getattr(importlib.import_module(f"rlvr.experiments.{module}"), attribute)


def compute_cells(
    experiment: StoredExperiment,
    keys: Sequence[CellKey],
    *,
    executor: Executor | None = None,
    progress: bool | Progress = False,
    **part: Any,
) -> Iterator[tuple[CellKey, Any]]:
    """Compute cells, and yield each with its key in the order of `keys`.

    While one cell is prepared or read, others are trained. `executor` and `progress` are as in
    :func:`rlvr.simulate`, but all cells share one set of threads, and progress counts cells. Further settings
    go to the experiment's `compute`.
    """
    assert experiment.compute is not None
    with ExitStack() as stack:
        report = stack.enter_context(counting(progress))
        trains = executor
        if trains is None:
            trains = stack.enter_context(ThreadPoolExecutor(n_threads()))
        waits = stack.enter_context(ThreadPoolExecutor(n_threads() + 1))
        stack.callback(waits.shutdown, cancel_futures=True)
        waiting = [waits.submit(experiment.compute, *key, executor=trains, **part) for key in keys]
        for done, (key, result) in enumerate(zip(keys, waiting, strict=True), start=1):
            yield key, result.result()
            if report is not None:
                report(done, len(keys))


def check(
    experiment: StoredExperiment,
    *,
    n_cells: int | None = None,
    quick: bool = False,
    executor: Executor | None = None,
    progress: bool | Progress = False,
    **part: Any,
) -> dict[str, bool]:
    """Recompute cells and compare them with the stored ones.

    Parameters
    ----------
    experiment : StoredExperiment
    n_cells : int or None
        Number of cells, drawn anew every time; None for all, whose tables are then also compared as wholes.
    quick : bool
        Use the cells and the part of each that the experiment declares for a quick check.
    executor, progress, part
        As in :func:`compute_cells`.

    Returns
    -------
    dict of str to bool
        Whether each recomputed cell, and each completely recomputed file, equals the stored one.
    """
    if experiment.verify is not None:
        return dict(experiment.verify())
    keys, chosen = list(experiment.cells()), experiment.quick_cells if quick else n_cells
    part |= experiment.quick_part if quick else {}
    if isinstance(chosen, int):
        places = np.random.default_rng().permutation(len(keys))[:chosen]
        keys = [keys[place] for place in sorted(places)]
    elif chosen is not None:
        keys = list(chosen)
    agreements = {
        f"first line of {name}": False for name in experiment.files if not experiment.has_first_line(name)
    }
    if agreements:
        return agreements
    results: dict[CellKey, Any] = {}
    stored: dict[str, pd.DataFrame] = {}
    for key, result in compute_cells(experiment, keys, executor=executor, progress=progress, **part):
        agreements[experiment.label(*key)] = True
        for name, fresh in zip(experiment.files, experiment.tables({key: result}), strict=True):
            if fresh.empty:
                continue
            if name not in stored:
                stored[name] = experiment.stored_table(name, fresh)
            same_rows = stored[name][stored[name].index.isin(fresh.index)]
            agreements[experiment.label(*key)] &= experiment.agrees(fresh, same_rows)
        results[key] = result
    if chosen is None and not part:
        for name, fresh in zip(experiment.files, experiment.tables(results), strict=True):
            agreements[name] = experiment.agrees(fresh, experiment.stored_table(name, fresh))
    return agreements


def rebuild(
    experiment: StoredExperiment,
    folder: Path,
    *,
    executor: Executor,
    names: Sequence[str] = (),
    progress: bool | Progress = False,
) -> list[pd.DataFrame]:
    """Compute every cell, write the files and return their tables.

    Parameters
    ----------
    experiment : StoredExperiment
    folder : Path
        Another folder than that of the stored files, if these are sealed.
    executor : concurrent.futures.Executor
        With a :class:`rlvr.simulator.kept_chunks.KeptChunks`, interrupted work can be resumed.
    names : sequence of str
        Names of the files in `folder`; by default those of the stored files.
    progress : bool or callable
        As in :func:`compute_cells`.
    """
    experiment.check_rebuild(folder)
    digests = listed_digests(folder)
    if not experiment.trains and isinstance(executor, KeptChunks):
        experiment = keeping_cells(experiment, executor)
    cells = list(experiment.cells())
    tables = experiment.tables(dict(compute_cells(experiment, cells, executor=executor, progress=progress)))
    targets = [*(names or experiment.files), *([DIGESTS] if digests else [])]
    if isinstance(executor, KeptChunks):  # the lock keeps other processes out of the folder
        for name in targets:
            remove_halves(folder / name)
    with replacing(*(folder / name for name in targets)) as files:
        for name, target, table, file in zip(experiment.files, targets, tables, files, strict=False):
            digits = experiment.float_formats.get(name)
            rounded = table if experiment.decimals is None else table.round(experiment.decimals)
            text = rounded.reset_index().to_csv(index=False, lineterminator="\n", float_format=digits)
            data = (experiment.first_line() + text).encode()
            file.write_bytes(data)
            digests[target] = hashlib.sha256(data).hexdigest()
        if len(files) > len(experiment.files):
            files[-1].write_bytes(digest_list(digests).encode())
    return list(tables)


def keeping_cells(experiment: StoredExperiment, kept: KeptChunks) -> StoredExperiment:
    """The same experiment, with finished cells kept and found again.

    A kept cell is valid only for its experiment, the package's code and the stored data that it may read.
    """
    compute = experiment.compute
    assert compute is not None
    listed = listed_digests(_data.DATA).items()
    inputs = [(name, digest) for name, digest in sorted(listed) if name not in experiment.files]
    origin = f"{code_digest()} {inputs} {experiment.files}"

    def compute_or_find(*key: Any, **settings: Any) -> Mapping[str, Any]:
        digest = hashlib.sha256(f"{origin} {key}".encode()).hexdigest()
        found = kept.find(digest)
        if found is not None:
            return {name: value.item() for name, value in found.items()}
        result = compute(*key, **settings)
        kept.keep(digest, result)
        return result

    return replace(experiment, compute=compute_or_find)
