"""Audit the arms of a cell: which term dominates, and how certain the verdict is.

For every cell of a table, an audit states which terms the reported arms identify, which term dominates, and
how far each arm would have to move to change the verdict. Uncertainty is added in layers: the items of the
benchmark, the training runs, and the prompt and hardware under which FROZEN was evaluated. The unit of
replication of ``low`` and ``high`` is the benchmark item.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from rlvr._checks import choice, confidence_level, real
from rlvr.arms import ARM_CODE, ARMS
from rlvr.auditing.cells import Cell, read_cells
from rlvr.auditing.identification import (
    ASSUMPTIONS,
    VERDICT_RULES,
    VERDICTS,
    contradicted,
    contrast,
    feasible,
    identified_sets,
    in_columns,
    possible_verdicts,
    rule_contrasts,
    sets_of,
    surviving,
    tipping_moves,
    tipping_points,
    verdict_slack,
    verdicts_at,
)
from rlvr.auditing.run_spreads import RunSd, checked_run_sd, law_notices
from rlvr.auditing.sampling import (
    crossed_sampling,
    frozen_values,
    item_margins,
    item_sampling,
    pairing_gain,
    run_margins,
    seed_notes,
    shared_runs,
)
from rlvr.decomposition import PARTS, TERMS
from rlvr.logs.decoding import decoding_note
from rlvr.stats.estimates import Estimate
from rlvr.stats.sampling import Sampling

if TYPE_CHECKING:
    import pandas as pd

    from rlvr.auditing.pass_at_k_terms import PassAtK
    from rlvr.logs.runs import Account, LogTable

__all__ = [
    "ASSUMPTIONS", "STATUSES", "VERDICTS", "VERDICT_RULES", "AuditReport", "CellAudit", "Layer", "audit",
    "contrast", "feasible", "identified_sets", "tipping_points", "verdict_slack", "verdicts_at",
    "with_notices",
]  # fmt: skip

STATUSES = ("supported", "leaning", "not identified")
"""A supported verdict holds throughout its intervals; a leaning one holds only at the stated accuracies. A
verdict is not identified if missing arms leave several verdicts possible."""

_WHOLE, _OPTIMISTIC = "all", "items, independent samples"  # layers without a source of their own


@dataclass(frozen=True)
class Layer:
    """One source of uncertainty: "items", "items, independent samples", "runs", "items and runs" or
    "frozen"; or "all".

    `verdict` is empty if several verdicts are possible within the layer; `survives` is true if it holds
    throughout. `terms` maps each term to (low, high); `note` states the basis and the gaps of the layer.
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
        One of ``VERDICTS``, or "undetermined" if missing arms leave several possible.
    status : str
        One of ``STATUSES``, by items alone; see `headline`.
    possible : tuple of str
        The verdicts that missing arms leave possible, at the stated accuracies.
    terms : dict of str to Estimate
        ``low`` and ``high`` are item sampling alone; `value` is NaN where only a set is identified.
    sets : dict of str to (low, high)
        The identified set of each term at the stated accuracies.
    layers : tuple of Layer
    tipping : dict of str to float
        Smallest move of one arm that changes the verdict; empty if an arm is missing.
    rules : dict of str to str
        The verdict under every named rule, "undetermined" included.
    pairing : dict of str to float
        Width of the unpaired interval over that of the paired one; empty without per-item outcomes.
    notices : tuple of str
        Remarks of the reader of the table and of this audit.
    answers : tuple of Account
        Counts of the answers of each log, for a cell read from logs.
    unknown_runs : tuple of str
        The trained arms without a known run-to-run spread.
    pass_at_k : PassAtK or None
        The terms at other k, if requested.
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
    pass_at_k: PassAtK | None = None

    @property
    def headline(self) -> str:
        """The status under all known uncertainty, from items, runs and the shift of FROZEN together."""
        return "leaning" if self.status == "supported" and not self.layers[-1].survives else self.status

    @property
    def broken_by(self) -> tuple[str, ...]:
        """The layers that the verdict does not survive; ("all",) if it survives each one alone."""
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
        """Reasons not to rely on this cell, from flags of its arms and arms not strictly comparable."""
        arms = self.cell.arms.values()
        unlike = [
            f"{arm.name} arm comparable: {arm.comparable}" for arm in arms if arm.comparable != "strict"
        ]
        return (*(f"{arm.name}: {arm.flag}" for arm in arms if arm.flag), *unlike)

    def layer(self, name: str) -> Layer | None:
        """Return the layer of a name, or None if the cell lacks the layer."""
        return next((layer for layer in self.layers if layer.name == name), None)


