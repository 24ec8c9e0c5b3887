"""Read evaluation logs into one table of outcomes, with items matched across arms.

A path is a file or a folder. A file is one training run of its arm, and so is each model's log in a folder.
Several evaluations or checkpoints of one model are not runs; the user must name one of them
(:mod:`rlvr.logs.run_identity`). Items are matched across all logs of a benchmark
(:mod:`rlvr.logs.item_matching`).
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from rlvr._checks import counted, shortened, shown
from rlvr.arms import ARMS
from rlvr.logs.answers import Answers, Log, LogError
from rlvr.logs.checkpoint_names import different_steps
from rlvr.logs.decoding import different_decodings, different_temperatures
from rlvr.logs.evaluation_settings import different_settings
from rlvr.logs.gathered_answers import READING
from rlvr.logs.item_matching import Run, match_items
from rlvr.logs.log_folders import logs_at
from rlvr.logs.log_notices import copies, lost_notices, own_notices, refuse_copies, score_notices
from rlvr.logs.record_fields import Fields, fields_from
from rlvr.logs.run_identity import (
    Named,
    joined,
    name_benchmarks,
    one_log_a_pool,
    subtasks_as_one,
    with_doubts,
)

__all__ = ["Account", "LogTable", "read_logs"]


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
        :class:`rlvr.logs.record_fields.Fields`.
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
