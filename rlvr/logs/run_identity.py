"""Decide which logs are training runs of an arm, and which are benchmarks, samples or checkpoints.

Several logs of an arm are runs only if each comes from a training of its own. Checkpoints of one training are
not runs, nor are several evaluations of one model; FROZEN is not trained and has no runs. Plain files do not
name their benchmark, so a folder of them may hold benchmarks or runs. Names with seed or run are read as runs
and names that several arms share as benchmarks; for any other name the user must name each run.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import astuple, dataclass, replace
from itertools import takewhile
from pathlib import Path

from rlvr._checks import shortened
from rlvr.logs.answers import Answers, Counts, Log, LogError, OwnResult
from rlvr.logs.checkpoint_names import RUN_NAME, checkpoint_free
from rlvr.logs.decoding import different_decodings, different_temperatures
from rlvr.logs.file_names import one_evaluation
from rlvr.logs.score_checks import ScoreCheck, same_truth

__all__ = ["DATED", "Named", "joined", "name_benchmarks", "one_log_a_pool", "subtasks_as_one", "with_doubts"]

DATED = ("evalscope", "lighteval", "OpenCompass")
"""Tools that put each evaluation into a folder with its time; other dated folders may be training runs."""

_NAMING_MODELS = ("Inspect", "evalscope", "lighteval", "lm-eval")
_WEIGHTS = {
    "lm-eval": ", as in a group of lm-evaluation-harness by default",
    "evalscope": ", as in evalscope's overall score",
    "lighteval": ", but lighteval's own average gives each subtask the same weight",
}


@dataclass(frozen=True)
class Named:
    """A log with its arm, and the path under which the user gave it."""

    arm: str
    given: Path
    log: Log

    @property
    def name(self) -> str:
        return f"{self.arm}={self.log.path}"

    @property
    def below(self) -> str:
        """The path of the log below the given folder; empty if the file itself was given."""
        return "" if self.log.path == self.given else self.log.path.relative_to(self.given).as_posix()


def name_benchmarks(named: Sequence[Named]) -> list[Named]:
    """Name the benchmark of logs without one by their files, where an arm has several such logs.

    Raises
    ------
    LogError
        If an arm's files may be benchmarks or runs.
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
                "their benchmark, so they may be two benchmarks or two runs on one benchmark. Files with the "
                "same names in every arm are read as benchmarks, and names with seed or run as runs: rename "
                f"the files, or add the field benchmark to each line{way}"
            )
    for arm, found in several.items():
        what, names = one_evaluation({*found} & benchmarks)
        if what:
            both = " and ".join(shortened(str(found[name].log.path)) for name in names[:2])
            way = (
                "write all parts into one file, or add the field benchmark to each line if they are some"
                if what == "parts"
                else f"name the file that counts (--log {arm}=FILE), or each if they are runs"
            )
            raise LogError(
                f"{arm}: {both} are named like {what} of one evaluation, so they are neither "
                f"benchmarks nor runs; one file for each evaluation is accepted: {way}"
            )
    short = _without_common_end(benchmarks)
    return [
        replace(one, log=replace(one.log, benchmark=short[keys[id(one)]]))
        if keys.get(id(one)) in benchmarks
        else one
        for one in named
    ]


def _without_common_end(paths: Collection[str]) -> dict[str, str]:
    """Return each path without the parts at its end that all paths share."""
    parts = {path: path.split("/") for path in paths}
    ends = zip(*(reversed(each) for each in parts.values()), strict=False)
    n_common = sum(1 for _ in takewhile(lambda end: len({*end}) == 1, ends))
    return {path: "/".join(each[: len(each) - n_common]) or path for path, each in parts.items()}


def with_doubts(named: Sequence[Named], benchmark: str | None) -> list[Named]:
    """Add a notice to logs that may not be what they are used for.

    Logs named one by one count as runs, even with the names of checkpoints or of one model. A file of verl
    does not name its validation sets.
    """
    first: dict[tuple[str, str, str], Named] = {}
    found = []
    for one in named:
        notices = []
        if one.log.tool == "verl" and not (one.log.benchmark or benchmark):
            notices.append(
                "verl writes all validation sets into one file without their names, so this accuracy is that "
                "of all answers in the file"
            )
        place = checkpoint_free(one.log.path.as_posix())
        before = first.setdefault((one.arm, place, one.log.benchmark), one)
        if before is not one and one.arm != "frozen":
            notices.append(
                f"{one.arm}: {before.log.path.name} and {one.log.path.name} have names of checkpoints of one "
                f"training ({shortened(place)}); each counts as a run because each was given by name, but "
                "checkpoints do not measure the spread of runs"
            )
        evaluated = one.log.path.parent.as_posix() if one.log.tool == "lm-eval" else one.log.model
        model = first.setdefault((one.arm, f"model {evaluated}", one.log.benchmark), one)
        if model is not one and one.log.tool in _NAMING_MODELS and one.arm != "frozen":
            notices.append(
                f"{one.arm}: {model.log.path.name} and {one.log.path.name} both evaluate "
                f"{shortened(one.log.model)}; two evaluations of one model do not count as two runs"
            )
        found.append(replace(one, log=replace(one.log, notices=(*one.log.notices, *notices))))
    return found


