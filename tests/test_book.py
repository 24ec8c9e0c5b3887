"""The book's own guards: pairs, cells, outputs, captions, boxes, numbers in prose, citations, contents."""

import ast
import functools
import re
import statistics
import sys
from pathlib import Path

import nbformat
import pytest
import yaml

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT / "_ext"))

import check_pages  # noqa: E402
import pairs  # noqa: E402

TEXTS = [text for text in sorted(pairs.CHAPTERS.glob("*.md")) if pairs.paired(text)]
CHAPTERS = [text for text in TEXTS if text.stem[:2].isdigit()]
PAGES = sorted(pairs.CHAPTERS.glob("*.md"))
WIDTH = 76  # characters that fit beside the contents at 1,300 pixels

each_text = pytest.mark.parametrize("text", TEXTS, ids=lambda path: path.stem)
each_chapter = pytest.mark.parametrize("text", CHAPTERS, ids=lambda path: path.stem)
each_page = pytest.mark.parametrize("text", PAGES, ids=lambda path: path.stem)


@functools.cache
def stored(text):
    return nbformat.read(text.with_suffix(".ipynb"), as_version=4)


def code_cells(text):
    return [cell for cell in stored(text).cells if cell.cell_type == "code"]


@each_text
def test_the_two_halves_of_a_pair_say_the_same(text):
    written = pairs.from_text(text)
    kept = stored(text)
    assert [(c.cell_type, c.source, c.metadata) for c in written.cells] == [
        (c.cell_type, c.source, c.metadata) for c in kept.cells
    ], f"run: make notebooks CHAPTERS={text.stem}"
    assert kept.metadata == written.metadata


@each_text
def test_cells_were_run_in_order_and_without_error(text):
    cells = code_cells(text)
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    outputs = [output for cell in cells for output in cell.outputs]
    assert [output.output_type for output in outputs if output.output_type == "error"] == []
    assert [output.text for output in outputs if output.get("name") == "stderr"] == []


@each_text
def test_stored_outputs_hold_nothing_of_the_machine(text):
    for cell in code_cells(text):
        for output in cell.outputs:
            shown = str(output.get("text", "")) + str(output.get("data", {}).get("text/plain", ""))
            assert not re.search(r"0x[0-9a-f]{6,}|/ro[o]t/|/home/|/tmp/|\d it/s|Warning", shown), shown


@each_text
def test_every_picture_has_a_caption_a_name_and_words_for_who_cannot_see_it(text):
    for cell in code_cells(text):
        if any("image/png" in output.get("data", {}) for output in cell.outputs):
            options = cell.metadata.get("mystnb", {})
            figure = options.get("figure", {})
            assert len(figure.get("caption", "")) > 60, cell.source
            assert re.fullmatch(rf"fig-({text.stem[:2]}|{text.stem})-[a-z0-9-]+", figure.get("name", "")), (
                cell.source
            )
            assert len(options.get("image", {}).get("alt", "")) > 60, cell.source


@each_text
def test_every_picture_carries_its_numbers(text):
    for cell in code_cells(text):
        for output in cell.outputs:
            if "image/png" in output.get("data", {}):
                table = output["data"].get("text/csv", "")
                assert table.startswith("panel,kind,series,colour,x,y"), f"run: make notebooks: {cell.source}"
                assert table.count("\n") > 2, cell.source


def box(page):
    """The page's opening box, as (numbers, words)."""
    inside = re.search(r":::\{admonition\}.*?one minute\n:class: tip\n(.*?)\n:::", page, re.S).group(1)
    numbers = len(re.findall(r"\{glue[^}]*\}`[^`]*`", inside))
    plain = re.sub(
        r"\{glue[^}]*\}`[^`]*`", "#", re.sub(r"\]\([^)]*\)|\{(?:cite|ref|numref)[^}]*\}`[^`]*`", "", inside)
    )
    typed = re.findall(r"(?<![\w#@])\d[\d.,]*", re.sub(r"Chapter \d+|RL-\d+|[A-Z]+-\d+|\bH\d", "", plain))
    return numbers + len(typed), len(plain.split())


@pytest.mark.parametrize("text", [*CHAPTERS, pairs.CHAPTERS / "index.md"], ids=lambda path: path.stem)
def test_the_box_is_read_in_a_minute(text):
    numbers, words = box(text.read_text(encoding="utf-8"))
    assert numbers <= 3 and words <= 70, (numbers, words)


def contents():
    """The pages of each part that is numbered, in order, by their names."""
    parts = yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8"))["parts"]
    return [Path(page["file"]).stem for part in parts if part.get("numbered") for page in part["chapters"]]


def test_a_chapter_s_number_is_its_place_in_the_contents():
    numbered = [page for page in contents() if page[:2].isdigit()]
    assert [int(page[:2]) for page in numbered] == list(range(1, len(numbered) + 1))
    assert sorted(numbered) == [text.stem for text in CHAPTERS]


@each_page
def test_a_chapter_is_called_by_its_number(text):
    page = text.read_text(encoding="utf-8")
    links = re.findall(r"\[(?:Chapters? )?(\d+)[^\]]*\]\((\d\d)-[a-z-]+\.ipynb", page)
    assert [(number, name) for number, name in links if int(number) != int(name)] == []
    if title := re.search(r"^# (.*)", page, re.M):
        assert not title.group(1)[0].isdigit(), "the contents number it"


