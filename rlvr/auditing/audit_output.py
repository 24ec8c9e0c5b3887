"""An audit as text for a terminal, as JSON, or as Markdown, and the words that its page shares with them.

Text is in percentage points; JSON keeps fractions. Nothing is computed here.
"""

from __future__ import annotations

import math
from typing import Any

from rich.console import Console
from rich.text import Text

from rlvr._checks import counted
from rlvr.arms import ARMS
from rlvr.auditing.cell_verdicts import STATUSES, AuditReport, CellAudit, Layer
from rlvr.auditing.study_cells import Cell
from rlvr.decomposition import TERMS
from rlvr.logs.decoding import decoding_note
from rlvr.stats.estimates import Estimate

__all__ = [
    "arms_text",
    "counts_text",
    "layer_text",
    "moves_text",
    "points",
    "print_report",
    "set_text",
    "term_texts",
    "to_dict",
    "to_markdown",
    "verdict_text",
]

_STYLE = {"supported": "bold green", "leaning": "bold yellow", "not identified": "bold red"}
_FORMERLY = {"supported": "identified"}  # what the key "status" still says in JSON, for one release


def points(value: float, *, signed: bool = True) -> str:
    """A fraction as percentage points to one decimal, without a negative zero; "?" for NaN."""
    if math.isnan(value):
        return "?"
    rounded = round(100 * value, 1) + 0.0
    return f"{rounded:+.1f}" if signed and rounded else f"{rounded:.1f}"


def set_text(low: float, high: float) -> str:
    """A set of accuracies or differences in points; one number where its ends agree.

    Examples
    --------
    >>> set_text(-0.25, 0.75), set_text(0.077, 0.077)
    ('-25.0 to +75.0', '+7.7')
    """
    return " to ".join(dict.fromkeys((points(low), points(high))))


def verdict_text(cell: CellAudit) -> str:
    """The verdict in words."""
    if cell.verdict == "undetermined":
        return "undetermined: " + " or ".join(cell.possible)
    return "mixed: no term dominates" if cell.verdict == "mixed" else f"{cell.verdict} dominates"


def term_texts(term: Estimate) -> tuple[str, str]:
    """A term's value, "?" where it has none, and its interval, its set, or why it has neither."""
    unbounded = math.isnan(term.low)
    interval = f"[{points(term.low)}, {points(term.high)}]"
    if term.defined:
        return points(term.value), "no interval" if unbounded else interval
    return "?", term.reason if unbounded else f"in {interval}"


def arms_text(cell: Cell) -> str:
    """Accuracy of each arm in points, and the number of items."""
    arms = (
        f"{name.upper()} "
        + (points(cell.arms[name].accuracy, signed=False) if name in cell.arms else "missing")
        for name in ARMS
    )
    sizes = sorted({str(arm.n_items or "?") for arm in cell.arms.values()})
    return f"{', '.join(arms)}; {' or '.join(sizes)} item{'' if sizes == ['1'] else 's'}"


def layer_text(layer: Layer) -> str:
    """Whether the verdict survives a layer, and what the layer rests on."""
    outcome = (
        "survives"
        if layer.survives
        else "holds at the printed numbers only"
        if layer.verdict
        else "leaves several verdicts"
    )
    return f"{outcome} ({layer.note})" if layer.note else outcome


def moves_text(cell: CellAudit) -> str:
    """Which arm would have to move how far to change the verdict, nearest first."""
    moves = {arm: move for arm, move in cell.tipping.items() if not math.isnan(move)}
    nearest = sorted(moves.items(), key=lambda move: abs(move[1]))
    return ", ".join(f"{arm.upper()} {points(move)}" for arm, move in nearest)


def counts_text(report: AuditReport) -> str:
    """How many cells there are, and how many of each status."""
    counts = {status: sum(cell.status == status for cell in report.cells) for status in STATUSES}
    return f"{counted(len(report.cells), 'cell')}: " + ", ".join(f"{n} {at}" for at, n in counts.items())


