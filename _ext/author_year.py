"""Sphinx extension: entries of the bibliography are labelled as the text cites them, by author and year."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from pybtex.database import Entry
from pybtex.plugin import register_plugin
from pybtex.style.formatting.plain import Style as PlainStyle
from pybtex.style.labels import BaseLabelStyle
from sphinx.application import Sphinx


def label(entry: Entry) -> str:
    """Author and year of an entry: one or two last names, or the first with "et al."."""
    people = entry.persons.get("author") or entry.persons.get("editor") or []
    names = [" ".join([*person.prelast_names, *person.last_names]).strip("{}") for person in people]
    if not names:
        names = [entry.fields.get("organization") or entry.fields.get("key") or entry.key]
    shown = f"{names[0]} et al." if len(names) > 2 else " and ".join(names)
    return f"{shown}, {entry.fields.get('year', 'no year')}"


class AuthorYearLabels(BaseLabelStyle):
    """Labels by author and year; two alike are told apart by a letter."""

    def format_labels(self, sorted_entries: Iterable[Entry]) -> Iterator[str]:
        labels = [label(entry) for entry in sorted_entries]
        counts, seen = Counter(labels), Counter[str]()
        for each in labels:
            seen[each] += 1
            yield each + ("abcdefghij"[seen[each] - 1] if counts[each] > 1 else "")


class AuthorYearStyle(PlainStyle):
    """The plain style, labelled by author and year."""

    default_label_style = AuthorYearLabels


def setup(app: Sphinx) -> dict[str, bool]:
    register_plugin("pybtex.style.formatting", "author_year", AuthorYearStyle)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
