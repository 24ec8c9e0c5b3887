"""The explorer page, tabs of stored grids: it moves, says what is stored, and its address is its state."""

import csv
import io
import itertools

import numpy as np
import pytest
from PIL import Image
from visiting import HTML, NARROW, WIDE, violations

from rlvr.arms import ARMS
from rlvr.decomposition import PARTS, TERMS
from rlvr.experiments.grids import SETTINGS_AXES, SHARING_AXES, stored_settings, stored_sharing

PAGE = "chapters/explore.html"
SELECT = {"tie_break": "#ties", "n_actions": "#answers"}
SLIDE = {"prior_strength": "#prior", "n_steps": "#steps"}


def signed(value, digits):
    """As the page writes it: with its sign, a true minus, no negative zero."""
    text = f"{abs(value):.{digits}f}"
    return text if float(text) == 0 else ("−" if value < 0 else "+") + text


def near(text, value):
    """Whether a printed number is `value` to its last digit (a tie may be rounded either way).

    Accuracies and spreads have one digit, differences as many as their half-width supports.
    """
    digits = len(text.partition(".")[2])
    return digits in (1, 2) and abs(float(text.replace("−", "-")) - value) <= 0.5 * 10.0**-digits + 1e-9


def move(page, settings):
    """Move every control to these settings, sliders by the keyboard."""
    for axis, selector in SELECT.items():
        page.select_option(selector, str(settings[axis]))
    for axis, selector in SLIDE.items():
        page.focus(selector)
        page.keyboard.press("Home")
        for _ in range(SETTINGS_AXES[axis].index(settings[axis])):
            page.keyboard.press("ArrowRight")


def move_sharing(page, settings):
    """Move every control of the second tab: selects, boxes by the space bar, the slider by arrow keys."""
    for axis, selector in {"mix": "#mix", "optimizer": "#optimizer", "inner_updates": "#updates"}.items():
        page.select_option(selector, str(settings[axis]))
    for selector, wanted in {
        "#shared": settings["policy"] == "shared",
        "#clip": settings["clip"] == "on",
    }.items():
        if page.is_checked(selector) != wanted:
            page.focus(selector)
            page.keyboard.press("Space")
    page.focus("#rollouts")
    page.keyboard.press("Home")
    for place in range(SHARING_AXES["n_steps"].index(settings["n_steps"])):
        page.keyboard.press("ArrowRight")
        page.wait_for_function("at => document.getElementById('rollouts').value === at", arg=str(place + 1))


def read_table(page, name="settings"):
    rows = page.locator(f"#{name}-table tbody tr").all()
    return {row.locator("th").inner_text(): row.locator("td").all_inner_texts() for row in rows}


def says_what_is_stored(said, table, row, settings):
    """Whether a readout and a table of terms hold a stored row's numbers."""
    for arm in ARMS:
        assert near(said.split(f"{arm.upper()} ")[1].split("%")[0], 100 * row[arm]), (settings, said)
    for part in PARTS:
        value = row[TERMS[part][0]] - row[TERMS[part][1]]
        words = said.split("The split in points: ")[1].split(f"{part.replace('_', ' ')} ")[1].split()
        assert near(words[0], 100 * value), (settings, said)
        assert near(words[2].rstrip(",."), 100 * row[f"{part}_half"]), (settings, said)
    if np.isnan(row.fraction):
        assert "undefined" in said
    else:
        assert f"reward design is {signed(100 * row.fraction, 0).lstrip('+')}%" in said, (settings, said)
    assert {term.replace(" ", "_") for term in table} == {*PARTS, "naive"}
    for term, cells in table.items():
        name = term.replace(" ", "_")
        value, half = row[TERMS[name][0]] - row[TERMS[name][1]], row[f"{name}_half"]
        low, high = cells[2].split(" to ")
        assert near(cells[1], 100 * value) and near(low, 100 * (value - half))
        assert near(high, 100 * (value + half)) and len(cells[1].partition(".")[2]) == (
            2 if half < 1e-3 else 1
        )
        assert len(cells) == 3 or near(cells[3], 100 * row[f"{name}_sd"]), (settings, term)


def test_it_says_what_is_stored_wherever_it_is_moved(tab):
    page, table = tab(PAGE), stored_settings()
    grid = list(itertools.product(*SETTINGS_AXES.values()))
    for chosen in np.random.default_rng().choice(len(grid), 8, replace=False):
        settings = dict(zip(SETTINGS_AXES, grid[chosen], strict=True))
        move(page, settings)
        says_what_is_stored(page.inner_text("#readout"), read_table(page), table.loc[grid[chosen]], settings)


