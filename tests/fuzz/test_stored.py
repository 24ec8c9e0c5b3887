"""A few of the fuzzer's cases at a seed of each day's own: whatever is damaged is noticed."""

import pytest

from tests.fuzz.stored import fuzz


@pytest.mark.slow
def test_every_damage_is_noticed():
    for counts in fuzz(120, seed=7).values():
        assert set(counts) <= {"noticed", "undamaged"} and counts["noticed"] > 40, counts
