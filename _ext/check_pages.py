"""Refuse a build with faulty pages.

A build is refused if a page of the contents is missing, loads something from the network, is too large, or
shows a fault: a missing number, a broken reference, a result typed into prose, or a docstring that Sphinx
misread (`page_faults`).
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

import yaml
from page_faults import core_faults, faults, typed_results
from redirects import MOVED

ROOT = Path(__file__).parent.parent
HTML = ROOT / "_build" / "html"
REMOTE = re.compile(
    r"""<(?:script|link|img|iframe)\b[^>]*?\b(?:src|href)\s*=\s*["'](?:https?:)?//[^"']+["'][^>]*>""", re.I
)
HEAVIEST = 2_000_000  # bytes
WITHOUT_PROSE = {"genindex", "py-modindex", "search", *MOVED}  # lists of names, and redirecting pages
CORE = "core-"  # prefix of the pages of docstrings
GENERATED = {"sources"}  # its prose is the rows of a table, written completely by code
HARMLESS = re.compile(r"""rel\s*=\s*["'](?:canonical|search|index|next|prev|alternate)["']""", re.I)


def pages() -> list[str]:
    """Names of the pages in _toc.yml, without file endings."""
    toc = yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8"))
    parts = [part["chapters"] for part in toc.get("parts", [])] or [toc.get("chapters", [])]
    listed = [page for part in parts for chapter in part for page in (chapter, *chapter.get("sections", []))]
    named = [toc["root"]] + [page["file"] for page in listed]
    return [re.sub(r"\.(ipynb|md)$", "", name) for name in named]


def _executed(page: Path) -> bool:
    """Whether a page's numbers come from its own code, so that none need be typed."""
    return (ROOT / "chapters" / f"{page.stem}.ipynb").is_file() and page.stem not in GENERATED


def problems() -> list[str]:
    """List all faults of the built pages."""
    found = [f"page missing: {name}.html" for name in pages() if not (HTML / f"{name}.html").is_file()]
    for page in sorted(HTML.rglob("*.html")):
        content = page.read_text(encoding="utf-8")
        if len(content.encode()) > HEAVIEST:
            found.append(f"{page.relative_to(HTML)} is heavier than {HEAVIEST / 1e6:g} MB")
        if page.parent.name == "chapters" and page.stem not in WITHOUT_PROSE:
            look = core_faults if page.stem.startswith(CORE) else faults
            found += [f"{page.relative_to(HTML)}: {fault}" for fault in look(content)]
        if _executed(page):
            found += [f"{page.relative_to(HTML)}: {fault}" for fault in typed_results(content)]
        for tag in REMOTE.findall(content):
            if not HARMLESS.search(tag):
                found.append(f"{page.relative_to(HTML)} loads from the network: {tag[:120]}")
    if not (HTML / "index.html").is_file():
        found.append("page missing: index.html")
    return found


if __name__ == "__main__":
    wrong = problems()
    print(
        "\n".join(wrong)
        if wrong
        else f"{len(pages())} pages, complete, without fault, nothing loaded from the network"
    )
    sys.exit(bool(wrong))
