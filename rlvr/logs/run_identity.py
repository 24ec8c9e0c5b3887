"""Which logs are training runs of an arm, and which are benchmarks, samples, checkpoints or copies.

Several logs of an arm are runs only where each is a training of its own. A folder's checkpoints are not, nor
are several evaluations of one model; FROZEN is not trained and has none. Plain files do not name their
benchmark, so a folder of them may hold benchmarks or runs: names that say seed or run are runs, names that
several arms share are benchmarks, and anything else is refused until each run is named.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from itertools import takewhile
from pathlib import Path

from rlvr._checks import shortened
from rlvr.logs.answers import Answers, Counts, Log, LogError

__all__ = [
    "Named",
    "checkpoint_free",
    "joined",
    "name_benchmarks",
    "one_log_a_pool",
    "subtasks_as_one",
    "with_doubts",
]

_WORDS = "checkpoints?|ckpts?|chkpt|cp|global[-_]?steps?|steps?|iters?|iterations?|updates?|epochs?|ep"
_STEP = re.compile(
    rf"(?<![a-z])({_WORDS})[-_=. ]?(\d+(\.\d+)?k?|final|last|best|latest)(?![a-z])"
    rf"|(?<![a-z\d])\d+k?[-_]?({_WORDS})(?![a-z])",
    re.IGNORECASE,
)
_NUMBER = re.compile(r"(?<![^/])\d+(?=(\.[a-z.]+)?(/|$))", re.IGNORECASE)  # a folder or file that is a number
_RUN = re.compile(
    r"(?<![a-z])(seeds?|runs?|rep|repeats?|replicates?|trials?|rng|rs)[-_=. ]?\d+(?![a-z\d])"
    r"|(?<![^/])[sr]\d+(?=\.|/|$)",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Named:
    """A log, the arm and the path that it was given by, and its path below that, empty if it is that file."""

    arm: str
    given: Path
    log: Log

    @property
    def name(self) -> str:
        return f"{self.arm}={self.log.path}"

    @property
    def below(self) -> str:
        """Where the log lies below the folder that was given; empty for a file that was given itself."""
        return "" if self.log.path == self.given else self.log.path.relative_to(self.given).as_posix()


def checkpoint_free(text: str) -> str:
    """A path or name without what tells checkpoints of one training apart.

    Examples
    --------
    >>> checkpoint_free("out/epoch1/m"), checkpoint_free("out/step=100/m"), checkpoint_free("out/seed1/200")
    ('out/*/m', 'out/*/m', 'out/seed1/*')
    """
    return _NUMBER.sub("*", _STEP.sub("*", text))


def name_benchmarks(named: Sequence[Named]) -> list[Named]:
    """Give logs that do not name their benchmark the name of their file, where an arm has several of them.

    Raises
    ------
    LogError
        If it cannot be told whether an arm's files are benchmarks or runs.
    """
    silent = [one for one in named if not one.log.benchmark and one.log.run]
    keys = {id(one): _without_run(one) for one in silent}
    by_arm: dict[str, dict[str, Named]] = {}
    for one in silent:
        by_arm.setdefault(one.arm, {}).setdefault(keys[id(one)], one)
    several = {arm: found for arm, found in by_arm.items() if len(found) > 1}
    benchmarks: set[str] = set()
    for arm, found in several.items():
        others = [set(theirs) for other, theirs in by_arm.items() if other != arm]
        if set(found) in others or (not others and arm == "frozen"):
            benchmarks |= {*found}
        elif arm == "frozen" or any(one.below for one in found.values()):
            one, other = list(found.values())[:2]
            way = "" if arm == "frozen" else f", or name each run's file (--log {arm}=FILE)"
            raise LogError(
                f"{arm}: {shortened(str(one.log.path))} and {shortened(str(other.log.path))} do not name "
                "their benchmark, so they may be two benchmarks or two runs of one. Files that are named "
                "alike in every arm are read as benchmarks, names with seed or run as runs; or write "
                f"benchmark into each line{way}"
            )
    short = _without_common_end(benchmarks)
    return [
        replace(one, log=replace(one.log, benchmark=short[keys[id(one)]]))
        if keys.get(id(one)) in benchmarks
        else one
        for one in named
    ]


def _without_common_end(paths: Collection[str]) -> dict[str, str]:
    """Each path without the parts at its end that all have."""
    parts = {path: path.split("/") for path in paths}
    ends = zip(*(reversed(each) for each in parts.values()), strict=False)
    n_common = sum(1 for _ in takewhile(lambda end: len({*end}) == 1, ends))
    return {path: "/".join(each[: len(each) - n_common]) or path for path, each in parts.items()}


def with_doubts(named: Sequence[Named], benchmark: str | None) -> list[Named]:
    """Logs with a notice of what is not as their names say it.

    Named one by one, logs are runs although their names are those of checkpoints or of one model; and verl
    does not name the validation sets of a file.
    """
    first: dict[tuple[str, str, str], Named] = {}
    found = []
    for one in named:
        notices = []
        if one.log.tool == "verl" and not (one.log.benchmark or benchmark):
            notices.append(
                "verl writes all validation sets into one file without their names: this is one accuracy "
                "over all that the file holds"
            )
        place = checkpoint_free(one.log.path.as_posix())
        before = first.setdefault((one.arm, place, one.log.benchmark), one)
        if before is not one and one.arm != "frozen":
            notices.append(
                f"{one.arm}: {before.log.path.name} and {one.log.path.name} are named as checkpoints of one "
                f"training ({shortened(place)}); each was named, so each counts as a run, but the spread of "
                "checkpoints is not that of runs"
            )
        evaluated = one.log.path.parent.as_posix() if one.log.tool == "lm-eval" else one.log.model
        model = first.setdefault((one.arm, f"model {evaluated}", one.log.benchmark), one)
        if model is not one and one.log.tool in ("Inspect", "lm-eval") and one.arm != "frozen":
            notices.append(
                f"{one.arm}: {model.log.path.name} and {one.log.path.name} both evaluate "
                f"{shortened(one.log.model)}; two evaluations of one model are not two runs"
            )
        found.append(replace(one, log=replace(one.log, notices=(*one.log.notices, *notices))))
    return found


def _without_run(one: Named) -> str:
    """A file's name, or its path below a folder, without endings and what numbers a run."""
    path = one.below or one.log.path.name
    bare = re.sub(r"(\.(jsonl|json|parquet|gz|zst))+$", "", path, flags=re.IGNORECASE)
    parts = [re.sub(r"^[-_. ]+|[-_. ]+$", "", part) for part in _RUN.sub("", bare).split("/")]
    return "/".join(part for part in parts if part)


