"""What a study of four arms would show, before anything is trained.

From a guess of the four accuracies and a design, this module draws what the study would measure (arm means
around the guess, run-to-run variances around theirs), puts the instrument's own margins beside each draw,
and counts verdicts. The normal law stands for the mean of many items; ``tests/planning/test_study_plans.py``
holds the counts against audits of simulated answers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

from rlvr._checks import choice, real, whole
from rlvr.arms import ARMS
from rlvr.auditing.cells import Arm
from rlvr.auditing.items_and_runs import crossed_margins
from rlvr.auditing.sampling_error import item_sampling
from rlvr.auditing.verdict_rules import RULES, VERDICTS, contrast, verdicts_at
from rlvr.decomposition import PARTS, TERMS
from rlvr.planning.simulated_studies import StudyDesign

__all__ = ["LAYERS", "Costs", "Plan", "plan_study"]

LAYERS = ("items", "all")
"""A verdict supported over items, as the status of an audit says; and over items and runs."""


@dataclass(frozen=True)
class Costs:
    """What a design costs, in training runs.

    Attributes
    ----------
    answers_per_run : float
        How many evaluated answers cost as much as one training run. The default, 300,000, is about what a
        run of 150 steps with 128 prompts and 16 answers to each generates itself.
    """

    answers_per_run: float = 300_000.0

    def __post_init__(self) -> None:
        real("answers_per_run", self.answers_per_run, "a number above 0", above=0)

    def of(self, design: StudyDesign) -> float:
        """Runs of the trained arms, and the answers that evaluate those runs and FROZEN."""
        answers = design.n_items * design.samples_per_item * design.run_counts().sum()
        return float((len(ARMS) - 1) * design.n_runs + answers / self.answers_per_run)


@dataclass(frozen=True)
class Plan:
    """What to expect of one design.

    Attributes
    ----------
    design : StudyDesign
    paired : bool
        Whether the audit gets every item's outcome, or accuracies alone.
    verdict : str
        What the guess itself says, out of ``VERDICTS``.
    chances : dict of str to dict of str to float
        For a verdict that survives "items" or "all" (items and runs): the chance of each verdict, and of
        "none".
    half_widths : dict of str to dict of str to float
        For the same layers: the expected half-width of each term's interval.
    cost : float
        In training runs.
    draws : int
    """

    design: StudyDesign
    paired: bool
    verdict: str
    chances: Mapping[str, Mapping[str, float]]
    half_widths: Mapping[str, Mapping[str, float]]
    cost: float
    draws: int

    def chance(self, layer: str = "all") -> float:
        """The chance that the verdict of the guess is supported."""
        return self.chances[choice("layer", layer, LAYERS)][self.verdict]

    def wrong(self, layer: str = "all") -> float:
        """The chance that another verdict is supported."""
        at = self.chances[choice("layer", layer, LAYERS)]
        return sum(at[verdict] for verdict in VERDICTS if verdict != self.verdict)

    def widest(self, layer: str = "all") -> float:
        """The largest expected half-width among null, elicitation and reward design."""
        return max(self.half_widths[choice("layer", layer, LAYERS)][part] for part in PARTS)


def plan_study(
    design: StudyDesign,
    *,
    paired: bool = True,
    level: float = 0.95,
    rule: str = "magnitude",
    costs: Costs | None = None,
    draws: int = 10_000,
    seed: int = 0,
) -> Plan:
    """What to expect of a design: chances of a supported verdict, and half-widths.

    Parameters
    ----------
    design : StudyDesign
        Its accuracies are the guess. With one run an arm, the audit is taken to be told the run-to-run
        standard deviation; with more, it estimates it from the runs.
    paired : bool
    level : float in (0, 1)
    rule : {"magnitude", "published"}
    costs : Costs, optional
    draws : int
        Of the measured accuracies; a chance is off by at most ``1 / sqrt(draws)`` (two standard errors).
    seed : int

    Returns
    -------
    Plan

    Examples
    --------
    >>> plan = plan_study(StudyDesign((0.25, 0.25, 0.3, 0.75), n_items=500, run_sd=(0, 0.01, 0.01, 0.01)))
    >>> plan.verdict, round(plan.chance(), 2)
    ('reward design', 1.0)
    """
    real("level", level, "a number strictly between 0 and 1", above=0, below=1)
    choice("rule", rule, tuple(RULES))
    whole("draws", draws, "a whole number of at least 100", at_least=100)
    rows = np.array([row for alternatives in RULES[rule].values() for rows in alternatives for row in rows])
    terms = np.array([contrast(term) for term in TERMS])
    rng = np.random.default_rng(seed)
    measured, run_squares = _draw(design, draws, rng)

    def margins(contrasts: NDArray[np.float64]) -> tuple[_Margins, _Margins]:
        way = _paired_margins if paired else _unpaired_margins
        return way(design, contrasts, run_squares, level)

    # An inequality and its opposite have the same margins, exchanged: half of them need no computing.
    sign = np.sign(rows[np.arange(len(rows)), (rows != 0).argmax(axis=1)])
    one_way, place = np.unique(rows * sign[:, None], axis=0, return_inverse=True)
    guess = str(verdicts_at(design.accuracies, rule=rule))
    chances, half_widths = {}, {}
    for layer, (below, above), ends in zip(LAYERS, margins(one_way), margins(terms), strict=True):
        under, over = below[:, place], above[:, place]
        chances[layer] = _chances(
            measured, np.where(sign > 0, under, over), np.where(sign > 0, over, under), rule
        )
        widths = (ends[0] + ends[1]).mean(axis=0) / 2
        half_widths[layer] = dict(zip(TERMS, widths.tolist(), strict=True))
    return Plan(design, paired, guess, chances, half_widths, (costs or Costs()).of(design), draws)


_Margins = tuple[NDArray[np.float64], NDArray[np.float64]]


def _draw(
    design: StudyDesign, draws: int, rng: np.random.Generator
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Measured accuracies (draw, arm), and the variances (draw, arm) of the run means around them."""
    runs, spread = design.run_counts(), np.array(design.run_sd) ** 2
    covariance = design.item_covariance() / design.n_items + np.diag(spread / runs)
    measured = rng.multivariate_normal(design.accuracies, covariance, draws, method="eigh")
    free = np.maximum(runs - 1, 1)
    expected = spread + design.own_variance() / design.n_items
    return measured.clip(0, 1), expected * rng.chisquare(free, (draws, len(ARMS))) / free


