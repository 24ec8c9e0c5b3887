"""What an audit hands out is as it was computed: no field can be set afterwards."""

from rlvr.auditing import (
    cell_audit,
    evaluation_log,
    item_matching,
    items_and_runs,
    log_reading,
    planning,
    repeated_runs,
    run_spreads,
    sampling_error,
    simulated_studies,
    spread_by_updates,
    strategy_bounds,
    study_cells,
    verdict_families,
)  # fmt: skip

MODULES = [
    cell_audit, evaluation_log, item_matching, items_and_runs, log_reading, planning, repeated_runs,
    run_spreads, sampling_error, simulated_studies, spread_by_updates, strategy_bounds, study_cells,
    verdict_families,
]  # fmt: skip


def test_no_field_can_be_set(refuse_change):
    filled_while_read = {"rlvr.auditing.evaluation_log": ["Answers"]}
    assert refuse_change(MODULES) == filled_while_read
