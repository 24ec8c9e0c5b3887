"""The multiverse: an orthogonal design, stored results that come back, variance shares against an oracle."""

from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from statsmodels.formula.api import ols
from statsmodels.stats.anova import anova_lm

from rlvr.decomposition import PARTS
from rlvr.experiments.multiverse import (
    HALF_WIDTH,
    LEARNING_TIMES,
    LEVELS,
    MULTIVERSE,
    SPECIFICATION_DESIGNS,
    configuration,
    matched_learning_rate,
    one_at_a_time,
    orthogonal_array,
    recompute_training,
    specification_curve,
    stored_multiverse,
    trainings,
    variance_shares,
)
from rlvr.simulator.grpo_config import LIGHT, GRPOConfig
from rlvr.simulator.task_family import TaskFamily
from rlvr.theory.expected_drift import reward_speed


def test_any_two_options_occur_in_proportion():
    array = orthogonal_array()
    assert array.shape == (169, 14)
    for one, other in combinations(array.columns, 2):
        together = pd.crosstab(array[one], array[other]).to_numpy()
        alone = np.outer(*(array[option].value_counts().sort_index() for option in (one, other)))
        np.testing.assert_array_equal(together * 169, alone)
    for option, levels in LEVELS.items():
        counts = array[option].value_counts()
        assert set(counts.index) == set(levels) and counts.max() - counts.min() == 13


def test_one_at_a_time_changes_one_option_a_row():
    table = one_at_a_time()
    changed = (table != table.iloc[0]).sum(axis=1)
    assert changed[0] == 0 and (changed[1:] == 1).all()
    assert len(table) == 1 + sum(len(levels) - 1 for levels in LEVELS.values())
    assert len(trainings()) == 169 + 2 * len(table)


def test_the_reference_is_the_light_setting_and_options_set_what_they_name():
    family, config = configuration({})
    assert family == TaskFamily() and config == GRPOConfig(n_steps=400)
    task = {"prior strength": "0.2", "actions": "4"}
    training = {"ties": "uniform", "group size": "16", "updates a rollout": "2, clipped at 1%"}
    labels = {"majority labels": "fixed, 47% right"}
    family, config = configuration(task | training | labels)
    assert (family.prior_strength, family.n_actions) == (0.2, 4)
    assert (config.tie_break, config.group_size, config.clip) == ("uniform", 16, (0.01, 0.01))
    assert (config.majority_labels, config.label_share_right) == ("fixed", 0.47)
    assert config.n_steps == 400 and configuration({"step size": "doubled"})[1].n_steps == 200
    assert configuration({"step size": "doubled"})[1].learning_rate == 0.1
    mirror = {"update": "mirror", "advantage": "centered", "updates a rollout": "2, clipped at 1%"}
    assert configuration(mirror) == configuration({"update": "mirror"})
    adam = {"optimizer": "adam"}
    assert configuration(adam, matched=False)[1].learning_rate == 0.05
    assert configuration(adam) == configuration(adam, matched=True) != configuration(adam, matched=False)


def test_matched_rates_agree_with_the_closed_form():
    """To first order TRUE's gain is speed times rate, so rates are inversely as speeds."""
    p = TaskFamily().prior_accuracy
    grpo, centered, rloo = (
        reward_speed(p, group_size=8, advantage=name) for name in ("grpo", "centered", "rloo")
    )
    assert matched_learning_rate(LIGHT) == LIGHT.learning_rate
    for name, speed in (("centered", centered), ("rloo", rloo)):
        assert matched_learning_rate(GRPOConfig(advantage=name)) == pytest.approx(
            0.05 * grpo / speed, rel=0.01
        )
    assert matched_learning_rate(GRPOConfig(inner_updates=2)) == pytest.approx(0.025, rel=0.01)
    assert matched_learning_rate(GRPOConfig(learning_rate=0.2)) == pytest.approx(0.2)


def test_what_is_compared_are_the_twelve_digits_that_are_stored():
    rows = stored_multiverse().iloc[[0, 100, 700]]
    assert MULTIVERSE.agrees(rows, rows)
    for column in ("null", "learning_rate", "elicitation_half"):
        for unlike, same in ((3e-11, False), (-3e-11, False), (4e-12, True)):
            moved = rows.copy()
            moved.loc[moved.index[1], column] *= 1 + unlike
            assert MULTIVERSE.agrees(moved, rows) == same, (column, unlike)
    # The smallest terms have no slack of their own.
    assert not MULTIVERSE.agrees(rows.assign(null=rows.null + 2e-9), rows)
    assert not MULTIVERSE.agrees(rows.assign(**{next(iter(LEVELS)): "another"}), rows)
    numbers = stored_multiverse().select_dtypes("float").to_numpy().ravel()
    assert all(float(f"{value:.12g}") == value for value in numbers)


def test_the_stored_table_holds_every_specification_narrowly_enough():
    table = stored_multiverse()
    assert len(table) == len(trainings()) * len(LEARNING_TIMES)
    assert table.index.is_unique and set(table.index.get_level_values("design")) == set(SPECIFICATION_DESIGNS)
    assert (table[[f"{part}_half" for part in PARTS]] < HALF_WIDTH).all(axis=None)
    assert len(specification_curve()) == 676 >= 500
    stored = table.loc["array"].xs(LEARNING_TIMES[0], level="learning_time")[list(LEVELS)]
    assert stored.reset_index(drop=True).equals(orthogonal_array())


