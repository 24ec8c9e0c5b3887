"""Joint tests of models: uniform under the truth, sharper than one test a design, and what the book says."""

import itertools

import numpy as np
import pytest
from scipy import stats

from book.joint_tests import (
    EVALUATION_SD,
    ROUNDING,
    choose_and_judge,
    group_distances,
    halve_runs,
    joint_misfit,
)
from rlvr.experiments.coin_flip_models import (
    BEST,
    N_RUNS,
    models,
    printed_runs,
    simulated_runs,
    stored_model_runs,
)
from rlvr.published_runs import DESIGNS
from rlvr.stats import holm

SIZES = (5, 11, 9, 6)
PUBLISHED = [printed_runs(design) for design in DESIGNS]


def walks(rng, n_runs, n_steps=7, step=3.0):
    return 50 + rng.normal(0, step, (n_runs, n_steps)).cumsum(axis=1)


def as_read(rng, runs):
    return runs + rng.normal(0, EVALUATION_SD, runs.shape)


def stored(model):
    return [stored_model_runs(model, design) for design in DESIGNS]


@pytest.fixture(scope="module")
def distances():
    return {model: group_distances(stored(model), PUBLISHED) for model in models()}


def test_a_distance_by_hand():
    rng = np.random.default_rng(0)
    simulated = np.tile([[40.0], [60.0]], (5000, 3))
    published = np.array([[50.0, 60.0, 50.0], [50.0, 60.0, 55.0], [54.0, 66.0, 58.0]])
    width = np.hypot(10, EVALUATION_SD)
    found = group_distances([simulated], [published], n_groups=3)
    assert found.shape == (4, 1, 3, 2)
    means = (published.mean(axis=0) - 50) ** 2 * 3 / width**2
    deviations = np.log(published.std(axis=0, ddof=1) / width) ** 2 * 4
    assert found[0, 0] == pytest.approx(np.stack([means, deviations], axis=-1), rel=0.2, abs=0.03)
    assert joint_misfit(found).total == pytest.approx(found[0].sum() / 3)
    same = group_distances([as_read(rng, simulated)], [np.full((3, 3), 50.0)], n_groups=1)[0, 0, :, 1]
    assert same == pytest.approx(np.log(ROUNDING / width) ** 2 * 4, rel=0.1)  # not infinite


def test_no_group_is_compared_with_moments_that_contain_it():
    """One run far off: a group that holds it lies far from the rest, and the rest is as narrow as without."""
    rng = np.random.default_rng(3)
    simulated = np.vstack([walks(rng, 40), np.full((1, 7), 500.0)])
    found = group_distances([simulated], [walks(rng, 5)], n_groups=400)[1:].sum(axis=(1, 2, 3))
    holds_it = found > 1000
    assert 0.05 < holds_it.mean() < 0.2  # 5 of 46


@pytest.mark.parametrize("shared", [False, True], ids=["designs apart", "runs shared by designs"])
def test_p_values_are_uniform_for_the_model_itself(shared):
    """Stored runs of one number share draws between designs; the published ones do not."""
    p_values = []
    for repeat in range(200):
        rng = np.random.default_rng(repeat)
        simulated = [walks(rng, 60)] * 4 if shared else [walks(rng, 60) for _ in SIZES]
        published = [as_read(rng, walks(rng, n)) for n in SIZES]
        p_values.append(joint_misfit(group_distances(simulated, published, n_groups=99, seed=repeat)).p_value)
    assert stats.kstest(p_values, "uniform").pvalue > 0.01
    assert 0.01 <= np.mean(np.array(p_values) <= 0.05) <= 0.1


def test_groups_are_drawn_in_each_design_on_their_own():
    rng = np.random.default_rng(4)
    one, published = walks(rng, 60), walks(rng, 9)
    drawn = group_distances([one, one], [published, published], n_groups=500)[1:].sum(axis=(2, 3))
    assert abs(np.corrcoef(drawn.T)[0, 1]) < 0.15


def test_small_misfits_of_all_designs_add_up_where_one_test_a_design_sees_none():
    """Each design off by one and a half standard errors: the joint test finds it more often than Holm."""
    joint, single = [], []
    for repeat in range(60):
        rng = np.random.default_rng(1000 + repeat)
        simulated = [walks(rng, 100) for _ in SIZES]
        published = [as_read(rng, walks(rng, n)) + 1.5 * 3 * np.sqrt(np.arange(1, 8) / n) for n in SIZES]
        found = group_distances(simulated, published, n_groups=199, seed=repeat)
        joint.append(joint_misfit(found).p_value)
        single.append(4 * min(joint_misfit(found[:, [d]]).p_value for d in range(4)))  # the least of Holm's
    rejected = [np.mean(np.array(p_values) <= 0.05) for p_values in (joint, single)]
    assert rejected[0] > rejected[1] + 0.1


