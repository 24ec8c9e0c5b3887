"""Where the built book lies, its two widths, how a page is loaded, and what axe-core says of it."""

import os
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
sys.path.insert(0, str(ROOT / "_ext"))

import check_pages  # noqa: E402

HTML = check_pages.HTML
WIDE, NARROW = {"width": 1300, "height": 900}, {"width": 390, "height": 844}


def go(page, path):
    """Load a page and wait until its mathematics is set."""
    page.goto(f"{HTML.as_uri()}/{path}")
    page.evaluate("() => window.MathJax?.startup?.promise")


def page_names():
    """Every page of the contents, as a path in the built book."""
    return [f"{name}.html" for name in check_pages.pages()]


def lacking(reason):
    """Skip for this reason; fail where everything is required."""
    if os.environ.get("RLVR_BROWSER") == "require":
        pytest.fail(f"RLVR_BROWSER=require, but {reason}")
    pytest.skip(reason)


def violations(page):
    """Serious and critical violations that axe-core finds on a page, each named by its theme and rule."""
    from axe_playwright_python.sync_playwright import Axe

    # A colour that is on its way from one theme to the other has neither's contrast.
    page.add_style_tag(content="*, *::before, *::after { transition: none !important; }")
    said = []
    for theme in ("light", "dark"):
        page.evaluate("theme => { document.documentElement.dataset.theme = theme; }", theme)
        # Without "preload" axe would ask for style sheets again, which no page may do from a folder.
        options = {"resultTypes": ["violations"], "preload": False}
        found = Axe().run(page, options=options).response["violations"]
        said += [
            f"{theme}: {each['id']} ({each['impact']}): {node['html'][:120]} | {node['failureSummary'][:200]}"
            for each in found
            if each["impact"] in ("serious", "critical")
            for node in each["nodes"]
        ]
    return said
