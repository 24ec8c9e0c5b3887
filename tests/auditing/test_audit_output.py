"""The `rlvr audit` command: what it prints and writes, and that it refuses without a trace."""

import io
import json
import math
import re
import subprocess
import sys
from importlib.resources import files

import pytest
from rich.console import Console
from typer.testing import CliRunner

from rlvr.auditing.audit_output import points, print_report, said, to_dict, to_markdown
from rlvr.auditing.cell_audit import audit
from rlvr.commands.command_line import app

OWN = str(files("rlvr").joinpath("data/arms.csv"))
TABLE = (
    "study,model,benchmark,arm,accuracy_percent,n_items\n"
    "s,m [bold]|x,b,frozen,49.4,500\ns,m [bold]|x,b,random,70.8,500\n"
    "s,m [bold]|x,b,majority,75.8,500\ns,m [bold]|x,b,true,78.6,500\n"
)


def run(*arguments, text=None):
    result = CliRunner().invoke(app, ["audit", *map(str, arguments)], input=text)
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


@pytest.fixture
def table(tmp_path):
    path = tmp_path / "arms.csv"
    path.write_text(TABLE)
    return path


def test_blocks_put_the_verdict_first(table):
    out = run(table).output
    assert out.startswith("null dominates (supported)\n    s / m [bold]|x / b\n")
    assert re.search(r"null +\+21\.4 +\[\+15\.4, \+27\.2\]", out)
    assert "published rule: elicitation" in out and "1 cell: 1 supported" in out
    assert max(map(len, out.splitlines())) <= 76


def test_json_has_what_is_promised(table, tmp_path):
    out = tmp_path / "out.json"
    assert run(table, "--json", out).exit_code == 0
    (cell,) = json.loads(out.read_text())["cells"]
    assert {"study", "model", "benchmark", "verdict", "support", "status", "terms"} <= set(cell)
    assert set(cell["terms"]) == {"null", "elicitation", "reward_design", "naive", "total"}
    assert (cell["verdict"], cell["support"], cell["model"]) == ("null", "supported", "m [bold]|x")
    null = cell["terms"]["null"]
    assert null["value"] == pytest.approx(0.214) and null["low"] < 0.214 < null["high"]


def test_json_keeps_the_former_word_under_its_former_key_for_one_release(table):
    def told(text):
        (cell,) = json.loads(run("-", "--json", "-", text=text).stdout)["cells"]
        return cell["support"], cell["status"]

    assert told(TABLE) == ("supported", "identified")
    assert told(TABLE.replace(",500", ",30")) == ("leaning", "leaning")
    no_majority = "".join(line for line in TABLE.splitlines(keepends=True) if "majority" not in line)
    assert told(no_majority) == ("not identified", "not identified")


def test_json_of_a_table_with_arms_missing_has_null_values_and_bounds(table):
    rows = "".join(line for line in TABLE.splitlines(keepends=True) if "majority" not in line)
    result = run("-", "--json", "-", text=rows)
    (cell,) = json.loads(result.stdout)["cells"]
    assert cell["support"] == "not identified" and cell["terms"]["elicitation"]["value"] is None
    assert cell["terms"]["elicitation"]["low"] < 0 < cell["terms"]["elicitation"]["high"]
    assert cell["terms"]["naive"]["value"] == pytest.approx(0.078)
    (lone,) = json.loads(run("-", "--json", "-", text="".join(TABLE.splitlines(keepends=True)[:2])).stdout)[
        "cells"
    ]
    assert lone["terms"]["reward_design"]["low"] is None


def test_json_numbers_are_finite_or_null_on_the_books_own_data():
    def walk(node):
        if isinstance(node, float):
            assert math.isfinite(node)
        for child in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
            walk(child)

    walk(to_dict(audit(OWN)))


def test_several_files_standard_input_and_markdown(table, tmp_path):
    other = tmp_path / "other.csv"
    other.write_text(TABLE.replace("s,m", "t,m"))
    out = run(table, other, "--markdown").output
    rows = [line for line in out.splitlines() if line.startswith("|")]
    assert len(rows) == 4 and all(
        len(re.split(r"(?<!\\)\|", row)) == len(re.split(r"\|", rows[0])) for row in rows
    )
    assert "2 cells" in run(table, "-", text=TABLE.replace("s,m", "u,m")).output


@pytest.mark.parametrize("suffix, magic", [("png", b"\x89PNG"), ("svg", b"<?xml"), ("pdf", b"%PDF")])
def test_figures_are_written(table, tmp_path, suffix, magic):
    out = tmp_path / f"out.{suffix}"
    assert run(table, "--figure", out).exit_code == 0
    assert out.read_bytes().startswith(magic)


BAD = {
    "unknown arm": TABLE.replace("random", "spurious"),
    "accuracy of 150": TABLE.replace("75.8", "150"),
    "percent and fraction": TABLE.replace("75.8", "0.758"),
    "duplicate": TABLE + "s,m [bold]|x,b,true,78.6,500\n",
    "nan": TABLE.replace("75.8", "nan"),
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
        ([OWN, "--figure", "out.bmp"], "ends in .png, .svg, .pdf"),
        ([OWN, "--json", "no-such-folder/out.json"], "existing folder"),
        ([OWN, "--level", "2"], "level must be"),
        ([OWN, "--assume", "hope"], "assumptions must be one of"),
    ],
)
def test_bad_arguments_exit_2(arguments, words):
    result = run(*arguments)
    assert result.exit_code == 2 and words in result.stderr and result.stdout == ""


@pytest.mark.slow
def test_the_command_does_not_load_the_compiler():
    code = (
        "import sys; from rlvr.commands.command_line import app; "
        "app(sys.argv[1:], standalone_mode=False); print('numba' in sys.modules)"
    )
    out = subprocess.run(
        [sys.executable, "-c", code, "audit", OWN], capture_output=True, text=True, check=True
    )
    assert out.stdout.splitlines()[-1] == "False"


def test_points_have_no_negative_zero():
    assert [points(value) for value in (-0.0004, 0.0004, 0.0006, -0.02, math.nan)] == [
        "0.0",
        "0.0",
        "+0.1",
        "-2.0",
        "?",
    ]


def test_every_view_names_every_cell_of_the_books_own_data():
    report = audit(OWN)
    console = Console(record=True, width=80, file=io.StringIO())
    print_report(report, console)
    text, table = console.export_text(), to_markdown(report)
    for audited in report.cells:
        assert audited.cell.name in text and said(audited) in text
        assert audited.cell.model in table
    assert table.count("\n|") == len(report.cells) + 1
