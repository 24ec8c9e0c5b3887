"""Sphinx extension: narrow screens show each figure in its narrow form (`book.narrow_figures`).

The fresh run of the page makes this form (`fresh_runs`); stored notebooks do not hold it. Where chapters are
not run, figures have only their wide form.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path

import nbformat
from docutils import nodes
from sphinx.application import Sphinx

FOLDER = "figures"
WIDEST = 700  # pixels: widest window with the narrow form, as in report.css


def _narrow_forms(app: Sphinx, docname: str) -> Iterator[tuple[str, bytes]]:
    """Name and PNG of each narrow form from the run of a chapter."""
    from book.narrow_figures import MIME_TYPE

    notebook = Path(app.outdir).parent / "jupyter_execute" / f"{docname}.ipynb"
    for cell in nbformat.read(notebook, as_version=4).cells if notebook.is_file() else ():
        name = cell.metadata.get("mystnb", {}).get("figure", {}).get("name")
        for output in cell.get("outputs", []):
            if name and MIME_TYPE in output.get("data", {}):
                yield name, base64.b64decode(output["data"][MIME_TYPE])


def _show(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """Add the narrow form to each picture that has one; the browser selects the one that fits."""
    if app.builder.name != "html":
        return
    target = Path(app.outdir) / "_static" / FOLDER
    depth = "../" * docname.count("/")
    for name, picture in _narrow_forms(app, docname):
        figures = (f for f in doctree.findall(nodes.figure) if name in f["ids"] + f["names"])
        figure = next(figures, None)
        image = None if figure is None else next(iter(figure.findall(nodes.image)), None)
        if image is None:
            continue
        target.mkdir(parents=True, exist_ok=True)
        (target / f"{name}-narrow.png").write_bytes(picture)
        place = f"{depth}_static/{FOLDER}/{name}-narrow.png"
        source = f'<source media="(max-width: {WIDEST}px)" srcset="{place}">'
        opened = nodes.raw("", f"<picture>{source}", format="html")
        image.replace_self([opened, image.deepcopy(), nodes.raw("", "</picture>", format="html")])


def setup(app: Sphinx) -> dict[str, bool]:
    app.connect("doctree-resolved", _show)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
