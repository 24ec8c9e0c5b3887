"""The guards of cells: short, narrow, without plumbing, and nothing left that a reader cannot use."""

import ast
import re
import statistics
import sys
from pathlib import Path

import nbformat
import pytest

sys.path.insert(0, str(Path(__file__).parent.parent / "_ext"))

import pairs

TEXTS = [text for text in sorted(pairs.CHAPTERS.glob("*.md")) if pairs.paired(text)]
WIDTH = 76  # characters that fit beside the contents at 1,300 pixels

each_text = pytest.mark.parametrize("text", TEXTS, ids=lambda path: path.stem)
each_chapter = pytest.mark.parametrize(
    "text", [text for text in TEXTS if text.stem[:2].isdigit()], ids=lambda path: path.stem
)


def stored(text):
    return nbformat.read(text.with_suffix(".ipynb"), as_version=4)


def code_cells(text):
    return [cell for cell in stored(text).cells if cell.cell_type == "code"]


def shown(cell):
    """Whether a reader can see a cell's source, at once or on a click."""
    return not {"remove-cell", "remove-input"} & set(cell.metadata.get("tags", []))


def wide_lines(text):
    return [line for line in text.splitlines() if len(line) > WIDTH]


def plumbing(source):
    """Lines of a visible cell that hand numbers to the prose instead of making an argument."""
    return [line for line in source.splitlines() if re.search(r"\b(glue|quote)\(", line)]


@each_chapter
def test_cells_are_short_and_prose_leads(text):
    sizes = [len(cell.source.splitlines()) for cell in code_cells(text)]
    seen = sum(shown(cell) for cell in code_cells(text))
    assert max(sizes) <= 25 and statistics.median(sizes) <= 8 and 8 <= seen <= 24, (seen, sizes)
    words = sum(len(cell.source.split()) for cell in stored(text).cells if cell.cell_type == "markdown")
    lines = sum(sizes)
    assert words > 4 * lines, (words, lines)


@each_text
def test_no_plumbing_in_a_visible_cell(text):
    assert [line for cell in code_cells(text) if shown(cell) for line in plumbing(cell.source)] == []


@each_text
def test_visible_code_and_printed_output_fit_beside_the_contents(text):
    for cell in code_cells(text):
        tags = set(cell.metadata.get("tags", []))
        assert not shown(cell) or wide_lines(cell.source) == []
        if not {"remove-cell", "remove-output"} & tags:
            printed = [output.get("text", "") for output in cell.outputs]
            assert [line for part in printed for line in wide_lines(part)] == []


@each_text
def test_no_reader_is_left_with_a_dict_or_an_array(text):
    for cell in code_cells(text):
        if "remove-cell" not in cell.metadata.get("tags", []):
            for output in cell.outputs:
                plain = output.get("data", {}).get("text/plain", "")
                pictured = {"image/png", "text/html", "text/markdown"} & set(output.get("data", {}))
                assert pictured or not re.match(r"[{\[]|array\(", plain), plain
                assert not re.search(r"^[{]|array\(|\bdict_", output.get("text", "")), output.text


def long_numbers(said):
    """Decimals of more digits than a reader can use, and than two processors need agree on."""
    found = re.findall(r"(?<![\w.])\d[\d,]*\.\d+(?:e[-+]?\d+)?(?![\w.])", said)
    return [number for number in found if len(re.sub(r"e.*|\D", "", number).strip("0")) > 10]


def texts_of(output):
    """The texts that a stored output holds, whatever form it has."""
    data = output.get("data", {}).items()
    said = [part for kind, part in data if kind.endswith(("plain", "html", "markdown"))]
    return [*said, output.get("text", "")]


@each_text
def test_numbers_are_stored_as_the_text_that_is_shown(text):
    for cell in code_cells(text):
        for output in cell.outputs:
            assert [number for said in texts_of(output) for number in long_numbers(said)] == []
            glued = output.get("data", {}).get("application/papermill.record/text/plain", "''")
            assert glued[0] in "'\"" and glued[-1] == glued[0], glued


def made_for_prose(sources):
    """Texts formatted in a visible cell, of (visible, source), that only a removed cell makes use of."""
    formatted, used = set(), set()
    for visible, source in sources:
        tree = ast.parse(source)
        for node in ast.walk(tree) if visible else ():
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
                used.add(node.id)
            if isinstance(node, ast.Assign) and isinstance(node.value, (ast.JoinedStr, ast.Call)):
                called = ast.unparse(getattr(node.value, "func", ast.Constant("")))
                if isinstance(node.value, ast.JoinedStr) or re.search(r"^format$|\.format$", called):
                    formatted |= {target.id for target in node.targets if isinstance(target, ast.Name)}
    return sorted(formatted - used)


@each_text
def test_no_text_is_made_in_a_visible_cell_for_the_prose_alone(text):
    assert made_for_prose((shown(cell), cell.source) for cell in code_cells(text)) == []


def columns_of_numbers(printed):
    """Printed lines that hold two decimals or more: from the third on they are a table without a caption."""
    return [line for line in printed.splitlines() if len(re.findall(r"\d\.\d", line)) >= 2]


@each_text
def test_numbers_to_compare_stand_in_a_table_or_a_figure(text):
    for cell in code_cells(text):
        if "print_report" not in cell.source:  # what the command prints, shown as it is
            printed = "".join(output.get("text", "") for output in cell.outputs)
            assert len(columns_of_numbers(printed)) < 3, printed


def test_the_guards_of_cells_can_fail():
    assert plumbing('x = 1\nglue("x", x)\nquote({"y": 2})') == ['glue("x", x)', 'quote({"y": 2})']
    assert wide_lines("a" * 77 + "\n" + "b" * 76) == ["a" * 77]
    assert long_numbers("0.06807239004033333 and -1.0000000000000002e-05, 12345678.901") == [
        "0.06807239004033333", "1.0000000000000002e-05", "12345678.901",
    ]  # fmt: skip
    assert long_numbers("0.0681, 1,000,000,000,000 of 1cb7b38f69b9ae128d6d17404404024f, 3/5000") == []
    sources = [(True, 'a = f"{x:.3f}"\nb = f"{y}"\nprint(b)\nc = format(x)'), (False, 'quote({"a": a})')]
    assert made_for_prose(sources) == ["a", "c"]
    assert columns_of_numbers("a 1.5 2.5\nb 3 4\nc 0.1 [0.0, 0.2]") == ["a 1.5 2.5", "c 0.1 [0.0, 0.2]"]
