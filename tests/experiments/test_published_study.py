"""The published study: its draws one by one, its designs, and its numbers beside their replay."""

import math
from dataclasses import replace

import numpy as np
import pytest

from rlvr import ARMS, GRPOConfig, TaskFamily, Tasks, simulate
from rlvr.experiments import published_study
from rlvr.experiments.published_study import (
    CELLS,
    CURVE_SAMPLES,
    FINAL_SAMPLES,
    PUBLISHED_SIZES,
    QUICK,
    STRENGTHS,
    Comparison,
    Gate,
    compare,
    factorial_cells,
    gate,
    largest_update_gap,
    policy_update,
    power_study,
    published_numbers,
    published_tasks,
    re_audit,
    replay_run,
    replay_runs,
    replayed_sweep,
    resampled_interval,
    stored_replay,
    study_spread,
    sweep_point,
    task_and_seed_spread,
)
from rlvr.simulator.grpo_config import HEAVY, LIGHT


@pytest.mark.parametrize("kl", ["forward", "reverse"])
@pytest.mark.parametrize("filtering", ["off", "drop"])
def test_the_compiled_update_is_the_plain_one(kl, filtering):
    config = replace(LIGHT, kl=kl, filtering=filtering, kl_coefficient=0.5)
    assert 0 < largest_update_gap(config, n_groups=200, seed=1) < 1e-13


def test_a_compiled_update_that_differs_is_noticed(monkeypatch):
    def slower(logits, prior, actions, rewards, config):
        return 0.8 * policy_update(logits, prior, actions, rewards, config)

    monkeypatch.setattr(published_study, "policy_update", slower)
    assert largest_update_gap(LIGHT, n_groups=200, seed=1) > 1e-3
    with pytest.raises(ValueError, match="n_groups must be an integer of at least 1, got 0"):
        largest_update_gap(LIGHT, n_groups=0, seed=1)
    with pytest.raises(ValueError, match="filtering must be one of"):
        largest_update_gap(replace(LIGHT, filtering="refill"), n_groups=1, seed=1)


def test_bad_replays():
    tasks = published_tasks(TaskFamily(), 42)
    with pytest.raises(ValueError, match="arm must be one of"):
        replay_run(tasks, "spurious", LIGHT, seed=1)
    with pytest.raises(ValueError, match="eval_every"):
        replay_run(tasks, "true", LIGHT, seed=1, eval_every=0)


@pytest.mark.slow
def test_every_published_number_of_the_light_run_comes_back():
    rows = list(compare())
    light = published_numbers()
    assert len(rows) == (~light.table.str.startswith("heavy")).sum() > 60
    assert [row for row in rows if not row.equal] == []


def test_resampling_at_once_is_resampling_arm_by_arm():
    """The study's own loop: an arm draws its indices, then the next arm, 300 times."""
    runs = {arm: np.random.default_rng(i).random(8) for i, arm in enumerate(("frozen", "random", "majority"))}
    generator, draws = np.random.default_rng(5), []
    for _ in range(300):
        mean = {arm: values[generator.integers(0, 8, size=8)].mean() for arm, values in runs.items()}
        draws.append(mean["majority"] - mean["random"])
    expected = tuple(np.percentile(draws, [2.5, 97.5]))
    assert resampled_interval(runs, lambda mean: mean["majority"] - mean["random"], 5) == expected


FAMILY = TaskFamily(0.35, 0.3, n_actions=5, n_correct=2, n_prompts=7)


def softmax(logits):
    weights = np.exp(logits - logits.max())
    return weights / weights.sum()


def evaluated(logits, correct, generator, n_samples):
    """Sampled accuracy, prompt after prompt."""
    n_actions = correct.shape[1]
    hits = [
        right[generator.choice(n_actions, size=n_samples, p=softmax(row))].mean()
        for row, right in zip(logits, correct, strict=True)
    ]
    return np.mean(hits)


