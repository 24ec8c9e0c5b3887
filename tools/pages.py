"""Take a picture of every built page at phone and desktop width, in both themes.

    python tools/pages.py                    every page of _build/html
    python tools/pages.py 06-prior-sweep     one of them

Pictures are written to _build/pages/<width>-<theme>/<page>-<slice>.png, with an overview in
_build/pages/index.html. The command names each page that is wider than the window, which would scroll
sideways, and then fails.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

HTML = Path(__file__).parent.parent / "_build" / "html"
OUT = HTML.parent / "pages"
WIDTHS = (390, 1300)
HEIGHT = 2400
THEMES = ("light", "dark")
# Excess width of the page over the window in pixels, and the elements that cause it.
OVERFLOW = """() => {
  const wide = document.documentElement.scrollWidth - window.innerWidth;
  if (wide <= 0) return [0, []];
  const scrolls = e => { for (let p = e.parentElement; p && p !== document.body; p = p.parentElement)
      if (['auto', 'scroll', 'hidden'].includes(getComputedStyle(p).overflowX)) return true; return false; };
  const out = [...document.querySelectorAll('main *')]
      .filter(e => e.getBoundingClientRect().right > window.innerWidth + 1 && !scrolls(e))
      .map(e => `${e.tagName.toLowerCase()}.${e.className}`.slice(0, 60));
  return [wide, [...new Set(out)].slice(0, 4)];
}"""


def shots(page: Page, folder: Path, stem: str) -> None:
    """The page in slices, because one picture of a page of twenty screens takes Chromium minutes."""
    length = page.evaluate("document.documentElement.scrollHeight")
    for number, top in enumerate(range(0, length, HEIGHT), start=1):
        page.evaluate(f"window.scrollTo(0, {top})")
        page.evaluate("new Promise(done => setTimeout(() => requestAnimationFrame(done), 150))")  # painted
        page.screenshot(path=folder / f"{stem}-{number:02d}.png", timeout=120_000)


def pictures(browser: Browser, names: list[str], themes: tuple[str, ...]) -> list[str]:
    """Take the pictures of these pages; return the elements that extend beyond the window."""
    found = []
    for width in WIDTHS:
        for theme in themes:
            folder = OUT / f"{width}-{theme}"
            folder.mkdir(parents=True, exist_ok=True)
            context = browser.new_context(viewport={"width": width, "height": HEIGHT}, color_scheme=theme)
            context.add_init_script(f"localStorage.setItem('mode', '{theme}')")
            page = context.new_page()
            for name in names:
                page.goto((HTML / name).as_uri(), wait_until="load")
                page.wait_for_function("!window.MathJax || !MathJax.startup || MathJax.startup.promise")
                page.wait_for_timeout(150)
                wide, elements = page.evaluate(OVERFLOW)
                if wide > 0 and theme == themes[0]:
                    found.append(f"{name} at {width} px is {wide} px too wide: {', '.join(elements)}")
                shots(page, folder, Path(name).stem)
            context.close()
    return found


def leaf_through(names: list[str]) -> None:
    """Write one page that shows all pictures side by side."""
    rows = []
    for stem in (Path(name).stem for name in names):
        rows.append(f"<h2>{stem}</h2>")
        for folder in (f"{width}-{theme}" for width in WIDTHS for theme in THEMES):
            taken = sorted(picture.name for picture in (OUT / folder).glob(f"{stem}-[0-9][0-9].png"))
            shown = [f'<img loading="lazy" height="600" src="{folder}/{name}">' for name in taken]
            rows.append(f"<h3>{folder}</h3>{' '.join(shown)}")
    (OUT / "index.html").write_text("<!doctype html><title>pages</title>" + "".join(rows), encoding="utf-8")


def main(chosen: list[str]) -> None:
    names = sorted(str(page.relative_to(HTML)) for page in (HTML / "chapters").glob("*.html"))
    names = [name for name in names if not chosen or Path(name).stem in chosen]
    browser_path = shutil.which("chromium") or shutil.which("google-chrome")
    if not names or browser_path is None:
        sys.exit(
            "no such built page: check the name, or run make book first"
            if browser_path
            else "Chromium is needed"
        )
    with sync_playwright() as playwright:
        flags = ["--no-sandbox", "--disable-gpu"]
        browser = playwright.chromium.launch(executable_path=browser_path, args=flags)
        found = pictures(browser, names, THEMES)
        browser.close()
    leaf_through(names)
    print("\n".join(found) if found else f"{len(names)} pages, none wider than its window")
    sys.exit(bool(found))


if __name__ == "__main__":
    main(sys.argv[1:])
