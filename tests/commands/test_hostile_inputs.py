"""Input that no tool writes and somebody gives `rlvr audit`: numbers or one line, and text stays text."""

import gzip
import hashlib
import html
import json
import os
import tracemalloc
import zipfile
from pathlib import Path

import numpy as np
import pytest
import zstandard
from typer.testing import CliRunner

from rlvr import _reading
from rlvr._escaping import json_text, markdown, visible
from rlvr.commands.command_line import app

LOGS = Path(__file__).parent.parent / "data" / "logs"
SAMPLES = next((LOGS / "lm_eval" / "true").rglob("*.jsonl"))
TABLE = "study,model,benchmark,arm,accuracy,n_items\n" + "".join(
    f"STUDY,m,b,{arm},{at},500\n"
    for arm, at in zip(("frozen", "random", "true"), (0.2, 0.3, 0.7), strict=True)
)
GOOD = "".join(json.dumps({"item": item, "correct": 1}) + "\n" for item in "abc")


def run(*arguments, text=None):
    return CliRunner().invoke(app, ["audit", *map(str, arguments)], input=text)


def refused(*arguments, text=None):
    result = run(*arguments, text=text)
    assert result.exit_code == 2 and isinstance(result.exception, SystemExit), result.exception
    assert result.stderr.startswith("rlvr: ") and result.stderr.count("\n") == 1 and not result.stdout
    return result.stderr


@pytest.fixture
def good(tmp_path):
    (tmp_path / "good.jsonl").write_text(GOOD)
    return tmp_path / "good.jsonl"


def test_a_pipe_without_a_writer_is_not_waited_for(tmp_path, good):
    os.mkfifo(tmp_path / "f.jsonl")
    assert "device or pipe" in refused("--log", f"frozen={good}", "--log", f"true={tmp_path}/f.jsonl")
    assert "device or pipe" in refused(tmp_path / "f.jsonl")
    assert "device or pipe" in refused("/dev/zero")
    for arguments in (["plan"], ["protocol", "check", "--protocol"]):
        result = CliRunner().invoke(app, [*arguments, str(tmp_path / "f.jsonl")])
        assert result.exit_code == 2 and "device or pipe" in result.stderr


@pytest.mark.parametrize("number", ["1" + "0" * 400, "-1" + "0" * 400, "1" + "0" * 5000, "1e999"])
def test_a_number_beyond_any_float(tmp_path, good, number):
    for field in ("item", "correct"):
        line = {"item": '"q"', "correct": "1", field: number}
        good.write_text("".join(f'{{"item": {line["item"]}, "correct": {line["correct"]}}}\n'))
        if field == "correct" or "e" in number or len(number) > 4300:  # a name may be a number of 400 digits
            assert "good.jsonl" in refused("--log", f"frozen={good}", "--log", f"true={good}")
    for column in ("0.7", "500"):
        (tmp_path / "t.csv").write_text(TABLE.replace(column, number, 1))
        assert "line" in refused(tmp_path / "t.csv")


@pytest.mark.parametrize("depth", [900, 2000, 100_000])
@pytest.mark.parametrize(
    "field",
    ['"correct"', '"correct": 1, "doc"', '"doc_id": 1, "filter": "f", "metrics": ["m"], "m": 1, "doc"'],
)
def test_nesting_is_read_or_refused(tmp_path, field, depth):
    (tmp_path / "a.jsonl").write_text(f'{{"item": "a", {field}: {"[" * depth}{"]" * depth}}}\n')
    result = run("--log", f"frozen={tmp_path}/a.jsonl")
    assert result.exit_code in (0, 2) and result.stderr.count("\n") == (result.exit_code == 2)


def test_a_name_that_is_no_utf_8_is_shown_everywhere(tmp_path, good):
    odd = tmp_path / os.fsdecode(b"\xff.jsonl")
    odd.write_text(GOOD)
    logs = ["--log", f"frozen={good}", "--log", f"true={odd}"]
    (cell,) = json.loads(run(*logs, "--json", "-").stdout)["cells"]
    assert cell["arms"]["true"]["source"].endswith("\\xff.jsonl")
    for options in (["--markdown"], ["--report", tmp_path / "o.html"], ["--json", tmp_path / "o.json"]):
        assert run(*logs, *options).exit_code == 0
    assert "\\xff.jsonl" in (tmp_path / "o.html").read_text(encoding="utf-8")
    assert "\\xff.csv" in refused(tmp_path / os.fsdecode(b"\xff.csv"))


@pytest.mark.parametrize("runs", [30_000, 300])
def test_a_table_of_runs_that_share_no_item_builds_no_matrix(tmp_path, runs):
    rows = "".join(f"s,m,b,true,r{run},q{run},1\n" for run in range(runs))
    (tmp_path / "t.csv").write_text(f"study,model,benchmark,arm,run,item,correct\n{rows}")
    tracemalloc.start()
    try:
        assert "run r0 lacks item q1;" in refused(tmp_path / "t.csv")
        assert tracemalloc.get_traced_memory()[1] < 2e8  # the matrix of 30,000 runs has 7,200,000,000 bytes
    finally:
        tracemalloc.stop()