def plain_replay(tasks, arm, config, seed, eval_every):
    generator = np.random.default_rng(seed)
    prior, correct = tasks.prior[0], tasks.correct[0]
    n_prompts, n_actions = prior.shape
    logits = np.log(prior)
    evaluated(logits, correct, generator, 64)
    for step in range(1, config.n_steps + 1):
        for prompt in generator.choice(n_prompts, size=config.batch_size, replace=False):
            policy = softmax(logits[prompt])
            actions = generator.choice(n_actions, size=config.group_size, p=policy)
            if arm == "random":
                rewards = np.array([float(generator.integers(0, 2)) for _ in actions])
            elif arm == "majority":
                counts = np.bincount(actions, minlength=n_actions)
                rewards = (actions == counts.argmax()).astype(float)
            else:
                rewards = correct[prompt][actions].astype(float)
            if arm == "frozen" or (config.filtering == "drop" and rewards.std() == 0):
                continue
            advantage = (rewards - rewards.mean()) / (rewards.std() + 1e-8)
            gradient = (advantage[:, None] * (np.eye(n_actions)[actions] - policy)).mean(axis=0)
            logits[prompt] += config.learning_rate * (
                gradient - config.kl_coefficient * (policy - prior[prompt])
            )
        if step % eval_every == 0 or step == config.n_steps:
            evaluated(logits, correct, generator, 64)
    return evaluated(logits, correct, generator, 128)


def test_logits_of_any_size_give_a_policy():
    config = GRPOConfig(learning_rate=1.0, kl_coefficient=1.0, filtering="off")
    sure = policy_update(
        np.array([[500.0, 0.0]]), np.array([[0.5, 0.5]]), np.array([[0, 0]]), np.array([[1.0, 1.0]]), config
    )
    assert sure[0] == pytest.approx([-0.5, 0.5], abs=1e-12)


@pytest.mark.parametrize("arm", ARMS)
@pytest.mark.parametrize(("filtering", "eval_every"), [("drop", 3), ("off", 4), ("drop", 50)])
def test_a_run_draws_as_the_study_draws(arm, filtering, eval_every):
    config = GRPOConfig(
        n_steps=10, batch_size=3, group_size=4, learning_rate=0.6, kl_coefficient=0.2, filtering=filtering
    )
    tasks = published_tasks(FAMILY, 3)
    found = replay_run(tasks, arm, config, seed=9, eval_every=eval_every)
    assert found == pytest.approx(plain_replay(tasks, arm, config, 9, eval_every), abs=1e-12)


@pytest.mark.parametrize("arm", ARMS)
def test_runs_side_by_side_are_single_runs_to_the_bit(arm):
    config = GRPOConfig(n_steps=30)
    draws = [published_tasks(TaskFamily(), seed) for seed in (3, 4, 5)]
    together = Tasks(
        *(np.concatenate([getattr(draw, name) for draw in draws]) for name in ("prior", "correct"))
    )
    alone = [replay_run(draw, arm, config, seed=seed) for draw, seed in zip(draws, (9, 10, 11), strict=True)]
    assert replay_runs(together, arm, config, seeds=(9, 10, 11)).tolist() == alone
    assert replay_runs(draws[0], arm, config, seeds=iter((9, 12)))[0] == alone[0]


def test_evaluations_are_50_steps_apart_unless_said():
    config = GRPOConfig(n_steps=101, batch_size=2, group_size=2)
    tasks = published_tasks(FAMILY, 3)
    assert replay_run(tasks, "true", config, seed=1) == replay_run(
        tasks, "true", config, seed=1, eval_every=50
    )
    others = {replay_run(tasks, "true", config, seed=1, eval_every=every) for every in (1, 33, 34, 50)}
    assert len(others) > 2
    assert (CURVE_SAMPLES, FINAL_SAMPLES) == (64, 128)


def test_tasks_are_drawn_prompt_by_prompt():
    generator = np.random.default_rng(3)
    tasks = published_tasks(FAMILY, 3)
    assert tasks.prior.shape == tasks.correct.shape == (1, 7, 5)
    for prior, correct in zip(tasks.prior[0], tasks.correct[0], strict=True):
        right = generator.choice(5, size=2, replace=False)
        wrong = [action for action in range(5) if action not in right]
        marked = generator.choice(wrong)
        weights = np.array([0.35 / 2 if action in right else 0.65 / 3 for action in range(5)])
        weights[marked] *= 1 + 0.3 * 5
        np.testing.assert_allclose(prior, weights / weights.sum(), rtol=1e-14)
        assert np.flatnonzero(correct).tolist() == sorted(right)


