"""Print the whole book into one PDF, with bookmarks and page numbers, by Chromium and without TeX.

    python tools/print_book.py

Builds the book as a single page from the stored outputs (the same that `make test` holds against a fresh
run), prints it to _build/true-minus-random.pdf, and, where _build/html lies, puts it there and shows the
links to it.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import yaml
from paper_page import for_paper

ROOT = Path(__file__).parent.parent
BUILD = ROOT / "_build"
PDF = BUILD / "true-minus-random.pdf"
CLI = "from jupyter_book.cli.main import main; main()"
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
# Solutions and proofs are printed, the code of figures is not; the headings of the contents are no bookmarks.
PREPARE = """() => {
  for (const folded of document.querySelectorAll("details")) folded.open = folded.matches(".sd-dropdown");
  for (const part of document.querySelectorAll("#jb-print-toc [role=heading]")) part.removeAttribute("role");
}"""
PRINT = """
mjx-container svg * { stroke: none !important; }  /* a stroke of width zero is a hairline in print */
/* Titles keep to a line: a bookmark loses the space at which its title breaks. Rank two is chapters. */
h1 { font-size: 1.9rem !important; }
.bd-content h2 { font-size: 1.4rem !important; font-weight: 700; margin-top: 0; }
.bd-content h3 { font-size: 1.2rem !important; }
.bd-content h4, .bd-content h5 { font-size: 1.05rem !important; }
#where-each-published-number-was-read div.cell { break-inside: auto; }
.next-steps { display: none; }  /* the contents follow */
.title-block { text-align: center; }
.title-block p { margin-bottom: 0.2rem; }
.wide-figure img { width: 100% !important; }
.tag_hide-cell summary, .tag_hide-cell .cell_input { display: none !important; }
.sd-summary-state-marker { display: none !important; }
table { font-size: 0.78rem !important; width: 100% !important; max-width: 100% !important; }
table :is(td, th) { padding: 0.2rem 0.45rem !important; white-space: normal !important; }
#where-each-published-number-was-read { font-size: 0.68rem; }
#where-each-published-number-was-read :is(p, ul, li) { margin-bottom: 0.15rem; }
#where-each-published-number-was-read ul { padding-left: 1rem; }
#the-core { font-size: 0.78rem; }
#the-core :is(p, ul, dl, dd) { margin-bottom: 0.2rem; }
section > p:last-child { margin-bottom: 0; }  /* a margin alone on a page is a blank page */
.explorer-legend span::before, .sd-card, .admonition, tr { print-color-adjust: exact; }
"""
SCALE = 0.8  # 16 px are then 9.6 points
PRINTED_WIDTH = round((210 - 2 * 16) / 25.4 * 96 / SCALE)  # px
FOOT = (
    '<div style="font-size:8px;width:100%;text-align:center;color:#444">'
    '<span class="pageNumber"></span> of <span class="totalPages"></span></div>'
)


def single_page() -> Path:
    """Build the book as one page, and return it."""
    config = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))
    config["execute"]["execute_notebooks"] = "off"
    extensions = config["sphinx"]["local_extensions"]
    config["sphinx"]["local_extensions"] = {name: str(ROOT / folder) for name, folder in extensions.items()}
    with tempfile.TemporaryDirectory() as folder:
        stored = Path(folder) / "_config.yml"
        stored.write_text(yaml.safe_dump(config), encoding="utf-8")
        command = [sys.executable, "-c", CLI, "build", "--all", "-W", "--keep-going"]
        options = ["--builder", "singlehtml", "--path-output", folder, "--config", str(stored), str(ROOT)]
        subprocess.run([*command, *options], check=True)
        target = BUILD / "singlehtml"
        shutil.rmtree(target, ignore_errors=True)
        shutil.copytree(Path(folder) / "_build" / "singlehtml", target)
    return for_print(target)


def for_print(target: Path) -> Path:
    """Write the page that is printed, beside the folder of the built one, from which its assets are named."""
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    built = (target / "chapters" / "index.html").read_text(encoding="utf-8")
    page = target / "report.html"
    page.write_text(for_paper(built, citation), encoding="utf-8")
    return page


def print_page(page: Path, browser_path: str) -> None:
    """Print a page once its formulas are set."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        flags = ["--no-sandbox", "--disable-gpu"]
        browser = playwright.chromium.launch(executable_path=browser_path, args=flags)
        tab = browser.new_page()
        tab.goto(page.as_uri(), wait_until="load", timeout=120_000)
        tab.wait_for_function("window.MathJax?.startup?.promise", timeout=120_000)
        tab.evaluate("MathJax.startup.promise.then(() => true)")
        tab.evaluate(PREPARE)
        tab.add_style_tag(content=PRINT)
        tab.emulate_media(media="print", color_scheme="light")
        tab.set_viewport_size({"width": PRINTED_WIDTH, "height": 1000})
        wide = tab.evaluate("document.documentElement.scrollWidth") - PRINTED_WIDTH
        if wide > 0:  # Chromium would shrink every page for it
            raise ValueError(f"the page must fit on paper: something is {wide} px wider")
        printed = tab.pdf(
            format="A4",
            scale=SCALE,
            margin={"top": "16mm", "bottom": "18mm", "left": "16mm", "right": "16mm"},
            display_header_footer=True,
            header_template="<span></span>",
            footer_template=FOOT,
            outline=True,
            tagged=True,
        )
        browser.close()
    PDF.write_bytes(mended(refuse_outside_links(printed)))