def test_the_best_fitting_model_fails_the_joint_test_that_two_wider_ones_pass(distances):
    found = {model: joint_misfit(each) for model, each in distances.items()}
    assert min(found, key=lambda model: found[model].total) == BEST
    best = found[BEST]
    assert best.p_value + 4 * best.monte_carlo_error < 0.05
    passing = {model for model, each in found.items() if each.p_value > 0.05}
    assert passing == {"plain steps", "short tail"}
    for model in passing:  # farther from the published runs than the best, but their own runs differ more
        assert found[model].total > best.total and found[model].own_high > 1.5 * best.own_high
    single = holm({str(d): joint_misfit(distances[BEST][:, [d]]).p_value for d in range(4)})
    assert min(single.values()) > 0.05  # four tests, each allowed for, do not see it


def test_which_model_is_chosen_depends_on_the_designs_and_only_both_long_ones_choose_the_best(distances):
    names = list(DESIGNS)
    long = {names.index("8 updates, clipping"), names.index("8 updates, no clipping")}
    for size in (1, 2, 3):
        for some in itertools.combinations(range(4), size):
            part = np.zeros((4, 7), bool)
            part[list(some)] = True
            choice = choose_and_judge(distances, part)
            assert (choice.model == BEST) == (long <= set(some)) == (choice.p_value > 0.05)


def test_a_part_is_chosen_on_and_the_rest_is_judged_on():
    near, far = np.ones((3, 2, 4, 2)), np.ones((3, 2, 4, 2))
    near[0, 0], far[0, 0] = 0.1, 9.0  # design 0 chooses `near`
    near[0, 1] = 50.0  # which fails in design 1
    part = np.array([[True] * 4, [False] * 4])
    choice = choose_and_judge({"far": far, "near": near}, part)
    assert (choice.model, choice.p_value) == ("near", 1 / 3)
    found = joint_misfit(near, part)
    assert found.total == pytest.approx(0.2) and found.p_value == 1 and found.own_high == pytest.approx(2)
    assert found.monte_carlo_error == 0
    assert joint_misfit(near).monte_carlo_error == pytest.approx(np.sqrt(1 / 3 * 2 / 3 / 2))
    early = np.array([[True, False, False, False]] * 2)
    assert joint_misfit(near, early).total == pytest.approx(0.2 + 100)  # a mean over the steps that count


def test_halves_choose_the_truth_and_do_not_reject_it():
    rng = np.random.default_rng(6)
    simulated = {"wide": [walks(rng, 60, step=9.0) for _ in SIZES], "true": [walks(rng, 60) for _ in SIZES]}
    published = [as_read(rng, walks(rng, n)) for n in SIZES]
    choices = halve_runs(simulated, published, n_halvings=20, n_groups=99)
    assert len(choices) == 40 and {choice.model for choice in choices} == {"true"}
    assert np.mean([choice.p_value <= 0.05 for choice in choices]) < 0.3
    assert choices == halve_runs(simulated, published, n_halvings=20, n_groups=99)
    assert choices != halve_runs(simulated, published, n_halvings=20, n_groups=99, seed=1)


def test_a_half_is_never_judged_on_itself():
    """Two runs high and two low, and a model of either: whichever half chooses, the other contradicts it."""
    rng = np.random.default_rng(7)
    simulated = {"high": [walks(rng, 60) + 20], "low": [walks(rng, 60) - 20]}
    published = [np.vstack([walks(rng, 2) + 20, walks(rng, 2) - 20])]
    choices = halve_runs(simulated, published, n_halvings=30, n_groups=99)
    assert max(choice.p_value for choice in choices) <= 0.05
    assert {choice.model for choice in choices} == {"high", "low"}


@pytest.mark.parametrize(("model", "low", "high"), [("plain steps", 0.03, 0.12), ("short tail", 0.03, 0.15)])
def test_the_two_pass_narrowly_with_other_simulated_runs_too(model, low, high):
    fresh = [simulated_runs(model, design, n_runs=N_RUNS, seed=16)[:, 1:] for design in DESIGNS]
    assert low < joint_misfit(group_distances(fresh, PUBLISHED)).p_value < high


@pytest.mark.parametrize(
    ("simulated", "published", "message"),
    [
        ([], [], "the same designs, got 0 and 0"),
        ([np.ones((9, 3))], [np.ones((4, 3))] * 2, "the same designs, got 1 and 2"),
        ([np.ones((9, 3))], [np.ones((4, 2))], r"design 0: .* got shapes \(9, 3\) simulated and \(4, 2\)"),
        ([np.ones((9, 3))], [np.ones(3)], r"design 0: runs must be \(run, step\)"),
        ([np.ones((9, 3))], [np.ones((1, 3))], "at least 2 published and 2 simulated .* got 1 and 9"),
        ([np.ones((9, 3))], [np.full((4, 3), np.nan)], "design 0: a run has no value at a step"),
    ],
)
def test_refusals(simulated, published, message):
    with pytest.raises(ValueError, match=message):
        group_distances(simulated, published)


def test_halves_need_four_runs_and_counts_are_counted():
    runs, three = [np.ones((9, 3))], [np.ones((3, 3))]
    with pytest.raises(ValueError, match="at least 4 published"):
        halve_runs({"a model": runs}, three)
    for function in (halve_runs, group_distances):
        with pytest.raises(ValueError, match="n_groups must be an integer of at least 1"):
            function({} if function is halve_runs else runs, three, n_groups=0)
    with pytest.raises(ValueError, match="n_halvings must be an integer of at least 1"):
        halve_runs({}, three, n_halvings=0)