@pytest.mark.parametrize(("kl", "pull"), [("forward", [-0.1, 0.1]), ("reverse", None)])
def test_one_update_by_hand(kl, pull):
    """Two actions, two samples, one of them right: advantages +1 and -1, gradient half a logit each way."""
    policy, prior = np.array([0.6, 0.4]), np.array([0.5, 0.5])
    if pull is None:
        ratio = np.log(policy / prior)
        pull = -policy * (ratio - policy @ ratio)
    config = GRPOConfig(learning_rate=0.5, kl_coefficient=0.2, kl=kl)
    found = policy_update(
        np.log(policy)[None], prior[None], np.array([[0, 1]]), np.array([[1.0, 0.0]]), config
    )
    np.testing.assert_allclose(found[0], 0.5 * (np.array([0.5, -0.5]) + 0.2 * np.array(pull)), atol=1e-7)
    dropped = policy_update(np.log(policy)[None], prior[None], np.array([[0, 1]]), np.ones((1, 2)), config)
    assert dropped.tolist() == [[0.0, 0.0]]


def test_groups_of_equal_rewards_are_dropped_one_by_one():
    policy = np.full((3, 2), 0.5)
    rewards = np.array([[1.0, 1.0], [1.0, 0.0], [0.0, 0.0]])
    moved = policy_update(np.log(policy), policy, np.array([[0, 1]] * 3), rewards, GRPOConfig())
    assert (moved != 0).any(axis=1).tolist() == [False, True, False]


def test_the_gap_is_the_largest_over_all_groups():
    gaps = [largest_update_gap(GRPOConfig(), n_groups=n, seed=2) for n in (1, 5, 60)]
    assert 0 <= gaps[0] <= gaps[1] <= gaps[2] < 1e-13 and gaps[2] > 0
    assert largest_update_gap(GRPOConfig(), n_groups=60, seed=3) != gaps[2]


@pytest.fixture
def asked(monkeypatch):
    """What is asked of the trainer: (family, task seed, arm, config, seed, evaluations) of every run."""
    calls = []
    monkeypatch.setattr(published_study, "published_tasks", lambda family, seed: (family, seed))

    def noted(tasks, arm, config, *, seeds, eval_every):
        calls.extend((*tasks, arm, config, seed, eval_every) for seed in seeds)
        return np.array([*seeds], dtype=float)

    monkeypatch.setattr(published_study, "replay_runs", noted)
    return calls


def test_the_two_sizes():
    light, heavy = PUBLISHED_SIZES["light"], PUBLISHED_SIZES["heavy"]
    assert (light.base, light.n_seeds, light.family) == (42, 8, TaskFamily())
    assert light.sweep == light.factorial == LIGHT
    assert (heavy.base, heavy.n_seeds) == (0, 50)
    assert heavy.family == TaskFamily(n_prompts=80, n_actions=10)
    assert heavy.sweep == HEAVY
    assert heavy.factorial == GRPOConfig(n_steps=500, batch_size=20, group_size=10)
    assert STRENGTHS == (0.20, 0.35, 0.50, 0.65, 0.80)


@pytest.mark.parametrize(
    ("size", "strength", "task_seed", "seeds"),
    [("light", 0.20, 42, range(92, 100)), ("light", 0.80, 70, range(492, 500)),
     ("heavy", 0.20, 0, range(50, 100)), ("heavy", 0.65, 21, range(350, 400))],
)  # fmt: skip
def test_a_point_of_the_sweep(asked, size, strength, task_seed, seeds):
    runs = sweep_point(strength, size)
    assert {arm: values.tolist() for arm, values in runs.items()} == {arm: [*seeds] for arm in ARMS}
    design = PUBLISHED_SIZES[size]
    assert {call[:2] for call in asked} == {
        (TaskFamily(strength, 0.2, design.family.n_actions, 2, design.family.n_prompts), task_seed)
    }
    assert {call[3] for call in asked} == {design.sweep} and {call[5] for call in asked} == {50}


