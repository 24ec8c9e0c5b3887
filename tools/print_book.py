"""Print the whole book into one PDF, with bookmarks and page numbers, by Chromium and without TeX.

    python tools/print_book.py

The command builds the book as a single page from the stored outputs, which `make test` compares with a fresh
run, and prints it to _build/true-minus-random.pdf. If _build/html exists, the command copies the PDF there,
prints the page of what to report separately, and shows the links to both.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import yaml
from paper_page import authors, for_paper

ROOT = Path(__file__).parent.parent
BUILD = ROOT / "_build"
CITATION = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
PDF = BUILD / "true-minus-random.pdf"
PAGE, PAGE_PDF = Path("chapters") / "checklist.html", BUILD / "what-to-report.pdf"  # has a PDF of its own
CLI = "from jupyter_book.cli.main import main; main()"
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
# Solutions and proofs are printed, the code of figures is not; headings of the contents are not bookmarks.
# A figure as wide as a screen's column becomes as wide as the page's text.
PREPARE = """() => {
  for (const folded of document.querySelectorAll("details")) folded.open = folded.matches(".sd-dropdown");
  for (const part of document.querySelectorAll("#jb-print-toc [role=heading]")) part.removeAttribute("role");
  // Where a table goes on, its head is printed again, but no button in it.
  for (const button of document.querySelectorAll("th button")) button.replaceWith(...button.childNodes);
  for (const image of document.querySelectorAll(".bd-article figure img")) {
    image.classList.toggle("fills-measure", image.getBoundingClientRect().width > 560);
  }
}"""
PAPER = {"top": "16mm", "bottom": "18mm", "left": "20mm", "right": "20mm"}
MEASURE = {"width": 642, "height": 993}  # CSS pixels of A4 between these margins
# The links of a separate page lead only to the web.
ALONE = """() => {
  for (const link of document.querySelectorAll("a[href]")) {
    if (link.matches(".needs-pdf, .figure-data")) link.remove();
    else if (link.protocol === "file:") link.replaceWith(...link.childNodes);
  }
}"""
# A bookmark loses the space at which its title breaks, unless it is a no-break space.
TITLES = """() => {
  for (const title of document.querySelectorAll(".bd-article :is(h2, h3, h4)")) {
    if (title.clientHeight < 2 * parseFloat(getComputedStyle(title).fontSize)) continue;
    const texts = [...title.childNodes].filter(part => part.nodeType === Node.TEXT_NODE);
    for (const text of texts) {
      const [last, ...words] = text.textContent.split(" ").reverse();
      const parts = words.reverse().flatMap(word => [word + "\\u00a0", document.createElement("wbr")]);
      text.replaceWith(...parts, last);
    }
  }
}"""
# Elements wider than the text make Chromium shrink every page, without a warning.
TOO_WIDE = """() => {
  const page = document.documentElement, limit = page.clientWidth;
  if (page.scrollWidth <= limit) return [];
  return [...document.querySelectorAll(".bd-article *")]
    .filter(part => part.getBoundingClientRect().right > limit + 1 && !part.closest("svg, mjx-assistive-mml"))
    .map(part => `${part.tagName} ${part.className}: ${part.textContent.trim().slice(0, 40)}`);
}"""
PRINT = """
html { font-size: 10pt; }  /* prose is 1.05 times this */
mjx-container svg * { stroke: none !important; }  /* a stroke of width zero is a hairline in print */
.bd-main .bd-content #jb-print-docs-body h1 { font-size: 24pt; margin: 0; }
.title-block { text-align: center; margin: 3mm 0 6mm; }
.title-block p { margin: 0 0 1.5mm; }
.title-block p:first-child { font-size: 14pt; margin-bottom: 3mm; }
#jb-print-toc :is(p, ul, li, a) { line-height: 1.25; margin: 0 !important; padding-block: 0.4mm !important; }
#jb-print-docs-body + * .bd-article, .bd-article > :first-child { break-before: page; }
.bd-main .bd-content { margin-left: 0; }
.bd-content h2 { font-size: 19pt !important; font-weight: 700; margin: 0 0 5mm; }
.bd-content h3 { font-size: 14pt !important; font-weight: 600; margin: 7mm 0 2.5mm; }
.bd-content h4 { font-size: 12pt !important; font-weight: 600; margin: 5mm 0 2mm; }
.bd-content h5, .bd-content .rubric:not(h3) { font-size: 10.5pt !important; font-weight: 700; }
.tag_hide-cell summary, .tag_hide-cell .cell_input { display: none !important; }
img.fills-measure, a:has(> img.fills-measure) { width: 100% !important; max-width: 100% !important; }
table { font-size: 0.85rem !important; }
table :is(td, th) { padding: 0.2rem 0.4rem !important; white-space: normal !important; }
table:has(thead th:nth-child(7)) { font-size: 0.75rem !important; }
#where-each-published-number-was-read { font-size: 0.8rem; }
#where-each-published-number-was-read :is(p, ul, li) { margin-bottom: 0.15rem; }
#where-each-published-number-was-read ul { padding-left: 1rem; }
#the-core { font-size: 0.85rem; }
#the-core :is(p, ul, dl, dd) { margin-bottom: 0.2rem; }
section > p:last-child { margin-bottom: 0; }  /* a margin alone on a page is a blank page */
.explorer-legend span::before, .sd-card, .admonition, tr { print-color-adjust: exact; }
"""
FOOT = (
    '<div style="font-size:8px;width:100%;text-align:center;color:#444">'
    '<span class="pageNumber"></span> of <span class="totalPages"></span></div>'
)


def single_page() -> Path:
    """Build the book as one page and return its path."""
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
    return paper_page(target)


def paper_page(target: Path) -> Path:
    """Write the printed form of the single page beside its assets, in the folder above it."""
    page = target / "report.html"
    html = (target / "chapters" / "index.html").read_text(encoding="utf-8")
    page.write_text(for_paper(html, CITATION), encoding="utf-8")
    return page


def print_page(page: Path, browser_path: str, target: Path) -> None:
    """Print a page to a PDF after its formulas are rendered."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        flags = ["--no-sandbox", "--disable-gpu"]
        browser = playwright.chromium.launch(executable_path=browser_path, args=flags)
        tab = browser.new_page()  # as wide as a screen: PREPARE asks which figures fill its column
        tab.goto(page.as_uri(), wait_until="load", timeout=120_000)
        tab.wait_for_function("!window.MathJax || window.MathJax.startup?.promise", timeout=120_000)
        tab.evaluate("window.MathJax?.startup.promise.then(() => true)")  # a page may have no formula
        tab.evaluate(PREPARE)
        tab.add_style_tag(content=PRINT)
        tab.emulate_media(media="print", color_scheme="light")
        tab.set_viewport_size(MEASURE)
        tab.evaluate(TITLES)
        if target == PAGE_PDF:
            tab.evaluate(ALONE)
        if wide := tab.evaluate(TOO_WIDE):
            sys.exit("wider than the page, which would shrink the whole book:\n" + "\n".join(wide))
        printed = tab.pdf(
            format="A4",
            margin=PAPER,
            display_header_footer=True,
            header_template="<span></span>",
            footer_template=FOOT,
            outline=True,
            tagged=True,
        )
        browser.close()
    target.write_bytes(mended(printed, authors(CITATION)))


