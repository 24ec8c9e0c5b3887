"""The arms as reward functions, called as a trainer calls them: by keyword, prompt groups side by side."""

import ast
import random
import sys
from collections import Counter
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from scipy import stats

import rlvr
from rlvr.rewards import majority_reward, random_reward, true_reward, with_options
from rlvr.rewards.answer_reading import last_choice

WING = Path(rlvr.__file__).parent / "rewards"


def handed_over(prompts, completions, step=0, logged=None, **columns):
    """Keyword arguments as GRPOTrainer of TRL hands them over."""
    logged = {} if logged is None else logged
    return {
        "prompts": prompts,
        "completions": completions,
        "completion_ids": [[1, 2, 3] for _ in completions],
        **columns,
        "trainer_state": SimpleNamespace(global_step=step, max_steps=80),
        "log_extra": logged.__setitem__,
        "log_metric": logged.__setitem__,
    }


def chat(text):
    return [{"role": "assistant", "content": text}]


def test_true_pays_the_right_answer_alone():
    call = handed_over(
        ["2+2="] * 3 + ["3+4="] * 3, ["4", "so 5", "", "it is 7.", "8", "7"], answer=[4] * 3 + ["7"] * 3
    )
    assert true_reward(**call) == [1.0, 0.0, 0.0, 1.0, 0.0, 1.0]
    assert all(type(reward) is float for reward in true_reward(**call))


def test_chat_messages_are_read_like_text():
    prompts = [[{"role": "user", "content": "2+2="}]] * 2
    call = handed_over(prompts, [chat(r"\boxed{4}"), chat("3")], answer=["4", "4"])
    assert true_reward(**call) == [1.0, 0.0]
    assert majority_reward(**handed_over(prompts * 2, [chat(t) for t in "4434"])) == [1.0, 1.0, 0.0, 1.0]
    assert len(random_reward(**call)) == 2


def test_a_label_that_is_missing_is_not_judged():
    call = handed_over(["a", "a"], ["4", "4"], answer=[None, "4"])
    assert true_reward(**call) == [None, 1.0]
    assert majority_reward(**handed_over(["a", "a"], ["4", "4"], label=["", 4]), labels="label") == [
        None,
        1.0,
    ]


def test_a_reader_of_ones_own_and_another_column():
    first = with_options(true_reward, column="solution", read=lambda text: text[:1] or None)
    assert first(**handed_over(["p"] * 3, ["4 5", "54", ""], solution=["4"] * 3)) == [1.0, 0.0, 0.0]
    assert first.__name__ == "true_reward"


def test_letters_that_the_reader_passes_over_are_pointed_out(caplog):
    letters = {"prompts": ["p"] * 2, "completions": ["The answer is C.", "D) as 3 > 2"], "answer": ["C", "C"]}
    assert true_reward(**letters, log_as="letters") == [0.0, 0.0] and "last_choice" in caplog.text
    caplog.clear()
    assert true_reward(**letters, read=last_choice, log_as="read") == [1.0, 0.0] and not caplog.text
    boxed = {**letters, "completions": [r"\boxed{C}", r"\boxed{D}"]}
    assert true_reward(**boxed, log_as="boxed") == [1.0, 0.0] and not caplog.text


@pytest.mark.parametrize("dtype", [np.int64, np.float32, np.str_, object])
def test_arrays_and_their_numbers_are_as_good_as_lists(dtype):
    """As verl keeps its columns, or a loop that takes them from a data frame."""
    prompts, answers = np.array(["p", "p"], dtype=object), np.array(["4", "5"])
    labels = np.array([4, 4]).astype(dtype)
    for column in (labels, list(labels), [np.array([labels[0]]), np.array(labels[1])]):
        assert true_reward(prompts, answers, answer=column) == [1.0, 0.0]
    assert majority_reward([np.array([1, 2])] * 3, ["4", "4", "5"]) == [1.0, 1.0, 0.0]
    coins = random_reward(["p"] * 8, ["x"] * 8, run=7, step=3, rate=0.25)
    narrow = {"run": np.int32(7), "step": np.int64(3), "rate": np.float32(0.25)}
    assert random_reward(["p"] * 8, ["x"] * 8, **narrow) == coins
    state = SimpleNamespace(global_step=np.array(3))
    assert random_reward(["p"] * 8, ["x"] * 8, run=7, rate=0.25, trainer_state=state) == coins


