"""What a reader takes along: an archive that is the same each time, a PDF that is linked once it is there."""

import hashlib
import io
import re
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import nbformat
import pytest

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT / "tools"))
sys.path.insert(0, str(ROOT / "_ext"))

import archive  # noqa: E402
import downloads  # noqa: E402
import print_book  # noqa: E402
from paper_page import for_paper  # noqa: E402

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
    with pytest.raises(FileNotFoundError, match=f"_build/{missing} is not there: run make archive"):
        archive.contents(tmp_path)


def test_links_to_the_pdf_are_hidden_until_it_is_there(tmp_path, monkeypatch):
    waiting = [
        page for page in (ROOT / "chapters").glob("*.md") if 'class="needs-pdf" hidden' in page.read_text()
    ]
    assert {page.name for page in waiting} == {"cite.md", "index.md"}
    pdf, html = tmp_path / "true-minus-random.pdf", tmp_path / "html"
    (html / "chapters").mkdir(parents=True)
    pdf.write_bytes(b"pdf")
    monkeypatch.setattr(print_book, "PDF", pdf)
    page = html / "chapters" / "index.html"
    page.write_text('<a class="needs-pdf" hidden href="../x.pdf">PDF</a> <p hidden>not this</p>')
    assert print_book.show_links(html) == 1
    assert page.read_text() == '<a class="needs-pdf" href="../x.pdf">PDF</a> <p hidden>not this</p>'
    assert (html / pdf.name).read_bytes() == b"pdf"


@pytest.mark.parametrize(
    ("printed", "kept"),
    [
        (b"/Title (ExercisesExercises)", b"/Title (Exercises         )"),
        (b"/Title (Exercises)", b"/Title (Exercises)"),
        (rb"/Title (The \(map\)The \(map\))", rb"/Title (The \(map\)           )"),
        (b"/Title <FEFF201C0041201C0041>", b"/Title <FEFF201C004100200020>"),
        (b"/Title <FEFF201C0041>", b"/Title <FEFF201C0041>"),
        (b"/Title ()", b"/Title ()"),
        (b"/CreationDate (D:20261125173344+00'00')", b"/CreationDate (D:20000101000000+00'00')"),
        (b"(ExercisesExercises) Tj", b"(ExercisesExercises) Tj"),
    ],
)
def test_a_printed_book_names_each_section_once_and_no_time(printed, kept):
    assert print_book.mended(printed) == kept and len(kept) == len(printed)


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


def test_the_printed_page_links_to_its_own_places():
    citation = {
        "title": "A title: more", "version": "1", "date-released": "2026-01-01", "license": "MIT",
        "authors": [{"given-names": "Ada", "family-names": "L"}],
    }  # fmt: skip
    page = for_paper(
        '<div id="jb-print-docs-body"><h1>A title</h1></div>'
        '<span id="document-chapters/01"></span><section><h2>One</h2><a href="chapters/index.html#x">here</a>'
        '<p id="x"></p></section>'
        '<span id="document-chapters/02"></span><section><h2>Two</h2><a href="index.html#x">there</a>'
        '<p id="x"></p><a href="other.html#y">nowhere</a><a href="https://example.org">web</a></section>',
        citation,
    )
    links = re.findall(r'<a(?: href="([^"]*)")?>(\w+)</a>', page)
    assert links == [("#x", "here"), ("#x--2", "there"), ("", "nowhere"), ("https://example.org", "web")]
    assert page.count('id="x"') == 1 and page.count('id="x--2"') == 1
    assert "<p>Ada L</p>" in page


def test_a_pdf_that_leads_to_a_file_is_refused():
    kept = b"<< /URI (https://example.org) >>"
    assert print_book.refuse_outside_links(kept) == kept
    with pytest.raises(ValueError, match=r"got 1 links to files, first file:///x/index.html"):
        print_book.refuse_outside_links(kept + b"<< /URI (file:///x/index.html) >>")
