"""The published repeats: counts, grids, ends, and what the sources print of them."""

import numpy as np
import pytest

from rlvr.published_runs import DESIGNS, published_repeats, published_run_curves


def test_31_single_runs_and_two_averages_on_each_benchmark():
    for benchmark in ("MATH-500", "AMC"):
        curves = published_run_curves(benchmark)
        assert curves.groupby(level="design").size().to_dict() == dict(
            zip(DESIGNS, (5, 11, 9, 6), strict=True)
        )
        assert list(curves.columns) == list(range(81))
        averages = published_run_curves(benchmark, averages=True)
        assert averages.index.get_level_values("runs_averaged").tolist() == [4, 3]
    assert published_run_curves("MATH-500").notna().sum().sum() == 31 * 81 - 8
    assert published_run_curves("AMC").notna().sum().sum() == 31 * 81 - 4


@pytest.mark.parametrize(("benchmark", "answers", "to"), [("MATH-500", 500, 1e-9), ("AMC", 664, 0.0333)])
def test_every_evaluation_lies_on_the_grid_of_its_questions(benchmark, answers, to):
    right = published_run_curves(benchmark).stack().dropna().to_numpy() / 100 * answers
    assert np.abs(right - right.round()).max() < to  # AMC is given to 0.01 points: 0.005% of 664
    # The control: no other small number of answers fits.
    wrong = right / answers * (answers - 7)
    assert np.abs(wrong - wrong.round()).max() > 0.4


def test_the_grid_of_the_averages_says_how_many_runs_they_average():
    for runs, (_, curve) in zip((4, 3), published_run_curves(averages=True).iterrows(), strict=True):
        off = {n: np.abs(curve / 100 * 500 * n - (curve / 100 * 500 * n).round()).max() for n in range(1, 6)}
        assert min(off, key=off.get) == runs and off[runs] < 0.051
        assert min(off[n] for n in off if n != runs) > 0.2


def test_runs_start_at_the_base_and_have_the_same_number_on_both_benchmarks():
    assert set(published_run_curves()[0]) == {49.4}
    ends = published_repeats()
    both = ends[ends.runs_averaged == 1].pivot(
        index=["design", "run"], columns="benchmark", values="accuracy_percent_mean_last_10"
    )
    for _, design in both.groupby(level="design"):
        assert design.corr(method="spearman").iloc[0, 1] > 0.75


def test_end_points():
    ends = published_repeats().set_index(["benchmark", "design", "run"])
    one = ends.loc["MATH-500", "8 updates, no clipping", 1]
    assert (one.last_step, one.accuracy_percent_step_0, one.accuracy_percent_last) == (77, 49.4, 13.4)
    assert one.accuracy_percent_mean_last_10 == pytest.approx(17.04) and one.accuracy_percent_max == 70.6
    average = ends.loc["MATH-500", "8 updates, no clipping", 12]
    assert average.runs_averaged == 4 and average.accuracy_percent_mean_last_10 == pytest.approx(
        44.81, abs=0.01
    )
    assert len(ends) == 66


def test_an_unknown_benchmark_is_refused():
    with pytest.raises(ValueError, match="benchmark must be one of 'MATH-500', 'AMC', got 'AIME24'"):
        published_run_curves("AIME24")


def test_readers_hand_out_copies():
    for reader in (published_repeats, published_run_curves):
        changed = reader()
        changed.iloc[:, -1] = changed.iloc[0, -1]
        assert reader().iloc[:, -1].nunique() > 1
