"""Terms at any k from logs on disk: against the audit at k = 1, by hand, what is refused, what is written."""

import json
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from rlvr.arms import ARMS
from rlvr.auditing.cell_verdicts import audit, with_notices
from rlvr.auditing.pass_at_k_terms import change_text, ks_from, pass_at_k_paragraph, terms_at_k, written_notes
from rlvr.commands.command_line import app
from rlvr.decomposition import TERMS
from rlvr.logs.answers import LogError
from rlvr.logs.runs import read_logs
from tests.stats.pass_at_k_world import counts, exact

N_ITEMS, N_SAMPLES = 40, 16
RIGHT = dict(zip(ARMS, counts(np.random.default_rng(2), N_ITEMS, N_SAMPLES), strict=True))


def written(path, right, samples, **fields):
    """A plain log with `right` of `samples` right answers to each item."""
    samples = np.broadcast_to(samples, len(right))
    lines = [
        json.dumps({"item": f"q{item}", "correct": int(n < right[item]), **fields})
        for item in range(len(right))
        for n in range(samples[item])
    ]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


@pytest.fixture
def logs(tmp_path):
    return {arm: written(tmp_path / f"{arm}.jsonl", right, N_SAMPLES) for arm, right in RIGHT.items()}


def at_k(logs, ks, **settings):
    return terms_at_k(read_logs(logs.items() if isinstance(logs, dict) else logs, **settings), ks)[
        "benchmark"
    ]


def run(logs, *options):
    named = [part for arm, path in logs.items() for part in ("--log", f"{arm}={path}")]
    return CliRunner().invoke(app, ["audit", *named, *map(str, options)])


def test_at_one_sample_the_terms_are_the_audits(logs):
    cell, terms = audit(read_logs(logs.items()).table).cells[0], at_k(logs, (1, 4)).terms
    assert [terms[name][0].value for name in TERMS] == pytest.approx(
        [cell.terms[name].value for name in TERMS]
    )
    widths = [terms[name][0].half_width > cell.terms[name].half_width for name in TERMS]
    assert all(widths)  # of ten numbers at once


def test_a_band_over_a_known_truth_says_where_signs_change(tmp_path):
    ks, truth = (1, 8, 64), dict(zip(ARMS, exact((1, 8, 64)), strict=True))
    right = counts(np.random.default_rng(4), 400, 64)
    many = {arm: written(tmp_path / f"{arm}.jsonl", n, 64) for arm, n in zip(ARMS, right, strict=True)}
    found = at_k(many, ks)
    for name, (arm, base) in TERMS.items():
        for term, expected in zip(found.terms[name], truth[arm] - truth[base], strict=True):
            assert term.low < expected < term.high
    assert found.changes["total"] == () and "reward design changes" not in " ".join(change_text(found))


