"""Detect several evaluations in one file of records by a field that the user did not name.

Several records of one item count as its samples. If every item has one record for each value of some field (a
subset, the path of a checkpoint), the records may belong to several evaluations and must not be averaged.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rlvr._checks import shortened
from rlvr.logs.answers import LogError
from rlvr.logs.evaluation_settings import is_setting

__all__ = ["UnnamedFields"]

_MOST_EVALUATIONS = 64
_SPLITS = frozenset(("split", "subset", "source", "origin", "partition", "fold", "collection"))
_VERDICT = re.compile(
    r"(is_|was_)?(correct|right|acc|accuracy|passed|exact_match|match)(_\w+)?|\w+_(correct|acc|match)"
)
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

    outcomes: list[Any] = field(default_factory=list)
    """The first outcome of each record."""

    def add(self, item: tuple[str, str], record: Mapping[str, Any], outcome: Any = None) -> None:
        """Add one record of an item."""
        self.outcomes.append(outcome)
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

    def _refuse_splits(self, path: Path) -> None:
        """Refuse an item that occurs in several splits."""
        for name in sorted(_SPLITS & (self.columns or {}).keys()):
            first: dict[tuple[str, str], int] = {}
            codes, column = (self.columns or {})[name]
            values = [*codes]
            for item, code in zip(self.items, column, strict=True):
                if first.setdefault(item, code) != code:
                    found = ", ".join(str(values[each]) for each in (first[item], code))
                    raise LogError(
                        f"{path}: item {shortened(item[0], 60)} has the {name}s {shortened(found, 80)}, "
                        f"so it may be several items; one {name} per item is accepted: name the field as "
                        f"that of the benchmark (--field benchmark={name}) or of the samples of an item "
                        f"(--field sample={name})"
                    )

    def settings(self) -> dict[str, str]:
        """Return the settings of the evaluation that all records share."""
        return {
            name: str(next(iter(codes)))
            for name, (codes, column) in (self.columns or {}).items()
            if len(codes) == 1 and len(column) == len(self.items) and is_setting(name.lower())
        }

    def notices(self, path: Path) -> Iterator[str]:
        """Name fields of several benchmarks, and verdicts that contradict the outcome."""
        for name, (codes, column) in (self.columns or {}).items():
            if name in _SPLITS and 1 < len(codes) <= len(self.items) / 2:
                sizes = Counter(column)
                found = ", ".join(f"{value} {sizes[code]}" for value, code in codes.items())
                yield (
                    f"{path.name}: all answers count as one benchmark, though they differ in {name} "
                    f"({shortened(found, 100)}); --field benchmark={name} makes each a benchmark of its own"
                )
            if _VERDICT.fullmatch(name) and {*codes} <= {0, 1}:
                values = [*codes]
                differing = sum(
                    outcome in (0, 1) and outcome != values[code]
                    for outcome, code in zip(self.outcomes, column, strict=True)
                    if isinstance(outcome, (bool, int, float))
                )
                if differing:
                    yield (
                        f"{path.name}: {name} contradicts the outcome that is read in {differing} of "
                        f"{len(column)} answers; --field correct={name} reads it instead"
                    )

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
        self._refuse_splits(path)
