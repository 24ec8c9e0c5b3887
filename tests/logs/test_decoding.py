"""How answers were decoded: what each format says, what is said of it, and what is refused."""

import itertools
import json
import shutil
from pathlib import Path

import pandas as pd
import pytest

from rlvr.arms import ARMS
from rlvr.auditing.audit_output import to_dict, to_html, to_markdown
from rlvr.auditing.cell_verdicts import audit
from rlvr.auditing.study_cells import read_cells
from rlvr.auditing.table_reading import TableError
from rlvr.logs.decoding import DECODINGS, decoding_note, harness_decoding, inspect_decoding, unlike
from rlvr.logs.evaluation_log import LogError
from rlvr.logs.log_formats import read_log
from rlvr.logs.log_reading import read_logs

LOGS = Path(__file__).parent.parent / "data" / "logs"
GREEDY = {"do_sample": False, "until": ["\n\n"]}
SAMPLED = {"do_sample": True, "temperature": 0.6, "top_p": 0.95}


def arms_table(**changes):
    table = {"study": "s", "model": "m", "benchmark": "b", "arm": list(ARMS), "n_items": 500}
    return pd.DataFrame({**table, "accuracy": [0.25, 0.3, 0.4, 0.5], **changes})


def plain(path, decoding, n=4):
    lines = [
        {"item": f"q{i}", "correct": i % 2, **({"decoding": decoding} if decoding else {})} for i in range(n)
    ]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


def harness(folder, settings):
    """The arms' real logs of the harness with other settings of generation, by arm."""
    logs = []
    for arm in ARMS:
        place = folder / arm
        shutil.copytree(LOGS / "lm_eval" / arm, place)
        for path in place.rglob("*.jsonl"):
            lines = [json.loads(line) for line in path.read_text().splitlines()]
            for line in lines:
                line["arguments"]["gen_args_0"]["arg_1"] = settings[arm]
            path.write_text("".join(json.dumps(line) + "\n" for line in lines))
        logs.append((arm, place))
    return logs


@pytest.mark.parametrize(
    ("settings", "word"),
    [
        ({"do_sample": False}, "greedy"),
        ({"do_sample": False, "temperature": 0.0}, "greedy"),
        ({"temperature": 0}, "greedy"),
        ({"do_sample": True, "temperature": 0}, "greedy"),  # what a backend without do_sample makes of it
        ({"do_sample": True, "temperature": 1.0, "top_k": 1}, "greedy"),
        ({"do_sample": True}, "sampled"),
        ({"temperature": 0.6}, "sampled"),
        ({"do_sample": False, "temperature": 0.6}, ""),  # one backend samples, another does not
        ({"do_sample": None, "temperature": None}, ""),
        ({"temperature": "warm"}, ""),
        ({"temperature": True}, ""),
        ({"until": ["x"]}, ""),
        ({}, ""),
        (" a choice", "not applicable"),
        (None, ""),
    ],
)
def test_settings_of_generation_of_the_harness(settings, word):
    assert harness_decoding({"gen_args_0": {"arg_0": "q", "arg_1": settings}}) == word
    assert harness_decoding([["q", settings]]) == word  # as earlier versions wrote it


@pytest.mark.parametrize(
    "arguments", [None, {}, [], "q", {"gen_args_0": {"arg_0": "q"}}, [["q"]], [3], {"a": 3}]
)
def test_arguments_of_no_request_say_nothing(arguments):
    assert harness_decoding(arguments) == ""


@pytest.mark.parametrize(
    ("model", "plan", "steps", "word"),
    [
        ({}, {}, [], ""),
        ({"temperature": 0.0}, {}, [], "greedy"),
        ({"temperature": 0.7}, {}, [], "sampled"),
        ({}, {"temperature": 0.0}, [], "greedy"),
        ({"temperature": 0.7}, {"temperature": 0.0}, [], "greedy"),  # the task's wins
        ({"temperature": 0.0}, {"temperature": 0.7}, [], "sampled"),
        ({"temperature": float("nan")}, {}, [], ""),
        ({"temperature": -1}, {}, [], ""),
        ({"temperature": 10**400}, {}, [], "sampled"),
        ({"temperature": None}, {"temperature": 0.0}, [], "greedy"),
        ({"temperature": 0.7}, {}, [{"solver": "generate", "params": {"temperature": 0.0}}], "greedy"),
        ({"temperature": 0.7}, {}, [{"solver": "critique", "params": {"temperature": 0.0}}], "sampled"),
        ({"temperature": 0.7}, {}, [{"solver": "generate", "params": {}}], "sampled"),
        ({"top_k": 1}, {}, [], "greedy"),
        ({"max_tokens": 5}, {}, [], ""),
    ],
)
def test_settings_of_inspect(model, plan, steps, word):
    log = {"eval": {"model_generate_config": model}, "plan": {"steps": steps, "config": plan}}
    assert inspect_decoding(log) == word


