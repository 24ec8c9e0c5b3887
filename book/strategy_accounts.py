"""One accounting of the most quoted null: what re-weighting of strategies can carry, by what is assumed.

The rows are alternatives, not parts of one sum: they assume different things, and read different runs.
"""

from __future__ import annotations

import pandas as pd

from book.repeated_runs import end_points
from book.strategy_bounds import left_over, left_over_in_repeats, strategy_counts, switch_split
from rlvr.stats.estimates import Estimate, mean_interval

__all__ = ["reweighting_accounts"]

_MODEL, _PANEL = "Qwen2.5-Math-7B", "format (as printed)"


def reweighting_accounts(*, level: float = 0.95) -> pd.DataFrame:
    """The null of Qwen2.5-Math-7B on MATH-500, the most of it that re-weighting can carry, and the rest.

    Returns
    -------
    DataFrame
        Index ``one run, repeats, panel``; columns ``assumes, read, gain, at_most, beyond``, the last three as
        Estimate in units of accuracy, and each ``beyond`` is its ``gain`` less its ``at_most``. Units are
        questions in the first and third row; in the second ``at_most`` is over questions, ``gain`` and
        ``beyond`` over the five clipped runs. The panel follows one run, and ends where the first row does.

    Examples
    --------
    >>> parts = reweighting_accounts()[["gain", "at_most", "beyond"]].to_numpy()
    >>> [[round(100 * part.value, 1) for part in row] for row in parts]
    [[21.5, 11.5, 10.0], [14.9, 11.5, 3.4], [22.0, 16.2, 5.8]]
    """
    counts = strategy_counts()[_MODEL]
    first = left_over(level=level).set_index("model").loc[_MODEL]
    panel = switch_split(_PANEL, level=level)
    gains = end_points("8 updates, clipping") / 100 - counts.printed
    repeats = mean_interval(gains, level=level, unit="training run")
    one, by_question = "one accuracy a strategy", "accuracy of a strategy by question"
    return pd.DataFrame(
        [
            (one, "one run", Estimate(float(first.null), n=1), first.bound, first.left),
            (one, "five runs", repeats, first.bound, left_over_in_repeats(level=level)),
            (by_question, "one run", panel.gain, panel.switched, panel.unswitched),
        ],
        columns=["assumes", "read", "gain", "at_most", "beyond"],
        index=["one run", "repeats", "panel"],
    )
