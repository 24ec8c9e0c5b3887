"""From the arms at hand to a verdict: what they identify, which term dominates, and how surely.

*Identification.* A missing accuracy lies in [0, 1]. With that, and whatever optional assumptions are named,
every statement about the arms has the form ``a - b <= w``, so the sharp bounds of every difference are
shortest paths in a graph of five nodes: the four arms and 0.

*Rules.* A rule is a set of linear inequalities in the four accuracies, so that a verdict can be checked at
one quadruple of them, over a set of quadruples, and under sampling error by the same few lines. Under
``"magnitude"``, a term dominates when it moves accuracy by more than the other two together::

    |null| > |elicitation| + |reward_design|        (and so on for the other two)

``"published"`` is the rule of the published study: (MAJORITY - FROZEN) / total above 0.60 is elicitation,
reward_design / total above 0.60 is reward design. It cannot say "null".

*The audit* says of every cell of a table, from whatever arms exist, which terms they identify; how uncertain
these are, one layer at a time (the items of the benchmark, the training run, the prompt and hardware under
which FROZEN was evaluated); which term dominates, and how far which arm would have to move to change it. The
unit of replication of ``low`` and ``high`` is the benchmark item.

References
----------
Manski. Partial identification of probability distributions. Springer, 2003.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from rlvr._checks import choice, confidence_level, real
from rlvr.arms import ARMS
from rlvr.auditing.cells import Cell, read_cells
from rlvr.auditing.run_spreads import RunSd, checked_run_sd, law_notices
from rlvr.auditing.sampling import crossed_sampling, frozen_values, item_sampling, pairing_gain, run_sampling
from rlvr.decomposition import PARTS, TERMS
from rlvr.logs.decoding import decoding_note
from rlvr.stats.estimates import Estimate
from rlvr.stats.sampling import CrossedSampling, Sampling

if TYPE_CHECKING:
    from rlvr.logs.runs import Account, LogTable

__all__ = [
    "ASSUMPTIONS", "STATUSES", "VERDICTS", "VERDICT_RULES", "AuditReport", "CellAudit", "Layer", "audit",
    "contrast", "feasible", "identified_sets", "tipping_points", "verdict_slack", "verdicts_at",
    "with_notices",
]  # fmt: skip

ASSUMPTIONS: Mapping[str, str] = {
    "no-harm": "no training lowers accuracy: RANDOM, MAJORITY and TRUE are at least FROZEN",
    "true-best": "no reward beats the true one: RANDOM and MAJORITY are at most TRUE",
    "null-zero": "training on a random reward changes nothing: RANDOM equals FROZEN",
}
"""Optional assumptions, all off by default. They speak of missing arms; known arms stand as printed."""

_AT_MOST = {
    "no-harm": [("frozen", "random"), ("frozen", "majority"), ("frozen", "true")],
    "true-best": [("random", "true"), ("majority", "true")],
    "null-zero": [("frozen", "random"), ("random", "frozen")],
}
_ZERO = len(ARMS)


def identified_sets(
    accuracies: Mapping[str, float], assumptions: Iterable[str] = ()
) -> dict[str, tuple[float, float]]:
    """Sharp bounds of every term from the arms that are there.

    Parameters
    ----------
    accuracies : mapping of arm to number in [0, 1]
        Any of ``ARMS``.
    assumptions : iterable of str
        Names out of ``ASSUMPTIONS``.

    Returns
    -------
    dict of term to (low, high)
        Equal ends where the term is identified; (-1, 1) where nothing is known of it.

    Raises
    ------
    ValueError
        If an assumption is unknown or contradicts the accuracies.

    Examples
    --------
    >>> sets = identified_sets({"frozen": 0.25, "random": 0.375, "true": 0.75})
    >>> sets["null"], sets["elicitation"], sets["naive"]
    ((0.125, 0.125), (-0.375, 0.625), (0.375, 0.375))
    """
    accuracies = {arm: float(value) for arm, value in accuracies.items()}
    reach = _tightest(accuracies, _pairs(accuracies, assumptions))
    nodes = {term: (ARMS.index(arm), ARMS.index(base)) for term, (arm, base) in TERMS.items()}
    return {term: (float(-reach[base, arm]), float(reach[arm, base])) for term, (arm, base) in nodes.items()}


def feasible(
    accuracies: Mapping[str, float], assumptions: Iterable[str] = (), *, frozen: Iterable[float] = ()
) -> NDArray[np.float64]:
    """Accuracies (point, 4) that agree with the arms at hand: one point if none is missing, else a grid.

    The grid of one missing arm has steps of at most 0.005, of two of 0.02, of more of 0.05, and touches
    its bounds. Values in `frozen` stand in for FROZEN's own.
    """
    named = tuple(assumptions)
    points = []
    for reading in [{"frozen": value} for value in frozen] or [{}]:
        known = {arm: float(value) for arm, value in {**accuracies, **reading}.items()}
        if _random_is_frozen(known, named):
            known["random"] = known["frozen"]
        pairs = _pairs(known, named)
        reach = _tightest(known, pairs)
        missing = [arm for arm in ARMS if arm not in known]
        steps = {1: 201, 2: 51}.get(len(missing), 21)
        axes = [
            np.array([known[arm]])
            if arm in known
            else _axis(-reach[_ZERO, ARMS.index(arm)], reach[ARMS.index(arm), _ZERO], steps, known)
            for arm in ARMS
        ]
        grid = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, len(ARMS))
        for low, high in pairs:
            grid = grid[grid[:, ARMS.index(low)] <= grid[:, ARMS.index(high)] + 1e-12]
        points.append(grid)
    return np.concatenate(points)


def _axis(low: float, high: float, steps: int, known: Mapping[str, float]) -> NDArray[np.float64]:
    """A grid from bound to bound that also holds the known accuracies, where inequalities meet."""
    inside = [value for value in known.values() if low <= value <= high]
    return np.unique(np.concatenate([np.linspace(low, high, steps), inside]))


def _random_is_frozen(known: Iterable[str], assumptions: Iterable[str]) -> bool:
    """Whether an assumption lends FROZEN's accuracy to a missing RANDOM."""
    return "null-zero" in assumptions and "random" not in known and "frozen" in known


