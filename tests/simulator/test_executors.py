"""Several studies in one call, and chunks on other executors: the same bits, whoever dies."""

import asyncio
import multiprocessing
import os
import pickle
import signal
import threading
import time
import warnings
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import fields, replace

import numpy as np
import pytest

from rlvr import ARMS, GRPOConfig, StrategyFamily, TaskFamily, simulate
from rlvr.simulator import executors
from rlvr.simulator.executors import cut, train_chunk
from rlvr.simulator.studies import Study, StudySize

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
    """Trains when it has `n` chunks, the last first, and sends everything through bytes."""

    def __init__(self, n):
        self.waiting, self.n = [], n

    def submit(self, fn, /, *args, **kwargs):
        future = Future()
        self.waiting.append((future, pickle.dumps((fn, args, kwargs))))
        assert len(self.waiting) <= self.n  # else the first ones would be waited for without end
        if len(self.waiting) == self.n:
            for waiting, packed in reversed(self.waiting):
                work, given, named = pickle.loads(packed)
                waiting.set_result(work(*given, **named))
        return future


class Deadly(Executor):
    """Passes work on, but in place of the fourth chunk something that kills whoever takes it."""

    def __init__(self, pool):
        self.pool, self.n = pool, 0

    def submit(self, fn, /, *args, **kwargs):
        self.n += 1
        if self.n == 4:
            return self.pool.submit(signal.raise_signal, signal.SIGKILL)
        return self.pool.submit(fn, *args, **kwargs)


def slowly(work, chunk):
    """Train a chunk no faster than in a tenth of a second."""
    time.sleep(0.1)
    return work(chunk)


def out_of_memory(chunk):
    raise MemoryError("on a worker")


class Slow(Executor):
    def __init__(self, pool):
        self.pool = pool

    def submit(self, fn, /, *args, **kwargs):
        return self.pool.submit(slowly, fn, *args)


class Silent(Executor):
    """Takes every chunk, and trains none before it wakes up."""

    def __init__(self):
        self.waiting = []

    def submit(self, fn, /, *args, **kwargs):
        self.waiting.append((Future(), fn, args))
        return self.waiting[-1][0]

    def wake(self):
        for future, work, given in self.waiting:
            if future.set_running_or_notify_cancel():
                future.set_result(work(*given))


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
    study = Study.prepare(family, SHORT, StudySize(ARMS, 3, 5, 0, None, False))
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
    for n_seeds in (8, 400, 4000):  # a chunk a thread; 64 runs in each; four a thread
        simulate(TASKS, replace(SHORT, n_steps=1), n_seeds=n_seeds)
    assert cuts == [3, 6, 12]
    monkeypatch.setattr(executors, "_LONGEST", 1000)
    simulate(TASKS, replace(SHORT, n_steps=1), n_seeds=4000)
    assert cuts[-1] == 4000 * 3 * 4 // 1000


@pytest.fixture
def many_chunks(monkeypatch):
    """Work is cut for a cluster as if it were long: 15 chunks for TASKS, and as many for SHARED."""
    monkeypatch.setattr(executors, "_TRAVELLING", 60)


def assert_all_same(found, expected):
    for runs, other in zip(found, expected, strict=True):
        assert_same(runs, other)


@pytest.fixture(scope="module")
def expected():
    return [simulate(family, SHORT, **ASKED) for family in (TASKS, SHARED)]


@pytest.mark.parametrize("threads", [1, 2, 9])
def test_threads_in_any_number_give_the_same_bits(threads, monkeypatch, expected):
    monkeypatch.setenv("RLVR_THREADS", str(threads))
    assert_all_same(simulate([TASKS, SHARED], SHORT, **ASKED), expected)


def test_any_executor_in_any_order_gives_the_same_bits(many_chunks, expected):
    assert_all_same(simulate([TASKS, SHARED], SHORT, executor=Backwards(30), **ASKED), expected)
    with ThreadPoolExecutor(3) as pool:
        assert_all_same(simulate([TASKS, SHARED], SHORT, executor=pool, **ASKED), expected)
        assert pool.submit(int, "7").result() == 7  # it stays open


@pytest.mark.parametrize(("longest", "n_chunks"), [(60, 15), (300, 3), (1_000, 1), (10**9, 1)])
def test_work_that_travels_is_cut_by_how_long_it_is(longest, n_chunks, monkeypatch):
    monkeypatch.setattr(executors, "_TRAVELLING", longest)
    told = []
    simulate(TASKS, SHORT, executor=Backwards(n_chunks), progress=lambda *now: told.append(now), **ASKED)
    assert told == [(done, n_chunks) for done in range(n_chunks + 1)]


@pytest.mark.slow
def test_processes_give_the_same_bits(many_chunks, expected):
    with processes() as pool:
        assert_all_same(simulate([TASKS, SHARED], SHORT, executor=pool, **ASKED), expected)


