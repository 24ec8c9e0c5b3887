"""What comes back for a chunk is its own answer or no answer, whoever trained it."""

import asyncio
import copy
import pickle
import threading
from collections.abc import Mapping
from concurrent.futures import Executor, Future, ThreadPoolExecutor

import numpy as np
import pytest

from rlvr import ARMS, GRPOConfig, StrategyFamily, TaskFamily, simulate
from rlvr.simulator import chunks, executors
from rlvr.simulator.chunks import Answer, cut, fault_of, train_chunk
from rlvr.simulator.kept_chunks import KeptChunks
from rlvr.simulator.studies import Study, StudySize

FAMILIES = [TaskFamily(n_actions=4, n_prompts=6), StrategyFamily(n_prompts=8, offset_sd=0.5)]
SHORT = GRPOConfig(n_steps=5, batch_size=4)
N_CHUNKS = 8


class Answering(Executor):
    """Trains each chunk, and answers with what `change` makes of that and of the answer before it."""

    def __init__(self, change):
        self.change, self.before = change, None

    def submit(self, fn, /, *args, **kwargs):
        answer, future = fn(*args, **kwargs), Future()
        future.set_result(self.change(answer, self.before))
        self.before = answer
        return future


def of_arrays(change):
    """Change every array; the seal, if it can be kept, is kept."""

    def changed(answer, _):
        other = Answer({name: change(array) for name, array in answer.items()})
        other.seal = answer.seal
        return other

    return changed


def with_one(array, value):
    array = array.copy()
    array.flat[-1] = value
    return array


class Broken(Mapping):
    """Breaks wherever it is looked at."""

    def __getitem__(self, name):
        raise RuntimeError

    __iter__ = __len__ = __getitem__


class Speechless:
    def __repr__(self):
        raise RuntimeError


WRONG = {
    "a broken mapping": lambda answer, _: Broken(),
    "what has no repr": lambda answer, _: Speechless(),
    "arrays that have no repr": lambda answer, _: dict.fromkeys(answer, Speechless()),
    "nothing": lambda answer, _: None,
    "an error": lambda answer, _: MemoryError("on a worker"),
    "an error's class": lambda answer, _: MemoryError,
    "a number": lambda answer, _: 0.5,
    "text": lambda answer, _: "curves",
    "bytes": lambda answer, _: pickle.dumps(answer),
    "the chunk": lambda answer, _: FAMILIES[0],
    "a tuple": lambda answer, _: tuple(answer.values()),
    "a short tuple": lambda answer, _: tuple(answer.values())[1:],
    "an empty list": lambda answer, _: [],
    "a bare array": lambda answer, _: answer["curves"],
    "no arrays": lambda answer, _: {},
    "one array less": lambda answer, _: dict(list(answer.items())[1:]),
    "one array more": lambda answer, _: {**answer, "more": answer["curves"]},
    "other names": lambda answer, _: {f"{name}x": array for name, array in answer.items()},
    "numbers for names": lambda answer, _: dict(enumerate(answer.values())),
    "no seal": lambda answer, _: dict(answer),
    "of another chunk": lambda answer, before: before,
    "NaN": of_arrays(lambda array: with_one(array, np.nan)),
    "infinity": of_arrays(lambda array: with_one(array, -np.inf)),
    "all NaN": of_arrays(lambda array: np.full_like(array, np.nan)),
    "another last bit": of_arrays(lambda array: with_one(array, np.nextafter(array.flat[-1], 2))),
    "other runs first": of_arrays(lambda array: array[:, ::-1]),
    "other arms first": of_arrays(lambda array: array[::-1]),
    "rounded": of_arrays(lambda array: np.round(array, 2) + 1e-12),
    "a run less": of_arrays(lambda array: array[:, 1:]),
    "a run more": of_arrays(lambda array: np.repeat(array, 2, axis=1)),
    "an axis less": of_arrays(lambda array: array[..., 0]),
    "an axis more": of_arrays(lambda array: array[None]),
    "flat": of_arrays(np.ravel),
    "none of it": of_arrays(lambda array: array[:, :0]),
    "float32": of_arrays(np.float32),
    "of the other byte order": of_arrays(lambda array: array.astype(">f8")),
    "whole numbers": of_arrays(lambda array: np.nan_to_num(array).astype(int)),
    "complex": of_arrays(lambda array: array.astype(complex)),
    "texts": of_arrays(lambda array: array.astype(str)),
    "objects": of_arrays(lambda array: array.astype(object)),
    "lists": of_arrays(np.ndarray.tolist),
    "None by name": of_arrays(lambda array: None),
}  # fmt: skip
RIGHT = {
    "itself": lambda answer, _: answer,
    "a copy": lambda answer, _: copy.deepcopy(answer),
    "through bytes": lambda answer, _: pickle.loads(pickle.dumps(answer)),
    "otherwise in memory": of_arrays(np.asfortranarray),
}


