"""A browser and the built book, or a clear reason why there is none.

With ``RLVR_BROWSER=require`` in the environment nothing here may skip: what is missing fails.
"""

import os
import shutil
import sys
import tempfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
sys.path.insert(0, str(Path(__file__).parent))

from visiting import HTML, WIDE, go, lacking  # noqa: E402

FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"]
FLAGS += ["--disable-background-networking", "--disable-component-update"]


def sources():
    """Every file that the built pages come from."""
    patterns = (
        "chapters/*.ipynb",
        "chapters/*.md",
        "_ext/**/*",
        "_static/*",
        "rlvr/**/*.py",
        "rlvr/data/*",
        "book/**/*.py",
        "book/data/*",
        "_*.yml",
    )
    return [path for pattern in patterns for path in ROOT.glob(pattern) if "__pycache__" not in path.parts]


@pytest.fixture(scope="session")
def book():
    """The folder of the built book, no older than what it was built from."""
    built = HTML / "searchindex.js"  # the last file that a build writes
    if not built.is_file():
        lacking("there is no built book in _build/html: run `make book` first")
    newer = [path for path in sources() if path.stat().st_mtime > built.stat().st_mtime]
    if newer:
        lacking(f"the book in _build/html is older than {newer[0].relative_to(ROOT)}: run `make book` again")
    return HTML


@pytest.fixture(scope="module")
def chromium(book):
    """Debian's Chromium, driven by Playwright.

    Closed after each module: Playwright keeps an event loop running, in which no notebook could be tested.
    """
    program = shutil.which("chromium")
    if program is None:
        lacking("there is no chromium on the PATH (Debian and Ubuntu: apt-get install chromium)")
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        lacking('the Python package playwright is missing: pip install -e ".[test]"')
    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as home:
        browser = playwright.chromium.launch(
            executable_path=program, args=FLAGS, env={**os.environ, "HOME": home}
        )
        yield browser
        browser.close()


@pytest.fixture
def tab(chromium):
    """Open a page of the book by its path, ``chapters/explore.html#prior=0.80``, at a width."""
    context = chromium.new_context(viewport=WIDE, offline=True)
    context.grant_permissions(["clipboard-read", "clipboard-write"])

    def load(path, viewport=WIDE):
        page = context.new_page()
        page.set_viewport_size(viewport)
        go(page, path)
        return page

    yield load
    context.close()
