"""Published arms to identified sets to verdicts.

For every cell of a table this module says, from whatever arms exist,

1. which terms the arms identify: a value, an interval, or nothing (partial identification);
2. how uncertain they are, one layer at a time: the items of the benchmark, the training run, and the
   prompt and hardware under which FROZEN was evaluated;
3. which term dominates, whether its items support that, and how far which arm would have to move to
   change it.

The unit of replication of ``low`` and ``high`` is the benchmark item.

References
----------
Manski. Partial identification of probability distributions. Springer, 2003.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from rlvr._checks import choice, real
from rlvr.arms import ARMS
from rlvr.auditing.cells import Cell, read_cells
from rlvr.auditing.identification import ASSUMPTIONS, feasible, identified_sets
from rlvr.auditing.items_and_runs import CrossedOutcomes, crossed_outcomes
from rlvr.auditing.sampling_error import Sampling, frozen_values, item_sampling, pairing_gain, run_sampling
from rlvr.auditing.verdict_rules import RULES, VERDICTS, contrast, judge, tipping_points, verdicts_at
from rlvr.decomposition import PARTS, TERMS
from rlvr.logs.decoding import decoding_note
from rlvr.stats.estimates import Estimate

if TYPE_CHECKING:
    from rlvr.logs.runs import LogTable

__all__ = ["STATUSES", "AuditReport", "CellAudit", "Layer", "audit", "with_notices"]

STATUSES = ("supported", "leaning", "not identified")
"""A verdict that holds throughout its intervals over items; one that holds at the printed numbers only; and
no verdict, since arms are missing and the terms that it needs are not identified."""


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
        Out of ``STATUSES``.
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


def audit(
    table: str | Path | pd.DataFrame | Iterable[str | Path | pd.DataFrame],
    *,
    level: float = 0.95,
    rule: str = "magnitude",
    assumptions: Iterable[str] = (),
    run_sd: float | None = None,
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
        What makes a term dominate; see :mod:`rlvr.auditing.verdict_rules`.
    assumptions : iterable of {"no-harm", "true-best", "null-zero"}
        Optional, and off by default; they speak of missing arms only.
    run_sd : float in [0, 0.5], optional
        A sensitivity: the run-to-run standard deviation of arms for which the table states none.
    frozen_shift : float in [0, 1], optional
        A sensitivity: how far FROZEN might move with its prompt or hardware, either way, for cells
        without alternative readings of it.

    Returns
    -------
    AuditReport

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
    real("level", level, "a number strictly between 0 and 1", above=0, below=1)
    choice("rule", rule, tuple(RULES))
    named = tuple(choice("assumptions", name, tuple(ASSUMPTIONS)) for name in assumptions)
    if run_sd is not None:
        real("run_sd", run_sd, "a fraction from 0 to 0.5", above=0, below=0.5, closed=True)
    if frozen_shift is not None:
        real("frozen_shift", frozen_shift, "a fraction from 0 to 1", above=0, below=1, closed=True)
    tables = [table] if isinstance(table, (str, Path, pd.DataFrame)) else list(table)
    cells = (_audit_cell(cell, named, level, rule, run_sd, frozen_shift) for cell in read_cells(tables))
    return AuditReport(tuple(cells), level, rule, named)


def _audit_cell(
    cell: Cell,
    assumptions: tuple[str, ...],
    level: float,
    rule: str,
    run_sd: float | None,
    frozen_shift: float | None,
) -> CellAudit:
    known = {name: arm.accuracy for name, arm in cell.arms.items()}
    notices = [*filter(None, [decoding_note(cell.decodings)]), *cell.notices]
    try:
        sets = identified_sets(known, assumptions)
    except ValueError as contradiction:
        notices.append(f"assumptions not used here: {contradiction}")
        assumptions, sets = (), identified_sets(known)
    borrowed = "null-zero" in assumptions and "random" not in known and "frozen" in known
    items = item_sampling(cell.arms, level=level)
    runs, unknown_runs = run_sampling(cell.arms, level=level, assumed_run_sd=run_sd)
    crossed = crossed_outcomes(cell.arms, level=level, assumed_run_sd=run_sd)

    def layer(
        name: str, sampling: Sampling | CrossedOutcomes, frozen: Iterable[float] = (), note: str = ""
    ) -> Layer:
        def margins(contrasts: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
            moved = np.array(np.atleast_2d(contrasts), dtype=float)
            if borrowed:  # RANDOM is FROZEN, so it moves with it
                moved[:, ARMS.index("frozen")] += moved[:, ARMS.index("random")]
                moved[:, ARMS.index("random")] = 0.0
            return sampling.margins(moved)

        points = feasible(known, assumptions, frozen=frozen)
        verdict, survives = judge(points, margins, rule=rule)
        terms = {}
        for term in TERMS:
            below, above = margins(contrast(term))
            ends = [identified_sets({**known, "frozen": start}, assumptions)[term] for start in frozen]
            low, high = min([sets[term], *ends])[0], max(end for _, end in [sets[term], *ends])
            terms[term] = (max(-1.0, low - float(below[0])), min(1.0, high + float(above[0])))
        return Layer(name, verdict, survives, terms, note)

    layers = [layer("items", items, note="paired by item" if items.outcomes is not None else "unpaired")]
    if items.outcomes is None and any((arm.samples_per_item or 1) > 1 for arm in cell.arms.values()):
        optimistic = item_sampling(cell.arms, level=level, independent_samples=True)
        layers.append(
            layer("items, independent samples", optimistic, note="right only if all items are equally hard")
        )
    left_out = f"not known, so left out: {', '.join(unknown_runs)}" if unknown_runs else ""
    if crossed:  # runs alone would count what they add on each item twice
        note = "; ".join(filter(None, ("crossed, paired by item", left_out)))
        layers.append(layer("items and runs", crossed, note=note))
    elif runs.runs.any():
        layers.append(layer("runs", runs, note=left_out))
    grid = frozen_values(cell, frozen_shift)
    if grid:
        layers.append(
            layer("frozen", Sampling.none(level), grid, f"FROZEN from {grid[0]:.3f} to {grid[-1]:.3f}")
        )
    if len(layers) > 1:
        layers.append(
            layer("all", crossed or items.with_runs(runs.runs), grid, "every layer that this cell has")
        )

    possible = set(verdicts_at(feasible(known, assumptions), rule=rule).tolist())
    verdict = layers[0].verdict or "undetermined"
    status = STATUSES[2] if not layers[0].verdict else STATUSES[0 if layers[0].survives else 1]
    if any(arm.n_items is None for arm in cell.arms.values()):
        notices.append("the number of items is not stated for every arm, so nothing is known of its sampling")
    return CellAudit(
        cell,
        verdict,
        status,
        tuple(name for name in VERDICTS if name in possible),
        _estimates(cell, sets, layers[0], borrowed, level),
        sets,
        tuple(layers),
        tipping_points([known[arm] for arm in ARMS], rule=rule) if len(known) == len(ARMS) else {},
        {name: _single(verdicts_at(feasible(known, assumptions), rule=name)) for name in RULES},
        pairing_gain(items, {part: contrast(part) for part in (*PARTS, "total")}),
        tuple(notices),
    )


def _estimates(
    cell: Cell, sets: Mapping[str, tuple[float, float]], items: Layer, borrowed: bool, level: float
) -> dict[str, Estimate]:
    estimates = {}
    for term, (arm, base) in TERMS.items():
        present = [name in cell.arms or (borrowed and name == "random") for name in (arm, base)]
        sizes = [cell.arms[name].n_items or 0 for name in (arm, base) if name in cell.arms]
        low, high = items.terms[term]
        if all(present):
            unsized = low == -1.0 and high == 1.0 and 0 in sizes
            ends = (math.nan, math.nan) if unsized else (low, high)
            reason = "the number of items is not stated" if unsized else ""
            estimates[term] = Estimate(sets[term][0], *ends, level, "item", min(sizes, default=0), reason)
            continue
        absent = " and ".join(
            name.upper() for name, there in zip((arm, base), present, strict=True) if not there
        )
        nothing = sets[term][0] <= -1.0 and sets[term][1] >= 1.0
        ends = (math.nan, math.nan) if nothing else sets[term] if 0 in sizes else (low, high)
        reason = f"{absent} missing: " + ("nothing is identified" if nothing else "a set is identified")
        if 0 in sizes and not nothing:
            reason += ", its bounds without item sampling since the number of items is not stated"
        estimates[term] = Estimate(math.nan, *ends, level, "item", min(sizes, default=0), reason)
    return estimates


def _single(verdicts: NDArray[np.str_]) -> str:
    said = set(verdicts.tolist())
    return said.pop() if len(said) == 1 else "undetermined"


def with_notices(report: AuditReport, logs: LogTable) -> AuditReport:
    """The report with what the logs' reading has to say beside its cells."""
    return replace(
        report,
        cells=tuple(
            replace(cell, notices=(*cell.notices, *logs.notices.get(cell.cell.benchmark, ())))
            if cell.cell.study == "logs"
            else cell
            for cell in report.cells
        ),
    )
