"""How fast, measured: `make bench`. No goal fails a test; each is a ratio in one session, or says its unit.

What is compared alternates round by round, so that a busy minute hits both sides, and the fastest round of
each counts.
"""

import json
import math
import os
import subprocess
import sys
import time
import tracemalloc
from dataclasses import replace

import numba
import numpy as np
import pytest

from benchmarks.goals import log_log_slope
from rlvr import GRPOConfig, TaskFamily, simulate
from rlvr.experiments.published_study import STRENGTHS, policy_update, published_tasks, sweep_point
from rlvr.simulator.drawing import fill_words
from rlvr.simulator.grpo_config import LIGHT
from rlvr.simulator.kernel import (
    _GROUPS,
    _as_uniforms,
    _put,
    _sample,
    _softmax_of_lanes,
    _take,
    group_rewards,
    group_update,
    scratch_space,
)
from rlvr.simulator.rules import as_rules
from rlvr.simulator.two_stages import Goal

PIECES = ("draw", "rows", "softmax", "sample", "reward", "update")
GROUPS_A_RUN = 3 * LIGHT.n_steps * LIGHT.batch_size  # FROZEN samples none
FAMILIES = [TaskFamily(prior_strength=strength) for strength in STRENGTHS]


@pytest.fixture(autouse=True, scope="session")
def compiled():
    simulate(TaskFamily(), GRPOConfig(n_steps=1))


def fastest(*work, rounds=5):
    """Seconds of the fastest round of each, taken in turn."""
    times = [[] for _ in work]
    for _ in range(rounds):
        for one, kept in zip(work, times, strict=True):
            start = time.perf_counter()
            one()
            kept.append(time.perf_counter() - start)
    return [min(kept) for kept in times]


def on_threads(n, *arguments, **options):
    """Simulate on so many threads."""
    os.environ["RLVR_THREADS"] = str(n)
    try:
        return simulate(*arguments, **options)
    finally:
        del os.environ["RLVR_THREADS"]


@numba.njit
def uniforms_and_exponentials(n_groups, group_size, n_actions):
    """The floor: a uniform for each answer and an exponential for each action; no group does without.

    No exponential waits for another one, so that the processor may overlap them.
    """
    total = 0.0
    for group in range(n_groups):
        for _ in range(group_size):
            total += np.random.random()  # noqa: NPY002  # all that is compiled without a generator
        for action in range(n_actions):
            total += math.exp(-1e-3 * action - 1e-9 * group)
    return total


def group_after_group(strength):
    """Seconds of one prior of the light sweep in the published order of work: a prompt's group at a time.

    The arithmetic is that of our replay, `policy_update`, on one prompt; evaluations are left out.
    """
    tasks = published_tasks(replace(TaskFamily(), prior_strength=strength), seed=0)
    prior, correct = tasks.prior[0], tasks.correct[0]
    generator, samples = np.random.default_rng(0), LIGHT.group_size
    start = time.perf_counter()
    for arm in ("random", "majority", "true"):
        for _ in range(8):
            logits = np.log(prior)
            for _ in range(LIGHT.n_steps):
                for prompt in generator.choice(len(prior), LIGHT.batch_size, replace=False):
                    weights = np.exp(logits[prompt] - logits[prompt].max())
                    actions = generator.choice(weights.size, size=samples, p=weights / weights.sum())
                    if arm == "random":
                        rewards = generator.integers(0, 2, samples).astype(float)
                    elif arm == "majority":
                        rewards = (actions == np.bincount(actions).argmax()).astype(float)
                    else:
                        rewards = correct[prompt][actions].astype(float)
                    one = slice(prompt, prompt + 1)
                    logits[one] += policy_update(logits[one], prior[one], actions[None], rewards[None], LIGHT)
    return time.perf_counter() - start


