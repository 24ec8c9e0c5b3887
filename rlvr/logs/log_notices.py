"""Checks of a log's accuracy: rewards logged as scores, copies given as runs, other results of its tool."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from rlvr._checks import counted, shortened, shown
from rlvr.logs.answers import Answers, Log, LogError
from rlvr.logs.gathered_answers import READING

__all__ = ["copies", "lost_notices", "own_notices", "refuse_copies", "score_notices"]

_BEST_OF = re.compile(
    r"(?:\w+[_-])?(?:g-pass|pass|best|maj|cons|major|avg_at)"
    r"(?:[@_]?k?[@_]?(?P<n>\d+)(?::.*)?|@[kn]:[kn]=(?P<of>\d+)(?:&.*)?)",
    re.IGNORECASE,
)
_SAME = 0.0005  # accuracies that agree when rounded to a tenth of a point


class _Named(Protocol):
    @property
    def name(self) -> str: ...

    @property
    def arm(self) -> str: ...

    @property
    def log(self) -> Log: ...


class _Answered(_Named, Protocol):
    @property
    def items(self) -> Sequence[str]: ...

    @property
    def shares(self) -> NDArray[np.float64]: ...


def score_notices(name: str, log: Log, metric: str, answers: Answers, explicit: bool) -> Iterator[str]:
    """Check that a metric's values mean right or wrong; refuse them otherwise, unless the metric was named.

    Raises
    ------
    LogError
        If scores contradict the outputs beside them, or the score of one sample is neither 0 nor 1.
    """
    ways = f"{READING}, which compares each output with its truth, or {metric}, to use it unchanged"
    between = Counter(
        value for value in answers.values if isinstance(value, (int, float)) and value not in (0, 1)
    )
    if between:
        value, n = between.most_common(1)[0]
        found = (
            f"{metric} of {sum(between.values())} of {counted(len(answers.values), 'answer')} is neither 0 "
            f"nor 1, {shown(value)} in {n}"
        )
        if log.graded and not explicit and log.tool != "named fields":
            others = [other for other in log.answers if other != metric]
            offered = ", ".join([*others, READING] if log.reread is not None else others)
            raise LogError(
                f"{name}: {found}, so {metric} is a reward and not an accuracy; metric (--metric) must name "
                f"a metric of 0 and 1{f' ({offered})' if offered else ''}, or {metric}, to use it unchanged"
            )
        yield f"{name}: {found}; each counts as that fraction"
    check = log.checks.get(metric)
    if check and (text := check.text(metric)):
        if check.contradicts and not explicit:
            raise LogError(
                f"{name}: {text}. A trainer may validate with the reward of the arm, which is not an "
                f"accuracy; metric (--metric) must name {ways}"
            )
        yield f"{name}: {text}"
    best = _BEST_OF.fullmatch(metric.partition(",")[0])
    n_together = int(best["n"] or best["of"]) if best else log.joint.get(metric, 1)
    if n_together > 1:
        yield f"{metric} is not an accuracy: one value judges {n_together} answers to an item together"


def own_notices(
    name: str, log: Log, metric: str, items: Sequence[str], shares: NDArray[np.float64]
) -> Iterator[str]:
    """Report where the tool itself states another accuracy, and why the two may differ."""
    results = log.own.get(metric, ())
    if not results or not len(shares):
        return
    ours = float(pd.Series(shares).groupby(np.array(items, dtype=object)).mean().mean())
    if any(abs(result.value - ours) < _SAME for result in results):
        return
    result = results[0]
    yield (
        f"{name}: by {metric}, the accuracy is {100 * result.value:.1f}% in {result.where}, but "
        f"{100 * ours:.1f}% over the answers of the log: {result.why}"
    )


def lost_notices(name: str, log: Log, shares: NDArray[np.float64]) -> Iterator[str]:
    """Report how many answers have no score, and the accuracy if they counted as wrong."""
    lost = log.counts.read - len(shares)
    if lost > 0 and len(shares):
        errored = f", {log.counts.errored} of them failed" if log.counts.errored else ""
        yield (
            f"{name}: {lost} of {counted(log.counts.read, 'answer')} have no score{errored}, and are left "
            f"out; counting them as wrong would lower the accuracy from {100 * shares.mean():.1f}% to "
            f"{100 * shares.sum() / log.counts.read:.1f}%"
        )


def refuse_copies(named: Sequence[_Named]) -> None:
    """Refuse two logs with the same outputs and scores, answer by answer.

    Raises
    ------
    LogError
        Naming both logs.
    """
    first: dict[object, _Named] = {}
    for one in named:
        before = first.setdefault((one.log.outputs, one.log.benchmark) if one.log.outputs else id(one), one)
        if before is not one:
            raise LogError(
                f"{one.name} holds the same outputs as {before.name}, answer by answer, so both are one "
                "evaluation of one model; one log per evaluation is accepted: remove one of them"
            )


def copies(benchmark: str, runs: Sequence[_Answered]) -> Iterator[str]:
    """Report logs with the same outcome on every item."""
    first: dict[object, _Answered] = {}
    for run in runs:
        outcomes = sorted(zip(run.items, run.shares.tolist(), strict=True))
        before = first.setdefault(tuple(outcomes), run)
        if before is run or len(outcomes) < 2:
            continue
        n_right = sum(share for _, share in outcomes)
        if not _same_bytes(before, run) and n_right in (0, len(outcomes)):
            continue
        how = "is a byte copy of" if _same_bytes(before, run) else "has the outcomes of"
        what = (
            "a second run"
            if run.arm == before.arm
            else f"{run.arm.upper()} trained separately from {before.arm.upper()}"
        )
        yield (
            f"{benchmark}: {shortened(run.name)} {how} {shortened(before.name)}, on all {len(outcomes)} "
            f"answers; if both are one evaluation, they do not show {what}"
        )


def _same_bytes(one: _Answered, other: _Answered) -> bool:
    paths = (one.log.path, other.log.path)
    try:
        return (
            paths[0].stat().st_size == paths[1].stat().st_size
            and paths[0].read_bytes() == paths[1].read_bytes()
        )
    except OSError:
        return False