def test_a_doubled_log_is_refused_whatever_its_length(tmp_path):
    line = json.loads(SAMPLES.read_text().splitlines()[0])
    one = "".join(json.dumps({**line, "doc_id": n, "doc_hash": f"{n:064}"}) + "\n" for n in range(20_000))
    (tmp_path / "samples_t_x.jsonl").write_text(one + one)
    assert "occurs twice" in refused("--log", f"frozen={tmp_path}/samples_t_x.jsonl")


def test_archives_are_refused_that_are_encrypted_or_expand_without_measure(tmp_path, monkeypatch):
    path = tmp_path / "x.eval"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("header.json", b" " * 1_000_000)
        archive.writestr("summaries.json", "[]")
    monkeypatch.setattr(_reading, "FREE_EXPANSION", 10_000)
    assert "header.json: expands to more than" in refused("--log", f"frozen={path}")
    raw = path.read_bytes()
    path.write_bytes(raw.replace(b"PK\1\2\x14\3\x14\0\0\0", b"PK\1\2\x14\3\x14\0\1\0"))
    assert "encrypted" in refused("--log", f"frozen={path}")
    for pack in (gzip.compress, zstandard.compress):
        (tmp_path / "t.csv").write_bytes(pack(TABLE.encode() + b" " * 1_000_000))
        assert "expands to more than" in refused(tmp_path / "t.csv")
        (tmp_path / "t.csv").write_bytes(pack(TABLE.encode()))
        assert run(tmp_path / "t.csv").exit_code == 0


def test_the_digest_of_a_pipe_is_that_of_what_was_read(tmp_path):
    read, write = os.pipe()
    os.write(write, TABLE.encode())
    os.close(write)
    digest = hashlib.sha256(TABLE.encode()).hexdigest()
    for arguments, text in (([f"/dev/fd/{read}"], None), (["-"], TABLE)):
        assert run(*arguments, "--report", tmp_path / "o.html", text=text).exit_code == 0
        assert digest in (tmp_path / "o.html").read_text(encoding="utf-8")
    os.close(read)
    assert "such as audit.html is accepted" in refused("-", "--report", "-", text=TABLE)


@pytest.mark.parametrize("error", [MemoryError(), RecursionError(), OverflowError("int too large")])
def test_what_is_too_large_is_one_line(tmp_path, monkeypatch, error):
    def fails(*_, **__):
        raise error

    (tmp_path / "t.csv").write_text(TABLE)
    monkeypatch.setattr("rlvr.auditing.cell_verdicts.audit", fails)
    assert "too " in refused(tmp_path / "t.csv")


# Names that act -----------------------------------------------------------------------------------

HOSTILE = "<img src=x onerror=MARK()>[x](javascript:MARK())\x1b]0;MARK\x07\u202e\x9bq|"


def test_a_hostile_name_is_text_in_every_output(tmp_path):
    (tmp_path / "t.csv").write_text(TABLE.replace("STUDY", f'"{HOSTILE} $\\frac{{1}}$\nz"'), encoding="utf-8")
    terminal = run(tmp_path / "t.csv", "--report", tmp_path / "o.html").stdout
    table = run(tmp_path / "t.csv", "--markdown").stdout
    page = (tmp_path / "o.html").read_text(encoding="utf-8")
    for text in (terminal, table, page):
        assert not set(text) & set("\x1b\x07\u202e\x9b")
        assert "\\x1b]0;MARK\\x07\\u202e\\x9b" in html.unescape(text)
    assert table.count("\n|") == 2 and "<img" not in table + page and "](" not in table
    assert run(tmp_path / "t.csv", "--figure", tmp_path / "o.svg").exit_code == 0  # no formula is read in it
    shown = run(tmp_path / "t.csv", "--json", "-").stdout
    assert json.loads(shown)["cells"][0]["study"].startswith(HOSTILE) and not set(shown) & set(
        "\x1b\u202e\x9b"
    )
    assert "\x1b" not in refused(tmp_path / "\x1b[2Jgone.csv")


def test_json_is_json_whatever_is_in_it():
    value = {
        "a\ud800": [np.float64("nan"), -np.inf, np.int8(3), np.array([1.5, np.nan])],
        "b": ("\udcff\x7f", True, None),
    }
    assert json.loads(json_text(value), parse_constant=lambda name: 1 / 0) == {
        "a\\ud800": [None, None, 3, [1.5, None]], "b": ["\\xff\x7f", True, None],
    }  # fmt: skip


@pytest.mark.parametrize(
    "text", ["Qwen2.5-Math-7B (base) -> x", "naïve 模型", "a_b", "MATH-500", "👨\u200d👩"]
)
def test_common_names_are_shown_as_they_are(text):
    assert visible(text) == markdown(text) == text
