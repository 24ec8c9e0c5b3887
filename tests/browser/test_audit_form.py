"""The explorer page, last tab: it agrees with `rlvr audit`, number by number and word by word."""

import io
import json

import numpy as np
import pandas as pd
import pytest

from rlvr.arms import ARMS
from rlvr.auditing import audit, points, status_text, verdict_text
from rlvr.auditing.audit_output import to_dict
from rlvr.auditing.tables import ARM_NAMES, TableError
from rlvr.decomposition import PARTS

PAGE = "chapters/explore.html#tab=audit"
AUDITED = (
    """csv => rlvrTable.readCells(csv).map(cell => ({name: cell.name, ...rlvrAudit.auditCell(cell.arms)}))"""
)


def random_table(rng, n_cells):
    """Cells as papers print them: all kinds of sizes, rounding, ties; some arms and sizes missing."""
    rows = []
    for cell in range(n_cells):
        items = int(rng.choice([1, 16, 30, 83, 500, 12_032]))
        digits = int(rng.choice([0, 1, 3]))
        kept = [arm for arm in ARMS if rng.random() < 0.85] or ["true"]
        flat = rng.random() < 0.15
        level = rng.random()
        for arm in kept:
            right = (
                level
                if flat
                else rng.beta(0.7, 0.7)
                if rng.random() < 0.3
                else np.clip(rng.normal(level, 0.15), 0, 1)
            )
            percent = round(100 * round(right * items) / items, digits)
            percent = percent if percent > 1 else 0.0  # 1% among percentages would be refused as a fraction
            sizes = "" if rng.random() < 0.05 else items
            rows.append((f"s{cell % 7}", f"model {cell}", 'b, "quoted"', arm, percent, sizes))
    return pd.DataFrame(rows, columns=["study", "model", "benchmark", "arm", "accuracy_percent", "n_items"])


def python_says(csv):
    return audit(pd.read_csv(io.StringIO(csv), dtype=str, keep_default_na=False))


def same(mine, theirs):
    """Whether two numbers are equal, None included."""
    return mine == theirs if mine is None or theirs is None else mine == pytest.approx(theirs, abs=1e-11)


def differences(mine, theirs):
    """Where the page's audit of a cell departs from the command's."""
    found = [
        key
        for key in ("verdict", "support", "possible_verdicts", "verdict_by_rule")
        if mine[key] != theirs[key]
    ]
    for term, numbers in theirs["terms"].items():
        found += [
            f"{term} {key}"
            for key in numbers
            if key != "reason" and not same(mine["terms"][term][key], numbers[key])
        ]
        found += [f"{term} reason"] * (mine["terms"][term]["reason"] != numbers["reason"])
    if mine["tipping_points"].keys() != theirs["tipping_points"].keys():
        found.append("tipping points")
    else:
        found += [
            f"tipping {arm}"
            for arm, move in theirs["tipping_points"].items()
            if not same(mine["tipping_points"][arm], move)
        ]
    return found


def test_two_hundred_random_tables_are_audited_as_the_command_does(tab):
    """Other tables every time; each is named by what made it if it fails."""
    seed = int(np.random.SeedSequence().generate_state(1)[0])
    csv = random_table(np.random.default_rng(seed), 200).to_csv(index=False)
    page, report = tab(PAGE), python_says(csv)
    theirs = json.loads(json.dumps(to_dict(report)))["cells"]
    mine = page.evaluate(AUDITED, csv)
    assert len(mine) == len(theirs) == 200
    wrong = {i: differences(a, b) for i, (a, b) in enumerate(zip(mine, theirs, strict=True))}
    assert {i: found for i, found in wrong.items() if found} == {}, f"seed {seed}"

    page.click("#paste summary")
    page.fill("#csv", csv)
    page.click("#read-csv")
    assert page.inner_text("#csv-said").startswith("200 cells audited")
    shown = page.eval_on_selector_all(
        "#cells-table tbody tr", "rows => rows.map(row => [...row.cells].map(cell => cell.textContent))"
    )
    for cells, audited in zip(shown, report.cells, strict=True):
        expected = [audited.cell.name, verdict_text(audited), audited.status]
        assert cells[:3] == expected, f"seed {seed}"
        for text, part in zip(cells[3:], PARTS, strict=True):
            term = audited.terms[part]
            span = f"{points(term.low)} to {points(term.high)}" if np.isfinite(term.low) else "no interval"
            words = (
                f"{points(term.value)} ({span})"
                if term.defined
                else "?"
                if span == "no interval"
                else f"in {span}"
            )
            plain = text.replace("−", "-")
            assert plain.replace("+0.0", "0.0") == words, f"seed {seed}, {audited.cell.name}, {part}"


