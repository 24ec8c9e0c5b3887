"""Predict the results of a study of four arms before training, and find the cheapest sufficient design.

*Simulated studies.* An answer is right if a uniform number lies below the accuracy of its run. Answers differ
in which numbers they share. On a fraction ``item_correlation`` of the items, all policies share one number,
the hardness of the item, so a more accurate policy solves a superset of the items. On further items, up to
the fraction ``sample_correlation``, each run has its own number per item for all its samples. On the rest,
every answer has its own number. The covariance of two answers to an item is therefore that fraction of the
largest value that two accuracies p and q allow, ``min(p, q) - p q``. A normal deviation shifts each run as a
whole.

*Plans.* From a guess of the four accuracies and a design, `plan_study` draws the measurements of the study
(arm means around the guess, and run-to-run variances), applies the margins of the audit to each draw, and
counts verdicts. The means of many items are drawn from a normal law; ``tests/planning/test_study_plans.py``
compares the counts with audits of simulated answers.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cache, partial
from numbers import Real
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import special

from rlvr._checks import choice, confidence_level, real, shown, whole
from rlvr.arms import ARMS
from rlvr.auditing.cell_verdicts import VERDICT_RULES, VERDICTS, contrast, verdict_slack, verdicts_at
from rlvr.decomposition import PARTS, TERMS
from rlvr.stats.sampling import Sampling, crossed_margins, wilson
from rlvr.stats.spread_models import NextDeviation

__all__ = [
    "ANSWERS_PER_RUN",
    "ITEMS",
    "LAYERS",
    "Plan",
    "StudyDesign",
    "cheapest_design",
    "draw_outcomes",
    "outcomes_table",
    "plan_study",
]

ANSWERS_PER_RUN = 300_000.0
"""Default number of evaluated answers that cost as much as one training run. A run of 150 steps with 128
prompts and 16 answers each generates about as many."""

LAYERS = ("items", "all")
"""Sampling over which a verdict is supported, items alone (an audit's status) or items and runs."""

STRATA = 40
"""Number of strata of a law of spreads over which a plan is averaged."""

ITEMS = (30, 50, 100, 200, 500, 1000, 2000, 5000)
"""Benchmark sizes that the search for the cheapest design tries."""

_FRACTION = "a fraction from 0 to 1"


def _by_arm(name: str, values: Any) -> tuple[Any, ...]:
    """Return the four numbers in the order of ``ARMS``: those with names, as in a series, by their names."""
    named = values.to_dict() if hasattr(values, "to_dict") else values
    if isinstance(named, Mapping) and (named is values or any(isinstance(label, str) for label in named)):
        others = {"frozen": 0.0} if name == "run_sd" else {}
        found = {**others, **named}
        numbers = [found[arm] for arm in ARMS] if {*found} == {*ARMS} else []
    else:
        numbers = [*values] if isinstance(values, Iterable) and not isinstance(values, (str, bytes)) else []
    if len(numbers) != len(ARMS):
        raise ValueError(f"{name} must hold four numbers, for {', '.join(ARMS)}, got {shown(values)}")
    return tuple(numbers)


@dataclass(frozen=True)
class StudyDesign:
    """The accuracies of four arms, their evaluation, and the variation of their answers.

    Attributes
    ----------
    accuracies : tuple of float (arm,), or mapping of arm to float
        The true accuracy of each arm, in the order of ``ARMS`` where the numbers have no names.
    n_items, samples_per_item, n_runs : int
        Items of the benchmark, answers to each, and training runs of each trained arm. FROZEN is evaluated
        once.
    run_sd : tuple of float (arm,), mapping of trained arm to float, or float for every trained arm
        Run-to-run standard deviation, in units of accuracy; 0 for FROZEN.
    item_correlation : float in [0, 1]
        Covariance of different policies' answers to one item, as a fraction of the largest possible value.
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
        given: dict[str, Any] = {"accuracies": self.accuracies, "run_sd": self.run_sd}
        if isinstance(self.run_sd, Real):
            given["run_sd"] = (0.0, self.run_sd, self.run_sd, self.run_sd)
        for name, values in given.items():
            object.__setattr__(self, name, _by_arm(name, values))
        fraction = partial(real, accepted=_FRACTION, above=0, below=1, closed=True)
        spread = partial(real, accepted="a fraction from 0 to 0.5", above=0, below=0.5, closed=True)
        per_arm = {
            "accuracies": tuple(
                fraction(f"accuracy of {arm}", value)
                for arm, value in zip(ARMS, self.accuracies, strict=True)
            ),
            "run_sd": tuple(
                spread(f"run_sd of {arm}", value) for arm, value in zip(ARMS, self.run_sd, strict=True)
            ),
        }
        if per_arm["run_sd"][0]:
            raise ValueError(
                f"run_sd of frozen must be 0, since it is not trained, got {shown(self.run_sd[0])}"
            )
        counts = {
            name: whole(name, getattr(self, name), f"a whole number from {low} to {high:,}", at_least=low,
                        at_most=high)
            for name, low, high in (
                ("n_items", 2, 10**6), ("samples_per_item", 1, 10**4), ("n_runs", 1, 1000)
            )
        }  # fmt: skip
        item = fraction("item_correlation", self.item_correlation)
        sample = real(
            "sample_correlation", self.sample_correlation, "a fraction from item_correlation to 1",
            above=item, below=1, closed=True,
        )  # fmt: skip
        # Python's own integers: products of narrow NumPy integers overflow without an error.
        alike = {"item_correlation": item, "sample_correlation": sample}
        for name, value in {**per_arm, **counts, **alike}.items():
            object.__setattr__(self, name, value)

    def item_covariance(self) -> NDArray[np.float64]:
        """Return the covariance (arm, arm) of the arms' mean outcomes on an item, given the runs."""
        p = np.array(self.accuracies)
        most = np.minimum.outer(p, p) - np.outer(p, p)
        return self.item_correlation * most + np.diag(self.own_variance() / self.run_counts())

    def own_variance(self) -> NDArray[np.float64]:
        """Return the variance (arm,) on an item that is specific to one run: items x runs, and samples."""
        p = np.array(self.accuracies)
        fresh = (1 - self.sample_correlation) / self.samples_per_item
        return p * (1 - p) * (self.sample_correlation - self.item_correlation + fresh)

    def run_counts(self) -> NDArray[np.int64]:
        """Return the runs of each arm (arm,), one for FROZEN."""
        return np.array([1 if arm == "frozen" else self.n_runs for arm in ARMS])

    def cost(self, answers_per_run: float = ANSWERS_PER_RUN) -> float:
        """Return the cost of training and of evaluating all arms, in training runs."""
        answers = self.n_items * self.samples_per_item * int(self.run_counts().sum())
        cost = (len(ARMS) - 1) * self.n_runs + answers / float(answers_per_run)
        if not math.isfinite(cost):
            raise ValueError(
                f"answers_per_run must be so large that {answers:,} answers have a finite cost, "
                f"got {shown(answers_per_run)}"
            )
        return cost


def draw_outcomes(design: StudyDesign, rng: np.random.Generator) -> dict[str, NDArray[np.float64]]:
    """Draw the outcomes of one study: for each arm the fraction of right samples (run, item).

    Examples
    --------
    >>> design = StudyDesign((0.25, 0.5, 0.5, 0.75), n_items=4, n_runs=2)
    >>> {arm: y.shape for arm, y in draw_outcomes(design, np.random.default_rng(0)).items()}
    {'frozen': (1, 4), 'random': (2, 4), 'majority': (2, 4), 'true': (2, 4)}
    """
    kind, hardness = rng.random(design.n_items), rng.random(design.n_items)
    outcomes = {}
    for arm, accuracy, spread, n_runs in zip(
        ARMS, design.accuracies, design.run_sd, design.run_counts(), strict=True
    ):
        shape = (n_runs, design.n_items)
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
    """Put drawn studies, by name, into one table in the outcomes format of :func:`rlvr.audit`.

    The table does not state the number of samples behind an outcome; add a column ``samples_per_item``.
    """
    pieces = []
    for study, outcomes in studies.items():
        for arm, values in outcomes.items():
            run, item = np.indices(values.shape)
            names = {"study": study, "model": "m", "benchmark": "b", "arm": arm}
            answers = {"run": run.ravel(), "item": item.ravel(), "correct": values.ravel()}
            pieces.append(pd.DataFrame({**names, **answers}))
    return pd.concat(pieces, ignore_index=True)


@dataclass(frozen=True)
class Plan:
    """The expected results of one design.

    Attributes
    ----------
    design, paired
        As in :func:`plan_study`.
    verdict : str
        The verdict at the guessed accuracies, one of ``VERDICTS``.
    chances : dict of str to dict of str to float
        For each of ``LAYERS``, "items" or "all" (items and runs): the chance that each verdict is supported,
        and that "none" is.
    half_widths : dict of str to dict of str to float
        For the same layers: the expected half-width of each term's interval.
    cost : float
        In training runs.
    draws : int
        Number of draws behind every chance.
    """

    design: StudyDesign
    paired: bool
    verdict: str
    chances: Mapping[str, Mapping[str, float]]
    half_widths: Mapping[str, Mapping[str, float]]
    cost: float
    draws: int

    def chance(self, layer: str = "all") -> float:
        """Return the chance that the verdict of the guess is supported."""
        return self.chances[choice("layer", layer, LAYERS)][self.verdict]

    def wrong(self, layer: str = "all") -> float:
        """Return the chance that another verdict is supported."""
        at = self.chances[choice("layer", layer, LAYERS)]
        return sum(at[verdict] for verdict in VERDICTS if verdict != self.verdict)

    def widest(self, layer: str = "all") -> float:
        """Return the largest expected half-width among null, elicitation and reward design."""
        return max(self.half_widths[choice("layer", layer, LAYERS)][part] for part in PARTS)


def plan_study(
    design: StudyDesign,
    *,
    paired: bool = True,
    level: float = 0.95,
    rule: str = "magnitude",
    answers_per_run: float = ANSWERS_PER_RUN,
    draws: int = 10_000,
    seed: int = 0,
    laws: Mapping[str, NextDeviation] | None = None,
    laws_in_audit: bool = False,
) -> Plan:
    """Predict the chances of a supported verdict and the half-widths of a design.

    Parameters
    ----------
    design : StudyDesign
        Its accuracies are the guess. With one run per arm, the audit uses the run-to-run standard deviation
        of the design; with more runs, the audit estimates the deviation from them.
    paired : bool
        Whether the audit gets every item's outcome, or only accuracies.
    level, rule
        As in :func:`rlvr.audit`.
    answers_per_run : float above 0
        How many evaluated answers cost as much as one training run.
    draws, seed : int
        Number and seed of the draws; two standard errors of a chance are at most ``1 / sqrt(draws)``.
    laws : mapping of arm to NextDeviation, optional
        Laws of run-to-run standard deviations (fractions), independent across arms, in place of the design's.
        Chances and half-widths are averages over `STRATA` strata of each law.
    laws_in_audit : bool
        Whether the audit uses the laws as priors, as with ``audit(run_sd=laws)``. With one run per arm, which
        shows no spread, the audit always does. Otherwise the audit uses only the study's own runs.

    Examples
    --------
    >>> plan = plan_study(StudyDesign((0.25, 0.25, 0.3, 0.75), n_items=500, run_sd=(0, 0.01, 0.01, 0.01)))
    >>> plan.verdict, round(plan.chance(), 2)
    ('reward design', 1.0)
    """
    answers_per_run = real("answers_per_run", answers_per_run, "a number above 0", above=0)
    level = confidence_level(level)
    choice("rule", rule, tuple(VERDICT_RULES))
    draws = whole("draws", draws, "a whole number of at least 100", at_least=100)
    if laws:
        settings = {"paired": paired, "level": level, "rule": rule, "answers_per_run": answers_per_run}
        return _plan_over(design, laws, laws_in_audit or design.n_runs == 1, draws, seed, settings)
    return _plan_one(design, paired, level, rule, answers_per_run, draws, seed)


_Tables = list[tuple[NDArray[np.float64], NDArray[np.float64]]]  # arm by arm


def _plan_over(
    design: StudyDesign, laws: Mapping[str, NextDeviation], informed: bool, draws: int, seed: int,
    settings: Mapping[str, Any],
) -> Plan:  # fmt: skip
    """Average plans over strata of the laws, which are paired at random across arms."""
    rng, middles = np.random.default_rng(seed), (np.arange(STRATA) + 0.5) / STRATA
    spreads = np.tile(design.run_sd, (STRATA, 1))
    for arm, law in laws.items():
        spreads[:, ARMS.index(choice("laws", arm, ARMS[1:]))] = law.quantile(rng.permutation(middles))
    tables = _margin_tables(design, laws, float(settings["level"])) if informed else None
    each = max(1, round(draws / STRATA))
    plans = [
        _plan_one(
            replace(design, run_sd=tuple(sds)), draws=each, seed=seed + stratum, tables=tables, **settings
        )
        for stratum, sds in enumerate(spreads.clip(0, 0.5).tolist())
    ]
    chances = {
        layer: {verdict: float(np.mean([plan.chances[layer][verdict] for plan in plans]))
                for verdict in plans[0].chances[layer]}
        for layer in LAYERS
    }  # fmt: skip
    widths = {
        layer: {term: float(np.mean([plan.half_widths[layer][term] for plan in plans])) for term in TERMS}
        for layer in LAYERS
    }
    medians = tuple(laws[arm].median if arm in laws else sd
                    for arm, sd in zip(ARMS, design.run_sd, strict=True))  # fmt: skip
    whole_plan = replace(plans[0], design=replace(design, run_sd=medians), draws=each * STRATA)
    return replace(whole_plan, chances=chances, half_widths=widths)


def _margin_tables(design: StudyDesign, laws: Mapping[str, NextDeviation], level: float) -> _Tables:
    """Tabulate the margin of each arm's mean over runs by the logarithm of its runs' standard deviation."""
    normal, tables = special.ndtri(0.5 + level / 2), []
    for arm, sd, n in zip(ARMS, design.run_sd, design.run_counts().tolist(), strict=True):
        seen = np.geomspace(1e-4, 0.5, 40)
        law = laws.get(arm)
        if law is None:
            tail = special.stdtrit(n - 1, 0.5 + level / 2) * seen if n > 1 else normal * sd
            margins = np.broadcast_to(tail / np.sqrt(n), seen.shape)
        elif n == 1:
            margins = np.full(seen.shape, law.half_width(level))
        else:
            margins = np.array([law.updated(s, n - 1).half_width(level, n) for s in seen.tolist()])
        tables.append((np.log(seen), margins))
    return tables


def _plan_one(
    design: StudyDesign, paired: bool, level: float, rule: str, answers_per_run: float, draws: int, seed: int,
    tables: _Tables | None = None,
) -> Plan:  # fmt: skip
    """Compute the plan at one spread per arm; `tables` replace the audit's usual margins of runs."""
    rows = np.concatenate(list(VERDICT_RULES[rule].values())).reshape(-1, len(ARMS))
    # An inequality and its opposite have the same margins in exchanged order, so half of them suffice.
    sign = np.sign(rows[np.arange(len(rows)), (rows != 0).argmax(axis=1)])
    one_way, place = np.unique(rows * sign[:, None], axis=0, return_inverse=True)
    places = {tuple(row): at for row, at in zip(rows, zip(place, sign, strict=True), strict=True)}
    terms = np.array([contrast(term) for term in TERMS])
    rng = np.random.default_rng(seed)
    measured, run_squares = _draw(design, draws, rng)
    margins = _paired_margins if paired else _unpaired_margins
    of_rows, of_terms = (margins(design, each, run_squares, level) for each in (one_way, terms))
    if tables is not None:
        of_rows = _informed(of_rows, one_way, run_squares, tables)
        of_terms = _informed(of_terms, terms, run_squares, tables)
    chances, half_widths = {}, {}
    for layer, of_row, (below, above) in zip(LAYERS, of_rows, of_terms, strict=True):
        chances[layer] = _chances(measured, of_row, places, rule)
        half_widths[layer] = dict(zip(TERMS, ((below + above).mean(axis=0) / 2).tolist(), strict=True))
    verdict, cost = str(verdicts_at(design.accuracies, rule=rule)), design.cost(answers_per_run)
    return Plan(design, paired, verdict, chances, half_widths, cost, draws)


_Margins = NDArray[np.float64]  # (draw, contrast), on one side of the estimates
_Layers = tuple[tuple[_Margins, _Margins], tuple[_Margins, _Margins]]  # below and above, as in LAYERS


def _draw(
    design: StudyDesign, draws: int, rng: np.random.Generator
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Draw measured accuracies (draw, arm), and the variances (draw, arm) of the run means around them."""
    runs, spread = design.run_counts(), np.array(design.run_sd) ** 2
    covariance = design.item_covariance() / design.n_items + np.diag(spread / runs)
    measured = rng.multivariate_normal(design.accuracies, covariance, draws, method="eigh")
    free = np.maximum(runs - 1, 1)
    expected = spread + design.own_variance() / design.n_items
    return measured.clip(0, 1), expected * rng.chisquare(free, (draws, len(ARMS))) / free


def _paired_margins(
    design: StudyDesign, contrasts: NDArray[np.float64], run_squares: NDArray[np.float64], level: float
) -> _Layers:
    by_items = np.einsum("ca,ab,cb->c", contrasts, design.item_covariance(), contrasts)
    both = crossed_margins(
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
    # As in an audit, arms that differ on no item count as independent.
    (below, above), _ = _unpaired_margins(design, contrasts, run_squares, level)
    alike = by_items <= 1e-15
    return (
        (np.where(alike, below, alone), np.where(alike, above, alone)),
        (np.where(alike, np.hypot(below, both), both), np.where(alike, np.hypot(above, both), both)),
    )


def _unpaired_margins(
    design: StudyDesign, contrasts: NDArray[np.float64], run_squares: NDArray[np.float64], level: float
) -> _Layers:
    accuracy = np.array(design.accuracies)
    low, high = wilson(accuracy, design.n_items, level=level)
    below, above = Sampling(accuracy - low, high - accuracy, level=level).margins(contrasts)
    runs = design.run_counts()
    tail = special.stdtrit(np.maximum(runs - 1, 1), 0.5 + level / 2) ** 2 * run_squares / runs
    known = special.ndtri(0.5 + level / 2) ** 2 * np.array(design.run_sd) ** 2
    moved = np.where(runs > 1, tail, known) @ (contrasts**2).T
    alone = tuple(np.broadcast_to(side, moved.shape) for side in (below, above))
    return (alone[0], alone[1]), (np.sqrt(below**2 + moved), np.sqrt(above**2 + moved))


def _informed(
    layers: _Layers, contrasts: NDArray[np.float64], run_squares: NDArray[np.float64],
    tables: _Tables,
) -> _Layers:  # fmt: skip
    """Combine the margins of items with those of each arm's runs from its table."""
    seen = np.log(np.sqrt(np.maximum(run_squares, 1e-12)))
    margins = np.column_stack([np.interp(seen[:, arm], *table) for arm, table in enumerate(tables)])
    moved = margins**2 @ (contrasts**2).T
    below, above = layers[0]
    return layers[0], (np.sqrt(below**2 + moved), np.sqrt(above**2 + moved))


def _chances(
    measured: NDArray[np.float64],
    sides: tuple[_Margins, _Margins],
    places: Mapping[tuple[float, ...], tuple[int, float]],
    rule: str,
) -> dict[str, float]:
    """Return how often each verdict survives, and how often none does; `places` finds a contrast's sign."""

    def margins(contrasts: NDArray[np.float64]) -> tuple[_Margins, _Margins]:
        columns, signs = zip(*(places[tuple(row)] for row in contrasts), strict=True)
        below, above = (side[:, columns] for side in sides)
        upright = np.array(signs) > 0
        return np.where(upright, below, above), np.where(upright, above, below)

    chances = dict.fromkeys(VERDICTS, 0.0)
    for verdict in (*VERDICT_RULES[rule], "mixed"):
        chances[verdict] = float((verdict_slack(measured, verdict, margins, rule=rule) > 0).mean())
    return {**chances, "none": 1.0 - sum(chances.values())}


def cheapest_design(
    design: StudyDesign,
    *,
    chance: float | None = None,
    half_width: float | None = None,
    items: Iterable[int] = ITEMS,
    runs: tuple[int, int] = (2, 20),
    paired: bool = True,
    level: float = 0.95,
    rule: str = "magnitude",
    answers_per_run: float = ANSWERS_PER_RUN,
    draws: int = 2_000,
    seed: int = 0,
    laws: Mapping[str, NextDeviation] | None = None,
    laws_in_audit: bool = False,
) -> Plan | None:
    """Find the cheapest numbers of items and runs with the wanted chance, half-width, or both.

    The chance is that the guess's verdict survives "all"; the half-width is the largest of the three parts
    under "all". Both are assumed to improve with runs, so bisection finds the fewest runs at each benchmark
    size. One run per arm is excluded by default, because its spread would have to be assumed.

    Parameters
    ----------
    design : StudyDesign
        The search replaces its items and runs.
    chance : float in (0, 1), optional
    half_width : float in (0, 1), optional
        In units of accuracy.
    items : iterable of int
        Benchmark sizes to choose from.
    runs : pair of int
        The fewest and the most runs per arm.
    paired, level, rule, answers_per_run, draws, seed, laws, laws_in_audit
        As in :func:`plan_study`.

    Returns
    -------
    Plan or None
        None if no design suffices.

    Raises
    ------
    ValueError, TypeError
        If neither `chance` nor `half_width` is given, or a value is out of range.

    Examples
    --------
    >>> guess = StudyDesign((0.25, 0.25, 0.3, 0.75), run_sd=(0, 0.02, 0.02, 0.02))
    >>> best = cheapest_design(guess, chance=0.8)
    >>> best.design.n_items, best.design.n_runs
    (100, 3)
    """
    if chance is None and half_width is None:
        raise ValueError("chance or half_width must be given, got neither")
    inside = partial(real, accepted="a number strictly between 0 and 1", above=0, below=1)
    chance = None if chance is None else inside("chance", chance)
    half_width = None if half_width is None else inside("half_width", half_width)
    fewest = whole("fewest runs", runs[0], "a whole number of at least 1", at_least=1)
    most = whole(
        "most runs", runs[1], "a whole number from the fewest to 1,000", at_least=fewest, at_most=1000
    )

    @cache
    def planned(n_items: int, n_runs: int) -> Plan:
        return plan_study(
            replace(design, n_items=n_items, n_runs=n_runs), paired=paired, level=level, rule=rule,
            answers_per_run=answers_per_run, draws=draws, seed=seed, laws=laws, laws_in_audit=laws_in_audit,
        )  # fmt: skip

    def is_enough(n_items: int, n_runs: int) -> bool:
        plan = planned(n_items, n_runs)
        return (chance is None or plan.chance() >= chance) and (
            half_width is None or plan.widest() <= half_width
        )

    found = []
    for size in items:
        if is_enough(size, most):
            more = bisect_left(range(fewest, most), True, key=partial(is_enough, size))
            found.append(planned(size, fewest + more))
    return min(found, key=lambda plan: plan.cost, default=None)
