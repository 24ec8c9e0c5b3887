"""What an audit hands out is as it was computed: no field can be set afterwards."""

from dataclasses import FrozenInstanceError, fields, is_dataclass

import pytest

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
RECORDS = [
    value for module in MODULES for value in vars(module).values()
    if isinstance(value, type) and is_dataclass(value) and value.__module__ == module.__name__
    and value.__name__ != 'Answers'  # filled while a log is read
]  # fmt: skip


@pytest.mark.parametrize("record", RECORDS)
def test_no_field_can_be_set(record):
    with pytest.raises(FrozenInstanceError):
        setattr(object.__new__(record), fields(record)[0].name, None)


def test_each_file_has_its_records():
    assert {record.__module__ for record in RECORDS} == {module.__name__ for module in MODULES}
