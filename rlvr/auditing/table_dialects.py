"""How spreadsheets write a table: separators, decimal commas, whole lines in quotes, names misspelt."""

from __future__ import annotations

import csv
import difflib
import re
from collections.abc import Collection

import pandas as pd

__all__ = ["SEPARATED", "nearest", "separator_of", "with_points", "without_line_quotes"]

SEPARATED = {",": "comma-separated", ";": "semicolon-separated", "\t": "tab-separated"}
"""What separates fields, and how a refusal calls it."""

_WHOLE_LINE = re.compile(r'^"((?:[^"\r\n]|"")*)"(?=\r?$)', re.MULTILINE)


def separator_of(text: str, known: Collection[str]) -> str:
    r"""The separator under which the first line holds most of the `known` names; a comma if none does.

    Examples
    --------
    >>> separator_of("study;model\n", {"study", "model"}), separator_of("a;b\n", {"study"})
    (';', ',')
    """
    header = _first_line(text)
    return max(SEPARATED, key=lambda separator: _known(header, separator, known))


def without_line_quotes(text: str, known: Collection[str]) -> str:
    r"""The text, or if a spreadsheet has put each whole line in quotes, the lines without them.

    Examples
    --------
    >>> without_line_quotes('"study,model"\n"s,m"\n', {"study", "model"})
    'study,model\ns,m\n'
    """
    header = _first_line(text).rstrip("\r")
    if not (quoted := _WHOLE_LINE.fullmatch(header)) or _known(header, ",", known):
        return text
    if not any(_known(quoted[1], separator, known) > 1 for separator in SEPARATED):
        return text
    return _WHOLE_LINE.sub(lambda line: line[1].replace('""', '"'), text)


def with_points(column: pd.Series) -> pd.Series:
    """A categorical column with points for decimal commas, of a file whose fields no comma separates."""
    points = column.cat.categories.astype(str).str.replace(r"^(\s*[+-]?\d*),(\d+\s*)$", r"\1.\2", regex=True)
    written = dict(zip(column.cat.categories, points, strict=True))
    return column.astype(str).replace(written).astype("category")


def nearest(name: str, known: Collection[str], *, cutoff: float = 0.75) -> str:
    """The known name that `name` looks like, or nothing.

    Examples
    --------
    >>> nearest("Majorty", ["random", "majority"]), nearest("N items", ["n_items"]), nearest("x", ["n_items"])
    ('majority', 'n_items', '')
    """
    plain = re.sub(r"[\s-]+", "_", name.strip().lower())
    return next(iter(difflib.get_close_matches(plain, list(known), n=1, cutoff=cutoff)), "")


def _first_line(text: str) -> str:
    found = re.search(r"\S.*", text)
    return found[0] if found else ""


def _known(header: str, separator: str, known: Collection[str]) -> int:
    try:
        fields = next(csv.reader([header], delimiter=separator), [])
    except csv.Error:
        return 0
    return sum(field.strip() in known for field in fields)