@pytest.fixture(autouse=True)
def many_chunks(monkeypatch):
    monkeypatch.setattr(executors, "_TRAVELLING", 240)  # 4 runs


def runs_by(executor):
    return simulate(FAMILIES, SHORT, n_tasks=2, n_seeds=8, executor=executor)


@pytest.fixture(scope="module")
def expected():
    return runs_by(None)


def assert_same(found, expected):
    for runs, other in zip(found, expected, strict=True):
        np.testing.assert_array_equal(runs.curves, other.curves)
        np.testing.assert_array_equal(runs.logits, other.logits) if other.logits is not None else None


def first_chunk(family=FAMILIES[0]):
    size = StudySize(ARMS, 2, 8, 0, None, False)
    return cut(Study.prepare(family, SHORT, size).work, 4)[0]


@pytest.mark.parametrize("wrong", WRONG)
def test_what_is_no_answer_is_named_and_trained_here(wrong, expected, tmp_path):
    """And it is never kept: who goes on from there trains it."""
    with pytest.warns(
        RuntimeWarning, match=r"of 8 answered wrongly by the executor .*: trained here"
    ) as warned:
        assert_same(runs_by(Answering(WRONG[wrong])), expected)
    assert sum(int(str(one.message).split()[0]) for one in warned) == N_CHUNKS
    with pytest.warns(RuntimeWarning, match="answered wrongly by the executor"):
        kept = KeptChunks(tmp_path / "chunks", Answering(WRONG[wrong]))
        assert_same(runs_by(kept), expected)
    assert kept.n_trained == 0 and not list(kept.folder.glob("*.npz"))


@pytest.mark.parametrize("right", RIGHT)
def test_an_answer_is_taken_however_it_travelled(right, expected, tmp_path):
    assert_same(runs_by(Answering(RIGHT[right])), expected)
    kept = KeptChunks(tmp_path / "chunks", Answering(RIGHT[right]))
    assert_same(runs_by(kept), expected)
    assert kept.n_trained == N_CHUNKS


def test_one_wrong_answer_costs_that_chunk_alone(expected):
    numbers = iter(range(99))
    executor = Answering(lambda answer, _: None if next(numbers) == 3 else answer)
    with pytest.warns(RuntimeWarning, match="^1 chunk of 8 answered wrongly .*None of type"):
        assert_same(runs_by(executor), expected)


def test_a_worker_of_another_release_is_no_match(monkeypatch):
    chunk = first_chunk()
    answer = train_chunk(chunk)
    assert fault_of(chunk, answer) == ""
    monkeypatch.setattr(chunks, "_training_code", lambda: b"another release")
    assert "another version of rlvr" in fault_of(chunk, answer)
    assert fault_of(chunk, train_chunk(chunk)) == ""


