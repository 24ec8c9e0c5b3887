"""What came out of training: the end of each curve, an arm by its name, and a short way of showing it."""

import numpy as np
import pytest

from rlvr import GRPOConfig, TaskFamily
from rlvr.simulator.studies import Runs

CURVES = np.arange(2 * 3 * 5 * 4.0).reshape(2, 3, 5, 4)
SHARES = np.arange(2 * 3 * 5 * 4 * 2.0).reshape(2, 3, 5, 4, 2)


def runs(**more):
    return Runs(TaskFamily(), GRPOConfig(), ("random", "true"), 3, 5, 7, np.arange(4), CURVES, None, None,
                **more)  # fmt: skip


def test_accuracy_is_where_a_curve_ends():
    np.testing.assert_array_equal(runs().accuracy, CURVES[:, :, :, 3])
    np.testing.assert_array_equal(runs().arm("true"), CURVES[1, :, :, 3])
    np.testing.assert_array_equal(runs().arm("random"), CURVES[0, :, :, 3])
    with pytest.raises(ValueError, match="arm must be one of 'random', 'true', got 'majority'"):
        runs().arm("majority")


def test_shares_are_those_at_the_end_where_there_are_any():
    assert runs().shares is None
    np.testing.assert_array_equal(runs(share_curves=SHARES).shares, SHARES[:, :, :, 3])


def test_shown_are_the_arguments_and_no_array():
    said = repr(runs(share_curves=SHARES, clipped=CURVES, logits=SHARES))
    assert said == (
        f"Runs(family={TaskFamily()!r}, config={GRPOConfig()!r}, arms=('random', 'true'), n_tasks=3, "
        "n_seeds=5, seed=7, reached=None)"
    )
