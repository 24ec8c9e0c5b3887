"""Combine the files of the runs into three small tables, with a record of how they were made."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import platform
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

import pandas as pd

__all__ = ["ROOT", "store"]

ROOT = Path(__file__).resolve().parent.parent
KEY = ["prior", "arm", "design", "rate", "seed"]
PACKAGES = ("trl", "transformers", "torch", "accelerate", "datasets", "tokenizers", "numpy")


def store(results: Sequence[Path], planned: int, target: Path, stem: str) -> list[Path]:
    """Write the tables of these runs, and the record with their digests.

    Parameters
    ----------
    results : sequence of path
        One JSON file per finished run, in the order of the design.
    planned : int
        Number of runs in the whole design.
    target : path
        Folder to write to.
    stem : str
        Beginning of the files' names.
    """
    found = [json.loads(path.read_text(encoding="utf-8")) for path in results]
    if not found:
        raise SystemExit("nothing to store: no run has ended; run `make network` first")
    keys = [{name: one["run"][name] for name in KEY} for one in found]
    paths = pd.DataFrame([key | row for key, one in zip(keys, found, strict=True) for row in one["path"]])
    items = pd.DataFrame(
        [
            key | {"item": item, "right": right, "greedy": int(greedy)}
            for key, one in zip(keys, found, strict=True)
            for item, (right, greedy) in enumerate(zip(*one["items"].values(), strict=True))
        ]
    )
    target.mkdir(parents=True, exist_ok=True)
    written = {f"{stem}_paths.csv.gz": paths.round(5), f"{stem}_items.csv.gz": items.round(4)}
    digests = {}
    for name, table in written.items():
        text = table.to_csv(index=False, lineterminator="\n").encode()
        _whole(target / name, _packed(text))
        digests[name] = hashlib.sha256(text).hexdigest()
    trained = [one for one in found if one["settings"]]
    record = {
        "runs": len(found),
        "planned": planned,
        "common": {k: v for k, v in trained[0]["run"].items() if k in ("answers", "group_size", "steps")},
        "rates": {one["run"]["rate"]: one["run"]["learning_rate"] for one in trained},
        "designs": {one["run"]["design"]: {k: one["run"][k] for k in ("updates", "clip")} for one in trained},
        "trainer": {k: v for k, v in trained[0]["settings"].items() if not k.startswith("epsilon")},
        "epsilon": {one["run"]["design"]: one["settings"]["epsilon"] for one in trained},
        "versions": {"python": platform.python_version()}
        | {name: metadata.version(name) for name in PACKAGES},
        "sha256 of the text": digests,
    }
    _whole(target / f"{stem}.json", (json.dumps(record, indent=1) + "\n").encode())
    return [target / name for name in (*written, f"{stem}.json")]


def _packed(text: bytes) -> bytes:
    """Compress without a time stamp, so the same text gives the same file."""
    packed = io.BytesIO()
    with gzip.GzipFile(fileobj=packed, mode="wb", mtime=0) as file:
        file.write(text)
    return packed.getvalue()


def _whole(path: Path, content: bytes) -> Any:
    part = path.with_name(f".{path.name}.part")
    part.write_bytes(content)
    part.replace(path)
