"""Paths of evaluation logs to one table of outcomes, the items of all arms matched.

A path is a file or a folder. A file is one training run of its arm, and so is each model's log in a folder;
several evaluations or checkpoints of one model are not runs, and are refused until one is named. Items are
matched by their identifier across all logs of a benchmark, so that arms are compared item by item: what is
not in every log is refused, or counted and left out when that is asked for, and so is an item asked in
different words. Samples are averaged within their item.
"""

from __future__ import annotations

import math
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from rlvr._checks import counted, shortened, shown
from rlvr._reading import ReadingError, files_below
from rlvr.arms import ARMS
from rlvr.logs.decoding import different_decodings
from rlvr.logs.formats import ACCEPTED, Answers, Log, LogError, read_log

__all__ = ["LogTable", "Run", "logs_at", "match_items", "read_logs"]

_STEP = re.compile(r"(checkpoint|ckpt|global_step|step|iter)[-_]?\d+", re.IGNORECASE)
# What the tools lay beside their logs.
_BESIDE = re.compile(r"results_.*\.json|logs\.json|eval-set\.json|manifest\.json", re.IGNORECASE)


@dataclass(frozen=True)
class LogTable:
    """Outcomes, one row an item of a run, and what is to be said of each benchmark."""

    table: pd.DataFrame
    notices: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True)
class Run:
    """A log as a training run of an arm, by one metric: item, prompt and fraction right of each answer.

    `name` is how a refusal calls it, `number` tells the runs of an arm apart.
    """

    arm: str
    number: int
    name: str
    log: Log
    items: Sequence[str]
    prompts: Sequence[str]
    shares: NDArray[np.float64]


def read_logs(
    logs: Iterable[tuple[str, str | Path]],
    *,
    metrics: Sequence[str] = (),
    common_items: bool = False,
    benchmark: str | None = None,
    unpaired: bool = False,
) -> LogTable:
    """Read the logs of several arms and match their items.

    Parameters
    ----------
    logs : iterable of (arm, path)
        An arm may stand several times: every log of it is a run.
    metrics : sequence of str
        Needed where a log holds several; a metric, or the part of its name before or after the comma.
    common_items : bool
        Leave out what is not in every log, instead of refusing.
    benchmark : str, optional
        What all logs are about; by default each log's own task. Needed where the same is called differently.
    unpaired : bool
        Do not match items across arms: each arm is a sample of items of its own.

    Returns
    -------
    LogTable
        Its `table` has the columns study, model, benchmark, arm, run, item, correct (the fraction of the
        item's samples that were right), samples_per_item (the fewest of any item of the run) and source; and
        decoding, if a log says how it decoded.

    Raises
    ------
    LogError
        Naming the log and what is accepted.
    """
    runs = _gather(logs, metrics, benchmark)
    by_benchmark: dict[str, list[Run]] = {}
    for run in runs:
        by_benchmark.setdefault(run.log.benchmark, []).append(run)
    several_arms = len({run.arm for run in runs}) > 1
    audited = {
        name: group
        for name, group in by_benchmark.items()
        if not several_arms or len({run.arm for run in group}) > 1
    }
    if not audited:
        benchmarks = ", ".join(f"{run.name} is on {run.log.benchmark}" for run in runs)
        raise LogError(
            f"no two arms share a benchmark ({shortened(benchmarks, 300)}); "
            "benchmark (--benchmark) names what all are on"
        )
    left_out = [f"left out, in one arm only: {name}" for name in by_benchmark if name not in audited]
    notices: dict[str, tuple[str, ...]] = {}
    parts = []
    for name, group in audited.items():
        if problem := different_decodings({run.name: run.log.decoding for run in group}):
            raise LogError(f"{name}: {problem}")
        by_arm = {arm: arm_runs for arm in ARMS if (arm_runs := [run for run in group if run.arm == arm])}
        lines = [notice for run in group for notice in run.log.notices]
        apart = {f"{arm}: ": arm_runs for arm, arm_runs in by_arm.items()}
        for prefix, compared in (apart if unpaired else {"": group}).items():
            part, more = match_items(name, compared, common_items, prefix=prefix)
            parts.append(part.assign(benchmark=name))
            lines += more
        counts = {arm: len(arm_runs) for arm, arm_runs in by_arm.items() if len(arm_runs) > 1}
        lines += [f"{arm}: {n} logs are {n} runs" for arm, n in counts.items()]
        notices[name] = tuple(dict.fromkeys([*lines, *left_out]))
    model = next((run.log.model for run in runs if run.arm == "frozen" and run.log.model), "model")
    table = pd.concat(parts, ignore_index=True).assign(study="logs", model=model)
    if any(run.log.decoding for run in runs):
        decodings = {str(run.log.path): run.log.decoding for run in runs}
        table["decoding"] = table["source"].map(decodings).astype("category")
    return LogTable(table, notices)


