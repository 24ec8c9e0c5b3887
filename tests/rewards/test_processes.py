"""Groups that are split over processes, and several calls at one step."""

import os
import sys
from itertools import chain
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest

from rlvr.rewards import arm_rewards, majority_reward, random_reward, true_reward, with_options
from rlvr.rewards.processes import Process, shared_by_all, this_process
from tests.rewards.trainers import Trainer, together

ANSWERS = ["1", "2", "2", "3", "7", "8", "8", "none", "5", "6", "6", "5"]
PROMPTS = list("aaaabbbbcccc")


@pytest.fixture(autouse=True)
def no_launcher(monkeypatch):
    for name in list(os.environ):
        if name.endswith(("RANK", "WORLD_SIZE", "PROCID", "NUM_TASKS")):
            monkeypatch.delenv(name)


def slices(count, *columns):
    size = len(columns[0]) // count
    return lambda rank: [column[rank * size : (rank + 1) * size] for column in columns]


@pytest.mark.parametrize("count", [2, 3, 4, 6, 12])
@pytest.mark.parametrize("tie_break", ["first", "uniform"])
def test_votes_of_split_groups_are_those_of_one_process(count, tie_break, monkeypatch):
    alone, trainers = Trainer(), [Trainer() for _ in range(count)]
    part = slices(count, PROMPTS, ANSWERS)
    vote = with_options(majority_reward, tie_break=tie_break)
    whole = alone.call(vote, PROMPTS, ANSWERS)
    parts = together(count, lambda rank: trainers[rank].call(vote, *part(rank)), monkeypatch)
    assert list(chain(*parts)) == whole
    for name in ("majority_reward/vote_size", "majority_reward/flat_groups"):
        assert trainers[-1].logged[name] == alone.logged[name]


@pytest.mark.parametrize("count", [1, 2, 4, 8])
def test_coins_of_processes_differ_and_those_of_the_first_stay(count, monkeypatch):
    trainers, part = [Trainer() for _ in range(count)], slices(count, list("ppppqqqq"))

    def train(rank):
        trainer, (prompts,), coins = trainers[rank], part(rank), []
        for trainer.state.global_step in range(80):
            coins.append(trainer.call(random_reward, prompts, prompts))
        return coins

    parts = together(count, train, monkeypatch)
    groups = np.concatenate(parts, axis=1).reshape(-1, 4)
    flat = float((groups.std(axis=1) == 0).mean())
    assert 0.05 < flat < 0.22 and groups.mean() == pytest.approx(0.5, abs=0.1)  # of four coins 1 in 8 is flat
    assert np.mean(trainers[-1].logged["random_reward/flat_groups"]) == pytest.approx(flat)
    assert parts[0][3] == random_reward(*part(0) * 2, step=3)


def test_calls_of_one_step_do_not_repeat_coins():
    trainer, prompts = Trainer(8), ["p"] * 8
    first, second = (trainer.call(random_reward, prompts, prompts) for _ in range(2))
    assert first + second == random_reward(prompts * 2, prompts * 2, step=0)
    assert trainer.call(random_reward, ["q"] * 8, prompts) == random_reward(["q"] * 8, prompts, step=0)
    trainer.state.global_step = 1
    assert trainer.call(random_reward, prompts, prompts) == random_reward(prompts, prompts, step=1)
    assert Trainer(8).call(random_reward, prompts, prompts) == first  # another trainer begins anew


def test_ties_of_one_prompt_are_drawn_anew_in_each_group():
    trainer, vote = Trainer(2), with_options(majority_reward, tie_break="uniform")
    first = trainer.call(vote, ["p"] * 80, ["1", "2"] * 40)
    assert 8 < sum(first[::2]) < 32 and first != trainer.call(vote, ["p"] * 80, ["1", "2"] * 40)
    alone = majority_reward(["p"] * 2, ["1", "2"], tie_break="uniform", step=0)
    assert first[:2] == alone


def test_an_error_in_one_process_reaches_all_and_none_waits(monkeypatch):
    part = slices(2, PROMPTS, [*ANSWERS[:6], *[None] * 6])

    def failing(rank):
        return shared_by_all(this_process(), lambda: part(rank)[1][0].strip())

    first, second = together(2, failing, monkeypatch)
    assert isinstance(first, RuntimeError) and "process 1 of 2: AttributeError" in str(first)
    assert isinstance(second, AttributeError)


