"""The network's changes taken apart by hand and adding up, and what is drawn of its runs."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from book.network_changes import (
    SOURCES,
    changes_by_reading,
    changes_by_source,
    draw_random_paths,
    draw_splits,
    terms_by_base,
)
from rlvr import decompose
from rlvr.experiments.network_runs import network_paths

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


@pytest.fixture(autouse=True)
def closed():
    yield
    plt.close("all")


def test_paths_have_a_column_a_rate_and_say_what_is_guessed():
    figure = draw_random_paths(network_paths(), prior="middle", rates=("low", "middle"), chance=0.1)
    assert figure.get_size_inches().tolist() == [7.6, 6.2]
    panels = np.array(figure.axes).reshape(3, 2)
    assert [axes.get_ylabel() for axes in panels[:, 0]] == ["accuracy", "share of c", "entropy, nats"]
    assert [axes.get_ylabel() for axes in panels[:, 1]] == [""] * 3
    assert [axes.get_title() for axes in panels.flat] == ["low rate", "middle rate"] + [""] * 4
    assert [axes.get_xlabel() for axes in panels.flat] == [""] * 5 + ["optimiser steps"]
    for row, n_dotted in zip(panels, (2, 1, 1), strict=True):
        for axes in row:
            assert {line.get_linewidth() for line in axes.lines} == {0.5, 1, 2}
            assert {line.get_alpha() for line in axes.lines if line.get_linewidth() == 0.5} == {0.4}
            dotted = [line for line in axes.lines if line.get_linestyle() == ":"]
            assert {line.get_linewidth() for line in dotted} == {1}
            assert len(dotted) == n_dotted
    random = network_paths().query("arm == 'random' and prior == 'middle' and rate == 'low'")
    random = random[random["design"].isin(["clipped", "unclipped"])]
    n_runs = random.groupby(["design", "seed"]).ngroups
    assert [len(axes.lines) for axes in panels[:, 0]] == [n_runs + 4, n_runs + 3, n_runs + 3]
    clipped = random[random["design"] == "clipped"].groupby("step")["trained_right"].mean()
    means = [line.get_ydata() for line in panels[0, 0].lines if line.get_linewidth() == 2]
    np.testing.assert_allclose(means[1], clipped)
    start = clipped[0]
    level = [line.get_ydata()[0] for line in panels[0, 0].lines if line.get_linestyle() == ":"]
    assert level == pytest.approx([start, 0.1])


def test_a_split_has_a_place_a_term_and_predictions_stand_to_its_right():
    arms = {"frozen": [0.4, 0.4], "random": [0.3, 0.4], "majority": [0.5, 0.7], "true": [0.9, 0.8]}
    network, table = decompose(**arms), decompose(**{arm: [0.1, 0.2] for arm in arms})
    figure = draw_splits({"weak prior": [network, table, table], "strong prior": [table]})
    assert figure.get_size_inches() == pytest.approx([7.6, 3.2])
    first, second = figure.axes
    marks = [line for line in first.lines if line.get_marker() in ("o", "s")]
    assert [line.get_marker() for line in marks] == ["o"] * 6 + ["s"] * 3
    assert [line.get_markerfacecolor() == "white" for line in marks] == [False] * 3 + [True] * 6
    assert [line.get_ydata()[0] for line in marks] == pytest.approx([-0.05, 0.25, 0.25, *[0] * 6])
    assert (first.get_title(), second.get_title()) == ("weak prior", "strong prior")
    places = [-0.2, 0.8, 1.8, 0, 1, 2, 0.2, 1.2, 2.2]
    assert [line.get_xdata()[0] for line in marks] == pytest.approx(places)
    ends = [line for line in first.lines if len(line.get_xdata()) == 2 and line.get_color() != "black"]
    assert [tuple(line.get_xdata()) for line in ends] == [pytest.approx((x, x)) for x in places]
    assert list(ends[1].get_ydata()) == pytest.approx([network.elicitation.low, network.elicitation.high])
    (zero,) = [line for line in first.lines if line.get_color() == "black"]
    assert (list(zero.get_ydata()), zero.get_linewidth()) == ([0, 0], 0.7)
    assert first.get_xlim() == (-0.5, 2.5) and first.get_xticks().tolist() == [0, 1, 2]
    names = [label.get_text() for label in first.get_xticklabels()]
    assert names == ["null", "elicitation", "reward\ndesign"]
    assert (first.get_ylabel(), second.get_ylabel()) == ("accuracy", "")
    assert first.get_shared_y_axes().joined(first, second)


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