def _pairs(known: Mapping[str, float], assumptions: Iterable[str]) -> list[tuple[str, str]]:
    """(arm, arm that is at least as accurate) from assumptions that involve a missing arm."""
    named = [choice("assumptions", name, tuple(ASSUMPTIONS)) for name in assumptions]
    return [
        (low, high) for name in named for low, high in _AT_MOST[name] if not (low in known and high in known)
    ]


def _tightest(known: Mapping[str, float], pairs: Iterable[tuple[str, str]]) -> NDArray[np.float64]:
    """Least upper bounds (node, node) of every difference of two nodes."""
    reach = np.full((_ZERO + 1, _ZERO + 1), np.inf)
    np.fill_diagonal(reach, 0.0)
    for node, arm in enumerate(ARMS):
        low, high = (known[arm], known[arm]) if arm in known else (0.0, 1.0)
        reach[node, _ZERO], reach[_ZERO, node] = high, -low
    for low_arm, high_arm in pairs:
        reach[ARMS.index(low_arm), ARMS.index(high_arm)] = 0.0
    for via in range(_ZERO + 1):
        reach = np.minimum(reach, reach[:, via, None] + reach[None, via, :])
    if (reach.diagonal() < -1e-12).any():
        raise ValueError(
            "assumptions must be compatible with the accuracies; with "
            + ", ".join(f"{arm} {value:g}" for arm, value in known.items())
            + " they leave no possible value for a missing arm"
        )
    return reach


VERDICTS = ("null", "elicitation", "reward design", "mixed")
"""What an audit can say; "mixed" where no term dominates."""

PUBLISHED_SHARE = 0.60

Margins = Callable[[NDArray[np.float64]], tuple[NDArray[np.float64], NDArray[np.float64]]]
"""From contrasts (contrast, arm) to how far below and above its estimate each could lie."""


def contrast(term: str) -> NDArray[np.float64]:
    """The coefficients (arm,) that give `term` of ``TERMS`` from the four accuracies."""
    arm, base = TERMS[choice("term", term, tuple(TERMS))]
    return np.array([float(name == arm) - float(name == base) for name in ARMS])


def _magnitude() -> dict[str, NDArray[np.float64]]:
    signs = np.array(list(product((-1, 1), repeat=len(PARTS) - 1)))
    rules = {}
    for name in PARTS:
        part, others = contrast(name), signs @ [contrast(rest) for rest in PARTS if rest != name]
        rules[name.replace("_", " ")] = np.stack([part - others, -part - others])
    return rules