def test_its_second_tab_says_what_is_stored_wherever_it_is_moved(tab):
    page, table = tab(f"{PAGE}#tab=share"), stored_sharing()
    grid = list(itertools.product(*SHARING_AXES.values()))
    for chosen in np.random.default_rng().choice(len(grid), 8, replace=False):
        settings = dict(zip(SHARING_AXES, grid[chosen], strict=True))
        move_sharing(page, settings)
        row, said, cells = (
            table.loc[grid[chosen]],
            page.inner_text("#sharing-readout"),
            read_table(page, "sharing"),
        )
        says_what_is_stored(said, cells, row, settings)
        assert all(len(each) == 4 for each in cells.values())
        for part in PARTS:
            spread = said.split("runs): ")[1].split(f"{part.replace('_', ' ')} ")[1].split(",")[0]
            assert near(spread.split(". ")[0].rstrip("."), 100 * row[f"{part}_sd"]), (settings, said)
        assert ("nothing to clip" in said) == (settings["inner_updates"] == 1 and settings["clip"] == "on")


def test_the_guard_of_printed_numbers_can_fail():
    assert near("+12.3", 12.34) and near("−12.34", -12.344)
    assert not near("+12.3", 12.36) and not near("+12.3", -12.3) and not near("+0.1234", 0.1234)


def test_its_figures_move_with_it(tab):
    page = tab(f"{PAGE}#prior=0.20&steps=100&ties=lowest&answers=8")
    before = page.inner_html("#staircase"), page.inner_html("#along-prior")
    page.focus("#prior")
    page.keyboard.press("ArrowRight")
    after = page.inner_html("#staircase"), page.inner_html("#along-prior")
    assert before[0] != after[0] and before[1] != after[1]
    assert page.locator("#staircase svg[role=img]").get_attribute("aria-label").count("FROZEN") >= 1


def test_the_address_is_the_state_and_survives_a_reload(tab):
    page = tab(PAGE)
    settings = {"n_actions": 16, "tie_break": "uniform", "prior_strength": 0.65, "n_steps": 400}
    move(page, settings)
    assert page.url.endswith("#prior=0.65&steps=400&ties=uniform&answers=16")
    said = page.inner_text("#readout")
    page.reload()
    assert page.inner_text("#readout") == said
    assert page.input_value("#ties") == "uniform" and page.input_value("#answers") == "16"
    page.click("#copy-move")
    page.wait_for_function("() => document.getElementById('copied-move').textContent === 'copied'")
    assert page.evaluate("() => navigator.clipboard.readText()") == page.url


def test_the_second_tab_s_address_is_its_state_too(tab):
    page = tab(PAGE)
    page.click("#tab-share")
    settings = {
        "mix": "worse",
        "policy": "own",
        "optimizer": "sgd",
        "inner_updates": 4,
        "clip": "off",
        "n_steps": 15,
    }
    move_sharing(page, settings)
    address = "#tab=share&mix=worse&policy=own&optimizer=sgd&updates=4&clip=off&rollouts=15"
    assert page.url.endswith(address)
    said, drawn = page.inner_text("#sharing-readout"), page.inner_html("#along-budget")
    page.reload()
    assert page.inner_text("#sharing-readout") == said and not page.is_checked("#shared")
    assert page.locator("#panel-share").is_visible() and not page.locator("#panel-move").is_visible()
    page.check("#shared")
    assert page.inner_text("#sharing-readout") != said and page.inner_html("#along-budget") != drawn
    page.click("#copy-share")
    page.wait_for_function("() => document.getElementById('copied-share').textContent === 'copied'")
    assert page.evaluate("() => navigator.clipboard.readText()") == page.url
    assert page.url.endswith(address.replace("policy=own", "policy=shared"))
    page = tab(f"{PAGE}#tab=share&mix=best&updates=3&rollouts=x&clip=<b>")
    assert page.url.endswith(
        "#tab=share&mix=better&policy=shared&optimizer=adam&updates=8&clip=on&rollouts=40"
    )


def test_an_address_that_is_off_the_grid_falls_back(tab):
    page = tab(f"{PAGE}#prior=0.333&steps=NaN&ties=<b>&answers=7")
    assert page.url.endswith("#prior=0.50&steps=200&ties=lowest&answers=8")


def test_an_address_that_names_a_heading_is_left_alone(tab):
    page = tab(f"{PAGE}#how-to-read-it")
    assert page.url.endswith("#how-to-read-it") and "FROZEN" in page.inner_text("#readout")
    page.click("#copy-move")
    page.wait_for_function("() => document.getElementById('copied-move').textContent === 'copied'")
    copied = page.evaluate("() => navigator.clipboard.readText()")
    assert copied == page.url and copied.endswith("#prior=0.50&steps=200&ties=lowest&answers=8")


