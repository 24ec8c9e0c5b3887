"""What the simulator hands out is as it was computed: no field can be set afterwards."""

from dataclasses import FrozenInstanceError, fields, is_dataclass

import pytest

from rlvr.simulator import (
    executors,
    grpo_config,
    prepared_study,
    prior_sweep,
    shared_in_plain_numpy,
    strategy_family,
    task_family,
    trained_runs,
    training_chunks,
    two_stages,
)  # fmt: skip

MODULES = [
    executors, grpo_config, prepared_study, prior_sweep, shared_in_plain_numpy, strategy_family, task_family,
    trained_runs, training_chunks, two_stages,
]  # fmt: skip
RECORDS = [
    value for module in MODULES for value in vars(module).values()
    if isinstance(value, type) and is_dataclass(value) and value.__module__ == module.__name__
]  # fmt: skip


@pytest.mark.parametrize("record", RECORDS)
def test_no_field_can_be_set(record):
    with pytest.raises(FrozenInstanceError):
        setattr(object.__new__(record), fields(record)[0].name, None)


def test_each_file_has_its_records():
    assert {record.__module__ for record in RECORDS} == {module.__name__ for module in MODULES}
