"""`rlvr audit` from the outside: which outputs go where, which are refused, what reaches the audit."""

import hashlib
import json
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from rlvr.arms import ARMS
from rlvr.auditing import cell_verdicts
from rlvr.commands.command_line import app, main

TABLE = "study,model,benchmark,arm,accuracy,n_items\n" + "".join(
    f"s,m,b,{arm},{accuracy},500\n"
    for arm, accuracy in (("frozen", 0.25), ("random", 0.25), ("majority", 0.25), ("true", 0.75))
)


@pytest.fixture
def table(tmp_path):
    path = tmp_path / "arms.csv"
    path.write_text(TABLE)
    return path


def run(*arguments, text=None):
    return CliRunner().invoke(app, ["audit", *map(str, arguments)], input=text)


def test_json_on_the_terminal_is_json_and_one_line_feed(table):
    result = run(table, "--json", "-")
    assert result.exit_code == 0 and json.loads(result.stdout)["cells"][0]["verdict"] == "reward design"
    assert result.stdout.endswith("}\n") and not result.stdout.endswith("\n\n")
    assert result.stdout.startswith('{\n  "level": 0.95,')


def test_json_in_a_file_leaves_the_blocks_on_the_terminal(table, tmp_path):
    result = run(table, "--json", tmp_path / "out.json")
    assert result.stdout.startswith("reward design dominates (supported for these runs)\n")
    assert (tmp_path / "out.json").read_text() == run(table, "--json", "-").stdout


def test_json_keeps_letters_as_they_are(tmp_path):
    path = tmp_path / "arms.csv"
    path.write_text(TABLE.replace("s,m", "s,modèle"), encoding="utf-8")
    assert '"model": "modèle"' in run(path, "--json", "-").stdout


def test_markdown_instead_of_blocks(table):
    result = run(table, "--markdown")
    assert result.stdout.startswith("| verdict | status |") and "dominates (supported)" not in result.stdout
    assert result.stdout.endswith("from item sampling alone.\n")


def test_what_is_said_reaches_the_audit_and_what_is_not_does_not(table, monkeypatch):
    calls, real = [], cell_verdicts.audit

    def watched(tables, **settings):
        calls.append((tables, settings))
        return real(tables, **settings)

    monkeypatch.setattr(cell_verdicts, "audit", watched)
    assert run(table).exit_code == 0
    settings = ["--level", 0.8, "--rule", "published", "--assume", "no-harm", "--assume", "true-best"]
    settings += ["--run-sd", 0.02, "--frozen-shift", 0.1]
    assert run(table, "-", *settings, text=TABLE.replace("s,m", "t,m")).exit_code == 0
    assert calls == [
        ([str(table)], {"level": 0.95, "rule": "magnitude", "assumptions": [], "run_sd": None,
                        "frozen_shift": None}),
        ([str(table), "-"], {"level": 0.8, "rule": "published", "assumptions": ["no-harm", "true-best"],
                             "run_sd": 0.02, "frozen_shift": 0.1}),
    ]  # fmt: skip


