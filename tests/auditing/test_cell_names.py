"""Names of cells that suggest an average or two spellings are pointed out, and no others."""

import pytest

from rlvr.auditing.cell_names import name_notices, size_notices

ALL = ("frozen", "random", "majority", "true")


def cells(*benchmarks, arms=ALL, model="m"):
    return {("s", "", model, benchmark): arms for benchmark in benchmarks}


@pytest.mark.parametrize(
    "name",
    [
        "Avg.",
        "average",
        "Overall",
        "macro-avg",
        "Macro Average",
        "Mittelwert",
        "平均",
        "AVG (2)",
        "mean over benchmarks",
        "Overall avg ↑",
        "Average_all",
    ],
)
def test_an_average_of_several_benchmarks_is_no_further_one(name):
    notices = name_notices(cells("AIME", "MATH", name))
    assert [*notices] == [("s", "", "m", name)] and "average" in notices["s", "", "m", name][0]


@pytest.mark.parametrize(
    "others",
    [
        cells("AIME", "Avg."),
        cells("AIME", "MATH", "averaged-math"),
        cells("AIME", "MATH500", "MATH-500"),
        cells("AIME", "MATH", "mean@8"),
        cells("AIME", "MATH", "Mean field"),
    ],
)
def test_a_lone_average_or_another_word_or_whole_cells_alike_are_left_alone(others):
    assert name_notices(others) == {}


@pytest.mark.parametrize("other", ["math500", "MATH_500", "Math 500"])
def test_arms_under_two_spellings_of_one_name_are_pointed_out(other):
    notices = name_notices({**cells("MATH-500", arms=ALL[:2]), **cells(other, arms=ALL[2:])})
    (first, second) = notices.values()
    assert other in first[0] and "majority, true" in first[0] and "frozen, random" in second[0]


@pytest.mark.parametrize(
    "benchmark, n_items, noted",
    [("AIME24", [1920], True), ("aime 2025", [240], True), ("MATH-500", [500, 2000], True),
     ("GSM8K", [1319], False), ("AIME24", [31], False), ("MATH-500", [100], False), ("my set", [1920], False),
     ("my set", [4000, 500], True), ("my set", [500, 500], False), ("my set", [500, 499], False),
     ("x", [], False)],
)  # fmt: skip
def test_answers_counted_as_questions_of_a_known_benchmark(benchmark, n_items, noted):
    notices = size_notices(benchmark, n_items)
    assert bool(notices) == noted and all("samples_per_item" in notice for notice in notices)
    assert "500 and 800" in size_notices("my set", [800, 500])[0]
