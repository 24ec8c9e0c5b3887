"""What a reader would see go wrong on a built page: a number that is none, a reference that leads nowhere.

Only what is read as a result is looked at: paragraphs, captions, tables and what cells printed. Code is left
out, as is the page of docstrings, where ``None`` is a value like any other.
"""

from __future__ import annotations

import re

from bs4 import BeautifulSoup, Tag

__all__ = ["faults"]

FAULTS = {
    "a number that is none": r"(?<![\w-])(nan|NaN|NaT|[-+]?inf|<NA>)(?![\w-])",
    "a value that is none": r"\(None\b|\bNone[,)\]]|(?<=[a-z,] )None\b|^None$",
    "an unresolved reference": r"\?\?|\{[a-z:]+\}`|\[\?\]|\bundefined reference\b",
    "an unfilled format": r"%[sdf]\b|%\(\w+\)[sdf]|\{[a-z_]+(:[^}`]*)?\}(?=[\s,;:.)]|$)",
    "a bare object": r"<[\w.]+ object at|\bEstimate\(|\bnp\.float64\(|\bdtype=",
    "a word twice": r"\b(at most|at least) (largest|smallest|at)\b|\b(the|of|to|a|in|is|and) \3\b",
}
READ = "p, li, td, th, figcaption, caption, h1, h2, h3, dd, .cell_output pre"


def text_of(element: Tag) -> str:
    """An element's words, without the code, the formulas and the scripts in it."""
    copy = BeautifulSoup(str(element), "html.parser")
    for part in copy.select(
        "code, script, style, .math, .headerlink, .highlight-ipython3, .highlight-python"
    ):
        part.replace_with("\N{OBJECT REPLACEMENT CHARACTER}")
    return " ".join(copy.get_text().split())


def faults(page: str) -> list[str]:
    """Every fault of one page's HTML, each with the words around it.

    Parameters
    ----------
    page : str
        The whole page; only what stands in its ``<article>`` is looked at.

    Returns
    -------
    list of str
        Empty for a page without fault.
    """
    article = BeautifulSoup(page, "html.parser").find("article")
    if not isinstance(article, Tag):
        return ["the page has no article"]
    found = [
        f"an empty quoted number, in {text_of(glued.parent or glued)[:90]!r}"
        for glued in article.select(".pasted-text, .pasted-inline")
        if not text_of(glued)
    ]
    for element in article.select(READ):
        if element.select_one(READ) or element.find_parent(class_="cell_input"):
            continue  # its parts are looked at themselves
        words = text_of(element)
        for name, pattern in FAULTS.items():
            for match in re.finditer(pattern, words):
                around = words[max(0, match.start() - 40) : match.end() + 40]
                found.append(f"{name}, in {around!r}")
    return list(dict.fromkeys(found))