def test_the_guard_of_boxes_can_fail():
    page = (
        ":::{admonition} In one minute\n:class: tip\nIt is {glue:text}`x` of 7 [here](1.ipynb), not 3.5.\n:::"
    )
    assert box(page) == (3, 8)


@each_chapter
def test_chapters_open_and_close_alike(text):
    page = text.read_text(encoding="utf-8")
    assert ":::{admonition} In one minute" in page
    assert re.search(r"^\*(Exploratory|Registered|Registered and exploratory)\b", page, re.M)
    headings = re.findall(r"^## (.*)", page, re.M)
    assert headings[-4:] == [
        "What we found", "Limits, and what would overturn this", "Exercises", "Reproduce this chapter",
    ]  # fmt: skip
    assert 2 <= page.count("{dropdown} Solution") <= 4


def prose(page):
    """The paragraphs of a page, without code, math, directive options, inline code, roles and links."""
    page = re.sub(r"\A---.*?^---$", "", page, flags=re.S | re.M)
    page = re.sub(
        r"^(`{3,}|:{3,})\{(code-cell|math|bibliography|eval-rst)\}.*?^\1$", "", page, flags=re.S | re.M
    )
    page = re.sub(r"^```[a-z]*\n.*?^```$", "", page, flags=re.S | re.M)
    page = re.sub(r"\$\$.*?\$\$|\$[^$]*\$", "", page, flags=re.S)
    for paragraph in re.split(r"\n\s*\n", page):
        cited = "{cite" in paragraph
        yield re.sub(r"\{[a-z:]+\}`[^`]*`|`[^`]*`|\]\([^)]*\)", " ", paragraph), cited


def typed_numbers(page):
    """Decimals and percentages typed into prose, in paragraphs that cite no source."""
    between = r"(?:, | and |, and | to | against | or )?"
    setting = rf"(?:strengths?|priors?)[^.;]{{0,12}}?(?:0\.\d+{between})+"
    found = []
    for paragraph, cited in prose(page):
        if not cited:
            bare = re.sub(setting, " ", paragraph)
            found += re.findall(r"(?<![\w.])[-+]?\d+\.\d+(?![\w.]*-)|\b\d+(?:\.\d+)?%", bare)
    return [
        number for number in found if number not in ("95%", "0.25", "0.20", "0.35", "0.50", "0.65", "0.80")
    ]


@each_page
def test_no_result_is_typed_into_prose(text):
    assert typed_numbers(text.read_text(encoding="utf-8")) == []


def test_the_guard_against_typed_numbers_can_fail():
    assert typed_numbers("It rose by 0.0123 and then by 12%.") == ["0.0123", "12%"]
    assert typed_numbers("It rose by 0.0123 {cite}`gao2026true`.") == []
    assert (
        typed_numbers("It rose by {glue:text}`rise:.3f`, a `0.0123`, $0.0123$, at prior strength 0.37.") == []
    )


def test_the_readme_s_figure_is_the_front_page_s():
    assert pairs.SUMMARY.read_bytes() == pairs.first_picture(stored(pairs.CHAPTERS / "index.md"))


def test_every_citation_is_in_the_bibliography():
    known = set(re.findall(r"^@\w+\{([^,]+),", (ROOT / "references.bib").read_text(encoding="utf-8"), re.M))
    for text in PAGES:
        page = text.read_text(encoding="utf-8")
        used = {
            key.strip()
            for group in re.findall(r"\{cite(?:[:a-z]*)\}`([^`]+)`", page)
            for key in group.split(",")
        }
        assert used <= known, (text.name, used - known)


def test_every_page_is_in_the_contents_and_exists():
    toc = yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8"))
    listed = [chapter for part in toc["parts"] for chapter in part["chapters"]]
    listed += [page for chapter in listed for page in chapter.get("sections", [])]
    named = [toc["root"]] + [page["file"] for page in listed]
    assert all((ROOT / name).is_file() for name in named)
    assert {Path(name).with_suffix(".md").name for name in named} == {text.name for text in PAGES}
    assert all(
        name.endswith(".ipynb") == pairs.paired(ROOT / Path(name).with_suffix(".md")) for name in named
    )


def test_a_page_that_loads_from_the_network_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(check_pages, "HTML", tmp_path)
    monkeypatch.setattr(check_pages, "pages", lambda: ["index"])
    assert check_pages.problems() == ["page missing: index.html", "page missing: index.html"]
    (tmp_path / "index.html").write_text(
        '<a href="https://arxiv.org">fine</a><link rel="canonical" href="https://x.y">'
    )
    assert check_pages.problems() == []
    (tmp_path / "index.html").write_text('<script src="https://cdn.example/x.js"></script>')
    assert "loads from the network" in check_pages.problems()[0]


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
    assert max(sizes) <= 25 and statistics.median(sizes) <= 8 and seen <= 24, (seen, sizes)
    words = sum(len(cell.source.split()) for cell in stored(text).cells if cell.cell_type == "markdown")
    folds = {"hide-input", "hide-cell", "remove-input", "remove-cell"}
    lines = sum(
        size
        for size, cell in zip(sizes, code_cells(text), strict=True)
        if not folds & set(cell.metadata.get("tags", []))
    )
    assert words > 10 * lines, (words, lines)


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
