"""Paths of evaluation logs to one table of outcomes, the items of all arms matched.

A path is a file or a folder. A file is one training run of its arm, and so is each model's log in a folder;
several evaluations or checkpoints of one model are not runs, and are refused until one is named
(:mod:`rlvr.logs.run_identity`). Items are matched by their identifier across all logs of a benchmark, so
that arms are compared item by item: what is not in every log is refused, or counted and left out when that is
asked for, and so is an item asked in different words. Samples are averaged within their item.
"""

from __future__ import annotations

import math
import os
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from rlvr._checks import counted, shortened, shown
from rlvr._reading import ReadingError, files_below
from rlvr.arms import ARMS
from rlvr.logs.answers import Answers, Log, LogError, UnfinishedLog
from rlvr.logs.decoding import different_decodings, different_temperatures
from rlvr.logs.formats import ACCEPTED, read_benchmarks
from rlvr.logs.log_notices import copies, lost_notices, own_notices, refuse_copies, score_notices
from rlvr.logs.records import READING, Fields, fields_from
from rlvr.logs.run_identity import (
    Named,
    checkpoint_free,
    joined,
    name_benchmarks,
    one_log_a_pool,
    subtasks_as_one,
    with_doubts,
)

__all__ = ["Account", "LogTable", "Run", "logs_at", "match_items", "read_logs"]

# What the tools lay beside their logs.
_BESIDE = re.compile(
    r"results_.*\.json|.*_results\.json|logs\.json|eval-set\.json|manifest\.json|.*metrics.*\.json|config\.json|"
    r".*-(requests|recorded-inputs)\.jsonl",
    re.IGNORECASE,
)
_LOGS = re.compile(r".*\.(jsonl|json|eval|parquet)(\.gz|\.zst)?", re.IGNORECASE)


@dataclass(frozen=True)
class Account:
    """What became of the answers of one log: how many were read, scored, not scored, failed, left out.

    `repeated` repeat another to the letter, in a log where all answers do.
    """

    arm: str
    run: int
    source: str
    read: int
    scored: int
    unscored: int
    errored: int
    left_out: int
    repeated: int = 0


@dataclass(frozen=True)
class LogTable:
    """Outcomes, one row an item of a run; by benchmark what is to be said, and what became of each answer.

    For each row `n_samples` is how many answers it has and `n_right` how many were right, -1 where some were
    neither right nor wrong.
    """

    table: pd.DataFrame
    notices: Mapping[str, tuple[str, ...]]
    accounts: Mapping[str, tuple[Account, ...]] = field(default_factory=dict)
    n_samples: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    n_right: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, dtype=np.int64))


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
    notices: tuple[str, ...] = ()


