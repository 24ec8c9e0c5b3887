"""Refusals of the command: one line on standard error, exit code 2, and never the whole of a long option."""

import re

import pytest
import typer
import yaml
from typer.testing import CliRunner

from rlvr._writing import refuse_overwriting
from rlvr.commands.command_line import app
from rlvr.commands.refusal import refuse
from rlvr.experiments.sealed_protocol import PROTOCOL, load_protocol

LONG = "x" * 5_000
ARMS = "study,model,benchmark,arm,accuracy,n_items,run_sd,setup,role,comparable\n"
HEAD = f"# protocol sha256 {load_protocol().digest}\n"
TABLES = "cell,task,frozen,random,majority,true\n", "condition,rule,block,points,studies\n"
OUTCOMES = "study,model,benchmark,arm,run,item,correct\n"


def refused(*arguments, given=None):
    """What a command says when it refuses: one line, and exit code 2."""
    result = CliRunner().invoke(app, [str(argument) for argument in arguments], input=given)
    assert result.exit_code == 2 and result.exception.__class__ is SystemExit
    assert result.output.startswith("rlvr: ") and result.output.count("\n") == 1
    return result.output


def test_a_refusal_is_a_line_on_standard_error_and_exit_code_two(capsys):
    assert isinstance(refuse(ValueError("level must be positive")), typer.Exit)
    assert refuse(ValueError("")).exit_code == 2
    said = capsys.readouterr()
    assert said.err.splitlines()[0] == "rlvr: level must be positive" and said.out == ""


def test_a_file_that_cannot_be_opened_is_named_after_its_fault(capsys):
    refuse(FileNotFoundError(2, "No such file or directory", "arms.csv"))
    refuse(OSError("the disk is full"))
    assert capsys.readouterr().err == "rlvr: No such file or directory: 'arms.csv'\nrlvr: the disk is full\n"


@pytest.mark.parametrize(
    "arguments",
    [
        ["audit", LONG],
        ["audit", "--rule", LONG, "arms.csv"],
        ["audit", "--assume", LONG, "arms.csv"],
        ["audit", "--figure", LONG, "arms.csv"],
        ["audit", "--json", f"{LONG}/out.json", "arms.csv"],
        ["sweep", "--tie-break", LONG],
        ["sweep", "--store", LONG],
        ["factorial", "--filtering", LONG],
        ["factorial", "--n-blocks", "1", "--n-seeds", "1", "--scale", LONG],
        ["protocol", "check", "--protocol", LONG],
        ["protocol", "run", "--results", LONG],
        [LONG],
        ["protocol", LONG],
        ["audit", f"--{LONG}", "arms.csv"],
        ["sweep", "--n-tasks", LONG],
    ],
    ids=lambda arguments: " ".join(word for word in arguments if len(word) < 99),
)
def test_a_long_option_is_shortened(arguments):
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 2 and result.output.startswith("rlvr: ")
    assert "characters)" in result.output or arguments[1:2] == ["--n-tasks"]
    assert len(result.output) < 300 and result.output.count("\n") == 1


@pytest.mark.parametrize("text", [
    "", "a,b\n1,2\n", ARMS, f"{ARMS}s\n", f'{ARMS}"s\n', f"{ARMS}s,m,b,other,0.5,9,,,,\n",
    ARMS + 2 * "s,m,b,true,0.5,9,,,,\n", f"{ARMS}s,m,b,true,0.5,9,0.9,,,\n", f"{ARMS}\0",
    OUTCOMES + 2 * "s,m,b,true,1,a,1\n", f"{ARMS.replace('setup', 'study')}",
    f"{ARMS.replace('accuracy', 'accuracy_percent')}"
    "s,m,b,true,78.6,500,,,,\ns,m,b,random,0.7863,500,,,,\n",
])  # fmt: skip
def test_a_long_file_name_is_shortened_and_stays_on_one_line(tmp_path, text):
    folder = tmp_path / ("d" * 200) / ("e" * 200)
    folder.mkdir(parents=True)
    (folder / "a\nb.csv").write_text(text, encoding="utf-8")
    assert "characters), line" in refused("audit", folder / "a\nb.csv")
    assert "characters): this is a folder" in refused("audit", folder)
    (folder / "bytes.csv").write_bytes(b"\xff\xfe")
    assert "characters), line 1: not UTF-8" in refused("audit", folder / "bytes.csv")


def changed(*path, value):
    """The registered protocol with one value changed, as text."""
    content = yaml.safe_load(PROTOCOL.read_bytes())
    place = content
    for name in path[:-1]:
        place = place[name]
    place[path[-1]] = value
    return yaml.safe_dump(content)


