"""Long commands that are interrupted and killed at random moments, and go on: the same bytes in the end."""

import multiprocessing
import os
import random
import re
import signal
import time

import pytest
from typer.testing import CliRunner

from rlvr.commands.command_line import app
from rlvr.experiments import published_study
from tests.commands import small_variants
from tests.commands.small_variants import COMMANDS, PROTOCOL, results

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGKILL)
DEADLINE = 120  # seconds, for what takes one or two

FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload(["tests.commands.small_variants"])


def start(command, place, *, resume, most=0):
    log = place.with_name(f"{place.name}.log")
    log.write_bytes(b"")
    process = FORKS.Process(target=small_variants.run, args=(command, str(place), str(log), resume, most))
    process.start()
    return process, log


def end(process):
    process.join(DEADLINE)
    if process.exitcode is None:
        process.kill()
        pytest.fail("it did not end")
    return process.exitcode


def disturb(process, log, number, after):
    """Send a signal some milliseconds after so many pieces have been kept, if it still runs then."""
    started = time.monotonic()
    while process.is_alive() and log.read_bytes().count(b"kept\n") < after:
        assert time.monotonic() < started + DEADLINE
        time.sleep(0.002)
    time.sleep(random.uniform(0, 0.04))
    if process.is_alive():
        os.kill(process.pid, number)


def shown(log):
    """What a command wrote, without the lines of what it kept, resumed or was interrupted at."""
    return re.sub(r"kept\n|rlvr: .*\n", "", log.read_text(encoding="utf-8"))


@pytest.mark.slow
@pytest.mark.parametrize("command", COMMANDS)
def test_whatever_ends_it_the_resumed_results_are_those_of_an_undisturbed_run(tmp_path, command):
    whole, place = tmp_path / "whole", tmp_path / "place"
    for folder in (whole, place):
        folder.mkdir()
        if command == "protocol run":
            (folder / "p.yml").write_text(PROTOCOL)
    process, log = start(command, whole, resume=False)
    assert end(process) == 0, log.read_text()
    n_kept, expected = log.read_bytes().count(b"kept\n"), results(whole)
    assert n_kept >= 2
    ended = []
    for number in random.sample(SIGNALS, k=len(SIGNALS)):
        process, other = start(command, place, resume=bool(ended))
        disturb(process, other, number, random.randrange(1, max(2, n_kept // 2)))
        ended.append(end(process))
        allowed = {130} if number == signal.SIGINT else {-number}
        assert ended[-1] in allowed | {0}, other.read_text()
        assert "Traceback" not in other.read_text()
        there = {name for name in results(place) if not name.startswith(".")}
        if ended[-1]:
            assert all(results(place)[name] == expected[name] for name in there)
    process, other = start(command, place, resume=True)
    assert end(process) == 0, other.read_text()
    assert results(place) == expected and shown(other) == shown(log)


@pytest.mark.slow
@pytest.mark.parametrize("command", COMMANDS)
def test_a_disk_without_space_is_one_line_and_leaves_what_was_there(tmp_path, command):
    place, before = tmp_path / "place", {}
    place.mkdir()
    if command == "protocol run":
        (place / "p.yml").write_text(PROTOCOL)
    for name in ("runs.csv", "replay.csv", "sweep.csv", "budget.csv", "multiverse.csv", "p_cells.csv"):
        (place / name).write_text("the last good result")
    before = results(place)
    process, log = start(command, place, resume=False, most=300)
    assert end(process) == 2, log.read_text()
    (line,) = [
        line for line in log.read_text().splitlines() if line != "kept" and "will be removed" not in line
    ]
    assert line.startswith("rlvr: File too large: ")
    there = results(place)
    kept = [name for name, content in there.items() if content == b"folder"]
    assert {name: there[name] for name in there if name not in kept} == before
    assert all(name.endswith("-chunks") for name in kept)
    assert not [path for name in kept for path in (place / name).glob(".*.npz")]


def test_a_replay_removes_what_a_killed_one_left_beside_its_table(tmp_path, monkeypatch):
    monkeypatch.setattr(published_study, "compare", lambda **_: [])
    half = tmp_path / ".replay.n05_y_hg.csv"
    half.touch()
    options = ["replay", "--store", str(tmp_path / "replay.csv"), "--keep", str(tmp_path)]
    result = CliRunner().invoke(app, options)
    assert result.exit_code == 0 and not half.exists(), result.output
