"""Lists that are filtered, claims and sources; and what a page offers on top."""

import pytest
from visiting import NARROW


@pytest.mark.parametrize(
    ("name", "words", "entry"),
    [("claims", "registered supported", ".claim"), ("sources", "qwen amc", ".source-row")],
)
def test_a_list_is_filtered(tab, name, words, entry):
    page = tab(f"chapters/{name}.html")
    entries, shown = page.locator(f".bd-article {entry}"), page.locator(f".bd-article {entry}:visible")
    total = entries.count()
    page.get_by_label("Entries with the words").fill(words)
    found = shown.all_text_contents()
    assert 0 < len(found) < total
    assert all(word in text.lower() for text in found for word in words.split())
    assert page.get_by_role("status").first.inner_text() == f"{len(found)} of {total} {name}"


def test_a_registered_claim_shows_its_verdict_and_folds_its_test_away(tab):
    page = tab("chapters/claims.html")
    claim = page.locator(".claim", has=page.locator(".claim-badge.contradicted")).first
    assert claim.locator(".claim-badge").first.inner_text() == "registered"
    assert not claim.get_by_text("Test:").is_visible()
    claim.locator("summary").click()
    claim.get_by_text("Test:").wait_for(state="visible")


@pytest.mark.parametrize("size", [None, NARROW])
def test_one_switch_unfolds_all_code(tab, size):
    page = tab("chapters/01-estimand.html", *([size] if size else []))
    folded = page.locator(".bd-article div.cell details.hide")
    button = page.get_by_role("button", name="Show all code")
    assert folded.count() > 1 and not any(cell.evaluate("c => c.open") for cell in folded.all())
    button.click()
    assert all(cell.evaluate("c => c.open") for cell in folded.all())
    page.get_by_role("button", name="Hide the code").click()
    assert not any(cell.evaluate("c => c.open") for cell in folded.all())


def test_a_chapter_says_how_long_it_takes(tab):
    assert "minutes" in tab("chapters/01-estimand.html").locator(".reading-time").inner_text()


def test_chapters_come_before_the_core_in_a_search(tab):
    page = tab("search.html?q=audit")
    page.wait_for_function("() => document.querySelectorAll('#search-results ul.search li a').length > 9")
    names = page.eval_on_selector_all(
        "#search-results ul.search li a", "links => links.map(a => a.href.split('/').pop())"
    )
    first_core = next((place for place, name in enumerate(names) if name.startswith("core-")), len(names))
    assert first_core >= 3 and names[0][:2].isdigit()


def test_an_old_address_leads_on(tab):
    page = tab("chapters/15-coin-flip.html")
    page.wait_for_url("**/08-coin-flip.html")


def test_a_dark_page_has_no_white_slabs(tab):
    page = tab("chapters/01-estimand.html")
    page.evaluate("() => { document.documentElement.dataset.theme = 'dark'; }")
    image = page.locator(".bd-article figure img").first
    image.scroll_into_view_if_needed()
    shot = image.screenshot()
    corner = page.evaluate(
        """async (bytes) => {
          const bitmap = await createImageBitmap(new Blob([new Uint8Array(bytes)]));
          const canvas = new OffscreenCanvas(bitmap.width, bitmap.height), pen = canvas.getContext("2d");
          pen.drawImage(bitmap, 0, 0);
          return [...pen.getImageData(4, 4, 1, 1).data.slice(0, 3)];
        }""",
        list(shot),
    )
    assert max(corner) < 60
