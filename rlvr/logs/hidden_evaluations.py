"""Detect several evaluations in one file of records by a field that the user did not name.

Several records of one item count as its samples. If every item has one record for each value of some field (a
subset, the path of a checkpoint), the records may belong to several evaluations and must not be averaged.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rlvr._checks import shortened
from rlvr.logs.answers import LogError

__all__ = ["UnnamedFields"]

_MOST_EVALUATIONS = 64
_FEWEST_ITEMS = 5  # fewer items can have each value once by chance
_NUMBERS_SAMPLES = re.compile(
    r"(^|[_. -])(samples?|seed|trial|attempt|rollout|rep|repeat|repetition|replicate|gen|generation|response|"
    r"completion|draw|try)s?([_. -]|$)|^(idx|index|[nkij])$",
    re.IGNORECASE,
)


@dataclass
class UnnamedFields:
    """Fields without a known meaning and with few values, one of which may separate evaluations."""

    known: set[str]
    """Names of fields with a known meaning."""
    items: list[tuple[str, str]] = field(default_factory=list)
    """Item and benchmark of each record."""
    columns: dict[str, tuple[dict[Any, int], list[int]]] | None = None
    """For each field, its values with their codes, and the code in each record."""

    def add(self, item: tuple[str, str], record: Mapping[str, Any]) -> None:
        """Add one record of an item."""
        if self.columns is None:
            names = [name for name in record if name not in self.known and not _NUMBERS_SAMPLES.search(name)]
            self.columns = {name: ({}, []) for name in names}
        self.items.append(item)
        for name, (codes, column) in [*self.columns.items()]:
            value = record.get(name)
            if isinstance(value, (dict, list)) or len(codes) > _MOST_EVALUATIONS:
                del self.columns[name]
            else:
                column.append(codes.setdefault(value, len(codes)))

    def refuse_evaluations(self, path: Path) -> None:
        """Refuse a field of which every repeated item has each value equally often."""
        if len({*self.items}) == len(self.items):
            return
        for name, (codes, column) in (self.columns or {}).items():
            pairs = Counter(zip(self.items, column, strict=True))
            n_values = Counter(item for item, _ in pairs)
            n_several = sum(n > 1 for n in n_values.values())
            if (
                n_several >= _FEWEST_ITEMS
                and len({*pairs.values()}) == 1
                and max(n_values.values()) == len(codes)
            ):
                raise LogError(
                    f"{path}: holds {n_several} items once for each {name} "
                    f"({shortened(', '.join(map(str, codes)), 80)}), so these may be several evaluations or "
                    f"benchmarks; one evaluation is accepted: write one file per {name}, or name the field "
                    f"as that of the benchmark (--field benchmark={name}) or of the samples of an item "
                    f"(--field sample={name})"
                )
