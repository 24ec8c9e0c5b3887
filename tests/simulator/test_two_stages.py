"""Two stages: draws by hand, coverage at nominal level, and how much peeking loses."""

import math
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from rlvr import GRPOConfig, StrategyFamily, TaskFamily, decompose, simulate
from rlvr.decomposition import TERMS
from rlvr.simulator import Tasks, two_stages
from rlvr.simulator.two_stages import FIRST_STAGE, Goal, known_covariates
from rlvr.stats.estimates import mean_interval

TINY, SHORT = TaskFamily(n_actions=4, n_prompts=6), GRPOConfig(n_steps=20, batch_size=4)


def test_draws_by_hand():
    """Four terms with standard deviation 1; t with 3 degrees of freedom is 3.18245 at 0.975."""
    first = np.array([0.0, 0.0, 0.0, 2.0])
    assert first.std(ddof=1) == 1.0
    goal = Goal(0.5, "naive")
    assert goal.draws_needed(first) == math.ceil((3.18245 / 0.5) ** 2) == 41
    assert Goal(0.4999, "naive").draws_needed(first) == 41 and Goal(0.49, "naive").draws_needed(first) == 43
    assert Goal(2.0, "naive").draws_needed(first) == 4  # never fewer than there are
    reached = goal.reached(np.concatenate([first, np.full(37, 1.0)]), 4)
    assert (reached.of, reached.precision, reached.first_draws, reached.added_draws) == ("naive", 0.5, 4, 37)
    assert reached.estimate.value == pytest.approx(39 / 41)
    assert (
        reached.half_width == pytest.approx(3.18245 / math.sqrt(41), rel=1e-5) and reached.half_width <= 0.5
    )
    assert (reached.estimate.n, reached.estimate.unit, reached.estimate.level) == (41, "task draw", 0.95)


def test_seeds_are_averaged_before_anything_else():
    runs = simulate(TINY, SHORT, n_tasks=3, n_seeds=2)
    expected = [
        np.mean(true - majority)
        for true, majority in zip(runs.arm("true"), runs.arm("majority"), strict=True)
    ]
    np.testing.assert_allclose(Goal(1.0, "reward_design").terms(runs), expected, rtol=1e-12)


def test_a_regression_by_hand():
    """Terms 1 + 2x with residuals ±1/2 that are orthogonal to x: (1, -1, -1, 1) / 2."""
    x = np.array([-1.5, -0.5, 0.5, 1.5])
    first = 1 + 2 * x + np.array([0.5, -0.5, -0.5, 0.5])
    goal = Goal(1.8, "naive")
    t_2, s = 4.30265, math.sqrt(1 / 2)  # two degrees of freedom are left of four
    assert goal.draws_needed(first, x[:, None]) == 4 and t_2 * s / 2 == pytest.approx(1.5212, rel=1e-4)
    reached = goal.reached(first, 4, x[:, None])
    assert (reached.estimate.value, reached.half_width) == (
        pytest.approx(1.0),
        pytest.approx(1.5212, rel=1e-4),
    )
    shifted = goal.reached(first, 4, x[:, None] + 1)  # the draws lie one above expectation: 1 / 4 + 1 / 5
    assert shifted.estimate.value == pytest.approx(1 - 2)
    assert shifted.half_width == pytest.approx(t_2 * s * math.sqrt(0.45), rel=1e-4)
    assert Goal(1.0, "naive").draws_needed(first, x[:, None]) == math.ceil(4 * 1.5212**2) == 10
    constant = np.ones((4, 1))  # what does not vary explains nothing
    assert Goal(1.0, "naive").draws_needed(first, constant) == Goal(1.0, "naive").draws_needed(first)


def test_a_known_term_needs_no_more():
    assert Goal(1e-9, "total").draws_needed(np.full(16, 0.25)) == 16
    assert Goal(1e-9, "total").reached(np.full(16, 0.25), 16).half_width == 0


@pytest.mark.parametrize("family", [TINY, StrategyFamily(n_prompts=8, offset_sd=0.5, n_tokens=2)])
@pytest.mark.parametrize("config", [SHORT, replace(SHORT, majority_labels="fixed")])
def test_the_extended_study_is_the_longer_study_bit_for_bit(family, config):
    asked = {"n_seeds": 3, "seed": 5, "keep_policies": True, "checkpoints": (0, 7)}
    first = simulate(family, config, n_tasks=16, **asked)
    target = (decompose(first).naive.high - decompose(first).naive.low) / 4
    found = simulate(family, config, n_tasks=16, precision=target, of="naive", **asked)
    assert found.n_tasks == len(found.tasks.correct if family is TINY else found.tasks.offsets) > 48
    assert (found.reached.first_draws, found.reached.added_draws) == (16, found.n_tasks - 16)
    assert 0.9 * target < found.reached.half_width <= target
    longer = simulate(family, config, n_tasks=found.n_tasks, **asked)
    assert longer.reached is None
    for name in ("curves", "policies", "share_curves", "clipped", "logits"):
        if getattr(longer, name) is not None:
            np.testing.assert_array_equal(getattr(found, name), getattr(longer, name))
    assert found.reached.estimate.value == pytest.approx(decompose(longer).naive.value, rel=1e-12)


