"""Find faults of a built page: missing numbers, broken references, typed results.

Only text that shows results is checked: paragraphs, captions, tables and printed outputs. Code is not
checked, nor is the page of docstrings, where ``None`` is an ordinary value.
"""

from __future__ import annotations

import re

from bs4 import BeautifulSoup, Tag

__all__ = ["core_faults", "faults", "typed_results"]

FAULTS = {
    "a number that is none": r"(?<![\w-])(nan|NaN|NaT|[-+]?inf|<NA>)(?![\w-])",
    "a value that is none": r"\(None\b|\bNone[,)\]]|(?<=[a-z,] )None\b|^None$",
    "an unresolved reference": r"\?\?|\{[a-z:]+\}`|\[\?\]|\bundefined reference\b",
    "an unfilled format": r"%[sdf]\b|%\(\w+\)[sdf]|\{[a-z_]+(:[^}`]*)?\}(?=[\s,;:.)]|$)",
    "a bare object": r"<[\w.]+ object at|\bEstimate\(|\bnp\.float64\(|\bdtype=",
    "a word twice": r"\b(at most|at least) (largest|smallest|at)\b|\b(the|of|to|a|in|is|and) \3\b",
}
READ = "p, li, td, th, figcaption, caption, h1, h2, h3, dd, .cell_output pre"

RUN_TOGETHER = {
    "a formula that runs together": "blockquote",
    "a name taken for a mail address": "a[href^='mailto:']",
    "markup that leads nowhere": ".problematic, .system-message",
}
LEFT_BY_AUTODOC = {
    "a field without words": r"Alias for field number",
    "a path of the machine that built": r"\w*Path\('/|(?<![\w.>/-])/(?:[\w.-]+/)+[\w.-]+",
}

# Numbers that are not computed may be typed: confidence levels, and the report's general settings.
SETTINGS = {"95%", "0.20", "0.25", "0.35", "0.50", "0.65", "0.80"}
_BETWEEN = r"(?:, | and |, and | to | against | or )?"
NAMED_SETTING = rf"(?:strengths?|priors?)[^.;]{{0,12}}?(?:0\.\d+{_BETWEEN})+"
RESULT = r"(?<![\w.])[-+\u2212]?(?<!\w-)\d+\.\d+(?![\w.]*-)|\b\d+(?:\.\d+)?%"


def text_of(element: Tag) -> str:
    """An element's text, without code, formulas and scripts."""
    copy = BeautifulSoup(str(element), "html.parser")
    for part in copy.select(
        "code, script, style, .math, .headerlink, .highlight-ipython3, .highlight-python"
    ):
        part.replace_with("\N{OBJECT REPLACEMENT CHARACTER}")
    return " ".join(copy.get_text().split())


def faults(page: str) -> list[str]:
    """List every fault of one page's HTML, each with the surrounding words.

    Parameters
    ----------
    page : str
        The whole page; only its ``<article>`` is checked.

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


def core_faults(page: str) -> list[str]:
    """List the faults of a page made from docstrings, each with the surrounding words.

    Parameters
    ----------
    page : str
        The whole page on the core; only its ``<article>`` is checked.
    """
    article = BeautifulSoup(page, "html.parser").find("article")
    if not isinstance(article, Tag):
        return ["the page has no article"]
    found = []
    for name, selector in RUN_TOGETHER.items():
        found += [f"{name}, in {text_of(part)[:90]!r}" for part in article.select(selector)]
    words = " ".join(article.get_text().split())
    for name, pattern in LEFT_BY_AUTODOC.items():
        for match in re.finditer(pattern, words):
            found.append(f"{name}, in {words[max(0, match.start() - 40) : match.end() + 40]!r}")
    return found


def typed_results(page: str) -> list[str]:
    """Decimals and percentages that were typed into a page's prose, each with the surrounding words.

    Quoted numbers, code, formulas and links do not count, nor do paragraphs that cite a source.

    Parameters
    ----------
    page : str
        The whole page; only its ``<article>`` is checked.
    """
    article = BeautifulSoup(page, "html.parser").find("article")
    found = []
    for element in article.select("p, li, dd") if isinstance(article, Tag) else ():
        inside = element.select_one("p, li, dd, table, a[href*='bibliography']")
        if inside or element.find_parent(class_=["cell_output", "cell_input", "explorer"]):
            continue
        copy = BeautifulSoup(str(element), "html.parser")
        for part in copy.select(".pasted-text, .pasted-inline, .caption-number, a.reference"):
            part.replace_with("\N{OBJECT REPLACEMENT CHARACTER}")
        words = re.sub(NAMED_SETTING, " ", text_of(copy))
        for match in re.finditer(RESULT, words):
            if match.group() not in SETTINGS:
                around = words[max(0, match.start() - 40) : match.end() + 40]
                found.append(f"a result typed into prose, {match.group()}, in {around!r}")
    return found
