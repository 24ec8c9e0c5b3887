"""Sphinx extension: the reading time of a page, from its words at 220 per minute.

The time is shown under each chapter's title. The directive ``{reading-path}`` lists pages, one name per line,
with their times and the sum.
"""

from __future__ import annotations

import re
from pathlib import Path

import yaml
from docutils import nodes
from docutils.statemachine import StringList
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

__all__ = ["minutes", "words"]

ROOT = Path(__file__).parent.parent
WORDS_A_MINUTE = 220


def words(text: str) -> int:
    """Number of words of a page that are read from top to bottom.

    Prose, boxes, headings, lists and figure captions count. Code, formulas, table cells, folded solutions and
    the closing section on reproduction do not.

    Parameters
    ----------
    text : str
        A page as MyST Markdown.
    """
    text = re.sub(r"\A---.*?^---$", "", text, flags=re.S | re.M)
    captions = [_caption(cell) for cell in re.findall(r"^:mystnb: (.*)$", text, re.M)]
    text = re.sub(r"^## Reproduce this chapter.*", "", text, flags=re.S | re.M)
    text = re.sub(r"^(:{3,})\{dropdown\}.*?^\1$", "", text, flags=re.S | re.M)
    text = re.sub(
        r"^(`{3,}|:{3,})\{(code-cell|math|bibliography|eval-rst|list-table|table)\}.*?^\1$",
        "",
        text,
        flags=re.S | re.M,
    )
    text = re.sub(r"^```[a-z]*\n.*?^```$", "", text, flags=re.S | re.M)
    return sum(len(re.findall(r"\S*\w\S*", _plain(part))) for part in (text, *captions))


def _caption(options: str) -> str:
    """The caption among a cell's options."""
    return (yaml.safe_load(options).get("figure") or {}).get("caption", "")


def _plain(text: str) -> str:
    """Text without markup: a role or formula counts as one word, a link as its words."""
    text = re.sub(r"\$\$.*?\$\$|\$[^$]*\$", "x", text, flags=re.S)
    text = re.sub(r"^:{3,}.*$|^:[a-z-]+:.*$|^\([a-z0-9-]+\)=$|<[^>]+>|^\|.*\|$", "", text, flags=re.M)
    text = re.sub(r"\{(?:glue:text|numref|eq|cite[a-z]*|ref)\}`[^`]*`", "x", text)
    return re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", text)


def minutes(page: Path) -> int:
    """Minutes that a page takes, rounded up."""
    return -(-words(page.read_text(encoding="utf-8")) // WORDS_A_MINUTE)


def _under_title(app: Sphinx, doctree: nodes.document) -> None:
    """Add the reading time below a chapter's title."""
    text = ROOT / f"{app.env.docname}.md"
    title = next(iter(doctree.findall(nodes.title)), None)
    if title is None or not (text.stem[:2].isdigit() or text.stem in ("index", "checklist")):
        return
    line = nodes.container("", nodes.inline("", f"{minutes(text)} minutes"), classes=["reading-time"])
    title.parent.insert(title.parent.index(title) + 1, line)


class ReadingPath(SphinxDirective):
    """Directive: a numbered list of pages in reading order, each with its time."""

    has_content = True

    def run(self) -> list[nodes.Node]:
        lines, total = [], 0
        for place, entry in enumerate(self.content, start=1):
            page, _, why = entry.partition(":")
            text = ROOT / "chapters" / f"{page.strip()}.md"
            ending = "ipynb" if text.with_suffix(".ipynb").is_file() else "md"
            title = re.search(r"^# (.*)$", text.read_text(encoding="utf-8"), re.M).group(1)  # type: ignore[union-attr]
            time = minutes(text)
            total += time
            lines.append(f"{place}. [{title}]({page.strip()}.{ending}), {time} min. {why.strip()}")
            self.env.note_dependency(str(text))
        lines += ["", f"Together {total} minutes."]
        holder = nodes.container(classes=["reading-path"])
        self.state.nested_parse(StringList(lines, "reading-path"), 0, holder)
        return [holder]


def setup(app: Sphinx) -> dict[str, bool]:
    app.connect("doctree-read", _under_title)
    app.add_directive("reading-path", ReadingPath)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
