"""Read evaluation logs into one table of outcomes, with items matched across arms.

A path is a file or a folder. A file is one training run of its arm, and so is each model's log in a folder.
Several evaluations or checkpoints of one model are not runs; the user must name one of them
(:mod:`rlvr.logs.run_identity`). Items are matched by their identifiers across all logs of a benchmark, and
samples are averaged within their item. An item that some log lacks is refused, or on request left out and
counted. An item with different prompts is always refused.
"""

from __future__ import annotations

import math
import os
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from rlvr._checks import counted, shortened, shown
from rlvr._reading import ReadingError, files_below
from rlvr.arms import ARMS
from rlvr.logs.answers import Answers, Log, LogError, UnfinishedLog
from rlvr.logs.checkpoint_names import checkpoint_free, different_steps, time_free
from rlvr.logs.decoding import different_decodings, different_temperatures
from rlvr.logs.evaluation_settings import different_settings
from rlvr.logs.file_names import aside_free, is_hidden, same_but_for_endings
from rlvr.logs.formats import ACCEPTED, read_benchmarks
from rlvr.logs.log_notices import copies, lost_notices, own_notices, refuse_copies, score_notices
from rlvr.logs.records import READING, Fields, fields_from
from rlvr.logs.run_identity import (
    DATED,
    Named,
    joined,
    name_benchmarks,
    one_log_a_pool,
    subtasks_as_one,
    with_doubts,
)

__all__ = ["Account", "LogTable", "Run", "logs_at", "match_items", "read_logs"]

# Files that tools write beside their logs.
_BESIDE = re.compile(
    r""
    r"results_.*\.json|.*_results\.json|logs\.json|eval-set\.json|manifest\.json|.*metrics.*\.json|config\.json|"
    r".*-(requests|recorded-inputs)\.jsonl",
    re.IGNORECASE,
)
_LOGS = re.compile(r".*\.(jsonl|json|eval|parquet)(\.gz|\.zst)?", re.IGNORECASE)