def test_a_relative_name_means_the_folder_one_is_in(table, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert run(table, "--json", "out.json", "--figure", "OUT.SVG").exit_code == 0
    assert (tmp_path / "out.json").is_file() and (tmp_path / "OUT.SVG").is_file()


@pytest.mark.parametrize("name", ["out.bmp", "out", "svg", "-"])
def test_a_figure_needs_an_ending_that_says_what_it_is(table, tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    result = run(table, "--figure", name)
    assert result.exit_code == 2 and "a name that ends in .png, .svg, .pdf is accepted" in result.stderr


def test_a_figure_is_large_enough_to_print(table, tmp_path):
    run(table, "--figure", tmp_path / "out.png")
    header = (tmp_path / "out.png").read_bytes()[16:24]  # width and height of a PNG
    assert (int.from_bytes(header[:4]), int.from_bytes(header[4:])) == (
        9 * 160,
        round((1.2 + 3 * 0.24) * 160),
    )


def test_the_program_is_the_same_app(table, monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["rlvr", "audit", str(table)])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 0 and capsys.readouterr().out.startswith("reward design dominates")


def test_a_page_names_its_input_by_digest(table, tmp_path):
    result = run(table, "--report", tmp_path / "out.html")
    page = (tmp_path / "out.html").read_text(encoding="utf-8")
    assert result.stdout.startswith("reward design dominates (supported for these runs)\n")
    assert hashlib.sha256(TABLE.encode()).hexdigest() in page and "reward design dominates" in page


LOGS = Path(__file__).parent.parent / "data" / "logs" / "lm_eval"


def test_greedy_logs_are_said_to_be_greedy_on_the_terminal_in_json_and_on_the_page(tmp_path):
    logs = [part for arm in ARMS for part in ("--log", f"{arm}={LOGS / arm}")] + ["--metric", "strict-match"]
    said = "decoding: greedy FROZEN, RANDOM, MAJORITY, TRUE. A greedy accuracy counts only which answer leads"
    assert f"note: {said}" in run(*logs, "--report", tmp_path / "page.html").stdout
    assert said in run(*logs, "--markdown").stdout
    assert said in (tmp_path / "page.html").read_text(encoding="utf-8")
    (cell,) = json.loads(run(*logs, "--json", "-").stdout)["cells"]
    assert {arm["decoding"] for arm in cell["arms"].values()} == {"greedy"}


def test_arms_decoded_differently_end_the_command_with_one_line_and_nothing_written(tmp_path):
    for arm, decoding in (("frozen", "greedy"), ("true", "sampled")):
        lines = [json.dumps({"item": item, "correct": 1, "decoding": decoding}) for item in "abc"]
        (tmp_path / f"{arm}.jsonl").write_text("\n".join(lines))
    named = {"frozen": "Base", "true": "GT"}  # common names, as in a table
    logs = [part for arm in named for part in ("--log", f"{named[arm]}={tmp_path / arm}.jsonl")]
    result = run(*logs, "--json", tmp_path / "out.json")
    assert result.exit_code == 2 and result.stderr.count("\n") == 1 and not (tmp_path / "out.json").exists()
    assert (
        "frozen.jsonl (greedy)" in result.stderr
        and "true.jsonl (sampled) differ in decoding" in result.stderr
    )


def test_several_files_and_standard_input(table, tmp_path):
    other = tmp_path / "other.csv"
    other.write_text(TABLE.replace("s,m", "t,m"))
    assert run(table, other, "--markdown").stdout.count("\n|") == 3
    assert "2 cells" in run(table, "-", text=TABLE.replace("s,m", "u,m")).stdout


@pytest.mark.parametrize("suffix, magic", [("png", b"\x89PNG"), ("svg", b"<?xml"), ("pdf", b"%PDF")])
def test_figures_are_written(table, tmp_path, suffix, magic):
    out = tmp_path / f"out.{suffix}"
    assert run(table, "--figure", out).exit_code == 0
    assert out.read_bytes().startswith(magic)


BAD = {
    "unknown arm": TABLE.replace("random", "spurious"),
    "accuracy of 150": TABLE.replace("0.75", "150"),
    "percent and fraction": TABLE.replace("cy,", "cy_percent,").replace("0.25", "70"),
    "duplicate": TABLE + "s,m,b,true,0.75,500\n",
    "nan": TABLE.replace("0.75", "nan"),
    "text": TABLE.replace("500\n", "many\n"),
    "empty": "",
    "missing column": TABLE.replace("n_items", "size"),
}


@pytest.mark.parametrize("text", BAD.values(), ids=BAD)
def test_bad_tables_exit_2_with_one_message_and_write_nothing(tmp_path, text):
    bad = tmp_path / "bad.csv"
    bad.write_text(text)
    outs = [tmp_path / "out.json", tmp_path / "out.png"]
    result = run(bad, "--json", outs[0], "--figure", outs[1])
    assert result.exit_code == 2 and not any(out.exists() for out in outs)
    assert result.stdout == "" and result.stderr.count("\n") == 1
    assert re.match(rf"rlvr: {re.escape(str(bad))}, line \d+: ", result.stderr)


@pytest.mark.parametrize(
    "arguments, words",
    [
        (["no-such.csv"], "no such file"),
        (["."], "a folder"),
        (["-", "--level", "2"], "level must be"),
        (["-", "--assume", "hope"], "assumptions must be one of"),
    ],
)
def test_bad_arguments_exit_2(arguments, words):
    result = run(*arguments, text=TABLE)
    assert result.exit_code == 2 and words in result.stderr and result.stdout == ""


def test_named_fields_and_every_answer_on_the_terminal_in_json_and_on_the_page(tmp_path):
    for arm, n_right in (("frozen", 2), ("true", 4)):
        lines = [{"id": item, "judged": {"right": item < n_right}} for item in range(5)] + [{"id": 9}]
        (tmp_path / f"{arm}.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    logs = [part for arm in ("frozen", "true") for part in ("--log", f"{arm}={tmp_path / arm}.jsonl")]
    refused = run(*logs)
    assert refused.exit_code == 2 and "--field item=id --field correct=judged.right" in refused.stderr
    logs += ["--field", "item=id", "--field", "correct=judged.right"]
    said = "answers: FROZEN 6 read, 5 scored, 1 unscored; TRUE 6 read, 5 scored, 1 unscored"
    assert said in run(*logs, "--report", tmp_path / "page.html").stdout
    assert said in (tmp_path / "page.html").read_text()
    (cell,) = json.loads(run(*logs, "--json", "-").stdout)["cells"]
    assert [arm["accuracy"] for arm in cell["arms"].values()] == [0.4, 0.8]
    assert [(log["arm"], log["read"], log["unscored"]) for log in cell["answers"]] == [
        ("frozen", 6, 1), ("true", 6, 1),
    ]  # fmt: skip


def test_the_catalogue_says_how_far_single_runs_may_lie(table):
    cells = json.loads(run(table, "--run-sd", "from=catalogue", "--json", "-").stdout)["cells"]
    notes = [note for note in cells[0]["notices"] if "others measured" in note]
    assert len(notes) == 3 and all("if the median were the truth" in note for note in notes)
    one = json.loads(run(table, "--run-sd", "random=catalogue", "--json", "-").stdout)["cells"][0]
    assert one["unknown_runs"] == ["majority", "true"]


@pytest.mark.parametrize("text", ["much", "nan", "0.7", "frozen=0.1", "random=", "true=from=0.1"])
def test_a_spread_that_is_none_is_refused(table, text):
    result = run(table, "--run-sd", text)
    assert result.exit_code == 2 and "--run-sd must be" in result.stderr
