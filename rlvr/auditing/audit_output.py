"""An audit as text for a terminal, as JSON, or as Markdown.

Text is in percentage points; JSON keeps fractions. Nothing is computed here.
"""

from __future__ import annotations

import math
from typing import Any

from rich.console import Console
from rich.text import Text

from rlvr._checks import counted
from rlvr.arms import ARMS
from rlvr.auditing.cell_audit import AuditReport, CellAudit
from rlvr.decomposition import TERMS
from rlvr.logs.decoding import decoding_note
from rlvr.stats.estimates import Estimate

__all__ = ["points", "print_report", "said", "set_text", "to_dict", "to_markdown"]

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


def said(cell: CellAudit) -> str:
    """The verdict in words."""
    if cell.verdict == "undetermined":
        return "undetermined: " + " or ".join(cell.possible)
    return "mixed: no term dominates" if cell.verdict == "mixed" else f"{cell.verdict} dominates"


def _span(low: float, high: float) -> str:
    return "no interval" if math.isnan(low) else f"[{points(low)}, {points(high)}]"


def _term(term: Estimate) -> str:
    if term.defined:
        return f"{points(term.value):>6}  {_span(term.low, term.high)}"
    return f"     ?  {term.reason}" if math.isnan(term.low) else f"     ?  in {_span(term.low, term.high)}"


def _tips(cell: CellAudit) -> str:
    moves = {arm: move for arm, move in cell.tipping.items() if not math.isnan(move)}
    nearest = sorted(moves.items(), key=lambda move: abs(move[1]))
    return ", ".join(f"{arm.upper()} {points(move)}" for arm, move in nearest)


def print_report(report: AuditReport, console: Console) -> None:
    """One block a cell, verdict first, then a line that sums up; never wraps or reads markup."""

    def line(*parts: str | tuple[str, str]) -> None:
        console.print(Text.assemble(*parts), soft_wrap=True, highlight=False)

    for audit in report.cells:
        cell = audit.cell
        line((said(audit), _STYLE[audit.status]), f" ({audit.status})")
        line(f"    {cell.name}")
        arms = (
            f"{name.upper()} "
            + (points(cell.arms[name].accuracy, signed=False) if name in cell.arms else "missing")
            for name in ARMS
        )
        sizes = sorted({str(arm.n_items or "?") for arm in cell.arms.values()})
        line(f"    {', '.join(arms)}; {' or '.join(sizes)} item{'' if sizes == ['1'] else 's'}")
        for name, term in audit.terms.items():
            line(f"    {name.replace('_', ' '):<14}{_term(term)}")
        for layer in audit.layers:
            outcome = (
                "survives"
                if layer.survives
                else "holds at the printed numbers only"
                if layer.verdict
                else "leaves several verdicts"
            )
            line(f"    {layer.name + ':':<28}{outcome}{f' ({layer.note})' if layer.note else ''}")
        if audit.tipping:
            line("    verdict changes if one arm moves:")
            line(f"        {_tips(audit) or 'none does it alone'}")
        if audit.pairing:
            gains = ", ".join(f"{name.replace('_', ' ')} {gain:.1f}x" for name, gain in audit.pairing.items())
            line(f"    unpaired intervals would be wider: {gains}")
        line(f"    published rule: {audit.rules['published']}")
        for doubt in (*audit.doubts, *audit.notices):
            line(("    note: ", "yellow"), doubt)
        line("")
    total = counted(len(report.cells), "cell")
    counts = {status: sum(cell.status == status for cell in report.cells) for status in _STYLE}
    line(f"{total}: " + ", ".join(f"{n} {status}" for status, n in counts.items()))
    line(f"terms in points, {100 * report.level:g}% intervals from item sampling alone")
    line(f"rule: {report.rule}; assumptions: {', '.join(report.assumptions) or 'none'}")


def _finite(value: float | None) -> float | None:
    return None if value is None or not math.isfinite(value) else float(value)


def to_dict(report: AuditReport) -> dict[str, Any]:
    """The report for JSON: fractions, None where a number is undefined.

    ``cells[i]["terms"][name]`` holds value, low and high (item sampling alone), the identified set at the
    printed accuracies, and the reason why a value is undefined; ``layers`` holds every layer.
    ``cells[i]["support"]`` is the status of the verdict, out of :data:`rlvr.auditing.STATUSES`.

    .. deprecated:: 0.3
        ``cells[i]["status"]`` says the same, with the former word "identified" for "supported". Read
        ``"support"``; the next release leaves ``"status"`` out.
    """
    cells = []
    for audit in report.cells:
        terms = {
            name: {
                "value": _finite(term.value),
                "low": _finite(term.low),
                "high": _finite(term.high),
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
                "terms": {
                    name: {"low": _finite(low), "high": _finite(high)}
                    for name, (low, high) in layer.terms.items()
                },
            }
            for layer in audit.layers
        ]
        arms = {
            arm.name: {
                "accuracy": arm.accuracy,
                "n_items": arm.n_items,
                "source": arm.source,
                "file": arm.file,
                "line": arm.line,
                "decoding": arm.decoding or None,
            }
            for arm in audit.cell.arms.values()
        }
        cells.append(
            {
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
        )
    return {
        "level": report.level,
        "rule": report.rule,
        "assumptions": list(report.assumptions),
        "cells": cells,
    }


def to_markdown(report: AuditReport) -> str:
    """One table row a cell, verdict first; below it what is known of each arm's decoding."""
    head = ["verdict", "status", "study", "model", "benchmark", *(name.replace("_", " ") for name in TERMS)]
    rows = [head, ["---"] * len(head)]
    for audit in report.cells:
        cell = audit.cell
        names = [" / ".join(filter(None, (cell.study, cell.setup))), cell.model, cell.benchmark]
        terms = [" ".join(_term(term).split()) for term in audit.terms.values()]
        rows.append([said(audit), audit.status, *names, *terms])
    note = f"Percentage points; {100 * report.level:g}% intervals from item sampling alone."
    decodings: dict[str, list[str]] = {}
    for audit in report.cells:
        if decoding := decoding_note(audit.cell.decodings):
            decodings.setdefault(decoding, []).append(audit.cell.name)
    notes = (f"\n{', '.join(names)}: {said_of}." for said_of, names in decodings.items())
    lines = ("| " + " | ".join(text.replace("|", "\\|") for text in row) + " |" for row in rows)
    return "\n".join([*lines, "", note, *notes, ""])
