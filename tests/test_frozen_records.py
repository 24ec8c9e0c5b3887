"""Terms, runs and intervals are as they were computed: no field can be set afterwards."""

from dataclasses import FrozenInstanceError, fields

import pytest

from rlvr.decomposition import Decomposition, EntryOrder
from rlvr.inference import Estimate


@pytest.mark.parametrize("record", [Decomposition, EntryOrder, Estimate])
def test_no_field_can_be_set(record):
    with pytest.raises(FrozenInstanceError):
        setattr(object.__new__(record), fields(record)[0].name, None)
