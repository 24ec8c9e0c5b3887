"""Refuse a build that left a page of the contents out, or that loads anything from the network."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import yaml

ROOT = Path(__file__).parent.parent
HTML = ROOT / "_build" / "html"
REMOTE = re.compile(
    r"""<(?:script|link|img|iframe)\b[^>]*?\b(?:src|href)\s*=\s*["'](?:https?:)?//[^"']+["'][^>]*>""", re.I
)
HARMLESS = re.compile(r"""rel\s*=\s*["'](?:canonical|search|index|next|prev|alternate)["']""", re.I)


def pages() -> list[str]:
    """The pages that _toc.yml names, without their endings."""
    toc = yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8"))
    parts = [part["chapters"] for part in toc.get("parts", [])] or [toc.get("chapters", [])]
    named = [toc["root"]] + [chapter["file"] for part in parts for chapter in part]
    return [re.sub(r"\.(ipynb|md)$", "", name) for name in named]


def problems() -> list[str]:
    """Everything wrong with the built pages."""
    found = [f"page missing: {name}.html" for name in pages() if not (HTML / f"{name}.html").is_file()]
    for page in sorted(HTML.rglob("*.html")):
        for tag in REMOTE.findall(page.read_text(encoding="utf-8")):
            if not HARMLESS.search(tag):
                found.append(f"{page.relative_to(HTML)} loads from the network: {tag[:120]}")
    if not (HTML / "index.html").is_file():
        found.append("page missing: index.html")
    return found


if __name__ == "__main__":
    wrong = problems()
    print("\n".join(wrong) if wrong else f"{len(pages())} pages, complete, nothing loaded from the network")
    sys.exit(bool(wrong))
