"""Unexpected behaviours of trainers, graders, logs and statistics packages.

A row of ``findings/findings.csv`` is one script of that folder. The script shows the behaviour with pinned
versions and without this project.
"""

from __future__ import annotations

import csv
from pathlib import Path

__all__ = ["FINDINGS", "behaviour_rows", "tool_behaviours"]

FINDINGS = Path(__file__).parents[1] / "findings"
COLUMNS = ("group", "script", "tool", "guess", "happens", "advice", "here", "test")


def tool_behaviours() -> list[dict[str, str]]:
    """Each finding as a mapping: group, script, tool with version, guess, what happens, what to do.

    ``here`` states this project's response, and ``test`` the test that checks it. Both are empty where no
    command or function of this project meets the behaviour.
    """
    with (FINDINGS / "findings.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        if tuple(row) != COLUMNS or None in row.values():
            raise ValueError(f"findings.csv has the columns {', '.join(COLUMNS)}; this row has others: {row}")
    return rows


def behaviour_rows() -> list[dict[str, str]]:
    """The findings as rows of a page's table."""
    return [
        {
            "tool": f"{row['tool']}: `{row['script']}`",
            "what happens": f"*Guess:* {row['guess']}. *Seen:* {row['happens']}.",
            "what to do": f"{row['advice']}{row['here'] and '. *Here:* ' + row['here']}.",
        }
        for row in tool_behaviours()
    ]
