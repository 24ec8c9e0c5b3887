"""The fuzzers, a few cases each; `python -m tests.fuzz tables --cases N` tries more."""

import pytest

from tests.fuzz import logs, outputs, stored, tables
from tests.fuzz.trying import fuzz


@pytest.mark.parametrize("fuzzer", [tables, logs, outputs], ids=lambda module: module.__name__)
def test_the_command_gives_numbers_or_one_line(fuzzer, tmp_path):
    tally = fuzz(fuzzer.case, 80, 7, tmp_path)
    assert not tally.faults, str(tally)
    assert tally.counts["read"] > 10


@pytest.mark.slow
def test_what_is_damaged_in_store_is_noticed(tmp_path):
    tally = fuzz(stored.case, 80, 7, tmp_path)
    assert not tally.faults, str(tally)
    assert tally.counts["refused"] > 60