@dataclass(frozen=True)
class Account:
    """How many answers of one log were read, scored, not scored, failed or left out.

    `repeated` counts exact copies, in a log where every answer has copies.
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
    """Outcomes, one row per item of a run, with notices and counts of answers by benchmark.

    For each row, `n_samples` counts the answers and `n_right` the right ones; `n_right` is -1 where a score
    is neither right nor wrong.
    """

    table: pd.DataFrame
    notices: Mapping[str, tuple[str, ...]]
    accounts: Mapping[str, tuple[Account, ...]] = field(default_factory=dict)
    n_samples: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    n_right: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, dtype=np.int64))


@dataclass(frozen=True)
class Run:
    """A log as a training run of an arm under one metric: item, prompt and fraction right of each answer.

    Error messages use `name`; `number` counts the runs of an arm.
    """

    arm: str
    number: int
    name: str
    log: Log
    items: Sequence[str]
    prompts: Sequence[str]
    shares: NDArray[np.float64]
    notices: tuple[str, ...] = ()


# With pyarrow, pandas would store text as UTF-8, but some names of files and items are not valid UTF-8.
@pd.option_context("mode.string_storage", "python")
def read_logs(
    logs: Iterable[tuple[str, str | Path]] | Mapping[str, Any],
    *,
    metrics: str | Sequence[str] = (),
    common_items: bool = False,
    benchmark: str | None = None,
    unpaired: bool = False,
    fields: str | Sequence[str] = (),
    split_samples: bool = False,
) -> LogTable:
    """Read the logs of several arms and match their items.

    Parameters
    ----------
    logs : iterable of (arm, path), or mapping of arm to path or paths
        An arm may occur several times: each of its logs is a run.
    metrics : str or sequence of str
        Needed if a log holds several: a metric, or a part of its name before or after the comma. A named
        metric is used as logged, with notices; "reading" compares outputs with truths.
    common_items : bool
        Leave out items that some log lacks, instead of refusing the logs.
    benchmark : str, optional
        The benchmark of all logs; by default each log's own task. Needed if logs name one benchmark
        differently, and to join subtasks whose names begin with it.
    unpaired : bool
        Do not match items across arms; each arm has its own sample of items.
    fields : str or sequence of str
        ``PART=NAME``, at least for item and correct: the fields of a record of an unknown tool; see
        :class:`rlvr.logs.records.Fields`.
    split_samples : bool
        Treat items with different numbers of samples as different benchmarks.

    Returns
    -------
    LogTable
        Its `table` has the columns study, model, benchmark, arm, run, item, correct (the fraction of the
        item's samples that were right), samples_per_item (the fewest of any item of the run) and source; and
        decoding, if a log states one.

    Raises
    ------
    LogError
        Naming the log and what is accepted.
    """
    metrics, fields = ([one] if isinstance(one, str) else one for one in (metrics, fields))
    named = _gather(_pairs(logs), fields_from(fields) if fields else None, benchmark)
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
            "benchmark (--benchmark) gives all logs one name"
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
        steps = {arm: sorted({run.log.step for run in of_arm} - {""}) for arm, of_arm in by_arm.items()}
        lines += filter(None, [different_steps(steps)])
        lines += different_settings((run.arm, run.log.settings) for run in group)
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
    """Return the cluster of each row's item, as any log of its benchmark states it."""
    known: dict[tuple[str, str], tuple[Run, str]] = {}
    for benchmark, group in audited.items():
        for run in group:
            for item, cluster in run.log.clusters.items():
                before, first = known.setdefault((benchmark, item), (run, cluster))
                if first != cluster:
                    raise LogError(
                        f"{benchmark}: item {shortened(item, 60)} is in cluster {shown(first)} in "
                        f"{before.name} and in {shown(cluster)} in {run.name}; one cluster per item is "
                        "accepted"
                    )
    found = []
    for part in parts:
        benchmark = str(part["benchmark"].iloc[0])
        for arm, item in zip(part["arm"], part["item"], strict=True):
            name = (benchmark, item if (benchmark, item) in known else item.removeprefix(f"{arm}: "))
            if name not in known:
                raise LogError(
                    f"{benchmark}: item {shortened(item, 60)} of the {arm} arm has no cluster, but other "
                    "items have one; a cluster for every item, or for none, is accepted"
                )
            found.append(known[name][1])
    return found


def _account(run: Run, common: set[str] | None) -> Account:
    """Count a log's answers by what became of them; `common` holds the items kept, None for all."""
    counts, n_scored = run.log.counts, len(run.items)
    n_read = max(counts.read, n_scored)
    left_out = 0 if common is None else sum(item not in common for item in run.items)
    unscored = n_read - n_scored - counts.errored
    return Account(
        run.arm, run.number, str(run.log.path), n_read, n_scored, max(unscored, 0), counts.errored, left_out,
        run.log.repeated,
    )  # fmt: skip


def _pairs(logs: Any) -> list[tuple[str, str | Path]]:
    """Return the arm and the path of each log."""
    if isinstance(logs, Mapping):
        paths = {arm: [of] if isinstance(of, (str, Path)) else of for arm, of in logs.items()}
        return [(arm, path) for arm, of in paths.items() for path in of]
    pairs: list[Any] = [logs] if isinstance(logs, (str, Path)) else [*logs]
    for pair in pairs:
        if isinstance(pair, (str, Path)) or len(pair) != 2:
            raise LogError(
                f"logs must be pairs (arm, path) or a mapping from arm to paths, got {shown(str(pair))}"
            )
    return pairs


def _gather(
    logs: Iterable[tuple[str, str | Path]], fields: Fields | None, benchmark: str | None
) -> list[Named]:
    """Return all logs of all arms, one per training run, each with its benchmark."""
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
                raise LogError(f"{name}: the same file was given as {before}; each log is accepted once")
        named += [Named(arm, Path(path), log) for log in found]
    if not named:
        raise LogError("no log was given; name at least one as ARM=PATH")
    models = sorted({one.log.model for one in named if one.arm == "frozen" and one.log.model})
    if len(models) > 1:
        raise LogError(
            f"frozen: logs of {len(models)} models ({shortened(', '.join(models))}); FROZEN is one untrained "
            "model, so logs of one model are accepted"
        )
    refuse_copies(named)
    named = with_doubts(name_benchmarks(one_log_a_pool(named)), benchmark)
    if benchmark:
        return subtasks_as_one(named, benchmark)
    return [replace(one, log=replace(one.log, benchmark=one.log.benchmark or "benchmark")) for one in named]


def _as_runs(named: Sequence[Named], metrics: Sequence[str], split_samples: bool) -> list[Run]:
    """Return each log under its one metric; the logs of FROZEN on one benchmark are joined."""
    runs: list[Run] = []
    n_runs: Counter[tuple[str, str]] = Counter()
    for one in _of_frozen_together(named):
        metric, answers, explicit = _metric(one.name, one.log, metrics)
        if not answers.items:
            raise LogError(f"{one.name}: {metric} has no score for any answer; a log with scores is accepted")
        notices = list(score_notices(one.name, one.log, metric, answers, explicit))
        shares = _shares(answers, f"{one.name}: {metric}", one.log.reread is not None)
        notices += own_notices(one.name, one.log, metric, answers.items, shares)
        notices += lost_notices(one.name, one.log, shares)
        for log, rows in _by_samples(one, answers, split_samples):
            n_runs[one.arm, log.benchmark] += 1
            number = n_runs[one.arm, log.benchmark]
            items, prompts = ([part[row] for row in rows] for part in (answers.items, answers.prompts))
            log = replace(log, settings={**log.settings, "the metric": metric})
            runs.append(Run(one.arm, number, one.name, log, items, prompts, shares[rows], tuple(notices)))
    return runs


def _of_frozen_together(named: Sequence[Named]) -> list[Named]:
    """Join the logs of FROZEN on one benchmark: FROZEN has no runs, so they hold samples of one model."""
    groups: dict[object, list[Named]] = {}
    for one in named:
        groups.setdefault(one.log.benchmark if one.arm == "frozen" else id(one), []).append(one)
    found = []
    for group in groups.values():
        log = joined([one.log for one in group]) if len(group) > 1 else group[0].log
        if len(group) > 1:
            notice = (
                f"frozen: {len(group)} logs are samples of one model, because FROZEN has no training runs"
            )
            log = replace(log, notices=(*log.notices, notice))
        found.append(replace(group[0], log=log))
    return found


def _by_samples(one: Named, answers: Answers, split: bool) -> Iterator[tuple[Log, NDArray[np.int64]]]:
    """Yield the log and the rows of its answers; with `split`, one part per number of samples."""
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
            f"{one.name}: holds {shortened(found, 200)} samples each. verl writes all validation sets into "
            "one file without their names, so these may be several benchmarks: split_samples "
            "(--split-samples) makes each number of samples a benchmark of its own, field (--field "
            "benchmark=NAME) splits the file by a field of the lines"
        )
    for size in sizes:
        name = f"{one.log.benchmark} ({counted(int(size), 'sample')} an item)"
        yield replace(one.log, benchmark=name), rows[counts[codes] == size]


