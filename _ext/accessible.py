"""Sphinx extension: mend the roles that the bibliography's markup gives wrongly.

A list of citations is marked as a list, its entries as something that a list may not hold.
"""

from __future__ import annotations

from typing import Any

from sphinx.application import Sphinx


def _entries_of_a_list(
    app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: object
) -> None:
    """Call the entries of a list of citations its items."""
    if 'class="citation-list"' in context.get("body", ""):
        context["body"] = context["body"].replace('role="doc-biblioentry"', 'role="listitem"')


def setup(app: Sphinx) -> dict[str, bool]:
    app.connect("html-page-context", _entries_of_a_list)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