@pytest.mark.parametrize(("size", "base", "n_seeds"), [("light", 42, 8), ("heavy", 0, 100)])
def test_the_cells_of_a_factorial(asked, size, base, n_seeds):
    cells = factorial_cells(size)
    assert cells.shape == (8, n_seeds)
    assert cells.tolist() == [[base + 13 * cell + 7 + s for s in range(n_seeds)] for cell in range(8)]
    first = [next(call for call in asked if call[4] == seed and call[1] == base + 100 * cell)
             for cell, seed in enumerate(cells[:, 0])]  # fmt: skip
    assert [(call[2], call[3].filtering, call[0].prior_strength) for call in first] == list(CELLS)
    assert CELLS[:3] == (("true", "drop", 0.80), ("true", "drop", 0.35), ("true", "off", 0.80))
    assert CELLS[4][0] == "majority" and len(CELLS) == 8
    assert {call[5] for call in asked} == {25}
    assert {call[3].n_steps for call in asked} == {PUBLISHED_SIZES[size].factorial.n_steps}


@pytest.mark.parametrize(
    ("condition", "strength", "task_seed", "base", "n_seeds"), [(1, 0.80, 122, 132, 8), (2, 0.25, 25, 35, 4)]
)
def test_the_conditions_of_the_gate(asked, condition, strength, task_seed, base, n_seeds):
    decided = gate(condition)
    assert {call[:2] for call in asked} == {(TaskFamily(strength, 0.0), task_seed)}
    assert all(runs.tolist() == [base + 1000 + s for s in range(n_seeds)] for runs in decided.runs.values())
    assert tuple(decided.runs) == ARMS and {call[3] for call in asked} == {LIGHT}
    again = Gate.resampled(decided.runs, base + 9999)
    assert (decided.over_frozen, decided.over_random) == (again.over_frozen, again.over_random)


def test_the_families_audited_again(asked):
    runs = re_audit(0.35)
    assert {arm: values.tolist() for arm, values in runs.items()} == {
        "frozen": [*range(42, 50)], "majority": [*range(192, 200)], "true": [*range(242, 250)],
    }  # fmt: skip
    assert {call[:2] for call in asked} == {(TaskFamily(0.35), 77)}
    re_audit(0.80)
    assert asked[-1][:2] == (TaskFamily(0.80), 122)


def test_the_seeds_of_the_power_study(asked):
    runs = power_study()
    assert {arm: values.tolist() for arm, values in runs.items()} == {
        "majority": [*range(42, 58)], "true": [*range(342, 358)],
    }  # fmt: skip
    assert {call[:2] for call in asked} == {(TaskFamily(0.50), 42)}
    assert power_study(3)["true"].tolist() == [342, 343, 344]


@pytest.mark.parametrize(
    ("interval", "verdict"),
    [((0.0, 0.2), "bounds"), ((1e-9, 0.2), "points"), ((-0.2, 0.0), "bounds"), ((-0.2, -1e-9), "points")],
)
def test_points_need_an_interval_without_zero(interval, verdict):
    assert Gate({}, (0.1, 0.2), interval).verdict == verdict


def test_the_spread_of_a_study_by_hand():
    """Spread of the means of task draws, and the noise of 128 answers a prompt in every seed."""
    family = TaskFamily(n_actions=3, n_correct=1, n_prompts=4)
    runs = simulate(
        family,
        GRPOConfig(n_steps=20, batch_size=2, learning_rate=0.5),
        n_tasks=5,
        n_seeds=3,
        keep_policies=True,
    )
    found = study_spread(runs)
    noise = {}
    for arm, kept in zip(ARMS, runs.policies, strict=True):
        chance = np.array([
            [[kept[t, s, p][runs.tasks.correct[t, p]].sum() for p in range(4)] for s in range(3)]
            for t in range(5)
        ])  # fmt: skip
        noise[arm] = (chance * (1 - chance)).mean() / (128 * 4 * 3)
        means = runs.arm(arm).mean(axis=1)
        assert found[arm] == pytest.approx(math.sqrt(means.var(ddof=1) + noise[arm]), rel=1e-12)
    naive = (runs.arm("true") - runs.arm("random")).mean(axis=1)
    assert found["naive"] == pytest.approx(math.sqrt(naive.var(ddof=1) + noise["true"] + noise["random"]))
    assert set(found) == {*ARMS, "null", "elicitation", "reward_design", "naive", "total"}