def _gather(
    logs: Iterable[tuple[str, str | Path]], metrics: Sequence[str], benchmark: str | None
) -> list[Run]:
    runs: list[Run] = []
    files: dict[tuple[int, int], str] = {}
    for arm, path in logs:
        if arm not in ARMS:
            raise LogError(f"a log's arm must be one of {', '.join(ARMS)}, got {shown(arm)}")
        for log in logs_at(arm, Path(path)):
            name = f"{arm}={log.path}"
            status = log.path.stat()
            if (before := files.setdefault((status.st_dev, status.st_ino), name)) is not name:
                raise LogError(f"{name}: the same file stands as {before}; each log is accepted once")
            log = replace(log, benchmark=benchmark or log.benchmark or "benchmark")
            number = sum(run.arm == arm and run.log.benchmark == log.benchmark for run in runs) + 1
            metric = _metric(name, log, metrics)
            answers = log.answers[metric]
            shares = _shares(answers, f"{name}: {metric}")
            runs.append(Run(arm, number, name, log, answers.items, answers.prompts, shares))
    if not runs:
        raise LogError("no log was given; name at least one as ARM=PATH")
    models = sorted({run.log.model for run in runs if run.arm == "frozen" and run.log.model})
    if len(models) > 1:
        raise LogError(
            f"frozen: logs of {len(models)} models ({shortened(', '.join(models))}); "
            "FROZEN is one model, untrained"
        )
    return runs


def logs_at(arm: str, path: Path) -> list[Log]:
    """The logs of a file, or of a folder and all below it, in the order of their names.

    `arm` is for the refusals. There is at most one log a model and benchmark.

    Raises
    ------
    LogError
        If there is no log, or a folder holds several evaluations or checkpoints of one model.
    """
    if not path.is_dir():
        if not os.path.lexists(path):
            raise LogError(f"{arm}={shortened(str(path))}: no such file or folder; {ACCEPTED}")
        return [read_log(path)]
    try:
        below = files_below(path)
    except ReadingError as error:
        raise LogError(f"{arm}={error}; a folder that may be read whole is accepted") from None
    files = [
        file
        for file in sorted(below, key=_natural)
        if file.suffix in (".jsonl", ".json", ".eval") and not _BESIDE.fullmatch(file.name)
    ]
    if not files:
        raise LogError(f"{arm}={path}: a folder without a log; {ACCEPTED}")
    logs = [read_log(file) for file in files]
    tools = sorted({log.tool for log in logs})
    if len(tools) > 1:
        raise LogError(f"{arm}={path}: holds logs of {' and '.join(tools)}; name the files that are meant")
    first: dict[tuple[str, str, str], Log] = {}
    for log in logs:
        # A model's checkpoints differ in their step alone.
        run = _STEP.sub("*", str(log.path.parent)), _STEP.sub("*", log.run or log.model), log.benchmark
        before = first.setdefault(run, log)
        if before is not log:
            both = f"{before.path.relative_to(path)} and {log.path.relative_to(path)}"
            raise LogError(
                f"{arm}={path}: {shortened(both, 300)} are two evaluations or checkpoints of one model, "
                f"not two runs; name the one that counts ({arm}=FILE), or each of them if they are runs"
            )
        if log.step != logs[0].step:
            raise LogError(
                f"{arm}={path}: runs at the steps {logs[0].step} and {log.step} of training; "
                "runs of equal length are accepted, or name the files"
            )
    return logs


def _natural(path: Path) -> list[tuple[int, int, str]]:
    """A key by which run10 follows run9."""
    parts = re.split(r"(\d+)", str(path))
    return [(1, int(part), "") if part.isdecimal() else (0, 0, part) for part in parts]


def _metric(name: str, log: Log, metrics: Sequence[str]) -> str:
    """The one metric of a log that says right or wrong."""
    if not log.answers:
        raise LogError(f"{name}: holds no scored answer; a log with scores is accepted")
    fitting = [
        metric
        for metric in log.answers
        if not metrics or any(wanted in (metric, *metric.split(",")) for wanted in metrics)
    ]
    exact = [metric for metric in fitting if metric in metrics]
    if len(exact or fitting) == 1:
        return (exact or fitting)[0]
    n_fitting = f"{len(fitting)} that fit" if metrics else f"{len(fitting)}"
    raise LogError(
        f"{name}: metric (--metric) must name one of {shortened(', '.join(map(repr, log.answers)), 400)}; "
        f"{n_fitting if fitting else 'none that is asked for'} stand in this log"
    )


def _shares(answers: Answers, where: str) -> NDArray[np.float64]:
    """The fraction right of each answer."""
    values = pd.Series(answers.values, dtype=object)
    try:
        shares = pd.to_numeric(values, errors="coerce").to_numpy(dtype=float)
    except OverflowError:  # a whole number beyond any float
        huge = values.map(lambda value: isinstance(value, int) and value.bit_length() > 1000)
        shares = pd.to_numeric(values.mask(huge, math.inf), errors="coerce").to_numpy(dtype=float)
    wrong = np.flatnonzero(~((shares >= 0) & (shares <= 1)))
    if wrong.size:
        at = int(wrong[0])
        raise LogError(
            f"{where} of item {shortened(answers.items[at])} must be right or wrong, or a fraction from 0 "
            f"to 1, got {shown(answers.values[at])}"
        )
    return shares


