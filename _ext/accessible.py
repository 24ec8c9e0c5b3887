"""Sphinx extension: correct the ARIA roles in the bibliography's markup.

A list of citations is marked as a list, but its entries have a role that a list may not contain.
"""

from __future__ import annotations

from typing import Any

from sphinx.application import Sphinx


def _entries_of_a_list(
    app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: object
) -> None:
    """Mark the entries of a list of citations as list items."""
    if 'class="citation-list"' in context.get("body", ""):
        context["body"] = context["body"].replace('role="doc-biblioentry"', 'role="listitem"')


def setup(app: Sphinx) -> dict[str, bool]:
    app.connect("html-page-context", _entries_of_a_list)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
