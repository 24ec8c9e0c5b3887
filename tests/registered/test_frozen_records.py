"""What the registered analysis hands out is as it was computed: no field can be set afterwards."""

from dataclasses import FrozenInstanceError, fields, is_dataclass

import pytest

from rlvr.registered import (
    equivalence_claims,
    factorial_design,
    gate_error_rates,
    gates,
    interval_coverage,
    protocol_verdicts,
    sealed_protocol,
)  # fmt: skip

MODULES = [
    equivalence_claims, factorial_design, gate_error_rates, gates, interval_coverage,
    protocol_verdicts, sealed_protocol,
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
