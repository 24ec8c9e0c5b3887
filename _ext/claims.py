"""Sphinx extension: the directive ``{claims}`` writes the page of claims from chapters/claims.yml.

A claim's numbers are those that its chapter quotes, so the page changes with them. `problems` lists the
faults of a claim; the tests apply it to the real file and to faulty ones.
"""

from __future__ import annotations

import ast
import functools
import re
from collections import Counter
from pathlib import Path
from typing import Any

import nbformat
import yaml
from docutils import nodes
from docutils.statemachine import StringList
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

ROOT = Path(__file__).parent.parent
CLAIMS = ROOT / "chapters" / "claims.yml"
FIELDS = ("claim", "chapter", "found", "interval", "status", "test", "source")
STATUS = re.compile(r"exact|exploratory|registered \([HSLM]\d+( to [HSLM]\d+)?\)")
QUOTED = re.compile(r"\{(?:([\w-]+)::)?([^{}:]+)\}")
RUN_HERE = "run in the chapter"


def read_claims() -> list[dict[str, Any]]:
    """The claims, in the order of the file."""
    return yaml.safe_load(CLAIMS.read_text(encoding="utf-8"))


def quoted_names(chapter: str) -> set[str]:
    """Names of the numbers that a chapter's stored notebook quotes."""
    notebook = ROOT / "chapters" / f"{chapter}.ipynb"
    if not notebook.is_file():
        return set()
    cells = nbformat.read(notebook, as_version=4).cells
    outputs = [output for cell in cells for output in cell.get("outputs", [])]
    named = (output.get("metadata", {}).get("scrapbook", {}).get("name") for output in outputs)
    return {name for name in named if name}


def names_a_test(node: str) -> bool:
    """Whether ``path::name`` is a test function of that file."""
    path, _, name = node.partition("::")
    if not (ROOT / path).is_file() or not name.startswith("test_"):
        return False
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    return any(isinstance(item, ast.FunctionDef) and item.name == name for item in tree.body)


def problems(claim: dict[str, Any]) -> list[str]:
    """Faults of one claim; empty if everything that it names exists."""
    missing = [f"has no {field}" for field in FIELDS if not str(claim.get(field) or "").strip()]
    if missing or set(claim) - set(FIELDS):
        return missing + [f"has an unknown field {field}" for field in sorted(set(claim) - set(FIELDS))]
    found = []
    if not QUOTED.search(claim["found"]):
        found.append("quotes no number")
    keys = [
        (page or claim["chapter"], name)
        for field in ("found", "interval")
        for page, name in QUOTED.findall(claim[field])
    ]
    found += [f"{page} quotes nothing as {name}" for page, name in keys if name not in quoted_names(page)]
    if not STATUS.fullmatch(claim["status"]):
        found.append(f"has an unknown status {claim['status']!r}")
    if not names_a_test(claim["test"]):
        found.append(f"names a test that does not exist: {claim['test']}")
    if claim["source"] != RUN_HERE and not (ROOT / claim["source"]).is_file():
        found.append(f"names a source that does not exist: {claim['source']}")
    if re.search(r"\d\.\d|\d%", QUOTED.sub("", re.sub(r"0\.\d0|95%", "", claim["found"]))):
        found.append("types a result instead of quoting it")
    return found


@functools.cache
def _verdicts() -> dict[str, str]:
    """Verdicts on all registered hypotheses, by name."""
    from rlvr.experiments.protocol_verdicts import judge
    from rlvr.experiments.sealed_protocol import REGISTERED, load_protocol, load_results

    pairs = [(load_protocol(protocol), load_results(results)) for protocol, results in REGISTERED.values()]
    return {each.name: each.verdict for protocol, results in pairs for each in judge(protocol, results)}


def badges(status: str) -> list[str]:
    """Texts of a claim's badges: its status, and the verdicts on its registered hypotheses."""
    kind = status.split()[0]
    named = [(letter, int(number)) for letter, number in re.findall(r"([HSLM])(\d+)", status)]
    if not named:
        return [kind]
    letter, first, last = named[0][0], named[0][1], named[-1][1]
    wanted = {f"{letter}{number}" for number in range(first, last + 1)}
    counts = Counter(verdict for name, verdict in _verdicts().items() if name.partition("-")[0] in wanted)
    if counts.total() == 1:
        return [kind, *counts]
    return [kind, *(f"{count} {verdict}" for verdict, count in counts.items())]


def _card(number: str, claim: dict[str, Any]) -> list[str]:
    """One claim as the lines of its card: statement, finding, and evidence."""

    def glued(match: re.Match[str]) -> str:
        page = match.group(1) or claim["chapter"]
        return f"{{glue:text}}`{page}.ipynb::{match.group(2)}:s`"

    path, _, name = claim["test"].partition("::")
    marks = " ".join(f"[{words}]{{.claim-badge .{words.split()[-1]}}}" for words in badges(claim["status"]))
    source = claim["source"] if claim["source"] == RUN_HERE else f"`{claim['source']}`"
    found, interval = (QUOTED.sub(glued, claim[field]) for field in ("found", "interval"))
    return [
        "::::{container} claim",
        f"**{number}** {claim['claim']} {marks}",
        "",
        f"**Found:** {found}.",
        "",
        ":::{dropdown} Interval, data and test",
        ":class-container: claim-notes",
        f"Status: {claim['status']}. Interval: {interval}. Data: {source}. Test: `{name}` in `{path}`.",
        ":::",
        "::::",
        "",
    ]


def _title(chapter: str) -> tuple[int, str]:
    """A chapter's number, from its name, and its title, from its first heading."""
    text = (ROOT / "chapters" / f"{chapter}.md").read_text(encoding="utf-8")
    return int(chapter[:2]), re.search(r"^# (.*)$", text, re.M).group(1)  # type: ignore[union-attr]


class Claims(SphinxDirective):
    """Directive: one section per chapter, with a card for each of its claims."""

    def run(self) -> list[nodes.Node]:
        self.env.note_dependency(str(CLAIMS))
        listed = read_claims()
        wrong = [f"{claim.get('claim')}: {fault}" for claim in listed for fault in problems(claim)]
        if wrong:
            raise self.error("; ".join(wrong))
        lines: list[str] = []
        for chapter in dict.fromkeys(claim["chapter"] for claim in listed):
            number, title = _title(chapter)
            lines += [f"## {number}. {title}", "", f"[Read the chapter]({chapter}.ipynb)", ""]
            own = [claim for claim in listed if claim["chapter"] == chapter]
            for place, claim in enumerate(own, start=1):
                lines += _card(f"{number}.{place}", claim)
        holder = nodes.Element()
        self.state.nested_parse(StringList(lines, "claims.yml"), 0, holder, match_titles=True)
        return holder.children


def setup(app: Sphinx) -> dict[str, bool]:
    app.add_directive("claims", Claims)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