@pytest.mark.parametrize(
    "log", [{}, {"eval": None, "plan": []}, {"plan": {"steps": {}}}, {"plan": {"steps": [None], "config": 1}}]
)
def test_a_log_of_inspect_may_leave_anything_out(log):
    assert inspect_decoding(log) == ""


def test_real_logs_say_what_their_tools_were_told():
    assert read_log(next((LOGS / "lm_eval" / "true").rglob("*.jsonl"))).decoding == "greedy"
    for name in ("frozen-1.json", "frozen-1.eval"):
        assert read_log(LOGS / "inspect" / name).decoding == ""


def test_a_misspelt_column_of_decodings_is_not_passed_over(tmp_path):
    path = tmp_path / "arms.csv"
    arms_table(Decoding=["greedy", "sampled", "greedy", "greedy"]).to_csv(path, index=False)
    with pytest.raises(TableError, match="'Decoding' is not known, did you mean decoding"):
        read_cells([path])


def test_an_inspect_log_at_temperature_zero_is_greedy(tmp_path):
    log = json.loads((LOGS / "inspect" / "frozen-1.json").read_text())
    log["eval"]["model_generate_config"] = {"temperature": 0.0}
    path = tmp_path / "frozen.json"
    path.write_text(json.dumps(log))
    assert read_log(path).decoding == "greedy"


@pytest.mark.parametrize("decoding", [*DECODINGS, None])
def test_lines_of_ones_own_may_say_it(tmp_path, decoding):
    assert read_log(plain(tmp_path / "a.jsonl", decoding)).decoding == (decoding or "")


