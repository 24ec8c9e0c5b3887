"""Logs of Inspect: `.eval`, a zip whose members are Zstandard, and `.json`.

Epochs are samples of an item, scorers are metrics. An item goes by its sample's id.
"""

from __future__ import annotations

import json
import math
import struct
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from rlvr._checks import shown
from rlvr.logs.decoding import inspect_decoding
from rlvr.logs.evaluation_log import ACCEPTED, Answers, Log, LogError, fingerprint, parsed

__all__ = ["inspect_log", "inspect_zip"]

_ZSTANDARD = 93
_GRADES = {"C": 1.0, "I": 0.0, "P": 0.5, "N": 0.0}


def inspect_zip(path: Path) -> Log:
    """Read a `.eval` file, from its header and its summaries of samples."""
    import zstandard

    try:
        with zipfile.ZipFile(path) as archive:
            members = {member.filename: member for member in archive.infolist()}
            if "header.json" not in members or "summaries.json" not in members:
                raise LogError(
                    f"{path}: no finished log of Inspect; a log whose evaluation ended is accepted"
                )
            header, summaries = (
                parsed(_member(archive, members[name]), f"{path}, {name}")
                for name in ("header.json", "summaries.json")
            )
    except (zipfile.BadZipFile, zstandard.ZstdError, struct.error, NotImplementedError) as error:
        raise LogError(f"{path}: a damaged .eval file ({error}); a whole one is accepted") from None
    return inspect_log(path, {**header, "samples": summaries} if isinstance(header, dict) else header)


def _member(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> bytes:
    """A member's bytes; Python's own module knows Zstandard from 3.14 on."""
    if member.compress_type != _ZSTANDARD:
        return archive.read(member)
    import zstandard

    assert archive.fp is not None
    archive.fp.seek(member.header_offset + 26)
    name, extra = struct.unpack("<HH", archive.fp.read(4))
    archive.fp.seek(name + extra, 1)
    packed = archive.fp.read(member.compress_size)
    return zstandard.ZstdDecompressor().decompress(packed, max_output_size=max(member.file_size, 1))


def inspect_log(path: Path, log: Any) -> Log:
    """From a log as one JSON object; samples without a score are left out."""
    if not isinstance(log, dict) or not isinstance(log.get("eval"), dict):
        beside = isinstance(log, dict) and "results" in log and "configs" in log
        hint = "these are results without items, samples_*.jsonl lies beside them; " if beside else ""
        raise LogError(f"{path}: no log of Inspect; {hint}{ACCEPTED}")
    if log.get("status") != "success":
        raise LogError(f"{path}: status {shown(log.get('status'))}; a log with status 'success' is accepted")
    columns: dict[str, Answers] = {}
    seen = set()
    samples = log.get("samples") or []
    for sample in samples:
        answer = str(sample["id"]), sample.get("epoch", 1)
        if answer in seen:
            raise LogError(f"{path}: sample {shown(answer[0])} has epoch {answer[1]} twice; once is accepted")
        seen.add(answer)
        asked = sample.get("input")
        prompt = fingerprint(asked if isinstance(asked, str) else json.dumps(asked, sort_keys=True))
        for scorer, score in _flat(sample.get("scores") or {}):
            if isinstance(score, float) and math.isnan(score):
                continue  # Inspect's mark of a sample that was not scored
            column = columns.setdefault(scorer, Answers())
            column.items.append(answer[0])
            column.prompts.append(prompt)
            column.values.append(_GRADES.get(score, score) if isinstance(score, str) else score)
    about = log["eval"]
    task, model, decoding = str(about.get("task", "")), str(about.get("model", "")), inspect_decoding(log)
    return Log(path, "Inspect", task, model, columns, decoding=decoding)


def _flat(scores: Mapping[str, Any]) -> Iterable[tuple[str, Any]]:
    """Scorer and value; a scorer with several values is several metrics, ``scorer/name``."""
    for scorer, score in scores.items():
        value = score.get("value") if isinstance(score, dict) else score
        if isinstance(value, dict):
            yield from ((f"{scorer}/{name}", part) for name, part in value.items())
        else:
            yield scorer, value