@pytest.mark.slow
def test_a_process_killed_in_the_middle_costs_nothing_but_a_warning(many_chunks, expected):
    with processes() as pool:
        with pytest.warns(RuntimeWarning, match="of 30 lost by the executor: trained here instead"):
            found = simulate([TASKS, SHARED], SHORT, executor=Deadly(pool), **ASKED)
        assert_all_same(found, expected)
        with pytest.warns(RuntimeWarning, match="30 chunks of 30 lost"):  # the pool is broken for good
            assert_all_same(simulate([TASKS, SHARED], SHORT, executor=pool, **ASKED), expected)


def test_an_error_that_is_no_loss_is_raised(many_chunks, expected):
    with pytest.raises(MemoryError, match="too much"):
        simulate(TASKS, SHORT, executor=Failing(MemoryError("too much")), **ASKED)
    with pytest.warns(RuntimeWarning, match="15 chunks of 15 lost by the executor: trained here instead"):
        found = simulate(TASKS, SHORT, executor=Failing(ConnectionError()), **ASKED)
    assert_same(found, expected[0])
    with ThreadPoolExecutor(1) as closed:
        pass
    with pytest.raises(RuntimeError, match="after shutdown"):
        simulate(TASKS, SHORT, executor=closed)


@pytest.fixture
def impatient(monkeypatch):
    monkeypatch.setattr(executors, "_patience", lambda pieces: 0.1)
    monkeypatch.setenv("RLVR_THREADS", "1")


SILENCE = "30 chunks of 30 lost by the executor: trained here instead, after 0 s without an answer"


def test_what_a_silent_executor_never_answers_is_trained_here(many_chunks, impatient, monkeypatch, expected):
    silent = Silent()
    with pytest.warns(RuntimeWarning, match=SILENCE):
        assert_all_same(simulate([TASKS, SHARED], SHORT, executor=silent, **ASKED), expected)
    assert all(future.cancelled() for future, *_ in silent.waiting)
    monkeypatch.setattr(executors, "_patience", lambda pieces: 1e9)  # it is known to be silent now
    with pytest.warns(RuntimeWarning, match="30 chunks of 30"):
        assert_all_same(simulate([TASKS, SHARED], SHORT, executor=silent, **ASKED), expected)


def test_an_executor_that_answers_again_gets_the_rest(many_chunks, impatient, expected):
    silent = Silent()
    with pytest.warns(RuntimeWarning, match="^2 chunks of 30 lost by the executor: trained here instead$"):
        found = simulate(
            [TASKS, SHARED], SHORT, executor=silent, **ASKED,
            progress=lambda done, _: silent.wake() if done == 2 else None,
        )  # fmt: skip
    assert_all_same(found, expected)


def test_a_study_inside_the_only_thread_of_its_executor_ends(many_chunks, impatient, expected):
    with ThreadPoolExecutor(1) as pool, pytest.warns(RuntimeWarning, match=SILENCE):
        found = pool.submit(simulate, [TASKS, SHARED], SHORT, executor=pool, **ASKED).result()
    assert_all_same(found, expected)


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(signal, "SIGSTOP"), reason="stops processes")
def test_processes_that_stand_still_are_not_waited_for(many_chunks, impatient, expected):
    with processes() as pool:
        pool.submit(os.getpid).result()
        stopped = [process.pid for process in pool._processes.values()]
        for pid in stopped:
            os.kill(pid, signal.SIGSTOP)
        try:
            with pytest.warns(RuntimeWarning, match=SILENCE):
                found = simulate([TASKS, SHARED], SHORT, executor=pool, **ASKED)
        finally:
            for pid in stopped:
                os.kill(pid, signal.SIGCONT)
    assert_all_same(found, expected)


def test_an_interrupt_cancels_what_has_not_begun(many_chunks):
    futures, over = [], threading.Event()

    def interrupt(done, _):
        if done == 3:
            raise KeyboardInterrupt

    def held(number, work, chunk):
        if number == 3:  # at work when the interrupt comes, whatever else this machine does
            over.wait(60)
        return work(chunk)

    class Held(ThreadPoolExecutor):
        def submit(self, work, chunk):
            futures.append(super().submit(held, len(futures), work, chunk))
            return futures[-1]

    with Held(1) as pool:
        with pytest.raises(KeyboardInterrupt):
            simulate(TASKS, SHORT, executor=pool, progress=interrupt, **ASKED)
        over.set()
    assert [future.cancelled() for future in futures] == [False] * 4 + [True] * 11


def test_progress_is_told_of_every_chunk_and_draws_nothing_in_a_file(capsys):
    told = []
    simulate(TASKS, SHORT, n_seeds=64, progress=lambda *now: told.append(now))
    n_chunks = told[0][1]
    assert told == [(done, n_chunks) for done in range(n_chunks + 1)] and n_chunks >= 1
    simulate(TASKS, SHORT, progress=True)
    assert capsys.readouterr() == ("", "")
    with pytest.raises(TypeError, match="progress must be True, False or a callable, got 1"):
        simulate(TASKS, SHORT, progress=1)


