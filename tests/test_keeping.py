"""What a reader takes along: an archive that is the same each time, a PDF that is linked once it is there."""

import hashlib
import io
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import bs4
import nbformat
import pytest

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT / "tools"))
sys.path.insert(0, str(ROOT / "_ext"))

import archive  # noqa: E402
import downloads  # noqa: E402
import paper_page  # noqa: E402
import print_book  # noqa: E402

FILES = {"b.txt": b"two", "a/c.txt": b"one"}


def test_the_same_contents_give_the_same_bytes_whatever_their_order():
    once = archive.packed(FILES, "x-1")
    assert once == archive.packed(dict(reversed(FILES.items())), "x-1")
    assert once != archive.packed({**FILES, "b.txt": b"2"}, "x-1")


def test_an_archive_holds_its_files_and_their_checksums_and_nothing_of_the_machine():
    with tarfile.open(fileobj=io.BytesIO(archive.packed(FILES, "x-1")), mode="r:gz") as tar:
        members = tar.getmembers()
        assert [member.name for member in members] == ["x-1/SHA256SUMS", "x-1/a/c.txt", "x-1/b.txt"]
        assert {(m.mtime, m.uid, m.gid, m.uname, m.gname, m.mode) for m in members} == {
            (0, 0, 0, "", "", 0o644)
        }
        assert tar.extractfile("x-1/b.txt").read() == b"two"
        listed = tar.extractfile("x-1/SHA256SUMS").read().decode()
    assert listed == "".join(
        f"{hashlib.sha256(FILES[name]).hexdigest()}  {name}\n" for name in ("a/c.txt", "b.txt")
    )


def built(root):
    (root / "_build" / "html" / "chapters").mkdir(parents=True)
    (root / "_build" / "html" / "index.html").write_text("book")
    (root / "_build" / "html" / ".buildinfo").write_text("of this build")
    (root / "_build" / archive.PDF).write_bytes(b"pdf")
    (root / "code.py").write_text("1")
    (root / "scratch.txt").write_text("untracked")
    for command in (["init", "-q"], ["add", "code.py"]):
        subprocess.run(["git", *command], cwd=root, check=True)


def test_it_packs_what_is_tracked_and_what_is_built(tmp_path):
    built(tmp_path)
    assert archive.contents(tmp_path) == {
        "book/index.html": b"book", "source/code.py": b"1", archive.PDF: b"pdf",
    }  # fmt: skip


@pytest.mark.parametrize("missing", ["html/index.html", archive.PDF])
def test_without_book_or_pdf_there_is_no_archive(tmp_path, missing):
    built(tmp_path)
    (tmp_path / "_build" / missing).unlink()
    with pytest.raises(FileNotFoundError, match=f"_build/{missing} is missing: run make archive"):
        archive.contents(tmp_path)


def test_links_to_the_pdf_are_hidden_until_it_is_there(tmp_path, monkeypatch):
    waiting = [
        page for page in (ROOT / "chapters").glob("*.md") if 'class="needs-pdf" hidden' in page.read_text()
    ]
    assert {page.name for page in waiting} == {"checklist.md", "cite.md", "index.md"}
    html = tmp_path / "html"
    (html / "chapters").mkdir(parents=True)
    for name in ("PDF", "PAGE_PDF"):
        (tmp_path / name).write_bytes(b"pdf")
        monkeypatch.setattr(print_book, name, tmp_path / name)
    page = html / "chapters" / "index.html"
    page.write_text('<a class="needs-pdf" hidden href="../x.pdf">PDF</a> <p hidden>not this</p>')
    assert print_book.show_links(html) == 1
    assert page.read_text() == '<a class="needs-pdf" href="../x.pdf">PDF</a> <p hidden>not this</p>'
    assert (html / "PDF").read_bytes() == (html / "PAGE_PDF").read_bytes() == b"pdf"


@pytest.mark.parametrize(
    ("printed", "kept"),
    [
        (b"/Title (ExercisesExercises)", b"/Title (Exercises         )"),
        (b"/Title (Exercises)", b"/Title (Exercises)"),
        (rb"/Title (The \(map\)The \(map\))", rb"/Title (The \(map\)           )"),
        (b"/Title <FEFF201C0041201C0041>", b"/Title <FEFF201C004100200020>"),
        (b"/Title <FEFF201C0041>", b"/Title <FEFF201C0041>"),
        (b"/Title <FEFF201C00A00041>", b"/Title <FEFF201C00200041>"),
        (b"/Title ()", b"/Title ()"),
        (b"/CreationDate (D:20261125173344+00'00')", b"/CreationDate (D:20000101000000+00'00')"),
        (b"(ExercisesExercises) Tj", b"(ExercisesExercises) Tj"),
    ],
)
def test_a_printed_book_names_each_section_once_and_no_time(printed, kept):
    assert print_book.mended(printed, "A") == kept and len(kept) == len(printed)


def test_each_figure_of_a_notebook_gives_its_name_and_its_numbers(tmp_path):
    def cell(options, data):
        output = nbformat.v4.new_output("display_data", data)
        return nbformat.v4.new_code_cell("x", metadata={"mystnb": options}, outputs=[output])

    named = {"figure": {"name": "fig-01-x"}}
    notebook = nbformat.v4.new_notebook(
        cells=[
            cell(named, {"image/png": "", "text/csv": "a\n1\n"}), cell(named, {"image/png": ""}),
            cell({}, {"text/csv": "b"}), nbformat.v4.new_markdown_cell("words"),
        ]
    )  # fmt: skip
    nbformat.write(notebook, tmp_path / "01.ipynb")
    assert list(downloads.figure_tables(tmp_path / "01.ipynb")) == [("fig-01-x", "a\n1\n")]