def _published() -> dict[str, NDArray[np.float64]]:
    total = contrast("total")
    gains = {
        "elicitation": contrast("null") + contrast("elicitation"),
        "reward design": contrast("reward_design"),
    }
    return {
        name: np.array([[sign * (gain - PUBLISHED_SHARE * total), sign * total] for sign in (1, -1)])
        for name, gain in gains.items()
    }


VERDICT_RULES: Mapping[str, Mapping[str, NDArray[np.float64]]] = {
    "magnitude": _magnitude(),
    "published": _published(),
}
"""By rule and verdict, contrasts (alternative, inequality, arm). A verdict holds where all inequalities of
one alternative exceed 0."""


def verdicts_at(accuracies: ArrayLike, *, rule: str = "magnitude") -> NDArray[np.str_]:
    """The verdict at each quadruple of accuracies.

    Parameters
    ----------
    accuracies : array_like (..., 4)
        In the order of ``ARMS``.
    rule : {"magnitude", "published"}

    Returns
    -------
    ndarray of str (...,)
        Out of ``VERDICTS``.

    Examples
    --------
    >>> str(verdicts_at([0.494, 0.709, 0.758, 0.787]))
    'null'
    >>> str(verdicts_at([0.494, 0.709, 0.758, 0.787], rule="published"))
    'elicitation'
    """
    points = np.asarray(accuracies, dtype=float)
    verdicts = np.full(points.shape[:-1], "mixed", dtype="<U13")
    for verdict, rows in VERDICT_RULES[choice("rule", rule, tuple(VERDICT_RULES))].items():
        exceeds = points @ rows.reshape(-1, len(ARMS)).T > 1e-12  # a tie is no dominance
        verdicts[exceeds.reshape(*exceeds.shape[:-1], *rows.shape[:2]).all(axis=-1).any(axis=-1)] = verdict
    return verdicts


def verdict_slack(
    points: ArrayLike, verdict: str, margins: Margins, *, rule: str = "magnitude"
) -> NDArray[np.float64]:
    """How far each point is inside of a verdict once the margins are taken off; above 0 the verdict survives.

    A verdict of dominance survives when each of its inequalities does (an intersection-union test, so
    the level needs no correction); "mixed" survives when, for every term and either sign, some inequality
    is shown to fail.

    Parameters
    ----------
    points : array_like (point, 4)
        Accuracies in the order of ``ARMS``.
    verdict : str
        One of those that `rule` can say.
    margins : callable
        From contrasts (contrast, 4) to how far below and above its estimate each could lie, (contrast,) or
        (point, contrast).
    rule : {"magnitude", "published"}

    Returns
    -------
    ndarray (point,)
        In units of accuracy, of the alternative or inequality that decides.
    """
    at, rules = np.asarray(points, dtype=float), VERDICT_RULES[rule]
    mixed = verdict == "mixed"
    rows = np.concatenate(list(rules.values())) if mixed else rules[verdict]
    contrasts = rows.reshape(-1, len(ARMS))
    values, (below, above) = at @ contrasts.T, margins(contrasts)
    slack = (-values - above if mixed else values - below).reshape(len(at), *rows.shape[:2])
    return slack.max(axis=2).min(axis=1) if mixed else slack.min(axis=2).max(axis=1)


def tipping_points(accuracies: ArrayLike, *, rule: str = "magnitude") -> dict[str, float]:
    """For each arm, the smallest move of it alone that changes the verdict at `accuracies` (4,).

    A move is signed, in units of accuracy; NaN where none within [0, 1] changes it.

    Examples
    --------
    >>> {arm: round(move, 3) for arm, move in tipping_points([0.25, 0.2, 0.3, 0.6]).items()}
    {'frozen': 0.15, 'random': -0.075, 'majority': 0.075, 'true': -0.15}
    """
    point = np.asarray(accuracies, dtype=float)
    now = str(verdicts_at(point, rule=rule))
    inequalities = np.concatenate(list(VERDICT_RULES[rule].values())).reshape(-1, len(ARMS))
    moves = {}
    for arm, name in enumerate(ARMS):
        slope = inequalities[:, arm]
        moving = slope != 0
        # The verdict can only change where an inequality turns: try just beyond each such place.
        turns = -(inequalities[moving] @ point) / slope[moving]
        tried = np.concatenate([turns - 1e-9, turns + 1e-9])
        # A turn at the end of [0, 1] counts, on whichever side the last bit puts the place beyond it.
        tried = tried[(point[arm] + tried >= -2e-9) & (point[arm] + tried <= 1 + 2e-9)]
        moved = np.repeat(point[None], tried.size, axis=0)
        moved[:, arm] += tried
        changing = tried[verdicts_at(moved, rule=rule) != now]
        # Of two moves of one length the first counts, not the one that a last bit makes shorter.
        nearest = np.round(np.abs(changing), 12)
        moves[name] = float(changing[nearest.argmin()]) if changing.size else float("nan")
    return moves


