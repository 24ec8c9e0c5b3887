"""Sphinx extension: the forest plot of all published comparisons, as a download.

The plot is too long for a page. It is drawn when the book is built, stored with its numbers, and linked under
the page's own forest plot.
"""

from __future__ import annotations

from pathlib import Path

from docutils import nodes
from sphinx.application import Sphinx

SHOWN, FULL = "fig-04-forest", "fig-04-forest-all"
_HEADINGS = {
    "supported": "verdict supported by its items",
    "leaning": "verdict leaning",
    "not identified": "terms not identified",
}


def write_full_forest(folder: Path) -> None:
    """Write the figure of all comparisons, and its numbers, to a folder."""
    import matplotlib as mpl

    from book.figure_numbers import figure_data
    from book.published_comparisons import comparison_name, published_comparisons
    from rlvr.auditing import STATUSES, draw_forest

    cells = sorted(published_comparisons(), key=lambda cell: STATUSES.index(cell.status))
    labels = [comparison_name(cell) + " *" * bool(cell.doubts) for cell in cells]
    with mpl.rc_context({"svg.hashsalt": "rlvr", "svg.fonttype": "none"}):
        figure = draw_forest(cells, labels=labels, groups=[_HEADINGS[cell.status] for cell in cells])
        figure.savefig(folder / f"{FULL}.svg", metadata={"Date": None})
    figure_data(figure).to_csv(folder / f"{FULL}.csv", index=False, lineterminator="\n")


def _link(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    if app.builder.name != "html":
        return
    place = "../" * docname.count("/") + f"_static/figures/{FULL}"
    for figure in doctree.findall(nodes.figure):
        caption = next(iter(figure.findall(nodes.caption)), None)
        if SHOWN in figure["ids"] + figure["names"] and caption is not None:
            links = (
                f'<a class="figure-data" href="{place}.svg" download>every comparison, drawn (SVG)</a>'
                f'<a class="figure-data" href="{place}.csv" download>every comparison, data (CSV)</a>'
            )
            caption += nodes.raw("", links, format="html")


def _write(app: Sphinx, error: Exception | None) -> None:
    if error is None and app.builder.name == "html":
        folder = Path(app.outdir) / "_static" / "figures"
        folder.mkdir(parents=True, exist_ok=True)
        write_full_forest(folder)


def setup(app: Sphinx) -> dict[str, bool]:
    app.connect("doctree-resolved", _link, priority=600)  # after the link to the shown figure's numbers
    app.connect("build-finished", _write)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