@dataclass(frozen=True)
class AuditReport:
    """Audits of all cells, with their settings."""

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
        The rule by which a term dominates; see ``VERDICT_RULES``.
    assumptions : iterable of {"no-harm", "true-best", "null-zero"}
        Assumptions about missing arms; none by default.
    run_sd : float in [0, 0.5], NextDeviation, or mapping of trained arm to either, optional
        Sensitivity analysis: the run-to-run standard deviation (a fraction) of arms for which the table
        states none. A law, such as those of :func:`rlvr.planning.spread_catalogue.catalogue_laws`, is
        integrated over; for an arm with several runs, the law is the prior of its spread.
    frozen_shift : float in [0, 1], optional
        Sensitivity analysis: how far FROZEN might move in either direction with its prompt or hardware, for
        cells without alternative readings of FROZEN.

    Raises
    ------
    TableError
        If a table is not acceptable; the message names file and line.
    ValueError, TypeError
        If a setting is out of range.

    Examples
    --------
    >>> import pandas as pd
    >>> rows = pd.DataFrame({"study": "s", "model": "m", "benchmark": "b", "n_items": 500,
    ...     "arm": ["frozen", "random", "majority", "true"], "accuracy": [0.416, 0.494, 0.73, 0.75]})
    >>> cell = audit(rows).cells[0]
    >>> cell.verdict, cell.status, format(cell.terms["elicitation"], ".3f")
    ('elicitation', 'supported', '0.236 [0.176, 0.293]')
    """
    level = confidence_level(level)
    choice("rule", rule, tuple(VERDICT_RULES))
    assumptions = [assumptions] if isinstance(assumptions, str) else assumptions
    named = tuple(choice("assumptions", name, tuple(ASSUMPTIONS)) for name in assumptions)
    if run_sd is not None:
        run_sd = checked_run_sd(run_sd)
    if frozen_shift is not None:
        frozen_shift = real(
            "frozen_shift", frozen_shift, "a fraction from 0 to 1", above=0, below=1, closed=True
        )
    report = AuditReport((), level, rule, named, run_sd, frozen_shift)
    alike: dict[tuple[str, ...], list[int]] = {}
    cells = read_cells(table)
    for place, cell in enumerate(cells):
        alike.setdefault(tuple(cell.arms), []).append(place)
    audits: dict[int, CellAudit] = {}
    for known, places in alike.items():
        group = [cells[place] for place in places]
        against = contradicted(in_columns([_accuracies(cell) for cell in group]), known, named)
        for assumptions, of in ((named, ~against), ((), against)):
            chosen = [place for place, is_one in zip(places, of.tolist(), strict=True) if is_one]
            if chosen:
                found = _audit_alike([cells[place] for place in chosen], assumptions, report)
                audits |= zip(chosen, found, strict=True)
    return replace(report, cells=tuple(audits[place] for place in range(len(cells))))


def _accuracies(cell: Cell) -> dict[str, float]:
    return {name: arm.accuracy for name, arm in cell.arms.items()}


@dataclass(frozen=True)
class _Source:
    """One layer of the cells at the places `cells`.

    `below` and `above` (cell, contrast) are margins of the rule's contrasts, then of the terms. `readings`
    holds accuracies (cell, reading, arm) with other values of FROZEN, or is None.
    """

    name: str
    cells: NDArray[np.int64]
    below: NDArray[np.float64]
    above: NDArray[np.float64]
    notes: Sequence[str]
    readings: NDArray[np.float64] | None = None


def _audit_alike(cells: Sequence[Cell], assumptions: tuple[str, ...], report: AuditReport) -> list[CellAudit]:
    """Audit cells that have the same arms together; all arrays run over the cells."""
    rule, known = report.rule, tuple(cells[0].arms)
    accuracies = in_columns([_accuracies(cell) for cell in cells])
    sets = sets_of(accuracies, known, assumptions)
    borrowed = "null-zero" in assumptions and "random" not in known and "frozen" in known
    bits = possible_verdicts(accuracies, known, assumptions, tuple(VERDICT_RULES))
    by_rule = dict(zip(VERDICT_RULES, bits, strict=True))
    samplings = [
        item_sampling(cell.arms, level=report.level) if _is_answered(cell) else None for cell in cells
    ]
    unknown, sources = _sources(cells, samplings, accuracies, borrowed, report)
    layers: list[list[Layer]] = [[] for _ in cells]
    for source in sources:
        for place, layer in zip(
            source.cells.tolist(),
            _layers(source, accuracies, known, assumptions, sets, by_rule[rule], rule),
            strict=True,
        ):
            layers[place].append(layer)
    ends = {term: np.stack(pair, axis=1).tolist() for term, pair in sets.items()}
    moves = tipping_moves(accuracies, rule=rule).tolist() if len(known) == len(ARMS) else []
    agreed = {name: [_one_of(each) for each in found.tolist()] for name, found in by_rule.items()}
    contrasts = {part: contrast(part) for part in (*PARTS, "total")}
    audits = []
    for place, cell in enumerate(cells):
        own = {term: (low, high) for term, ((low, high)) in ((term, ends[term][place]) for term in TERMS)}
        items, paired = layers[place][0], samplings[place]
        possible = by_rule[rule][place]
        audits.append(
            CellAudit(
                cell=cell,
                verdict=items.verdict or "undetermined",
                status="supported" if items.survives else "leaning" if items.verdict else "not identified",
                possible=tuple(verdict for bit, verdict in enumerate(VERDICTS) if possible >> bit & 1),
                terms=_estimates(cell, own, items, borrowed, report.level),
                sets=own,
                layers=tuple(layers[place]),
                tipping=dict(zip(ARMS, moves[place], strict=True)) if moves else {},
                rules={name: agreed[name][place] or "undetermined" for name in VERDICT_RULES},
                pairing=pairing_gain(paired, contrasts) if paired else {},
                notices=_notices(cell, assumptions, report),
                unknown_runs=unknown[place],
            )
        )
    return audits


def _is_answered(cell: Cell) -> bool:
    return any(arm.outcomes is not None for arm in cell.arms.values())


def _sources(
    cells: Sequence[Cell],
    samplings: Sequence[Sampling | None],
    accuracies: NDArray[np.float64],
    borrowed: bool,
    report: AuditReport,
) -> tuple[list[tuple[str, ...]], list[_Source]]:
    """Return each cell's trained arms without a known spread, and the layers in their order."""
    arms, level, every = [cell.arms for cell in cells], report.level, np.arange(len(cells))
    contrasts = np.concatenate([rule_contrasts(report.rule), [contrast(term) for term in TERMS]])
    if borrowed:  # RANDOM equals FROZEN, so both move together
        contrasts[:, ARM_CODE["frozen"]] += contrasts[:, ARM_CODE["random"]]
        contrasts[:, ARM_CODE["random"]] = 0.0
    item_notes = ["unpaired"] * len(cells)
    below, above = Sampling(*item_margins(arms, level=level), level=level).margins(contrasts)
    half_runs, unknown = run_margins(arms, level=level, assumed_run_sd=report.run_sd)
    left_out = [f"not known, so left out: {', '.join(names)}" if names else "" for names in unknown]
    run_notes = list(left_out)
    _, by_runs = Sampling(runs=half_runs, level=level).margins(contrasts)
    crossed: dict[int, tuple[NDArray[np.float64], NDArray[np.float64]]] = {}
    unpaired = np.ones(len(cells), dtype=bool)
    for place, (cell, items) in enumerate(zip(cells, samplings, strict=True)):
        if items is not None:
            below[place], above[place] = items.margins(contrasts)
            unpaired[place] = items.outcomes is None
            item_notes[place] = _item_note(cell, items)
            if sampling := crossed_sampling(cell.arms, level=level, assumed_run_sd=report.run_sd):
                crossed[place] = sampling.margins(contrasts)
        elif (shared := shared_runs(cell.arms)) is not None:
            paired = Sampling(runs=half_runs[place], level=level, paired_runs=shared)
            _, by_runs[place] = paired.margins(contrasts)
        run_notes[place] = "; ".join(filter(None, (*seed_notes(cell.arms), left_out[place])))
    sources = [_Source("items", every, below, above, item_notes)]
    sampled = [any((arm.samples_per_item or 1) > 1 for arm in each.values()) for each in arms]
    if (of := np.flatnonzero(unpaired & sampled)).size:
        some = [arms[place] for place in of]
        optimistic = Sampling(*item_margins(some, level=level, independent_samples=True), level=level)
        notes = ["right only if all items are equally hard"] * of.size
        sources.append(_Source(_OPTIMISTIC, of, *optimistic.margins(contrasts), notes))
    both_below, both_above = np.hypot(below, by_runs), np.hypot(above, by_runs)
    if crossed:  # a layer of runs alone would count their interaction with items twice
        of = np.array(list(crossed))
        each_below, each_above = (np.array(margins) for margins in zip(*crossed.values(), strict=True))
        both_below[of], both_above[of] = each_below, each_above
        notes = ["; ".join(filter(None, ("crossed, " + item_notes[place], left_out[place]))) for place in of]
        sources.append(_Source("items and runs", of, each_below, each_above, notes))
    is_crossed = np.isin(every, list(crossed))
    if (of := np.flatnonzero(half_runs.any(axis=1) & ~is_crossed)).size:
        sources.append(_Source("runs", of, by_runs[of], by_runs[of], [run_notes[place] for place in of]))
    grids = {
        place: grid for place, cell in enumerate(cells) if (grid := frozen_values(cell, report.frozen_shift))
    }
    readings = None
    if grids:
        of, values = np.array(list(grids)), np.array(list(grids.values()))
        readings = np.repeat(accuracies[of][:, None], values.shape[1], axis=1)
        readings[..., ARM_CODE["frozen"]] = values
        nothing = np.zeros((of.size, len(contrasts)))
        notes = [f"FROZEN from {grid[0]:.3f} to {grid[-1]:.3f}" for grid in grids.values()]
        sources.append(_Source("frozen", of, nothing, nothing, notes, readings))
    n_layers = np.bincount(np.concatenate([source.cells for source in sources]), minlength=len(cells))
    several, on_grid = n_layers > 1, np.isin(every, list(grids))
    for of, moved in ((np.flatnonzero(several & ~on_grid), None), (np.flatnonzero(on_grid), readings)):
        if of.size:
            notes = ["every layer that this cell has"] * of.size
            sources.append(_Source(_WHOLE, of, both_below[of], both_above[of], notes, moved))
    return unknown, sources


