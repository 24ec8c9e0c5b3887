"""What the simulator hands out is as it was computed: no field can be set afterwards."""

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


def test_no_field_can_be_set(refuse_change):
    assert refuse_change(MODULES) == {}