# Beside pyarrow, pandas would keep text as UTF-8, which not every name of a file or an item is.
@pd.option_context("mode.string_storage", "python")
def read_logs(
    logs: Iterable[tuple[str, str | Path]],
    *,
    metrics: Sequence[str] = (),
    common_items: bool = False,
    benchmark: str | None = None,
    unpaired: bool = False,
    fields: Sequence[str] = (),
    split_samples: bool = False,
) -> LogTable:
    """Read the logs of several arms and match their items.

    Parameters
    ----------
    logs : iterable of (arm, path)
        An arm may stand several times: every log of it is a run.
    metrics : sequence of str
        Needed where a log holds several; a metric, or the part of its name before or after the comma. What
        is named is taken as it is logged, with a notice of what speaks against it; "reading" holds each
        output against its truth.
    common_items : bool
        Leave out what is not in every log, instead of refusing.
    benchmark : str, optional
        What all logs are about; by default each log's own task. Needed where the same is called differently,
        and to take subtasks whose names begin with it as one.
    unpaired : bool
        Do not match items across arms: each arm is a sample of items of its own.
    fields : sequence of str
        ``PART=NAME``: where in a record of no known tool each part stands, at least item and correct; see
        :class:`rlvr.logs.records.Fields`.
    split_samples : bool
        Take items with other numbers of samples for another benchmark.

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
    named = _gather(logs, fields_from(fields) if fields else None, benchmark)
    runs = _as_runs(named, metrics, split_samples)
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
    accounts: dict[str, tuple[Account, ...]] = {}
    parts = []
    for name, group in audited.items():
        decodings = {run.name: run.log.decoding for run in group}
        temperatures = {run.name: run.log.temperature for run in group}
        if problem := different_decodings(decodings) or different_temperatures(temperatures):
            raise LogError(f"{name}: {problem}")
        by_arm = {arm: arm_runs for arm in ARMS if (arm_runs := [run for run in group if run.arm == arm])}
        lines = [notice for run in group for notice in (*run.log.notices, *run.notices)]
        lines += copies(name, group)
        apart = {f"{arm}: ": arm_runs for arm, arm_runs in by_arm.items()}
        accounted: dict[str, Account] = {}
        for prefix, compared in (apart if unpaired else {"": group}).items():
            part, more = match_items(name, compared, common_items, prefix=prefix)
            parts.append(part.assign(benchmark=name))
            lines += more
            n_common = {*compared[0].items}.intersection(*(run.items for run in compared[1:]))
            accounted |= {run.name: _account(run, n_common if common_items else None) for run in compared}
        accounts[name] = tuple(accounted[run.name] for run in group)
        counts = {arm: len(arm_runs) for arm, arm_runs in by_arm.items() if len(arm_runs) > 1}
        lines += [f"{arm}: {n} logs are {n} runs" for arm, n in counts.items()]
        notices[name] = tuple(dict.fromkeys([*lines, *left_out]))
    model = next((run.log.model for run in runs if run.arm == "frozen" and run.log.model), "model")
    table = pd.concat(parts, ignore_index=True).assign(study="logs", model=model)
    if any(run.log.decoding for run in runs):
        stated = {str(run.log.path): run.log.decoding for run in runs}
        table["decoding"] = table["source"].map(stated).astype("category")
    if any(run.log.clusters for run in runs):
        table["cluster"] = _clusters_of(audited, parts)
    n_samples, n_right = (table.pop(name).to_numpy() for name in ("n_samples", "n_right"))
    return LogTable(table, notices, accounts, n_samples, n_right)


def _clusters_of(audited: Mapping[str, Sequence[Run]], parts: Sequence[pd.DataFrame]) -> list[str]:
    """Of each row which question its item is a variant of, as any log of its benchmark says it."""
    known: dict[tuple[str, str], tuple[Run, str]] = {}
    for benchmark, group in audited.items():
        for run in group:
            for item, cluster in run.log.clusters.items():
                before, first = known.setdefault((benchmark, item), (run, cluster))
                if first != cluster:
                    raise LogError(
                        f"{benchmark}: item {shortened(item, 60)} stands in cluster {shown(first)} in "
                        f"{before.name} and in {shown(cluster)} in {run.name}; one an item is accepted"
                    )
    found = []
    for part in parts:
        benchmark = str(part["benchmark"].iloc[0])
        for arm, item in zip(part["arm"], part["item"], strict=True):
            name = (benchmark, item if (benchmark, item) in known else item.removeprefix(f"{arm}: "))
            if name not in known:
                raise LogError(
                    f"{benchmark}: item {shortened(item, 60)} of the {arm} arm has no cluster, other items "
                    "have one; a cluster for each item is accepted, or none"
                )
            found.append(known[name][1])
    return found


def _account(run: Run, common: set[str] | None) -> Account:
    """What became of a log's answers; `common` are the items that were not left out, None for all."""
    counts, n_scored = run.log.counts, len(run.items)
    n_read = max(counts.read, n_scored)
    left_out = 0 if common is None else sum(item not in common for item in run.items)
    unscored = n_read - n_scored - counts.errored
    return Account(
        run.arm, run.number, str(run.log.path), n_read, n_scored, max(unscored, 0), counts.errored, left_out,
        run.log.repeated,
    )  # fmt: skip


def _gather(
    logs: Iterable[tuple[str, str | Path]], fields: Fields | None, benchmark: str | None
) -> list[Named]:
    """All logs of all arms, each with its benchmark, one a training run."""
    named: list[Named] = []
    files: dict[tuple[int, int], str] = {}
    for arm, path in logs:
        if arm not in ARMS:
            raise LogError(f"a log's arm must be one of {', '.join(ARMS)}, got {shown(arm)}")
        found = logs_at(arm, Path(path), fields)
        for file in dict.fromkeys(log.path for log in found):
            status = file.stat()
            name = f"{arm}={file}"
            if (before := files.setdefault((status.st_dev, status.st_ino), name)) is not name:
                raise LogError(f"{name}: the same file stands as {before}; each log is accepted once")
        named += [Named(arm, Path(path), log) for log in found]
    if not named:
        raise LogError("no log was given; name at least one as ARM=PATH")
    models = sorted({one.log.model for one in named if one.arm == "frozen" and one.log.model})
    if len(models) > 1:
        raise LogError(
            f"frozen: logs of {len(models)} models ({shortened(', '.join(models))}); "
            "FROZEN is one model, untrained"
        )
    refuse_copies(named)
    named = with_doubts(name_benchmarks(one_log_a_pool(named)), benchmark)
    if benchmark:
        return subtasks_as_one(named, benchmark)
    return [replace(one, log=replace(one.log, benchmark=one.log.benchmark or "benchmark")) for one in named]


