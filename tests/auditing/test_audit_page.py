"""The page: every number of the audit stands in it, nothing is loaded, nothing is taken for markup."""

import hashlib
import re
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest

from rlvr.arms import ARMS
from rlvr.auditing.audit_output import digests, methods_paragraph, points, to_html
from rlvr.auditing.cell_verdicts import AuditReport, audit
from rlvr.decomposition import TERMS
from rlvr.planning.study_plans import StudyDesign, draw_outcomes, outcomes_table

ROWS = {"study": "s", "model": "m", "benchmark": "b", "arm": list(ARMS),
        "accuracy": [0.416, 0.494, 0.73, 0.75], "n_items": 500}  # fmt: skip
REPORT = audit(pd.DataFrame(ROWS))


class Page(HTMLParser):
    """Tags with their attributes, and the text between them."""

    void = ("meta", "circle", "line", "link", "img", "br")

    def __init__(self, text):
        super().__init__()
        self.tags, self.words, self.open = [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in self.void:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if not self.open or self.open[-1] != "style":
            self.words.append(data)

    @property
    def text(self):
        return " ".join(" ".join(self.words).split())


def test_every_term_stands_as_the_terminal_has_it():
    page = Page(to_html(REPORT))
    assert page.open == []
    for name, term in REPORT.cells[0].terms.items():
        text = f"{points(term.value)} [{points(term.low)}, {points(term.high)}]"
        assert text in page.text
        assert {"role": "img", "aria-label": f"{name.replace('_', ' ')}: {text}"} in [a for _, a in page.tags]


def test_verdict_layers_tipping_points_and_rules_stand():
    text = Page(to_html(audit(pd.DataFrame(ROWS), run_sd=0.02, frozen_shift=0.02))).text
    for words in (
        "elicitation dominates (leaning: does not survive all sources together)",
        "s / m / b", "items: survives (unpaired)",
        "runs: survives", "frozen: survives (FROZEN from 0.396 to 0.436)",
        "all: does not survive",
        "Under the published rule: elicitation", "500 items",
        "1 cell: 0 supported, 1 leaning, 0 not identified",
        "FROZEN 41.6, RANDOM 49.4, MAJORITY 73.0, TRUE 75.0",
    ):  # fmt: skip
        assert words in text
    moves = sorted(REPORT.cells[0].tipping.items(), key=lambda move: abs(move[1]))
    assert ", ".join(f"{arm.upper()} {points(move)}" for arm, move in moves) + " points" in text


def test_dots_and_lines_lie_where_the_numbers_are():
    page = Page(to_html(REPORT))
    terms = REPORT.cells[0].terms.values()
    low = 5 * np.floor(min(100 * term.low for term in terms) / 5)
    high = 5 * np.ceil(max(100 * term.high for term in terms) / 5)
    dots = [float(a["cx"].rstrip("%")) for tag, a in page.tags if tag == "circle"]
    assert dots == pytest.approx([100 * (100 * t.value - low) / (high - low) for t in terms], abs=0.01)
    lines = [a for tag, a in page.tags if tag == "line" and a.get("class") == "interval"]
    assert [float(a["x2"].rstrip("%")) for a in lines] == pytest.approx(
        [100 * (100 * t.high - low) / (high - low) for t in terms], abs=0.01
    )
    assert f"{low:.1f} to +{high:.1f} points" in page.text


def test_a_filled_dot_is_for_a_supported_verdict_alone():
    def filled(report):
        text = to_html(report)
        assert ".by-items circle { fill: var(--own); }" in text
        assert all(f'style="--own: var(--{term})"' in text for term in TERMS)
        return [a["class"].endswith(" by-items") for tag, a in Page(text).tags if tag == "article"]

    assert filled(REPORT) == [True]
    leaning = audit(pd.DataFrame({**ROWS, "n_items": 20}))
    assert leaning.cells[0].status == "leaning" and filled(leaning) == [False]


def test_a_missing_arm_leaves_a_bar_or_a_reason():
    rows = pd.DataFrame(ROWS)
    page = Page(to_html(audit(rows[rows.arm != "majority"])))
    assert "MAJORITY missing" in page.text and "in [" in page.text
    assert sum(a.get("class") == "set" for _, a in page.tags) == 2
    bare = Page(to_html(audit(rows[rows.arm.isin(["frozen", "random"])])))
    assert "TRUE and MAJORITY missing: nothing is identified" in bare.text


def test_nothing_is_loaded_and_nothing_runs():
    text = to_html(REPORT)
    assert not re.search(r"<script|<link|<img|<iframe|@import|url\(|src=|https?:", text)
    assert all(a.get("href", "#").startswith("#") for _, a in Page(text).tags)


def test_a_phone_and_the_dark_are_provided_for():
    text = to_html(REPORT)
    assert '<meta name="viewport" content="width=device-width, initial-scale=1">' in text
    assert "prefers-color-scheme: dark" in text and '<html lang="en">' in text


def test_names_are_never_markup():
    rows = pd.DataFrame({**ROWS, "study": "<script>alert(1)</script>", "model": 'a"b & c'})
    text = to_html(audit(rows), inputs={"<b>.csv": "0"}, title="<i>")
    assert "<script>" not in text and "<i>" not in text and "<b>" not in text
    assert '<script>alert(1)</script> / a"b & c / b' in Page(text).text


def test_several_cells_are_listed_and_linked():
    two = pd.concat([pd.DataFrame(ROWS), pd.DataFrame({**ROWS, "study": "t"})])
    page = Page(to_html(audit(two)))
    assert [a["href"] for tag, a in page.tags if tag == "a"] == ["#cell-1", "#cell-2"]
    assert [a["id"] for tag, a in page.tags if tag == "article"] == ["cell-1", "cell-2"]
    assert not [tag for tag, _ in Page(to_html(REPORT)).tags if tag == "a"]


def test_digests_are_of_the_files(tmp_path):
    (tmp_path / "a.csv").write_text("one")
    (tmp_path / "runs").mkdir()
    (tmp_path / "runs" / "b.csv").write_text("two")
    found = digests([tmp_path / "a.csv", tmp_path / "runs", "-"])
    assert found == {
        str(tmp_path / "a.csv"): hashlib.sha256(b"one").hexdigest(),
        str(tmp_path / "runs" / "b.csv"): hashlib.sha256(b"two").hexdigest(),
        "standard input": "not kept",
    }
    page = Page(to_html(REPORT, inputs=found)).text
    assert all(digest in page for digest in found.values())


def test_the_paragraph_says_what_was_done():
    plain = methods_paragraph(REPORT)
    assert "unpaired score intervals" in plain and "paired across arms" not in plain
    assert "Run-to-run spread was not known" in plain and "moves accuracy by more than the other two" in plain
    assumed = methods_paragraph(audit(pd.DataFrame(ROWS), run_sd=0.02, level=0.9, rule="published"))
    assert "its own layer" in assumed and "90% intervals" in assumed and "more than 60%" in assumed
    design = StudyDesign((0.3, 0.4, 0.5, 0.7), n_items=50, n_runs=2)
    table = outcomes_table({"s": draw_outcomes(design, np.random.default_rng(0))})
    crossed = methods_paragraph(audit(table, assumptions=["no-harm"]))
    assert "items and runs were treated as crossed" in crossed and "paired across arms" in crossed
    assert "it was assumed that no training lowers accuracy" in crossed
    assert plain in Page(to_html(REPORT)).text


def test_the_paragraph_says_how_far_frozen_was_moved():
    rows = pd.DataFrame(ROWS)
    again = pd.concat([rows, rows.head(1).assign(accuracy=0.45, role="alternative")])
    other = rows.assign(study="t")
    assert "FROZEN was moved" not in methods_paragraph(REPORT)
    assumed, measured = "10.0 points either way (assumed)", "over its other readings"
    shifted = methods_paragraph(audit(rows, frozen_shift=0.1))
    assert assumed in shifted and measured not in shifted
    read = methods_paragraph(audit(again, frozen_shift=0.1))
    assert measured in read and assumed not in read
    both = methods_paragraph(audit([again, other], frozen_shift=0.1))
    assert measured in both and assumed in both


def test_no_cell_is_still_a_page_and_the_same_bits_come_twice():
    assert "0 cells: 0 supported" in Page(to_html(AuditReport((), 0.95, "magnitude", ()))).text
    assert to_html(REPORT) == to_html(REPORT)