def print_report(report: AuditReport, console: Console) -> None:
    """One block a cell, verdict first, then a line that sums up; never wraps or reads markup."""

    def line(*parts: str | tuple[str, str]) -> None:
        console.print(Text.assemble(*parts), soft_wrap=True, highlight=False)

    for audit in report.cells:
        line((verdict_text(audit), _STYLE[audit.status]), f" ({audit.status})")
        line(f"    {audit.cell.name}")
        line(f"    {arms_text(audit.cell)}")
        for name, term in audit.terms.items():
            value, bounds = term_texts(term)
            line(f"    {name.replace('_', ' '):<14}{value:>6}  {bounds}")
        for layer in audit.layers:
            line(f"    {layer.name + ':':<28}{layer_text(layer)}")
        if audit.tipping:
            line("    verdict changes if one arm moves:")
            line(f"        {moves_text(audit) or 'none does it alone'}")
        if audit.pairing:
            gains = ", ".join(f"{name.replace('_', ' ')} {gain:.1f}x" for name, gain in audit.pairing.items())
            line(f"    unpaired intervals would be wider: {gains}")
        line(f"    published rule: {audit.rules['published']}")
        for note in (*audit.doubts, *audit.notices):
            line(("    note: ", "yellow"), note)
        line("")
    line(counts_text(report))
    line(f"terms in points, {100 * report.level:g}% intervals from item sampling alone")
    line(f"rule: {report.rule}; assumptions: {', '.join(report.assumptions) or 'none'}")


def to_dict(report: AuditReport) -> dict[str, Any]:
    """The report for JSON: fractions, None where a number is undefined.

    ``cells[i]["terms"][name]`` holds value, low and high (item sampling alone), the identified set at the
    printed accuracies, and the reason why a value is undefined; ``layers`` holds every layer.
    ``cells[i]["support"]`` is the status of the verdict, out of :data:`rlvr.auditing.STATUSES`.

    .. deprecated:: 0.3
        ``cells[i]["status"]`` says the same, with the former word "identified" for "supported". Read
        ``"support"``; the next release leaves ``"status"`` out.
    """
    return {
        "level": report.level,
        "rule": report.rule,
        "assumptions": list(report.assumptions),
        "cells": [_cell(audit) for audit in report.cells],
    }


def _cell(audit: CellAudit) -> dict[str, Any]:
    """One cell of the JSON."""
    terms = {
        name: {
            "value": _finite(term.value),
            **_ends(term.low, term.high),
            "set_low": audit.sets[name][0],
            "set_high": audit.sets[name][1],
            "reason": term.reason,
        }
        for name, term in audit.terms.items()
    }
    layers = [
        {
            "name": layer.name,
            "verdict": layer.verdict or None,
            "survives": layer.survives,
            "note": layer.note,
            "terms": {name: _ends(low, high) for name, (low, high) in layer.terms.items()},
        }
        for layer in audit.layers
    ]
    arms = {
        arm.name: {
            "accuracy": arm.accuracy,
            "n_items": arm.n_items,
            "samples_per_item": arm.samples_per_item,
            "source": arm.source,
            "file": arm.file,
            "line": arm.line,
            "decoding": arm.decoding or None,
        }
        for arm in audit.cell.arms.values()
    }
    return {
        "study": audit.cell.study,
        "setup": audit.cell.setup,
        "model": audit.cell.model,
        "benchmark": audit.cell.benchmark,
        "verdict": audit.verdict,
        "support": audit.status,
        "status": _FORMERLY.get(audit.status, audit.status),
        "possible_verdicts": list(audit.possible),
        "terms": terms,
        "layers": layers,
        "tipping_points": {arm: _finite(move) for arm, move in audit.tipping.items()},
        "verdict_by_rule": dict(audit.rules),
        "paired_gain": dict(audit.pairing),
        "arms": arms,
        "doubts": list(audit.doubts),
        "notices": list(audit.notices),
    }


def _finite(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None


def _ends(low: float, high: float) -> dict[str, float | None]:
    return {"low": _finite(low), "high": _finite(high)}


def to_markdown(report: AuditReport) -> str:
    """One table row a cell, verdict first; below it what is known of each arm's decoding."""
    head = ["verdict", "status", "study", "model", "benchmark", *(name.replace("_", " ") for name in TERMS)]
    rows = [head, ["---"] * len(head)]
    decodings: dict[str, list[str]] = {}
    for audit in report.cells:
        cell = audit.cell
        names = [" / ".join(filter(None, (cell.study, cell.setup))), cell.model, cell.benchmark]
        terms = [" ".join(term_texts(term)) for term in audit.terms.values()]
        rows.append([verdict_text(audit), audit.status, *names, *terms])
        if decoding := decoding_note(cell.decodings):
            decodings.setdefault(decoding, []).append(cell.name)
    note = f"Percentage points; {100 * report.level:g}% intervals from item sampling alone."
    notes = (f"\n{', '.join(names)}: {decoding}." for decoding, names in decodings.items())
    lines = ("| " + " | ".join(text.replace("|", "\\|") for text in row) + " |" for row in rows)
    return "\n".join([*lines, "", note, *notes, ""])
