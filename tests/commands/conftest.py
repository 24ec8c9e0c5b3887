"""Commands that run in the tests' own process leave its Ctrl-C as it was."""

import signal

import pytest


@pytest.fixture(autouse=True)
def interrupts_again():
    """The command ignores interrupts once it has ended, which would hold for the tests after it."""
    before = signal.getsignal(signal.SIGINT)
    yield
    signal.signal(signal.SIGINT, before)
