"""Links from numbers to their source rows: anchors, the page of sources, and tables with links to it.

The functions return MyST Markdown. A cell's name in a table is a link; its target on the page of sources
lists every published arm, and how and where it was read.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from itertools import groupby

from book.pages import PageTable, page_table
from book.published_tables import PAPERS
from rlvr._checks import counted
from rlvr.arms import ARMS
from rlvr.auditing.audit_output import points
from rlvr.auditing.cell_verdicts import VERDICTS, CellAudit
from rlvr.auditing.cells import Arm, Cell
from rlvr.decomposition import PARTS
from rlvr.stats.estimates import Estimate

__all__ = [
    "anchor",
    "arms_text",
    "audit_table",
    "escape",
    "estimate_text",
    "link",
    "source_page",
    "term_text",
    "verdict_text",
]

Column = Callable[[CellAudit], str]


def anchor(cell: Cell) -> str:
    """Anchor of a cell on the page of sources.

    Examples
    --------
    >>> anchor(Cell("shao2026spurious", "training curves", "Qwen2.5-7B", "AMC", {}))
    'src-shao2026spurious-training-curves-qwen2-5-7b-amc'
    """
    return "src-" + re.sub(r"[^a-z0-9]+", "-", cell.name.lower()).strip("-")


def escape(text: str) -> str:
    """Escape a text so that Markdown shows it unchanged: every special character gets a backslash."""
    return re.sub(r"([\\`*_{}\[\]<>$|#~^@])", r"\\\1", text)


def link(cell: Cell, text: str | None = None) -> str:
    """A link to a cell's source, with its model and benchmark as default text."""
    return f"[{escape(text or f'{cell.model}, {cell.benchmark}')}](#{anchor(cell)})"


def arms_text(cell: Cell) -> str:
    """The arms that a cell lacks; "all four" where none is missing.

    Examples
    --------
    >>> arms_text(Cell("s", "", "m", "b", {"frozen": Arm("frozen", 0.5), "true": Arm("true", 0.75)}))
    'no RANDOM, no MAJORITY'
    """
    return ", ".join(f"no {arm.upper()}" for arm in ARMS if arm not in cell.arms) or "all four"


def estimate_text(estimate: Estimate) -> str:
    """An estimate in points with its interval (on one line), an identified set, or a dash.

    Examples
    --------
    >>> estimate_text(Estimate(0.215, 0.155, 0.273)).split()
    ['+21.5', '[15.5,', '27.3]']
    """
    low, high = (points(end, signed=False) for end in (estimate.low, estimate.high))
    span = "" if math.isnan(estimate.low) else f"[{low},\u00a0{high}]"
    if estimate.defined:
        return f"{points(estimate.value)} {span}".rstrip()
    return f"in\u00a0{span}" if span else "–"


def term_text(audit: CellAudit, term: str) -> str:
    """A term of an audit, written by :func:`estimate_text`."""
    return estimate_text(audit.terms[term])


def verdict_text(audit: CellAudit) -> str:
    """The verdict and its status; with missing arms, every verdict that remains possible, or "any"."""
    if audit.verdict != "undetermined":
        return f"{audit.verdict}, {audit.status}"
    return "any" if len(audit.possible) == len(VERDICTS) else " or ".join(audit.possible)


def audit_table(
    audits: Sequence[CellAudit],
    *,
    caption: str,
    name: str,
    label: Column | None = None,
    extra: Mapping[str, Column] | None = None,
    sortable: bool = False,
) -> PageTable:
    """A numbered table, one linked row per cell: the three parts, the verdict, and any extra columns.

    Parameters
    ----------
    audits : sequence of CellAudit
    caption : str
        One line above the table.
    name : str
        Name for references in the text.
    label : function of CellAudit, optional
        Name of a row: its model and benchmark by default. Doubtful cells get an asterisk.
    extra : mapping of heading to function of CellAudit, optional
    sortable : bool
        As in :func:`book.pages.page_table`.
    """
    columns: dict[str, Column] = {
        "comparison": lambda audit: (
            link(audit.cell, label(audit) if label else None) + ("\u00a0\\*" if audit.doubts else "")
        )
    }
    for part in PARTS:
        columns[part.replace("_", " ")] = lambda audit, part=part: term_text(audit, part)  # type: ignore[misc]
    columns |= {"verdict": verdict_text, **(extra or {})}
    rows = ({head: column(audit) for head, column in columns.items()} for audit in audits)
    return page_table(rows, caption=caption, name=name, sortable=sortable)


def source_page(cells: Sequence[Cell]) -> str:
    """Every cell as one line that unfolds, with its anchor: each arm's number and where it was read."""
    parts = []
    for study, group in groupby(cells, key=lambda cell: cell.study):
        paper = PAPERS.get(study, study)
        parts.append(f"## {paper[0].upper()}{paper[1:]}\n\n{{cite}}`{study}`\n")
        for cell in group:
            title = escape(f"{cell.model}, {cell.benchmark}") + (
                f" ({escape(cell.setup)})" if cell.setup else ""
            )
            arms = [*cell.arms.values(), *cell.alternatives]
            lines = [_arm_line(arm, cell.arms.get(arm.name) is arm) for arm in arms]
            opening = f"({anchor(cell)})=\n:::{{dropdown}} {title}\n:class-container: source-row\n"
            parts.append("\n".join([opening, *lines, ":::\n"]))
    return "\n".join(parts)


def _from_runs(arm: Arm) -> str:
    return f" from {arm.run_sd_runs} runs" if arm.run_sd_runs else ""


def _arm_line(arm: Arm, is_the_arm: bool) -> str:
    counts = [
        counted(arm.n_items, "item") if arm.n_items else "number of items not stated",
        f"{arm.samples_per_item} samples an item" if (arm.samples_per_item or 1) > 1 else "",
        f"{arm.n_runs} run{'s' if arm.n_runs > 1 else ''}" if arm.n_runs else "",
        f"run-to-run sd {100 * arm.run_sd:.2f} points{_from_runs(arm)}" if arm.run_sd else "",
        "" if is_the_arm else "another reading, not the arm",
        "" if arm.comparable == "strict" else f"comparable: {arm.comparable}",
    ]
    said_of_it = [arm.label, f"row {arm.line} of arms.csv", arm.source, arm.note]
    doubt = f" **Doubt:** {escape(arm.flag)}." if arm.flag else ""
    return (
        f"- {arm.name.upper()} **{100 * arm.accuracy:.10g}%**, {', '.join(filter(None, counts))}."
        f"{doubt} {escape('; '.join(filter(None, said_of_it)))}"
    )