def test_lines_of_ones_own_are_refused_where_they_contradict_themselves(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text('{"item": "a", "correct": 1, "decoding": "greedily"}\n')
    with pytest.raises(LogError, match=r"answer 1: decoding must be one of greedy, .*got 'greedily'"):
        read_log(path)
    path.write_text('{"item": "a", "correct": 1, "decoding": "greedy"}\n{"item": "b", "correct": 1}\n'
                    '{"item": "b", "correct": 1, "decoding": "sampled"}\n')  # fmt: skip
    with pytest.raises(LogError, match="answer 1 is greedy and answer 3 sampled; one decoding a log"):
        read_log(path)


def test_one_note_says_which_arms_are_greedy_which_sampled_and_which_unknown():
    note = decoding_note({"frozen": "greedy", "random": "", "majority": "", "true": "greedy"})
    assert note.startswith(
        "decoding: greedy FROZEN, TRUE; not known RANDOM, MAJORITY. A greedy accuracy counts"
    )
    assert note.endswith("answer's probability. Whether all arms were decoded alike is not known")
    assert decoding_note(dict.fromkeys(ARMS, "sampled")) == "decoding: sampled FROZEN, RANDOM, MAJORITY, TRUE"
    choices = decoding_note(dict.fromkeys(ARMS, "not applicable"))
    assert "not decoded" in choices and "greedy" not in choices
    assert decoding_note(dict.fromkeys(ARMS, "")) == decoding_note({}) == ""


def test_every_output_has_the_note_and_json_a_key_an_arm():
    report = audit(arms_table(decoding=["Greedy", "greedy", "", "greedy"]))
    (note,) = report.cells[0].notices
    assert note.startswith("decoding: greedy FROZEN, RANDOM, TRUE; not known MAJORITY. ")
    (cell,) = to_dict(report)["cells"]
    assert [arm["decoding"] for arm in cell["arms"].values()] == ["greedy", "greedy", None, "greedy"]
    assert cell["notices"] == [note]
    assert to_markdown(report).endswith(f"\n\ns / m / b: {note}.\n")
    assert note.replace("'", "&#39;") in to_html(report)


def test_markdown_says_a_note_of_several_cells_once():
    tables = [arms_table(decoding="sampled", study=study) for study in "ab"]
    assert to_markdown(audit(tables)).count("decoding: sampled") == 1
    assert "a / m / b, b / m / b: decoding" in to_markdown(audit(tables))


def test_what_says_nothing_is_audited_as_before():
    report = audit(arms_table())
    assert report.cells[0].notices == () and "decoding" not in to_markdown(report) + to_html(report)
    table = read_logs([(arm, LOGS / "inspect" / f"{arm}-1.eval") for arm in ARMS], metrics=["match"]).table
    assert "decoding" not in table and audit(table).cells[0].notices == ()


def test_logs_of_the_harness_reach_the_audit(tmp_path):
    for name, settings, word in (("a", SAMPLED, "sampled"), ("b", " four", "not applicable")):
        logs = harness(tmp_path / name, dict.fromkeys(ARMS, settings))
        (cell,) = audit(read_logs(logs, metrics=["strict-match"]).table).cells
        assert {arm.decoding for arm in cell.cell.arms.values()} == {word}


@pytest.mark.parametrize("unpaired", [False, True])
def test_logs_decoded_differently_are_refused_by_name(tmp_path, unpaired):
    logs = harness(tmp_path, {**dict.fromkeys(ARMS, GREEDY), "true": SAMPLED, "random": {}})
    with pytest.raises(LogError) as refusal:
        read_logs(logs, metrics=["strict-match"], unpaired=unpaired)
    said = str(refusal.value)
    assert said.startswith("sums: frozen=") and "\n" not in said and "samples_sums" in said
    assert said.endswith(
        "(sampled) differ in decoding, so a difference between them is not one of training; "
        "arms decoded alike are accepted: "
        "evaluate one of them again as the other was"
    )


def test_two_runs_of_an_arm_decoded_differently_are_refused(tmp_path):
    logs = [(arm, plain(tmp_path / f"{arm}.jsonl", None)) for arm in ARMS]
    more = [("true", plain(tmp_path / f"true-{word}.jsonl", word)) for word in ("greedy", "sampled")]
    with pytest.raises(
        LogError, match=r"true=.*greedy\.jsonl \(greedy\) and true=.*sampled\.jsonl \(sampled\)"
    ):
        read_logs([*logs, *more])
    (cell,) = audit(read_logs([*logs, more[0]]).table).cells  # what is not known contradicts nothing
    assert cell.cell.decodings == {**dict.fromkeys(ARMS, ""), "true": "greedy"}


def test_tables_of_arms_decoded_differently_are_refused_by_line():
    with pytest.raises(TableError) as refusal:
        read_cells([arms_table(decoding=["greedy", "", "sampled", "greedy"])])
    assert str(refusal.value) == (
        "s / m / b: frozen (greedy; table, line 2) and majority (sampled; table, line 4) differ in decoding, "
        "so a difference between them is not one of training; arms decoded alike are accepted: "
        "evaluate one of them again as the other was"
    )
    rows = arms_table(decoding="greedy")
    other = rows.head(1).assign(role="alternative", decoding="sampled")
    assert read_cells([pd.concat([rows.assign(role="arm"), other])])[0].alternatives[0].decoding == "sampled"
    with pytest.raises(TableError, match="decoding must be one of greedy, sampled, not applicable, or empty"):
        read_cells([arms_table(decoding="beam")])


def test_outcomes_of_an_arm_decoded_differently_are_refused():
    rows = list(itertools.product(ARMS, "12", "ab"))
    table = pd.DataFrame(rows, columns=["arm", "run", "item"]).assign(
        study="s", model="m", benchmark="b", correct=1
    )
    table["decoding"] = table.run.map({"1": "greedy", "2": "sampled"})
    with pytest.raises(
        TableError, match=r"table, line 2: answers of the frozen arm are greedy and sampled; one"
    ):
        read_cells([table])


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ({}, None),
        ({"a": "", "b": "greedy", "c": ""}, None),
        ({"a": "greedy", "b": "greedy"}, None),
        ({"a": "", "b": "greedy", "c": "greedy", "d": "sampled", "e": "not applicable"}, ("b", "d")),
    ],
)
def test_the_first_two_that_differ_are_named(words, found):
    assert unlike(words) == found