def test_every_error_shows_what_came_back():
    chunk = first_chunk(FAMILIES[1])
    answer = train_chunk(chunk)
    assert np.isnan(answer["clipped"]).any() and fault_of(chunk, answer) == ""
    for change, named in {
        "nothing": "None", "an error": "MemoryError('on a worker')", "float32": "float32",
        "a run less": "(4, 3, ", "one array less": "curves", "NaN": "not finite", "no seal": "seal",
    }.items():  # fmt: skip
        assert named in fault_of(chunk, WRONG[change](answer, None))


class Submitting(Executor):
    """Gives for each chunk what `make` makes of it."""

    def __init__(self, make):
        self.make = make

    def submit(self, fn, /, *args, **kwargs):
        return self.make(fn, args)


@pytest.mark.parametrize("given", [None, 5, "future", [], {"curves": 1}, Future, len], ids=repr)
def test_what_is_no_future_is_refused_by_name(given):
    with pytest.raises(TypeError, match=r"executor\.submit must return a .*Future, got "):
        runs_by(Submitting(lambda *_: given))
    with pytest.raises(TypeError, match=r"executor\.submit must return a .*Future, got "):
        runs_by(Submitting(lambda fn, given: fn(*given)))  # it trained, and gave the answer itself


def ended_by(problem):
    def make(fn, given):
        future = Future()
        future.set_exception(problem)
        return future

    return make


@pytest.mark.parametrize("problem", [SystemExit(0), SystemExit("left"), asyncio.CancelledError()], ids=repr)
def test_a_worker_that_leaves_does_not_take_this_process_along(problem, expected):
    with pytest.warns(RuntimeWarning, match="8 chunks of 8 lost by the executor"):
        assert_same(runs_by(Submitting(ended_by(problem))), expected)


def test_an_interrupt_of_a_worker_is_one():
    with pytest.raises(KeyboardInterrupt):
        runs_by(Submitting(ended_by(KeyboardInterrupt())))


class Early(Future):
    """Says that it is done before it is."""

    def add_done_callback(self, fn):
        fn(self)


def test_a_future_that_calls_before_it_is_done_is_not_waited_for(expected):
    with pytest.warns(RuntimeWarning, match="8 chunks of 8 answered wrongly .*not done"):
        assert_same(runs_by(Submitting(lambda *_: Early())), expected)


def test_an_executor_that_is_false_or_empty_is_one(expected, tmp_path):
    class Empty(Answering):
        n = 0

        def __len__(self):
            return 0

        def submit(self, fn, /, *args, **kwargs):
            self.n += 1
            return super().submit(fn, *args, **kwargs)

    executor = Empty(lambda answer, _: answer)
    assert_same(runs_by(executor), expected)
    assert_same(runs_by(KeptChunks(tmp_path / "chunks", executor)), expected)
    assert executor.n == 2 * N_CHUNKS


def test_a_future_that_calls_twice_counts_once(expected):
    class Twice(Future):
        def add_done_callback(self, fn):
            super().add_done_callback(fn)
            super().add_done_callback(fn)

    def make(fn, given):
        future = Twice()
        future.set_result(fn(*given))
        return future

    assert_same(runs_by(Submitting(make)), expected)


def test_a_pool_that_is_shut_down_midway_is_a_loss(expected):
    numbers, over = iter(range(99)), threading.Event()

    def held(work, chunk):
        if next(numbers) == 3:
            over.wait(60)
        return work(chunk)

    def stop(done, _):
        if done == 2:
            pool.shutdown(wait=False, cancel_futures=True)
            over.set()

    with ThreadPoolExecutor(1) as pool:
        held_back = Submitting(lambda work, given: pool.submit(held, work, *given))
        with pytest.warns(RuntimeWarning, match=r"[1-7] chunks of 8 lost by the executor"):
            found = simulate(FAMILIES, SHORT, n_tasks=2, n_seeds=8, executor=held_back, progress=stop)
    assert_same(found, expected)
