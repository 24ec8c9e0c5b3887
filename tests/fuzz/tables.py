"""Mutated tables and paths: `rlvr audit` gives the numbers of the file, or one line.

Run ``python -m tests.fuzz tables --cases 1000000``. The accuracies that are read are compared with what
Python's own `csv` says of the file, where it can read it, and the terms with their differences.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import os
import zipfile
from pathlib import Path

import numpy as np
import zstandard

from tests.fuzz.trying import NASTY, call, fault_of

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
TERMS = {
    "null": ("random", "frozen"), "elicitation": ("majority", "random"), "naive": ("true", "random"),
    "reward_design": ("true", "majority"), "total": ("true", "frozen"),
}  # fmt: skip
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
    """One call of `rlvr audit` with a table: what became of it, how long it took, and what was wrong."""
    kind = str(random.choice(list(TABLES)))
    raw = packed(mutated(TABLES[kind].encode(), random), random)
    if random.random() < 0.1:
        return audited(["-"], raw, accuracies(kind, raw), random, folder, raw)
    path = laid(folder, "t.csv", raw, random)
    return audited([path], raw, accuracies(kind, raw), random, folder)


def audited(
    arguments: list[str],
    raw: bytes,
    expected: list[float] | None,
    random: np.random.Generator,
    folder: Path,
    text: bytes | None = None,
) -> tuple[str, float, str]:
    """Call `rlvr audit` for one of its outputs, and judge the call by the expected accuracies."""
    output = [["--json", "-"], ["--markdown"], ["--report", str(folder.parent / "page.html")], []][
        random.integers(4)
    ]
    result, seconds = call(["audit", *arguments, *output], text)
    where = f" <- {' '.join(arguments)[:80]!r} {raw[:60]!r}"
    if fault := fault_of(result):
        return "traceback", seconds, fault + where
    assert result is not None
    if result.exit_code:
        return "refused", seconds, ""
    if output == ["--json", "-"]:
        report = json.loads(result.stdout_bytes, parse_constant=lambda name: 1 / 0)
        found = sorted(arm["accuracy"] for cell in report["cells"] for arm in cell["arms"].values())
        if not all(0 <= accuracy <= 1 for accuracy in found):
            return "wrong", seconds, "accuracy outside of 0 to 1" + where
        same = len(found) == len(expected or found) and np.allclose(found, expected or found, 0, 1e-12)
        if not same:
            return "wrong", seconds, f"accuracies {found} for {expected}" + where
        for cell in report["cells"]:
            for name, (arm, before) in TERMS.items():
                if {arm, before} <= {*cell["arms"]}:
                    value = cell["arms"][arm]["accuracy"] - cell["arms"][before]["accuracy"]
                    if not np.isclose(cell["terms"][name]["value"], value, rtol=0, atol=1e-12):
                        return "wrong", seconds, f"{name} is no difference of its arms" + where
    return "read", seconds, ""


def accuracies(kind: str, raw: bytes) -> list[float] | None:
    """Accuracies of the arms as Python's own module reads them; None where it reads no plain table."""
    text, between = io.StringIO(raw.decode("utf-8-sig", "replace")), ";" if kind == "percent" else ","
    try:
        rows = [*csv.DictReader(text, strict=True, delimiter=between)]
        if kind == "arms":
            found = [float(row["accuracy"]) for row in rows]
        elif kind == "percent":
            found = [float(row["accuracy_percent"].replace(",", ".")) / 100 for row in rows]
        else:
            correct: dict[str, list[float]] = {}
            for row in rows:
                correct.setdefault(row["arm"].strip(), []).append(float(row["correct"]))
            found = [sum(of) / len(of) for of in correct.values()]
    except (ValueError, TypeError, KeyError, AttributeError, csv.Error):
        return None
    whole = len(rows) == TABLES[kind].count("\n") - 1 and None not in rows[0]
    return sorted(found) if whole and np.isfinite(found).all() else None