def _item_note(cell: Cell, items: Sampling) -> str:
    """State whether a cell with outcomes is paired by item, and its number of clusters."""
    clusters = next((arm.clusters for arm in cell.arms.values() if arm.clusters is not None), None)
    note = "unpaired" if items.outcomes is None else "paired by item"
    if clusters is None:
        return note
    n = np.unique(clusters).size
    return (
        f"{note}, over {n} clusters"
        if items.outcomes is not None
        else f"{note}, a cluster counts as one item"
    )


def _layers(
    source: _Source,
    accuracies: NDArray[np.float64],
    known: tuple[str, ...],
    assumptions: tuple[str, ...],
    sets: Mapping[str, tuple[NDArray[np.float64], NDArray[np.float64]]],
    bits: NDArray[np.uint8],
    rule: str,
) -> list[Layer]:
    """Compute the layer of one source for each of its cells."""
    of, readings = source.cells, source.readings
    ends = {term: (low[of], high[of]) for term, (low, high) in sets.items()}
    if readings is None:
        found, points, n_readings = bits[of], accuracies[of], 1
    else:
        n_readings, points = readings.shape[1], readings.reshape(-1, len(ARMS))
        (each,) = possible_verdicts(points, known, assumptions, (rule,))
        found = np.bitwise_or.reduce(each.reshape(-1, n_readings), axis=1)
        for term, (low, high) in sets_of(points, known, assumptions).items():
            low, high = low.reshape(-1, n_readings), high.reshape(-1, n_readings)
            ends[term] = (
                np.minimum(ends[term][0], low.min(axis=1)),
                np.maximum(ends[term][1], high.max(axis=1)),
            )
    n_rules = len(rule_contrasts(rule))
    verdicts = [_one_of(each) for each in found.tolist()]
    decided = np.flatnonzero([bool(verdict) for verdict in verdicts])
    survives = np.zeros(len(of), dtype=bool)
    if decided.size:
        rows = (decided[:, None] * n_readings + np.arange(n_readings)).ravel()
        names = np.repeat([VERDICTS.index(verdicts[place]) for place in decided], n_readings)
        below, above = (
            np.repeat(side[decided, :n_rules], n_readings, axis=0) for side in (source.below, source.above)
        )
        lasting = surviving(points[rows], known, assumptions, names, (below, above), rule=rule)
        survives[decided] = lasting.reshape(-1, n_readings).all(axis=1)
    terms = []
    for number, term in enumerate(TERMS, start=n_rules):
        low, high = ends[term][0] - source.below[:, number], ends[term][1] + source.above[:, number]
        terms.append(zip(np.maximum(-1.0, low).tolist(), np.minimum(1.0, high).tolist(), strict=True))
    rows_of = zip(verdicts, survives.tolist(), zip(*terms, strict=True), source.notes, strict=True)
    return [
        Layer(source.name, verdict, lasts, dict(zip(TERMS, pairs, strict=True)), note)
        for verdict, lasts, pairs, note in rows_of
    ]