def _without_run(one: Named) -> str:
    """Return a file's name, or its path below a folder, without endings and numbers of runs."""
    path = one.below or one.log.path.name
    bare = re.sub(r"(\.(jsonl|json|parquet|gz|zst))+$", "", path, flags=re.IGNORECASE)
    parts = [re.sub(r"^[-_. ]+|[-_. ]+$", "", part) for part in RUN_NAME.sub("", bare).split("/")]
    return "/".join(part for part in parts if part)


def one_log_a_pool(named: Sequence[Named]) -> list[Named]:
    """Join logs that hold samples of one evaluation."""
    groups: dict[object, list[Named]] = {}
    for one in named:
        key = (one.arm, one.log.pool, one.log.benchmark) if one.log.pool else id(one)
        groups.setdefault(key, []).append(one)
    return [
        replace(group[0], log=replace(joined([one.log for one in group]), own=_shared_own(group)))
        if len(group) > 1
        else group[0]
        for group in groups.values()
    ]


def _shared_own(group: Sequence[Named]) -> Mapping[str, tuple[OwnResult, ...]]:
    """Return the results that the logs of one evaluation state together; empty if they differ."""
    own = group[0].log.own
    return own if all(one.log.own == own for one in group) else {}


def joined(logs: Sequence[Log], prefixes: Sequence[str] = ()) -> Log:
    """Join several logs; with prefixes, items of different logs stay different.

    Raises
    ------
    LogError
        If items of several logs are the same, and the logs differ in decoding, in the prompt of an item or in
        its truth.
    """
    before = list(prefixes) or [""] * len(logs)
    if not prefixes:
        _refuse_unlike_samples(logs)
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
        checks={name: _summed([log.checks[name] for log in logs if name in log.checks]) for name in metrics},
        truths={
            f"{at}{item}": of for log, at in zip(logs, before, strict=True) for item, of in log.truths.items()
        },
        clusters={
            f"{at}{item}": of
            for log, at in zip(logs, before, strict=True)
            for item, of in log.clusters.items()
        },
        own={},
    )


def _summed(checks: Sequence[ScoreCheck]) -> ScoreCheck:
    """Add the counts of several logs."""
    return (
        ScoreCheck(*(sum(counts) for counts in zip(*map(astuple, checks), strict=True)))
        if checks
        else ScoreCheck()
    )


def _refuse_unlike_samples(logs: Sequence[Log]) -> None:
    """Refuse logs of one model whose answers to an item are not samples of one evaluation."""
    problem = different_decodings({f"{log.path}": log.decoding for log in logs})
    problem = problem or different_temperatures({f"{log.path}": log.temperature for log in logs})
    if problem:
        raise LogError(problem)
    first: dict[tuple[str, str], tuple[str, Path]] = {}
    for log in logs:
        column = next(iter(log.answers.values()), Answers())
        stated = {("prompt", item): prompt for item, prompt in zip(column.items, column.prompts, strict=True)}
        stated |= {("right answer", item): truth for item, truth in log.truths.items()}
        for key, value in stated.items():
            before, path = first.setdefault(key, (value, log.path))
            same = value == before or (key[0] == "right answer" and same_truth(value, before))
            if value and before and not same:
                raise LogError(
                    f"{path} and {log.path} differ in the {key[0]} of item {shortened(key[1], 60)}, so their "
                    "answers are not samples of one evaluation; logs with equal prompts and truths are "
                    "accepted: name one of them"
                )


def _appended(columns: Sequence[Answers], prefixes: Sequence[str]) -> Answers:
    whole = Answers()
    for column, prefix in zip(columns, prefixes, strict=True):
        whole.items.extend(f"{prefix}{item}" for item in column.items)
        whole.prompts.extend(column.prompts)
        whole.values.extend(column.values)
    return whole


