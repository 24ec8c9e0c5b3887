"""Chapters 2 and 8: the published RANDOM runs, counted and read both ways, from the stored curves."""

import functools
import itertools

import numpy as np
import pandas as pd
from quoted import BOOK_DATA, DATA, assert_quoted, holds, quotes
from scipy import stats

CHAPTER = "08-coin-flip"
STEPS = [f"step_{step}" for step in range(81)]
CLIPPED, FREE = "8 updates, clipping", "8 updates, no clipping"
BASE = 49.4


@functools.cache
def curves():
    return pd.read_csv(DATA / "repeated_runs.csv")


def runs(design, benchmark="MATH-500"):
    """Curves (run, step) of the runs that were published singly."""
    table = curves().query("design == @design and benchmark == @benchmark and runs_averaged == 1")
    return table[STEPS].to_numpy(float)


def end(curve):
    """The mean of a run's last ten evaluations."""
    return curve[~np.isnan(curve)][-10:].mean()


def ends(design, benchmark="MATH-500"):
    return np.array([end(curve) for curve in runs(design, benchmark)])


def averages():
    """Runs behind each published average, and where it ends."""
    table = curves().query("benchmark == 'MATH-500' and runs_averaged > 1")
    assert set(table.design) == {FREE}
    return {int(row.runs_averaged): end(row[STEPS].to_numpy(float)) for _, row in table.iterrows()}


def mean_over_all(*designs):
    """Runs, mean over all of them, its variance and degrees of freedom; spreads are those of single runs.

    The variance of each design's mean, and so of the mean of all runs, is that of its single runs
    (Satterthwaite's degrees of freedom).
    """
    count, total, parts, free = 0, 0.0, [], []
    for design in designs:
        single, hidden = ends(design), averages() if design == FREE else {}
        n = single.size + sum(hidden)
        count, total = count + n, total + single.sum() + sum(size * value for size, value in hidden.items())
        parts.append(n * single.var(ddof=1))
        free.append(single.size - 1)
    parts = np.array(parts) / count**2
    return count, total / count, parts.sum(), parts.sum() ** 2 / (parts**2 / free).sum()


def interval(value, variance, free):
    half = stats.t.ppf(0.975, free) * np.sqrt(variance)
    return [value, value - half, value + half]


def t_interval(values):
    return interval(values.mean(), values.var(ddof=1) / values.size, values.size - 1)


def test_counts_and_ends_of_the_unclipped_runs():
    change = ends(FREE) - BASE
    above, near, below = change[change > 20], change[abs(change) <= 20], change[change < -20]
    assert near.size == 1 and (curves().query("benchmark == 'MATH-500'").step_0 == BASE).all()
    assert_quoted(
        CHAPTER,
        {
            "base": BASE,
            "n_singles": change.size,
            "n_eight": change.size + sum(averages()),
            "n_far_above": above.size,
            "far_above": above.min(),
            "n_near": near.size,
            "near": near[0],
            "n_far_below": below.size,
            "far_below": -below.max(),
            "eight_single": change.mean(),
            "average_four": averages()[4],
            "average_three": averages()[3],
        },
    )


def test_counts_and_ends_of_the_clipped_runs():
    change = ends(CLIPPED) - BASE
    assert (change > 0).all() and change.size == 5
    assert_quoted(
        CHAPTER,
        {
            "clipped_least": change.min(),
            "clipped_most": change.max(),
            "clipped_sd": change.std(ddof=1),
            "repeat_mean": change.mean(),
            "repeat_gain": t_interval(change),
        },
    )


def test_means_over_all_unclipped_runs():
    designs = [name for name in dict.fromkeys(curves().design) if name != CLIPPED]
    count, mean, *rest = mean_over_all(*designs)
    everyone = interval(mean - BASE, *rest)
    _, eight, *eight_rest = mean_over_all(FREE)
    assert_quoted(
        CHAPTER,
        {
            "n_unclipped": count,
            "all_unclipped": everyone,
            "eight": interval(eight - BASE, *eight_rest),
            "largest_drift": max(-everyone[1], everyone[2]),
        },
    )