def test_shares_are_those_of_an_analysis_of_variance():
    """Type III sums of squares of an independent package, on stored numbers."""
    curve = specification_curve().rename(columns=lambda name: name.replace(" ", "_"))
    terms = " + ".join(f"C({option.replace(' ', '_')}, Sum)" for option in [*LEVELS, "learning time"])
    for part in PARTS:
        table = anova_lm(ols(f"{part} ~ {terms}", curve).fit(), typ=3)
        total = ((curve[part] - curve[part].mean()) ** 2).sum()
        ours = variance_shares(specification_curve(), part)
        for option in ours.index:
            theirs = table.sum_sq[f"C({option.replace(' ', '_')}, Sum)"] / total
            assert ours.share[option] == pytest.approx(theirs, rel=1e-6, abs=1e-12)
            assert ours.levels[option] == table.df[f"C({option.replace(' ', '_')}, Sum)"] + 1


def test_each_option_is_tested_against_what_it_varies_with():
    curve = specification_curve().rename(columns=lambda name: name.replace(" ", "_"))
    ours = variance_shares(specification_curve(), "null").p_value
    within = anova_lm(ols("null ~ C(training) + C(learning_time)", curve).fit())
    assert ours["learning time"] == pytest.approx(within.loc["C(learning_time)", "PR(>F)"], rel=1e-6)
    names = {option: f"C({option.replace(' ', '_')}, Sum)" for option in LEVELS}
    means = curve.groupby("training").first().assign(null=curve.groupby("training").null.mean())
    between = anova_lm(ols(f"null ~ {' + '.join(names.values())}", means).fit(), typ=3)
    for option, name in names.items():
        assert ours[option] == pytest.approx(between.loc[name, "PR(>F)"], rel=1e-6)


def invented(effect):
    """A curve of the array whose null is what `effect` makes of each row."""
    curve = specification_curve()
    return curve.assign(null=effect(curve))


def test_one_option_that_does_everything_has_all_of_the_variance():
    shares = variance_shares(invented(lambda curve: (curve.ties == "uniform") * 1.0), "null")
    assert shares.index[0] == "ties" and shares.share.iloc[0] == pytest.approx(1)
    assert shares.share.iloc[1:].max() < 1e-12


def test_two_options_share_by_their_variances():
    def effect(curve):
        return 3.0 * (curve.ties == "uniform") + 1.0 * (curve["step size"] == "doubled")

    shares = variance_shares(invented(effect), "null").share
    assert shares["ties"] == pytest.approx(0.9) and shares["step size"] == pytest.approx(0.1)


def test_pure_chance_is_corrected_away_and_called_so_at_the_nominal_rate():
    draw, called, left, options = np.random.default_rng(3), 0, [], len(LEVELS)
    for _ in range(60):
        noise = draw.normal(size=169)
        shares = variance_shares(invented(lambda curve, noise=noise: noise[curve.training]), "null")
        called += (shares.p_value[list(LEVELS)] < 0.05).sum()
        left.append(shares.share[list(LEVELS)].sum())
    assert 0.025 < called / (60 * options) < 0.085
    assert np.mean(left) == pytest.approx(sum(len(levels) - 1 for levels in LEVELS.values()) / 168, abs=0.02)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: recompute_training("grid", 0), "design must be one of 'array'.*got 'grid'"),
        (lambda: recompute_training("array", 169), "training must be a row from 0 to 168, got 169"),
        (lambda: configuration({"luck": "good"}), "option must be one of .*got 'luck'"),
        (lambda: configuration({"ties": "high"}), "ties must be one of 'lowest', 'uniform', got 'high'"),
        (lambda: variance_shares(specification_curve(), "total"), "term must be one of 'null'"),
        (lambda: specification_curve("all"), "design must be one of"),
    ],
)
def test_bad_input_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()


@pytest.mark.parametrize(
    ("option", "level", "expected"),
    [
        *(("prior strength", level, {"prior_strength": float(level)}) for level in LEVELS["prior strength"]),
        *(("actions", level, {"n_actions": int(level)}) for level in LEVELS["actions"]),
        *(("group size", level, {"group_size": int(level)}) for level in LEVELS["group size"]),
        ("prompts differ", "yes", {"prior_spread": 0.2}),
        ("majority labels", "64 votes before", {"label_votes": 64, "label_share_right": None}),
        ("majority labels", "fixed, 89% right", {"label_share_right": 0.89}),
        ("majority labels", "fixed, 47% right", {"label_share_right": 0.47}),
        ("verifier noise", "10% both ways", {"verifier_noise": (0.1, 0.1)}),
        ("verifier noise", "30% of right ones missed", {"verifier_noise": (0.0, 0.3)}),
        ("updates a rollout", "1", {"inner_updates": 1, "clip": None}),
        ("updates a rollout", "2", {"inner_updates": 2, "clip": None}),
        ("updates a rollout", "2, clipped at 1%", {"inner_updates": 2, "clip": (0.01, 0.01)}),
        ("step size", "as published", {"learning_rate": 0.05}),
        ("step size", "doubled", {"learning_rate": 0.1}),
        ("KL pull", "forward, 0.01", {"kl_coefficient": 0.01, "kl": "forward"}),
        ("KL pull", "none", {"kl_coefficient": 0.0}),
        ("KL pull", "forward, 0.1", {"kl_coefficient": 0.1, "kl": "forward"}),
        ("KL pull", "reverse, 0.1", {"kl_coefficient": 0.1, "kl": "reverse"}),
    ],
)
def test_a_level_is_what_its_name_says(option, level, expected):
    family, config = configuration({option: level}, matched=False)
    found = {name: getattr(family if hasattr(family, name) else config, name) for name in expected}
    assert found == expected