def test_a_link_on_the_page_moves_it(tab):
    page = tab(f"{PAGE}#tab=audit")
    page.locator("a[href*='prior=0.80']").click()
    page.wait_for_function("() => document.getElementById('prior-said').textContent === '0.80'")
    assert page.get_attribute("#tab-move", "aria-selected") == "true"
    top = "document.getElementById('explorer').getBoundingClientRect().top"
    page.wait_for_function(f"() => Math.abs({top}) < 200")


def test_every_control_has_a_name_and_a_value_in_words(tab):
    page = tab(PAGE)
    for name in ("Prior strength", "Training budget", "Tied plurality goes to", "Answers a prompt"):
        assert page.get_by_label(name).first.is_visible()
    assert "visits a prompt" in page.get_attribute("#steps", "aria-valuetext")
    assert page.get_attribute("#readout", "aria-live") == "polite"
    page.click("#tab-share")
    named = (
        "All prompts share one policy",
        "Clip ratios outside 0.8 to 1.2",
        "Updates a rollout",
        "Optimiser",
    )
    for name in (*named, "Two strategies", "Training budget"):
        assert page.locator("#sharing").get_by_label(name).first.is_visible(), name
    assert page.get_attribute("#rollouts", "aria-valuetext") == "40 rollouts, 320 optimiser steps"
    assert page.get_attribute("#sharing-readout", "aria-live") == "polite"
    words = page.locator("#sharing-staircase svg[role=img]").get_attribute("aria-label")
    assert page.inner_text("#sharing-readout") in words


def test_the_tabs_are_reached_by_arrow_keys(tab):
    page = tab(PAGE)
    page.focus("#tab-move")
    presses = {"ArrowRight": "share", "End": "audit", "ArrowLeft": "share", "Home": "move"}
    for key, tab_name in presses.items():
        page.keyboard.press(key)
        assert page.get_attribute(f"#tab-{tab_name}", "aria-selected") == "true"
        shown = [name for name in ("move", "share", "audit") if page.locator(f"#panel-{name}").is_visible()]
        assert shown == [tab_name]
    page.keyboard.press("ArrowLeft")
    assert page.locator("#panel-audit").is_visible()


PARTS_OF_TABS = {
    "": ("#staircase svg", "#along-prior svg", "#prior", "#ties"),
    "#tab=share": ("#sharing-staircase svg", "#along-budget svg", "#mix", "#optimizer", "#rollouts", "#clip"),
    "#tab=audit": ("#terms svg", "#frozen-accuracy"),
}


@pytest.mark.parametrize("hash", PARTS_OF_TABS)
def test_it_fits_a_phone(tab, hash):
    page = tab(PAGE + hash, NARROW)
    for selector in ("#tab-move", "#tab-share", "#tab-audit", *PARTS_OF_TABS[hash]):
        box = page.locator(selector).bounding_box()
        assert box["x"] >= 0 and box["x"] + box["width"] <= NARROW["width"], selector


TABLE = "study,model,benchmark,arm,accuracy,n_items\ns,m,b,frozen,0.25,83\ns,m,b,true,0.494,83\n"


@pytest.mark.parametrize("viewport", [WIDE, NARROW], ids=["wide", "narrow"])
def test_its_last_tab_is_accessible_too(tab, viewport):
    page = tab(f"{PAGE}#tab=audit", viewport)
    page.click("#paste summary")
    page.fill("#csv", TABLE)
    page.click("#read-csv")
    assert page.locator("#cells-table tbody tr").count() == 1
    assert violations(page) == []
    assert page.evaluate("() => document.scrollingElement.scrollWidth") <= viewport["width"]


@pytest.mark.parametrize("viewport", [WIDE, NARROW], ids=["wide", "narrow"])
def test_its_second_tab_is_accessible_too(tab, viewport):
    page = tab(f"{PAGE}#tab=share", viewport)
    assert page.locator("#sharing-table tbody tr").count() == 4
    assert violations(page) == []
    assert page.evaluate("() => document.scrollingElement.scrollWidth") <= viewport["width"]


def test_only_the_pages_that_need_them_load_the_scripts(book):
    loading = [
        page.relative_to(HTML).as_posix()
        for page in HTML.rglob("*.html")
        if "explorer/vendor" in page.read_text(encoding="utf-8")
    ]
    assert loading == [PAGE]


WIDTHS = """() => [...document.querySelectorAll('[role=tabpanel]:not([hidden]) figure svg')].map(figure =>
    figure.getBoundingClientRect().width / figure.viewBox.baseVal.width)"""


