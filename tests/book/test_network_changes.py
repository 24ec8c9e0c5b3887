"""The network's changes taken apart by hand and adding up."""

import numpy as np
import pandas as pd
import pytest

from book.network_changes import SOURCES, changes_by_reading, changes_by_source, terms_by_base

KEYS = {"prior": "p", "arm": "random", "design": "d", "rate": "r"}


def rows(then, now, seed=0, items="trained"):
    names = ("right", "share_c", "share_d", "from_c", "from_d")
    return [
        KEYS | {"seed": seed, "step": step} | {f"{items}_{n}": v for n, v in zip(names, values, strict=True)}
        for step, values in ((0, then), (8, now))
    ]


def test_by_hand():
    # c: share 0.5 to 0.6, accuracy 0.8 to 0.5; d: share 0.5 to 0.3, accuracy 0.2 to 0.4; 0.05 elsewhere
    table = pd.DataFrame(rows((0.5, 0.5, 0.5, 0.4, 0.1), (0.47, 0.6, 0.3, 0.30, 0.12)))
    found = changes_by_source(table).set_index("step").loc[8]
    assert found["reweighting"] == pytest.approx(0.1 * 0.65 - 0.2 * 0.3)
    assert found["within"] == pytest.approx(-0.3 * 0.55 + 0.2 * 0.4)
    assert found["elsewhere"] == pytest.approx(0.05)
    assert found["change"] == pytest.approx(-0.03)
    at_start = changes_by_source(table).set_index("step").loc[0]
    assert at_start[["change", *SOURCES]].tolist() == [0, 0, 0, 0]


def test_the_sources_add_up_whatever_the_paths():
    random = np.random.default_rng(0)
    table = []
    for seed in range(20):
        share = random.uniform(0.1, 0.5, (2, 2))
        skill = random.uniform(0, 1, (2, 2))
        right = (share * skill).sum(axis=1) + random.uniform(0, 0.1, 2)
        then, now = ((right[i], *share[i], *(share * skill)[i]) for i in (0, 1))
        table += rows(then, now, seed, "held_out")
    found = changes_by_source(pd.DataFrame(table), items="held_out")
    assert np.allclose(found[list(SOURCES)].sum(axis=1), found["change"])
    assert (found[found.step == 8].change.abs() > 1e-3).all()


def test_moving_shares_alone_or_skill_alone():
    shares = changes_by_source(
        pd.DataFrame(rows((0.5, 0.5, 0.5, 0.4, 0.1), (0.68, 0.8, 0.2, 0.64, 0.04)))
    ).loc[1]
    assert shares[list(SOURCES)].tolist() == pytest.approx([0.18, 0, 0])
    skill = changes_by_source(pd.DataFrame(rows((0.5, 0.5, 0.5, 0.4, 0.1), (0.2, 0.5, 0.5, 0.1, 0.1)))).loc[1]
    assert skill[list(SOURCES)].tolist() == pytest.approx([0, -0.3, 0])


def test_other_items_are_refused():
    with pytest.raises(ValueError, match="items must be one of 'trained', 'held_out', got 'all'"):
        changes_by_source(pd.DataFrame(rows((1, 1, 1, 1, 1), (1, 1, 1, 1, 1))), items="all")


def test_both_readings_of_a_run_by_hand():
    run = KEYS | {"seed": 3}
    table = pd.DataFrame(
        [run | {"step": step, "held_out_right": right, "held_out_greedy": greedy}
         for step, right, greedy in ((0, 0.2, 0.0), (8, 0.15, 0.25))]
    )  # fmt: skip
    found = changes_by_reading(table, items="held_out").set_index("step")
    assert found.loc[0, ["sampled", "greedy"]].tolist() == [0, 0]
    assert found.loc[8, ["sampled", "greedy"]].tolist() == pytest.approx([-0.05, 0.25])
    with pytest.raises(ValueError, match="items must be one of 'trained', 'held_out', got 'all'"):
        changes_by_reading(table, items="all")


def test_another_base_moves_what_it_gained_from_elicitation_to_the_null_and_nothing_else():
    ends = {"frozen": 0.5, "random": 0.4, "matched": 0.45, "permuted": 0.2, "majority": 0.7, "true": 0.9}
    cell = {"prior": "p", "rate": "low", "step": 8}
    runs = [
        cell | {"arm": arm, "design": arm if arm == "frozen" else "d", "seed": seed, "trained_right": right}
        for arm, right in ends.items()
        for seed in range(2)
    ]
    wanted = {"random": [-10, 30, 20, 0], "matched": [-5, 25, 20, 5], "permuted": [-30, 50, 20, -20]}
    for base, terms in terms_by_base(pd.DataFrame(runs), prior="p", design="d").items():
        assert [terms[name][1] for name in ("null", "elicitation", "reward_design", "away")] == pytest.approx(
            wanted[base]
        )