STATUSES = ("supported", "leaning", "not identified")
"""A verdict that holds throughout its intervals; one that holds at the printed numbers only; and no verdict,
since arms are missing and the terms that it needs are not identified."""

_WHOLE, _OPTIMISTIC = "all", "items, independent samples"  # layers that are no source of their own


@dataclass(frozen=True)
class Layer:
    """One source of uncertainty: "items", "items, independent samples", "runs", "items and runs" or
    "frozen"; or "all".

    `verdict` is empty where it differs within the layer; `survives` says whether it holds throughout;
    `terms` maps each term to (low, high); `note` says what the layer rests on and leaves out.
    """

    name: str
    verdict: str
    survives: bool
    terms: Mapping[str, tuple[float, float]]
    note: str


@dataclass(frozen=True)
class CellAudit:
    """The audit of one cell.

    Attributes
    ----------
    cell : Cell
    verdict : str
        Out of ``VERDICTS``, or "undetermined" when the arms at hand leave several.
    status : str
        Out of ``STATUSES``, by items alone; see `headline`.
    possible : tuple of str
        The verdicts that the missing arms leave open, at the printed accuracies.
    terms : dict of str to Estimate
        ``low`` and ``high`` are item sampling alone; `value` is NaN where only a set is identified.
    sets : dict of str to (low, high)
        The identified set of each term at the printed accuracies.
    layers : tuple of Layer
    tipping : dict of str to float
        Smallest move of one arm that changes the verdict; empty with arms missing.
    rules : dict of str to str
        The verdict under every named rule, "undetermined" included.
    pairing : dict of str to float
        Width of the unpaired interval over that of the paired one; empty without per-item outcomes.
    notices : tuple of str
        What the reader of the table, or this audit, had to say about it.
    answers : tuple of Account
        What became of the answers of each log, where the cell was read from logs.
    unknown_runs : tuple of str
        The trained arms of which no run-to-run spread is known.
    """

    cell: Cell
    verdict: str
    status: str
    possible: tuple[str, ...]
    terms: Mapping[str, Estimate]
    sets: Mapping[str, tuple[float, float]]
    layers: tuple[Layer, ...]
    tipping: Mapping[str, float]
    rules: Mapping[str, str]
    pairing: Mapping[str, float]
    notices: tuple[str, ...]
    answers: tuple[Account, ...] = ()
    unknown_runs: tuple[str, ...] = ()

    @property
    def headline(self) -> str:
        """The status by all that is known of this cell, items, runs and shift of FROZEN together."""
        return "leaning" if self.status == "supported" and not self.layers[-1].survives else self.status

    @property
    def broken_by(self) -> tuple[str, ...]:
        """The layers that the verdict does not survive; "all" alone where it survives each but not all."""
        if self.status == "not identified":
            return ()
        broken = tuple(
            layer.name for layer in self.layers if not layer.survives and layer.name != _OPTIMISTIC
        )
        return tuple(name for name in broken if name != _WHOLE) or broken

    @property
    def separated(self) -> tuple[str, ...]:
        """The terms whose item-sampling interval excludes 0."""
        return tuple(name for name, term in self.terms.items() if term.excludes(0))

    @property
    def doubts(self) -> tuple[str, ...]:
        """Why this cell may not feed a headline, by flags of its arms and by arms not strictly comparable."""
        arms = self.cell.arms.values()
        unlike = [
            f"{arm.name} arm comparable: {arm.comparable}" for arm in arms if arm.comparable != "strict"
        ]
        return (*(f"{arm.name}: {arm.flag}" for arm in arms if arm.flag), *unlike)

    def layer(self, name: str) -> Layer | None:
        """The layer of that name, if this cell has it."""
        return next((layer for layer in self.layers if layer.name == name), None)


@dataclass(frozen=True)
class AuditReport:
    """Audits of all cells, with the settings that made them."""

    cells: tuple[CellAudit, ...]
    level: float
    rule: str
    assumptions: tuple[str, ...]
    run_sd: RunSd = None
    frozen_shift: float | None = None


