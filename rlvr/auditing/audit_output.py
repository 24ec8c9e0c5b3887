"""Show an audit as text for a terminal, as JSON, as Markdown, or as one page for a browser.

Text is in percentage points; JSON keeps fractions. The page is one file without scripts or network access and
fits phones and dark screens. This module computes nothing except the places of the page's dots.
"""

from __future__ import annotations

import math
import platform
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from rlvr._checks import counted
from rlvr._escaping import html_text, markdown, visible
from rlvr._reading import digests_as_read, files_below, opened
from rlvr.arms import ARMS
from rlvr.auditing.cell_verdicts import ASSUMPTIONS, STATUSES, AuditReport, CellAudit, Layer
from rlvr.auditing.cells import Cell
from rlvr.auditing.pass_at_k_terms import (
    PassAtK,
    change_text,
    pass_at_k_paragraph,
    term_rows,
    to_json,
    written_notes,
)
from rlvr.auditing.percentage_points import points, set_text
from rlvr.decomposition import TERMS
from rlvr.logs.decoding import decoding_note
from rlvr.stats.estimates import Estimate
from rlvr.stats.sampling import FEWEST_RUNS

if TYPE_CHECKING:
    from jinja2 import Template
    from rich.console import Console

__all__ = [
    "digests",
    "methods_paragraph",
    "points",
    "print_report",
    "set_text",
    "status_text",
    "to_dict",
    "to_html",
    "to_markdown",
    "verdict_text",
]

_STYLE = {"supported": "bold green", "leaning": "bold yellow", "not identified": "bold red"}
_SOURCES = {"frozen": "a shift of FROZEN", "all": "all sources together"}  # where a layer's name is no words
_FORMERLY = {"supported": "identified"}  # what the key "status" still says in JSON, for one release
_ARM_KEYS = ("accuracy", "n_items", "samples_per_item", "n_runs", "run_sd", "source", "file", "line")
_FATES = ("read", "scored", "unscored", "errored", "left_out", "repeated")
_FATE_TEXTS = {"left_out": "left out", "repeated": "identical to another line"}
_LIBRARIES = ("rlvr", "numpy", "scipy", "pandas")
_RULE_TEXTS = {
    "magnitude": "a term dominates when it moves accuracy by more than the other two together",
    "published": "elicitation, there MAJORITY - FROZEN, or reward design dominates when it is more than "
    "60% of the total gain",
}


def verdict_text(cell: CellAudit) -> str:
    """Return the verdict in words."""
    if cell.verdict == "undetermined":
        return "undetermined: " + " or ".join(cell.possible)
    return "mixed: no term dominates" if cell.verdict == "mixed" else f"{cell.verdict} dominates"


def status_text(audit: CellAudit) -> str:
    """Return the status of the verdict under all known uncertainty, and the sources that it does not survive.

    "For these runs" marks a cell in which some trained arm has no known run-to-run spread.
    """
    broken = audit.broken_by
    if audit.headline == "not identified":
        return audit.headline
    unknown = audit.unknown_runs and not any("runs" in name for name in broken)
    status = audit.headline + " for these runs" * bool(unknown)
    if audit.headline == "supported":
        return status
    nested = "items and runs" if "items" in broken else ""  # says nothing further
    sources = " and ".join(_SOURCES.get(name, name) for name in broken if name != nested)
    return f"{status}: does not survive {sources}"


def _term_texts(term: Estimate) -> tuple[str, str]:
    """Return a term's value or "?", and its interval, its set, or the reason why it has neither."""
    unbounded = math.isnan(term.low)
    interval = f"[{points(term.low)}, {points(term.high)}]"
    if term.defined:
        return points(term.value), "no interval" if unbounded else interval
    return "?", term.reason if unbounded else f"in {interval}"


def _arms_text(cell: Cell) -> str:
    """Return the accuracy of each arm in percent, and the number of items."""
    arms = (
        f"{name.upper()} "
        + (points(cell.arms[name].accuracy, signed=False) if name in cell.arms else "missing")
        for name in ARMS
    )
    sizes = sorted({str(arm.n_items or "?") for arm in cell.arms.values()})
    return f"{', '.join(arms)}; {' or '.join(sizes)} item{'' if sizes == ['1'] else 's'}"


def _answers_text(audit: CellAudit) -> str:
    """Count the answers of each arm's logs by what became of them; zero counts are mostly left out."""
    parts = []
    for name in audit.cell.arms:
        logs = [log for log in audit.answers if log.arm == name]
        counts = {word: sum(getattr(log, word) for log in logs) for word in _FATES}
        stated = [
            f"{n} {_FATE_TEXTS.get(word, word)}" for word, n in counts.items() if n or word in _FATES[:2]
        ]
        parts.append(f"{name.upper()} {', '.join(stated)}")
    return f"answers: {'; '.join(parts)}"


