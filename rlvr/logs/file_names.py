"""Names of files that are parts or copies of one evaluation, and neither benchmarks nor runs."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from pathlib import Path

__all__ = ["aside_free", "is_hidden", "one_evaluation", "same_but_for_endings"]

_PART = re.compile(
    r"(?<![a-z])(rank|shard|part|chunk|worker|gpu|process|proc|dp|node|slice|piece)s?[-_=. ]?\d+"
    r"([-_]?of[-_]?\d+)?|(?<![a-z\d])\d+[-_]?of[-_]?\d+",
    re.IGNORECASE,
)
_NUMBERED = re.compile(  # level_0 and babi_1 may be benchmarks
    r"((?:.*[/._-])?(?:pred(?:iction)?|output|sample|result|generation|response|completion|answer|score|eval"
    r"|evaluation|log|data|file|batch)s?[._-]?|(?:.*/)?)0*(\d+)",
    re.IGNORECASE,
)
_ASIDE = re.compile(
    r"old|backups?|bak|archived?|tmp|temp|prev(ious)?|re-?run|retry|redo|wrong|debug|failed|broken|deprecated",
    re.IGNORECASE,
)
_DATED = re.compile(r"v\d+|\d{4}-?\d\d-?\d\d([T_-][\d.:-]+)?", re.IGNORECASE)
_COPY = re.compile(rf"[ _-]\(?copy\)?( ?\d+)?$| ?\(\d+\)$|[ _.-]({_ASIDE.pattern})$", re.IGNORECASE)
_ENDINGS = re.compile(r"(\.(jsonl|json|eval|parquet|gz|zst))+$", re.IGNORECASE)


def is_hidden(path: Path) -> bool:
    """Whether a file or a folder of a relative path is hidden, as notebooks and archives leave them."""
    return any(part.startswith(".") or part == "__MACOSX" for part in path.parts)


def aside_free(place: str) -> str:
    """Leave out of a path the folders into which earlier evaluations are put aside.

    Examples
    --------
    >>> aside_free("m/old"), aside_free("backup"), aside_free("seed1/m")
    ('m', '.', 'seed1/m')
    """
    return "/".join(part for part in place.split("/") if not _ASIDE.fullmatch(part)) or "."


def same_but_for_endings(files: Sequence[Path]) -> tuple[Path, Path] | None:
    """Return two files that differ only in their endings, such as a.jsonl and a.jsonl.gz."""
    first: dict[str, Path] = {}
    for file in files:
        if (before := first.setdefault(_ENDINGS.sub("", str(file)), file)) is not file:
            return before, file
    return None


def one_evaluation(names: Collection[str]) -> tuple[str, list[str]]:
    """Return what several names of files of one arm share, and those names; empty if they may be benchmarks.

    Examples
    --------
    >>> one_evaluation(["rank0", "rank1"]), one_evaluation(["a", "a copy"])
    (('parts', ['rank0', 'rank1']), ('copies or repetitions', ['a', 'a copy']))
    >>> one_evaluation(["output_0", "output_1"]), one_evaluation(["aime24", "aime25"])
    (('parts', ['output_0', 'output_1']), ('', []))
    """
    groups: dict[tuple[str, str], list[str]] = {}
    numbers: dict[str, list[int]] = {}
    for name in sorted(names):
        parts = [_COPY.sub("", part) for part in name.split("/")]
        plain = [part for part in parts[:-1] if not (_ASIDE.fullmatch(part) or _DATED.fullmatch(part))]
        groups.setdefault(("copies or repetitions", "/".join([*plain, parts[-1]])), []).append(name)
        groups.setdefault(("parts", _PART.sub("*", name)), []).append(name)
        if numbered := _NUMBERED.fullmatch(name):
            groups.setdefault(("numbered", numbered[1]), []).append(name)
            numbers.setdefault(numbered[1], []).append(int(numbered[2]))
    for (what, stem), same in groups.items():
        if len(same) < 2:
            continue
        if what != "numbered":
            return what, same
        if sorted(numbers[stem]) == [*range(len(same))]:
            return "parts", same
    return "", []