def test_a_terminal_gets_a_bar(capsys, monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")  # how rich is told that it writes to a terminal
    simulate(TASKS, SHORT, progress=True)
    out, bar = capsys.readouterr()
    assert out == "" and "simulating" in bar


@pytest.fixture(scope="module")
def cluster():
    distributed = pytest.importorskip("distributed", reason="needs the optional dependency rlvr[cluster]")
    before = dict(os.environ)
    with (
        distributed.LocalCluster(n_workers=2, threads_per_worker=1, processes=True, dashboard_address=":0")
        as cluster, distributed.Client(cluster) as client,
    ):  # fmt: skip
        yield client
    # Dask's nannies leave thread limits and a hash seed in this process, for chapters run later to inherit.
    os.environ.clear()
    os.environ.update(before)


@pytest.fixture
def patient(monkeypatch):
    """A busy machine is slow and not silent; what waits for ever meets the deadline of its test."""
    monkeypatch.setattr(executors, "_patience", lambda pieces: 1e9)


@pytest.mark.slow
def test_dask_gives_the_same_bits(cluster, many_chunks, patient, expected):
    pids = set(cluster.run(os.getpid).values())
    assert len(pids) == 2 and os.getpid() not in pids
    found = simulate([TASKS, SHARED], SHORT, executor=cluster.get_executor(), **ASKED)
    assert_all_same(found, expected)


@pytest.mark.slow
def test_a_dask_worker_killed_in_the_middle_costs_nothing(cluster, many_chunks, expected):
    """Dask itself trains elsewhere what one death lost, so that there may be nothing to warn of."""
    victim = next(iter(cluster.run(os.getpid).values()))

    def kill(done, _):
        if done == 2:
            os.kill(victim, signal.SIGKILL)

    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "[0-9]+ chunks? of 30 lost by the executor", RuntimeWarning)
        found = simulate(
            [TASKS, SHARED], SHORT, executor=Slow(cluster.get_executor()), progress=kill, **ASKED
        )
    assert_all_same(found, expected)


@pytest.mark.parametrize("family", [TASKS, SHARED])
def test_an_answer_that_dask_loses_after_it_came_is_trained_here(family, many_chunks):
    cascade = pytest.importorskip("distributed.cfexecutor")._cascade_future

    class Lost:
        """A future of Dask whose worker died after the answer had come: it is taken for an error."""

        status = "lost"

        def __init__(self, answer):
            self.answer = answer

        async def _result(self, raiseit):
            return self.answer

    class Losing(Executor):
        def submit(self, fn, /, *args, **kwargs):
            async def told():
                await cascade(Lost(fn(*args, **kwargs)), future)

            future = Future()
            asyncio.run(told())
            return future

    with pytest.warns(RuntimeWarning, match="15 chunks of 15 lost by the executor: trained here instead"):
        found = simulate(family, SHORT, executor=Losing(), **ASKED)
    assert_same(found, simulate(family, SHORT, **ASKED))


@pytest.mark.slow
def test_an_error_of_the_work_itself_comes_back_from_dask(cluster, monkeypatch):
    monkeypatch.setattr(executors, "train_chunk", out_of_memory)
    with pytest.raises(MemoryError, match="on a worker"):
        simulate(TASKS, SHORT, executor=cluster.get_executor(), **ASKED)


@pytest.mark.slow
def test_a_chunk_that_dask_gives_up_is_trained_here(cluster, many_chunks, expected):
    with pytest.warns(RuntimeWarning, match="of 30 lost by the executor: trained here instead"):
        found = simulate([TASKS, SHARED], SHORT, executor=Deadly(cluster.get_executor()), **ASKED)
    assert_all_same(found, expected)


@pytest.mark.slow
def test_a_dask_cluster_without_workers_is_not_waited_for(cluster, many_chunks, impatient, expected):
    """The last test of this cluster, which gets none back: Dask keeps the work for a worker to come."""
    cluster.cluster.scale(0)
    until = time.monotonic() + 60  # a worker that is not gone yet may still answer
    while cluster.cluster.scheduler.workers:
        assert time.monotonic() < until
        time.sleep(0.05)

    def close(done, _):
        if done == 2:
            cluster.close()

    executor = cluster.get_executor(pure=False)
    for progress in (False, close):
        with pytest.warns(RuntimeWarning, match="30 chunks of 30 lost by the executor: trained here instead"):
            found = simulate([TASKS, SHARED], SHORT, executor=executor, progress=progress, **ASKED)
        assert_all_same(found, expected)
    with pytest.warns(RuntimeWarning, match="30 chunks of 30"):  # as by a pool that is broken for good
        assert_all_same(simulate([TASKS, SHARED], SHORT, executor=executor, **ASKED), expected)