@pytest.mark.parametrize("hash", PARTS_OF_TABS)
def test_figures_keep_their_scale_when_the_window_is_resized(tab, hash):
    page = tab(PAGE + hash, {"width": 700, "height": 900})
    seen = set()
    for width in (1300, 961, 390, 1300):
        page.set_viewport_size({"width": width, "height": 900})
        page.wait_for_function(f"() => ({WIDTHS})().every(scale => Math.abs(scale - 1) < 0.03)")
        assert len(page.evaluate(WIDTHS)) == (1 if "audit" in hash else 2)
        seen.add(
            page.evaluate("() => document.querySelector('[role=tabpanel]:not([hidden]) svg').clientWidth")
        )
    assert len(seen) == 3
    sizes = "() => [...document.querySelectorAll('[role=tabpanel]:not([hidden]) svg text')].map(text => \
        parseFloat(getComputedStyle(text).fontSize))"
    assert min(page.evaluate(sizes)) >= 13


def test_a_view_is_pinned_and_compared(tab):
    page = tab(f"{PAGE}#prior=0.20&steps=200&ties=lowest&answers=8")
    assert not page.locator("#pinned-move").is_visible()
    page.click("#pin-move")
    page.focus("#prior")
    page.keyboard.press("End")
    table = stored_settings()
    rows = [table.loc[(8, "lowest", prior, 200)] for prior in (0.2, SETTINGS_AXES["prior_strength"][-1])]
    cells = read_table(page, "pinned-move")
    assert [*cells] == ["null", "elicitation", "reward design", "naive"]
    for term, texts in cells.items():
        arm, base = TERMS[term.replace(" ", "_")]
        old, now = (100 * (row[arm] - row[base]) for row in rows)
        assert all(near(text, value) for text, value in zip(texts, (old, now, now - old), strict=True)), term
    assert "prior strength 0.20" in page.inner_text("#pinned-move caption")
    page.click("#pin-move")
    assert not page.locator("#pinned-move").is_visible()


@pytest.mark.parametrize("tab_name, hash", [("move", ""), ("share", "#tab=share"), ("audit", "#tab=audit")])
def test_numbers_and_figures_are_saved(tab, tmp_path, tab_name, hash):
    page = tab(PAGE + hash)
    with page.expect_download() as saved:
        page.click(f"#csv-{tab_name}")
    rows = list(csv.DictReader(io.StringIO(saved.value.path().read_text(encoding="utf-8"))))
    assert saved.value.suggested_filename == f"explorer-{tab_name}.csv" and len(rows) >= 4
    for row in rows:
        arm, base = (float(row[f"{name}_percent"]) for name in TERMS[row["term"]])
        assert float(row["points"]) == pytest.approx(arm - base, abs=2e-4)
        assert float(row["low"]) <= float(row["points"]) <= float(row["high"])
    for theme in ("light", "dark"):
        page.evaluate("theme => { document.documentElement.dataset.theme = theme; }", theme)
        with page.expect_download() as saved:
            page.click(f"#png-{tab_name}")
        picture = Image.open(saved.value.path()).convert("RGB")
        assert saved.value.suggested_filename == f"explorer-{tab_name}.png" and picture.width >= 1000
        colours = {colour for _, colour in picture.getcolors(1 << 24)}
        assert len(colours) > 50
        assert (sum(picture.getpixel((1, 1))) > 600) == (theme == "light")


INKS = """() => {
  const ink = (text) => text.match(/[\\d.]+/g).slice(0, 3).map(Number);
  const panel = document.querySelector('[role=tabpanel]:not([hidden])');
  const marks = panel.querySelectorAll('figure svg :is(rect, line, circle, path, text)');
  return [...marks].flatMap(mark => {
    const { fill, stroke, opacity, fillOpacity, strokeOpacity } = getComputedStyle(mark);
    const full = [opacity, fillOpacity, strokeOpacity].every(part => Number(part) > 0.9);
    const box = mark.closest('[aria-hidden]');
    return full && !box ? [fill, stroke].filter(each => each.startsWith('rgb')).map(ink) : [];
  });
}"""


def luminance(colour):
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in np.array(colour) / 255]
    return np.dot([0.2126, 0.7152, 0.0722], linear)


@pytest.mark.parametrize("hash", PARTS_OF_TABS)
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_mark_is_seen_in_both_themes(tab, hash, theme):
    page = tab(PAGE + hash)
    page.add_style_tag(content="*, *::before, *::after { transition: none !important; }")
    page.evaluate("theme => { document.documentElement.dataset.theme = theme; }", theme)
    ground = page.evaluate(
        "() => getComputedStyle(document.body).backgroundColor.match(/[\\d.]+/g).map(Number)"
    )
    inks = {tuple(ink) for ink in page.evaluate(INKS)} - {tuple(ground[:3])}
    assert len(inks) >= 3
    for ink in inks:
        dark, light = sorted((luminance(ink), luminance(ground[:3])))
        assert (light + 0.05) / (dark + 0.05) >= 3, ink
