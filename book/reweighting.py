"""The part of the most quoted null that re-weighting of code and no code can explain, and the rest.

Training that changes the shares of fixed strategies and not their accuracies ends at most at the best
strategy's accuracy, for any reward. Accuracies are those before training, so "re-weighting" means the same
answers, chosen with other shares. All numbers are fractions; the unit of replication is the question (one
greedy answer each), unless another is named.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from book.published_tables import published_arms, published_strategies, published_switches
from book.repeated_runs import end_points
from rlvr._checks import choice
from rlvr.stats.estimates import Estimate, mean_interval
from rlvr.stats.sampling import wilson

__all__ = [
    "StrategyCounts",
    "SwitchSplit",
    "left_over",
    "reweighting_accounts",
    "strategy_counts",
    "switch_split",
]

_MODEL, _PANEL = "Qwen2.5-Math-7B", "format (as printed)"
_RESAMPLES = 9_999


@dataclass(frozen=True)
class StrategyCounts:
    """One model's questions before training: numbers answered and right, with and without code.

    ``n`` and ``right`` are (with code, without code). `printed` is the source's accuracy for all questions,
    `null` is RANDOM minus FROZEN of the published arms, and `random` is that RANDOM accuracy (NaN where there
    is none).
    """

    model: str
    n: tuple[int, int]
    right: tuple[int, int]
    printed: float
    random: float

    @property
    def total(self) -> float:
        """Accuracy from the shares and the strategies' accuracies."""
        return sum(self.right) / sum(self.n)

    @property
    def null(self) -> float:
        return self.random - self.printed

    @property
    def bound(self) -> float:
        """Largest null of re-weighting, with one accuracy per strategy for all questions."""
        return float(np.max(np.divide(self.right, self.n))) - self.total

    def bound_interval(self, *, level: float = 0.95) -> Estimate:
        """`bound` with a percentile bootstrap of questions (9,999 resamples, seed fixed)."""
        n_all = sum(self.n)
        cells = np.array([self.right, np.subtract(self.n, self.right)]).ravel() / n_all
        drawn = np.random.default_rng(0).multinomial(n_all, cells, size=_RESAMPLES)
        code, other = drawn[:, 0] + drawn[:, 2], drawn[:, 1] + drawn[:, 3]
        best = np.maximum(drawn[:, 0] / np.maximum(code, 1), drawn[:, 1] / np.maximum(other, 1))
        bounds = best - (drawn[:, 0] + drawn[:, 1]) / n_all
        low, high = np.quantile(bounds, [0.5 - level / 2, 0.5 + level / 2])
        return Estimate(self.bound, float(low), float(high), level, "question", n_all)


def strategy_counts() -> dict[str, StrategyCounts]:
    """The four models that use both strategies, by name, with counts of questions.

    Examples
    --------
    >>> counts = strategy_counts()["Qwen2.5-Math-7B"]
    >>> counts.n, counts.right, round(counts.total, 3), round(counts.bound, 3)
    ((325, 175), (198, 49), 0.494, 0.115)
    """
    arms = published_arms()
    ends = arms[
        (arms.setup == "training curves")
        & (arms.benchmark == "MATH-500")
        & (arms.arm == "random")
        & (arms.role == "arm")
    ].set_index("model")
    found = {}
    for row in published_strategies().dropna(subset=["accuracy_code_percent"]).itertuples():
        code = round(row.n_items * row.share_code_percent / 100)
        n = (code, int(row.n_items) - code)
        right = (
            round(n[0] * row.accuracy_code_percent / 100),
            round(n[1] * row.accuracy_no_code_percent / 100),
        )
        random = float(ends.accuracy_percent.get(row.model, "nan")) / 100
        found[row.model] = StrategyCounts(row.model, n, right, row.accuracy_percent / 100, random)
    return found