@pytest.mark.parametrize(
    ("there", "user", "said"),
    [
        ((), "1000", "chromium is missing, and neither root nor sudo is at hand to install it"),
        (("sudo",), "1000", "chromium is missing, and so is apt-get: install chromium by hand"),
        ((), "0", "chromium is missing, and so is apt-get: install chromium by hand"),
        (("apt-get",), "0", "apt-get installed chromium, but no program of that name is on the PATH"),
    ],
)
def test_the_whole_check_says_what_it_lacks(tmp_path, there, user, said):
    """With these programs and no other on the path; nothing is installed and nothing made."""
    for name in ("dirname", "true", "bash"):
        (tmp_path / name).symlink_to(shutil.which(name))
    for name, script in {"id": f"echo {user}", **dict.fromkeys(there, "true"), "make": "touch made"}.items():
        (tmp_path / name).write_text(f"#!{shutil.which('bash')}\n{script}\n")
        (tmp_path / name).chmod(0o755)
    command = [shutil.which("bash"), str(ROOT / ".ci" / "run")]
    done = subprocess.run(command, env={"PATH": str(tmp_path)}, capture_output=True, text=True)
    assert done.returncode == 1 and said in done.stderr
    assert not (ROOT / "made").exists()


PAGE = """
<div id="jb-print-docs-body"><h1>Why “so”?</h1><div><h2>Contents</h2></div></div><div class="bd-article">
<section><h1>Why “so”?</h1><section id="s"><h2>Inside</h2></section>
<span id="document-chapters/01"></span><section id="one"><h2>1. One</h2>
<span class="bibtex-citation" id="id1">[<a href="chapters/index.html#id1">Gao</a>]</span>
<section id="end"><h3>End<a class="headerlink" href="#end">#</a></h3></section>
<a href="#end">see</a></section>
<span id="document-chapters/02"></span><section id="two"><h2>2. Two</h2><h2 class="rubric">TTRL</h2>
<a href="index.html#one">back</a> <a href="#end">see</a> <a href="https://x.org/#end">out</a>
<section id="end"><h3>End<a class="headerlink" href="#end">#</a></h3></section>
<a href="#tab=share">set</a> <a href="genindex.html">index</a> <a href="other.html#one">elsewhere</a>
<div class="citation" id="id1">Gao, 2026</div></section></section></div>
<picture><source media="(max-width: 700px)" srcset="narrow.svg"/><img src="wide.svg"/></picture>
"""
CITED = {
    "title": 'Why "so"? A report', "version": "1.2", "date-released": "2026-11-23", "license": ["A", "B"],
    "authors": [{"name": "The team"}, {"given-names": "Ada", "family-names": "Byron"}],
}  # fmt: skip


def test_links_of_the_printed_page_stay_on_it_and_lead_where_they_are_meant_to():
    page = bs4.BeautifulSoup(paper_page.for_paper(PAGE, CITED), "html.parser")
    assert [(link.text, link.get("href")) for link in page.find_all("a")] == [
        ("Gao", "#id1--2"), ("#", "#end"), ("see", "#end"), ("back", "#one"), ("see", "#end--2"),
        ("out", "https://x.org/#end"), ("#", "#end--2"), ("set", None), ("index", None), ("elsewhere", None),
    ]  # fmt: skip
    assert page.select_one("div.citation")["id"] == "id1--2"
    ids = [tag["id"] for tag in page.select("[id]")]
    assert len(ids) == len(set(ids))
    assert [picture.encode_contents() for picture in page.find_all("picture")] == [b'<img src="wide.svg"/>']


def test_chapters_alone_have_the_second_rank_and_the_title_page_says_who_and_when():
    page = bs4.BeautifulSoup(paper_page.for_paper(PAGE, CITED), "html.parser")
    ranked = [(tag.name, tag.get_text()) for tag in page.select("h1, h2, h3")]
    assert ranked == [
        ("h1", "Why “so”?"), ("h3", "Contents"), ("h2", "Why “so”?"), ("h3", "Inside"), ("h2", "1. One"),
        ("h3", "End#"), ("h2", "2. Two"), ("h3", "TTRL"), ("h3", "End#"),
    ]  # fmt: skip
    assert [line.text for line in page.select(".title-block p")] == [
        "A report", "The team, Ada Byron", "Version 1.2, 2026-11-23", "Licences: A, B",
    ]  # fmt: skip
    with pytest.raises(ValueError, match="no title page: #jb-print-docs-body h1 is missing"):
        paper_page.for_paper("<p>words</p>", CITED)


def test_a_printed_book_bears_its_author_and_no_link_to_a_file_of_the_machine():
    creator = rb"/Creator (Mozilla/5.0 \(X11\) Safari) /Title (x)"
    assert print_book.mended(creator, "Ada (B)") == (rb"/Author (Ada \(B\))".ljust(37) + b" /Title (x)")
    assert len(print_book.mended(creator, "A" * 99)) == len(creator)
    leaking = b"/URI (https://x.org) /URI (file:///home/a/report.html#id2) /URI (file:///b)"
    with pytest.raises(SystemExit, match=r"^2 links .* files of this machine, first file:///home/a/report"):
        print_book.mended(leaking, "A")
