"""Does the spread between runs follow optimiser steps, or the number of answers in each?

A step of plain gradient descent averages the noise of its answers: with 8 times as many answers an update,
runs that took equally many steps should spread sqrt(8) times less, a ratio of variances of 8. A step that
is scaled by its own noise, as Adam's is, predicts a ratio of 1. Published repeats of both kinds exist;
percent and points, the unit is the training run, and all runs here are single ones.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from book.repeated_runs import compare_designs, end_points, low_runs
from book.whole_runs import compare_whole_runs, whole_run_ratio
from rlvr._checks import real, whole
from rlvr.published_runs import DESIGNS, published_run_curves
from rlvr.stats.estimates import Estimate, mean_interval
from rlvr.stats.power import fewest_runs, power_of_difference, power_of_proportions, power_of_variance_ratio
from rlvr.stats.spreads import deviation_interval, deviation_ratio, same_spread

__all__ = ["BatchSizeTest", "EqualUpdates", "batch_size_test", "equal_updates", "published_questions"]

CLIPPED, UNCLIPPED, LARGE, SMALL = DESIGNS


@dataclass(frozen=True)
class EqualUpdates:
    """All designs after equally many optimiser steps.

    `table` has one row a design: ``design, step, runs, mean, deviation``; `p_unclipped` is that of equal
    spread among the three designs without clipping, `p_clipped` that of the clipped runs spreading like
    those three together (each centred at its own median).
    """

    table: pd.DataFrame
    p_unclipped: float
    p_clipped: float


def equal_updates(updates: int = 80, benchmark: str = "MATH-500") -> EqualUpdates:
    """Spread of all four designs after the same number of optimiser steps.

    Parameters
    ----------
    updates : int
        A multiple of 8 from 8 to 80, so that every design was evaluated there.
    benchmark : {"MATH-500", "AMC"}

    Examples
    --------
    >>> found = equal_updates()
    >>> [round(deviation.value, 1) for deviation in found.table.deviation], round(found.p_unclipped, 2)
    ([3.1, 7.5, 8.4, 8.9], 0.88)
    """
    whole("updates", updates, "a multiple of 8 from 8 to 80", at_least=8, at_most=80)
    if updates % 8:
        raise ValueError(f"updates must be a multiple of 8 from 8 to 80, got {updates}")
    curves = published_run_curves(benchmark)
    runs = {design: curves.loc[design][updates // each].to_numpy() for design, each in DESIGNS.items()}
    rows = [
        {
            "design": design,
            "step": updates // DESIGNS[design],
            "runs": values.size,
            "mean": mean_interval(values, unit="training run"),
            "deviation": deviation_interval(values),
        }
        for design, values in runs.items()
    ]
    free = [runs[design] for design in (UNCLIPPED, LARGE, SMALL)]
    pooled = np.concatenate([values - np.median(values) for values in free])
    return EqualUpdates(pd.DataFrame(rows), same_spread(*free), same_spread(runs[CLIPPED], pooled))


@dataclass(frozen=True)
class BatchSizeTest:
    """The design with 128 answers an update against that with 1,024, one update a rollout each.

    `deviation_ratio` is the ratio of standard deviations, 128 over 1,024 (F interval); `p_equal` is that of
    equality (shuffled Brown-Forsythe); `p_predicted` and `p_predicted_shuffled` are two-sided p of the
    predicted ratio of variances, by F (normal runs) and by shuffling after the larger batch was scaled up.
    """

    deviation_ratio: Estimate
    p_equal: float
    p_predicted: float
    p_predicted_shuffled: float


def batch_size_test(
    step: int | None = None, *, variance_ratio: float = 8.0, benchmark: str = "MATH-500"
) -> BatchSizeTest:
    """Test what plain gradient descent predicts of the two batch sizes.

    Parameters
    ----------
    step : int from 1 to 80, optional
        A rollout step; by default the end points.
    variance_ratio : float above 0
        Predicted variance of 128 answers an update over that of 1,024.
    benchmark : {"MATH-500", "AMC"}

    Examples
    --------
    >>> found = batch_size_test()
    >>> format(found.deviation_ratio, ".2f"), round(found.p_predicted, 3)
    ('1.03 [0.47, 2.67]', 0.039)
    """
    real("variance_ratio", variance_ratio, "a number above 0", above=0)
    if step is None:
        small, large = end_points(SMALL, benchmark), end_points(LARGE, benchmark)
    else:
        whole("step", step, "a rollout step from 1 to 80", at_least=1, at_most=80)
        small, large = (
            published_run_curves(benchmark).loc[design][step].to_numpy() for design in (SMALL, LARGE)
        )
    ratio = deviation_ratio(small, large)
    law = stats.f(small.size - 1, large.size - 1)
    seen = ratio.value**2 / variance_ratio
    return BatchSizeTest(
        ratio,
        same_spread(small, large),
        float(2 * min(law.cdf(seen), law.sf(seen))),
        same_spread(small, large * math.sqrt(variance_ratio)),
    )


def published_questions(*, power: float = 0.8) -> pd.DataFrame:
    """What the single runs decide and what they could not have: one row a question, MATH-500.

    Returns
    -------
    DataFrame
        ``question, runs`` (of the two groups), ``seen`` (text), ``p``, ``power`` (5%, two-sided, if what
        was seen, or what is named, were true), ``needed`` (runs of each group for `power`). NaN where no
        power is computed: of a question that was decided.

    Examples
    --------
    >>> published_questions()[["p", "power", "needed"]].round(2).values.tolist()[0]
    [0.26, 0.33, 32.0]
    """
    clipped, unclipped = end_points(CLIPPED), end_points(UNCLIPPED)
    five, eleven = clipped.size, unclipped.size
    ends, batch, heap = compare_designs(), batch_size_test(), low_runs().iloc[0]
    narrower, p_narrower = whole_run_ratio(), compare_whole_runs()[1]
    sds = float(clipped.std(ddof=1)), float(unclipped.std(ddof=1))
    shares = (heap.low_clipped / heap.clipped, heap.low_unclipped / heap.unclipped)
    sizes = (end_points(SMALL).size, end_points(LARGE).size)

    def row(
        question: str,
        runs: tuple[int, int],
        seen: str,
        p: float,
        power_at: Callable[[tuple[int, int]], float] | None = None,
    ) -> dict[str, object]:
        found = math.nan if power_at is None else power_at(runs)
        needed = math.nan if power_at is None else fewest_runs(power_at, power=power)
        return {"question": question, "runs": runs, "seen": seen, "p": p, "power": found, "needed": needed}

    return pd.DataFrame(
        [
            row(
                "does clipping move the mean at the end?",
                (five, eleven),
                f"{ends.difference:+.1f} points",
                ends.p_mean,
                lambda runs: power_of_difference(ends.difference.value, sds, runs),
            ),
            row(
                "do clipped runs lack the low heap?",
                (five, eleven),
                f"{heap.low_clipped} of {heap.clipped} against {heap.low_unclipped} of {heap.unclipped}",
                float(heap.p),
                lambda runs: power_of_proportions(shares, runs),
            ),
            row(
                "do clipped runs spread less along the way?",
                (five, eleven),
                f"{narrower:.1f} times",
                p_narrower,
            ),
            row(
                "does a larger batch spread less? (variance ratio 8 if it does)",
                sizes,
                f"{batch.deviation_ratio:.2f} times",
                batch.p_equal,
                lambda runs: power_of_variance_ratio(8.0, runs),
            ),
            row(
                "is a variance ratio of 8 excluded? (1 if it is)",
                sizes,
                f"{batch.deviation_ratio:.2f} times",
                batch.p_predicted,
                lambda runs: power_of_variance_ratio(1.0, runs, tested_ratio=8.0),
            ),
        ]
    )