def _paired_margins(
    design: StudyDesign, contrasts: NDArray[np.float64], run_squares: NDArray[np.float64], level: float
) -> tuple[_Margins, _Margins]:
    by_items = np.einsum("ca,ab,cb->c", contrasts, design.item_covariance(), contrasts)
    both, _ = crossed_margins(
        by_items,
        design.n_items,
        run_squares,
        design.own_variance(),
        design.run_counts(),
        contrasts,
        assumed_run_sd=design.run_sd,
        level=level,
    )
    tail = special.stdtrit(design.n_items - 1, 0.5 + level / 2)
    alone = np.broadcast_to(tail * np.sqrt(by_items / design.n_items), both.shape)
    # As in an audit: arms that differ on no item are taken as independent ones.
    (below, above), _ = _unpaired_margins(design, contrasts, run_squares, level)
    alike = by_items <= 1e-15
    return (
        (np.where(alike, below, alone), np.where(alike, above, alone)),
        (np.where(alike, np.hypot(below, both), both), np.where(alike, np.hypot(above, both), both)),
    )


def _unpaired_margins(
    design: StudyDesign, contrasts: NDArray[np.float64], run_squares: NDArray[np.float64], level: float
) -> tuple[_Margins, _Margins]:
    arms = {
        name: Arm(name, accuracy, design.n_items)
        for name, accuracy in zip(ARMS, design.accuracies, strict=True)
    }
    below, above = item_sampling(arms, level=level).margins(contrasts)
    runs = design.run_counts()
    tail = special.stdtrit(np.maximum(runs - 1, 1), 0.5 + level / 2) ** 2 * run_squares / runs
    known = special.ndtri(0.5 + level / 2) ** 2 * np.array(design.run_sd) ** 2
    moved = np.where(runs > 1, tail, known) @ (contrasts**2).T
    alone = tuple(np.broadcast_to(side, moved.shape) for side in (below, above))
    return (alone[0], alone[1]), (np.sqrt(below**2 + moved), np.sqrt(above**2 + moved))


def _chances(
    measured: NDArray[np.float64], below: NDArray[np.float64], above: NDArray[np.float64], rule: str
) -> dict[str, float]:
    """How often each verdict survives; :func:`rlvr.auditing.verdict_rules.judge`, all draws at once."""
    counts, start = {}, 0
    none_holds = np.ones(len(measured), dtype=bool)
    for verdict, alternatives in RULES[rule].items():
        shown = np.zeros(len(measured), dtype=bool)
        for inequalities in alternatives:
            values, place = measured @ inequalities.T, slice(start, start + len(inequalities))
            shown |= (values - below[:, place] > 0).all(axis=1)
            none_holds &= (values + above[:, place] < 0).any(axis=1)
            start += len(inequalities)
        counts[verdict] = float(shown.mean())
    counts["mixed"] = float(none_holds.mean())
    chances = {verdict: counts.get(verdict, 0.0) for verdict in VERDICTS}
    return {**chances, "none": 1.0 - sum(chances.values())}