@dataclass(frozen=True)
class SwitchSplit:
    """One reward's gain over 150 steps, split by possible source; each part is an Estimate over questions.

    Attributes
    ----------
    reward : str
        As the source names it.
    gain : Estimate
        Accuracy after minus before.
    shared : Estimate
        Part from the change of shares, with one accuracy per strategy, that before training.
    switched : Estimate
        The gain on questions that changed strategy: the most that any re-weighting can explain, if a
        strategy's accuracy may differ between questions and each switch is credited with its whole gain.
    unswitched : Estimate
        The gain on questions that kept their strategy, which no re-weighting of greedy answers can explain.
    beyond : Estimate
        gain - shared.
    """

    reward: str
    gain: Estimate
    shared: Estimate
    switched: Estimate
    unswitched: Estimate
    beyond: Estimate


def switch_split(reward: str, *, level: float = 0.95) -> SwitchSplit:
    """Split a reward's gain on Qwen2.5-Math-7B, MATH-500, by changes of strategy.

    For each switch the source gives the numbers right before and after, not the questions. Intervals
    (percentile bootstrap of questions, 9,999 resamples, fixed seed) draw the two independently within a
    switch, which is conservative if a question right before is more often right after.

    Parameters
    ----------
    reward : str
        As the source names it: "true", "majority", "format (as printed)", "incorrect" or "random (as
        printed)". The panel named FORMAT ends where the published RANDOM run does.
    level : float in (0, 1)

    Examples
    --------
    >>> split = switch_split("format (as printed)")
    >>> [round(100 * part.value, 1) for part in (split.gain, split.shared, split.switched, split.unswitched)]
    [22.0, 9.3, 16.2, 5.8]
    """
    table = published_switches()
    choice("reward", reward, tuple(dict.fromkeys(table.reward)))
    rows = table[table.reward == reward]
    n = rows.n_items.to_numpy()
    before, after = rows.correct_step0.to_numpy() / n, rows.correct_step150.to_numpy() / n
    # Eight cells: each switch right or wrong before; the number right after is drawn within the switch.
    rng, draws = np.random.default_rng(0), _RESAMPLES
    sizes = rng.multinomial(n.sum(), n / n.sum(), size=draws)
    parts = _parts(rows, n[None], (n * before)[None], (n * after)[None])
    drawn = _parts(rows, sizes, rng.binomial(sizes, before), rng.binomial(sizes, after))

    def estimate(name: str) -> Estimate:
        low, high = np.quantile(drawn[name], [0.5 - level / 2, 0.5 + level / 2])
        return Estimate(float(parts[name][0]), float(low), float(high), level, "question", int(n.sum()))

    return SwitchSplit(reward, *map(estimate, ("gain", "shared", "switched", "unswitched", "beyond")))


def _parts(
    rows: pd.DataFrame, sizes: NDArray, before: NDArray, after: NDArray
) -> dict[str, NDArray[np.float64]]:
    """Each part of the gain for each draw; arrays are (draw, switch)."""
    start = rows.switch.str.startswith("code").to_numpy()
    end = rows.switch.str.endswith("code").to_numpy()
    moved, total = start != end, sizes.sum(axis=1)
    gains = (after - before) / total[:, None]
    with_code, without = (
        before[:, group].sum(axis=1) / np.maximum(sizes[:, group].sum(axis=1), 1) for group in (start, ~start)
    )
    shift = (sizes[:, end].sum(axis=1) - sizes[:, start].sum(axis=1)) / total
    shared = shift * (with_code - without)
    gain = gains.sum(axis=1)
    return {
        "gain": gain,
        "shared": shared,
        "switched": gains[:, moved].sum(axis=1),
        "unswitched": gains[:, ~moved].sum(axis=1),
        "beyond": gain - shared,
    }