def _one_of(bits: int) -> str:
    """Return the only verdict of a set; empty if the set has several."""
    return VERDICTS[bits.bit_length() - 1] if bits.bit_count() == 1 else ""


def _notices(cell: Cell, used: tuple[str, ...], report: AuditReport) -> tuple[str, ...]:
    """Return the remarks that a reader of the verdict needs."""
    notices = [*filter(None, [decoding_note(cell.decodings)]), *cell.notices]
    notices += law_notices(cell.arms, report.run_sd, report.level)
    if used != report.assumptions:
        try:
            identified_sets(_accuracies(cell), report.assumptions)
        except ValueError as contradiction:
            notices.append(f"assumptions not used here: {contradiction}")
    if any(arm.n_items is None for arm in cell.arms.values()):
        notices.append("the number of items is not stated for every arm, so item sampling is not known")
    return tuple(notices)


def _estimates(
    cell: Cell, sets: Mapping[str, tuple[float, float]], items: Layer, borrowed: bool, level: float
) -> dict[str, Estimate]:
    """Return every term with its item sampling, or the reason why it has no value or no interval."""
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


def with_notices(
    report: AuditReport, logs: LogTable, at_k: Mapping[str, PassAtK] | None = None
) -> AuditReport:
    """Add the remarks and counts from reading logs to the report, and the terms at other k."""
    cells = (
        replace(
            audit,
            notices=(*audit.notices, *logs.notices.get(audit.cell.benchmark, ())),
            answers=logs.accounts.get(audit.cell.benchmark, ()),
            pass_at_k=(at_k or {}).get(audit.cell.benchmark),
        )
        if audit.cell.study == "logs"
        else audit
        for audit in report.cells
    )
    return replace(report, cells=tuple(cells))