def test_each_study_of_a_list_gets_the_draws_it_needs():
    families = [replace(TINY, prior_strength=strength) for strength in (0.2, 0.5, 0.9)]
    found = simulate(families, SHORT, n_tasks=16, n_seeds=1, precision=0.0004, of="total")
    alone = [
        simulate(family, SHORT, n_tasks=16, n_seeds=1, precision=0.0004, of="total") for family in families
    ]
    assert [runs.reached for runs in found] == [runs.reached for runs in alone]
    for runs, other in zip(found, alone, strict=True):
        np.testing.assert_array_equal(runs.curves, other.curves)
    assert len({runs.n_tasks for runs in found}) == 3
    assert all(runs.reached.half_width <= 0.0004 for runs in found)


def test_a_first_stage_that_is_enough_stays_alone():
    runs = simulate(TINY, SHORT, n_seeds=2, precision=0.5, of="null")
    assert (runs.n_tasks, runs.reached.added_draws) == (FIRST_STAGE, 0) == (64, 0)
    expected = decompose(runs).null
    assert (runs.reached.estimate.low, runs.reached.estimate.high) == pytest.approx(
        (expected.low, expected.high)
    )


SPREAD = TaskFamily(n_actions=4, n_prompts=6, n_correct=2, prior_spread=0.4)


@pytest.mark.parametrize(
    ("family", "config", "of", "n_columns"),
    [
        (TINY, SHORT, "elicitation", 2),
        (TINY, SHORT, "reward_design", 2),
        (TINY, SHORT, "naive", 0),
        (TINY, replace(SHORT, tie_break="uniform"), "elicitation", 0),
        (TINY, replace(SHORT, majority_labels="fixed"), "elicitation", 0),
        (replace(TINY, format_strength=0.0), SHORT, "elicitation", 0),
        (replace(TINY, n_correct=1), SHORT, "elicitation", 1),
        (SPREAD, SHORT, "naive", 2),
        (SPREAD, SHORT, "reward_design", 4),
        (SPREAD, SHORT, "null", 0),
        (StrategyFamily(n_prompts=8), SHORT, "naive", 0),
    ],
)
def test_what_is_known_of_a_draw_has_expectation_zero(family, config, of, n_columns):
    """Exactly: the mean of 4,000 draws lies within 4 standard errors, for each covariate."""
    known = known_covariates(family, config, of, family.sample(4000, seed=3))
    assert known.shape == (4000, n_columns)
    assert (np.abs(known.mean(axis=0)) < 4 * known.std(axis=0) / math.sqrt(4000)).all()
    assert (known.std(axis=0) > 0.01).all()


def test_covariates_by_hand():
    """Two prompts, correct answers 0 and 2: the format answer at 1 has one below it, at 3 both."""
    prior = np.array([[[0.2, 0.5, 0.2, 0.1], [0.2, 0.1, 0.2, 0.5]]])
    correct = np.array([[[True, False, True, False]] * 2])
    known = known_covariates(TINY, SHORT, "elicitation", Tasks(prior, correct))
    np.testing.assert_allclose(known, [[1 - 2 / 3, (1 + 2) / 2 - 1]])


def test_what_is_known_saves_draws_and_moves_no_expectation():
    """Lowest ties near the crossover: a fifth of the draws or fewer, and the term that the plain mean has."""
    family, goal = TaskFamily(0.5, n_prompts=10), Goal(0.003, "reward_design")
    config = GRPOConfig(n_steps=200, batch_size=8)
    found = simulate(family, config, n_seeds=8, seed=1, precision=goal.precision, of=goal.of)
    plain = decompose(found).reward_design
    assert 64 < found.n_tasks < goal.draws_needed(goal.terms(found)[:64]) / 5
    assert abs(found.reached.estimate.value - plain.value) < (plain.high - plain.low) / 2


def covered(intervals, truth):
    return np.mean([low <= truth <= high for low, high in intervals])


def peek(draws, target):
    """End as soon as the ordinary interval of all draws so far is short enough: the negative control."""
    n = np.arange(3, draws.size + 1)
    means = draws.cumsum()[2:] / n
    variances = ((draws**2).cumsum()[2:] - n * means**2) / (n - 1)
    halves = stats.t.ppf(0.975, n - 1) * np.sqrt(variances / n)
    end = (halves <= target).argmax()
    assert halves[end] <= target
    return means[end] - halves[end], means[end] + halves[end]