def test_clipped_minus_unclipped():
    clipped, (n_free, free, free_variance, _) = ends(CLIPPED), mean_over_all(FREE)
    variances = np.array([clipped.var(ddof=1) / clipped.size, free_variance])
    welch = variances.sum() ** 2 / (variances**2 / (clipped.size - 1, ends(FREE).size - 1)).sum()
    pool, size = np.r_[clipped, ends(FREE)], clipped.size
    picks = np.array(list(itertools.combinations(range(pool.size), size)))
    sums = pool[picks].sum(axis=1)
    gaps = np.abs(sums / size - (pool.sum() - sums) / (pool.size - size))
    assert_quoted(
        CHAPTER,
        {
            "n_fair": n_free + size,
            "fair_all": interval(clipped.mean() - free, variances.sum(), welch),
            "fair": clipped.mean() - ends(FREE).mean(),
            "fair_p": (gaps >= gaps[0] - 1e-9).mean(),
        },
    )


def log_ratio(clipped, free):
    """Mean over rollout steps 1 to 75 of the log ratio of standard deviations."""
    with np.errstate(divide="ignore"):
        return np.log(free[:, 1:76].std(axis=0, ddof=1) / clipped[:, 1:76].std(axis=0, ddof=1)).mean()


def test_how_much_narrower_clipping_makes_the_walk():
    """A jackknife that leaves out whole runs, its bias taken off the interval and not off the ratio."""
    clipped, free = runs(CLIPPED), runs(FREE)
    ratio = log_ratio(clipped, free)
    left = [
        np.array([log_ratio(np.delete(clipped, i, 0), free) for i in range(len(clipped))]),
        np.array([log_ratio(clipped, np.delete(free, i, 0)) for i in range(len(free))]),
    ]
    bias = sum((x.size - 1) * (x.mean() - ratio) for x in left)
    variances = np.array([(x.size - 1) * x.var() for x in left])
    df = variances.sum() ** 2 / (variances**2 / [x.size - 1 for x in left]).sum()
    _, low, high = interval(ratio - bias, variances.sum(), df)
    assert_quoted(CHAPTER, {"quiet": np.exp([ratio, low, high])})


def test_a_bootstrap_of_whole_runs_excludes_one_as_well():
    """Another method, so no digits are held to it: whole runs drawn with replacement."""
    rng, clipped, free = np.random.default_rng(3), runs(CLIPPED), runs(FREE)
    drawn = [log_ratio(clipped[rng.integers(0, 5, 5)], free[rng.integers(0, 11, 11)]) for _ in range(1000)]
    low, high = np.exp(np.quantile([x for x in drawn if np.isfinite(x)], [0.025, 0.975]))
    assert 1 < low < 4.9 < high < 20


def test_the_smallest_p_value_that_shuffling_can_give():
    pool, size = np.r_[runs(CLIPPED), runs(FREE)][:, 1:76], 5
    seen, count, total = log_ratio(runs(CLIPPED), runs(FREE)), 0, 0
    for pick in itertools.combinations(range(len(pool)), size):
        chosen = np.isin(np.arange(len(pool)), pick)
        with np.errstate(divide="ignore"):
            value = np.log(pool[~chosen].std(axis=0, ddof=1) / pool[chosen].std(axis=0, ddof=1)).mean()
        count, total = count + (abs(value) >= seen - 1e-9), total + 1
    assert count == 1
    assert_quoted(CHAPTER, {"quiet_p": count / total})


def test_each_clipped_run_climbs():
    slopes = np.array([np.polyfit(np.arange(76), curve[:76], 1)[0] for curve in runs(CLIPPED)])
    assert_quoted(CHAPTER, {"slope": t_interval(slopes), "rising": (slopes > 0).sum()})


