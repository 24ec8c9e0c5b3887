"""An audit as one page that needs nothing else: no network, no script, readable on a phone and in the dark.

Every number is taken from the :class:`rlvr.auditing.AuditReport` and written as the terminal writes it; what
is computed here is where a dot goes.
"""

from __future__ import annotations

import hashlib
import math
import platform
from collections.abc import Iterable, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

from rlvr.arms import ARMS
from rlvr.auditing.audit_output import points, said
from rlvr.auditing.cell_audit import STATUSES, AuditReport, CellAudit, Layer
from rlvr.auditing.identification import ASSUMPTIONS
from rlvr.decomposition import TERMS
from rlvr.stats.estimates import Estimate
from rlvr.stats.sampling import FEWEST_RUNS

__all__ = ["digests", "methods_paragraph", "to_html"]

_TEMPLATE = "report.html.j2"
_LIBRARIES = ("rlvr", "numpy", "scipy", "pandas")
_RULES = {
    "magnitude": "a term dominates when it moves accuracy by more than the other two together",
    "published": "elicitation, there MAJORITY - FROZEN, or reward design dominates when it is more than "
    "60% of the total gain",
}


def digests(sources: Iterable[str | Path]) -> dict[str, str]:
    """SHA-256 of each input file by name; for standard input ("-"), a word that there is none.

    A folder counts file by file.

    Raises
    ------
    OSError
        If a file cannot be read.
    """
    found = {}
    for source in sources:
        if str(source) == "-":
            found["standard input"] = "not kept"
            continue
        path = Path(source)
        files = sorted(file for file in path.rglob("*") if file.is_file()) if path.is_dir() else [path]
        for file in files:
            found[str(file)] = hashlib.sha256(file.read_bytes()).hexdigest()
    return found


def methods_paragraph(report: AuditReport) -> str:
    """A paragraph for a paper's methods section: what was split, by which rule, with what uncertainty.

    Examples
    --------
    >>> methods_paragraph(AuditReport((), 0.95, "magnitude", ())).split(".")[0]
    'We split the gain of each trained model over its base into three terms'
    """
    layers = {layer.name for cell in report.cells for layer in cell.layers}
    paired = any(layer.note == "paired by item" for cell in report.cells for layer in cell.layers)
    unpaired = any(layer.note == "unpaired" for cell in report.cells for layer in cell.layers)
    ways = []
    if unpaired:
        ways.append("unpaired score intervals combined in quadrature, which are conservative")
    if paired:
        ways.append("Student's t over items, paired across arms")
    sentences = [
        "We split the gain of each trained model over its base into three terms",
        "They are null = RANDOM - FROZEN, elicitation = MAJORITY - RANDOM, and reward design = "
        "TRUE - MAJORITY, where "
        "FROZEN is the untrained model and RANDOM, MAJORITY and TRUE are trained alike on a coin flip, on "
        "agreement with the majority of their own answers, and on the true reward",
        f"Rule: {_RULES[report.rule]}",
        f"A verdict is called supported if it holds throughout the {100 * report.level:g}% intervals of "
        f"item sampling ({'; '.join(ways) or 'none here'}), and leaning if it holds at the measured "
        "accuracies only",
    ]
    if "items and runs" in layers:
        sentences.append(
            "Where several runs were evaluated on the same items, items and runs were treated as crossed "
            "(variance components; Student's t with Satterthwaite's degrees of freedom, or with fewer than "
            f"{FEWEST_RUNS} runs of an arm part by part in quadrature)"
        )
    elif "runs" in layers:
        sentences.append("Run-to-run spread was added where it was measured or assumed, as its own layer")
    else:
        sentences.append("Run-to-run spread was not known and is not in the intervals")
    for name in report.assumptions:
        sentences.append(f"For missing arms it was assumed that {ASSUMPTIONS[name].partition(':')[0]}")
    sentences.append(f"Computed with rlvr {version('rlvr')}")
    return ". ".join(sentences) + "."


