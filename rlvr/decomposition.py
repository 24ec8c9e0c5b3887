"""The estimands: the only definitions of null, elicitation and reward design.

With acc the accuracy of an arm after training (FROZEN is not trained)::

    total         = acc(TRUE)     - acc(FROZEN)  =  null + elicitation + reward_design
    null          = acc(RANDOM)   - acc(FROZEN)
    elicitation   = acc(MAJORITY) - acc(RANDOM)
    reward_design = acc(TRUE)     - acc(MAJORITY)
    naive         = acc(TRUE)     - acc(RANDOM)  =  elicitation + reward_design

The unit of replication is the task draw, then the seed inside it; every term is a paired difference.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from rlvr._checks import confidence_level, shown
from rlvr.arms import ARMS
from rlvr.stats.estimates import Estimate, mean_interval, ratio_interval

__all__ = ["PARTS", "TERMS", "Decomposition", "TrainedRuns", "decompose"]

TERMS: Mapping[str, tuple[str, str]] = {
    "null": ("random", "frozen"),
    "elicitation": ("majority", "random"),
    "reward_design": ("true", "majority"),
    "naive": ("true", "random"),
    "total": ("true", "frozen"),
}
"""Each term as (arm, arm it is compared with), accuracy of the first minus accuracy of the second."""

PARTS = ("null", "elicitation", "reward_design")
"""The terms that add up to the total."""


@runtime_checkable
class TrainedRuns(Protocol):
    """The part of a simulation that `decompose` needs: the accuracy of each arm, run by run."""

    def arm(self, name: str) -> NDArray[np.float64]:
        """Accuracy of one arm, ndarray (task, seed)."""


@dataclass(frozen=True)
class Decomposition:
    """The terms of one study, each an Estimate in units of accuracy.

    `reward_design_fraction` is reward_design / naive. The fraction may lie outside [0, 1], and is undefined,
    with the reason, when naive is not separated from zero.
    """

    null: Estimate
    elicitation: Estimate
    reward_design: Estimate
    naive: Estimate
    total: Estimate
    reward_design_fraction: Estimate

    def terms(self) -> dict[str, Estimate]:
        """The five differences by name, in the order of ``TERMS``."""
        return {name: getattr(self, name) for name in TERMS}


def decompose(
    runs: TrainedRuns | None = None,
    *,
    frozen: Any = None,
    random: Any = None,
    majority: Any = None,
    true: Any = None,
    level: float = 0.95,
) -> Decomposition:
    """Split the total gain into null, elicitation and reward design.

    Parameters
    ----------
    runs : Runs, optional
        The result of :func:`rlvr.simulate` with all four arms.
    frozen, random, majority, true : number or array_like, optional
        Instead of `runs`: four accuracies of any numeric type (`fractions.Fraction` stays exact), or four
        arrays (task, seed) or (seed,) of one shape, paired run by run.
    level : float in (0, 1)
        Nominal coverage of the intervals.

    Returns
    -------
    Decomposition
        With intervals where there are at least two independent runs.

    Raises
    ------
    TypeError
        If both or neither form is given, an arm is missing, or one is no number or array of numbers.
    ValueError
        If the arrays differ in shape or hold values that are not finite, or series differ in their labels.

    Examples
    --------
    >>> parts = decompose(frozen=0.494, random=0.709, majority=0.758, true=0.787)
    >>> f"{parts.null:.3f} {parts.elicitation:.3f} {parts.reward_design:.3f}"
    '0.215 0.049 0.029'
    """
    given = dict(zip(ARMS, (frozen, random, majority, true), strict=True))
    if runs is not None:
        if any(value is not None for value in given.values()):
            raise TypeError("decompose takes either runs or four accuracies, got both")
        if not isinstance(runs, TrainedRuns):
            raise TypeError(
                f"runs must be a Runs from simulate, got {type(runs).__name__}; "
                f"pass accuracies by name: {', '.join(ARMS)}"
            )
        given = {arm: runs.arm(arm) for arm in ARMS}
    missing = [arm for arm, value in given.items() if value is None]
    if missing:
        raise TypeError(f"decompose needs all of {', '.join(ARMS)}; missing {', '.join(missing)}")
    shapes = {arm: np.shape(value) for arm, value in given.items()}
    if len(set(shapes.values())) > 1:
        raise ValueError(f"arms must be paired run by run and so share one shape, got {shapes}")
    _refuse_other_labels(given)
    arrays = {arm: _numbers(arm, value) for arm, value in given.items()}
    for arm, array in arrays.items():
        if not np.isfinite(array).all():
            raise ValueError(f"{arm} must hold finite accuracies, got {shown(given[arm])}")
    level = confidence_level(level)
    if shapes["true"] == ():
        plain = {
            arm: value.item() if isinstance(value, np.generic | np.ndarray) else value
            for arm, value in given.items()
        }
        try:
            return _of_numbers(plain, level)
        except TypeError:  # types that do not mix, such as Decimal and float
            return _of_numbers({arm: array.item() for arm, array in arrays.items()}, level)
    difference = {name: arrays[arm] - arrays[base] for name, (arm, base) in TERMS.items()}
    fraction = ratio_interval(
        difference["reward_design"], difference["naive"], level=level, names=("reward_design", "naive")
    )
    return Decomposition(
        **{name: mean_interval(value, level=level) for name, value in difference.items()},
        reward_design_fraction=fraction,
    )


def _numbers(arm: str, value: Any) -> NDArray[np.float64]:
    try:
        return np.asarray(value, dtype=float)
    except (TypeError, ValueError):
        raise TypeError(f"{arm} must be a number or an array of numbers, got {shown(value)}") from None


def _refuse_other_labels(given: Mapping[str, Any]) -> None:
    """Refuse series whose labels differ: their values would be paired by position, so with other runs."""
    labels = {
        arm: list(value.index) for arm, value in given.items() if not callable(getattr(value, "index", print))
    }
    first = next(iter(labels), "")
    other = next((arm for arm in labels if labels[arm] != labels[first]), None)
    if other:
        raise ValueError(
            f"arms must be paired run by run, but the labels of {first} {shown(labels[first])} and of "
            f"{other} {shown(labels[other])} differ; series with the same labels in the same "
            "order are accepted, or arrays"
        )


def _of_numbers(given: Mapping[str, Any], level: float) -> Decomposition:
    reason = "four numbers alone have no interval"
    terms = {
        name: Estimate(given[arm] - given[base], level=level, reason=reason)
        for name, (arm, base) in TERMS.items()
    }
    naive = terms["naive"].value
    fraction = (
        Estimate(terms["reward_design"].value / naive, level=level, reason=reason)
        if naive != 0
        else Estimate(float("nan"), level=level, reason="naive is 0")
    )
    return Decomposition(**terms, reward_design_fraction=fraction)