@pytest.mark.parametrize(("text", "said"), [
    (f"a: [b\n{LONG}: : :", r"p\.yml, line \d: cannot be read as YAML"),
    ("a: \x01", r"p\.yml: cannot be read as YAML"),
    (LONG, "lacks settings, sample, cells, hypotheses$"),
    (f"- {LONG}", "lacks settings, "),
    (changed("cells", value=LONG), "this one lacks cells$"),
    (changed("sample", LONG, value=1), "a size in sample must be one of 'n_tasks', 'n_seeds', .*got 'xxx"),
    (changed("settings", "training", LONG, value=1), "a setting of GRPOConfig must be one of .*, got 'xxx"),
    (changed("settings", "family", LONG, value=1), "a setting of TaskFamily must be one of .*, got 'xxx"),
    (changed("settings", "training", "filtering", value=LONG), "filtering must be one of .*, got 'xxx"),
    (changed("settings", "training", "n_steps", value=LONG), "n_steps must be .*, got 'xxx"),
    (changed("sample", "n_tasks", value=LONG), "n_tasks must be .*, got 'xxx"),
    (changed("settings", value={"family": {}}), "the protocol does not state 'training'$"),
])  # fmt: skip
def test_a_wrong_protocol_is_refused_and_its_values_shortened(tmp_path, text, said):
    (tmp_path / "p.yml").write_text(text, encoding="utf-8")
    line = refused("protocol", "run", "--protocol", tmp_path / "p.yml")
    assert re.search(said, line.strip()), line
    assert max(map(len, re.findall("x+", line)), default=0) <= 100


@pytest.mark.parametrize(("accuracy", "gate", "said"), [
    (f"{LONG}\n", "", r"res_accuracy\.csv must start with '# protocol sha256 ' and a digest, got 'xxx"),
    (f"# protocol sha256 {LONG}\n{TABLES[0]}", f"# protocol sha256 y{LONG}\n{TABLES[1]}",
     "come from different protocols: xxx.*, yxxx"),
    (f"{HEAD}{LONG}\n1\n", HEAD + TABLES[1], "must have the columns cell, task, frozen, .*; it lacks cell, "),
    (HEAD + TABLES[0], f"{HEAD}condition,rule\n1,2\n", "it lacks block, points, studies$"),
    (f"{HEAD}a,b\n1\n1,2,3\n", HEAD + TABLES[1], r"res_accuracy\.csv: .*Expected 2 fields in line 3, saw 3"),
    (HEAD, HEAD + TABLES[1], "No columns to parse from file"),
    (HEAD + TABLES[0], HEAD + TABLES[1], "the protocol cannot be judged: "),
])  # fmt: skip
def test_results_that_are_none_are_refused_and_their_values_shortened(tmp_path, accuracy, gate, said):
    (tmp_path / "res_accuracy.csv").write_text(accuracy, encoding="utf-8")
    (tmp_path / "res_gate.csv").write_text(gate, encoding="utf-8")
    result = CliRunner().invoke(app, ["protocol", "check", "--results", str(tmp_path / "res")])
    line = result.output.splitlines()[-1]
    assert result.exit_code == 2 and re.search(said, line), result.output
    assert max(map(len, re.findall("x+", line)), default=0) <= 100


def test_results_of_another_protocol_say_so_in_short(tmp_path):
    for name, table in zip(("accuracy", "gate"), TABLES, strict=True):
        (tmp_path / f"res_{name}.csv").write_text(f"# protocol sha256 {LONG}\n{table}", encoding="utf-8")
    result = CliRunner().invoke(app, ["protocol", "check", "--results", str(tmp_path / "res")])
    assert result.exit_code == 1 and "(5,000 characters)" in result.output and len(result.output) < 400


def test_what_could_not_be_written_is_refused_before_the_work(tmp_path, monkeypatch):
    for work in ("published_study.compare", "stored.rebuild"):
        monkeypatch.setattr(f"rlvr.experiments.{work}", lambda *_, **__: pytest.fail("it worked in vain"))
    nowhere = tmp_path / LONG[:90] / LONG[:90]
    for arguments in (
        ["replay", "--store"],
        ["protocol", "run", "--write", "--results"],
        ["audit", "--json"],
    ):
        line = refused(*arguments, nowhere, *["x.csv"] * (arguments[0] == "audit"))
        assert arguments[-1] in line and "a file in an existing folder is accepted" in line
        assert "characters)" in line
    assert "a file in an existing folder" in refused("replay", "--store", tmp_path)
    refuse_overwriting({"--store": tmp_path / "new.csv"}, [])
    assert list(tmp_path.iterdir()) == []
    assert "Invalid value for '--blocks'" in refused("gate-map", "--blocks", "-1")


def test_help_alone_is_no_refusal_and_a_fault_is_not_hidden(monkeypatch):
    for part in ([], ["protocol"]):
        result = CliRunner().invoke(app, part)
        assert result.exit_code == 2 and "Usage" in result.output and "rlvr: " not in result.output
    monkeypatch.setattr("rlvr.auditing.cell_verdicts.audit", lambda *_, **__: 1 / 0)
    assert isinstance(CliRunner().invoke(app, ["audit", "x.csv"]).exception, ZeroDivisionError)


def test_a_caller_may_keep_the_exceptions():
    with pytest.raises(Exception, match="No such command 'adit'"):
        typer.main.get_command(app).main(["adit"], standalone_mode=False)