def test_a_vote_of_parts_is_refused_by_name(monkeypatch):
    monkeypatch.setenv("RANK", "1")
    monkeypatch.setenv("WORLD_SIZE", "4")
    for size in (None, 8):
        with pytest.raises(ValueError, match=r"process 1 of 4 \(RANK, WORLD_SIZE\).*labels="):
            majority_reward(PROMPTS, ANSWERS, group_size=size)
    whole = majority_reward(PROMPTS, ANSWERS, process=(0, 1))
    assert majority_reward(PROMPTS, ANSWERS, group_size=4) == whole
    assert Trainer().call(majority_reward, PROMPTS, ANSWERS) == whole
    assert majority_reward(PROMPTS[:1], ["2"], labels={"a": 2}) == [1.0]


def test_the_group_size_is_that_of_the_trainer():
    with pytest.raises(ValueError, match="num_generations, 4; got 6"):
        Trainer(4).call(with_options(majority_reward, group_size=6), PROMPTS, ANSWERS)
    twice = ["p"] * 8, ["1", "1", "1", "2", "2", "2", "2", "1"]  # one prompt drawn twice in a row
    assert Trainer(4).call(majority_reward, *twice) == [1, 1, 1, 0, 1, 1, 1, 0]
    evaluated = Trainer(4)
    evaluated.model, evaluated.num_generations_eval = SimpleNamespace(training=False), 2
    assert evaluated.call(majority_reward, PROMPTS[:4], ["1", "2", "3", "3"]) == [1, 0, 1, 1]
    evaluated.num_generations_eval = 1
    assert evaluated.call(majority_reward, ["p", "q"], ["1", "2"]) == [None, None]


def test_coins_without_spread_stop_the_run(monkeypatch):
    monkeypatch.setattr(arm_rewards, "keyed_uniform", lambda *key: (key[2] % 2) / 2)  # one coin a step
    trainer = Trainer(4)
    with pytest.raises(
        RuntimeError, match=r"all rewards are equal in .* groups .*RANDOM does not train.*process="
    ):
        for trainer.state.global_step in range(20):
            trainer.call(random_reward, ["p"] * 8, ["x"] * 8)
    assert 6 <= trainer.state.global_step <= 8  # fair coins would do so once in 10 ** 12
    for _ in range(30):
        trainer.call(with_options(random_reward, rate=1.0), ["p"] * 8, ["x"] * 8)


@pytest.mark.parametrize(
    ("variables", "rank", "count"),
    [
        ({}, 0, 1),
        ({"RANK": "2", "WORLD_SIZE": "4"}, 2, 4),
        ({"RANK": "2"}, 2, 3),
        ({"RANK": "x", "WORLD_SIZE": "4"}, 0, 1),
        ({"OMPI_COMM_WORLD_RANK": "1", "OMPI_COMM_WORLD_SIZE": "2"}, 1, 2),
        ({"SLURM_PROCID": "3", "SLURM_STEP_NUM_TASKS": "8"}, 3, 8),
    ],
)
def test_the_launchers_variables(variables, rank, count, monkeypatch):
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert this_process()[:2] == (rank, count)
    coins = random_reward(["p"] * 64, ["x"] * 64, step=0)
    assert (coins == random_reward(["p"] * 64, ["x"] * 64, step=0, process=(0, 1))) == (rank == 0)


def test_accelerate_is_read_where_it_is_loaded(monkeypatch):
    monkeypatch.setenv("RANK", "3")
    fake = ModuleType("accelerate.state")
    fake.PartialState = SimpleNamespace(_shared_state={})
    monkeypatch.setitem(sys.modules, "accelerate.state", fake)
    assert this_process()[:2] == (3, 4)
    fake.PartialState._shared_state |= {"process_index": 1, "num_processes": 2}
    assert this_process() == Process(1, 2, "accelerate")


@pytest.mark.parametrize("given", [1, (1,), (2, 2), (True, 2), [0, "1"], "01"])
def test_a_process_is_two_numbers(given):
    with pytest.raises(TypeError, match="process must be"):
        random_reward(["p"], ["x"], step=0, process=given)


def test_true_logs_whole_groups_too(monkeypatch):
    trainers, part = [Trainer() for _ in range(4)], slices(4, PROMPTS, ANSWERS)
    paid = together(
        4, lambda rank: trainers[rank].call(true_reward, *part(rank), answer=["2"] * 3), monkeypatch
    )
    assert list(chain(*paid)) == [0, 1, 1] + [0] * 9
    assert trainers[0].logged["true_reward/flat_groups"] == [pytest.approx(2 / 3)]
