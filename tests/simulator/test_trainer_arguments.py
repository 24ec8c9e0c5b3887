"""What `simulate` does with arguments at their ends, given twice, or not given."""

import os

import numpy as np
import pytest

from rlvr import ARMS, GRPOConfig, TaskFamily, simulate
from rlvr.simulator import executors

FAMILY, SHORT = TaskFamily(n_actions=3, n_correct=1, n_prompts=4), GRPOConfig(n_steps=6, batch_size=2)


def test_what_is_not_given():
    runs = simulate(TaskFamily(n_prompts=16))
    assert (runs.arms, runs.n_tasks, runs.n_seeds, runs.seed) == (ARMS, 1, 8, 0)
    assert runs.config == GRPOConfig() and runs.policies is None
    assert runs.accuracy.shape == (4, 1, 8) and runs.curves.shape == (4, 1, 8, 1)
    assert runs.steps.tolist() == [200]
    given = simulate(TaskFamily(n_prompts=16), GRPOConfig(), n_tasks=1, n_seeds=8, seed=0)
    np.testing.assert_array_equal(runs.accuracy, given.accuracy)


@pytest.mark.parametrize(
    ("checkpoints", "steps"),
    [(None, [6]), ((), [6]), ([], [6]), ((0,), [0, 6]), ((6,), [6]), ((0, 6), [0, 6]), ((3, 5), [3, 5, 6])],
)
def test_the_end_is_kept_once(checkpoints, steps):
    runs = simulate(FAMILY, SHORT, n_seeds=1, checkpoints=checkpoints)
    assert runs.steps.tolist() == steps and runs.curves.shape == (4, 1, 1, len(steps))
    np.testing.assert_array_equal(runs.accuracy, simulate(FAMILY, SHORT, n_seeds=1).accuracy)


@pytest.mark.parametrize(
    ("checkpoints", "error", "shown"),
    [((3, 3), ValueError, r"got \[3, 3\]"), ((0, 0), ValueError, r"got \[0, 0\]"),
     ((5, 3), ValueError, r"got \[5, 3\]"),
     ((6, 6), ValueError, r"got \[6, 6\]"), ((-1,), ValueError, "got -1"), ((7,), ValueError, "got 7"),
     ((2.0,), TypeError, r"got 2\.0 of type float"), ((True,), TypeError, "got True")],
)  # fmt: skip
def test_a_checkpoint_twice_or_out_of_range_is_refused(checkpoints, error, shown):
    with pytest.raises(error, match=f"checkpoints must be ascending integers from 0 to n_steps = 6, {shown}"):
        simulate(FAMILY, SHORT, checkpoints=checkpoints)


def test_a_batch_may_hold_every_prompt_and_no_more():
    whole = GRPOConfig(n_steps=2, batch_size=4)
    assert simulate(FAMILY, whole, n_seeds=1).accuracy.shape == (4, 1, 1)
    with pytest.raises(ValueError, match="batch_size must be at most n_prompts = 4, got 5"):
        simulate(FAMILY, GRPOConfig(n_steps=2, batch_size=5))


def test_counts_from_one_to_what_fits_in_32_bits():
    most = 2**32 - 1
    with pytest.raises(ValueError, match="seed must be"):  # the next check: both counts were accepted
        simulate(FAMILY, SHORT, n_tasks=most, n_seeds=most, seed=-1)
    for name in ("n_tasks", "n_seeds"):
        for count in (0, most + 1):
            with pytest.raises(ValueError, match=f"{name} must be an integer of at least 1, got {count}"):
                simulate(FAMILY, SHORT, **{name: count})


def test_policies_are_kept_on_request_and_belong_to_the_accuracies():
    runs = simulate(FAMILY, SHORT, n_tasks=2, n_seeds=3, keep_policies=True)
    assert runs.policies.shape == (4, 2, 3, 4, 3)
    np.testing.assert_allclose(runs.policies.sum(axis=-1), 1.0, rtol=1e-14)
    right = np.where(runs.tasks.correct[None, :, None], runs.policies, 0).sum(axis=-1).mean(axis=-1)
    np.testing.assert_allclose(right, runs.accuracy, rtol=1e-13)


def test_one_run_and_many_threads(monkeypatch):
    expected = simulate(FAMILY, SHORT, n_tasks=3, n_seeds=3).accuracy
    for threads in ("1", "3", "40"):
        monkeypatch.setenv("RLVR_THREADS", threads)
        np.testing.assert_array_equal(simulate(FAMILY, SHORT, n_seeds=1).accuracy, expected[:, :1, :1])
        np.testing.assert_array_equal(simulate(FAMILY, SHORT, n_tasks=3, n_seeds=3).accuracy, expected)


def test_threads_are_those_asked_for_or_the_processors_at_hand(monkeypatch):
    monkeypatch.setenv("RLVR_THREADS", "1")
    assert executors.n_threads() == 1
    monkeypatch.setenv("RLVR_THREADS", "7")
    assert executors.n_threads() == 7
    monkeypatch.setenv("RLVR_THREADS", "")
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {2, 5, 6}, raising=False)
    assert executors.n_threads() == 3
    monkeypatch.delattr(os, "sched_getaffinity")
    monkeypatch.setattr(os, "cpu_count", lambda: 5)
    assert executors.n_threads() == 5
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    assert executors.n_threads() == 1


def test_a_result_is_frozen_and_its_arrays_stay_out_of_its_text():
    runs = simulate(FAMILY, SHORT, keep_policies=True)
    assert len(repr(runs)) < 500 and "array" not in repr(runs)
    with pytest.raises(AttributeError):
        runs.seed = 3
    with pytest.raises(AttributeError):
        runs.config.n_steps = 3