def test_light_sweep_against_the_published_trainer(benchmark, measured):
    benchmark.pedantic(simulate, args=(FAMILIES,), rounds=60, warmup_rounds=3)
    ours = benchmark.stats.stats.min
    in_order = [min(group_after_group(strength) for _ in range(3)) for strength in STRENGTHS]
    start = time.perf_counter()
    for strength in STRENGTHS:
        sweep_point(strength)
    replay = time.perf_counter() - start
    measured["published"], measured["replay"] = sum(in_order) / ours, replay / ours
    measured["published_seconds"] = sum(in_order) / len(STRENGTHS)
    measured["sweep"] = 1e3 * ours
    measured["published_group"] = 1e9 * sum(in_order) / (len(STRENGTHS) * 8 * GROUPS_A_RUN)


def test_a_group_against_its_floor(benchmark, measured):
    n_runs = 256
    n_groups = n_runs * GROUPS_A_RUN
    family = TaskFamily()
    size = (n_groups, LIGHT.group_size, family.n_actions)
    uniforms_and_exponentials(1, *size[1:])
    floor, ours = fastest(
        lambda: uniforms_and_exponentials(*size), lambda: on_threads(1, family, n_seeds=n_runs)
    )
    benchmark.pedantic(on_threads, args=(1, family), kwargs={"n_seeds": n_runs}, rounds=3)
    measured["floor"], measured["group"] = ours / floor, 1e9 * ours / n_groups


def test_two_threads_against_one(benchmark, measured):
    runs = {"n_tasks": 8, "n_seeds": 64}
    one, two = fastest(
        lambda: on_threads(1, TaskFamily(), **runs), lambda: on_threads(2, TaskFamily(), **runs), rounds=20
    )
    benchmark.pedantic(on_threads, args=(2, TaskFamily()), kwargs=runs, rounds=3)
    measured["threads"] = one / two


