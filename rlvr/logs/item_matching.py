"""Items of several logs matched by identifier, so that arms are compared item by item.

What is not in every log is refused, or counted and left out when that is asked for; the same item asked in
different words is refused. Samples are averaged within an item.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from rlvr._checks import counted, shortened
from rlvr.logs.evaluation_log import Log, LogError

__all__ = ["Run", "matched"]


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


def matched(
    benchmark: str, runs: Sequence[Run], common_items: bool, *, own: bool
) -> tuple[pd.DataFrame, list[str]]:
    """The outcomes of the items that every run answered.

    Parameters
    ----------
    benchmark : str
        For the refusals.
    runs : sequence of Run
    common_items : bool
        Leave out what is not in every log, instead of refusing.
    own : bool
        Name the items as those of the first run's arm alone.

    Returns
    -------
    outcomes : DataFrame
        One row an item of a run: arm, run, item, correct, samples_per_item, source.
    notices : list of str

    Raises
    ------
    LogError
        If items are missing, or asked in different words.
    """
    codes, items = pd.factorize(np.concatenate([np.array(run.items, dtype=object) for run in runs]))
    ends = np.cumsum([len(run.items) for run in runs])
    places = np.split(codes, ends[:-1])
    counts = np.stack([np.bincount(place, minlength=items.size) for place in places])
    shares = np.stack(
        [
            np.bincount(place, weights=run.shares, minlength=items.size)
            for run, place in zip(runs, places, strict=True)
        ]
    ) / np.maximum(counts, 1)
    said = _missing(benchmark, runs, items, counts, common_items)
    kept = np.flatnonzero((counts > 0).all(axis=0))
    _same_prompts(benchmark, runs, items, places)
    for run, count in zip(runs, counts[:, kept], strict=True):
        if count.min() < count.max():
            said.append(
                f"{run.name}: {count.min()} to {count.max()} samples an item, each item counts the same"
            )
    prefix = f"{runs[0].arm}: " if own else ""
    names = np.array([f"{prefix}{item}" for item in items[kept]], dtype=object)
    repeat = len(runs), kept.size

    def column(values: Sequence[object]) -> pd.Categorical:
        distinct = list(dict.fromkeys(values))
        return pd.Categorical.from_codes(
            np.repeat([distinct.index(value) for value in values], kept.size), distinct
        )

    return (
        pd.DataFrame(
            {
                "arm": column([run.arm for run in runs]),
                "run": column([str(run.number) for run in runs]),
                "item": pd.Categorical.from_codes(np.tile(np.arange(kept.size), repeat[0]), names),
                "correct": shares[:, kept].ravel(),
                "samples_per_item": column([int(count.min()) for count in counts[:, kept]]),
                "source": column([str(run.log.path) for run in runs]),
            }
        ),
        said,
    )


def _missing(
    benchmark: str, runs: Sequence[Run], items: NDArray, counts: NDArray[np.int64], common_items: bool
) -> list[str]:
    """What is not in every log, as a notice; a refusal unless that is allowed."""
    lacking = (counts == 0).sum(axis=1)
    kept = int((counts > 0).all(axis=0).sum())
    if not lacking.any():
        return []
    worst = int(lacking.argmax())
    first = shortened(str(items[counts[worst] == 0][0]), 60)
    lack = "; ".join(f"{run.name} lacks {n}" for run, n in zip(runs, lacking, strict=True) if n)
    of = f"{items.size - kept} of {counted(items.size, 'item')}"
    sizes = f"{benchmark}: {of} are not in every log ({shortened(lack, 400)}"
    if not kept:
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
        raise LogError(
            f"{sizes}; the first is {first}); "
            f"common_items (--common-items) audits the {kept} that every log has"
        )
    return [f"{of} left out, not in every log: {lack}"]


def _same_prompts(
    benchmark: str, runs: Sequence[Run], items: NDArray, places: Sequence[NDArray[np.int64]]
) -> None:
    """Refuse logs of one tool that asked the same item in different words."""
    first: dict[str, tuple[Run, NDArray]] = {}
    for run, place in zip(runs, places, strict=True):
        asked = np.full(items.size, "", dtype=object)
        asked[place] = run.prompts
        other, before = first.setdefault(run.log.tool, (run, asked))
        unlike = np.flatnonzero((asked != before) & (asked != "") & (before != ""))
        if unlike.size:
            at = int(unlike[0])
            raise LogError(
                f"{benchmark}: {other.name} and {run.name} differ in the prompt of "
                f"{unlike.size} of {counted(items.size, 'item')}, "
                f"the first is {shortened(str(items[at]), 60)} "
                f"(prompts {before[at][:12]} and {asked[at][:12]}); arms asked the same are accepted"
            )