def test_a_wrong_number_would_be_noticed(tab):
    csv = random_table(np.random.default_rng(1), 5).to_csv(index=False)
    page = tab(PAGE)
    theirs = json.loads(json.dumps(to_dict(python_says(csv))))["cells"][0]
    mine = page.evaluate(AUDITED, csv)[0]
    assert differences(mine, theirs) == []
    assert differences({**mine, "verdict": "luck"}, theirs) == ["verdict"]
    term = next(name for name, numbers in theirs["terms"].items() if numbers["low"] is not None)
    mine["terms"][term]["low"] += 1e-6
    assert differences(mine, theirs) == [f"{term} low"]


def fill(page, arms):
    for arm in ARMS:
        accuracy, items = arms.get(arm, ("", ""))
        page.fill(f"#{arm}-accuracy", str(accuracy))
        page.fill(f"#{arm}-items", str(items))


def test_typed_numbers_are_audited_and_shared_by_the_address(tab):
    page = tab(PAGE)
    fill(page, {"frozen": (41.6, 500), "random": (49.4, 500), "majority": (73, 500), "true": (75, 500)})
    rows = pd.DataFrame({"study": "s", "model": "m", "benchmark": "b", "n_items": 500,
                         "arm": ARMS, "accuracy": [0.416, 0.494, 0.73, 0.75]})  # fmt: skip
    cell = audit(rows).cells[0]
    text = page.inner_text("#verdict")
    assert text.startswith("Elicitation dominates (supported for these runs)")
    assert f"elicitation {points(cell.terms['elicitation'].value)}" in text
    tips = page.inner_text("#tipping").replace("−", "-")
    for arm, move in cell.tipping.items():
        assert np.isnan(move) or f"{arm.upper()} by {points(move)}" in tips
    assert page.url.endswith("#tab=audit&frozen=41.6/500&random=49.4/500&majority=73/500&true=75/500")
    page.reload()
    assert page.inner_text("#verdict") == text


def test_a_missing_arm_leaves_a_set(tab):
    page = tab(PAGE)
    fill(page, {"frozen": (40, 500), "random": (45, 500), "true": (70, 500)})
    rows = pd.DataFrame({"study": "s", "model": "m", "benchmark": "b", "n_items": 500,
                         "arm": ["frozen", "random", "true"], "accuracy": [0.4, 0.45, 0.7]})  # fmt: skip
    cell = audit(rows).cells[0]
    assert page.inner_text("#verdict").lower().startswith(
        verdict_text(cell)
    ) and cell.status in page.inner_text("#verdict")
    low, high = points(cell.terms["elicitation"].low), points(cell.terms["elicitation"].high)
    assert f"elicitation in {low} to {high}" in page.inner_text("#verdict").replace("−", "-")
    assert "MAJORITY missing: a set is identified" in page.inner_text("#terms-table")
    assert "no tipping point" in page.inner_text("#tipping")


@pytest.mark.parametrize(
    "arms, message",
    [
        ({}, "Type at least one accuracy"),
        ({"frozen": (101, 500)}, "FROZEN: an accuracy from 0 to 100"),
        ({"true": (50, 0)}, "TRUE: a whole number of questions"),
        ({"true": (50, 1.5)}, "TRUE: a whole number of questions"),
        ({"frozen": (41.6, 500), "random": (49.4, 500), "true": (0.71, 500)}, "TRUE: 0.71 would fit"),
    ],
)
def test_what_cannot_be_audited_is_said(tab, arms, message):
    page = tab(PAGE)
    fill(page, arms)
    assert page.inner_text("#verdict").startswith(message)
    assert page.locator("#csv-audit").is_disabled()
    assert page.locator("#terms svg").count() == 0


def test_a_cell_of_a_pasted_table_fills_the_fields(tab):
    page = tab(PAGE)
    page.click("#paste summary")
    page.fill(
        "#csv", "study,model,benchmark,arm,accuracy,n_items\ns,m,b,frozen,0.25,83\ns,m,b,true,0.494,83\n"
    )
    page.click("#read-csv")
    page.click("#cells-table button")
    assert page.input_value("#frozen-accuracy") == "25" and page.input_value("#true-accuracy") == "49.4"
    assert page.input_value("#majority-accuracy") == "" and page.input_value("#true-items") == "83"