def to_html(
    report: AuditReport, *, inputs: Mapping[str, str] | None = None, title: str = "True minus random, audited"
) -> str:
    """The page, as text.

    Parameters
    ----------
    report : AuditReport
    inputs : mapping of str to str, optional
        Name and digest of what was audited, as :func:`digests` gives them.
    title : str

    Returns
    -------
    str
        The same bits for the same arguments and versions.
    """
    from jinja2 import Environment, StrictUndefined

    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    template = (Path(__file__).parent.parent / "data" / _TEMPLATE).read_text(encoding="utf-8")
    ends = [
        end
        for audit in report.cells
        for term in audit.terms.values()
        for end in (term.value, term.low, term.high)
        if term.defined and math.isfinite(end)
    ]
    low, high = _round_out(min(ends, default=0.0), -1), _round_out(max(ends, default=0.0), 1)

    def place(value: float) -> float | None:
        share = 100 * (value - low) / (high - low)
        return round(min(100.0, max(0.0, share)), 2) if math.isfinite(value) else None

    counts = {status: sum(cell.status == status for cell in report.cells) for status in STATUSES}
    n = len(report.cells)
    return environment.from_string(template).render(
        title=title,
        counts=f"{n} cell{'s' * (n != 1)}: " + ", ".join(f"{k} {status}" for status, k in counts.items()),
        level=f"{100 * report.level:g}%",
        scale={"low": points(low), "high": points(high), "zero": place(0.0)},
        cells=[_cell(audit, place) for audit in report.cells],
        methods=methods_paragraph(report),
        inputs=[{"name": name, "digest": digest} for name, digest in (inputs or {}).items()],
        versions={name: version(name) for name in _LIBRARIES} | {"Python": platform.python_version()},
    )


def _round_out(end: float, direction: int) -> float:
    """The next multiple of five points away from zero, so that every cell shares a round scale."""
    return direction * max(0.05, math.ceil(direction * end / 0.05 - 1e-9) * 0.05)


def _cell(audit: CellAudit, place: Any) -> dict[str, Any]:
    arms = (
        f"{name.upper()} "
        + (points(audit.cell.arms[name].accuracy, signed=False) if name in audit.cell.arms else "missing")
        for name in ARMS
    )
    sizes = sorted({str(arm.n_items or "?") for arm in audit.cell.arms.values()})
    moves = {arm: move for arm, move in audit.tipping.items() if not math.isnan(move)}
    tips = sorted(moves.items(), key=lambda move: abs(move[1]))
    return {
        "name": audit.cell.name,
        "verdict": said(audit),
        "status": audit.status,
        "arms": f"{', '.join(arms)}; {' or '.join(sizes)} items",
        "terms": [
            {
                "key": name,
                "name": name.replace("_", " "),
                "text": _text(audit.terms[name]),
                "value": place(audit.terms[name].value),
                "low": place(audit.terms[name].low),
                "high": place(audit.terms[name].high),
            }
            for name in TERMS
        ],
        "layers": [_layer(layer) for layer in audit.layers],
        "tips": ", ".join(f"{arm.upper()} {points(move)}" for arm, move in tips),
        "gains": ", ".join(
            f"{name.replace('_', ' ')} {gain:.1f} times" for name, gain in audit.pairing.items()
        ),
        "published": audit.rules["published"],
        "notes": [*audit.doubts, *audit.notices],
    }


def _text(term: Estimate) -> str:
    span = "" if math.isnan(term.low) else f"[{points(term.low)}, {points(term.high)}]"
    if term.defined:
        return f"{points(term.value)} {span or 'no interval'}"
    return f"in {span}" if span else term.reason


def _layer(layer: Layer) -> str:
    outcome = (
        "survives"
        if layer.survives
        else "holds at the printed numbers only"
        if layer.verdict
        else "leaves several verdicts"
    )
    return f"{layer.name}: {outcome}" + (f" ({layer.note})" if layer.note else "")