def test_a_spread_needs_policies_and_two_task_draws():
    family, config = TaskFamily(n_prompts=16), GRPOConfig(n_steps=1)
    with pytest.raises(ValueError, match="must keep_policies and have at least 2 task draws, got 3"):
        study_spread(simulate(family, config, n_tasks=3, n_seeds=1))
    with pytest.raises(ValueError, match="at least 2 task draws, got 1"):
        study_spread(simulate(family, config, n_seeds=2, keep_policies=True))
    two = study_spread(simulate(family, config, n_tasks=2, n_seeds=1, keep_policies=True))
    assert two["frozen"] > 0


def test_spread_of_task_draws_and_seeds_by_hand():
    assert task_and_seed_spread([[0.0, 0.2], [1.0, 1.2]]) == pytest.approx((0.7, math.sqrt(0.02)))
    # Three seeds of two draws: means 1 and 4, within-variance 1, so 4.5 - 1/3 between.
    assert task_and_seed_spread([[0.0, 1.0, 2.0], [3.0, 4.0, 5.0]]) == pytest.approx(
        (math.sqrt(4.5 - 1 / 3), 1.0)
    )
    assert task_and_seed_spread([[0.0, 1.0], [1.0, 0.0]]) == (0.0, math.sqrt(0.5))  # nothing between draws
    for wrong in ([[0.1, 0.2]], [[0.1], [0.2]], [[[0.1, 0.2]] * 2] * 2):
        with pytest.raises(ValueError, match="at least 2 draws of 2 seeds, got shape"):
            task_and_seed_spread(wrong)


def test_sampled_evaluation_is_most_of_the_spread_of_true_runs_and_not_of_majority_runs():
    runs = simulate(TaskFamily(0.50), n_seeds=150, seed=31, keep_policies=True)
    right = np.where(runs.tasks.correct[:, None], runs.policies, 0.0).sum(axis=-1)
    scoring = (right * (1 - right)).mean(axis=(1, 2, 3)) / (128 * 40)
    shares = dict(zip(ARMS, scoring / (scoring + runs.accuracy.var(axis=(1, 2), ddof=1)), strict=True))
    assert shares["true"] > 0.9 and shares["random"] > 0.8
    assert 0.2 < shares["majority"] < 0.5


@pytest.fixture
def replayed(monkeypatch):
    """Tables that replay the published text itself; the names of those that were made."""
    made, published = [], published_numbers()

    def table(name):
        made.append(name)
        rows = published[published.table == name].itertuples()
        return {row.quantity: row.published for row in rows}

    names = {name: (lambda name=name: table(name)) for name in published_study._TABLES}
    monkeypatch.setattr(published_study, "_TABLES", names)
    return made


def test_every_published_table_can_be_replayed():
    assert set(published_numbers().table) == set(published_study._TABLES)


@pytest.mark.parametrize(
    ("settings", "wanted"),
    [
        ({"quick": True}, lambda name: name in ("sweep 0.20", "sweep 0.80")),
        ({}, lambda name: not name.startswith("heavy")),
        ({"heavy": True}, lambda name: True),
        ({"only": ("gate 2", "factorial")}, lambda name: name in ("factorial", "gate 2")),
        ({"only": ("heavy factorial", "gate 1")}, lambda name: name == "gate 1"),
        ({"quick": True, "only": ("gate 1",)}, lambda name: name == "gate 1"),
    ],
)
def test_only_the_tables_that_are_wanted_are_replayed(replayed, settings, wanted):
    rows = list(compare(**settings))
    expected = [name for name in published_study._TABLES if wanted(name)]
    assert replayed == expected and [row for row in rows if not row.equal] == []
    published = published_numbers()
    assert len(rows) == published.table.isin(expected).sum()
    assert QUICK == ("sweep 0.20", "sweep 0.80")


@pytest.mark.parametrize(
    ("value", "published", "text"),
    [(0.18604, "0.1860", "0.1860"), (0.5, "1", "0"), (1.005, "0.00", "1.00"), ("MIXED", "POINTS", "MIXED"),
     (-0.25, "0.1234567", "-0.2500000")],
)  # fmt: skip
def test_a_value_is_written_with_the_digits_that_were_published(value, published, text):
    assert published_study._as_given(value, published) == text


