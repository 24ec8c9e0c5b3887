"""From a pilot's table to a guess and a design that a plan can start from."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations

import numpy as np

from rlvr.arms import ARMS
from rlvr.auditing.cells import Arm, Cell
from rlvr.auditing.sampling_error import item_sampling
from rlvr.planning.run_spreads import default_run_sd
from rlvr.planning.simulated_studies import StudyDesign

__all__ = ["DEFAULT_ITEM_CORRELATION", "item_correlation", "pilot_design"]

DEFAULT_ITEM_CORRELATION = 0.5
"""What a plan assumes where no outcomes are at hand, that of items whose hardness is Beta(1/2, 1/2), as in
the instrument's own simulated coverage. Answers of one policy and of two are taken to correlate alike."""


def item_correlation(arms: Mapping[str, Arm]) -> float | None:
    """How alike the arms answer an item, as a fraction of the most that their accuracies allow.

    The covariance of two arms' outcomes over items, summed over pairs of arms, over the sum of
    ``min(p, q) - p q``; confined to [0, 1]. None without outcomes on the same items.

    Examples
    --------
    >>> items, same = np.arange(4), np.array([[0.0, 0.0, 1.0, 1.0]])
    >>> arms = {name: Arm(name, 0.5, 4, items=items, outcomes=same) for name in ("frozen", "true")}
    >>> item_correlation(arms)
    1.0
    """
    outcomes = item_sampling(arms).outcomes
    if outcomes is None:
        return None
    present = [ARMS.index(name) for name in arms]
    n, p = len(outcomes), outcomes.mean(axis=0)
    seen = (outcomes - p).T @ (outcomes - p) / (n - 1)
    pairs = list(combinations(present, 2))
    most = sum(min(p[a], p[b]) - p[a] * p[b] for a, b in pairs)
    if most <= 0:
        return None
    return float(np.clip(sum(seen[a, b] for a, b in pairs) / most, 0.0, 1.0))


def pilot_design(cell: Cell) -> StudyDesign:
    """The design of a cell with four arms: its accuracies as the guess, its sizes, what is known of its runs.

    A run-to-run standard deviation that the cell does not state is
    :func:`rlvr.planning.run_spreads.default_run_sd`; an item correlation that its outcomes do not show is
    ``DEFAULT_ITEM_CORRELATION``.

    Raises
    ------
    ValueError
        If an arm is missing, or states no number of items.
    """
    missing = [name for name in ARMS if name not in cell.arms]
    if missing:
        raise ValueError(f"a plan needs all of {', '.join(ARMS)}; {cell.name} has no {', '.join(missing)}")
    arms = [cell.arms[name] for name in ARMS]
    sizes = [arm.n_items for arm in arms if arm.n_items is not None]
    if len(sizes) < len(arms):
        raise ValueError(f"a plan needs the number of items of every arm; {cell.name} does not state it")
    seen = item_correlation(cell.arms)
    alike = DEFAULT_ITEM_CORRELATION if seen is None else seen
    default = default_run_sd().run_sd
    return StudyDesign(
        accuracies=tuple(arm.accuracy for arm in arms),
        n_items=max(2, min(sizes)),
        samples_per_item=min(arm.samples_per_item or 1 for arm in arms),
        n_runs=min(arm.n_runs or 1 for arm in arms[1:]),
        run_sd=(0.0, *(default if arm.run_sd is None else arm.run_sd for arm in arms[1:])),
        item_correlation=alike,
        sample_correlation=alike,
    )