def test_time_grows_as_the_groups(benchmark, measured, request):
    """From 10^4 groups, ten times as many each time: more task draws, with 64 seeds each from there on."""
    groups, seconds = [], []
    for exponent in range(4, 1 + round(math.log10(request.config.getoption("--largest")))):
        n_runs = max(1, round(10**exponent / GROUPS_A_RUN))
        runs = {"n_seeds": min(n_runs, 64), "n_tasks": -(-n_runs // 64)}
        groups.append(runs["n_seeds"] * runs["n_tasks"] * GROUPS_A_RUN)
        work = lambda runs=runs: on_threads(1, TaskFamily(), **runs)  # noqa: E731
        seconds += fastest(work, rounds=20 if exponent < 6 else 3 if exponent < 8 else 1)
        measured[f"1e{exponent}"] = seconds[-1]
    benchmark.extra_info.update(groups=groups, seconds=seconds)
    benchmark.pedantic(on_threads, args=(1, TaskFamily()), kwargs={"n_seeds": 1}, rounds=20)
    measured["slope"] = log_log_slope(groups, seconds)


def test_what_a_single_run_costs_more(measured):
    """A call has its price whatever it trains, and a single run fills a quarter of the lanes."""
    short, one, two = fastest(
        *(
            lambda n_steps=n_steps: on_threads(1, TaskFamily(), replace(LIGHT, n_steps=n_steps), n_seeds=1)
            for n_steps in (1, LIGHT.n_steps, 2 * LIGHT.n_steps)
        ),
        rounds=100,
    )
    measured["call"], measured["lonely"] = 1e3 * short, 1e9 * (two - one) / GROUPS_A_RUN


def peak(n_steps, n_tasks=200):
    """Bytes at the peak of one simulation, a simulated prompt."""
    tracemalloc.start()
    simulate(TaskFamily(), replace(LIGHT, n_steps=n_steps), n_tasks=n_tasks, n_seeds=1)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return most / (n_tasks * TaskFamily().n_prompts)


def test_memory_is_small_and_flat_in_steps(benchmark, measured):
    peak(1)
    few, many = peak(20), peak(2000)
    benchmark.pedantic(peak, args=(20,), rounds=1)
    measured["memory"], measured["steps"] = many, many / few


def test_compiling_is_short_and_happens_once(benchmark, measured, tmp_path):
    code = "from rlvr import GRPOConfig, TaskFamily, simulate; simulate(TaskFamily(), GRPOConfig(n_steps=1))"
    environment = os.environ | {"NUMBA_CACHE_DIR": str(tmp_path)}

    def start():
        subprocess.run([sys.executable, "-c", code], env=environment, check=True)

    def files():
        return {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*") if path.is_file()}

    (cold,) = fastest(start, rounds=1)
    before = files()
    (warm,) = fastest(start, rounds=3)
    measured["cold"] = cold - warm
    measured["warm"] = sum(before.get(path) != changed for path, changed in files().items())
    benchmark.pedantic(start, rounds=1)


def test_where_the_compiling_goes(measured, tmp_path):
    """Which function is compiled how long, in a process of its own on an empty cache."""
    told = subprocess.run(
        [sys.executable, "-m", "benchmarks.compile_profile"],
        env=os.environ | {"NUMBA_CACHE_DIR": str(tmp_path)},
        check=True,
        stdout=subprocess.PIPE,
    )
    measured.update(json.loads(told.stdout))


def test_time_to_a_precision(benchmark, measured):
    """Reward design at 0.50; the published design estimates it from one task draw and eight seeds a study.

    What it would take there: as many studies of that size, each on a task draw of its own, as bring the plain
    mean's 95% half-width to the same, at the published trainer's time a study.
    """
    goal = Goal(0.001, "reward_design")
    asked = {"precision": goal.precision, "of": goal.of}
    runs = benchmark.pedantic(simulate, args=(TaskFamily(),), kwargs=asked, rounds=3)
    measured["precision"] = benchmark.stats.stats.min
    plain = goal.draws_needed(goal.terms(runs)[: runs.reached.first_draws])
    if "published_seconds" in measured:
        measured["precision_published"] = plain * measured["published_seconds"]


@numba.njit
def repeat(
    piece, n, state, words, uniforms, here, policy, reference, actions, rewards, rules, indices, scratch
):
    """Do one piece of a step's work `n` times, on as many lanes as the arrays have."""
    places, own, prompts, answers, counted, key = indices
    for step in range(n):
        if piece == 0:
            fill_words(key, places, prompts, step, _GROUPS, words)
            _as_uniforms(words, uniforms)
        elif piece == 1:
            _take(state, own, prompts, here)
            _put(here, own, prompts, state)
        elif piece == 2:
            _softmax_of_lanes(here, policy, scratch.rows[0], scratch.rows[1])
        elif piece == 3:
            _sample(policy, uniforms, scratch.rows[1], actions)
        elif piece == 4:
            answers[:] = -1
            group_rewards(2, actions, reference, answers, words, uniforms, None, scratch, rewards)
        elif piece == 5:
            counted[:] = True
            group_update(here, policy, reference, actions, rewards, rules, None, counted, scratch)


def test_where_the_time_of_a_group_goes(measured):
    """Each piece alone, on 64 lanes in vectors of the light settings' size; MAJORITY's rewards."""
    n, k, group = 64, TaskFamily().n_actions, LIGHT.group_size
    draw = np.random.default_rng(0)
    state = draw.normal(size=(4, 40, k))
    indices = (
        np.arange(n, dtype=np.uint64), np.arange(n) // 16, np.arange(n) % 16, np.full(n, -1),
        np.ones(n, np.bool_), np.array([1, 2], np.uint64),
    )  # fmt: skip
    arrays = (
        state, np.empty((8 * ((group + 7) // 8) + 8, n), np.uint64), draw.random((group, n)),
        draw.normal(size=(k, n)), np.full((k, n), 1 / k), np.full((k, n), 1 / k),
        np.empty((group, n), np.int64), draw.integers(0, 2, (group, n)).astype(float),
    )  # fmt: skip
    rules, scratch = as_rules(LIGHT, 40), scratch_space(k, group, n)
    for piece, key in enumerate(PIECES):
        repeat(piece, 1, *arrays, rules, indices, scratch)
        (seconds,) = fastest(
            lambda piece=piece: repeat(piece, 2_000, *arrays, rules, indices, scratch), rounds=7
        )
        measured[key] = 1e9 * seconds / (2_000 * n)
