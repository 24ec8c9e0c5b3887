"""Where the built book lies, its pages, the two widths, and how a page is loaded."""

import sys
from pathlib import Path

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
