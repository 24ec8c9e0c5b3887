"""What `make bench` makes of its measurements; the measuring itself is no test."""

import pytest

from benchmarks.compile_profile import in_parts, own_seconds
from benchmarks.goals import GOALS, Goal, log_log_slope, machine, outcome


@pytest.mark.parametrize(
    ("measured", "verdict"), [(0.979, "fail"), (0.98, "pass"), (1.02, "pass"), (1.021, "fail")]
)
def test_a_goal_is_met_within_its_ends(measured, verdict):
    assert GOALS["slope"].verdict(measured) == verdict
    assert GOALS["slope"].accepted == "at least 0.98 and at most 1.02"


def test_the_goals_are_those_stated():
    accepted = {key: goal.accepted for key, goal in GOALS.items() if goal.accepted}
    assert accepted == {
        "published": "at least 2000", "floor": "at most 1.5", "threads": "at least 1.9",
        "slope": "at least 0.98 and at most 1.02", "memory": "at most 1024", "steps": "at most 1.02",
        "cold": "at most 5", "warm": "at most 0",
    }  # fmt: skip
    assert Goal("reported alone", "s").verdict(1.0) == ""


def test_the_table_has_what_was_measured_in_the_goals_order():
    table = outcome({"warm": 0.0, "other": 3.0, "published": 1999.0})
    assert table[["key", "measured", "verdict"]].values.tolist() == [
        ["published", 1999.0, "fail"], ["warm", 0.0, "pass"],
    ]  # fmt: skip
    assert outcome({}).empty


def test_a_slope_by_hand():
    assert log_log_slope([1e4, 1e6], [2.0, 20.0]) == pytest.approx(0.5)


def test_the_machine_is_named_with_its_versions():
    assert {"processor", "system", "python", "numpy", "numba", "llvmlite"} == set(machine())
    assert all(machine().values())


def test_seconds_of_a_function_are_its_own():
    events = [
        ("a", True, 0.0), ("b", True, 1.0), ("c", True, 1.5), ("c", False, 2.0), ("b", False, 3.0),
        ("b", True, 3.5), ("b", False, 4.0), ("a", False, 10.0),
    ]  # fmt: skip
    assert own_seconds(events) == {"a": 7.5, "b": 2.0, "c": 0.5}
    assert sum(own_seconds(events).values()) == 10.0


def test_a_function_belongs_to_the_part_of_its_file():
    names = {"kernel._train": 4.0, "kernel.sample": 1.0, "kernel._weigh": 2.0, "drawing.uniform": 0.5}
    parts = in_parts({f"rlvr.simulator.{name}": own for name, own in names.items()} | {"numba.np.impl": 3.0})
    assert {name: own for name, own in parts.items() if own} == {
        "compile_train": 4.0, "compile_kernel": 3.0, "compile_drawing": 0.5, "compile_numpy": 3.0,
    }  # fmt: skip
    assert set(parts) <= set(GOALS)