def test_the_share_of_answers_not_found_is_logged():
    for reward in (true_reward, majority_reward):
        logged = {}
        reward(**handed_over(["p"] * 4, ["4", "none", "5", "4"], logged=logged, answer=[4] * 4))
        assert logged[f"{reward.__name__}/unread"] == 0.25
        assert logged[f"{reward.__name__}/flat_groups"] == 0


def test_the_vote_is_taken_within_each_prompt():
    answers = ["1", "2", "2", "2", "1", "1", "1", "2"]
    call = handed_over(["p"] * 4 + ["q"] * 4, answers)
    assert majority_reward(**call) == [0.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 0.0]
    whole = handed_over(["p"] * 8, answers)  # the same answers as one group: four votes each, the first wins
    assert majority_reward(**whole) == [1.0, 0.0, 0.0, 0.0, 1.0, 1.0, 1.0, 0.0]
    assert majority_reward(**whole, group_size=4) == majority_reward(**call)


def test_answers_not_found_do_not_vote_and_are_not_paid():
    assert majority_reward(**handed_over(["p"] * 4, ["?", "?", "?", "3"])) == [0.0, 0.0, 0.0, 1.0]
    assert majority_reward(**handed_over(["p"] * 4, ["?"] * 4)) == [0.0] * 4


def test_ties_by_each_rule():
    call = handed_over(["p"] * 4, ["10", "9", "10", "9"])
    assert majority_reward(**call) == [1.0, 0.0, 1.0, 0.0]
    assert majority_reward(**call, tie_break="lowest") == [0.0, 1.0, 0.0, 1.0]
    drawn = [
        majority_reward(**handed_over(["p"] * 4, ["10", "9", "10", "9"], step=step), tie_break="uniform")[0]
        for step in range(400)
    ]
    assert stats.binomtest(int(sum(drawn)), 400).pvalue > 1e-3
    again = majority_reward(**handed_over(["p"] * 4, ["10", "9", "10", "9"], step=5), tie_break="uniform")
    assert again[0] == drawn[5]
    # the vote does not ask for a step unless a tie is drawn
    assert majority_reward(prompts=["p"] * 3, completions=["1", "2", "2"], tie_break="uniform") == [
        0.0,
        1.0,
        1.0,
    ]


def test_labels_fixed_before_training():
    call = handed_over(["p", "p", "q", "q"], ["1", "2", "2", "2"], vote=["2", "2", "1", "1"])
    assert majority_reward(**call, labels="vote") == [0.0, 1.0, 0.0, 0.0]
    assert majority_reward(**call, labels={"p": 1, "q": "2.0"}) == [1.0, 0.0, 1.0, 1.0]
    with pytest.raises(KeyError, match="labels has no entry for the prompt 'q'"):
        majority_reward(**call, labels={"p": 1})


def test_coins_are_fair_and_independent_of_the_text():
    prompts = [str(i) for i in range(500) for _ in range(8)]
    coins = np.array(random_reward(**handed_over(prompts, ["x"] * 4000)))
    assert set(coins) == {0.0, 1.0}
    assert stats.binomtest(int(coins.sum()), 4000).pvalue > 1e-3
    per_group = Counter(coins.reshape(500, 8).sum(axis=1))
    expected = 500 * stats.binom(8, 0.5).pmf(range(9))
    assert stats.chisquare([per_group[k] for k in range(9)], expected).pvalue > 1e-3
    assert random_reward(**handed_over(prompts, ["y"] * 4000)) == coins.tolist()


def test_each_part_of_the_key_counts():
    prompts = ["p"] * 64

    def coins(step=0, **options):
        return random_reward(**handed_over(prompts, ["x"] * 64, step=step), **options)

    assert coins() == coins() == coins(run=0)
    assert coins(step=1) != coins() and coins(run=1) != coins() and coins(run="0") != coins()
    assert random_reward(**handed_over(["q"] * 64, ["x"] * 64)) != coins()
    assert coins(step=3) == random_reward(prompts, ["x"] * 64, step=3)
    assert coins(step=3, **{}) == random_reward(prompts[:32], ["x"] * 32, step=3) + coins(step=3)[32:]


def test_the_rate_is_the_share_paid():
    prompts = [str(i) for i in range(1000)]
    assert sum(random_reward(prompts, prompts, step=0, rate=0.0)) == 0
    assert sum(random_reward(prompts, prompts, step=0, rate=1.0)) == 1000
    paid = int(sum(random_reward(prompts, prompts, step=0, rate=0.1)))
    assert stats.binomtest(paid, 1000, 0.1).pvalue > 1e-3
    # the coins of a lower rate are among those of a higher one
    low, high = (random_reward(prompts, prompts, step=0, rate=rate) for rate in (0.3, 0.6))
    assert all(a <= b for a, b in zip(low, high, strict=True))


