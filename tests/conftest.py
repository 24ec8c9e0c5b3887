"""What tests of every wing use."""

from collections.abc import Callable, Sequence
from dataclasses import FrozenInstanceError, fields, is_dataclass
from types import ModuleType

import pytest


@pytest.fixture
def refuse_change() -> Callable[[Sequence[ModuleType]], dict[str, list[str]]]:
    """Check that no field of the modules' dataclasses can be set; return those of which one can."""

    def check(modules: Sequence[ModuleType]) -> dict[str, list[str]]:
        changeable: dict[str, list[str]] = {}
        for module in modules:
            records = [
                value for value in vars(module).values()
                if isinstance(value, type) and is_dataclass(value) and value.__module__ == module.__name__
            ]  # fmt: skip
            assert records, f"{module.__name__} has no record"
            for record in records:
                try:
                    setattr(object.__new__(record), fields(record)[0].name, None)
                except FrozenInstanceError:
                    continue
                changeable.setdefault(module.__name__, []).append(record.__name__)
        return changeable

    return check
