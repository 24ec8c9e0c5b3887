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


PATIENCE = 300_000  # milliseconds: a busy machine is slow and not wrong


def go(page, path):
    """Load a page and wait until its mathematics is set."""
    page.set_default_timeout(PATIENCE)
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


# What need not be looked at a hundred times: pictures of formulas, which are hidden from a screen reader, and
# tokens of code and signatures of a kind that the page has shown; all have their colours from style sheets.
THIN = """() => {
  for (const picture of document.querySelectorAll("mjx-container > svg")) picture.replaceChildren();
  const shown = new Set();
  for (const token of document.querySelectorAll(".highlight pre span[class]")) {
    const kind = token.className + " in " + token.closest("[class*=highlight-]")?.parentElement.className;
    if (shown.has(kind) && !token.querySelector("span[class], a")) token.replaceWith(token.textContent);
    shown.add(kind);
  }
  const signatures = "dt.sig span, dt.sig em, .field-list code span, dd > p code span";
  for (const token of document.querySelectorAll(signatures)) {
    const kind = token.className + " in " + token.parentElement.className;
    if (shown.has(kind) && !token.querySelector("a")) token.replaceWith(token.textContent);
    shown.add(kind);
  }
  for (const code of document.querySelectorAll(".highlight pre, dt.sig, code")) code.normalize();
}"""


def violations(page):
    """Serious and critical violations that axe-core finds on a page, each named by its theme and rule.

    The page is thinned (``THIN``). Every rule is asked in the light theme; in the dark one contrast alone,
    since a theme changes colours and nothing else.
    """
    from axe_playwright_python.sync_playwright import Axe

    # A colour that is on its way from one theme to the other has neither's contrast.
    page.add_style_tag(content="*, *::before, *::after { transition: none !important; }")
    page.evaluate(THIN)
    contrast = {"runOnly": {"type": "rule", "values": ["color-contrast"]}}
    said = []
    for theme, rules in (("light", {}), ("dark", contrast)):
        page.evaluate("theme => { document.documentElement.dataset.theme = theme; }", theme)
        # Without "preload" axe would ask for style sheets again, which no page may do from a folder.
        options = {"resultTypes": ["violations"], "preload": False, **rules}
        found = Axe().run(page, options=options).response["violations"]
        said += [
            f"{theme}: {each['id']} ({each['impact']}): {node['html'][:120]} | {node['failureSummary'][:200]}"
            for each in found
            if each["impact"] in ("serious", "critical")
            for node in each["nodes"]
        ]
    return said
