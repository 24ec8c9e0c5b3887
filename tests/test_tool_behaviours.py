"""The findings: one row a script, versions as installed, the index as the data, and what we do about each."""

import importlib
import re

import pytest

from book.tool_behaviours import FINDINGS, tool_behaviours

ROWS = tool_behaviours()
SCRIPTS = {path.stem: path.read_text(encoding="utf-8") for path in FINDINGS.glob("*.sh")}


def test_one_row_a_script():
    assert sorted(row["script"] for row in ROWS) == sorted(SCRIPTS)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["script"])
def test_the_script_installs_the_versions_of_its_row(row):
    for tool in row["tool"].split(", "):
        name, version = re.fullmatch(r"([\w.-]+) (\d[\w.]*)", tool).groups()
        installed = rf"\b{re.escape(name)}(\[\w+\])?=={re.escape(version)}(?![\w.])"
        assert re.search(installed, SCRIPTS[row["script"]], re.IGNORECASE), tool


def test_the_index_is_the_data():
    index = (FINDINGS / "README.md").read_text(encoding="utf-8")
    cells = [(f"`{row['script']}`", row["tool"], row["guess"], row["happens"], row["advice"]) for row in ROWS]
    lines = [f"| {' | '.join(line)} |" for line in cells]
    assert [line for line in index.splitlines() if line.startswith("| `")] == lines


@pytest.mark.parametrize("row", [row for row in ROWS if row["test"]], ids=lambda row: row["script"])
def test_what_this_project_does_is_held_by_a_test(row):
    module, _, name = row["test"].partition("::")
    assert callable(getattr(importlib.import_module(module.removesuffix(".py").replace("/", ".")), name))
    assert row["here"], f"{row['script']} names a test, but not what this project does"
