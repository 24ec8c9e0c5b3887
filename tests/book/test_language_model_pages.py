"""The pretrained model on a page: its priors, what is predicted for them, and its logs."""

import json

import matplotlib.pyplot as plt
import pytest

from book.language_model_pages import draw_pairs, predicted_drifts, prior_of, trained_weights, write_logs
from book.network_changes import changes_by_source
from language_model.items import FAMILIES, STYLES
from rlvr.experiments.language_model_runs import language_model_items, language_model_paths
from rlvr.logs import read_logs


@pytest.mark.parametrize("family", FAMILIES)
def test_a_prior_weighs_trained_and_held_out_questions_by_their_number(family):
    trained, held_out = FAMILIES[family].split()
    assert len(trained) == 2 * len(held_out)
    start = language_model_paths().query("arm == 'frozen' and family == @family").iloc[0]
    digits, quoted = ((2 * start[f"trained_{style}"] + start[f"held_out_{style}"]) / 3 for style in STYLES)
    prior = prior_of(language_model_paths(), family)
    assert prior.share == pytest.approx(digits / (digits + quoted))
    assert prior.digits == pytest.approx(
        (2 * start["trained_right_digits"] + start["held_out_right_digits"]) / 3
    )


def test_the_symmetric_clip_is_predicted_to_push_towards_the_commoner_style():
    priors = {family: prior_of(language_model_paths(), family) for family in ("A", "B")}
    predicted = predicted_drifts(priors, step=0.14, n_runs=500)
    assert predicted["A", "clipped"].drift > 0 > predicted["B", "clipped"].drift
    assert predicted["A", "unclipped"].walk > 3 * predicted["A", "clipped"].walk


def test_without_a_clip_accuracy_is_lost_within_the_styles():
    paths = language_model_paths()
    sources = changes_by_source(
        paths[paths["arm"] == "random"],
        keys=("family", "design", "pair", "turned"),
        strategies={"digits": "from_digits", "quoted": "from_quoted"},
    ).query("design == 'unclipped' and step == 24")
    for _, family in sources.groupby("family"):
        assert family["within"].mean() < 3 * family["reweighting"].mean() < 0


def test_logs_are_read_back(tmp_path):
    logs = write_logs(language_model_items(), "B", tmp_path, n_runs=2)
    assert [arm for arm, _ in logs].count("true") == 2 and [arm for arm, _ in logs].count("frozen") == 1
    assert len(logs[0][1].read_text(encoding="utf-8").splitlines()) == len(FAMILIES["B"].pairs)
    table = read_logs(logs, benchmark="sums").table
    right = [json.loads(line)["correct"] for _, path in logs for line in path.read_text().splitlines()]
    assert table["correct"].sum() == sum(right) and table["item"].nunique() == 51


def test_weights_are_counted_as_the_model_has_them():
    """With 49,152 tied embeddings of width 576, SmolLM2-135M has 134,515,008 weights."""
    assert trained_weights(30, 576, 1536, 192) + 49_152 * 576 == 134_515_008


def test_a_pair_is_drawn_as_two_runs_around_its_mean():
    figure = draw_pairs(language_model_paths(), family="B")
    assert [axes.get_title() for axes in figure.axes] == ["clipped", "wider", "unclipped"]
    *runs, mean, zero = figure.axes[0].lines
    assert len(runs) == 32 and set(zero.get_ydata()) == {0}
    assert mean.get_ydata() == pytest.approx(sum(run.get_ydata() for run in runs) / 32)
    plt.close(figure)
