"""Names that show that rows are no training runs, and names that runs have."""

import pytest

from rlvr.auditing.run_names import no_runs


@pytest.mark.parametrize(
    ("names", "what"),
    [
        (["1", "mean3"], "summary"),
        (["1", "best-of-3"], "summary"),
        (["seed1-step100", "seed1-step200"], "checkpoints"),
        (["100 steps", "200 steps"], "checkpoints"),
        (["seed0 epoch 1", "seed0 epoch 2"], "checkpoints"),
        (["final", "latest"], "checkpoints"),
        (["it100", "it200"], "checkpoints"),
        (["m@100", "m@200"], "checkpoints"),
        (["50%", "100%"], "checkpoints"),
        (["sample_0", "sample_1"], "samples"),
    ],
)
def test_what_is_no_run_is_named(names, what):
    found, named = no_runs(names)
    assert what in found and named and {*named} <= {*names}


@pytest.mark.parametrize(
    "names",
    [
        ["seed1-step200", "seed2-step200"], ["max1", "max2"], ["sd0", "sd1"], ["42", "43"], ["exp1", "exp2"],
        ["mean-teacher-1", "mean-teacher-2"], ["rank8", "rank16"], ["mean"], ["sample_1"], ["", ""],
        ["standard", "large"],
    ],
)  # fmt: skip
def test_runs_are_runs(names):
    assert no_runs(names) == ("", [])
