"""Lanes: rows are copied in and out each to its own place, compiled and as plain Python."""

import numpy as np
import pytest

from rlvr.simulator import lanes

SOURCE = np.arange(2 * 3 * 4.0).reshape(2, 3, 4)
FIRST, SECOND = np.array([1, 0, 1]), np.array([2, 1, 0])


@pytest.mark.parametrize("take", [lanes.take, lanes.take.py_func])
def test_each_lane_takes_its_row(take):
    rows = np.full((4, 3), np.nan)
    take(SOURCE, FIRST, SECOND, rows)
    np.testing.assert_array_equal(rows, [[20, 4, 12], [21, 5, 13], [22, 6, 14], [23, 7, 15]])
    fewer = np.full((2, 2), np.nan)  # as many fields and lanes as there is room for
    take(SOURCE, FIRST, SECOND, fewer)
    np.testing.assert_array_equal(fewer, [[20, 4], [21, 5]])


@pytest.mark.parametrize("put", [lanes.put, lanes.put.py_func])
def test_each_lane_is_put_where_it_belongs_and_nowhere_else(put):
    target = np.zeros((2, 3, 4))
    put(np.array([[20.0, 4, 12], [21, 5, 13], [22, 6, 14], [23, 7, 15]]), FIRST, SECOND, target)
    expected = np.zeros((2, 3, 4))
    for one, other in zip(FIRST, SECOND, strict=True):
        expected[one, other] = SOURCE[one, other]
    np.testing.assert_array_equal(target, expected)
