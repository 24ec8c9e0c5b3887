"""How far whole runs spread: plain formulas, shuffling, and how often the interval covers."""

import math

import numpy as np
import pytest
from scipy import stats

from book.whole_runs import compare_whole_runs, geometric_deviation_ratio, whole_run_ratio
from rlvr.experiments.coin_flip_models import BEST, models, stored_model_runs
from rlvr.published_runs import DESIGNS, published_run_curves

CLIPPED, UNCLIPPED, LARGE, SMALL = DESIGNS


def test_the_quiet_is_that_of_whole_runs_and_the_most_extreme_of_all_shufflings():
    ratio, p = compare_whole_runs()
    clipped, other = (published_run_curves().loc[design, 1:75].std(ddof=1) for design in (CLIPPED, UNCLIPPED))
    assert ratio == pytest.approx(math.exp(np.log(other / clipped).mean()))
    assert p == pytest.approx(1 / math.comb(16, 5))
    assert compare_whole_runs(benchmark="AMC")[1] == p
    # The control: two designs of one update do not differ.
    assert compare_whole_runs(LARGE, SMALL)[1] > 0.2


def test_the_ratio_has_an_interval_over_runs():
    found = whole_run_ratio()
    assert found.value == pytest.approx(compare_whole_runs()[0]) and (found.n, found.unit) == (
        16,
        "training run",
    )
    assert (found.low, found.high) == pytest.approx((2.15, 9.50), abs=0.005)
    assert whole_run_ratio(level=0.8).low > found.low > 1
    control = whole_run_ratio(LARGE, SMALL)
    assert control.low < 1 < control.high
    assert whole_run_ratio(steps=(40, 75)).value != found.value


def test_the_jackknife_by_hand():
    groups = [published_run_curves().loc[design].loc[:, 1:75].to_numpy() for design in (CLIPPED, UNCLIPPED)]
    centre, variances = 0.0, []
    for sign, group in zip((-1, 1), groups, strict=True):

        def theta(runs):
            return np.log(runs.std(axis=0, ddof=1)).mean()

        n, seen = len(group), theta(group)
        pseudo = np.array([n * seen - (n - 1) * theta(np.delete(group, k, 0)) for k in range(n)])
        centre += sign * pseudo.mean()  # the mean pseudovalue is the estimate less its bias
        variances.append(pseudo.var(ddof=1) / n)
    freedom = sum(variances) ** 2 / (variances[0] ** 2 / 4 + variances[1] ** 2 / 10)
    half = stats.t.ppf(0.975, freedom) * sum(variances) ** 0.5
    found = geometric_deviation_ratio(*groups)
    assert (found.low, found.high) == pytest.approx((math.exp(centre - half), math.exp(centre + half)))


def test_the_interval_agrees_with_shufflings_of_scaled_runs():
    """A ratio in the interval, put into the clipped runs, is not rejected; one well outside is."""
    clipped, other = (
        (lambda runs: runs - np.median(runs, axis=0))(
            published_run_curves().loc[design].loc[:, 1:75].to_numpy()
        )
        for design in (CLIPPED, UNCLIPPED)
    )
    rng, found = np.random.default_rng(0), whole_run_ratio()

    def p(ratio):
        runs = np.concatenate([ratio * clipped, other])
        orders = [np.arange(16), *(rng.permutation(16) for _ in range(999))]
        logs = [
            np.log(runs[order[5:]].std(0, ddof=1) / runs[order[:5]].std(0, ddof=1)).mean() for order in orders
        ]
        return 2 * min(np.mean(np.array(logs) >= logs[0]), np.mean(np.array(logs) <= logs[0]))

    assert p(0.8 * found.low) < 0.05 and p(1.3 * found.high) < 0.05
    assert all(p(ratio) > 0.05 for ratio in (1.2 * found.low, found.value, 0.8 * found.high))


def walks(rng, n):
    return rng.standard_normal((n, 75)).cumsum(axis=1)


def uneven(rng, n):
    """Walks whose own spreads differ from run to run."""
    return walks(rng, n) * np.sqrt(4 / rng.chisquare(4, n))[:, None]


def heaps(rng, n):
    """Walks that end in one of two heaps."""
    return 100 / (1 + np.exp(-0.35 * walks(rng, n)))


def coverage(draw_first, draw_second, truth, n=600):
    found = [geometric_deviation_ratio(draw_first(), draw_second()) for _ in range(n)]
    return np.mean([each.low < truth < each.high for each in found])


@pytest.mark.parametrize(("first", "second"), [(walks, walks), (uneven, uneven), (walks, heaps)])
def test_the_interval_covers_for_simulated_walks(first, second):
    rng = np.random.default_rng(1)
    many = [np.log(draw(rng, 20_000).std(axis=0, ddof=1)).mean() for draw in (first, second)]
    found = coverage(lambda: first(rng, 5), lambda: second(rng, 11), math.exp(many[1] - many[0]))
    assert 0.92 < found < 0.99


def test_the_interval_covers_for_models_of_the_runs_and_less_where_few_stray_far():
    rng, found = np.random.default_rng(2), {}
    for model in models():
        clipped, other = (stored_model_runs(model, design) for design in (CLIPPED, UNCLIPPED))
        truth = np.exp(np.log(other.std(0, ddof=1) / clipped.std(0, ddof=1)).mean())
        found[model] = coverage(
            lambda runs=clipped: runs[rng.choice(200, 5, False)],
            lambda runs=other: runs[rng.choice(200, 11, False)],
            truth,
        )
    assert found[BEST] > 0.94 and 0.82 < min(found.values()) < 0.92


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda: compare_whole_runs(steps=(0, 75)), r"steps\[0\] must be a rollout step from 1 to 75, got 0"),
        (lambda: whole_run_ratio(steps=(9, 8)), r"steps\[1\] must be a rollout step from 9 to 75, got 8"),
        (lambda: whole_run_ratio("clipped"), "design must be one of"),
        (lambda: geometric_deviation_ratio(np.ones((2, 3)), np.eye(3)), "first must be at least 3 runs"),
        (
            lambda: geometric_deviation_ratio(np.eye(3), np.ones((4, 3))),
            "second must be at least 3 runs .* got .4, 3.",
        ),
        (lambda: geometric_deviation_ratio(np.eye(3), np.eye(3), level=0.0), "level must be"),
    ],
)
def test_refusals(wrong, message):
    with pytest.raises(ValueError, match=message):
        wrong()