def test_a_crossing_stands_in_words_with_what_the_band_shows(tmp_path):
    n = 60  # the base solves every item at times, the other arm half of them always
    logs = {
        "frozen": written(tmp_path / "f.jsonl", [2] * n, 8),
        "true": written(tmp_path / "t.jsonl", [8, 0] * (n // 2), 8),
    }
    found = at_k(logs, (1, 8))
    (change,) = found.changes["total"]
    assert 1 < change.first <= 8 and not change.rises and change.shown_before and change.shown_after
    (text,) = change_text(found)
    assert f"k = {change.first}" in text and "both sides" in text and text.startswith("total")
    assert list(found.terms) == ["total"] and any("RANDOM, MAJORITY missing" in note for note in found.notes)
    assert any("TRUE" in note and "pass@1" in note for note in found.notes)


def test_two_epochs_give_what_inspect_itself_says_of_their_best():
    log = Path(__file__).parent.parent / "logs" / "data" / "inspect-max.json"
    (found,) = terms_at_k(read_logs([("frozen", log)]), (1, 2)).values()
    own = json.loads(log.read_text(encoding="utf-8"))["results"]["scores"][0]["metrics"]["accuracy"]["value"]
    assert found.arms["frozen"] == pytest.approx((0.3, own)) and own == pytest.approx(0.6)
    assert found.terms == {} and np.isnan(found.critical) and "2 samples" in pass_at_k_paragraph(found)


def test_runs_are_averaged_item_by_item_and_frozen_logs_are_pooled(tmp_path):
    more = {"true": (RIGHT["true"][::-1], 2 * N_SAMPLES), "frozen": (RIGHT["frozen"][::-1], N_SAMPLES)}
    parts = [*((arm, right, N_SAMPLES) for arm, right in RIGHT.items()), *((a, *r) for a, r in more.items())]
    logs = [
        (arm, written(tmp_path / f"{n}.jsonl", right, samples, benchmark="benchmark"))
        for n, (arm, right, samples) in enumerate(parts)
    ]
    found = at_k(logs, (1, 4))
    assert found.n_runs == {"frozen": 1, "random": 1, "majority": 1, "true": 2}
    assert found.n_samples["true"] == (N_SAMPLES, 2 * N_SAMPLES) and found.n_samples["frozen"] == (32, 32)
    expected = (RIGHT["true"].mean() / N_SAMPLES + RIGHT["true"].mean() / (2 * N_SAMPLES)) / 2
    assert found.arms["true"][0] == pytest.approx(expected)
    assert "2 of TRUE" in pass_at_k_paragraph(found) and any("2 runs" in note for note in found.notes)


def test_arms_with_other_numbers_of_samples_and_items_of_their_own(logs, tmp_path):
    n = np.arange(30) % 3 + N_SAMPLES
    logs["true"] = written(tmp_path / "t.jsonl", np.minimum(RIGHT["true"][:30], n), n)
    found = at_k(logs, (1, 16), unpaired=True)
    assert not found.paired and found.n_items == {**dict.fromkeys(ARMS, N_ITEMS), "true": 30}
    assert "each arm apart" in written_notes(found)[0]
    paired = at_k(logs, (1, 16), common_items=True)
    assert paired.paired and set(paired.n_items.values()) == {30}


@pytest.mark.parametrize(
    ("samples", "fields", "ks", "names"),
    [
        ([N_SAMPLES] * 37 + [3] * 3, {}, (1, 8), ["true", "3 of 40 items", "k = 8", "fewest 3", "at most 3"]),
        ([N_SAMPLES] * 40, {"decoding": "greedy"}, (1, 8), ["greedily", "--pass-at 1", "temperature"]),
    ],
)
def test_what_has_no_pass_at_k_is_refused_by_name(logs, tmp_path, samples, fields, ks, names):
    right = np.minimum(RIGHT["true"], samples)
    logs = {**logs, "true": written(tmp_path / "other.jsonl", right, samples, **fields)}
    with pytest.raises(LogError) as refusal:
        at_k(logs, ks)
    assert all(name in str(refusal.value) for name in names)
    assert at_k(logs, (1,)).ks == (1,)


def test_a_score_between_right_and_wrong_is_refused(logs, tmp_path):
    path = tmp_path / "partial.jsonl"
    path.write_text(logs["true"].read_text().replace('"correct": 1', '"correct": 0.5', 1), encoding="utf-8")
    with pytest.raises(LogError, match="neither right nor wrong"):
        at_k({**logs, "true": path}, (1, 2))


def test_one_item_has_values_and_no_band(tmp_path):
    logs = {arm: written(tmp_path / f"{arm}.jsonl", [n], 4) for arm, n in (("frozen", 1), ("true", 3))}
    (first, last) = at_k(logs, (1, 2)).terms["total"]
    assert (first.value, last.value) == pytest.approx((0.5, 0.5)) and np.isnan(first.low) and first.reason


@pytest.mark.parametrize("name", ["\\ud800", "\\u001b[31m", "NaN", "1"])
def test_items_of_any_name_are_split_and_named_in_one_line(tmp_path, name):
    lines = [f'{{"item": "{item}", "correct": {n % 2}}}' for item in (name, "other") for n in range(4)]
    logs = {}
    for arm in ("frozen", "true"):
        logs[arm] = tmp_path / f"{arm}.jsonl"
        logs[arm].write_text("\n".join(lines), encoding="utf-8")
    assert run(logs, "--pass-at", "1,4").exit_code == 0
    refusal = run(logs, "--pass-at", "5")
    assert refusal.exit_code == 2 and refusal.stderr.count("\n") == 1 and "at most 4" in refusal.stderr


@pytest.mark.parametrize("text", ["", "x", "0", "1,,2", "-1", "1.5", "1e3", "1;2", "٣", "9" * 40, "inf"])
def test_what_is_no_k_is_refused_in_one_line(logs, text):
    result = run(logs, "--pass-at", text)
    assert result.exit_code == 2 and result.stderr.count("\n") == 1 and "--pass-at" in result.stderr


def test_ks_are_sorted_and_each_once_and_not_too_many():
    assert ks_from(" 64,1 ,8,8") == (1, 8, 64)
    with pytest.raises(ValueError, match="at most 100"):
        ks_from(",".join(map(str, range(1, 102))))


def test_a_table_has_no_samples(tmp_path):
    table = tmp_path / "arms.csv"
    table.write_text("study,model,benchmark,arm,accuracy,n_items\ns,m,b,true,0.5,9\n", encoding="utf-8")
    result = CliRunner().invoke(app, ["audit", str(table), "--pass-at", "2"])
    assert result.exit_code == 2 and "--log" in result.stderr


def test_every_output_holds_every_term_and_the_same_bits_twice(logs, tmp_path):
    page, found = tmp_path / "page.html", at_k(logs, (1, 4, 16))
    first, again = (run(logs, "--pass-at", "1,4,16", "--json", "-", "--report", page) for _ in range(2))
    assert first.stdout == again.stdout
    cell = json.loads(first.stdout)["cells"][0]["pass_at_k"]
    assert cell["ks"] == [1, 4, 16] and list(cell["terms"]) == list(TERMS) == list(cell["sign_changes"])
    for name, row in cell["terms"].items():
        assert [point["low"] for point in row] == [term.low for term in found.terms[name]]
    blocks, table = (
        run(logs, "--pass-at", "1,4,16").stdout,
        run(logs, "--pass-at", "1,4,16", "--markdown").stdout,
    )
    paragraph = pass_at_k_paragraph(found)
    for text in (blocks, table, page.read_text(encoding="utf-8").replace("&#39;", "'")):
        assert paragraph in text and "not training runs" in text and "reward design" in text
    assert json.loads(run(logs, "--json", "-").stdout)["cells"][0]["pass_at_k"] is None


def test_only_the_logs_own_cells_have_other_ks(logs):
    outcomes = read_logs(logs.items())
    report = with_notices(audit(outcomes.table), outcomes, terms_at_k(outcomes, (2,)))
    assert report.cells[0].pass_at_k.ks == (2,) and with_notices(report, outcomes).cells[0].pass_at_k is None
