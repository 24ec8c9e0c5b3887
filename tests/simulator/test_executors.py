"""Several studies in one call, and chunks on other executors: the same bits, whoever dies."""

import multiprocessing
import os
import pickle
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import fields, replace

import numpy as np
import pytest

from rlvr import ARMS, GRPOConfig, StrategyFamily, TaskFamily, simulate
from rlvr.simulator import executors
from rlvr.simulator.prepared_study import Size, Study
from rlvr.simulator.training_chunks import cut, train_chunk

TASKS, SHARED = TaskFamily(n_actions=4, n_prompts=6), StrategyFamily(n_prompts=8, offset_sd=0.5, n_tokens=2)
ALIKE = StrategyFamily(n_prompts=8)
SHORT = GRPOConfig(n_steps=5, batch_size=4)
ASKED = {"n_tasks": 3, "n_seeds": 5, "checkpoints": (0, 2), "keep_policies": True}
RESULTS = ("curves", "policies", "share_curves", "clipped", "logits")


def assert_same(found, expected):
    for item in fields(expected):
        if item.name not in (*RESULTS, "tasks", "steps"):
            assert getattr(found, item.name) == getattr(expected, item.name)
    for name in RESULTS:
        if getattr(expected, name) is None:
            assert getattr(found, name) is None
        else:
            np.testing.assert_array_equal(getattr(found, name), getattr(expected, name))


class Backwards(Executor):
    """Trains at the very end, last chunk first, and sends everything through bytes."""

    def __init__(self):
        self.waiting = []

    def submit(self, fn, /, *args, **kwargs):
        future = Future()
        self.waiting.append((future, pickle.dumps((fn, args, kwargs))))
        if len(self.waiting) == 8:
            for waiting, packed in reversed(self.waiting):
                work, given, named = pickle.loads(packed)
                waiting.set_result(work(*given, **named))
        return future


class Deadly(Executor):
    """A pool of two processes, one of which dies of the fourth chunk."""

    def __init__(self, pool):
        self.pool, self.n = pool, 0

    def submit(self, fn, /, *args, **kwargs):
        self.n += 1
        return self.pool.submit(os._exit, 1) if self.n == 4 else self.pool.submit(fn, *args, **kwargs)


class Failing(Executor):
    """Fails at every chunk, as told."""

    def __init__(self, problem):
        self.problem = problem

    def submit(self, fn, /, *args, **kwargs):
        future = Future()
        future.set_exception(self.problem)
        return future


def processes():
    return ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn"))


def test_a_list_is_its_single_calls():
    fixed = replace(SHORT, majority_labels="fixed", verifier_noise=(0.1, 0.2), n_steps=7)
    families, configs = [TASKS, SHARED, ALIKE], [SHORT, fixed, replace(SHORT, filtering="refill")]
    for found, family, config in zip(simulate(families, configs, **ASKED), families, configs, strict=True):
        assert_same(found, simulate(family, config, **ASKED))
    for found, family in zip(simulate(families, fixed, **ASKED), families, strict=True):
        assert_same(found, simulate(family, fixed, **ASKED))
    for found, config in zip(simulate(SHARED, tuple(configs), **ASKED), configs, strict=True):
        assert_same(found, simulate(SHARED, config, **ASKED))
    assert isinstance(simulate([TASKS], SHORT), list)


def test_what_a_list_refuses():
    with pytest.raises(ValueError, match="of one length where both are sequences, got 2 and 3"):
        simulate([TASKS] * 2, [SHORT] * 3)
    with pytest.raises(ValueError, match="family must hold at least one item"):
        simulate([])
    with pytest.raises(ValueError, match="config must hold at least one item"):
        simulate(TASKS, [])
    with pytest.raises(TypeError, match="family must be a TaskFamily or a StrategyFamily, got int"):
        simulate([TASKS, 3], SHORT)
    with pytest.raises(TypeError, match="config must be a GRPOConfig, got str"):
        simulate(TASKS, [SHORT, "light"])
    with pytest.raises(ValueError, match="tasks must be None where families or configs are listed"):
        simulate([TASKS], SHORT, tasks=TASKS.sample(1))
    with pytest.raises(ValueError, match="batch_size must be at most n_prompts = 6, got 7"):
        simulate([SHARED, TASKS], replace(SHORT, batch_size=7))
    with pytest.raises(TypeError, match=r"executor must be a concurrent\.futures\.Executor or None, got int"):
        simulate(TASKS, SHORT, executor=2)


