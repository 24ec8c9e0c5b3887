"""What the core hands out is as it was computed: no field of a record can be set afterwards."""

import importlib
import pkgutil
from dataclasses import FrozenInstanceError, fields, is_dataclass

import pytest

import rlvr

FILLED_LATER = {
    "rlvr.logs.answers.Answers",  # while a log is read
    "rlvr.logs.hidden_evaluations.UnnamedFields",
    "rlvr.rewards.reward_log.FlatCoins",  # while a model trains
    "rlvr.rewards.reward_log._AtOneStep",
    "rlvr.simulator.executors._NotTaken",  # while workers answer
    "rlvr.simulator.executors._Pulse",
}
RECORDS = [
    value
    for found in pkgutil.walk_packages(rlvr.__path__, "rlvr.")
    if not found.name.endswith("__main__")
    for value in vars(importlib.import_module(found.name)).values()
    if isinstance(value, type) and is_dataclass(value) and value.__module__ == found.name
]


def name(record):
    return f"{record.__module__}.{record.__name__}"


@pytest.mark.parametrize("record", [each for each in RECORDS if name(each) not in FILLED_LATER], ids=name)
def test_no_field_can_be_set(record):
    with pytest.raises(FrozenInstanceError):
        setattr(object.__new__(record), fields(record)[0].name, None)


def test_what_is_filled_while_work_goes_on_is_there():
    assert {name(each) for each in RECORDS if not each.__dataclass_params__.frozen} == FILLED_LATER