def _layer_text(layer: Layer) -> str:
    """State whether the verdict survives a layer, and the basis of the layer."""
    outcome = (
        "survives" if layer.survives else "does not survive" if layer.verdict else "leaves several verdicts"
    )
    return f"{outcome} ({layer.note})" if layer.note else outcome


def _moves_text(cell: CellAudit) -> str:
    """List how far each arm alone would have to move to change the verdict, smallest move first."""
    moves = {arm: move for arm, move in cell.tipping.items() if not math.isnan(move)}
    nearest = sorted(moves.items(), key=lambda move: abs(move[1]))
    return ", ".join(f"{arm.upper()} {points(move)}" for arm, move in nearest)


def _counts_text(report: AuditReport) -> str:
    """Count the cells, and the cells of each headline."""
    counts = {status: sum(cell.headline == status for cell in report.cells) for status in STATUSES}
    return f"{counted(len(report.cells), 'cell')}: " + ", ".join(f"{n} {at}" for at, n in counts.items())


def print_report(report: AuditReport, console: Console) -> None:
    """Print one block per cell, verdict first, then a summary, without wrapping lines or reading markup."""
    colours, pending = console.color_system is not None, list[str]()

    def line(text: str, begun: str = "", style: str = "") -> None:
        if begun and colours:  # what has no style goes out in one piece
            console.out("".join(pending), end="", highlight=False)
            pending.clear()
            console.out(begun, style=style, end="", highlight=False)
            begun = ""
        pending.append(f"{visible(begun + text)}\n")

    for audit in report.cells:
        line(f" ({status_text(audit)})", verdict_text(audit), _STYLE[audit.headline])
        line(f"    {audit.cell.name}")
        line(f"    {_arms_text(audit.cell)}")
        if audit.answers:
            line(f"    {_answers_text(audit)}")
        for name, term in audit.terms.items():
            value, bounds = _term_texts(term)
            line(f"    {name.replace('_', ' '):<14}{value:>6}  {bounds}")
        for layer in audit.layers:
            line(f"    {layer.name + ':':<28}{_layer_text(layer)}")
        if audit.tipping:
            line("    verdict changes if one arm moves:")
            line(f"        {_moves_text(audit) or 'no arm alone changes it'}")
        if audit.pairing:
            gains = ", ".join(f"{name.replace('_', ' ')} {gain:.1f}x" for name, gain in audit.pairing.items())
            line(f"    unpaired intervals would be wider: {gains}")
        line(f"    published rule: {audit.rules['published']}")
        if audit.pass_at_k:
            for text in _lines_at_k(audit.pass_at_k):
                line(f"    {text}")
        for note in (*audit.doubts, *audit.notices):
            line(note, "    note: ", "yellow")
        line("")
    line(_counts_text(report))
    line(f"terms in points, {100 * report.level:g}% intervals from item sampling alone")
    line(f"rule: {report.rule}; assumptions: {', '.join(report.assumptions) or 'none'}")
    if colours:
        console.out("".join(pending), end="", highlight=False)
    else:  # a file or a pipe: a hundred times faster than line by line
        console.file.write("".join(pending))


def _lines_at_k(at_k: PassAtK) -> list[str]:
    """Return a table with one column per k, then sign changes, notes and the paragraph."""
    rows = [("pass@k at k =", [f"{k:,}" for k in at_k.ks]), *term_rows(at_k)]
    widths = [max(len(texts[column]) for _, texts in rows) for column in range(len(at_k.ks))]
    table = [
        f"{name:<14}" + "".join(f"  {text:>{width}}" for text, width in zip(texts, widths, strict=True))
        for name, texts in rows
    ]
    return [*table, *change_text(at_k), *written_notes(at_k), f"to paste: {pass_at_k_paragraph(at_k)}"]


def to_dict(report: AuditReport) -> dict[str, Any]:
    """Convert the report for JSON, with numbers as fractions and None for undefined ones.

    ``cells[i]["terms"][name]`` holds value, low and high (item sampling alone), the identified set at the
    stated accuracies, and the reason for an undefined value; ``layers`` holds every layer.
    ``cells[i]["headline"]`` is the status of the verdict under all known uncertainty, one of
    :data:`rlvr.auditing.STATUSES`; ``broken_by`` names the layers that the verdict does not survive, and
    ``unknown_runs`` the trained arms without a run-to-run spread. ``cells[i]["support"]`` is the status by
    items alone.

    .. deprecated:: 0.3
        ``cells[i]["status"]`` is ``"support"`` with the former word "identified" for "supported"; the next
        release drops it.
    """
    return {
        "level": report.level,
        "rule": report.rule,
        "assumptions": list(report.assumptions),
        "cells": [_json_cell(audit) for audit in report.cells],
    }


