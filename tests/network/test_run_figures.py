"""What is drawn is what is stored."""

import matplotlib.pyplot as plt
import numpy as np
import pytest

from rlvr import decompose
from rlvr.network import draw_random_paths, draw_splits, network_paths


@pytest.fixture(autouse=True)
def closed():
    yield
    plt.close("all")


def test_every_run_and_every_mean_is_drawn():
    paths = network_paths()
    figure = draw_random_paths(paths, prior="middle", rates=("low", "middle"), chance=0.1)
    random = paths.query("arm == 'random' and prior == 'middle' and rate == 'low'")
    runs = random[random["design"].isin(["clipped", "unclipped"])].groupby(["design", "seed"]).ngroups
    assert len(figure.axes) == 6
    accuracy, share = figure.axes[0], figure.axes[2]
    assert len(accuracy.lines) == runs + 2 + 2 and len(share.lines) == runs + 2 + 1
    clipped = random[random["design"] == "clipped"].groupby("step")["trained_right"].mean()
    means = [line.get_ydata() for line in accuracy.lines if line.get_linewidth() == 2]
    assert np.allclose(means[1], clipped)
    assert accuracy.get_title() == "low rate" and accuracy.get_ylabel() == "accuracy"


def test_the_network_is_filled_and_predictions_are_open():
    arms = {"frozen": [0.4, 0.4], "random": [0.3, 0.4], "majority": [0.5, 0.7], "true": [0.9, 0.8]}
    network, table = decompose(**arms), decompose(**{arm: [0.1, 0.2] for arm in arms})
    figure = draw_splits({"weak prior": [network, table], "strong prior": [table]})
    first, second = figure.axes
    marks = [line for line in first.lines if line.get_marker() == "o"]
    assert [line.get_ydata()[0] for line in marks] == pytest.approx([-0.05, 0.25, 0.25, 0, 0, 0])
    assert [line.get_markerfacecolor() == "white" for line in marks] == [False] * 3 + [True] * 3
    assert (first.get_title(), second.get_title()) == ("weak prior", "strong prior")
