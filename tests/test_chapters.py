"""Every stored output is what a fresh run of its chapter gives; the book shows those runs, none older."""

import difflib
import json
import sys
from pathlib import Path
from types import SimpleNamespace

import nbformat
import pytest

sys.path.insert(0, str(Path(__file__).parent.parent / "_ext"))

import fresh_runs
import pairs

from book.narrow_figures import MIME_TYPE

TEXTS = [text for text in sorted(pairs.CHAPTERS.glob("*.md")) if pairs.paired(text)]
PICTURES = {"image/png", "image/svg+xml", MIME_TYPE}  # compared by the numbers printed beside them


def comparable(cell):
    """A cell's outputs as lines of text: all that is stored, but for pixels and for a traceback's paths."""
    outputs = []
    for output in cell.get("outputs", []):
        data = {kind: shown for kind, shown in output.get("data", {}).items() if kind not in PICTURES}
        outputs.append({**output, "data": data, "traceback": []})
    return json.dumps(outputs, indent=1, sort_keys=True).replace("\\n", "\n").splitlines()


def differences(stored, fresh):
    """What a fresh run gave otherwise, as the lines of a diff with the number of each cell."""
    found = [] if len(stored.cells) == len(fresh.cells) else ["another number of cells"]
    for number, (was, now) in enumerate(zip(stored.cells, fresh.cells, strict=False)):
        names = (f"cell {number}, stored", f"cell {number}, fresh")
        found += difflib.unified_diff(comparable(was), comparable(now), *names, n=0, lineterm="")
    return found


@pytest.mark.timeout(600)
@pytest.mark.parametrize("text", TEXTS, ids=lambda path: path.stem)
def test_every_stored_output_is_what_a_fresh_run_gives(text):
    stored = nbformat.read(text.with_suffix(".ipynb"), as_version=4)
    assert differences(stored, fresh_runs.run_afresh(text)) == []


def page(folder, code, tags=""):
    """The text of a chapter that holds one cell."""
    head = "---\njupytext:\n  text_representation:\n    extension: .md\n    format_name: myst\n---\n\n"
    text = folder / "00-page.md"
    text.write_text(f"{head}```{{code-cell}} ipython3\n{tags}{code}\n```\n", encoding="utf-8")
    return text


def notebook(**data):
    output = nbformat.v4.new_output("display_data", data, metadata={"scrapbook": {"name": "x"}})
    printed = nbformat.v4.new_output("stream", text="a\nb\n")
    return nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("x", outputs=[output, printed])])


@pytest.mark.parametrize(
    "changed",
    [
        lambda cell: cell.outputs.pop(),
        lambda cell: cell.outputs.reverse(),
        lambda cell: cell.outputs[0].data.update({"text/plain": "0.2"}),
        lambda cell: cell.outputs[0].data.update({"text/csv": ""}),
        lambda cell: cell.outputs[0].metadata.scrapbook.update(name="y"),
        lambda cell: cell.outputs[1].update(text="a\nb"),
        lambda cell: cell.outputs[1].update(name="stderr"),
    ],
)
def test_a_changed_output_is_noticed(changed):
    stored, fresh = (notebook(**{"text/plain": "0.1", "image/png": picture}) for picture in ("1", "2"))
    assert differences(stored, fresh) == []
    changed(fresh.cells[0])
    assert differences(stored, fresh)[0] == "--- cell 0, stored"


def test_a_changed_number_of_cells_is_noticed():
    assert differences(nbformat.v4.new_notebook(), notebook()) == ["another number of cells"]


@pytest.fixture
def small_book(tmp_path, monkeypatch):
    """A book of one chapter that prints a file beside it."""
    monkeypatch.setattr(fresh_runs, "ROOT", tmp_path)
    monkeypatch.setattr(fresh_runs, "CHAPTERS", tmp_path / "chapters")
    monkeypatch.setattr(fresh_runs, "KEPT", tmp_path / "fresh")
    monkeypatch.setattr(fresh_runs, "READ", ("chapters",))
    (tmp_path / "chapters").mkdir()
    (tmp_path / "chapters" / "number.txt").write_text("1")
    text = page(tmp_path / "chapters", "print(open('number.txt').read())")
    nbformat.write(pairs.from_text(text), text.with_suffix(".ipynb"))
    return text


def test_the_book_shows_the_kept_run_until_what_it_reads_changes(small_book):
    app = SimpleNamespace(builder=SimpleNamespace(name="html"))
    app.fresh_digest, app.fresh_runs = fresh_runs.sources(), {}
    with pytest.raises(RuntimeError, match=r"00-page\.md or something that it reads changed"):
        fresh_runs._show(app, "chapters/00-page", [""])
    fresh_runs.run_afresh(small_book)
    source = ["stored"]
    fresh_runs._show(app, "chapters/00-page", source)
    shown = nbformat.reads(source[0], as_version=4)
    assert shown.cells[0].outputs[0].text == "1\n" and "sources" not in shown.metadata
    assert fresh_runs.missing(app.fresh_digest) == []
    small_book.with_name("number.txt").write_text("2")
    assert fresh_runs.missing(fresh_runs.sources()) == [small_book]


def test_a_run_serves_one_build_and_none_that_is_printed(small_book):
    fresh_runs.run_afresh(small_book)
    app = SimpleNamespace(builder=SimpleNamespace(name="singlehtml"))
    source = ["stored"]
    fresh_runs._start(app)
    fresh_runs._show(app, "chapters/00-page", source)
    fresh_runs._remove(app, None)
    assert source == ["stored"] and fresh_runs.missing(fresh_runs.sources()) == []
    app.builder.name = "html"
    fresh_runs._remove(app, ValueError())
    assert fresh_runs.missing(fresh_runs.sources()) == []
    fresh_runs._remove(app, None)
    assert fresh_runs.missing(fresh_runs.sources()) == [small_book]


@pytest.mark.parametrize("setting", ["NPY_DISABLE_CPU_FEATURES", "OPENBLAS_CORETYPE", "GLIBC_TUNABLES"])
def test_a_run_on_another_processor_is_another_run(small_book, monkeypatch, setting):
    before = fresh_runs.sources()
    monkeypatch.setenv(setting, "X")
    assert fresh_runs.sources() != before


def test_an_error_that_does_not_stop_the_run_is_refused_and_nothing_is_written(tmp_path):
    # Shown as an error while the cell itself ends well: so a figure fails that is drawn after the last line.
    quiet = "try:\n    {}['no such row']\nexcept KeyError:\n    get_ipython().showtraceback()"
    text = page(tmp_path, quiet)
    with pytest.raises(RuntimeError, match="the run of 00-page failed: cell 0: KeyError"):
        pairs.run(text)
    assert not text.with_suffix(".ipynb").exists()


def test_a_cell_that_is_said_to_raise_is_stored_with_its_error(tmp_path):
    text = page(tmp_path, "1 / 0", ":tags: [raises-exception]\n\n")
    (output,) = nbformat.read(pairs.run(text), as_version=4).cells[0].outputs
    assert (output.output_type, output.ename) == ("error", "ZeroDivisionError")