def logs_at(arm: str, path: Path, fields: Fields | None = None) -> list[Log]:
    """Read the logs of a file, or of a folder and all folders below, in the order of their names.

    Error messages name `arm`; `fields` is for files of unknown tools. A model has at most one log per
    benchmark, unless several logs hold samples of one evaluation.

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
        raise LogError(f"{arm}={error}; a folder whose files can all be read is accepted") from None
    files = [
        file
        for file in sorted(below, key=_natural)
        if _LOGS.fullmatch(file.name) and not _lies_beside(file) and not is_hidden(file.relative_to(path))
    ]
    if pair := same_but_for_endings(files):
        both = " and ".join(str(file.relative_to(path)) for file in pair)
        raise LogError(
            f"{arm}={path}: {shortened(both, 300)} differ only in their endings, so they are copies of one "
            f"evaluation; one of them is accepted: remove the other, or name the file ({arm}=FILE)"
        )
    if not files:
        is_unscored = any("predictions" in file.parts for file in below)
        what = "predictions that are scored elsewhere (give the folder above)" if is_unscored else "no log"
        raise LogError(f"{arm}={path}: the folder holds {what}; {ACCEPTED}")
    logs = _finished(arm, files, fields)
    tools = sorted({log.tool for log in logs})
    if len(tools) > 1:
        raise LogError(
            f"{arm}={path}: holds logs of {' and '.join(tools)}; logs of one tool are accepted: name the "
            f"files of one ({arm}=FILE)"
        )
    first: dict[tuple[str, ...], Log] = {}
    for log in logs:
        # Checkpoints of a model differ only in their step.
        place = aside_free(log.path.parent.relative_to(path).as_posix())
        place = time_free(place) if log.tool in DATED else place
        run = (checkpoint_free(place), checkpoint_free(log.run or log.model), log.benchmark)
        before = first.setdefault(run, log)
        if before is not log and not (log.pool and log.pool == before.pool):
            both = f"{before.path.relative_to(path)} and {log.path.relative_to(path)}"
            raise LogError(
                f"{arm}={path}: {shortened(both, 300)} are two evaluations or checkpoints of one model, "
                f"so they do not count as two runs; name one of them ({arm}=FILE), or each of them if they "
                "are runs"
            )
        if log.step != logs[0].step:
            raise LogError(
                f"{arm}={path}: holds runs at the training steps {logs[0].step} and {log.step}; runs of "
                f"equal length are accepted: name the files of one length ({arm}=FILE)"
            )
    return logs


def _lies_beside(file: Path) -> bool:
    """Whether a file is not a log but results, settings, or predictions that are scored elsewhere."""
    unscored = "predictions" in file.parts and any(
        (Path(*file.parts[: file.parts.index("predictions")]) / scored).is_dir()
        for scored in ("reviews", "results")
    )
    return unscored or bool(_BESIDE.fullmatch(file.name)) or "reports" in file.parts


def _finished(arm: str, files: Sequence[Path], fields: Fields | None) -> list[Log]:
    """Read the logs of files; leave out a failed evaluation if its retry is among them."""
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
        notice = f"{arm}: {file.name} failed and is left out, because {logs[retry].path.name} is its retry"
        logs[retry] = replace(logs[retry], notices=(*logs[retry].notices, notice))
    return logs


def _natural(path: Path) -> list[tuple[int, int, str]]:
    """Return a sorting key by which run10 follows run9."""
    parts = re.split(r"(\d+)", str(path))
    return [(1, int(part), "") if part.isdecimal() else (0, 0, part) for part in parts]


def _metric(name: str, log: Log, metrics: Sequence[str]) -> tuple[str, Answers, bool]:
    """Return the one metric of a log, its answers, and whether the user named the metric."""
    if READING in metrics and log.reread is not None:
        return READING, log.reread, True
    if not log.answers:
        raise LogError(f"{name}: holds no scored answers; a log with scores is accepted")
    fitting = [
        metric
        for metric in log.answers
        if not metrics or any(wanted in (metric, *metric.split(",")) for wanted in metrics)
    ]
    exact = [metric for metric in fitting if metric in metrics]
    if len(fitting) > 1 and not metrics:
        fitting = _of_one_meaning(log.answers, fitting)
    if len(exact or fitting) == 1:
        metric = (exact or fitting)[0]
        return metric, log.answers[metric], bool(metrics)
    wanted = shortened(", ".join(metrics), 100)
    if not metrics:
        found = f"this log holds {len(fitting)}"
    elif fitting:
        found = f"{len(fitting)} metrics of this log match {wanted}"
    else:
        found = f"one --metric for each benchmark is accepted; no metric of this log matches {wanted}"
    raise LogError(
        f"{name}: metric (--metric) must name one of {shortened(', '.join(map(repr, log.answers)), 400)}; "
        f"{found}"
    )


def _of_one_meaning(answers: Mapping[str, Answers], metrics: list[str]) -> list[str]:
    """Return one metric if all say the same of every answer, else all; -1 and 1 may stand for 0 and 1.

    verl 0.9.1 writes its reward as `score` and as `acc`; DAPO's reward is -1 or 1 in the former alone.
    """
    shares, plain = {}, list[str]()
    for metric in metrics:
        values = pd.Series(answers[metric].values, dtype=object)
        try:
            numbers = pd.to_numeric(values, errors="coerce").to_numpy(dtype=float)
        except OverflowError:
            return metrics
        signs = set(numbers.tolist())
        whole = not (-1.0 in signs <= {-1.0, 1.0})
        shares[metric] = numbers if whole else (numbers + 1) / 2
        if whole:
            plain.append(metric)
    first, items = shares[metrics[0]], answers[metrics[0]].items
    same = all(  # NaN equals nothing, so unscored answers leave the choice to the user
        np.array_equal(first, shares[metric]) and items == answers[metric].items for metric in metrics
    )
    return plain[-1:] if same else metrics


def _shares(answers: Answers, where: str, readable: bool) -> NDArray[np.float64]:
    """Return the fraction right of each answer."""
    values = pd.Series(answers.values, dtype=object)
    try:
        shares = pd.to_numeric(values, errors="coerce").to_numpy(dtype=float)
    except OverflowError:  # a whole number too large for a float
        huge = values.map(lambda value: isinstance(value, int) and value.bit_length() > 1000)
        shares = pd.to_numeric(values.mask(huge, math.inf), errors="coerce").to_numpy(dtype=float)
    wrong = np.flatnonzero(~((shares >= 0) & (shares <= 1)))
    if wrong.size:
        at = int(wrong[0])
        way = f" (metric (--metric) {READING} compares outputs with truths)" if readable else ""
        if isinstance(answers.values[at], (str, list, type(None))):
            way += " (--field item=NAME --field correct=NAME also reads yes and no, lists, and no score)"
        raise LogError(
            f"{where} of item {shortened(answers.items[at])} must be true, false or a number from 0 to "
            f"1{way}, got {shown(answers.values[at])}"
        )
    return shares


def match_items(
    benchmark: str, runs: Sequence[Run], common_items: bool, *, prefix: str = ""
) -> tuple[pd.DataFrame, list[str]]:
    """Return the outcomes of the items that every run answered, one row per item of a run, and notices.

    With `common_items`, items that some log lacks are left out instead of refused. `prefix` precedes the
    names of items that belong to one arm only.

    Raises
    ------
    LogError
        If a log lacks items, or items have different prompts or truths.
    """
    codes, items = pd.factorize(np.concatenate([np.array(run.items, dtype=object) for run in runs]))
    places = np.split(codes, np.cumsum([len(run.items) for run in runs])[:-1])
    # No matrix of runs and all items: for runs without common items it would grow with the square of the
    # logs.
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
        f"{run.name}: {count.min()} to {count.max()} samples per item; every item has the same weight"
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
    """Report items that some log lacks as a notice; refuse them unless they may be left out."""
    n_lacking = items.size - np.array([place.size for place in answered])
    if not n_lacking.any():
        return []
    lacking = "; ".join(f"{run.name} lacks {n}" for run, n in zip(runs, n_lacking, strict=True) if n)
    left_out = f"{items.size - n_common} of {counted(items.size, 'item')}"
    sizes = f"{benchmark}: {left_out} are not in every log ({shortened(lacking, 400)}"
    if not n_common and len({run.arm for run in runs}) == 1:
        raise LogError(
            f"{sizes}): logs of one arm without common items belong to different benchmarks or subtasks, so "
            "they are not runs; give the runs on one benchmark"
        )
    if not n_common:
        tools = sorted({run.log.tool for run in runs})
        why = (
            f"{' and '.join(tools)} name items differently"
            if len(tools) > 1
            else "verl identifies an item by its whole input"
            if tools == ["verl"]
            else "the logs hold different items"
        )
        raise LogError(f"{sizes}): {why}; unpaired (--unpaired) audits the arms without matching items")
    if not common_items:
        first = shortened(str(np.delete(items, answered[int(n_lacking.argmax())])[0]), 60)
        raise LogError(
            f"{sizes}; the first is {first}); "
            f"common_items (--common-items) audits the {n_common} that every log has"
        )
    return [f"{left_out} are left out because some logs lack them: {lacking}"]


def _refuse_other_prompts(
    benchmark: str, runs: Sequence[Run], items: NDArray, places: Sequence[NDArray[np.int64]]
) -> None:
    """Refuse logs of one tool with different prompts for the same item."""
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
                f"(prompt hashes {before[at][:12]} and {prompts[differ][0][:12]}); equal prompts in all arms "
                "are accepted: evaluate one of them again with the prompts of the other"
            )


def _refuse_other_truths(benchmark: str, runs: Sequence[Run]) -> None:
    """Refuse logs of one tool with different right answers for the same item."""
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
                f"{benchmark}: {before.name} and {run.name} hold different right answers for {len(other)} of "
                f"{counted(len(run.log.truths), 'item')}, the first is {shortened(item, 60)} "
                f"({shortened(one, 40)} and {shortened(another, 40)}), so their scores are not comparable; "
                "arms judged against the same answers are accepted (the training labels of an arm are not a "
                "truth)"
            )
