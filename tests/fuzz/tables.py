"""Mutated tables, logs and paths: `rlvr audit` gives the numbers of the file, or one line.

Run ``python -m tests.fuzz.tables --cases 100000``. An accuracy that is read is compared with what Python's
own `csv` and `json` say of the file, where they can read it.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import math
import os
import sys
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import zstandard

from tests.fuzz.trying import NASTY, call, command_line, fault_of

LOGS = Path(__file__).parent.parent / "data" / "logs"
ARMS = ("frozen", "random", "majority", "true")
OUTCOMES = [(arm, run, item) for arm in ARMS for run in (1, 2) for item in range(4)]
TABLES = {
    "arms": "study,model,benchmark,arm,accuracy,n_items\ns,m,b,frozen,0.25,8\ns,m,b,random,0.5,8\n"
    "s,m,b,majority,0.75,8\ns,m,b,true,0.9,10\n",
    "percent": "study;model;benchmark;arm;accuracy_percent;n_items;n_runs;run_sd;note\n"
    "s;m;b;frozen;25,0;500;1;;x\ns;m;b;random;50.2;500;3;1,5;\ns;m;b;true;90;500;3;2;y\n",
    "outcomes": "study,model,benchmark,arm,run,item,correct\n"
    + "".join(f"s,m,b,{arm},{run},q{item},{(item + run) % 2}\n" for arm, run, item in OUTCOMES),
}
PLAIN = "".join(json.dumps({"item": f"q{item}", "correct": item % 2}) + "\n" for item in range(6))
VERL = "".join(
    json.dumps({"input": f"q{i}", "output": "a", "score": i % 2, "step": 20}) + "\n" for i in range(6)
)
REAL = {
    "lm-eval": next((LOGS / "lm_eval" / "true").rglob("*.jsonl")),
    "eval": LOGS / "inspect" / "true-1.eval",
    "json": LOGS / "inspect" / "frozen-1.json",
}
NAMES = (
    b"\xff",
    b"a\nb",
    b"\x1b[31m",
    b"=x",
    b"$x$",
    b"-x",
    b" ",
    "\u202e".encode(),
    b"n" * 200,
    b"<b>",
    b"a'b\"c",
)


def mutated(raw: bytes, random: np.random.Generator) -> bytes:
    """A few random changes of bytes, lines or fields."""
    for _ in range(random.integers(0, 4)):
        nasty = str(random.choice(np.array(NASTY, dtype=object))).encode("utf-8", "surrogatepass")
        lines = raw.split(b"\n")
        at = int(random.integers(len(lines)))
        place = int(random.integers(len(raw) + 1))
        match random.integers(9):
            case 0:
                raw = raw[:place] + nasty + raw[place:]
            case 1:
                raw = raw[:place] + raw[place + int(random.integers(1, 30)) :]
            case 2 if raw:
                raw = bytes([*raw[: place - 1], int(random.integers(256)), *raw[place:]])
            case 3:
                raw = b"\n".join([*lines[:at], lines[at], *lines[at:]])
            case 4:
                raw = raw[:place]
            case 5:
                raw = raw + raw
            case _:  # one field
                separator = b"," if b"," in lines[at] else b";"
                fields = lines[at].split(separator)
                one = int(random.integers(len(fields)))
                name, colon, _ = fields[one].partition(b":")
                fields[one] = name + colon + nasty if colon else nasty
                lines[at] = separator.join(fields)
                raw = b"\n".join(lines)
    return raw


def packed(raw: bytes, random: np.random.Generator) -> bytes:
    """Now and then as an archive of one kind or other, whole or not."""
    match random.integers(14):
        case 0:
            raw = gzip.compress(raw)
        case 1:
            raw = zstandard.compress(raw)
        case 2:
            box = io.BytesIO()
            with zipfile.ZipFile(box, "w", zipfile.ZIP_DEFLATED) as archive:
                for name in ("header.json", "summaries.json")[: int(random.integers(3))]:
                    archive.writestr(name, raw)
            raw = box.getvalue()
        case _:
            return raw
    return mutated(raw, random) if random.random() < 0.5 else raw


def laid(folder: Path, name: str, raw: bytes, random: np.random.Generator) -> str:
    """The file under some name; now and then something that is no file."""
    stem = os.fsdecode(NAMES[int(random.integers(len(NAMES)))]) if random.random() < 0.15 else ""
    path = os.path.join(folder, f"{stem}{name}")
    match random.integers(40):
        case 0:
            os.mkfifo(path)
        case 1:
            os.mkdir(path)
        case 2:
            os.symlink("nowhere", path)
        case 3:
            os.symlink(path, path)
        case 4:
            return "/dev/zero"
        case _:
            Path(path).write_bytes(raw)
    return path


def case(random: np.random.Generator, folder: Path) -> tuple[str, float, str]:
    """One call of `rlvr audit`: what became of it, how long it took, and what was wrong."""
    text, expected = None, None
    if random.random() < 0.5:
        kind = str(random.choice(list(TABLES)))
        raw = packed(mutated(TABLES[kind].encode(), random), random)
        if random.random() < 0.1:
            arguments, text = ["audit", "-"], raw
        else:
            arguments = ["audit", laid(folder, "t.csv", raw, random)]
        expected = accuracies_of_table(raw) if kind == "arms" else None
    else:
        kind = str(random.choice(["plain", "verl", *REAL]))
        original = {"plain": PLAIN, "verl": VERL}.get(kind, "").encode() or REAL[kind].read_bytes()
        raw = packed(mutated(original, random), random)
        name = {"eval": "x.eval", "json": "x.json"}.get(kind, f"samples_x_{kind}.jsonl")
        path = laid(folder, name, raw, random)
        if random.random() < 0.2:
            path = str(folder)  # a folder, whatever lies in it
        arguments = ["audit", "--log", f"true={path}"]
        for metric in ("exact_match,strict-match",) * (kind == "lm-eval") + ("match",) * (
            kind in ("eval", "json")
        ):
            arguments += ["--metric", metric]
        expected = accuracies_of_lines(raw) if kind == "plain" else None
    random.shuffle(outputs := [["--json", "-"], ["--markdown"], ["--report", f"{folder}.html"], []])
    result, seconds = call([*arguments, *outputs[0]], text)
    where = f" <- {kind}: {' '.join(arguments)[:80]!r} {raw[:60]!r}"
    if fault := fault_of(result):
        return "traceback", seconds, fault + where
    assert result is not None
    if result.exit_code:
        return "refused", seconds, ""
    if outputs[0] == ["--json", "-"]:
        report = json.loads(result.stdout_bytes, parse_constant=lambda name: 1 / 0)
        found = sorted(arm["accuracy"] for cell in report["cells"] for arm in cell["arms"].values())
        if not all(0 <= accuracy <= 1 for accuracy in found):
            return "wrong", seconds, "accuracy outside of 0 to 1" + where
        if expected is not None and not np.allclose(found, expected, rtol=0, atol=1e-12):
            return "wrong", seconds, f"accuracies {found} for {expected}" + where
    return "read", seconds, ""


def accuracies_of_table(raw: bytes) -> list[float] | None:
    """Accuracies as Python's own module reads them; None where it does not read a plain table."""
    try:
        rows: list[dict[Any, Any]] = list(csv.DictReader(io.StringIO(raw.decode("utf-8-sig")), strict=True))
        found = sorted(float(row["accuracy"]) for row in rows)
    except (ValueError, TypeError, KeyError, csv.Error):
        return None
    return found if len(rows) == 4 and None not in rows[0] and all(map(math.isfinite, found)) else None


def accuracies_of_lines(raw: bytes) -> list[float] | None:
    """The mean over items of lines of JSON, as Python's own module reads them."""
    try:
        records = [json.loads(line) for line in raw.splitlines() if line.strip()]
        items: dict[str, list[float]] = {}
        for record in records:
            items.setdefault(str(record["item"]), []).append(float(record["correct"]))
    except (ValueError, TypeError, KeyError, OverflowError, RecursionError):
        return None
    return [float(np.mean([np.mean(values) for values in items.values()]))] if items else None


if __name__ == "__main__":
    sys.exit(command_line(case))
