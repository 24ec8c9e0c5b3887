"""Mutated logs, folders and archives: `rlvr audit --log` gives the numbers of the file, or one line.

Run ``python -m tests.fuzz logs --cases 100000``. An accuracy that is read from plain lines is compared with
what Python's own `json` says of them, where it can read them.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from tests.fuzz.tables import audited, laid, mutated, packed

LOGS = Path(__file__).parent.parent / "data" / "logs"
PLAIN = "".join(json.dumps({"item": f"q{item}", "correct": item % 2}) + "\n" for item in range(6))
VERL = "".join(
    json.dumps({"input": f"q{i}", "output": "a", "score": i % 2, "step": 20}) + "\n" for i in range(6)
)
REAL = {
    "lm-eval": next((LOGS / "lm_eval" / "true").rglob("*.jsonl")),
    "eval": LOGS / "inspect" / "true-1.eval",
    "json": LOGS / "inspect" / "frozen-1.json",
}
METRICS = {"lm-eval": "exact_match,strict-match", "eval": "match", "json": "match"}


def case(random: np.random.Generator, folder: Path) -> tuple[str, float, str]:
    """One call of `rlvr audit --log`: what became of it, how long it took, and what was wrong."""
    kind = str(random.choice(["plain", "verl", *REAL]))
    original = {"plain": PLAIN, "verl": VERL}.get(kind, "").encode() or REAL[kind].read_bytes()
    raw = packed(mutated(original, random), random)
    path = laid(
        folder, {"eval": "x.eval", "json": "x.json"}.get(kind, f"samples_x_{kind}.jsonl"), raw, random
    )
    if random.random() < 0.2:
        path = str(folder)  # a folder, whatever lies in it
    metric = ["--metric", METRICS[kind]] if kind in METRICS else []
    expected = accuracies(raw) if kind == "plain" else None
    return audited(["--log", f"true={path}", *metric], raw, expected, random, folder)


def accuracies(raw: bytes) -> list[float] | None:
    """The mean over items of lines of JSON, as Python's own module reads them."""
    try:
        records = [json.loads(line) for line in raw.splitlines() if line.strip()]
        items: dict[str, list[float]] = {}
        for record in records:
            items.setdefault(str(record["item"]), []).append(float(record["correct"]))
    except (ValueError, TypeError, KeyError, OverflowError, RecursionError):
        return None
    return [float(np.mean([np.mean(values) for values in items.values()]))] if items else None
