"""A file in which every record stands several times, to the letter: copies, which are no samples."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from rlvr.logs.answers import Answers, Log, LogError, text_of
from rlvr.logs.records import Fields

__all__ = ["without_copies"]

_OUTPUTS = frozenset(Fields().output)
_WORDED = 10  # characters: letters of a choice are alike by chance
_FEWEST = 5  # so many different records agree in all their samples by chance less often


def without_copies(path: Path, logs: Sequence[Log], records: Callable[[], Iterable[Any]]) -> list[Log]:
    """The logs of a file, with the number of answers that may be copies of others.

    Parameters
    ----------
    path : Path
    logs : sequence
        Of that file.
    records : function to iterable
        Reads the file again; called only where outcomes look like copies.

    Raises
    ------
    LogError
        If every record stands several times, outputs included. Where that may be chance, since records hold
        no output or are few, or samples that were decoded greedily, it is counted and not refused.
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
            f"{path}: each of its {len(counts)} different records stands {times} times, to the letter; "
            "copies are no samples of an item. Write each once; samples that happen to be alike are accepted "
            "with a field that numbers them (sample)"
        )
    return [replace(log, repeated=log.counts.read - log.counts.read // times) for log in logs]


def _repeats(column: Answers) -> bool:
    """Whether each answer stands with the same outcome several times."""
    if len({*column.items}) * 2 > len(column.items):
        return False
    return math.gcd(*Counter(zip(column.items, map(str, column.values), strict=True)).values()) > 1