def refuse_outside_links(pdf: bytes) -> bytes:
    """The same bytes, if none of its links leads to a file of the machine that printed it.

    Raises
    ------
    ValueError
        Otherwise; it counts them and names the first.
    """
    outside = re.findall(rb"/URI \((file:[^)]*)\)", pdf)
    if outside:
        first = outside[0].decode(errors="replace")
        raise ValueError(
            f"the PDF must link to itself and the web alone, got {len(outside)} links to files, first {first}"
        )
    return pdf


def mended(pdf: bytes) -> bytes:
    """Chromium's PDF with each bookmark's title once and without the time of printing.

    A heading that is moved to the next page is laid out twice, and its bookmark says it twice. Whatever is
    changed keeps its length, since a PDF finds its objects by their place: spaces fill the rest.
    """

    def once(title: re.Match[bytes]) -> bytes:
        opening, text, closing = title.groups()
        mark = b"FEFF" if opening.endswith(b"<") else b""
        body = text.removeprefix(mark)
        half = len(body) // 2
        if not body or body[:half] != body[half:]:
            return title.group()
        space = b"0020" if mark else b" "
        return opening + mark + body[:half] + space * (half // len(space)) + closing

    pdf = re.sub(rb"(/Title \()((?:[^()\\]|\\.)*)(\))", once, pdf)
    pdf = re.sub(rb"(/Title <)(FEFF[0-9A-Fa-f]*)(>)", once, pdf)
    return re.sub(rb"(/(?:Creation|Mod)Date \(D:)\d{14}", rb"\g<1>20000101000000", pdf)


def show_links(html: Path) -> int:
    """Put the PDF beside the pages, and show the links to it that wait hidden; return how many."""
    shutil.copyfile(PDF, html / PDF.name)
    shown = 0
    for page in (html / "chapters").glob("*.html"):
        text = page.read_text(encoding="utf-8")
        changed, count = re.subn(r'(<a class="needs-pdf[^"]*") hidden(="")?', r"\1", text)
        if count:
            page.write_text(changed, encoding="utf-8")
            shown += count
    return shown


def main() -> None:
    browser_path = next(filter(None, map(shutil.which, BROWSERS)), None)
    if browser_path is None:
        sys.exit(f"the book is printed by Chromium, and none of {', '.join(BROWSERS)} is installed")
    print_page(single_page(), browser_path)
    print(f"{PDF.relative_to(ROOT)}: {PDF.stat().st_size / 1e6:.1f} MB")
    if (BUILD / "html" / "chapters").is_dir():
        print(f"{show_links(BUILD / 'html')} links to it in _build/html")


if __name__ == "__main__":
    main()
