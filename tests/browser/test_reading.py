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
        ".bd-sidebar-primary a[href$='03-dynamics.html'], dialog a[href$='03-dynamics.html']"
    ).first
    assert not link.is_visible()
    page.locator("button.primary-toggle").first.click()
    link.wait_for(state="visible")
    link.click()
    page.wait_for_url("**/03-dynamics.html")


def test_a_proof_opens(tab):
    page = tab("chapters/03-dynamics.html")
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
