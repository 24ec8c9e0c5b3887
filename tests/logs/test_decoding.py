"""How arms were decoded: what every output says of it, and which arms are not compared."""

import itertools
import json
import shutil
from pathlib import Path

import pandas as pd
import pytest

from rlvr.arms import ARMS
from rlvr.auditing.audit_output import to_dict, to_html, to_markdown
from rlvr.auditing.cell_verdicts import audit
from rlvr.auditing.cells import read_cells
from rlvr.auditing.tables import TableError
from rlvr.logs.decoding import decoding_note, different_decodings
from rlvr.logs.formats import LogError
from rlvr.logs.runs import read_logs

LOGS = Path(__file__).parent.parent / "data" / "logs"
GREEDY = {"do_sample": False, "until": ["\n\n"]}
SAMPLED = {"do_sample": True, "temperature": 0.6, "top_p": 0.95}


def arms_table(**changes):
    table = {"study": "s", "model": "m", "benchmark": "b", "arm": list(ARMS), "n_items": 500}
    return pd.DataFrame({**table, "accuracy": [0.25, 0.3, 0.4, 0.5], **changes})


def plain(path, decoding):
    lines = [{"item": f"q{i}", "correct": i % 2, "decoding": decoding} for i in range(4)]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


def harness(folder, settings):
    """The arms' real logs of the harness with other settings of generation, by arm."""
    logs = []
    for arm in ARMS:
        shutil.copytree(LOGS / "lm_eval" / arm, folder / arm)
        for path in (folder / arm).rglob("*.jsonl"):
            lines = [json.loads(line) for line in path.read_text().splitlines()]
            for line in lines:
                line["arguments"]["gen_args_0"]["arg_1"] = settings[arm]
            path.write_text("".join(json.dumps(line) + "\n" for line in lines))
        logs.append((arm, folder / arm))
    return logs


def test_one_note_says_which_arms_are_greedy_which_sampled_and_which_unknown():
    note = decoding_note({"frozen": "greedy", "random": "", "majority": "", "true": "greedy"})
    assert note.startswith("decoding: greedy FROZEN, TRUE; not known RANDOM, MAJORITY. A greedy accuracy")
    assert note.endswith("answer's probability, show which. Whether all arms were decoded alike is not known")
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
    text = to_markdown(audit([arms_table(decoding="sampled", study=study) for study in "ab"]))
    assert text.count("decoding: sampled") == 1 and "a / m / b, b / m / b: decoding" in text


def test_what_says_nothing_is_audited_without_a_note():
    report = audit(arms_table())
    assert report.cells[0].notices == () and "decoding" not in to_markdown(report) + to_html(report)
    table = read_logs([(arm, LOGS / "inspect" / f"{arm}-1.eval") for arm in ARMS], metrics=["match"]).table
    assert "decoding" not in table and audit(table).cells[0].notices == ()


@pytest.mark.parametrize(("settings", "decoding"), [(SAMPLED, "sampled"), (" four", "not applicable")])
def test_the_settings_of_logs_reach_the_audit(tmp_path, settings, decoding):
    logs = harness(tmp_path, dict.fromkeys(ARMS, settings))
    (cell,) = audit(read_logs(logs, metrics=["strict-match"]).table).cells
    assert cell.cell.decodings == dict.fromkeys(ARMS, decoding)


@pytest.mark.parametrize(
    ("decodings", "named"),
    [
        ({}, None),
        ({"a": "", "b": "greedy", "c": ""}, None),
        ({"a": "greedy", "b": "greedy"}, None),
        (
            {"a": "", "b": "greedy", "c": "greedy", "d": "sampled", "e": "not applicable"},
            "b (greedy) and d (sampled) differ",
        ),
    ],
)
def test_the_first_two_that_differ_are_named(decodings, named):
    problem = different_decodings(decodings)
    assert problem.startswith(named) and "evaluate one of them again" in problem if named else problem == ""


@pytest.mark.parametrize("unpaired", [False, True])
def test_logs_decoded_differently_are_refused_by_name(tmp_path, unpaired):
    logs = harness(tmp_path, {**dict.fromkeys(ARMS, GREEDY), "true": SAMPLED, "random": {}})
    with pytest.raises(
        LogError, match=r"^sums: frozen=.*samples_sums.* \(greedy\) and true=.*\(sampled\) differ in decoding"
    ) as refusal:
        read_logs(logs, metrics=["strict-match"], unpaired=unpaired)
    assert "\n" not in str(refusal.value)


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
    with pytest.raises(
        TableError,
        match=r"^s / m / b: frozen \(greedy; table, line 2\) and majority \(sampled; table, line 4\) differ",
    ):
        read_cells([arms_table(decoding=["greedy", "", "sampled", "greedy"])])
    rows = arms_table(decoding="greedy")
    other = rows.head(1).assign(role="alternative", decoding="sampled")
    assert read_cells([pd.concat([rows.assign(role="arm"), other])])[0].alternatives[0].decoding == "sampled"


def test_outcomes_of_an_arm_decoded_differently_are_refused():
    rows = list(itertools.product(ARMS, "12", "ab"))
    table = pd.DataFrame(rows, columns=["arm", "run", "item"]).assign(
        study="s", model="m", benchmark="b", correct=1
    )
    table["decoding"] = table.run.map({"1": "greedy", "2": "sampled"})
    with pytest.raises(TableError, match=r"table, line 2: answers of the frozen arm are greedy and sampled"):
        read_cells([table])


@pytest.mark.parametrize("name", ["sampling_params", "generation_config", "gen_kwargs"])
@pytest.mark.parametrize(("one", "other"), [(0, 1.0), ("0.0", "1.0"), (0.6, 1.0)])
def test_settings_inside_of_an_object_of_a_plain_line_are_read(tmp_path, name, one, other):
    logs = []
    for arm, degree in (("frozen", one), ("true", other)):
        lines = [{"item": item, "correct": item % 2, name: {"temperature": degree}} for item in range(4)]
        path = tmp_path / f"{arm}.jsonl"
        path.write_text("".join(json.dumps(line) + "\n" for line in lines))
        logs.append((arm, path))
    with pytest.raises(LogError, match=r"differ in decoding|temperature 0.6\) and .*temperature 1\) differ"):
        read_logs(logs)
