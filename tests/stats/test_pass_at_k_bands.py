"""pass@k of counts against all choices of samples, and bands against known truths."""

import itertools

import numpy as np
import pytest
from scipy import stats

from rlvr.stats import pass_at_k_bands
from rlvr.stats.pass_at_k_bands import pass_at_k_curve, pass_at_k_of_items, sign_changes, simultaneous_band
from tests.stats.pass_at_k_world import CONTRASTS, counts, exact


@pytest.mark.parametrize("n", [1, 2, 5, 7])
def test_pass_at_k_is_the_fraction_of_choices_that_hold_a_right_sample(n):
    for right in range(n + 1):
        samples = [True] * right + [False] * (n - right)
        picks = [itertools.combinations(samples, k) for k in range(1, n + 1)]
        expected = [np.mean([any(pick) for pick in each]) for each in picks]
        assert pass_at_k_of_items(right, n, range(1, n + 1)) == pytest.approx(expected, abs=1e-14)


def test_items_may_differ_in_their_samples_and_the_curve_is_their_mean():
    right, samples = [[1, 3], [0, 16]], [[4, 5], [64, 16]]
    values = pass_at_k_of_items(right, samples, [1, 2, 4])
    assert values.shape == (2, 2, 3)
    assert values[1, 1].tolist() == [1, 1, 1] and values[1, 0].tolist() == [0, 0, 0]
    assert pass_at_k_curve(right, samples, 4)[[0, 1, 3]] == pytest.approx(values.mean(axis=(0, 1)))


def test_it_is_unbiased_for_the_closed_form():
    generator, ks = np.random.default_rng(3), [1, 8, 64]
    estimates = pass_at_k_of_items(counts(generator, 40_000, 70), 70, ks)
    error = estimates.std(axis=1) / 200
    assert (np.abs(estimates.mean(axis=1) - exact(ks)) < 4 * error).all()


@pytest.mark.parametrize(
    ("right", "samples", "ks", "names"),
    [
        ([0, 1], [1, 5], [1, 5], "1 of 2 have fewer, the fewest 1"),
        ([3], [2], [1], "n_right"),
        ([0.5], [2], [1], "whole"),
        ([1], [2], [2, 1], "increasing"),
        ([1], [2], [], "increasing"),
        ([1], [2], [0], "at least 1"),
    ],
)
def test_counts_that_do_not_fit_are_refused(right, samples, ks, names):
    with pytest.raises((ValueError, TypeError), match=names):
        pass_at_k_of_items(right, samples, ks)


def test_one_contrast_is_students_interval_with_agresti_and_mins_items():
    generator = np.random.default_rng(5)
    arms = generator.integers(0, 2, (2, 80, 1)).astype(float)
    band = simultaneous_band(arms, [[-1, 1]], paired=True)
    difference = (arms[1] - arms[0]).ravel()
    n, squares = 80, ((difference - difference.mean()) ** 2).sum() + 1
    half = stats.t.ppf(0.975, 79) * np.sqrt(squares / ((n + 1) * (n + 2)))
    assert (band.high - band.low).item() / 2 == pytest.approx(half, rel=0.01)


def test_arms_apart_are_welchs_variances_and_may_differ_in_size():
    arms = [np.repeat([0.0, 1.0], 400)[:, None], np.repeat([0.0, 1.0], 300)[:, None]]
    band = simultaneous_band(arms, [[-1, 1]], paired=False)
    half = 1.96 * np.sqrt(0.25 / 800 + 0.25 / 600)
    assert (band.high - band.low).item() / 2 == pytest.approx(half, rel=0.02)


def test_more_numbers_widen_the_band_and_the_same_arguments_give_the_same_bits():
    values = pass_at_k_of_items(counts(np.random.default_rng(1), 50, 64), 64, [1, 8, 64])
    one = simultaneous_band(values[..., :1], CONTRASTS[:1], paired=True)
    many, again = (simultaneous_band(values, CONTRASTS, paired=True) for _ in range(2))
    assert one.critical < many.critical < stats.t.ppf(1 - 0.025 / 15, 49)
    assert many.low.tobytes() == again.low.tobytes() and many.high.tobytes() == again.high.tobytes()
    assert simultaneous_band(values, CONTRASTS, paired=True, level=0.8).critical < many.critical


def test_arms_that_never_differ_are_not_known_to_be_equal():
    band = simultaneous_band(np.ones((2, 30, 2)), [[-1, 1]], paired=True)
    assert (band.value == 0).all() and (band.low < -0.05).all() and (band.high > 0.05).all()


@pytest.mark.parametrize("sizes", [(1, 1), (3, 4)])
def test_too_few_items_or_unlike_ones_are_refused(sizes):
    with pytest.raises(ValueError, match="items"):
        simultaneous_band([np.ones((n, 1)) for n in sizes], [[-1, 1]], paired=True)


@pytest.mark.parametrize("n_items", [30, 200])
def test_the_band_holds_all_terms_as_often_as_it_says(n_items, monkeypatch):
    monkeypatch.setattr(pass_at_k_bands, "_DRAWS", 4000)
    ks, n_studies, truth = (1, 8, 64), 150, np.array(CONTRASTS) @ exact((1, 8, 64))
    held = 0
    for seed in range(n_studies):
        values = pass_at_k_of_items(counts(np.random.default_rng([seed, 8]), n_items, 128), 128, ks)
        band = simultaneous_band(values, CONTRASTS, paired=True)
        held += bool(((band.low <= truth) & (truth <= band.high)).all())
    assert held / n_studies > 0.95 - 3 * np.sqrt(0.95 * 0.05 / n_studies)


@pytest.mark.parametrize(
    ("curve", "low", "high", "expected"),
    [
        ([1, 1, 1], [0.5, 0.5], [2, 2], []),
        ([-1, 1, 1], [-2, 0.5], [-0.5, 2], [(1, 2, True, True, True)]),
        ([1, 0, 1], [0.5, 0.5], [2, 2], []),
        ([0, 0, 0], [-1, -1], [1, 1], []),
        ([0, -1, 1], [-1, -1], [1, 2], [(2, 3, True, False, False)]),
        ([1, -1, 1], [0.5, 0.5], [2, 2], [(1, 2, False, True, False), (2, 3, True, False, True)]),
        ([1, 1e-15, -1], [0.5, -2], [2, 1], [(1, 3, False, True, False)]),
    ],
)
def test_signs_change_between_the_ks_that_have_them(curve, low, high, expected):
    found = sign_changes(curve, [1, 3], low, high)
    assert [(c.last, c.first, c.rises, c.shown_before, c.shown_after) for c in found] == expected