def _json_cell(audit: CellAudit) -> dict[str, Any]:
    """Convert one cell for JSON."""
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
        arm.name: {**{key: getattr(arm, key) for key in _ARM_KEYS}, "decoding": arm.decoding or None}
        for arm in audit.cell.arms.values()
    }
    return {
        **{key: getattr(audit.cell, key) for key in ("study", "setup", "model", "benchmark")},
        "verdict": audit.verdict,
        "headline": audit.headline,
        "broken_by": list(audit.broken_by),
        "unknown_runs": list(audit.unknown_runs),
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
        "pass_at_k": to_json(audit.pass_at_k) if audit.pass_at_k else None,
        "answers": [
            {
                "arm": log.arm,
                "run": log.run,
                "source": log.source,
                **{word: getattr(log, word) for word in _FATES},
            }
            for log in audit.answers
        ],
    }


def _finite(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None


def _ends(low: float, high: float) -> dict[str, float | None]:
    return {"low": _finite(low), "high": _finite(high)}


def to_markdown(report: AuditReport) -> str:
    """Return a table with one row per cell, verdict first, and the known decodings below."""
    head = ["verdict", "status", "study", "model", "benchmark", *(name.replace("_", " ") for name in TERMS)]
    rows = [head, ["---"] * len(head)]
    decodings: dict[str, list[str]] = {}
    for audit in report.cells:
        cell = audit.cell
        names = [" / ".join(filter(None, (cell.study, cell.setup))), cell.model, cell.benchmark]
        terms = [" ".join(_term_texts(term)) for term in audit.terms.values()]
        rows.append([verdict_text(audit), status_text(audit), *map(markdown, names), *terms])
        if decoding := decoding_note(cell.decodings):
            decodings.setdefault(markdown(decoding), []).append(markdown(cell.name))
    note = f"Percentage points; {100 * report.level:g}% intervals from item sampling alone."
    notes = (f"\n{', '.join(names)}: {decoding}." for decoding, names in decodings.items())
    lines = ("| " + " | ".join(row) + " |" for row in rows)
    at_k = (part for audit in report.cells if audit.pass_at_k for part in _markdown_at_k(audit))
    return "\n".join([*lines, "", note, *notes, *at_k, ""])


def _markdown_at_k(audit: CellAudit) -> list[str]:
    """Return the terms of a cell at every k, for the place below the table of all cells."""
    at_k = audit.pass_at_k
    assert at_k is not None
    rows = [[f"pass@k, {markdown(audit.cell.name)}", *(f"k = {k:,}" for k in at_k.ks)]]
    rows.append(["---"] * len(rows[0]))
    rows += [[name, *texts] for name, texts in term_rows(at_k)]
    remarks = [f"\n{text[0].upper()}{text[1:]}." for text in (*change_text(at_k), *written_notes(at_k))]
    return ["", *("| " + " | ".join(row) + " |" for row in rows), *remarks, f"\n{pass_at_k_paragraph(at_k)}"]


def digests(sources: Iterable[str | Path]) -> dict[str, str]:
    """Return the SHA-256 of each input file by name; "not kept" for standard input ("-").

    Each file of a folder has its own digest. A pipe is refused because it can be read only once; an audit
    computes digests while it reads, with :func:`rlvr._reading.digests_as_read`.

    Raises
    ------
    ReadingError
        If a file cannot be read.
    """
    found = {}
    for source in sources:
        if str(source) == "-":
            found["standard input"] = "not kept"
            continue
        for file in sorted(files_below(source)) if Path(source).is_dir() else [source]:
            with digests_as_read() as digest, opened(file):
                pass
            found |= digest
    return found


def methods_paragraph(report: AuditReport) -> str:
    """Return a paragraph for a paper's methods section: the split, its rule and its uncertainty.

    Examples
    --------
    >>> methods_paragraph(AuditReport((), 0.95, "magnitude", ())).split(".")[0]
    'We split the gain of each trained model over its base into three terms'
    """
    from importlib.metadata import version

    layers = [layer for cell in report.cells for layer in cell.layers]
    names, notes = {layer.name for layer in layers}, {layer.note for layer in layers}
    ways = []
    if "unpaired" in notes:
        ways.append("unpaired score intervals combined in quadrature, which are conservative")
    if "paired by item" in notes:
        ways.append("Student's t over items, paired across arms")
    sentences = [
        "We split the gain of each trained model over its base into three terms",
        "They are null = RANDOM - FROZEN, elicitation = MAJORITY - RANDOM, and reward design = "
        "TRUE - MAJORITY, where "
        "FROZEN is the untrained model and RANDOM, MAJORITY and TRUE are trained alike on a coin flip, on "
        "agreement with the majority of their own answers, and on the true reward",
        f"Rule: {_RULE_TEXTS[report.rule]}",
        f"A verdict is called supported if it holds throughout the {100 * report.level:g}% intervals of "
        f"item sampling ({'; '.join(ways) or 'none here'}) and of every other source of uncertainty stated "
        "here, and leaning if it holds at the measured accuracies only",
    ]
    if "items and runs" in names:
        sentences.append(
            "Where several runs were evaluated on the same items, items and runs were treated as crossed "
            "(variance components; Student's t with Satterthwaite's degrees of freedom, or with fewer than "
            f"{FEWEST_RUNS} runs of an arm part by part in quadrature)"
        )
    elif "runs" in names:
        sentences.append("Run-to-run spread was added where it was measured or assumed, as its own layer")
    else:
        sentences.append("Run-to-run spread was not known and is not in the intervals")
    if "frozen" in names:
        sentences.append(f"FROZEN was moved {_frozen_moves(report)}, as a layer of its own")
    assumed = (ASSUMPTIONS[name].partition(":")[0] for name in report.assumptions)
    sentences += [f"For missing arms it was assumed that {assumption}" for assumption in assumed]
    sentences.append(f"Computed with rlvr {version('rlvr')}")
    return ". ".join(sentences) + "."


def _frozen_moves(report: AuditReport) -> str:
    """Describe the origin of the layer of FROZEN: its other readings, the assumed shift, or both."""
    moved = [audit.cell for audit in report.cells if audit.layer("frozen")]
    again = [any(arm.name == "frozen" for arm in cell.alternatives) for cell in moved]
    ways = ["over its other readings"] * any(again)
    if not all(again) and report.frozen_shift is not None:
        ways.append(f"by up to {points(report.frozen_shift, signed=False)} points either way (assumed)")
    return " or ".join(ways)


@cache
def _page_template() -> Template:
    from jinja2 import Environment, StrictUndefined

    # The results of finalize are written unchanged; escaping there takes a tenth of autoescape's time.
    environment = Environment(undefined=StrictUndefined, trim_blocks=True, finalize=html_text)
    template = Path(__file__).parent.parent / "data" / "report.html.j2"
    return environment.from_string(template.read_text(encoding="utf-8"))


def to_html(
    report: AuditReport, *, inputs: Mapping[str, str] | None = None, title: str = "True minus random, audited"
) -> str:
    """Return the page as text, identical for the same arguments and library versions.

    `inputs` maps the names of the audited files to their digests, as :func:`digests` returns them.
    """
    from importlib.metadata import version

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

    return _page_template().render(
        title=title,
        counts=_counts_text(report),
        level=f"{100 * report.level:g}%",
        scale={"low": points(low), "high": points(high), "zero": place(0.0)},
        cells=[_page_cell(audit, place) for audit in report.cells],
        methods=methods_paragraph(report),
        inputs=[{"name": name, "digest": digest} for name, digest in (inputs or {}).items()],
        versions={name: version(name) for name in _LIBRARIES} | {"Python": platform.python_version()},
    )


def _round_out(end: float, direction: int) -> float:
    """Round away from zero to a multiple of five points, so that all cells share a round scale."""
    return direction * max(0.05, math.ceil(direction * end / 0.05 - 1e-9) * 0.05)


def _page_cell(audit: CellAudit, place: Callable[[float], float | None]) -> SimpleNamespace:
    return SimpleNamespace(
        name=audit.cell.name,
        verdict=verdict_text(audit),
        classes=audit.headline.replace(" ", "-") + " by-items" * (audit.status == "supported"),
        judged=status_text(audit),
        arms=_arms_text(audit.cell),
        terms=[_page_term(name, audit.terms[name], place) for name in TERMS],
        layers=[f"{layer.name}: {_layer_text(layer)}" for layer in audit.layers],
        tips=_moves_text(audit),
        gains=", ".join(f"{name.replace('_', ' ')} {gain:.1f} times" for name, gain in audit.pairing.items()),
        published=audit.rules["published"],
        at_k=_page_at_k(audit.pass_at_k) if audit.pass_at_k else None,
        notes=[*audit.doubts, *audit.notices, *([_answers_text(audit)] if audit.answers else [])],
    )


def _page_at_k(at_k: PassAtK) -> dict[str, Any]:
    return {
        "ks": [f"{k:,}" for k in at_k.ks],
        "rows": [{"name": name, "texts": texts} for name, texts in term_rows(at_k)],
        "remarks": [*change_text(at_k), *written_notes(at_k)],
        "paragraph": pass_at_k_paragraph(at_k),
    }


def _page_term(name: str, term: Estimate, place: Callable[[float], float | None]) -> SimpleNamespace:
    value, bounds = _term_texts(term)
    return SimpleNamespace(
        key=name,
        name=name.replace("_", " "),
        text=f"{value} {bounds}" if term.defined else bounds,
        value=place(term.value),
        low=place(term.low),
        high=place(term.high),
        span="set" if place(term.value) is None else "interval",
    )