def mended(pdf: bytes, author: str) -> bytes:
    """Correct Chromium's PDF: bookmark titles once, the author, no browser and no time of printing.

    A heading that moves to the next page is laid out twice, and its bookmark then holds the title twice. All
    changes keep the file's length, because a PDF locates its objects by position: spaces fill the rest.
    """

    def once(title: re.Match[bytes]) -> bytes:
        opening, text, closing = title.groups()
        mark = b"FEFF" if opening.endswith(b"<") else b""
        body = text.removeprefix(mark)
        if mark:  # the spaces of TITLES
            body = b"".join(b"0020" if sign == b"00A0" else sign for sign in re.findall(rb".{4}", body))
        half = len(body) // 2
        if not body or body[:half] != body[half:]:
            return opening + mark + body + closing
        space = b"0020" if mark else b" "
        return opening + mark + body[:half] + space * (half // len(space)) + closing

    if names := re.findall(rb"/URI \((file:[^)]*)", pdf):
        sys.exit(f"{len(names)} links of the PDF lead to files of this machine, first {names[0].decode()}")

    def by(creator: re.Match[bytes]) -> bytes:
        name = re.sub(r"([()\\])", r"\\\1", author).encode("ascii", "replace")
        room = len(creator.group())
        return (b"/Author (" + name[: room - 10] + b")").ljust(room)

    pdf = re.sub(rb"/Creator \((?:[^()\\]|\\.)*\)", by, pdf, count=1)
    pdf = re.sub(rb"(/Title \()((?:[^()\\]|\\.)*)(\))", once, pdf)
    pdf = re.sub(rb"(/Title <)(FEFF[0-9A-Fa-f]*)(>)", once, pdf)
    return re.sub(rb"(/(?:Creation|Mod)Date \(D:)\d{14}", rb"\g<1>20000101000000", pdf)


def show_links(html: Path) -> int:
    """Copy the PDFs to the pages, and show the hidden links to them; return the number of links."""
    for pdf in (PDF, PAGE_PDF):
        shutil.copyfile(pdf, html / pdf.name)
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
        sys.exit(f"the book is printed by Chromium: install one of {', '.join(BROWSERS)}")
    print_page(single_page(), browser_path, PDF)
    print(f"{PDF.relative_to(ROOT)}: {PDF.stat().st_size / 1e6:.1f} MB")
    if (BUILD / "html" / PAGE).is_file():
        print_page(BUILD / "html" / PAGE, browser_path, PAGE_PDF)
        print(f"{show_links(BUILD / 'html')} links to it and to {PAGE_PDF.name} in _build/html")


if __name__ == "__main__":
    main()
