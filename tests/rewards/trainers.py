"""Processes and trainers of reward functions, simulated without torch."""

import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from types import ModuleType, SimpleNamespace


class Trainer:
    """What TRL's GRPOTrainer hands to a reward, one a process."""

    def __init__(self, num_generations=4):
        self.num_generations, self.state, self.logged = num_generations, SimpleNamespace(global_step=0), {}

    def log_metric(self, name, value):
        self.logged.setdefault(name, []).append(value)

    def call(self, reward, prompts, completions, **columns):
        return reward(
            prompts=prompts,
            completions=completions,
            completion_ids=[[1]] * len(prompts),
            trainer_state=self.state,
            log_metric=self.log_metric,
            log_extra=lambda column, values: None,
            **columns,
        )


def together(count, work, monkeypatch):
    """What `work(rank)` returns, or raises, in each of `count` threads that take each other for processes."""
    here, barrier, board = threading.local(), threading.Barrier(count), [None] * count

    def gather(every, mine):
        board[here.rank] = mine
        barrier.wait(timeout=20)
        every[:] = board
        barrier.wait(timeout=20)

    fake = ModuleType("torch.distributed")
    fake.is_available = fake.is_initialized = lambda: True
    fake.get_rank, fake.get_world_size = lambda: here.rank, lambda: count
    fake.all_gather_object = gather
    monkeypatch.setitem(sys.modules, "torch.distributed", fake)

    def run(rank):
        here.rank = rank
        try:
            return work(rank)
        except Exception as error:
            return error

    with ThreadPoolExecutor(count) as pool:
        results = list(pool.map(run, range(count)))
    monkeypatch.delitem(sys.modules, "torch.distributed")
    return results
