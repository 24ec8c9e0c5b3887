"""Match items across the logs of all arms by their identifiers, and average samples within an item.

An item that some log lacks is refused, or on request left out and counted. An item with different prompts or
right answers is always refused.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from rlvr._checks import counted, shortened
from rlvr.logs.answers import Log, LogError
from rlvr.logs.score_checks import same_truth

__all__ = ["Run", "match_items"]


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
            if not same_truth((found := first.setdefault((run.log.tool, item), (run, truth)))[1], truth)
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