def _as_runs(named: Sequence[Named], metrics: Sequence[str], split_samples: bool) -> list[Run]:
    """Each log by its one metric; of FROZEN, which is not trained, all logs of a benchmark together."""
    runs: list[Run] = []
    n_runs: Counter[tuple[str, str]] = Counter()
    for one in _of_frozen_together(named):
        metric, answers, explicit = _metric(one.name, one.log, metrics)
        if not answers.items:
            raise LogError(f"{one.name}: {metric} scores none of its answers; a log with scores is accepted")
        notices = list(score_notices(one.name, one.log, metric, answers, explicit))
        shares = _shares(answers, f"{one.name}: {metric}", one.log.reread is not None)
        notices += own_notices(one.name, one.log, metric, answers.items, shares)
        notices += lost_notices(one.name, one.log, shares)
        for log, rows in _by_samples(one, answers, split_samples):
            n_runs[one.arm, log.benchmark] += 1
            number = n_runs[one.arm, log.benchmark]
            items, prompts = ([part[row] for row in rows] for part in (answers.items, answers.prompts))
            runs.append(Run(one.arm, number, one.name, log, items, prompts, shares[rows], tuple(notices)))
    return runs


def _of_frozen_together(named: Sequence[Named]) -> list[Named]:
    """FROZEN has no runs: several logs of it on one benchmark hold samples of one model."""
    groups: dict[object, list[Named]] = {}
    for one in named:
        groups.setdefault(one.log.benchmark if one.arm == "frozen" else id(one), []).append(one)
    found = []
    for group in groups.values():
        log = joined([one.log for one in group]) if len(group) > 1 else group[0].log
        if len(group) > 1:
            notice = (
                f"frozen: {len(group)} logs are samples of one model, which is not trained and so has no runs"
            )
            log = replace(log, notices=(*log.notices, notice))
        found.append(replace(group[0], log=log))
    return found


def _by_samples(one: Named, answers: Answers, split: bool) -> Iterator[tuple[Log, NDArray[np.int64]]]:
    """The log and the rows of its answers; with `split`, one for each number of samples an item."""
    codes, _ = pd.factorize(np.array(answers.items, dtype=object))
    counts = np.bincount(codes)
    sizes, n_items = np.unique(counts, return_counts=True)
    rows = np.arange(len(answers.items))
    if sizes.size < 2 or not (split or one.log.tool == "verl"):
        yield one.log, rows
        return
    if not split:
        found = " and ".join(f"{n} items with {size}" for n, size in zip(n_items, sizes, strict=True))
        raise LogError(
            f"{one.name}: {shortened(found, 200)} samples each. verl writes every validation set into one "
            "file without its name, so these may be several benchmarks: split_samples (--split-samples) "
            "makes each number of samples a benchmark of its own, field (--field benchmark=NAME) splits by "
            "a field of the lines"
        )
    for size in sizes:
        name = f"{one.log.benchmark} ({counted(int(size), 'sample')} an item)"
        yield replace(one.log, benchmark=name), rows[counts[codes] == size]


def logs_at(arm: str, path: Path, fields: Fields | None = None) -> list[Log]:
    """The logs of a file, or of a folder and all below it, in the order of their names.

    `arm` is for the refusals, `fields` for files of no known tool. There is at most one log a model and
    benchmark, except where logs hold samples of one evaluation.

    Raises
    ------
    LogError
        If there is no log, or a folder holds several evaluations or checkpoints of one model.
    """
    if not path.is_dir():
        if not os.path.lexists(path):
            raise LogError(f"{arm}={shortened(str(path))}: no such file or folder; {ACCEPTED}")
        return read_benchmarks(path, fields)
    try:
        below = files_below(path)
    except ReadingError as error:
        raise LogError(f"{arm}={error}; a folder that may be read whole is accepted") from None
    files = [
        file for file in sorted(below, key=_natural) if _LOGS.fullmatch(file.name) and not _lies_beside(file)
    ]
    if not files:
        raise LogError(f"{arm}={path}: a folder without a log; {ACCEPTED}")
    logs = _finished(arm, files, fields)
    tools = sorted({log.tool for log in logs})
    if len(tools) > 1:
        raise LogError(f"{arm}={path}: holds logs of {' and '.join(tools)}; name the files that are meant")
    first: dict[tuple[str, ...], Log] = {}
    for log in logs:
        # A model's checkpoints differ in their step alone.
        place = log.path.parent.relative_to(path).as_posix()
        run = (
            checkpoint_free(place),
            checkpoint_free(log.run or log.model),
            log.benchmark,
            log.pool and str(log.path),
        )
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


def _lies_beside(file: Path) -> bool:
    """Whether a tool laid this beside its logs: results, settings, predictions that are scored elsewhere."""
    unscored = "predictions" in file.parts and any(
        (Path(*file.parts[: file.parts.index("predictions")]) / scored).is_dir()
        for scored in ("reviews", "results")
    )
    return unscored or bool(_BESIDE.fullmatch(file.name)) or "reports" in file.parts