def audit(
    table: str | Path | pd.DataFrame | Iterable[str | Path | pd.DataFrame],
    *,
    level: float = 0.95,
    rule: str = "magnitude",
    assumptions: Iterable[str] = (),
    run_sd: RunSd = None,
    frozen_shift: float | None = None,
) -> AuditReport:
    """Audit every cell of one or several tables.

    Parameters
    ----------
    table : path, "-", DataFrame, or iterable of them
        In a format of :func:`rlvr.auditing.cells.read_cells`; missing arms are allowed.
    level : float in (0, 1)
        Nominal coverage of the intervals.
    rule : {"magnitude", "published"}
        What makes a term dominate; see ``VERDICT_RULES``.
    assumptions : iterable of {"no-harm", "true-best", "null-zero"}
        Optional, and off by default; they speak of missing arms only.
    run_sd : float in [0, 0.5], NextDeviation, or mapping of trained arm to either, optional
        A sensitivity: the run-to-run standard deviation (a fraction) of arms for which the table states none.
        A law, such as :func:`rlvr.planning.spread_catalogue.catalogue_laws` gives, is integrated over, and
        is the prior of the arms whose own runs say something.
    frozen_shift : float in [0, 1], optional
        A sensitivity: how far FROZEN might move with its prompt or hardware, either way, for cells
        without alternative readings of it.

    Raises
    ------
    TableError
        If a table is not acceptable; the message names file and line.
    ValueError, TypeError
        If a setting is out of range.

    Examples
    --------
    >>> rows = pd.DataFrame({"study": "s", "model": "m", "benchmark": "b", "n_items": 500,
    ...     "arm": ["frozen", "random", "majority", "true"], "accuracy": [0.416, 0.494, 0.73, 0.75]})
    >>> cell = audit(rows).cells[0]
    >>> cell.verdict, cell.status, format(cell.terms["elicitation"], ".3f")
    ('elicitation', 'supported', '0.236 [0.176, 0.293]')
    """
    level = confidence_level(level)
    choice("rule", rule, tuple(VERDICT_RULES))
    named = tuple(choice("assumptions", name, tuple(ASSUMPTIONS)) for name in assumptions)
    if run_sd is not None:
        run_sd = checked_run_sd(run_sd)
    if frozen_shift is not None:
        frozen_shift = real(
            "frozen_shift", frozen_shift, "a fraction from 0 to 1", above=0, below=1, closed=True
        )
    tables = [table] if isinstance(table, (str, Path, pd.DataFrame)) else list(table)
    cells = (_audit_cell(cell, named, level, rule, run_sd, frozen_shift) for cell in read_cells(tables))
    return AuditReport(tuple(cells), level, rule, named, run_sd, frozen_shift)


