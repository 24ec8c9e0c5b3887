"""The book's extensions for figures: the narrow form beside the wide one, the full forest as a download."""

import base64
import sys
from pathlib import Path
from types import SimpleNamespace

import nbformat
import pytest
from docutils import nodes

sys.path.insert(0, str(Path(__file__).parent.parent / "_ext"))

import full_forest
import picture_elements

from book.narrow_figures import MIME_TYPE
from book.published_comparisons import comparison_name, published_comparisons


@pytest.fixture
def app(tmp_path):
    """A build whose run of one chapter left one narrow form."""
    cell = nbformat.v4.new_code_cell(metadata={"mystnb": {"figure": {"name": "fig-00-x"}}})
    picture = base64.b64encode(b"narrow").decode()
    cell.outputs = [nbformat.v4.new_output("display_data", data={MIME_TYPE: picture, "image/png": ""})]
    folder = tmp_path / "jupyter_execute" / "chapters"
    folder.mkdir(parents=True)
    nbformat.write(nbformat.v4.new_notebook(cells=[cell]), folder / "00-x.ipynb")
    return SimpleNamespace(outdir=str(tmp_path / "html"), builder=SimpleNamespace(name="html"))


def page(*names):
    doctree = nodes.container()
    for name in names:
        figure = nodes.figure(
            "", nodes.image(uri="wide.png", alt="words"), nodes.caption("", "c"), ids=[name]
        )
        doctree += figure
    return doctree


def test_the_browser_takes_the_form_that_fits(app):
    doctree = page("fig-00-x", "fig-00-other")
    picture_elements._show(app, doctree, "chapters/00-x")
    opened, image, closed = doctree[0][:3]
    assert opened.astext() == (
        '<picture><source media="(max-width: 700px)" srcset="../_static/figures/fig-00-x-narrow.png">'
    )
    assert image["uri"] == "wide.png" and image["alt"] == "words" and closed.astext() == "</picture>"
    assert len(doctree[1].children) == 2  # a figure without a narrow form is left alone
    assert (Path(app.outdir) / "_static/figures/fig-00-x-narrow.png").read_bytes() == b"narrow"


def test_print_and_chapters_that_were_not_run_have_the_wide_form_alone(app):
    doctree = page("fig-00-x")
    picture_elements._show(app, doctree, "chapters/01-y")
    app.builder.name = "singlehtml"
    picture_elements._show(app, doctree, "chapters/00-x")
    assert len(doctree[0].children) == 2


def test_the_full_forest_names_every_comparison(tmp_path):
    full_forest.write_full_forest(tmp_path)
    drawn, table = (tmp_path / f"fig-04-forest-all.{kind}" for kind in ("svg", "csv"))
    named = table.read_text(encoding="utf-8")
    cells = published_comparisons()
    assert len(cells) > 100 and all(comparison_name(cell) in named for cell in cells)
    picture = drawn.read_bytes()
    assert b"verdict supported by its items" in picture and b"terms not identified" in picture


def test_a_forest_is_drawn_with_the_same_bytes_each_time(tmp_path, monkeypatch):
    few = published_comparisons()[::20]
    monkeypatch.setattr("book.published_comparisons.published_comparisons", lambda: few)
    pictures = set()
    for _ in range(2):
        full_forest.write_full_forest(tmp_path)
        pictures.add((tmp_path / "fig-04-forest-all.svg").read_bytes())
    assert len(pictures) == 1


def test_the_links_stand_under_the_page_s_forest_and_no_other(app):
    doctree = page("fig-04-forest", "fig-04-ladder")
    full_forest._link(app, doctree, "chapters/04-synthesis")
    links = [raw.astext() for raw in doctree[0].findall(nodes.raw)]
    assert len(links) == 1 and links[0].count("download") == 2
    assert 'href="../_static/figures/fig-04-forest-all.svg"' in links[0]
    assert not list(doctree[1].findall(nodes.raw))