def _finished(arm: str, files: Sequence[Path], fields: Fields | None) -> list[Log]:
    """The logs of files; an evaluation that failed is left out where its retry lies beside it."""
    logs: list[Log] = []
    failed: list[tuple[Path, UnfinishedLog]] = []
    for file in files:
        try:
            logs += read_benchmarks(file, fields)
        except UnfinishedLog as error:
            failed.append((file, error))
    for file, failure in failed:
        retry = next((n for n, log in enumerate(logs) if log.evaluation == failure.evaluation), None)
        if retry is None:
            raise failure
        notice = f"{arm}: {file.name} did not end well and is left out, {logs[retry].path.name} is its retry"
        logs[retry] = replace(logs[retry], notices=(*logs[retry].notices, notice))
    return logs


def _natural(path: Path) -> list[tuple[int, int, str]]:
    """A key by which run10 follows run9."""
    parts = re.split(r"(\d+)", str(path))
    return [(1, int(part), "") if part.isdecimal() else (0, 0, part) for part in parts]


def _metric(name: str, log: Log, metrics: Sequence[str]) -> tuple[str, Answers, bool]:
    """The one metric of a log that says right or wrong, its answers, and whether it was named."""
    if READING in metrics and log.reread is not None:
        return READING, log.reread, True
    if not log.answers:
        raise LogError(f"{name}: holds no scored answer; a log with scores is accepted")
    fitting = [
        metric
        for metric in log.answers
        if not metrics or any(wanted in (metric, *metric.split(",")) for wanted in metrics)
    ]
    exact = [metric for metric in fitting if metric in metrics]
    if len(exact or fitting) == 1:
        metric = (exact or fitting)[0]
        return metric, log.answers[metric], bool(metrics)
    n_fitting = f"{len(fitting)} that fit" if metrics else f"{len(fitting)}"
    raise LogError(
        f"{name}: metric (--metric) must name one of {shortened(', '.join(map(repr, log.answers)), 400)}; "
        f"{n_fitting if fitting else 'none that is asked for'} stand in this log"
    )


def _shares(answers: Answers, where: str, readable: bool) -> NDArray[np.float64]:
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
        way = f" (metric (--metric) {READING} holds outputs against truths)" if readable else ""
        if isinstance(answers.values[at], (str, list, type(None))):
            way += " (--field item=NAME --field correct=NAME also reads yes and no, lists, and no score)"
        raise LogError(
            f"{where} of item {shortened(answers.items[at])} must be right or wrong, or a fraction from 0 "
            f"to 1{way}, got {shown(answers.values[at])}"
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
    _refuse_other_truths(benchmark, runs)
    shares = np.empty((len(runs), common.size))
    counts, n_right = (np.empty((len(runs), common.size), dtype=np.int64) for _ in range(2))
    column = np.full(items.size, -1)
    column[common] = np.arange(common.size)
    for number, (place, run) in enumerate(zip(places, runs, strict=True)):
        columns = column[place]
        is_common = columns >= 0
        counts[number] = np.bincount(columns[is_common], minlength=common.size)
        shares[number] = np.bincount(columns[is_common], run.shares[is_common], common.size) / counts[number]
        n_right[number] = np.bincount(columns[is_common & (run.shares == 1)], minlength=common.size)
        n_right[number, columns[is_common & (run.shares > 0) & (run.shares < 1)]] = -1
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
        "n_samples": counts.ravel(),
        "n_right": n_right.ravel(),
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
    if not n_common and len({run.arm for run in runs}) == 1:
        raise LogError(
            f"{sizes}): logs of one arm that share no item are of other benchmarks or subtasks, not runs; "
            "give the runs of one benchmark"
        )
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


def _refuse_other_truths(benchmark: str, runs: Sequence[Run]) -> None:
    """Refuse logs of one tool in which an item has another right answer."""
    first: dict[tuple[str, str], tuple[Run, str]] = {}
    for run in runs:
        other = [
            (item, *found, truth)
            for item, truth in run.log.truths.items()
            if (found := first.setdefault((run.log.tool, item), (run, truth)))[1].strip() != truth.strip()
        ]
        if other:
            item, before, one, another = other[0]
            raise LogError(
                f"{benchmark}: {before.name} and {run.name} hold other right answers for {len(other)} of "
                f"{counted(len(run.log.truths), 'item')}, the first is {shortened(item, 60)} "
                f"({shortened(one, 40)} and {shortened(another, 40)}), so their scores are not of one "
                "benchmark; arms judged by the same answers are accepted (an arm's own labels are no truth)"
            )
