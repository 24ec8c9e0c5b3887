"""Scores as verl calls them: one answer at a time, in several workers, beside reseeded generators."""

import random
import sys
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest

from rlvr.rewards import verl_scores
from rlvr.rewards.verl_scores import majority_scores, random_score, true_score


def coins(run, n=64, **place):
    return [random_score("sums", "x", "5", {"index": 3, **place}, run=run)["score"] for _ in range(n)]


def worker(name, monkeypatch):
    context = SimpleNamespace(get_actor_name=lambda: name)
    fake = ModuleType("ray")
    fake.is_initialized, fake.get_runtime_context = (lambda: True), (lambda: context)
    monkeypatch.setitem(sys.modules, "ray", fake)


def test_no_reseeding_repeats_a_coin():
    drawn = []
    for step in range(3):
        random.seed(0)
        np.random.seed(42)  # noqa: NPY002 (as verl does in each validation)
        if torch := sys.modules.get("torch"):
            torch.manual_seed(0)
        drawn.append(tuple(coins("reseeded", step=step)))
    assert len(set(drawn)) == 3 and 60 < sum(map(sum, drawn)) < 132
    before = np.random.get_state()[1].tolist()  # noqa: NPY002
    coins("reseeded", step=3)
    assert np.random.get_state()[1].tolist() == before  # noqa: NPY002


def test_calls_of_one_step_and_of_none_go_on():
    first = coins("c", 32, step=1)
    assert first != coins("c", 32, step=1)
    assert coins("d") != coins("d")  # no step: counted throughout


def test_a_known_sample_gives_the_same_coin_everywhere(monkeypatch):
    def known():
        return [
            random_score("s", "x", "5", {"index": 1, "step": 2, "sample": k}, run=1)["score"]
            for k in range(64)
        ]

    here = known()
    worker("another", monkeypatch)
    assert known() == here and 0 < sum(here) < 64


def test_workers_draw_other_coins(monkeypatch):
    drawn = []
    for name in ("reward_loop_worker_0", "reward_loop_worker_1", "reward_loop_worker_0"):
        monkeypatch.setattr(verl_scores, "_SEEN", {})
        worker(name, monkeypatch)
        drawn.append(coins(1, step=1))
    assert drawn[0] == drawn[2] != drawn[1]


def test_accuracy_is_reported_beside_any_score():
    assert true_score("s", "so 5", "#### 5") == {"score": 1.0, "acc": 1.0}
    assert true_score("s", "so 5", None) == {"score": 0.0, "acc": 0.0}
    assert random_score("s", "so 5", 5, None, rate=0.0, reward_router_address="x") == {
        "score": 0.0,
        "acc": 1.0,
    }
    with pytest.raises(ValueError, match="rate must be"):
        random_score("s", "5", 5, rate=2)


def test_numbers_of_numpy_are_as_good_as_python_s():
    """Verl reads Parquet, whose lists and numbers are NumPy's."""
    place = {"index": np.int64(3), "step": np.int64(2), "sample": np.int64(0)}
    plain = {"index": 3, "step": 2, "sample": 0}
    assert random_score("s", "1", "1", place, run=np.int64(7)) == random_score("s", "1", "1", plain, run=7)
    assert true_score("s", "so 5", np.array(["5"], dtype=object))["score"] == 1.0
    scores = majority_scores(["s"] * 3, ["1", "1", "2"], ["1"] * 3, [place] * 3, group_size=np.int64(3))
    assert [score["score"] for score in scores] == [1.0, 1.0, 0.0]


def test_votes_are_by_item_in_whatever_order():
    places = [{"index": i % 2} for i in range(8)]
    answers = ["1", "7", "1", "8", "2", "8", "1", "9"]
    scores = majority_scores(["s"] * 8, answers, ["2"] * 8, places, group_size=4)
    assert [score["score"] for score in scores] == [1, 0, 1, 1, 0, 1, 1, 0]
    assert [score["acc"] for score in scores] == [0, 0, 0, 0, 1, 0, 0, 0]
    tested = [{"index": i, "split": "test"} for i in range(2)]
    assert [s["score"] for s in majority_scores(["s"] * 2, ["2", "1"], ["2"] * 2, tested, group_size=4)] == [
        1,
        0,
    ]


@pytest.mark.parametrize(
    ("places", "size", "message"),
    [
        ([{"index": 0}] * 3, 4, "'s/0' has 3 answers.*num_workers=1"),
        ([{"index": 0}] * 3, None, "group_size must be"),
        ([{"index": 0}, None, {}], 3, "answer 1 has no index"),
    ],
)
def test_parts_of_a_group_are_refused_by_name(places, size, message):
    with pytest.raises(ValueError, match=message):
        majority_scores(["s"] * 3, ["1"] * 3, ["1"] * 3, places, group_size=size)