def test_the_stored_replay_has_every_published_number():
    stored, published = stored_replay(), published_numbers()
    assert stored[["table", "quantity", "published"]].equals(published)
    assert (stored.published == stored.replayed).all()
    assert all(Comparison(*row).equal for row in stored.itertuples(index=False))


def test_the_replayed_sweep_is_the_light_one():
    sweep, stored = replayed_sweep(), stored_replay().set_index(["table", "quantity"]).replayed
    assert sweep.shape == (5, 4)
    for strength in sweep.index:
        for arm in sweep.columns:
            assert sweep.loc[strength, arm] == float(stored[f"sweep {strength:.2f}", arm])


def test_a_row_of_the_sweep_from_its_runs(monkeypatch):
    runs = {"frozen": [0.0], "random": [0.1, 0.3], "majority": [0.4, 0.6], "true": [0.7, 0.9]}
    asked = []
    monkeypatch.setattr(
        published_study, "sweep_point",
        lambda *what: asked.append(what) or {arm: np.array(values) for arm, values in runs.items()},
    )  # fmt: skip
    table = published_study._sweep_table(0.35, "heavy")
    assert asked == [(0.35, "heavy")]
    assert table == pytest.approx(
        {"frozen": 0.0, "random": 0.2, "majority": 0.5, "true": 0.8, "rd_fraction": 0.5}
    )


def test_the_factorial_table_from_its_cells(monkeypatch):
    means = np.array([0.9, 0.6, 0.9, 0.6, 0.8, 0.2, 0.8, 0.2])
    monkeypatch.setattr(published_study, "factorial_cells", lambda size: means[:, None] + [-0.01, 0.01])
    table = published_study._factorial_table("light")
    names = [f"{arm} {'on' if f == 'drop' else 'off'} {strength:.2f}" for arm, f, strength in CELLS]
    assert names[:3] == ["true on 0.80", "true on 0.35", "true off 0.80"]
    assert [table[name] for name in names] == pytest.approx(means)
    assert (table["A"], table["C"], table["AC"]) == pytest.approx((0.125, 0.225, -0.075))
    assert table["interaction_ratio"] == pytest.approx(0.075 / 0.225)


def test_a_gate_table_from_its_runs(monkeypatch):
    runs = {arm: np.array([value, value + 0.2]) for arm, value in
            {"frozen": 0.0, "random": 0.1, "majority": 0.3, "true": 0.6}.items()}  # fmt: skip
    monkeypatch.setattr(published_study, "gate", lambda _: Gate(runs, (0.25, 0.35), (-0.1, 0.4)))
    assert published_study._gate_table(1) == {
        "majority - frozen": pytest.approx(0.3), "majority - frozen low": 0.25,
        "majority - frozen high": 0.35, "true - majority": pytest.approx(0.3), "verdict": "bounds",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("majority", "verdict"),
    [(0.65, "ELICITATION_DOMINATED"), (0.35, "REWARD_DESIGN_DOMINATED"), (0.5, "MIXED"), (0.60, "MIXED")],
)
def test_an_audit_published_again_says_what_has_more_than_six_tenths(monkeypatch, majority, verdict):
    runs = {
        arm: np.full(8, value) for arm, value in {"frozen": 0.0, "majority": majority, "true": 1.0}.items()
    }
    monkeypatch.setattr(published_study, "re_audit", lambda _: runs)
    seeds = []
    monkeypatch.setattr(
        published_study, "resampled_interval",
        lambda runs, share, seed: seeds.append(seed) or (share({a: v[0] for a, v in runs.items()}), 9.0),
    )  # fmt: skip
    table = published_study._re_audit_table(0.8)
    assert table["verdict"] == verdict and seeds == [42_042, 42_042]
    assert (table["elicitation_share"], table["reward_design_share"]) == (majority, 1 - majority)
    assert (table["elicitation_share low"], table["reward_design_share low"]) == (majority, 1 - majority)
    assert table["elicitation_share high"] == 9.0


def test_the_power_table_takes_prefixes(monkeypatch):
    runs = {"majority": np.arange(16.0), "true": 3 * np.arange(16.0)}
    monkeypatch.setattr(published_study, "power_study", lambda: runs)
    table = published_study._power_table()
    assert table == {f"{n} seeds": pytest.approx(n - 1.0) for n in (4, 6, 8, 10, 12, 16)}
