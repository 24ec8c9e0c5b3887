"""Evaluation logs of several arms to the table of outcomes that an audit reads.

A path is a file or a folder. A file is one training run of its arm, and so is each model's log in a folder;
several evaluations or checkpoints of one model are not runs, and are refused until one is named. Items are
matched by their identifier across all logs of a benchmark; nothing is left out unasked.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from rlvr._checks import shortened, shown
from rlvr.arms import ARMS
from rlvr.logs.decoding import DIFFER, unlike
from rlvr.logs.evaluation_log import Answers, Log, LogError
from rlvr.logs.item_matching import Run, matched
from rlvr.logs.log_folders import logs_at

__all__ = ["LogTable", "read_logs"]


@dataclass(frozen=True)
class LogTable:
    """Outcomes, one row an item of a run, and what is to be said of each benchmark."""

    table: pd.DataFrame
    notices: Mapping[str, tuple[str, ...]]


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
        item's samples that were right), samples_per_item and source; and decoding, if a log says how it
        decoded.

    Raises
    ------
    LogError
        Naming the log and what is accepted.
    """
    runs = _gather(logs, metrics, benchmark)
    by_benchmark: dict[str, list[Run]] = {}
    for run in runs:
        by_benchmark.setdefault(run.log.benchmark, []).append(run)
    compared = {name: of for name, of in by_benchmark.items() if len({run.arm for run in of}) > 1}
    if len({run.arm for run in runs}) > 1 and not compared:
        named = ", ".join(f"{run.name} is on {run.log.benchmark}" for run in runs)
        raise LogError(
            f"no two arms share a benchmark ({shortened(named, 300)}); "
            "benchmark (--benchmark) names what all are on"
        )
    model = next((run.log.model for run in runs if run.arm == "frozen" and run.log.model), "model")
    notices: dict[str, tuple[str, ...]] = {}
    parts = []
    for name, of in (compared or by_benchmark).items():
        _same_decoding(name, of)
        groups = [[run for run in of if run.arm == arm] for arm in ARMS] if unpaired else [of]
        said = [note for run in of for note in run.log.notices]
        for group in filter(None, groups):
            part, more = matched(name, group, common_items, own=unpaired)
            parts.append(part.assign(benchmark=name))
            said += more
        several = {arm: [run.log for run in of if run.arm == arm] for arm in ARMS}
        said += [
            f"{arm}: {len(its)} logs are {len(its)} runs" for arm, its in several.items() if len(its) > 1
        ]
        said += [
            f"left out, in one arm only: {other}"
            for other in by_benchmark
            if other not in (compared or by_benchmark)
        ]
        notices[name] = tuple(dict.fromkeys(said))
    table = pd.concat(parts, ignore_index=True).assign(study="logs", model=model)
    if any(run.log.decoding for run in runs):
        said_by = {str(run.log.path): run.log.decoding for run in runs}
        table["decoding"] = table["source"].map(said_by).astype("category")
    return LogTable(table, notices)


def _same_decoding(benchmark: str, runs: Sequence[Run]) -> None:
    """Refuse logs that say that they decoded differently."""
    words = {run.name: run.log.decoding for run in runs}
    if differ := unlike(words):
        said = " and ".join(f"{name} ({words[name]})" for name in differ)
        raise LogError(f"{benchmark}: {said} {DIFFER}")


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
            if benchmark or not log.benchmark:
                log = replace(log, benchmark=benchmark or "benchmark")
            number = sum(run.arm == arm and run.log.benchmark == log.benchmark for run in runs) + 1
            runs.append(Run(arm, number, name, log, *_chosen(name, log, metrics)))
    if not runs:
        raise LogError("no log was given; name at least one as ARM=PATH")
    models = sorted({run.log.model for run in runs if run.arm == "frozen" and run.log.model})
    if len(models) > 1:
        raise LogError(
            f"frozen: logs of {len(models)} models ({shortened(', '.join(models))}); "
            "FROZEN is one model, untrained"
        )
    return runs


def _chosen(name: str, log: Log, metrics: Sequence[str]) -> tuple[list[str], list[str], NDArray[np.float64]]:
    """Items, prompts and fractions right by the one metric that is meant."""
    if not log.answers:
        raise LogError(f"{name}: holds no scored answer; a log with scores is accepted")
    named = ", ".join(map(repr, log.answers))
    meant = [
        metric
        for metric in log.answers
        if not metrics or any(asked in (metric, *metric.split(",")) for asked in metrics)
    ]
    exact = [metric for metric in meant if metric in metrics]
    if len(exact or meant) != 1:
        hold = (
            "none that is asked for"
            if not meant
            else f"{len(meant)} that fit"
            if metrics
            else f"{len(meant)}"
        )
        raise LogError(f"{name}: metric (--metric) must name one of {named}; {hold} stand in this log")
    metric = (exact or meant)[0]
    answers = log.answers[metric]
    return answers.items, answers.prompts, _shares(answers, f"{name}: {metric}")


def _shares(answers: Answers, where: str) -> NDArray[np.float64]:
    try:
        shares = np.array(answers.values, dtype=float)
        wrong = np.flatnonzero(~((shares >= 0) & (shares <= 1)))
    except (TypeError, ValueError):
        number = (bool, int, float)
        wrong = np.array([i for i, value in enumerate(answers.values) if not isinstance(value, number)])
    if wrong.size or shares.ndim != 1:
        at = int(wrong[0]) if wrong.size else 0
        raise LogError(
            f"{where} of item {shortened(answers.items[at])} must be right or wrong, or a fraction from 0 "
            f"to 1, got {shown(answers.values[at])}"
        )
    return shares
