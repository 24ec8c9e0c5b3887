"""Sphinx extension: downloads of a page, its text and the numbers of its figures.

The stored notebook keeps the numbers with each picture (`book.figure_numbers`). They are written to
_static/figures and linked under the caption. The theme offers the notebook for download; this extension adds
the text file.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
from docutils import nodes
from sphinx.application import Sphinx

ROOT = Path(__file__).parent.parent


def figure_tables(notebook: Path) -> Iterator[tuple[str, str]]:
    """Name and CSV of each figure in a stored notebook."""
    for cell in nbformat.read(notebook, as_version=4).cells:
        name = cell.metadata.get("mystnb", {}).get("figure", {}).get("name")
        for output in cell.get("outputs", []):
            if name and "text/csv" in output.get("data", {}):
                yield name, output["data"]["text/csv"]


def _paired(docname: str) -> bool:
    return (ROOT / f"{docname}.ipynb").is_file() and (ROOT / f"{docname}.md").is_file()


def _link_data(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """Add a link to its numbers under each figure that has them."""
    if app.builder.name != "html" or not _paired(docname):
        return
    names = {name for name, _ in figure_tables(ROOT / f"{docname}.ipynb")}
    depth = "../" * docname.count("/")
    for figure in doctree.findall(nodes.figure):
        name = next((known for known in figure["ids"] + figure["names"] if known in names), None)
        caption = next(iter(figure.findall(nodes.caption)), None)
        if name and caption is not None:
            link = f'<a class="figure-data" href="{depth}_static/figures/{name}.csv" download>data (CSV)</a>'
            caption += nodes.raw("", link, format="html")


def _offer_text(app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: object) -> None:
    """Add the page's text file to its download button, next to the notebook."""
    for group in context.get("header_buttons", []):
        if group.get("label") == "download-buttons" and _paired(page):
            group["buttons"].insert(
                1,
                {
                    "type": "link",
                    "url": f"{context['pathto']('_sources', 1)}/{page}.md",
                    "text": ".md",
                    "tooltip": "Download the page's text",
                    "icon": "fas fa-file-lines",
                    "label": "download-text-button",
                },
            )


def _write(app: Sphinx, error: Exception | None) -> None:
    if error is not None or app.builder.name != "html":
        return
    out = Path(app.outdir)
    (out / "_static" / "figures").mkdir(parents=True, exist_ok=True)
    for docname in filter(_paired, app.env.found_docs):
        shutil.copyfile(ROOT / f"{docname}.md", out / "_sources" / f"{docname}.md")
        for name, table in figure_tables(ROOT / f"{docname}.ipynb"):
            (out / "_static" / "figures" / f"{name}.csv").write_text(table, encoding="utf-8")


def setup(app: Sphinx) -> dict[str, bool]:
    app.connect("doctree-resolved", _link_data)
    app.connect("html-page-context", _offer_text, priority=900)
    app.connect("build-finished", _write)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