def left_over(*, level: float = 0.95) -> pd.DataFrame:
    """RANDOM's gain beyond the accuracy of each model's better strategy before training.

    A full switch to the better strategy ends at that strategy's accuracy; the rest is RANDOM's accuracy minus
    it. Over questions both are treated as independent samples (Newcombe's hybrid of Wilson's intervals). Over
    questions and runs, the spread between the five clipped runs is added by Student's t on four degrees of
    freedom, measured for Qwen2.5-Math-7B and borrowed for the others.

    Returns
    -------
    DataFrame
        One row per model: ``model, null, bound, left, left_with_runs``.

    Examples
    --------
    >>> first = left_over().iloc[0]
    >>> first.model, format(first.left, ".3f"), format(first.left_with_runs, ".3f")
    ('Qwen2.5-Math-7B', '0.100 [0.034, 0.166]', '0.100 [-0.093, 0.293]')
    """
    runs = end_points("8 updates, clipping") / 100
    half = float(stats.t.ppf(0.5 + level / 2, runs.size - 1) * runs.std(ddof=1))
    rows = []
    for counts in strategy_counts().values():
        best = max(range(2), key=lambda strategy: counts.right[strategy] / counts.n[strategy])
        accuracies = ((counts.random, sum(counts.n)), (counts.right[best] / counts.n[best], counts.n[best]))
        rows.append(
            {
                "model": counts.model,
                "null": counts.null,
                "bound": counts.bound_interval(level=level),
                "left": _difference(*accuracies, level),
                "left_with_runs": _difference(*accuracies, level, half),
            }
        )
    return pd.DataFrame(rows)


def _difference(
    first: tuple[float, int], second: tuple[float, int], level: float, over_runs: float = 0.0
) -> Estimate:
    """Newcombe's interval of a difference of two (accuracy, questions), widened by a half-width over runs."""
    one, other = first[0], second[0]
    one_low, one_high = wilson(*first, level=level)
    other_low, other_high = wilson(*second, level=level)
    below = np.hypot(np.hypot(one - one_low, other_high - other), over_runs)
    above = np.hypot(np.hypot(one_high - one, other - other_low), over_runs)
    gap = one - other
    return Estimate(gap, float(gap - below), float(gap + above), level, "question")


def reweighting_accounts(*, level: float = 0.95) -> pd.DataFrame:
    """The null of Qwen2.5-Math-7B on MATH-500, the most that re-weighting can explain, and the rest.

    Returns
    -------
    DataFrame
        Index ``one run, repeats, panel``; columns ``assumes, read, gain, at_most, beyond``, the last three as
        Estimate in units of accuracy; ``beyond`` is ``gain`` minus ``at_most``. The units are questions in
        the first and third row; in the second, ``at_most`` is over questions, ``gain`` and ``beyond`` over
        the five clipped runs. The panel follows one run, which ends as in the first row.

    Examples
    --------
    >>> parts = reweighting_accounts()[["gain", "at_most", "beyond"]].to_numpy()
    >>> [[round(100 * part.value, 1) for part in row] for row in parts]
    [[21.5, 11.5, 10.0], [14.9, 11.5, 3.4], [22.0, 16.2, 5.8]]
    """
    counts = strategy_counts()[_MODEL]
    first = left_over(level=level).set_index("model").loc[_MODEL]
    panel = switch_split(_PANEL, level=level)
    ends = end_points("8 updates, clipping") / 100
    gain, beyond = (
        mean_interval(ends - start, level=level, unit="training run")
        for start in (counts.printed, counts.right[0] / counts.n[0])
    )
    one, by_question = "one accuracy a strategy", "accuracy of a strategy by question"
    return pd.DataFrame(
        [
            (one, "one run", Estimate(float(first.null), n=1), first.bound, first.left),
            (one, "five runs", gain, first.bound, beyond),
            (by_question, "one run", panel.gain, panel.switched, panel.unswitched),
        ],
        columns=["assumes", "read", "gain", "at_most", "beyond"],
        index=["one run", "repeats", "panel"],
    )
