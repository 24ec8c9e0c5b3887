"""The whole suite: what is run first, and what the garbage collector need not look at again."""

import gc

import pytest

import tests.built_once  # noqa: F401


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items):
    """Chapters first: each takes seconds, so that none is started when all other tests are done."""
    items.sort(key=lambda item: "every_stored_output" not in item.name)


def pytest_collection_finish():
    """Holm's correction in statsmodels collects all garbage first: half a second with everything imported."""
    gc.collect()
    gc.freeze()
