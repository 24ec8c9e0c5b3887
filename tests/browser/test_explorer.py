"""The explorer page, tabs of stored grids: it moves, says what is stored, and its address is its state."""

import itertools

import numpy as np
import pytest
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


def near(text, value, digits):
    """Whether a printed number is `value` to its last digit (a tie may be rounded either way)."""
    return abs(float(text.replace("−", "-")) - value) <= 0.5 * 10.0**-digits + 1e-9


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
        assert near(said.split(f"{arm.upper()} ")[1][:6], row[arm], 4), (settings, said)
    for part in PARTS:
        value = row[TERMS[part][0]] - row[TERMS[part][1]]
        words = said.split("The split: ")[1].split(f"{part.replace('_', ' ')} ")[1].split()
        assert near(words[0], value, 4), (settings, said)
        assert near(words[2].rstrip(",."), row[f"{part}_half"], 4), (settings, said)
    if np.isnan(row.fraction):
        assert "undefined" in said
    else:
        assert f"reward design is {signed(100 * row.fraction, 0).lstrip('+')}%" in said, (settings, said)
    assert {term.replace(" ", "_") for term in table} == {*PARTS, "naive"}
    for term, cells in table.items():
        name = term.replace(" ", "_")
        value, half = row[TERMS[name][0]] - row[TERMS[name][1]], row[f"{name}_half"]
        low, high = cells[2].split(" to ")
        assert near(cells[1], value, 4) and near(low, value - half, 4) and near(high, value + half, 4)
        assert len(cells) == 3 or near(cells[3], row[f"{name}_sd"], 4), (settings, term)


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
            spread = said.split("runs): ")[1].split(f"{part.replace('_', ' ')} ")[1][:6]
            assert near(spread, row[f"{part}_sd"], 4), (settings, said)
        assert ("nothing to clip" in said) == (settings["inner_updates"] == 1 and settings["clip"] == "on")


def test_the_guard_of_printed_numbers_can_fail():
    assert near("+0.1234", 0.12344, 4) and near("−0.1234", -0.12344, 4)
    assert not near("+0.1234", 0.1236, 4) and not near("+0.1234", -0.1234, 4)


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
    page.click("#copy-view")
    page.wait_for_function("() => document.getElementById('copied-view').textContent === 'copied'")
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
    page.click("#copy-view")
    page.wait_for_function("() => document.getElementById('copied-view').textContent === 'copied'")
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
