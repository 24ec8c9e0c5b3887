"""Sphinx extension: the directive ``{citation}`` writes how to cite this report from CITATION.cff.

Address and DOI are shown once CITATION.cff has them, so a publisher of the report enters them in one place.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml
from docutils import nodes
from docutils.statemachine import StringList
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

ROOT = Path(__file__).parent.parent
CITATION = ROOT / "CITATION.cff"
LACKING = {
    "doi": "a DOI (`doi: 10.5281/zenodo.…`)",
    "url": "an address (`url: https://…`)",
    "people": "named authors (`family-names`, `given-names`, `orcid` below `authors`)",
}


def bibtex(citation: dict[str, Any]) -> str:
    """Convert a citation file to a BibTeX entry, with address and DOI where it has them."""
    names = [
        f"{each['family-names']}, {each['given-names']}" if "family-names" in each else f"{{{each['name']}}}"
        for each in citation["authors"]
    ]
    title = citation["title"].replace('"true minus random"', "``True Minus Random''")
    fields = {
        "author": " and ".join(names),
        "title": title.replace("RLVR", "{RLVR}"),
        "year": str(citation["date-released"])[:4],
        "version": str(citation["version"]),
        **{field: citation[field] for field in ("doi", "url") if field in citation},
    }
    lines = [f"  {field} = {{{value}}}" for field, value in fields.items()]
    return "@misc{trueminusrandom,\n" + ",\n".join(lines) + "\n}"


def lacking(citation: dict[str, Any]) -> list[str]:
    """Fields that a publisher of the report still has to fill in."""
    there = {field for field in ("doi", "url") if field in citation}
    there |= {"people"} if any("family-names" in each for each in citation["authors"]) else set()
    return [words for field, words in LACKING.items() if field not in there]


class Citation(SphinxDirective):
    """Directive for the BibTeX entry, and for the fields that CITATION.cff lacks."""

    def run(self) -> list[nodes.Node]:
        self.env.note_dependency(str(CITATION))
        citation = yaml.safe_load(CITATION.read_text(encoding="utf-8"))
        lines = ["```bibtex", *bibtex(citation).splitlines(), "```", ""]
        if missing := lacking(citation):
            lines += [
                "This copy has not been published yet. Whoever publishes it adds to `CITATION.cff` "
                f"{'; '.join(missing)}. The entry above then has them."
            ]
        holder = nodes.Element()
        self.state.nested_parse(StringList(lines, "CITATION.cff"), 0, holder)
        return holder.children


def setup(app: Sphinx) -> dict[str, bool]:
    app.add_directive("citation", Citation)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
