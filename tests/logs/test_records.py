"""What stands in a record: names of items, the truth under common names, clusters; tables are no records."""

import json

import pytest

from rlvr.auditing.cell_verdicts import audit
from rlvr.auditing.pass_at_k_terms import terms_at_k
from rlvr.logs.formats import LogError, read_log
from rlvr.logs.runs import read_logs

N = 20


def write(path, lines):
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


ITEMS = {
    "plain": lambda item: {"item": item, "correct": 1},
    "plain with more": lambda item: {"item": item, "correct": 1, "response": f"r{item!r}", "answer": "7"},
    "math-evaluation-harness": lambda item: {"idx": item, "score": [1], "pred": ["1"], "gt": "1"},
    "evalscope": lambda item: {"index": item, "sample_score": {"score": {"value": {"acc": 1.0}}}},
    "olmes": lambda item: {"doc_id": 0, "native_id": item, "metrics": {"exact_match": 1}},
    "lighteval": lambda item: {"doc": {"id": item, "query": "q"}, "metric": {"acc": 1}},
}


@pytest.mark.parametrize("line", ITEMS.values(), ids=ITEMS)
def test_a_number_and_a_text_do_not_share_a_name(tmp_path, line):
    for items in ([1, 2, "1"], ["2", "1", 2]):
        with pytest.raises(LogError, match=r"answer 3: item [12] is a number in one answer and a"):
            read_log(write(tmp_path / "a.jsonl", map(line, items)))
    (column,) = read_log(write(tmp_path / "a.jsonl", map(line, [0, 1, "01"]))).answers.values()
    assert column.items == ["0", "1", "01"]


def test_arms_may_write_items_differently_and_true_is_no_name(tmp_path):
    one = write(tmp_path / "a.jsonl", ({"item": item, "correct": item % 2} for item in range(N)))
    other = write(tmp_path / "b.jsonl", ({"item": str(item), "correct": 1} for item in range(N)))
    assert read_logs([("frozen", one), ("true", other)]).table["item"].nunique() == N
    with pytest.raises(LogError, match="item must be a whole number or a non-empty text, got True"):
        read_log(write(tmp_path / "c.jsonl", [{"item": True, "correct": 1}]))


NAMES = [
    ("response", "answer"), ("completion", "reference_answer"), ("model_output", "label"), ("pred", "gold"),
    ("generated_text", "correct_answer"), ("answer", "target"), ("responses", "solution"),
]  # fmt: skip


@pytest.mark.parametrize(("output", "truth"), NAMES)
def test_output_and_truth_are_compared_under_their_common_names(tmp_path, output, truth):
    lines = [
        {"item": item, "correct": item % 2, output: rf"so \boxed{{{item + (item > 5)}}}", truth: str(item)}
        for item in range(N)
    ]
    with pytest.raises(LogError, match=r"differ in .* of 20 answers"):
        read_logs([("random", write(tmp_path / "a.jsonl", lines))])
    for line in lines:
        line["correct"] = int(line["item"] <= 5)
    read_logs([("random", write(tmp_path / "a.jsonl", lines))])


@pytest.mark.parametrize("n_samples", [1, 4])
def test_an_answer_that_is_the_models_own_is_no_truth(tmp_path, n_samples):
    def lines(shift):
        for item in range(N):
            for sample in range(n_samples):
                answer = str(item + shift * (sample % 3))
                yield {"item": item, "sample": sample, "correct": int(item < 8 - shift),
                       "response": rf"\boxed{{{answer}}}", "answer": answer}  # fmt: skip

    logs = [(arm, write(tmp_path / f"{arm}.jsonl", lines(n))) for n, arm in enumerate(("true", "frozen"))]
    found = read_logs(logs)
    assert "answer is read as the answer of the model" in " ".join(found.notices["benchmark"])
    arms = audit(found.table).cells[0].cell.arms
    assert (arms["true"].accuracy, arms["frozen"].accuracy) == (0.4, 0.35)


@pytest.mark.parametrize("name", ["t.csv", "t.CSV", "t.tsv", "t.xlsx", "t.csv.gz", "t.jsonl", "t.txt"])
@pytest.mark.parametrize("text", ["arm,accuracy,n_items\ntrue,0.5,10\n", "item;correct\n1;0\n"])
def test_a_table_among_logs_is_sent_to_its_command(tmp_path, name, text):
    path = tmp_path / name
    path.write_text(text)
    with pytest.raises(LogError) as no:
        read_log(path)
    assert f"rlvr audit {path}`, without --log" in str(no.value)


def clustered(folder, cluster):
    for arm, n in (("frozen", 20), ("true", 30)):
        lines = ({"item": i, "correct": int(i < n), **cluster(arm, i)} for i in range(40))
        yield arm, write(folder / f"{arm}.jsonl", lines)


def test_clusters_of_lines_are_resampled_and_have_no_pass_at_k(tmp_path):
    found = read_logs(clustered(tmp_path, lambda arm, i: {"cluster": i // 2}))
    (cell,) = audit(found.table).cells
    assert "over 20 clusters" in cell.layer("items").note
    with pytest.raises(LogError, match=r"--pass-at: .* in 20 clusters"):
        terms_at_k(found, (1,))
    unpaired = read_logs(clustered(tmp_path, lambda arm, i: {"cluster": i // 2}), unpaired=True)
    assert len(set(unpaired.table["cluster"])) == 20
    one_arm = read_logs(clustered(tmp_path, lambda arm, i: {"cluster": i // 2} if arm == "true" else {}))
    assert one_arm.table["cluster"].nunique() == 20


@pytest.mark.parametrize(
    ("cluster", "message"),
    [
        (lambda arm, i: {"cluster": i // 2} if i else {}, "item 0 of the frozen arm has no cluster"),
        (lambda arm, i: {"cluster": i // 2 + (arm == "true")}, "item 0 is in cluster '0' in .*'1' in"),
    ],
)
def test_clusters_that_are_not_one_an_item(tmp_path, cluster, message):
    with pytest.raises(LogError, match=message):
        read_logs(clustered(tmp_path, cluster))


def test_a_field_with_an_endless_name_is_not_offered(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text(
        "".join(json.dumps({"item": f"q{item}", "x" * 3000: item % 2}) + "\n" for item in range(6))
    )
    with pytest.raises(LogError, match="--field item=item --field correct=NAME") as refused:
        read_logs([("true", path)])
    assert len(str(refused.value)) < 2000
