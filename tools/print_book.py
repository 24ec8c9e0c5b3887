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

ROOT = Path(__file__).parent.parent
BUILD = ROOT / "_build"
PDF = BUILD / "true-minus-random.pdf"
CLI = "from jupyter_book.cli.main import main; main()"
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
# Solutions and proofs are printed, the code of figures is not.
UNFOLD = "document.querySelectorAll('details.sd-dropdown').forEach(folded => { folded.open = true })"
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
    # Its assets are named from the folder above the page.
    page = target / "report.html"
    shutil.copyfile(target / "chapters" / "index.html", page)
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
        tab.evaluate(
            "document.querySelectorAll('details').forEach(d => { d.open = d.matches('.sd-dropdown') })"
        )
        tab.emulate_media(media="print")
        tab.pdf(
            path=PDF,
            format="A4",
            margin={"top": "16mm", "bottom": "18mm", "left": "16mm", "right": "16mm"},
            display_header_footer=True,
            header_template="<span></span>",
            footer_template=FOOT,
            outline=True,
            tagged=True,
        )
        browser.close()


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
