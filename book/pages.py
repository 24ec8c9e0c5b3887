"""Outputs of a chapter's cell besides figures: numbers in its prose, and numbered tables.

Numbers are kept as the text that a reader sees, because seventeen stored digits would differ between
processors in places that no reader sees.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from book.narrow_figures import keep_forms
from rlvr import plots

__all__ = ["PageTable", "page_table", "quote", "true_minus", "use_style"]


def use_style() -> None:
    """Set the report's style, and keep each figure's numbers and narrow form; call once per chapter."""
    keep_forms()
    plots.use_style()


def true_minus(text: str) -> str:
    """Write the sign of negative numbers in a text as a minus sign instead of a hyphen.

    Examples
    --------
    >>> true_minus("-3.5 [-9.0, 2.0] on 2026-11-30")
    '−3.5 [−9.0, 2.0] on 2026-11-30'
    """
    return re.sub(r"(?<![\w.)\]-])-(?=\.?\d|inf)", "\N{MINUS SIGN}", text)


def quote(values: Mapping[str, Any]) -> None:
    """Make values available to the page's prose as ``{glue:text}`` with their names.

    Parameters
    ----------
    values : mapping of str to value
        A key is a name, or a name and a format as in an f-string: ``{"null:+.4f": 0.00031}`` is quoted
        as ``+0.0003`` under the name ``null``.

    Raises
    ------
    ValueError
        If a float would be quoted with more than ten digits, or a name is given twice.
    """
    from myst_nb import glue

    texts: dict[str, str] = {}
    for key, value in values.items():
        name, _, spec = key.partition(":")
        if name in texts:
            raise ValueError(f"each name is quoted once, got {name!r} twice; rename or remove one")
        texts[name] = true_minus(format(value, spec))
        if isinstance(value, float) and sum(letter.isdigit() for letter in texts[name]) > 10:
            raise ValueError(f"{name} needs a format, as in {name + ':.3f'!r}; got {texts[name]}")
    for name, text in texts.items():
        glue(name, text, display=False)


class PageTable:
    """A numbered table with a caption on a page; a plain table outside a book."""

    def __init__(
        self,
        heads: Sequence[str],
        rows: Sequence[Sequence[str]],
        caption: str,
        name: str,
        *,
        sortable: bool = False,
    ) -> None:
        self.heads, self.rows = list(heads), [list(row) for row in rows]
        self.caption, self.name, self.sortable = caption, name, sortable

    def __repr__(self) -> str:
        return self.plain()

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        return {"text/markdown": self.markdown(), "text/html": self.html(), "text/plain": self.plain()}

    def markdown(self) -> str:
        """The table as the directive that numbers it and makes it a target of references."""
        rows = [[_unbroken(cell) for cell in cells] for cells in self.rows]
        lines = [f"| {' | '.join(cells)} |" for cells in (self.heads, *rows)]
        marks = [":--" if _in_words(column) else "--:" for column in list(zip(*self.rows, strict=True))[1:]]
        lines.insert(1, "|" + "|".join([":--", *marks]) + "|")
        options = [f":name: {self.name}", *([":class: sortable"] if self.sortable else [])]
        return "\n".join([f":::{{table}} {self.caption}", *options, "", *lines, ":::"])

    def html(self) -> str:
        """The table for a notebook, which does not read directives."""

        def row(cells: Iterable[str], tag: str) -> str:
            return "<tr>" + "".join(f"<{tag}>{html.escape(_bare(cell))}</{tag}>" for cell in cells) + "</tr>"

        body = "".join(row(cells, "td") for cells in self.rows)
        caption = f"<caption>{html.escape(self.caption)}</caption>"
        return f"<table>{caption}<thead>{row(self.heads, 'th')}</thead><tbody>{body}</tbody></table>"

    def plain(self) -> str:
        """The table as aligned text."""
        bare = [[_bare(cell) for cell in cells] for cells in (self.heads, *self.rows)]
        widths = [max(map(len, column)) for column in zip(*bare, strict=True)]
        lines = [[cell.ljust(width) for cell, width in zip(cells, widths, strict=True)] for cells in bare]
        return "\n".join("  ".join(line).rstrip() for line in lines)


def _is_number(cell: str) -> bool:
    """Whether a cell holds only numbers: a value, an interval, or a range."""
    return not any(letter.isalpha() for letter in re.sub(r"\b(in|to)\b|(?<=\d)e(?=[-−+]?\d)", "", cell))


def _unbroken(cell: str) -> str:
    """A cell of numbers whose line a browser may break only before an interval."""
    return re.sub(" (?!\\[)", "\N{NO-BREAK SPACE}", cell) if _is_number(cell) else cell


def _in_words(column: Iterable[str]) -> bool:
    """Whether most cells of a column are words, which are aligned left."""
    worded = [not _is_number(cell) for cell in column if cell]
    return 2 * sum(worded) > len(worded)


def _bare(cell: str) -> str:
    """A cell without its Markdown: a link or role as its words, an escaped character as itself."""
    cell = re.sub(r"\{[a-z:]+\}`([^`]*)`", r"\1", cell)
    cell = re.sub(r"\[((?:\\.|[^\]\\])*)\]\([^)\s]*\)", r"\1", cell)
    return re.sub(r"\\([^A-Za-z0-9\s])", r"\1", cell)


def _cell(value: Any, spec: str) -> str:
    """A cell's text, with true minus signs unless it holds code, which readers may copy."""
    text = format(value, spec)
    return text if "`" in text else true_minus(text)


def page_table(
    rows: Iterable[Mapping[str, Any]], *, caption: str, name: str, sortable: bool = False
) -> PageTable:
    """A numbered table, one mapping per row; the first row's keys are the column heads.

    Parameters
    ----------
    rows : iterable of mapping of str to value
        Values are shown as text, which may be Markdown (a link, a citation). As in :func:`quote`, a head may
        state the format of its column after a colon: ``{"prior strength:.2f": 0.2, "null:+.4f": 0.0003}``.
        Columns of words are aligned left.
    caption : str
        One line: the content, the number of rows, the unit of replication and the kind of interval.
    name : str
        ``tab-<page>-<thing>``, the target of ``{numref}``.
    sortable : bool
        Readers can sort and filter the rows on the page; for long tables.

    Raises
    ------
    ValueError
        If there is no row, or a row's keys differ from those of the first.

    Examples
    --------
    >>> page_table([{"arm": "true", "accuracy:.2f": 0.875}], caption="Ends.", name="tab-00-ends")
    arm   accuracy
    true  0.88
    """
    listed = list(rows)
    if not listed:
        raise ValueError("a table needs at least one row, got none")
    keys = list(listed[0])
    other = next((row for row in listed if list(row) != keys), None)
    if other is not None:
        raise ValueError(f"every row needs the columns {keys}, got {list(other)}")
    split = [key.partition(":") for key in keys]
    cells = [[_cell(row[key], spec) for key, (_, _, spec) in zip(keys, split, strict=True)] for row in listed]
    return PageTable([head for head, _, _ in split], cells, caption, name, sortable=sortable)
