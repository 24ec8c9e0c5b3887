"""Studies drawn at random from a plain model of items, runs and samples: what the instrument is tried on.

Every answer is right or wrong by comparing a uniform number with the accuracy of its run. What differs is
whose number it is. On a fraction ``item_correlation`` of the items all policies meet one number: the item's
hardness decides, and whoever is more accurate solves a superset. On further items, up to the fraction
``sample_correlation``, a run has a number of its own for each item, kept through its samples. On the rest
every answer has its own. So the covariance of two answers to an item is that fraction of the most that two
accuracies p and q allow, ``min(p, q) - p q``, whatever they are. Runs move up and down as a whole with a
normal deviation.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from rlvr._checks import real, shown, whole
from rlvr.arms import ARMS

__all__ = ["StudyDesign", "draw_outcomes", "outcomes_table"]

_FRACTION = "a fraction from 0 to 1"


@dataclass(frozen=True)
class StudyDesign:
    """Four arms, how they are evaluated, and how their answers vary.

    Attributes
    ----------
    accuracies : tuple of float (arm,)
        What each arm has in the long run, in the order of ``ARMS``.
    n_items, samples_per_item, n_runs : int
        Items of the benchmark, answers to each, and training runs of each trained arm. FROZEN is evaluated
        once.
    run_sd : tuple of float (arm,)
        Standard deviation from run to run, in units of accuracy; FROZEN has none.
    item_correlation : float in [0, 1]
        Of answers to one item by different policies, as a fraction of the most that their accuracies allow.
    sample_correlation : float in [item_correlation, 1]
        The same for two answers of one policy.

    Raises
    ------
    ValueError, TypeError
        If a value is out of range.
    """

    accuracies: tuple[float, ...]
    n_items: int = 500
    samples_per_item: int = 1
    n_runs: int = 3
    run_sd: tuple[float, ...] = (0.0, 0.0, 0.0, 0.0)
    item_correlation: float = 0.5
    sample_correlation: float = 0.5

    def __post_init__(self) -> None:
        for name, values in (("accuracies", self.accuracies), ("run_sd", self.run_sd)):
            if len(values) != len(ARMS):
                raise ValueError(f"{name} must hold four numbers, for {', '.join(ARMS)}, got {shown(values)}")
        for arm, accuracy, spread in zip(ARMS, self.accuracies, self.run_sd, strict=True):
            real(f"accuracy of {arm}", accuracy, _FRACTION, above=0, below=1, closed=True)
            real(f"run_sd of {arm}", spread, "a fraction from 0 to 0.5", above=0, below=0.5, closed=True)
        if self.run_sd[0]:
            raise ValueError(
                f"run_sd of frozen must be 0, since it is not trained, got {shown(self.run_sd[0])}"
            )
        whole("n_items", self.n_items, "a whole number from 2 to 1,000,000", at_least=2, at_most=10**6)
        whole(
            "samples_per_item", self.samples_per_item, "a whole number from 1 to 10,000", at_least=1,
            at_most=10**4,
        )  # fmt: skip
        whole("n_runs", self.n_runs, "a whole number from 1 to 1,000", at_least=1, at_most=1000)
        real("item_correlation", self.item_correlation, _FRACTION, above=0, below=1, closed=True)
        real(
            "sample_correlation", self.sample_correlation, "a fraction from item_correlation to 1",
            above=self.item_correlation, below=1, closed=True,
        )  # fmt: skip

    def runs_of(self, arm: str) -> int:
        """How many runs an arm has: one for FROZEN."""
        return 1 if arm == "frozen" else self.n_runs

    def item_covariance(self) -> NDArray[np.float64]:
        """Covariance (arm, arm) of the arms' mean outcome on an item, around the runs that were made."""
        p = np.array(self.accuracies)
        most = np.minimum.outer(p, p) - np.outer(p, p)
        return self.item_correlation * most + np.diag(self.own_variance() / self.run_counts())

    def own_variance(self) -> NDArray[np.float64]:
        """Variance (arm,) on an item that one run shares with no other: items x runs, and samples."""
        p = np.array(self.accuracies)
        fresh = (1 - self.sample_correlation) / self.samples_per_item
        return p * (1 - p) * (self.sample_correlation - self.item_correlation + fresh)

    def run_counts(self) -> NDArray[np.int64]:
        """Runs of each arm (arm,)."""
        return np.array([self.runs_of(arm) for arm in ARMS])


def draw_outcomes(design: StudyDesign, rng: np.random.Generator) -> dict[str, NDArray[np.float64]]:
    """Outcomes of one study: for each arm an ndarray (run, item) of the fraction of samples that were right.

    Examples
    --------
    >>> design = StudyDesign((0.25, 0.5, 0.5, 0.75), n_items=4, n_runs=2)
    >>> {arm: y.shape for arm, y in draw_outcomes(design, np.random.default_rng(0)).items()}
    {'frozen': (1, 4), 'random': (2, 4), 'majority': (2, 4), 'true': (2, 4)}
    """
    kind, hardness = rng.random(design.n_items), rng.random(design.n_items)
    outcomes = {}
    for arm, accuracy, spread in zip(ARMS, design.accuracies, design.run_sd, strict=True):
        shape = (design.runs_of(arm), design.n_items)
        level = np.clip(accuracy + spread * rng.standard_normal((shape[0], 1)), 0.0, 1.0)
        own = rng.random(shape) < level
        fresh = rng.binomial(design.samples_per_item, np.broadcast_to(level, shape))
        outcomes[arm] = np.where(
            kind < design.item_correlation,
            hardness < level,
            np.where(kind < design.sample_correlation, own, fresh / design.samples_per_item),
        ).astype(float)
    return outcomes


def outcomes_table(studies: Mapping[str, Mapping[str, NDArray[np.float64]]]) -> pd.DataFrame:
    """Drawn studies by name as one table in the outcomes format, which :func:`rlvr.audit` takes."""
    pieces = []
    for study, outcomes in studies.items():
        for arm, values in outcomes.items():
            run, item = np.indices(values.shape)
            pieces.append(
                pd.DataFrame(
                    {
                        "study": study,
                        "model": "m",
                        "benchmark": "b",
                        "arm": arm,
                        "run": run.ravel(),
                        "item": item.ravel(),
                        "correct": values.ravel(),
                    }
                )
            )
    return pd.concat(pieces, ignore_index=True)
