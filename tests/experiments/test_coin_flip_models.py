"""Models of the published RANDOM runs: what they start from, and what is stored."""

import numpy as np
import pytest

from rlvr.experiments.coin_flip_models import (
    BASE,
    BEST,
    N_RUNS,
    STEPS,
    models,
    printed_runs,
    simulated_runs,
    stored_model_runs,
)
from rlvr.published_runs import DESIGNS


@pytest.mark.parametrize("name", list(models()))
def test_every_model_starts_at_the_printed_base(name):
    assert models()[name].family.prior_accuracy == pytest.approx(BASE / 100, abs=6e-4)


def test_printed_runs_are_the_transcribed_ones():
    counts = [len(printed_runs(design)) for design in DESIGNS]
    assert counts == [5, 11, 9, 6]
    first = printed_runs("8 updates, clipping")
    assert first.shape == (5, len(STEPS)) and not np.isnan(first).any()
    assert first[:, 3].std(ddof=1) == pytest.approx(1.4, abs=0.05)


@pytest.mark.parametrize("name", list(models()))
def test_runs_are_as_stored_and_depend_on_their_number_alone(name):
    for design in ("1 update of 128", "8 updates, clipping"):
        three = simulated_runs(name, design, n_runs=3)
        one = simulated_runs(name, design, n_runs=1)
        assert np.array_equal(three[:1], one) and np.all(three[:, 0] == BASE)
        assert np.abs(three[:, 1:] - stored_model_runs(name, design)[:3]).max() < 6e-4
    assert not np.array_equal(simulated_runs(name, design, n_runs=1, seed=16), one)


def test_everything_is_stored():
    for model in models():
        for design in DESIGNS:
            runs = stored_model_runs(model, design)
            assert runs.shape == (N_RUNS, len(STEPS)) and np.isfinite(runs).all()
    stored_model_runs(BEST, "1 update of 128")[:] = 0  # a reader's copy
    assert stored_model_runs(BEST, "1 update of 128").min() > 0


def test_decisions_are_answers_and_nothing_else():
    assert models()[BEST].n_decisions == 32 and models()["rivals"].n_decisions == 1
    assert models()[BEST].family == models()["rivals"].family


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("no model", "1 update of 128"), "model must be one of 'plain steps'"),
        (("two strategies", "2 updates"), "design must be one of '8 updates, clipping'"),
    ],
)
def test_refusals(arguments, said):
    for function in (simulated_runs, stored_model_runs):
        with pytest.raises(ValueError, match=said):
            function(*arguments)