HEAD = "study,model,benchmark,arm,accuracy_percent,n_items"
REFUSED = [
    "",
    HEAD,
    "study,model,benchmark,arm,n_items\ns,m,b,true,30",
    f"{HEAD},arm\ns,m,b,true,50,30,true",
    f"{HEAD},accuracy\ns,m,b,true,50,30,0.5",
    f"{HEAD}\ns,m,b,true,50",
    f"{HEAD}\ns,m,b,best,50,30",
    f"{HEAD}\ns,m,b,true,150,30",
    f"{HEAD}\ns,m,b,true,50%,30",
    f"{HEAD}\ns,m,b,true,0x10,30",
    f"{HEAD}\ns,m,b,true,,30",
    f"{HEAD}\ns,m,b,true,50,0",
    f"{HEAD}\ns,m,b,true,50,2.5",
    f"{HEAD}\ns,,b,true,50,30",
    "arm,accuracy_percent,n_items\nbase,50,30\nfrozen,51,30",
    f"{HEAD}\ns,m,b,true,50,30\ns,m,b,TRUE,51,30",
    f"{HEAD}\ns,m,b,frozen,49.4,500\ns,m,b,true,0.787,500",
    f"{HEAD},role\ns,m,b,true,50,30,other",
    f"{HEAD},comparable\ns,m,b,true,50,30,maybe",
    f"{HEAD},run_sd\ns,m,b,true,50,30,60",
]
ACCEPTED = [
    "arm,accuracy_percent,n_items\nfrozen,40,30\nrandom,50,30\nmajority,60,30\ntrue,70,30",
    "model,arm,accuracy,n_items\na,base,0.4,30\na,Ground-Truth,0.5,30\nb,random_reward,0.5,30",
    "\n".join(["benchmark,arm,accuracy,n_items", *(f"{name},{name},0.5,30" for name in ARM_NAMES)]),
    f"{HEAD}\n\ns,m,b,true,50,30\n\n",
    f"{HEAD}\r\ns,m,b,True,50,\r\n",
    f'{HEAD},note\ns,"m, large",b,true,5e1,30,"said ""so"""',
    f"{HEAD},role\ns,m,b,true,50,30,\ns,m,b,true,60,30,alternative",
    f"{HEAD}\ns,m,b,frozen,0.8,500\ns,m,b,true,2.0,500",
]


@pytest.fixture
def on_file(tmp_path):
    def write(text):
        path = tmp_path / "arms.csv"
        path.write_text(text, encoding="utf-8", newline="")
        return path

    return write


def test_the_same_tables_are_refused_and_accepted(tab, on_file):
    page = tab(PAGE)
    page.click("#paste summary")
    for text in REFUSED:
        with pytest.raises(TableError):
            audit(on_file(text))
        page.fill("#csv", text)
        page.click("#read-csv")
        assert page.inner_text("#csv-said").startswith("Not audited: line "), text
        assert not page.locator("#cells-table").is_visible()
    for text in ACCEPTED:
        theirs = json.loads(json.dumps(to_dict(audit(on_file(text)))))["cells"]
        mine = page.evaluate(AUDITED, text)
        wrong = [differences(a, b) for a, b in zip(mine, theirs, strict=True)]
        assert wrong == [[]] * len(wrong), text


def extras(page, sd="", runs="", shift=""):
    for selector, value in {"#run-sd": sd, "#n-runs": runs, "#frozen-shift": shift}.items():
        page.fill(selector, str(value))


def as_the_command_does(page, arms, sd="", runs="", shift=""):
    """The page's first words, layers and intervals with all that was entered, against an audit of it."""
    fill(page, arms)
    extras(page, sd, runs, shift)
    rows = pd.DataFrame([
        {"arm": arm, "accuracy_percent": percent, "n_items": items,
         **(dict(n_runs="", run_sd="") if arm == "frozen" else dict(n_runs=runs, run_sd=sd))}
        for arm, (percent, items) in arms.items()
    ])  # fmt: skip
    cell = audit(rows.astype(str), frozen_shift=float(shift) / 100 if shift != "" else None).cells[0]
    text = page.inner_text("#verdict").lower()
    assert text.startswith(f"{verdict_text(cell)} ({status_text(cell)})".lower()), (text, status_text(cell))
    last = cell.layers[-1]
    shown = page.eval_on_selector_all(
        "#terms-table tbody tr", "rows => rows.map(row => row.cells[4].textContent)"
    )
    for words, (low, high) in zip(shown, last.terms.values(), strict=True):
        plain = words.replace("−", "-").replace("+0.0", "0.0")
        assert plain == f"{points(low)} to {points(high)}" or "identified" in plain, (words, low, high)
    told = page.inner_text("#layers")
    assert told.count("survive") == (
        len(cell.layers) if len(cell.layers) > 1 and cell.verdict != "undetermined" else 0
    )
    assert told.count("does not") == (sum(not layer.survives for layer in cell.layers) if told else 0)