def test_two_stages_cover_normal_draws_exactly_and_peeking_does_not():
    """Unit of replication: the study. The band is where 998 of 1,000 such counts fall if coverage is 0.95."""
    rng, n_studies = np.random.default_rng(7), 3000
    low, high = stats.binom.interval(0.998, n_studies, 0.95)
    goal, honest, peeked = Goal(0.35, "naive"), [], []
    for _ in range(n_studies):
        draws = rng.normal(0.5, 1.0, 400)
        n_draws = goal.draws_needed(draws[:16])
        estimate = goal.reached(draws[:n_draws], 16).estimate
        honest.append((estimate.low, estimate.high))
        peeked.append(peek(draws, 0.35))
    assert low <= n_studies * covered(honest, 0.5) <= high
    assert n_studies * covered(peeked, 0.5) < low
    assert covered(peeked, 0.5) < 0.93


def test_a_regression_covers_normal_draws_exactly():
    """Unit of replication: the study. Covariates explain three quarters of the variance."""
    rng, n_studies = np.random.default_rng(8), 2000
    goal, intervals, n_draws = Goal(0.3, "naive"), [], []
    for _ in range(n_studies):
        known = rng.exponential(1.0, (1000, 1)) - 1
        terms = 0.5 + math.sqrt(3) * known[:, 0] + rng.normal(0, 1, 1000)
        n = 16
        while (more := goal.draws_needed(terms[:16], known[:n])) > n:
            n = more
        estimate = goal.reached(terms[:n], 16, known[:n]).estimate
        intervals.append((estimate.low, estimate.high))
        n_draws.append(n)
    low, high = stats.binom.interval(0.998, n_studies, 0.95)
    assert low <= n_studies * covered(intervals, 0.5) <= high
    assert np.mean(n_draws) < 0.4 * 4 * (stats.t.ppf(0.975, 15) / 0.3) ** 2


@pytest.mark.slow
@pytest.mark.parametrize(
    ("family", "of", "target", "n_studies"),
    [(TINY, "naive", 0.001, 400), (TINY, "elicitation", 0.0018, 400), (SPREAD, "total", 0.0007, 150)],
)
def test_two_stages_cover_trained_studies(family, of, target, n_studies):
    """Unit of replication: the study, by its seed. The truth: other draws, fifteen times finer."""
    config, arms = SHORT, TERMS[of]
    fine = {"arms": arms, "n_tasks": 2000, "n_seeds": 1, "precision": target / 15, "of": of}
    exact = simulate(family, config, seed=10**6, **fine)
    truth = exact.reached.estimate.value
    plain = mean_interval(exact.arm(arms[0])[:, 0] - exact.arm(arms[1])[:, 0], level=0.999)
    assert plain.low < truth < plain.high  # the regression aims where the mean does
    asked = {"arms": arms, "n_tasks": 16, "n_seeds": 1, "precision": target, "of": of}
    found = [simulate(family, config, seed=seed, **asked).reached for seed in range(n_studies)]
    low, high = stats.binom.interval(0.998, n_studies, 0.95)
    assert low <= n_studies * covered([(f.estimate.low, f.estimate.high) for f in found], truth) <= high
    assert np.mean([f.added_draws > 0 for f in found]) > 0.9


@pytest.mark.parametrize(
    ("asked", "error", "said"),
    [
        ({"precision": 0.0, "of": "naive"}, ValueError, r"precision must be a number above 0, got 0\.0"),
        ({"precision": "fine", "of": "naive"}, TypeError, "precision must be a number above 0, got 'fine'"),
        ({"precision": 0.1}, TypeError, "of must be one of 'null', 'elicitation', .*, got None"),
        ({"precision": 0.1, "of": "gain"}, ValueError, "of must be one of 'null', .*'total', got 'gain'"),
        ({"of": "naive"}, ValueError, "of must be None unless precision is stated, got 'naive'"),
        (
            {"precision": 0.1, "of": "naive", "arms": ("true",)},
            ValueError,
            r"arms must include true and random for of='naive', got \('true',\)",
        ),
        (
            {"precision": 0.1, "of": "naive", "n_tasks": 15},
            ValueError,
            "n_tasks must be an integer of at least 16, the first stage, where precision is stated, got 15",
        ),
        (
            {"precision": 0.1, "of": "naive", "tasks": TINY.sample(16)},
            ValueError,
            "tasks must be None where precision adds task draws",
        ),
    ],
)
def test_what_is_refused(asked, error, said):
    with pytest.raises(error, match=said):
        simulate(TINY, SHORT, **asked)


def test_a_precision_out_of_reach_is_refused_with_one_within(monkeypatch):
    monkeypatch.setattr(two_stages, "_MOST", 100)
    first = np.array([0.0, 0.0, 0.0, 2.0])
    with pytest.raises(
        ValueError,
        match=r"precision must be at least 0\.32 for naive to take 100 task draws or fewer here, got 0\.1, "
        "which takes 1,013",
    ):
        Goal(0.1, "naive").draws_needed(first)
    assert Goal(0.32, "naive").draws_needed(first) == 99
    assert set(TERMS) >= {"reward_design", "total"}
