"""What the theory hands out is as it was computed: no field can be set afterwards."""

from rlvr.theory import formula_checks, group_compositions, kl_ceilings  # fmt: skip

MODULES = [
    formula_checks, group_compositions, kl_ceilings,
]  # fmt: skip


def test_no_field_can_be_set(refuse_change):
    assert refuse_change(MODULES) == {}
