"""Where nothing can be written a command says so before its work, in one line, and changes nothing."""

import os
import resource
from pathlib import Path

import pytest
from typer.testing import CliRunner

from rlvr.commands.command_line import app

TABLE = "study,model,benchmark,arm,accuracy,n_items\ns,m,b,frozen,0.25,500\ns,m,b,true,0.75,500\n"
ANSWERS = "".join(
    f'{{"arm": "{arm}", "item": "q", "output": "{n}", "truth": "5"}}\n'
    for n, arm in enumerate(("frozen", "true"))
)
GUESS = "plan --frozen 0.2 --random 0.3 --majority 0.4 --true 0.6"
TO_FILES = {
    "audit IN/t.csv --json": "o.json",
    "audit IN/t.csv --figure": "o.svg",
    "audit IN/t.csv --report": "o.html",
    f"{GUESS} --json": "o.json",
    f"{GUESS} --figure": "o.svg",
    "rescore IN/a.jsonl --judge plain --json": "o.json",
    "replay --quick --store": "o.csv",
    "coin-flips --store": "o.csv",
}
TO_FOLDERS = (
    "stored sweep --rebuild --folder",
    "explorer --store",
    "budget --store",
    "multiverse --store",
    "sweep --store",
    "sweep --keep",
    "factorial --keep",
    "replay --keep",
    "protocol run --keep",
)
PLACES = {
    "no folder": "no/such/NAME",
    "below a file": "f/NAME",
    "long name": f"{'n' * 300}NAME",
    "link to itself": "loop",
    "long path": f"{'/'.join(['p' * 200] * 30)}/NAME",
    "below a link to itself": "loop/NAME",
    "no disk": "/proc/NAME",
    "link to nowhere": "dangling",
    "pipe": "pipe",
    "device": "/dev/full",
    "below a device": "/dev/full/NAME",
    "zero byte": "a\0bNAME",
    "no UTF-8": "no/\udcffNAME",
    "line break": "no/a\nbNAME",
}
NO_FILES = PLACES | {"folder": "d", "this folder": "."}
NO_FOLDERS = PLACES | {"file": "f"}


@pytest.fixture
def place(tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "t.csv").write_text(TABLE)
    (tmp_path / "in" / "a.jsonl").write_text(ANSWERS)
    (tmp_path / "d").mkdir()
    (tmp_path / "f").write_text("mine")
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "dangling").symlink_to("nowhere/x")
    os.mkfifo(tmp_path / "pipe")
    return tmp_path


def there(place):
    return sorted((str(path), path.read_bytes() if path.is_file() else b"") for path in place.rglob("*"))


def run(command, place, out):
    arguments = [part.replace("IN", str(place / "in")) for part in command.split()]
    return CliRunner().invoke(app, [*arguments, out])


def assert_refused(result):
    assert result.exit_code == 2 and isinstance(result.exception, SystemExit), result.exception
    assert result.stderr.startswith("rlvr: ") and result.stderr.count("\n") == 1 and not result.stdout
    assert len(result.stderr) < 500


@pytest.mark.skipif(not os.path.exists("/proc/self"), reason="places of Linux")
@pytest.mark.parametrize("command", [*TO_FILES, *TO_FOLDERS])
def test_no_such_place(place, command):
    before, name = there(place), TO_FILES.get(command, "")
    for kind, where in (NO_FILES if name else NO_FOLDERS).items():
        out = where if where.startswith("/") else f"{place}/{where}"
        result = run(command, place, out.replace("NAME", name))
        try:
            assert_refused(result)
            assert there(place) == before
        except AssertionError as fault:
            raise AssertionError(f"{kind}: {result.output}") from fault


@pytest.mark.parametrize("command", [command for command in TO_FILES if "--store" not in command])
def test_a_name_with_a_slash_behind_it_is_no_file(place, command):
    assert_refused(run(command, place, f"{place}/new/"))
    assert not (place / "new").exists()


@pytest.mark.parametrize("is_new", [True, False])
@pytest.mark.parametrize("command", [command for command in TO_FILES if "--store" not in command])
def test_no_space_for_the_output(place, command, is_new):
    out = place / TO_FILES[command]
    if not is_new:
        out.write_text("the last good result")
    before, limits = there(place), resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (8, limits[1]))
    try:
        result = run(command, place, str(out))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert_refused(result)
    assert f"File too large: '{out}'" in result.stderr or len(str(out)) > 90
    assert there(place) == before


@pytest.mark.parametrize("command", ["audit IN/t.csv --json", "audit IN/t.csv --report", f"{GUESS} --figure"])
def test_an_empty_name_is_no_file(place, command):
    """As an unset variable of a shell gives it."""
    result = run(command, place, "")
    assert_refused(result)
    assert "the name is empty" in result.stderr


def test_of_two_outputs_none_is_written_where_one_cannot_be(place):
    for other in ("no/o.svg", f"{'n' * 300}.svg", "d", "pipe"):
        result = run(f"audit IN/t.csv --json {place}/o.json --figure", place, f"{place}/{other}")
        assert_refused(result)
        assert not (place / "o.json").exists()


def test_a_link_to_a_new_file_is_followed(place):
    (place / "soft").symlink_to("d/new.json")
    assert run("audit IN/t.csv --json", place, f"{place}/soft").exit_code == 0
    assert (place / "soft").is_symlink() and Path(place, "d", "new.json").stat().st_size > 100