def _audit_cell(
    cell: Cell,
    assumptions: tuple[str, ...],
    level: float,
    rule: str,
    run_sd: RunSd,
    frozen_shift: float | None,
) -> CellAudit:
    known = {name: arm.accuracy for name, arm in cell.arms.items()}
    notices = [*filter(None, [decoding_note(cell.decodings)]), *cell.notices]
    notices += law_notices(cell.arms, run_sd, level)
    try:
        sets = identified_sets(known, assumptions)
    except ValueError as contradiction:
        notices.append(f"assumptions not used here: {contradiction}")
        assumptions, sets = (), identified_sets(known)
    borrowed = _random_is_frozen(known, assumptions)
    items = item_sampling(cell.arms, level=level)
    runs, unknown_runs = run_sampling(cell.arms, level=level, assumed_run_sd=run_sd)
    crossed = crossed_sampling(cell.arms, level=level, assumed_run_sd=run_sd)

    def layer(
        name: str, sampling: Sampling | CrossedSampling, frozen: Iterable[float] = (), note: str = ""
    ) -> Layer:
        def margins(contrasts: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
            moved = np.array(np.atleast_2d(contrasts), dtype=float)
            if borrowed:  # RANDOM is FROZEN, so it moves with it
                moved[:, ARMS.index("frozen")] += moved[:, ARMS.index("random")]
                moved[:, ARMS.index("random")] = 0.0
            return sampling.margins(moved)

        points = feasible(known, assumptions, frozen=frozen)
        verdict = _agreed(points, rule)
        survives = verdict != "" and bool((verdict_slack(points, verdict, margins, rule=rule) > 0).all())
        readings = [sets, *(identified_sets({**known, "frozen": value}, assumptions) for value in frozen)]
        terms = {}
        for term in TERMS:
            (below,), (above,) = margins(contrast(term))
            low, high = min(ends[term][0] for ends in readings), max(ends[term][1] for ends in readings)
            terms[term] = (max(-1.0, low - float(below)), min(1.0, high + float(above)))
        return Layer(name, verdict, survives, terms, note)

    layers = [layer("items", items, note="paired by item" if items.outcomes is not None else "unpaired")]
    if items.outcomes is None and any((arm.samples_per_item or 1) > 1 for arm in cell.arms.values()):
        optimistic = item_sampling(cell.arms, level=level, independent_samples=True)
        layers.append(layer(_OPTIMISTIC, optimistic, note="right only if all items are equally hard"))
    left_out = f"not known, so left out: {', '.join(unknown_runs)}" if unknown_runs else ""
    if crossed:  # runs alone would count what they add on each item twice
        note = "; ".join(filter(None, ("crossed, paired by item", left_out)))
        layers.append(layer("items and runs", crossed, note=note))
    elif np.any(runs.runs):
        layers.append(layer("runs", runs, note=left_out))
    grid = frozen_values(cell, frozen_shift)
    if grid:
        layers.append(
            layer("frozen", Sampling(level=level), grid, f"FROZEN from {grid[0]:.3f} to {grid[-1]:.3f}")
        )
    if len(layers) > 1:
        layers.append(
            layer(_WHOLE, crossed or replace(items, runs=runs.runs), grid, "every layer that this cell has")
        )
    if any(arm.n_items is None for arm in cell.arms.values()):
        notices.append("the number of items is not stated for every arm, so nothing is known of its sampling")

    points = feasible(known, assumptions)
    possible = set(verdicts_at(points, rule=rule).tolist())
    support = "supported" if layers[0].survives else "leaning" if layers[0].verdict else "not identified"
    return CellAudit(
        cell=cell,
        verdict=layers[0].verdict or "undetermined",
        status=support,
        possible=tuple(verdict for verdict in VERDICTS if verdict in possible),
        terms=_estimates(cell, sets, layers[0], borrowed, level),
        sets=sets,
        layers=tuple(layers),
        tipping=tipping_points([known[arm] for arm in ARMS], rule=rule) if len(known) == len(ARMS) else {},
        rules={name: _agreed(points, name) or "undetermined" for name in VERDICT_RULES},
        pairing=pairing_gain(items, {part: contrast(part) for part in (*PARTS, "total")}),
        notices=tuple(notices),
        unknown_runs=unknown_runs,
    )


def _agreed(points: NDArray[np.float64], rule: str) -> str:
    """The verdict of all points; empty where they differ in theirs."""
    verdicts = set(verdicts_at(points, rule=rule).tolist())
    return verdicts.pop() if len(verdicts) == 1 else ""


def _estimates(
    cell: Cell, sets: Mapping[str, tuple[float, float]], items: Layer, borrowed: bool, level: float
) -> dict[str, Estimate]:
    """Every term with its item sampling, or why it has no value or no interval."""
    estimates = {}
    for term, pair in TERMS.items():
        missing = [arm for arm in pair if arm not in cell.arms and not (borrowed and arm == "random")]
        sizes = [cell.arms[arm].n_items or 0 for arm in pair if arm in cell.arms]
        value, ends, reason = math.nan, items.terms[term], ""
        if not missing:
            value = sets[term][0]
            if 0 in sizes and ends == (-1.0, 1.0):
                ends, reason = (math.nan, math.nan), "the number of items is not stated"
        else:
            reason = " and ".join(arm.upper() for arm in missing) + " missing: "
            if sets[term] == (-1.0, 1.0):
                ends, reason = (math.nan, math.nan), reason + "nothing is identified"
            else:
                reason += "a set is identified"
                if 0 in sizes:
                    ends = sets[term]
                    reason += ", its bounds without item sampling since the number of items is not stated"
        estimates[term] = Estimate(value, *ends, level, "item", min(sizes, default=0), reason)
    return estimates


def with_notices(report: AuditReport, logs: LogTable) -> AuditReport:
    """The report with what the logs' reading has to say beside its cells."""
    cells = (
        replace(
            audit,
            notices=(*audit.notices, *logs.notices.get(audit.cell.benchmark, ())),
            answers=logs.accounts.get(audit.cell.benchmark, ()),
        )
        if audit.cell.study == "logs"
        else audit
        for audit in report.cells
    )
    return replace(report, cells=tuple(cells))