def test_no_global_state_is_read_or_moved():
    random.seed(1)
    np.random.seed(1)  # noqa: NPY002 (the global generator is what is watched)
    before = random.getstate(), np.random.get_state()[1].tolist()  # noqa: NPY002
    first = random_reward(["p"] * 16, ["x"] * 16, step=2)
    assert (random.getstate(), np.random.get_state()[1].tolist()) == before  # noqa: NPY002
    random.seed(2)
    assert random_reward(["p"] * 16, ["x"] * 16, step=2) == first


TWO = (["p", "p"], ["1", "2"])


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: true_reward(["p"], ["1"], solution=["1"]), KeyError, r"'answer'.*\['solution'\]"),
        (lambda: true_reward(["p"], ["1", "2"], answer=["1"]), ValueError, "got 1 for 2 completions"),
        (lambda: true_reward(*TWO, answer=["1"]), ValueError, "'answer'.* got 1 entries for 2"),
        (lambda: true_reward(["p"], ["1"], answer="1"), ValueError, "'answer' must be a list"),
        (lambda: true_reward(["p"], "1", answer=["1"]), TypeError, "completions must be a list"),
        (
            lambda: true_reward(["p"], ["7"], answer=[{"a": 7}]),
            TypeError,
            "entry 0 of the column 'answer' must",
        ),
        (lambda: true_reward(["p"], ["7"], answer=[True]), TypeError, "got True of type bool"),
        (lambda: true_reward(["p"], ["7"], answer=[["7", "8"]]), TypeError, "the one right answer"),
        (lambda: true_reward(["p"], ["7"], answer=[7], judge="none"), ValueError, "plain, math-verify, verl"),
        (lambda: true_reward(["p"], ["7"], answer=[7], judge=7), TypeError, "a name or a function"),
        (lambda: majority_reward(["p", "q"] * 2, ["1"] * 4), ValueError, r"stretches of \[1\] equal"),
        (lambda: majority_reward(list("ppq"), ["1"] * 3), ValueError, r"stretches of \[1, 2\]"),
        (
            lambda: majority_reward(list("pq"), ["1"] * 2, group_size=2),
            ValueError,
            "0 is 'p', number 1 is 'q'",
        ),
        (lambda: majority_reward(list("ppp"), ["1"] * 3, group_size=2), ValueError, "group_size = 2, got 3"),
        (lambda: majority_reward(*TWO, group_size=1), ValueError, "at least 2, or None, got 1"),
        (lambda: majority_reward(*TWO, tie_break="last"), ValueError, "first, lowest, uniform, got 'last'"),
        (lambda: majority_reward(*TWO, labels=3), TypeError, "labels must be None, .* got 3"),
        (lambda: majority_reward(*TWO, labels="vote"), KeyError, "no column 'vote'"),
        (lambda: majority_reward(*TWO, tie_break="uniform"), TypeError, "depend on the step"),
        (lambda: random_reward(["p"], ["1"]), TypeError, "depend on the step.*trainer_state = None"),
        (lambda: random_reward(*TWO, trainer_state=SimpleNamespace(global_step=0.5)), TypeError, "step"),
        (lambda: random_reward(["p"], ["1"], step=0, rate=1.5), ValueError, r"from 0 to 1, got 1\.5"),
        (
            lambda: random_reward(["p"], ["1"], step=0, run=["a"]),
            TypeError,
            r"got \['a'\].*rename the column",
        ),
        (lambda: random_reward([{1, 2}], ["1"], step=0), TypeError, "a prompt must be a string or"),
    ],
)
def test_bad_input_is_named(call, error, message):
    with pytest.raises(error, match=message) as refusal:
        call()
    assert len(str(refusal.value)) < 400


def test_the_wing_needs_the_standard_library_alone():
    found = set()
    for path in WING.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                found |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                found.add(node.module.split(".")[0])
    assert found - set(sys.stdlib_module_names) == {"rlvr"}


def test_the_public_names():
    assert rlvr.true_reward is true_reward and true_reward.__name__ == "true_reward"
    assert rlvr.majority_reward is majority_reward and rlvr.random_reward is random_reward
