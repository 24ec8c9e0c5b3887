"""Prepare the book's single page for paper: internal links, unique ids, a title block.

Sphinx writes links of the single page to the file of that name, and repeats ids: every chapter has its
"exercises" and its ``id2``. In a PDF the former would be links to a file of this machine, and the latter
would lead to the first place of that id.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from bs4 import BeautifulSoup, Tag

CHAPTER = "document-"  # beginning of the marks that Sphinx puts before each document of a single page


def for_paper(html: str, citation: dict[str, Any]) -> str:
    """Adapt links, ranks of headings, pictures and the title block of the page to paper.

    Parameters
    ----------
    html : str
        The single page as Sphinx wrote it.
    citation : dict
        CITATION.cff.
    """
    page = BeautifulSoup(html, "html.parser")
    for narrow in page.select("picture > source"):  # these are for windows wider than paper
        narrow.decompose()
    _keep_links_inside(page)
    _rank_headings(page)
    _add_title_block(page, citation)
    return str(page)


def _keep_links_inside(page: BeautifulSoup) -> None:
    """Make each id unique, direct each link to its place on this page, and remove links without one."""
    chapter, chapter_of = "", {}
    places: dict[str, list[Tag]] = defaultdict(list)
    for tag in page.find_all(True):
        name = str(tag.get("id", ""))
        if tag.name == "span" and name.startswith(CHAPTER):
            chapter = name
        chapter_of[id(tag)] = chapter
        if name:
            places[name].append(tag)
    targets = []
    for link in page.find_all("a", href=True):
        address, _, name = str(link["href"]).partition("#")
        if re.match(r"[a-z]+:", address):
            continue
        del link["href"]
        if name in places and re.fullmatch(r"(.*/)?(index\.html)?", address):
            near = [tag for tag in places[name] if chapter_of[id(tag)] == chapter_of[id(link)]]
            targets.append((link, _meant(link, places[name], near)))
    for name, tags in places.items():
        for number, tag in enumerate(tags[1:], 2):
            tag["id"] = f"{name}--{number}"
    for link, target in targets:
        link["href"] = f"#{target['id']}"


def _meant(link: Tag, places: Sequence[Tag], near: Sequence[Tag]) -> Tag:
    """The target among places with one id: the cited source, or the nearest to the link."""
    if link.find_parent(class_="bibtex-citation"):
        return next((place for place in places if "citation" in place.get_attribute_list("class")), places[0])
    around = (outer for outer in link.parents if any(outer is place for place in places))
    return next(around, [*near, *places][0])


def _rank_headings(page: BeautifulSoup) -> None:
    """Keep the second rank for the titles of chapters, because bookmarks are made from ranks."""
    headings = page.select("h2")
    for title in page.select(".bd-article h1"):  # the summary, below the title page with its title
        title.name = "h2"
    for heading in headings:
        outer = heading.parent
        before = outer.find_previous_sibling(True) if outer else None
        first = heading.find_previous_sibling(True) is None
        if not first or before is None or not str(before.get("id", "")).startswith(CHAPTER):
            heading.name = "h3"


def _add_title_block(page: BeautifulSoup, citation: dict[str, Any]) -> None:
    """Add authors, version, date, licences and address below the first title."""
    title = page.select_one("#jb-print-docs-body h1")
    if title is None:
        raise ValueError(
            "the single page has no title page: #jb-print-docs-body h1 is missing; build the book again"
        )
    subtitle = citation["title"].removeprefix(title.get_text().replace("“", '"').replace("”", '"')).strip()
    licences = citation["license"]
    lines = [
        subtitle,
        authors(citation),
        f"Version {citation['version']}, {citation['date-released']}",
        "Licences: " + ", ".join([licences] if isinstance(licences, str) else licences),
        *(citation[key] for key in ("url", "repository-code", "doi") if key in citation),
    ]
    block = page.new_tag("div", attrs={"class": "title-block"})
    for line in filter(None, lines):
        paragraph = page.new_tag("p")
        paragraph.string = line
        block.append(paragraph)
    title.insert_after(block)


def authors(citation: dict[str, Any]) -> str:
    """The authors' names, in order."""
    return ", ".join(
        person.get("name") or f"{person['given-names']} {person['family-names']}"
        for person in citation["authors"]
    )
