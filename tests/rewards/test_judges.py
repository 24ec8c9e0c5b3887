"""Judges by name and by function, and votes that do not depend on the order of answers."""

import importlib.util
import itertools
import sys
from types import ModuleType, SimpleNamespace

import pytest

from rlvr.rewards import majority_reward, true_reward, with_options
from rlvr.rewards.judges import Judge, find_judge
from rlvr.rewards.math_verify import _parsed
from rlvr.rewards.plurality_vote import answer_classes

needs_math_verify = pytest.mark.skipif(
    importlib.util.find_spec("math_verify") is None,
    reason="math-verify, of the extra verify, is not installed",
)


def chain(answer, label):
    """Neither symmetric nor transitive."""
    return (answer, label) in {("1", "2"), ("3", "2"), ("5", "6")}


def test_classes_depend_on_no_order():
    answers, partitions = ["1", "2", "3", "4", "5", "6", None], set()
    for order in itertools.permutations(answers):
        classes = dict(zip(order, answer_classes(order, chain), strict=True))
        partitions.add(tuple(classes[answer] for answer in answers))
    assert partitions == {("1", "1", "1", "4", "5", "5", None)}


def test_a_vote_merges_what_the_judge_takes_for_the_same():
    answers = ["4", "4", "1", "2", "3"]
    assert majority_reward(["p"] * 5, answers, judge="plain") == [1, 1, 0, 0, 0]
    assert majority_reward(["p"] * 5, answers, judge=chain) == [0, 0, 1, 1, 1]


def test_a_function_judges_texts_as_read():
    pairs = []

    def judge(answer, label):
        pairs.append((answer, label))
        return answer[0] == label[0]

    assert true_reward(["p"] * 3, ["it is 51", "no", "42"], answer=[5, 5, "#### 5"], judge=judge) == [1, 0, 0]
    assert pairs == [("51", "5"), ("42", "5")]
    own = Judge("mine", lambda text: text[:1], str.casefold)
    assert true_reward(["p"] * 2, ["A or B", "b"], answer=["a"] * 2, judge=own) == [1, 0]


def test_a_judge_that_fails_pays_nothing_and_is_counted(caplog):
    def failing(answer, label):
        raise RecursionError("deep")

    logged = {}
    call = dict(answer=["5"] * 2, log_metric=logged.__setitem__)
    assert true_reward(["p"] * 2, ["6", "5"], judge=failing, **call) == [0, 1]
    assert logged["true_reward/failed"] == 0.5 and "judge failing failed on '6', '5'" in caplog.text
    assert true_reward(["p"] * 2, ["6", "5"], read=lambda text: [text], **call) == [0, 0]


def test_each_reward_has_a_name_of_its_own():
    logged = {}
    plain = with_options(true_reward, judge="plain")
    mine = with_options(true_reward, judge=lambda answer, label: False, name="mine")
    assert (plain.__name__, mine.__name__, true_reward.__name__) == (
        "true_reward_plain",
        "mine",
        "true_reward",
    )
    for reward in (plain, mine):
        assert reward(prompts=["p"], completions=["5"], answer=["5"], log_metric=logged.__setitem__) == [1.0]
    assert {name.partition("/")[0] for name in logged} == {"true_reward_plain", "mine"}


@pytest.mark.parametrize("name", ["verl", "lm-eval", "math-verify"])
def test_a_judge_whose_package_is_missing_is_named(name, monkeypatch):
    for package in ("verl", "lm_eval", "math_verify"):
        monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(ValueError, match=rf"judge {name} needs its package.*plain"):
        true_reward(["p"], ["5"], answer=["5"], judge=name)
    assert find_judge().name == "plain"


@pytest.fixture
def math_verify(monkeypatch):
    """A stand-in that takes two texts for the same if they have the same letters."""
    fake = ModuleType("math_verify")
    fake.__spec__ = SimpleNamespace()
    fake.parse = lambda text, parsing_timeout: text
    fake.verify = lambda gold, answer, timeout_seconds: {*gold, "_"} == {*answer, "_"}
    monkeypatch.setitem(sys.modules, "math_verify", fake)
    _parsed.cache_clear()
    yield fake
    _parsed.cache_clear()


def test_math_verify_judges_what_is_neither_number_nor_word(math_verify):
    assert find_judge().name == "plain and math-verify"
    pairs = {(r"\boxed{b+a^2}", "a^2+b"): 1, (r"\boxed{21}", "12"): 0, (r"\boxed{seat}", "east"): 0,
             (r"\boxed{12_5}", "125"): 0, (r"\boxed{ABC}", "ACB"): 0,
             (r"\boxed{1/2}", "0.5"): 1}  # fmt: skip
    for (completion, label), paid in pairs.items():
        assert true_reward(["p"], [completion], answer=[label]) == [paid], completion


@pytest.mark.parametrize(("completion", "label"), [(r"\boxed{b+a}", "a+b"), (" $b+a$", "$a+b$")])
def test_math_verify_reads_a_long_completion_from_its_last_box_else_its_end(math_verify, completion, label):
    long = "z" * 3000
    text = completion + " " * 3000 if "boxed" in completion else long + " " * 1994 + completion
    assert true_reward(["p"], [text], answer=[label], judge="math-verify") == [1.0]


@needs_math_verify
@pytest.mark.parametrize(
    ("completion", "label", "by_default", "alone"),
    [
        (r"\boxed{x+1}", "1+x", 1, 1), (r"\boxed{\sqrt{12}}", r"2\sqrt3", 1, 1),
        (r"\boxed{3}", r"2\sqrt3", 0, 0),
        (r"\boxed{ABC}", "ACB", 0, 1), (r"\boxed{12_5}", "12", 0, 1), ("It is 1e5.", "100000", 1, None),
        (r"\boxed{3 1/2}", "3.5", 1, None),
    ],
)  # fmt: skip
def test_math_verify_itself(completion, label, by_default, alone):
    assert true_reward(["p"], [completion], answer=[label]) == [by_default]
    if alone is not None:
        assert true_reward(["p"], [completion], answer=[label], judge="math-verify") == [alone]


@pytest.mark.parametrize(
    ("name", "path", "text"),
    [
        ("verl", "utils/reward_score/math_reward.py", r"so \boxed{ 5 }"),
        ("lm_eval", "tasks/hendrycks_math/utils.py", "$ 5 $"),
    ],
)
def test_the_judges_of_packages_need_one_file_of_each(name, path, text, tmp_path, monkeypatch):
    package = tmp_path / name
    (package / path).parent.mkdir(parents=True)
    (package / "__init__.py").write_text("import no_such_module")
    (package / path).write_text(
        "def last_boxed_only_string(s): return s[s.find('{'):s.rfind('}')] or None\n"
        "def remove_boxed(s): return s[1:]\n"
        "def is_equiv(a, b): return a.strip() == b.strip()\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    judge = name.replace("_", "-")
    assert true_reward(["p"] * 2, [text, "6"], answer=["5"] * 2, judge=judge) == [1, 0]
    assert majority_reward(["p"] * 3, ["6", text, text], judge=judge) == [0, 1, 1]
