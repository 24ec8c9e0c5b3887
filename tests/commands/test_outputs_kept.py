"""Commands from a shell: refused, interrupted, without space or without a reader, they lose nothing."""

import os
import resource
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from rlvr.commands.command_line import app

TABLE = "study,model,benchmark,arm,accuracy,n_items\ns,m,b,frozen,0.25,500\ns,m,b,true,0.75,500\n"
LOGS = Path(__file__).parent.parent / "data" / "logs" / "lm_eval"
ALL = [f"--log={arm}={LOGS / arm}" for arm in ("frozen", "random", "majority", "true")]


@pytest.fixture
def table(tmp_path):
    path = tmp_path / "arms.csv"
    path.write_text(TABLE)
    return path


def run(*arguments):
    return CliRunner().invoke(app, ["audit", *map(str, arguments)])


def start(*arguments, limit=lambda: None, **options):
    def before():
        signal.signal(signal.SIGINT, signal.SIG_DFL)  # which a job in the background ignores
        limit()

    return subprocess.Popen(
        [sys.executable, "-m", "rlvr", "audit", *map(str, arguments)],
        stderr=subprocess.PIPE, text=True, preexec_fn=before, **options,
    )  # fmt: skip


def test_logs_give_a_verdict_with_one_command():
    result = run(*ALL, "--metric", "strict-match")
    blocks = "reward design dominates (leaning: does not survive items)\n    logs / base / sums\n"
    assert result.exit_code == 0 and result.stdout.startswith(blocks)
    assert "note: true: 2 logs are 2 runs" in result.stdout
    renamed = run(*ALL, "--metric", "flexible-extract", "--benchmark", "mine")
    assert renamed.stdout.splitlines()[1].endswith("/ mine")


def test_a_table_and_logs_are_audited_together(table):
    result = run(table, *ALL, "--metric", "strict-match")
    assert result.stdout.rstrip().splitlines()[-3].startswith("2 cells: ")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (ALL, "metric (--metric) must name one of 'exact_match,strict-match', 'exact_match,flexible-ext"),
        (["--log", "frozen"], "--log must be ARM=PATH, got frozen"),
        (["--log", "frozen="], "--log must be ARM=PATH, got frozen="),
        (["--log", "best=x"], "a log's arm must be one of frozen, random, majority, true, got 'best'"),
        (["--log", "frozen=none.jsonl"], "frozen=none.jsonl: no such file or folder"),
        ([], "no table and no --log was given; give a CSV file, or --log ARM=PATH for each arm"),
    ],
)
def test_a_refusal_is_one_line_and_writes_nothing(tmp_path, monkeypatch, arguments, said):
    monkeypatch.chdir(tmp_path)
    result = run(*arguments, "--json", "out.json", "--figure", "out.svg")
    assert (result.exit_code, result.stdout) == (2, "")
    assert said in result.stderr and result.stderr.count("\n") == 1 and result.stderr.startswith("rlvr: ")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("outputs", "said"),
    [
        (["--json", "arms.csv"], "--json arms.csv: cannot be or lie in the input"),
        (["--figure", "soft.svg"], "--figure soft.svg: cannot be or lie in the input"),
        (["--json", "x.svg", "--figure", "./x.svg"], "--figure ./x.svg: --json names the same file"),
    ],
)
def test_an_output_never_replaces_an_input_or_another_output(table, monkeypatch, outputs, said):
    monkeypatch.chdir(table.parent)
    Path("soft.svg").symlink_to(table)
    result = run("arms.csv", *outputs)
    assert (result.exit_code, result.stdout) == (2, "") and said in result.stderr
    assert table.read_text() == TABLE and sorted(os.listdir()) == ["arms.csv", "soft.svg"]


def test_logs_are_inputs_too():
    before = {path: path.read_bytes() for path in LOGS.rglob("*") if path.is_file()}
    (log,) = (path for path in before if "frozen" in str(path))
    for out in (log, log.parent / "out.json"):
        result = run(*ALL, "--metric", "strict-match", "--json", out)
        assert result.exit_code == 2 and "name another file" in result.stderr
    assert {path: path.read_bytes() for path in LOGS.rglob("*") if path.is_file()} == before


def test_a_full_disk_leaves_both_outputs_as_they_were(table):
    kept = {name: table.with_name(name) for name in ("out.json", "out.svg")}
    for path in kept.values():
        path.write_text("the last good result")

    def little_space():
        resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000))

    ended = start(table, "--json", kept["out.json"], "--figure", kept["out.svg"], stdout=subprocess.PIPE,
                  limit=little_space)  # fmt: skip
    out, error = ended.communicate(timeout=60)
    assert (ended.returncode, out) == (2, "") and error.startswith("rlvr: File too large: ")
    assert error.count("\n") == 1
    assert {path.read_text() for path in kept.values()} == {"the last good result"}
    assert len(list(table.parent.iterdir())) == 3


def test_an_interrupt_leaves_what_was_there(table):
    out = table.with_name("out.json")
    out.write_text("the last good result")
    started = start("-", "--json", out, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    started.stdin.write(TABLE + "\n" * 200_000)  # more than a pipe holds: once written, it is being read
    started.stdin.flush()
    assert started.poll() is None  # it reads on
    started.send_signal(signal.SIGINT)
    printed, error = started.communicate(timeout=60)
    assert (started.returncode, printed) == (130, "")
    assert error == "rlvr: interrupted; no output was changed\n"
    assert out.read_text() == "the last good result" and len(list(table.parent.iterdir())) == 2


@pytest.mark.parametrize("form", [(), ("--markdown",), ("--json", "-")])
def test_a_reader_that_has_gone_is_told_nothing(table, form):
    reading, writing = os.pipe()
    os.close(reading)
    ended = start(table, *form, stdout=writing)
    os.close(writing)
    _, error = ended.communicate(timeout=60)
    assert error == "" and ended.returncode not in (0, None)


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no device that is always full")
@pytest.mark.parametrize("form", [(), ("--json", "-")])
def test_a_full_standard_output_is_one_line(table, form):
    with open("/dev/full", "w") as full:
        ended = start(table, *form, stdout=full)
        _, error = ended.communicate(timeout=60)
    assert error.count("\n") == 1 and "No space left on device" in error and ended.returncode == 2


def test_a_small_table_loads_neither_statistics_nor_pictures(table):
    heavy = ["scipy.special", "scipy.stats", "matplotlib", "statsmodels", "numba", "pandera", "orjson"]
    heavy += ["hypothesis", "zstandard"]
    code = (
        "import sys; from typer.testing import CliRunner; from rlvr.commands.command_line import app; "
        f"result = CliRunner().invoke(app, ['audit', {str(table)!r}]); assert result.exit_code == 0; "
        f"print([name for name in {heavy!r} if name in sys.modules])"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout == "[]\n"