FOUR = {"frozen": (41.6, 500), "random": (49.4, 500), "majority": (73, 500), "true": (75, 500)}


@pytest.mark.parametrize(
    "entered",
    [
        {"sd": 2}, {"sd": 6.5}, {"sd": 6.5, "runs": 5}, {"sd": 3, "runs": 2}, {"shift": 10}, {"shift": 60},
        {"sd": 2, "shift": 10}, {"sd": 0}, {"runs": 5},
    ],
    ids=str,
)  # fmt: skip
def test_runs_and_a_shift_are_judged_as_the_command_does(tab, entered):
    page = tab(PAGE)
    as_the_command_does(page, FOUR, **entered)
    as_the_command_does(page, {arm: FOUR[arm] for arm in ("frozen", "majority", "true")}, **entered)


def test_random_arms_with_runs_and_a_shift_are_judged_as_the_command_does(tab):
    page, seed = tab(PAGE), int(np.random.SeedSequence().generate_state(1)[0])
    rng = np.random.default_rng(seed)
    for _ in range(12):
        items = int(rng.choice([83, 500]))
        arms = {arm: (round(100 * round(items * rng.uniform(0.05, 0.95)) / items, 3), items) for arm in ARMS}
        entered = {
            "sd": round(rng.uniform(0.5, 4), 2),
            "runs": int(rng.integers(1, 9)),
            "shift": round(rng.uniform(1, 20), 1),
        }
        as_the_command_does(page, arms, **entered)


def test_what_was_entered_is_part_of_the_address(tab):
    page = tab(PAGE)
    fill(page, FOUR)
    extras(page, 2, 1, 10)
    assert page.url.endswith("true=75/500&sd=2&runs=1&shift=10")
    text = page.inner_text("#verdict")
    assert text.startswith("Elicitation dominates (leaning: does not survive all sources together)")
    page.reload()
    assert page.inner_text("#verdict") == text and page.input_value("#frozen-shift") == "10"


@pytest.mark.parametrize("selector, value, message", [
    ("#run-sd", "51", "Run-to-run spread"), ("#n-runs", "0", "Runs"), ("#n-runs", "1.5", "Runs"),
    ("#frozen-shift", "-1", "Shift of FROZEN"),
])  # fmt: skip
def test_what_else_cannot_differ_is_refused(tab, selector, value, message):
    page = tab(PAGE)
    page.fill(selector, value)
    assert page.inner_text("#verdict").startswith(message)


def test_a_menu_holds_the_published_cells(tab):
    from book.published_comparisons import comparison_name, published_comparisons

    page, cells = tab(PAGE), published_comparisons()
    names = page.eval_on_selector_all("#published option", "options => options.map(one => one.textContent)")
    assert names[1:] == [comparison_name(cell) for cell in cells]
    for place in np.random.default_rng().choice(len(cells), 8, replace=False):
        cell = cells[place]
        page.select_option("#published", str(place))
        assert page.inner_text("#verdict").lower().startswith(verdict_text(cell).lower())
        for arm in ARMS:
            shown = page.input_value(f"#{arm}-accuracy")
            known = cell.cell.arms.get(arm)
            assert shown == "" if known is None else float(shown) == pytest.approx(100 * known.accuracy)
    page.fill("#true-accuracy", "50")
    assert page.input_value("#published") == ""


def test_an_example_of_a_table_is_shown_and_audited(tab):
    page = tab(PAGE)
    page.click("#paste summary")
    assert "accuracy_percent" in page.get_attribute("#csv", "placeholder")
    page.click("#csv-example")
    assert page.inner_text("#csv-said").startswith("1 cell audited")
    assert page.locator("#cells-table tbody tr").count() == 1
