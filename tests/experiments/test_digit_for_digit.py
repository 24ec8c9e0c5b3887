"""Published numbers beside their replay: which tables, how many digits, what each is computed from."""

import numpy as np
import pytest

from rlvr.experiments import digit_for_digit
from rlvr.experiments.digit_for_digit import (
    QUICK,
    Comparison,
    compare,
    published_numbers,
    replayed_sweep,
    stored_replay,
)
from rlvr.experiments.published_designs import CELLS, Gate


@pytest.fixture
def replayed(monkeypatch):
    """Tables that replay the published text itself; the names of those that were made."""
    made, published = [], published_numbers()

    def table(name):
        made.append(name)
        rows = published[published.table == name].itertuples()
        return {row.quantity: row.published for row in rows}

    names = {name: (lambda name=name: table(name)) for name in digit_for_digit._TABLES}
    monkeypatch.setattr(digit_for_digit, "_TABLES", names)
    return made


def test_every_published_table_can_be_replayed():
    assert set(published_numbers().table) == set(digit_for_digit._TABLES)


@pytest.mark.parametrize(
    ("settings", "wanted"),
    [
        ({"quick": True}, lambda name: name in ("sweep 0.20", "sweep 0.80")),
        ({}, lambda name: not name.startswith("heavy")),
        ({"heavy": True}, lambda name: True),
        ({"only": ("gate 2", "factorial")}, lambda name: name in ("factorial", "gate 2")),
        ({"only": ("heavy factorial", "gate 1")}, lambda name: name == "gate 1"),
        ({"quick": True, "only": ("gate 1",)}, lambda name: name == "gate 1"),
    ],
)
def test_only_the_tables_that_are_wanted_are_replayed(replayed, settings, wanted):
    rows = list(compare(**settings))
    expected = [name for name in digit_for_digit._TABLES if wanted(name)]
    assert replayed == expected and [row for row in rows if not row.equal] == []
    published = published_numbers()
    assert len(rows) == published.table.isin(expected).sum()
    assert QUICK == ("sweep 0.20", "sweep 0.80")


@pytest.mark.parametrize(
    ("value", "published", "text"),
    [(0.18604, "0.1860", "0.1860"), (0.5, "1", "0"), (1.005, "0.00", "1.00"), ("MIXED", "POINTS", "MIXED"),
     (-0.25, "0.1234567", "-0.2500000")],
)  # fmt: skip
def test_a_value_is_written_with_the_digits_that_were_published(value, published, text):
    assert digit_for_digit._as_given(value, published) == text


def test_the_stored_replay_has_every_published_number():
    stored, published = stored_replay(), published_numbers()
    assert stored[["table", "quantity", "published"]].equals(published)
    assert (stored.published == stored.replayed).all()
    assert all(Comparison(*row).equal for row in stored.itertuples(index=False))


def test_the_replayed_sweep_is_the_light_one():
    sweep, stored = replayed_sweep(), stored_replay().set_index(["table", "quantity"]).replayed
    assert sweep.shape == (5, 4)
    for strength in sweep.index:
        for arm in sweep.columns:
            assert sweep.loc[strength, arm] == float(stored[f"sweep {strength:.2f}", arm])


def test_a_row_of_the_sweep_from_its_runs(monkeypatch):
    runs = {"frozen": [0.0], "random": [0.1, 0.3], "majority": [0.4, 0.6], "true": [0.7, 0.9]}
    asked = []
    monkeypatch.setattr(
        digit_for_digit, "sweep_point",
        lambda *what: asked.append(what) or {arm: np.array(values) for arm, values in runs.items()},
    )  # fmt: skip
    table = digit_for_digit._sweep_table(0.35, "heavy")
    assert asked == [(0.35, "heavy")]
    assert table == pytest.approx(
        {"frozen": 0.0, "random": 0.2, "majority": 0.5, "true": 0.8, "rd_fraction": 0.5}
    )


def test_the_factorial_table_from_its_cells(monkeypatch):
    means = np.array([0.9, 0.6, 0.9, 0.6, 0.8, 0.2, 0.8, 0.2])
    monkeypatch.setattr(digit_for_digit, "factorial_cells", lambda size: means[:, None] + [-0.01, 0.01])
    table = digit_for_digit._factorial_table("light")
    names = [f"{arm} {'on' if f == 'drop' else 'off'} {strength:.2f}" for arm, f, strength in CELLS]
    assert names[:3] == ["true on 0.80", "true on 0.35", "true off 0.80"]
    assert [table[name] for name in names] == pytest.approx(means)
    assert (table["A"], table["C"], table["AC"]) == pytest.approx((0.125, 0.225, -0.075))
    assert table["interaction_ratio"] == pytest.approx(0.075 / 0.225)


def test_a_gate_table_from_its_runs(monkeypatch):
    runs = {arm: np.array([value, value + 0.2]) for arm, value in
            {"frozen": 0.0, "random": 0.1, "majority": 0.3, "true": 0.6}.items()}  # fmt: skip
    monkeypatch.setattr(digit_for_digit, "gate", lambda _: Gate(runs, (0.25, 0.35), (-0.1, 0.4)))
    assert digit_for_digit._gate_table(1) == {
        "majority - frozen": pytest.approx(0.3), "majority - frozen low": 0.25,
        "majority - frozen high": 0.35, "true - majority": pytest.approx(0.3), "verdict": "bounds",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("majority", "verdict"),
    [(0.65, "ELICITATION_DOMINATED"), (0.35, "REWARD_DESIGN_DOMINATED"), (0.5, "MIXED"), (0.60, "MIXED")],
)
def test_an_audit_published_again_says_what_has_more_than_six_tenths(monkeypatch, majority, verdict):
    runs = {
        arm: np.full(8, value) for arm, value in {"frozen": 0.0, "majority": majority, "true": 1.0}.items()
    }
    monkeypatch.setattr(digit_for_digit, "re_audit", lambda _: runs)
    seeds = []
    monkeypatch.setattr(
        digit_for_digit, "resampled_interval",
        lambda runs, share, seed: seeds.append(seed) or (share({a: v[0] for a, v in runs.items()}), 9.0),
    )  # fmt: skip
    table = digit_for_digit._re_audit_table(0.8)
    assert table["verdict"] == verdict and seeds == [42_042, 42_042]
    assert (table["elicitation_share"], table["reward_design_share"]) == (majority, 1 - majority)
    assert (table["elicitation_share low"], table["reward_design_share low"]) == (majority, 1 - majority)
    assert table["elicitation_share high"] == 9.0


def test_the_power_table_takes_prefixes(monkeypatch):
    runs = {"majority": np.arange(16.0), "true": 3 * np.arange(16.0)}
    monkeypatch.setattr(digit_for_digit, "power_study", lambda: runs)
    table = digit_for_digit._power_table()
    assert table == {f"{n} seeds": pytest.approx(n - 1.0) for n in (4, 6, 8, 10, 12, 16)}
