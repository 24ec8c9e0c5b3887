"""Detect a file in which every record has exact copies; copies are not samples."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from rlvr.logs.answers import Answers, Log, LogError, text_of
from rlvr.logs.record_fields import Fields

__all__ = ["without_copies"]

_OUTPUTS = frozenset(Fields().output)
_WORDED = 10  # characters: shorter outputs, such as letters of a choice, agree by chance
_FEWEST = 5  # fewer different records may agree in all their samples by chance


def without_copies(path: Path, logs: Sequence[Log], records: Callable[[], Iterable[Any]]) -> list[Log]:
    """Return the logs of a file with the number of answers that may be copies of others.

    Parameters
    ----------
    path : Path
    logs : sequence of rlvr.logs.answers.Log
        The logs of that file.
    records : function to iterable
        Reads the file again; called only if outcomes look like copies.

    Raises
    ------
    LogError
        If every record has exact copies, outputs included. Copies are counted and not refused if they may be
        chance: records hold no outputs, are few, or are samples that were decoded greedily.
    """
    columns = [column for log in logs for column in log.answers.values()]
    if not columns or not all(map(_repeats, columns)):
        return [*logs]
    counts: Counter[int] = Counter()
    worded = False
    for record in records():
        counts[hash(text_of(record))] += 1
        worded = worded or any(len(text_of(record[name])) >= _WORDED for name in _OUTPUTS & record.keys())
    times = math.gcd(*counts.values())
    if times < 2:
        return [*logs]
    if worded and len(counts) >= _FEWEST and not all(log.decoding == "greedy" for log in logs):
        raise LogError(
            f"{path}: each of the {len(counts)} different records occurs {times} times; copies are not "
            "samples of an item. Write each record once, or number samples that happen to agree in a field "
            "sample"
        )
    return [replace(log, repeated=log.counts.read - log.counts.read // times) for log in logs]


def _repeats(column: Answers) -> bool:
    """Whether each answer occurs several times with the same outcome."""
    if len({*column.items}) * 2 > len(column.items):
        return False
    return math.gcd(*Counter(zip(column.items, map(str, column.values), strict=True)).values()) > 1