@pytest.mark.parametrize("family", [TASKS, SHARED, ALIKE])
def test_every_cut_gives_the_same_runs(family):
    study = Study.prepare(family, SHORT, Size(ARMS, 3, 5, 0, None, False))
    whole = train_chunk(study.work)
    for n_chunks in (1, 4, 15, 99):
        chunks = cut(study.work, n_chunks)
        assert len(chunks) == min(n_chunks, 15)
        assert sum(chunk.n_runs for chunk in chunks) == 15
        trained = [train_chunk(pickle.loads(pickle.dumps(chunk))) for chunk in reversed(chunks)]
        for name, array in whole.items():
            np.testing.assert_array_equal(np.concatenate([part[name] for part in trained[::-1]], 1), array)
    single = cut(study.work, 15)
    assert {len(chunk.by_task["labels"]) for chunk in single} == {1}  # its own task only
    assert [int(chunk.by_task["draws"][0]) for chunk in single] == [0] * 5 + [1] * 5 + [2] * 5
    assert [(chunk.first, chunk.last) for chunk in single[:6]] == [
        (0, 1),
        (1, 2),
        (2, 3),
        (3, 4),
        (4, 5),
        (0, 1),
    ]
    assert {chunk.n_groups for chunk in single} == {study.work.n_groups // 15} == {3 * 5 * 4}


def test_studies_that_differ_in_their_priors_alone_are_trained_as_one(monkeypatch):
    cuts = []
    monkeypatch.setattr(executors, "cut", lambda *work: cuts.append(work) or cut(*work))
    monkeypatch.setenv("RLVR_THREADS", "2")
    families = [TaskFamily(strength, n_actions=4, n_prompts=6) for strength in (0.2, 0.5, 0.8)]
    simulate(families, SHORT, n_tasks=2, n_seeds=4)
    ((whole, n_chunks),) = cuts
    assert (whole.n_runs, whole.n_groups, n_chunks) == (24, 24 * 3 * 5 * 4, 2)
    assert whole.by_task["draws"].tolist() == [0, 1, 0, 1, 0, 1]
    cuts.clear()
    simulate([*families, SHARED, SHARED], SHORT, n_tasks=2, n_seeds=4)
    assert [whole.n_runs for whole, _ in cuts] == [24, 8, 8]
    cuts.clear()
    for other in (replace(SHORT, learning_rate=0.1), replace(SHORT, kl="reverse"), replace(SHORT, n_steps=4)):
        simulate(families[0], [SHORT, other], n_tasks=2)
    assert [whole.n_runs for whole, _ in cuts] == [16] * 6
    cuts.clear()
    simulate([families[0], replace(families[0], n_prompts=7)], SHORT)
    assert len(cuts) == 2


def test_chunks_are_as_many_as_the_work_asks_for(monkeypatch):
    cuts = []
    monkeypatch.setattr(executors, "cut", lambda *work: cuts.append(work[1]) or cut(*work))
    monkeypatch.setenv("RLVR_THREADS", "3")
    for n_seeds in (8, 200, 4000):  # a chunk a thread; 32 runs in each; four a thread
        simulate(TASKS, replace(SHORT, n_steps=1), n_seeds=n_seeds)
    assert cuts == [3, 6, 12]
    monkeypatch.setattr(executors, "_LONGEST", 1000)
    simulate(TASKS, replace(SHORT, n_steps=1), n_seeds=4000)
    assert cuts[-1] == 4000 * 3 * 4 // 1000


@pytest.mark.parametrize("family", [TASKS, SHARED])
def test_any_executor_in_any_order_gives_the_same_bits(family):
    expected = simulate(family, SHORT, **ASKED)
    assert_same(simulate(family, SHORT, executor=Backwards(), **ASKED), expected)
    with ThreadPoolExecutor(3) as pool:
        assert_same(simulate(family, SHORT, executor=pool, **ASKED), expected)


@pytest.mark.slow
def test_processes_give_the_same_bits_and_so_do_dying_ones():
    families = [TASKS, SHARED]
    expected = [simulate(family, SHORT, **ASKED) for family in families]
    with processes() as pool:
        found = simulate(families, SHORT, executor=pool, **ASKED)
        for runs, other in zip(found, expected, strict=True):
            assert_same(runs, other)
    with processes() as pool, pytest.warns(RuntimeWarning, match="of 16 lost by the executor: trained here"):
        found = simulate(families, SHORT, executor=Deadly(pool), **ASKED)
    for runs, other in zip(found, expected, strict=True):
        assert_same(runs, other)


def test_an_error_that_is_no_loss_is_raised():
    with pytest.raises(MemoryError, match="too much"):
        simulate(TASKS, SHORT, executor=Failing(MemoryError("too much")), **ASKED)
    with pytest.warns(RuntimeWarning, match="8 chunks of 8 lost by the executor: trained here instead"):
        found = simulate(TASKS, SHORT, executor=Failing(ConnectionError()), **ASKED)
    assert_same(found, simulate(TASKS, SHORT, **ASKED))


@pytest.mark.slow
def test_dask_gives_the_same_bits():
    distributed = pytest.importorskip("distributed", reason="needs the optional dependency rlvr[cluster]")
    with (
        distributed.LocalCluster(n_workers=1, threads_per_worker=2, processes=False, dashboard_address=None)
        as cluster, distributed.Client(cluster) as client,
    ):  # fmt: skip
        found = simulate([TASKS, SHARED], SHORT, executor=client.get_executor(), **ASKED)
    for runs, family in zip(found, [TASKS, SHARED], strict=True):
        assert_same(runs, simulate(family, SHORT, **ASKED))
