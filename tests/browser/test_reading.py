"""What a reader does with the book: searches, opens the contents on a phone, unfolds a proof, copies code."""

from visiting import NARROW


def test_search_finds_elicitation(tab):
    page = tab("search.html?q=elicitation")
    page.wait_for_selector("#search-results ul.search li a")
    hrefs = page.eval_on_selector_all("#search-results ul.search li a", "links => links.map(a => a.href)")
    assert any("notation" in href or "06-prior-sweep" in href for href in hrefs)


def test_search_for_nonsense_finds_nothing(tab):
    page = tab("search.html?q=zzyzxquux")
    page.wait_for_function("() => /did not match|no results/i.test(document.body.innerText)")
    assert page.locator("#search-results ul.search li a").count() == 0


def test_the_contents_open_on_a_narrow_screen(tab):
    page = tab("chapters/06-prior-sweep.html", NARROW)
    link = page.locator(
        ".bd-sidebar-primary a[href$='13-dynamics.html'], dialog a[href$='13-dynamics.html']"
    ).first
    assert not link.is_visible()
    page.locator("button.primary-toggle").first.click()
    link.wait_for(state="visible")
    link.click()
    page.wait_for_url("**/13-dynamics.html")


def test_a_proof_opens(tab):
    page = tab("chapters/13-dynamics.html")
    proof = page.locator("details", has=page.locator("summary", has_text="Proof")).first
    inside = proof.locator("p").last
    assert not inside.is_visible()
    proof.locator("summary").click()
    inside.wait_for(state="visible")


def test_the_copy_button_copies_the_code(tab):
    page = tab("chapters/06-prior-sweep.html")
    cell = page.locator("div.cell:not(.tag_hide-input) div.cell_input div.highlight").first
    cell.hover()
    cell.locator("button.copybtn").click()
    page.wait_for_function("async () => (await navigator.clipboard.readText()).length > 20")
    copied = page.evaluate("() => navigator.clipboard.readText()")
    assert copied.strip() == cell.locator("pre").inner_text().strip()


def test_a_narrow_screen_gets_figures_that_fit_and_are_read(tab):
    page = tab("chapters/03-other-papers.html", NARROW)
    images = page.locator(".bd-article figure img")
    assert images.count() >= 3
    for number in range(images.count()):
        images.nth(number).scroll_into_view_if_needed()
        shown = images.nth(number).evaluate(
            "i => i.decode().then(() => [i.currentSrc, i.clientWidth, i.naturalWidth])"
        )
        source, width, dots = shown
        assert source.endswith("-narrow.png") and 300 < width <= NARROW["width"] and dots > 1.8 * width
    assert page.locator(".wide-figure").count() == 0
    wide = tab("chapters/03-other-papers.html").locator(".bd-article figure img").first
    assert not wide.evaluate("i => i.decode().then(() => i.currentSrc)").endswith("-narrow.png")


def test_a_long_table_is_filtered_and_sorted_by_keyboard(tab):
    page = tab("chapters/04-synthesis.html")
    table, status = page.locator("table.sortable").first, page.get_by_role("status").first
    filter_box = page.get_by_label("Rows with the words").first
    rows = table.locator("tbody tr")
    total = rows.count()
    assert total > 100 and status.inner_text() == f"{total} of {total} rows"
    filter_box.fill("emPO minerva")
    shown = table.locator("tbody tr:visible")
    assert 0 < shown.count() < 10
    assert status.inner_text() == f"{shown.count()} of {total} rows"
    assert all("EMPO" in text and "Minerva" in text for text in shown.all_inner_texts())
    grounds = [row.evaluate("row => getComputedStyle(row).backgroundColor") for row in shown.all()]
    assert len(set(grounds)) == 2 and grounds[0::2] == grounds[:1] * len(grounds[0::2])
    frame = page.locator(".pst-scrollable-table-container:has(> table.sortable)").first
    page.wait_for_function("frame => !frame.classList.contains('more-below')", arg=frame.element_handle())
    filter_box.fill("")
    page.wait_for_function("frame => frame.classList.contains('more-below')", arg=frame.element_handle())
    head = table.get_by_role("columnheader", name="elicitation")
    head.locator("button").focus()
    page.keyboard.press("Enter")
    assert head.get_attribute("aria-sort") == "descending"
    cells = [text.replace("−", "-") for text in rows.locator("td:nth-child(3)").all_inner_texts()]
    points = [float(text.split()[0]) for text in cells if text[0] in "+-0123456789"]
    assert points == sorted(points, reverse=True) and len(points) > 30
    assert all(text[0] in "+-0123456789" for text in cells[: len(points)])  # sets and dashes come last
    page.keyboard.press("Enter")
    assert head.get_attribute("aria-sort") == "ascending"
    lowest = rows.locator("td:nth-child(3)").first.inner_text().split()[0]
    assert float(lowest.replace("−", "-")) == min(points)
    page.mouse.wheel(0, 0)
    link = rows.first.locator("a").first
    link.click()
    page.wait_for_url("**/sources.html#src-*")
    opened = page.locator("details.source-row[open]")
    assert opened.count() == 1 and "row" in opened.inner_text()


def test_a_long_table_does_not_scroll_sideways_on_a_phone(tab):
    page = tab("chapters/04-synthesis.html", NARROW)
    frames = page.locator(".pst-scrollable-table-container:has(> table.sortable)")
    assert frames.count() == 2
    for frame in frames.all():
        assert frame.evaluate("frame => frame.scrollWidth <= frame.clientWidth + 1")
    names = page.locator("table.sortable tbody tr").first.locator("td")
    assert names.evaluate_all("cells => cells.map(cell => cell.dataset.head)") == [
        "comparison", "null", "elicitation", "reward design", "verdict"
    ]  # fmt: skip


def test_the_book_s_own_typeface_is_shown(tab):
    page = tab("chapters/notation.html")
    assert page.evaluate(
        "() => document.fonts.ready.then(() => document.fonts.check('16px \"Source Sans 3\"'))"
    )
    loaded = page.evaluate("() => [...document.fonts].filter(f => f.status === 'loaded').map(f => f.family)")
    assert any("Source Sans 3" in family for family in loaded)
