"""Every page as a reader's browser meets it: errors, network, size, width, accessibility, links.

A page is loaded once at each width.
"""

import re
from html.parser import HTMLParser
from urllib.parse import unquote, urldefrag

import pytest
from visiting import NARROW, WIDE, go, lacking, page_names, violations

LIMIT = 2_000_000
each_page = pytest.mark.parametrize("name", page_names())

# Elements that stick out of the window and that no scrolling box around them holds.
STICKING_OUT = """() => {
  const width = document.documentElement.clientWidth;
  const scrolls = (box) => ["auto", "scroll"].includes(getComputedStyle(box).overflowX)
    && box.getBoundingClientRect().right <= width + 1 && box.matches(".bd-article *");
  const held = (element) => {
    for (let box = element.parentElement; box; box = box.parentElement) if (scrolls(box)) return true;
    return false;
  };
  const unseen = "mjx-assistive-mml, .visually-hidden";
  return [...document.querySelectorAll(".bd-article *")].filter((element) => {
    const { right, width: own } = element.getBoundingClientRect();
    return own > 0 && right > width + 1 && !element.closest(unseen) && !held(element);
  }).map((element) => element.outerHTML.slice(0, 90));
}"""


# Formulas and tables that a narrow page shows in part; a table that is filtered may be wider.
CUT = """() => [...document.querySelectorAll(
  ".bd-article :is(div.math, mjx-container[display], "
  + ".pst-scrollable-table-container:not(:has(table.sortable)))"
)].filter((box) => box.scrollWidth > box.clientWidth + 2).map((box) => box.textContent.trim().slice(0, 60))"""


def seen(chromium, name):
    """What a visit to a page shows, at both widths."""
    context = chromium.new_context(viewport=WIDE)
    page, errors, requests = context.new_page(), [], []
    page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("request", lambda request: requests.append(request.url))
    go(page, name)
    unfit = violations(page)
    page.set_viewport_size(NARROW)
    go(page, name)
    overflow = page.evaluate(
        "() => document.scrollingElement.scrollWidth - document.documentElement.clientWidth"
    )
    sticking_out = page.evaluate(STICKING_OUT)
    cut = page.evaluate(CUT)
    context.close()
    return {
        "errors on the console": errors,
        "asked of the network": [url for url in requests if not re.match("file:|data:|blob:|about:", url)],
        "serious violations of accessibility, in either theme": unfit,
        "pixels by which a narrow page scrolls sideways": max(0, overflow),
        "sticking out of a narrow page": sticking_out,
        "cut off on a narrow page": [] if "/core-" in name else cut,
    }


@each_page
def test_a_page_is_sound_at_both_widths(chromium, name):
    """All that one visit tells is one test, so that tests in several processes visit each page once."""
    found = seen(chromium, name)
    assert {fault: what for fault, what in found.items() if what} == {}


@each_page
def test_no_page_is_heavy(book, name):
    assert (book / name).stat().st_size <= LIMIT


def test_what_is_lacking_skips_or_where_all_is_required_fails(monkeypatch):
    monkeypatch.delenv("RLVR_BROWSER", raising=False)
    with pytest.raises(pytest.skip.Exception, match="no chromium"):
        lacking("there is no chromium")
    monkeypatch.setenv("RLVR_BROWSER", "require")
    with pytest.raises(pytest.fail.Exception, match="no chromium"):
        lacking("there is no chromium")


def test_a_fault_is_noticed(chromium, tmp_path):
    """The checks themselves: a page with every fault fails each of them."""
    wrong = tmp_path / "wrong.html"
    wrong.write_text(
        '<html lang="en"><title>t</title><body><main class="bd-article"><div style="width:900px">wide</div>'
        '<img src="https://example.invalid/x.png"><p style="color:#ccc;background:#fff">faint</p>'
        '<div class="math" style="overflow:auto"><div style="width:900px">a formula</div></div></main>'
        '<script>console.error("loud")</script>',
        encoding="utf-8",
    )
    context = chromium.new_context(viewport=NARROW, offline=True)
    page, errors, requests = context.new_page(), [], []
    page.on("console", lambda message: errors.append(message.text))
    page.on("request", lambda request: requests.append(request.url))
    page.goto(wrong.as_uri())
    assert "loud" in errors and any("example.invalid" in url for url in requests)
    assert page.evaluate("() => document.scrollingElement.scrollWidth") > NARROW["width"]
    assert page.evaluate(STICKING_OUT)
    assert page.evaluate(CUT) == ["a formula"]
    found = {each.split()[1] for each in violations(page)}
    assert {"image-alt", "color-contrast"} <= found
    context.close()


class Anchors(HTMLParser):
    """Links and anchors of a page; a link that is hidden is none."""

    def __init__(self, text):
        super().__init__()
        self.links, self.ids = [], set()
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        self.ids |= {given[key] for key in ("id", "name") if given.get(key)}
        if tag in ("a", "img", "script", "link") and "hidden" not in given:
            self.links += [given[key] for key in ("href", "src") if given.get(key)]


def broken_links(folder):
    """(page, link) whose file or anchor does not exist; an address with a state, #a=b, needs no anchor."""
    pages = [path for path in sorted(folder.rglob("*.html")) if "_static" not in path.parts]
    read = {path: Anchors(path.read_text(encoding="utf-8")) for path in pages}
    broken = []
    for path, page in read.items():
        for link in page.links:
            if re.match(r"[a-z]+:|//", link, re.I):
                continue
            address, anchor = urldefrag(link)
            target = (path.parent / unquote(address.split("?")[0])).resolve() if address else path.resolve()
            known = read.get(target)
            lost = known is not None and anchor and "=" not in anchor and unquote(anchor) not in known.ids
            if not target.exists() or lost:
                broken.append((str(path.relative_to(folder)), link))
    return broken


def test_every_internal_link_resolves(book):
    assert broken_links(book.resolve()) == []


PDF_LINKS = (
    "() => [...document.querySelectorAll('a.needs-pdf')].map(link => [link.hidden, link.offsetWidth > 0])"
)


@pytest.mark.parametrize("name", ["chapters/index.html", "chapters/cite.html", "chapters/checklist.html"])
def test_the_link_to_the_pdf_is_seen_only_where_there_is_one(tab, book, name):
    """After `make pdf` it is shown; a later `make book` hides it again and may leave the old PDF behind."""
    links = tab(name).evaluate(PDF_LINKS)
    assert links and all(hidden != visible for hidden, visible in links)
    assert (book / "true-minus-random.pdf").is_file() or all(hidden for hidden, _ in links)


def test_a_broken_link_is_noticed(tmp_path):
    (tmp_path / "a.html").write_text(
        '<a href="b.html#there">1</a><a href="b.html#gone">2</a><a href="c.html">3</a><a href="#x=1">4</a>'
        '<a class="needs-pdf" hidden href="d.pdf">waits</a>'
    )
    (tmp_path / "b.html").write_text('<h1 id="there">b</h1><a href="https://example.invalid">out</a>')
    broken = [("a.html", "b.html#gone"), ("a.html", "c.html")]
    assert broken_links(tmp_path.resolve()) == broken
    page = tmp_path / "a.html"
    page.write_text(page.read_text().replace(" hidden", ""))
    assert broken_links(tmp_path.resolve()) == [*broken, ("a.html", "d.pdf")]
