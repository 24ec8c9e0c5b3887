"""What the replication hands out is as it was computed: no field can be set afterwards."""

from rlvr.replication import coin_flip_models, digit_for_digit, published_designs  # fmt: skip

MODULES = [
    coin_flip_models, digit_for_digit, published_designs,
]  # fmt: skip


def test_no_field_can_be_set(refuse_change):
    assert refuse_change(MODULES) == {}