def one_log_a_pool(named: Sequence[Named]) -> list[Named]:
    """Logs that hold samples of one evaluation, as one log."""
    groups: dict[object, list[Named]] = {}
    for one in named:
        key = (one.arm, one.log.pool, one.log.benchmark) if one.log.pool else id(one)
        groups.setdefault(key, []).append(one)
    return [
        replace(group[0], log=joined([one.log for one in group])) if len(group) > 1 else group[0]
        for group in groups.values()
    ]


def joined(logs: Sequence[Log], prefixes: Sequence[str] = ()) -> Log:
    """Several logs as one; with prefixes, the items of each are its own."""
    before = list(prefixes) or [""] * len(logs)
    metrics = {
        name: _appended([log.answers[name] for log in logs], before)
        for name in logs[0].answers
        if all(name in log.answers for log in logs)
    }
    read = [log.reread for log in logs if log.reread]
    return replace(
        logs[0],
        answers=metrics,
        counts=Counts(sum(log.counts.read for log in logs), sum(log.counts.errored for log in logs)),
        repeated=sum(log.repeated for log in logs),
        notices=tuple(dict.fromkeys(notice for log in logs for notice in log.notices)),
        outputs="/".join(log.outputs for log in logs) if all(log.outputs for log in logs) else "",
        reread=_appended(read, before) if len(read) == len(logs) else None,
        own={},
    )


def _appended(columns: Sequence[Answers], prefixes: Sequence[str]) -> Answers:
    whole = Answers()
    for column, prefix in zip(columns, prefixes, strict=True):
        whole.items.extend(f"{prefix}{item}" for item in column.items)
        whole.prompts.extend(column.prompts)
        whole.values.extend(column.values)
    return whole


def subtasks_as_one(named: Sequence[Named], benchmark: str) -> list[Named]:
    """All logs under one benchmark; of a run the subtasks, whose names begin with it, as one log.

    Raises
    ------
    LogError
        If one run of an arm has logs of several benchmarks that are no subtasks of the one named.
    """
    groups: dict[tuple[str, str, str], list[Named]] = {}
    for one in named:
        place = str(one.log.path.parent)
        groups.setdefault((one.arm, place, one.log.run if one.log.tool != "plain" else ""), []).append(one)
    found: list[Named] = []
    for group in groups.values():
        tasks = list(dict.fromkeys(one.log.benchmark for one in group))
        if len(tasks) == 1:
            found += group
        elif all(task == benchmark or task.startswith((f"{benchmark}_", f"{benchmark}-")) for task in tasks):
            whole = joined([one.log for one in group], [f"{one.log.benchmark}: " for one in group])
            notice = (
                f"{len(tasks)} subtasks of {benchmark} as one benchmark, each item with the same weight, as "
                "lm-evaluation-harness weights a group by default"
            )
            found.append(replace(group[0], log=replace(whole, notices=(*whole.notices, notice))))
        else:
            _refuse_other_tasks(group[0].arm, tasks, benchmark)
    return [replace(one, log=replace(one.log, benchmark=benchmark)) for one in found]


def _refuse_other_tasks(arm: str, tasks: Sequence[str], benchmark: str) -> None:
    common = re.sub(r"[^_-]*$", "", _common_beginning(tasks)).rstrip("_-")
    way = f"; benchmark (--benchmark) {common} takes the subtasks of {common} as one" if common else ""
    raise LogError(
        f"{arm}: logs of {shortened(', '.join(tasks), 200)} are of other benchmarks, not runs of one, and "
        f"none is a subtask of {benchmark} by its name{way}; without --benchmark each is a cell of its own"
    )


def _common_beginning(texts: Sequence[str]) -> str:
    first, last = min(texts), max(texts)
    n = next(
        (n for n, (a, b) in enumerate(zip(first, last, strict=False)) if a != b), min(len(first), len(last))
    )
    return first[:n]