def test_greedy_and_sampled_changes_go_together():
    """MATH-500 was read greedily, AMC by sampling; all start from one model, its AMC starts averaged."""
    designs = list(dict.fromkeys(curves().design))
    start = np.concatenate([runs(design, "AMC")[:, 0] for design in designs]).mean()
    greedy = {design: ends(design) - BASE for design in designs}
    sampled = {design: ends(design, "AMC") - start for design in designs}
    x, y = (np.concatenate(list(each.values())) for each in (greedy, sampled))
    line = stats.pearsonr(x, y)
    assert_quoted(
        CHAPTER,
        {
            "n_read": x.size,
            "together": [line.statistic, *line.confidence_interval()],
            "line_slope": stats.linregress(x, y).slope,
            "one_direction": (x * y > 0).sum(),
            "clipped_greedy": t_interval(greedy[CLIPPED]),
            "clipped_sampled": t_interval(sampled[CLIPPED]),
        },
    )
    for design in designs:  # not the low ends alone make the correlation
        assert stats.pearsonr(greedy[design], sampled[design]).statistic > 0.9


def test_the_audited_run_is_the_best_of_the_five():
    """Chapter 2: up to step 80 its evaluations are those of the fourth repeat, the highest there."""
    table = pd.read_csv(BOOK_DATA / "curves.csv").query("model == 'Qwen2.5-Math-7B'")
    audited = table.query("benchmark == 'MATH-500' and step <= 80").sort_values("step").random.to_numpy()
    same = [bool((audited == curve).all()) for curve in runs(CLIPPED)]
    assert same == [False, False, False, True, False]
    assert ends(CLIPPED).argmax() == 3
    sampled = table.query("benchmark == 'AMC' and step <= 80").sort_values("step").random.to_numpy()
    assert np.abs(sampled - runs(CLIPPED, "AMC")[3]).max() < 0.011
    text = (DATA.parent.parent / "chapters" / "02-spurious-rewards.md").read_text()
    assert "The audited run is the fourth of these five" in text
    assert "at 66.4, 63.3, 68.7, 69.8 and 53.5%" in text
    assert [f"{value:.1f}" for value in ends(CLIPPED)] == ["66.4", "63.3", "68.7", "69.8", "53.5"]


def test_spread_of_the_five_runs():
    """Chapters 2 and 12: standard deviation of five ends (chi-squared), and the five repeats' null."""
    sd, n = ends(CLIPPED).std(ddof=1), 5
    low, high = sd * np.sqrt((n - 1) / stats.chi2.ppf([0.975, 0.025], n - 1))
    assert_quoted(
        "02-spurious-rewards", {"sd_runs": [sd, low, high], "null_five": t_interval(ends(CLIPPED) - BASE)}
    )
    assert_quoted("12-your-model", {"published_sd": sd, "published_low": low, "published_high": high})
    assert_quoted("12-your-model", {"repeats_mean": ends(CLIPPED).mean()})
    assert_quoted("12-your-model", {"unclipped_ratio": ends(FREE).std(ddof=1) / sd})


def test_means_and_spreads_along_the_way():
    text, counted = quotes(CHAPTER), []
    for place, design in enumerate(dict.fromkeys(curves().design)):
        more = curves().query("design == @design and benchmark == 'MATH-500' and runs_averaged > 1")
        sizes = np.r_[np.ones(len(runs(design))), more.runs_averaged]
        for step in (5, 10, 20, 40, 75):
            single = runs(design)[:, step]
            mean = np.average(np.r_[single, more[f"step_{step}"]], weights=sizes)
            assert holds(text[f"at_{place}_{step}"], mean, single.std(ddof=1)), (design, step)
        counted.append(int(text[f"runs_{place}"]))
        assert counted[-1] == sizes.sum()
    assert counted[0] == 5 and sum(counted) - 5 == int(text["n_unclipped"])
