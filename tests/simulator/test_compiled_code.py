"""Every compiled function lets other threads run beside it, and is compiled once for all processes."""

import pytest
from numba.core.registry import CPUDispatcher

from rlvr.simulator import (
    kernel,
    kernel_rewards,
    kernel_softmax,
    kernel_updates,
    keyed_random,
    lanes,
    shared_kernel,
    shared_mirror,
    shared_rewards,
    shared_updates,
)  # fmt: skip

MODULES = [
    kernel, kernel_rewards, kernel_softmax, kernel_updates, keyed_random, lanes, shared_kernel, shared_mirror,
    shared_rewards, shared_updates,
]  # fmt: skip
COMPILED = [
    value for module in MODULES for value in vars(module).values()
    if isinstance(value, CPUDispatcher) and value.py_func.__module__ == module.__name__
]  # fmt: skip


def test_each_file_has_compiled_functions():
    assert {one.py_func.__module__ for one in COMPILED} == {module.__name__ for module in MODULES}


@pytest.mark.parametrize("function", COMPILED, ids=lambda one: one.py_func.__name__)
def test_a_compiled_function_releases_the_interpreter_and_is_kept_on_the_disk(function):
    assert function.targetoptions["nogil"] is True
    assert function.stats.cache_path  # None where nothing is kept
