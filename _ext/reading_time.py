"""How long a page takes to read: its words, counted from its text, at 220 a minute."""

from __future__ import annotations

import re
from pathlib import Path

import yaml

__all__ = ["minutes", "words"]

WORDS_A_MINUTE = 220


def words(text: str) -> int:
    """Words of a page that somebody reads from top to bottom.

    Prose, boxes, headings, lists and the captions of figures count. Code, formulas, the cells of tables,
    folded solutions and the closing section on how to reproduce the chapter do not.

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
    """Text without marks: a role or a link as one word or its words, a formula as one."""
    text = re.sub(r"\$\$.*?\$\$|\$[^$]*\$", "x", text, flags=re.S)
    text = re.sub(r"^:{3,}.*$|^:[a-z-]+:.*$|^\([a-z0-9-]+\)=$|<[^>]+>|^\|.*\|$", "", text, flags=re.M)
    text = re.sub(r"\{(?:glue:text|numref|eq|cite[a-z]*|ref)\}`[^`]*`", "x", text)
    return re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", text)


def minutes(page: Path) -> int:
    """Minutes that a page takes, rounded up."""
    return -(-words(page.read_text(encoding="utf-8")) // WORDS_A_MINUTE)
