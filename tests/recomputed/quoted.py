"""What a chapter's stored notebook quotes: single numbers by their name, and printed tables.

The tests of this folder recompute those numbers from the stored data or from nothing, by code that shares
nothing with the project's own.
"""

import ast
import functools
import json
import re
from pathlib import Path

import numpy as np
import pandas as pd

ROOT = Path(__file__).parent.parent.parent
CHAPTERS = ROOT / "chapters"
DATA, BOOK_DATA = (ROOT / house / "data" for house in ("rlvr", "book"))

NUMBER = re.compile(r"[-+]?\d[\d,]*(?:\.\d+)?")


@functools.cache
def _cells(chapter):
    """The cells of a chapter's stored notebook."""
    return json.loads((CHAPTERS / f"{chapter}.ipynb").read_text())["cells"]


@functools.cache
def _outputs(chapter):
    """Every stored output of a chapter."""
    return [output for cell in _cells(chapter) for output in cell.get("outputs", [])]


@functools.cache
def quotes(chapter):
    """Texts that a chapter glues into its prose, by name."""
    found = {}
    for output in _outputs(chapter):
        glue = output.get("metadata", {}).get("scrapbook")
        if glue:
            data = output["data"]
            text = data.get("application/papermill.record/text/plain", data.get("text/plain"))
            found[glue["name"]] = ast.literal_eval("".join(text))
    return found


@functools.cache
def printed_table(chapter, name):
    """A printed table, as texts."""
    for output in _outputs(chapter):
        text = "".join(output.get("data", {}).get("text/markdown", ""))
        if f":name: {name}\n" in text:
            head, _, *rows = (
                [cell.strip() for cell in line.strip().strip("|").split("|")]
                for line in text.splitlines()
                if line.startswith("|")
            )
            return pd.DataFrame(rows, columns=head)
    raise LookupError(f"{chapter} prints no table {name}")


@functools.cache
def drawn(chapter, figure):
    """The numbers that a figure draws, kept beside its picture."""
    for cell in _cells(chapter):
        if cell["metadata"].get("mystnb", {}).get("figure", {}).get("name") == figure:
            kept = ["".join(output["data"].get("text/csv", "")) for output in cell["outputs"]]
            head, *rows = (
                [field.strip('"') for field in re.findall(r'(?:^|(?<=,))(?:"[^"]*"|[^,]*)', line)]
                for line in "".join(kept).splitlines()
            )
            table = pd.DataFrame(rows, columns=head)
            places = table[["x", "y", "x_end", "y_end"]].apply(pd.to_numeric)
            return table.assign(**places)
    raise LookupError(f"{chapter} draws no figure {figure}")


def forest(chapter, figure, series, panel):
    """One series of a forest: its estimates [value, low, high] by the name of their row."""
    table = drawn(chapter, figure)
    here = table[table.panel.astype(str) == panel]
    rows = here[here.kind == "y tick"].set_index("y").series
    own = here[here.series == series]
    ends = own[own.kind == "interval"].set_index("y")
    return {
        rows[round(y)]: [value, ends.x[y], ends.x_end[y]]
        for value, y in own[own.kind == "points"][["x", "y"]].itertuples(index=False)
    }


def numbers(text):
    """The numbers in a text, and half a unit of the last digit printed of each."""
    words = NUMBER.findall(text.replace("−", "-"))
    values = [float(word.replace(",", "")) for word in words]
    return np.array(values), np.array([0.5 * 10.0 ** -len(word.partition(".")[2]) for word in words])


def holds(text, *values, slack=0.0):
    """Whether a text states these numbers, in this order, to its printed digits and a slack beyond them."""
    printed, half_a_unit = numbers(text)
    assert len(printed) == len(values), (text, values)
    return bool((np.abs(printed - values) <= half_a_unit + slack + 1e-9).all())


def assert_quoted(chapter, recomputed):
    """Every recomputed number, or row of numbers, is what the chapter quotes under its name."""
    said = quotes(chapter)
    wrong = {
        name: (said[name], values)
        for name, values in recomputed.items()
        if not holds(said[name], *np.atleast_1d(values))
    }
    assert not wrong, f"{chapter} quotes otherwise (quoted, recomputed): {wrong}"