def subtasks_as_one(named: Sequence[Named], benchmark: str) -> list[Named]:
    """Put all logs under one benchmark; join the subtasks of a run, whose names begin with the benchmark's.

    Other tasks of a run are left out with a notice. A task with the very name is taken alone.

    Raises
    ------
    LogError
        If one run of an arm has logs of several benchmarks, none of which is a subtask of the named one.
    """
    groups: dict[tuple[str, str, str], list[Named]] = {}
    for one in named:
        place = str(one.log.path.parent)
        groups.setdefault((one.arm, place, one.log.run if one.log.tool != "plain" else ""), []).append(one)
    below = tuple(f"{benchmark}{sign}" for sign in "_-:")
    found: list[Named] = []
    named_tasks = [list(dict.fromkeys(one.log.benchmark for one in group)) for group in groups.values()]
    selects = any(len(tasks) > 1 for tasks in named_tasks)  # otherwise the name only replaces others
    for group, tasks in zip(groups.values(), named_tasks, strict=True):
        if len(tasks) == 1 and not (selects and tasks[0]):
            found += group
            continue
        parts = [one for one in group if re.match(rf"{re.escape(benchmark)}($|\|)", one.log.benchmark)]
        parts = parts or [one for one in group if one.log.benchmark.startswith(below)]
        if not parts:
            _refuse_other_tasks(group[0].arm, tasks, benchmark)
        one_task = len({one.log.benchmark for one in parts}) == 1
        for run in [[part] for part in parts] if one_task else [parts]:
            found.append(replace(run[0], log=_whole_of(run, benchmark, tasks)))
    return [replace(one, log=replace(one.log, benchmark=benchmark)) for one in found]


def _whole_of(parts: Sequence[Named], benchmark: str, tasks: Sequence[str]) -> Log:
    """Join the subtasks of a run, and report what is joined and which other tasks are left out."""
    subtasks = list(dict.fromkeys(one.log.benchmark for one in parts))
    whole, notices = parts[0].log, []
    if len(parts) > len(subtasks):
        raise LogError(
            f"{parts[0].arm}: {shortened(str(parts[0].log.path.parent))} holds several logs of a subtask of "
            f"{benchmark}, so its runs cannot be told apart; the subtasks of one run in a folder are accepted"
        )
    if len(parts) > 1:
        whole = joined([one.log for one in parts], [f"{one.log.benchmark}: " for one in parts])
        whole = replace(whole, own=_own_of_parts([one.log for one in parts], whole.answers))
        notices.append(
            f"{len(subtasks)} subtasks of {benchmark} are joined into one benchmark in which every item has "
            f"the same weight{_WEIGHTS.get(whole.tool, '')}"
        )
    if others := [task for task in tasks if task not in subtasks]:
        notices.append(f"left out, not {benchmark}: {shortened(', '.join(others), 200)}")
    return replace(whole, notices=(*whole.notices, *notices))


def _own_of_parts(logs: Sequence[Log], metrics: Iterable[str]) -> dict[str, tuple[OwnResult, ...]]:
    """Return the results stated for subtasks, averaged over their items, where all state one."""
    own: dict[str, tuple[OwnResult, ...]] = {}
    for metric in metrics:
        stated = [log.own.get(metric, ()) for log in logs]
        if all(len(results) == 1 for results in stated):
            sizes = [len({*log.answers[metric].items}) for log in logs]
            total = sum(results[0].value * size for results, size in zip(stated, sizes, strict=True))
            own[metric] = (stated[0][0]._replace(value=total / max(sum(sizes), 1)),)
    return own


def _refuse_other_tasks(arm: str, tasks: Sequence[str], benchmark: str) -> None:
    common = re.sub(r"[^_:-]*$", "", _common_beginning(tasks)).rstrip("_:-")
    way = f"; benchmark (--benchmark) {common} joins the subtasks of {common}" if common else ""
    raise LogError(
        f"{arm}: the logs {shortened(', '.join(tasks), 200)} belong to different benchmarks, so they are not "
        f"runs on one, and by their names none is a subtask of {benchmark}{way}; without --benchmark each "
        "benchmark is a cell of its own"
    )


def _common_beginning(texts: Sequence[str]) -> str:
    first, last = min(texts), max(texts)
    n = next(
        (n for n, (a, b) in enumerate(zip(first, last, strict=False)) if a != b), min(len(first), len(last))
    )
    return first[:n]
