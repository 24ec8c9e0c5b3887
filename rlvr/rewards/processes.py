"""Identify this process among the training processes, and exchange objects with the others.

A trainer on several devices starts one process per device and gives each a slice of the answers, so the
answers to one prompt may be spread over processes. torch and accelerate are used only if the trainer has
already loaded them.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

__all__ = ["Process", "shared_by_all", "this_process"]

_LAUNCHERS = (
    ("RANK", "WORLD_SIZE"),  # torchrun, accelerate, DeepSpeed
    ("OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE"),
    ("PMI_RANK", "PMI_SIZE"),
    ("MV2_COMM_WORLD_RANK", "MV2_COMM_WORLD_SIZE"),
    ("SLURM_PROCID", "SLURM_STEP_NUM_TASKS"),  # set in a step; a batch script alone is one process
)


class Process(NamedTuple):
    """One of the processes that train together."""

    rank: int
    """The number of this process, from 0."""
    n_processes: int
    """The number of processes."""
    known_by: str
    """The source of both numbers."""
    gather: Callable[[Any], list[Any]] | None = None
    """From an object of this process to the objects of all, by rank; every process must call it. None if
    processes cannot exchange objects."""


def this_process() -> Process:
    """Find this process by torch.distributed, else by accelerate's state, else by the launcher's variables.

    Examples
    --------
    >>> this_process().rank < this_process().n_processes
    True
    """
    distributed = sys.modules.get("torch.distributed")
    if distributed is not None and distributed.is_available() and distributed.is_initialized():
        count = distributed.get_world_size()

        def gather(mine: Any) -> list[Any]:
            every: list[Any] = [None] * count
            distributed.all_gather_object(every, mine)
            return every

        rank = distributed.get_rank()
        return Process(rank, count, "torch.distributed", gather if count > 1 else None)
    partial = getattr(sys.modules.get("accelerate.state"), "PartialState", None)
    state = getattr(partial, "_shared_state", None) or {}
    index, count = state.get("process_index"), state.get("num_processes")
    if isinstance(index, int) and isinstance(count, int):
        return Process(index, count, "accelerate")
    for rank_name, count_name in _LAUNCHERS:
        number = _whole(os.environ, rank_name)
        if number is not None:
            size = _whole(os.environ, count_name) or 1
            return Process(number, max(size, number + 1), f"{rank_name}, {count_name}")
    return Process(0, 1, "no launcher")


def _whole(variables: Mapping[str, str], name: str) -> int | None:
    text = variables.get(name, "")
    return int(text) if text.isascii() and text.isdigit() else None


def shared_by_all(process: Process, make: Callable[[], Any]) -> list[Any]:
    """Return the results of `make` in all processes, by rank.

    A process whose `make` fails takes part in the exchange before it raises, and the others raise too, so no
    process is left waiting.

    Parameters
    ----------
    process : Process
        A process that can gather.
    make : function without arguments
        Makes the object of this process.

    Raises
    ------
    RuntimeError
        If `make` failed in another process. An exception of this process is raised unchanged.
    """
    assert process.gather is not None
    failure: Exception | None = None
    try:
        mine = (make(), "")
    except Exception as error:
        failure, mine = error, (None, f"{type(error).__name__}: {error}")
    every = process.gather(mine)
    if failure is not None:
        raise failure
    for rank, (_, problem) in enumerate(every):
        if problem:
            raise RuntimeError(f"the reward failed in process {rank} of {process.n_processes}: {problem}")
    return [made for made, _ in every]
