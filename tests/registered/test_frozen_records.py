"""What the registered analysis hands out is as it was computed: no field can be set afterwards."""

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


def test_no_field_can_be_set(refuse_change):
    assert refuse_change(MODULES) == {}