def match_items(
    benchmark: str, runs: Sequence[Run], common_items: bool, *, prefix: str = ""
) -> tuple[pd.DataFrame, list[str]]:
    """The outcomes of the items that every run answered, one row an item of a run, and notices.

    `common_items` leaves out what is not in every log, instead of refusing; `prefix` stands before the names
    of items that are one arm's own.

    Raises
    ------
    LogError
        If items are missing, or asked in different words.
    """
    codes, items = pd.factorize(np.concatenate([np.array(run.items, dtype=object) for run in runs]))
    places = np.split(codes, np.cumsum([len(run.items) for run in runs])[:-1])
    # Never a matrix of all runs and all items: of runs that share none, its size is the square of the logs'.
    answered = [np.unique(place) for place in places]
    n_runs = np.bincount(np.concatenate(answered), minlength=items.size)
    common = np.flatnonzero(n_runs == len(runs))
    notices = _missing(benchmark, runs, items, answered, common.size, common_items)
    _refuse_other_prompts(benchmark, runs, items, places)
    shares, counts = np.empty((len(runs), common.size)), np.empty((len(runs), common.size), dtype=np.int64)
    column = np.full(items.size, -1)
    column[common] = np.arange(common.size)
    for number, (place, run) in enumerate(zip(places, runs, strict=True)):
        columns = column[place]
        is_common = columns >= 0
        counts[number] = np.bincount(columns[is_common], minlength=common.size)
        shares[number] = np.bincount(columns[is_common], run.shares[is_common], common.size) / counts[number]
    notices += [
        f"{run.name}: {count.min()} to {count.max()} samples an item, each item counts the same"
        for run, count in zip(runs, counts, strict=True)
        if count.min() < count.max()
    ]
    names = np.array([f"{prefix}{item}" for item in items[common]], dtype=object)

    def of_runs(values: Sequence[object]) -> pd.Categorical:
        return pd.Categorical(values).repeat(common.size)

    outcomes = {
        "arm": of_runs([run.arm for run in runs]),
        "run": of_runs([str(run.number) for run in runs]),
        "item": pd.Categorical.from_codes(np.tile(np.arange(common.size), len(runs)), names),
        "correct": shares.ravel(),
        "samples_per_item": of_runs(counts.min(axis=1).tolist()),
        "source": of_runs([str(run.log.path) for run in runs]),
    }
    return pd.DataFrame(outcomes), notices


def _missing(
    benchmark: str,
    runs: Sequence[Run],
    items: NDArray,
    answered: Sequence[NDArray[np.int64]],
    n_common: int,
    common_items: bool,
) -> list[str]:
    """What is not in every log, as a notice; a refusal unless that is allowed."""
    n_lacking = items.size - np.array([place.size for place in answered])
    if not n_lacking.any():
        return []
    lacking = "; ".join(f"{run.name} lacks {n}" for run, n in zip(runs, n_lacking, strict=True) if n)
    left_out = f"{items.size - n_common} of {counted(items.size, 'item')}"
    sizes = f"{benchmark}: {left_out} are not in every log ({shortened(lacking, 400)}"
    if not n_common:
        tools = sorted({run.log.tool for run in runs})
        why = (
            f"{' and '.join(tools)} name items each in its own way"
            if len(tools) > 1
            else "an item is known by its whole input"
            if tools == ["verl"]
            else "the logs are of other items"
        )
        raise LogError(f"{sizes}): {why}; unpaired (--unpaired) takes the arms without matching items")
    if not common_items:
        first = shortened(str(np.delete(items, answered[int(n_lacking.argmax())])[0]), 60)
        raise LogError(
            f"{sizes}; the first is {first}); "
            f"common_items (--common-items) audits the {n_common} that every log has"
        )
    return [f"{left_out} left out, not in every log: {lacking}"]


def _refuse_other_prompts(
    benchmark: str, runs: Sequence[Run], items: NDArray, places: Sequence[NDArray[np.int64]]
) -> None:
    """Refuse logs of one tool that asked the same item in different words."""
    first: dict[str, tuple[Run, NDArray]] = {}
    for run, place in zip(runs, places, strict=True):
        answered, last = np.unique(place[::-1], return_index=True)
        prompts = np.array(run.prompts, dtype=object)[::-1][last]
        if run.log.tool not in first:
            first[run.log.tool] = run, np.full(items.size, "", dtype=object)
        other, before = first[run.log.tool]
        if other is run:
            before[answered] = prompts
        differ = (prompts != before[answered]) & (prompts != "") & (before[answered] != "")
        changed = answered[differ]
        if changed.size:
            at = int(changed[0])
            raise LogError(
                f"{benchmark}: {other.name} and {run.name} differ in the prompt of "
                f"{changed.size} of {counted(items.size, 'item')}, "
                f"the first is {shortened(str(items[at]), 60)} "
                f"(prompts {before[at][:12]} and {prompts[differ][0][:12]}); arms asked the same are accepted"
            )
