"""Chunks on the disk: whole or not there, found by the same work alone, gone when all is well."""

import os
import signal
import subprocess
import sys
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
from typer.testing import CliRunner

from rlvr import ARMS, GRPOConfig, StrategyFamily, TaskFamily, simulate
from rlvr.commands.command_line import app
from rlvr.experiments import prior_sweep
from rlvr.simulator import executors, kept_chunks
from rlvr.simulator.kept_chunks import KeptChunks, chunk_digest
from rlvr.simulator.studies import Study, StudySize

FAMILIES = [TaskFamily(n_actions=4, n_prompts=6), StrategyFamily(n_prompts=8, offset_sd=0.5)]
SHORT = GRPOConfig(n_steps=5, batch_size=4)


@pytest.fixture(autouse=True)
def many_chunks(monkeypatch):
    monkeypatch.setattr(executors, "_TRAVELLING", 240)  # 4 runs


def runs_by(executor, **options):
    return simulate(FAMILIES, SHORT, n_tasks=2, n_seeds=8, executor=executor, **options)


def assert_same(found, expected):
    for runs, other in zip(found, expected, strict=True):
        np.testing.assert_array_equal(runs.curves, other.curves)


def work_of(family=FAMILIES[0], config=SHORT, **changed):
    size = {"arms": ARMS, "n_tasks": 2, "n_seeds": 3, "seed": 0, "checkpoints": None, "keep_policies": False}
    return Study.prepare(family, config, StudySize(**(size | changed))).work


class Stops(Exception):
    pass


def stop_at(n):
    def stop(done, _):
        if done == n:
            raise Stops

    return stop


def test_interrupted_work_goes_on_where_it_was(tmp_path):
    folder, expected = tmp_path / "chunks", runs_by(None)
    with ThreadPoolExecutor(1) as pool, pytest.raises(Stops), KeptChunks(folder, pool) as kept:
        runs_by(kept, progress=stop_at(3))
    there = len(list(folder.glob("*.npz")))
    assert 3 <= there == kept.n_trained <= 8 and kept.n_found == 0
    with KeptChunks(folder, resume=True) as again:
        assert_same(runs_by(again), expected)
    assert (again.n_found, again.n_trained) == (there, 8 - there)
    assert not folder.exists()


def test_without_resume_nothing_old_is_read_or_left(tmp_path):
    runs_by(kept := KeptChunks(tmp_path / "chunks"))
    kept.shutdown()
    (tmp_path / "chunks" / ".half.x.npz").touch()
    (tmp_path / "chunks" / "notes.txt").write_text("mine")
    with KeptChunks(tmp_path / "chunks") as fresh:
        assert sorted(path.name for path in fresh.folder.iterdir()) == [".lock", "notes.txt"]
        runs_by(fresh)
    assert (fresh.n_found, fresh.n_trained) == (0, 8)
    assert [path.name for path in fresh.folder.iterdir()] == ["notes.txt"]  # never what is another's


def rewrite(change):
    """Well-formed results in place of others, written as anyone would write them."""

    def damage(path, _):
        with np.load(path) as file:
            results = {name: change(array) for name, array in file.items()}
        np.savez(path, **results)

    return damage


def flip_a_bit(path, _):
    data = bytearray(path.read_bytes())
    data[np.random.default_rng().integers(len(data))] ^= 1 << np.random.default_rng().integers(8)
    path.write_bytes(data)


def swap(path, other):
    one, two = path.read_bytes(), other.read_bytes()
    path.write_bytes(two)
    other.write_bytes(one)


def replace_by(make):
    def damage(path, other):
        path.unlink()
        make(path, other)

    return damage


def sparse(path, _, tail=b"\0"):
    """A file of a terabyte, of which the last bytes alone are on the disk."""
    with path.open("wb") as file:
        file.seek(2**40 - len(tail))
        file.write(tail)


DAMAGES = {
    "flipped bit": flip_a_bit, "of another chunk": swap, "no seal": rewrite(np.copy),
    "cut": lambda path, _: path.write_bytes(path.read_bytes()[:-1]),
    "half": lambda path, _: path.write_bytes(path.read_bytes()[: path.stat().st_size // 2]),
    "empty": lambda path, _: path.write_bytes(b""), "text": lambda path, _: path.write_text("x" * 999),
    "zeros": lambda path, _: path.write_bytes(bytes(path.stat().st_size)),
    "longer": lambda path, _: path.write_bytes(path.read_bytes() + b"0"),
    "float32": rewrite(np.float32), "transposed": rewrite(np.transpose), "text of numbers": rewrite(np.str_),
    "NaN": rewrite(lambda array: np.full_like(array, np.nan)), "one number more": rewrite(lambda a: a + 1e-9),
    "link to another": replace_by(lambda path, other: path.symlink_to(other.name)),
    "link to nothing": replace_by(lambda path, _: path.symlink_to("nothing")),
    "link to itself": replace_by(lambda path, _: path.symlink_to(path.name)),
    "pipe": replace_by(lambda path, _: os.mkfifo(path)),
    "sparse": lambda path, _: os.truncate(path, 2**40), "all sparse": replace_by(sparse),
    "sealed and sparse": replace_by(lambda path, other: sparse(path, other, tail=b"0" * 64)),
    "device": replace_by(lambda path, _: path.symlink_to("/dev/zero")),
}  # fmt: skip


@pytest.mark.parametrize("damage", DAMAGES)
def test_what_is_no_chunk_of_this_work_is_trained_again_and_reported(tmp_path, damage):
    expected, lines = runs_by(None), []
    runs_by(kept := KeptChunks(tmp_path / "chunks"))
    kept.shutdown()
    path, other = sorted(kept.folder.glob("*.npz"))[:2]
    DAMAGES[damage](path, other)
    with KeptChunks(kept.folder, resume=True, report=lines.append) as again:
        assert_same(runs_by(again), expected)
        assert path.is_file() and not path.is_symlink() and not (kept.folder / "nothing").exists()
    assert again.n_trained == len(lines) == (2 if damage == "of another chunk" else 1)
    assert again.n_found == 8 - len(lines) and any(path.name[:12] in line for line in lines)
    assert not kept.folder.exists()


def test_a_chunk_is_no_match_for_other_code_under_its_name(tmp_path, monkeypatch):
    runs_by(kept := KeptChunks(tmp_path / "chunks"))
    kept.shutdown()
    before = sorted(kept.folder.glob("*.npz"))
    monkeypatch.setattr(kept_chunks, "code_digest", lambda: "another version")
    for path, chunk in zip(before, {chunk_digest(work_of(n_seeds=n)) for n in range(1, 9)}, strict=True):
        path.rename(kept.folder / f"{chunk}.npz")
    with pytest.warns(RuntimeWarning, match="is not what was kept there; computed anew"):
        assert KeptChunks(kept.folder, resume=True).find(chunk_digest(work_of(n_seeds=3))) is None


def test_the_size_of_a_chunk_is_known_beforehand(tmp_path):
    """With every result there is; a larger file is not read."""
    kept = KeptChunks(tmp_path / "chunks")
    runs = {"keep_policies": True, "checkpoints": range(6)}
    expected = runs_by(kept, **runs)
    kept.shutdown()
    with KeptChunks(kept.folder, resume=True) as again:
        assert_same(runs_by(again, **runs), expected)
    assert again.n_found == 8 and again.n_trained == 0


def test_arrays_of_somebody_else_stay(tmp_path):
    (tmp_path / "chunks").mkdir()
    np.savez(tmp_path / "chunks" / "measured.npz", np.ones(3))
    with KeptChunks(tmp_path / "chunks") as kept:
        runs_by(kept)
    assert [path.name for path in kept.folder.iterdir()] == ["measured.npz"]


def test_a_folder_in_place_of_a_chunk_is_named_and_left(tmp_path):
    runs_by(kept := KeptChunks(tmp_path / "chunks"))
    kept.shutdown()
    path = next(kept.folder.glob("*.npz"))
    path.unlink()
    (path / "mine").mkdir(parents=True)
    with (
        pytest.raises(OSError, match=f"move it away: .*{path.name}"),
        KeptChunks(kept.folder, resume=True) as again,
    ):
        runs_by(again)
    assert (path / "mine").is_dir()
    with KeptChunks(kept.folder) as fresh:
        assert [path.name for path in fresh.folder.glob("*.npz")] == [path.name]
    assert (path / "mine").is_dir()


@pytest.mark.parametrize("resume", [True, False])
def test_a_second_user_of_a_folder_is_refused_and_disturbs_nothing(tmp_path, resume):
    with KeptChunks(tmp_path / "chunks") as first:
        runs_by(first)
        with pytest.raises(BlockingIOError, match="in use by this process"):
            KeptChunks(tmp_path / "chunks", resume=resume)
        assert len(list(first.folder.glob("*.npz"))) == 8
        assert_same(runs_by(first), runs_by(None))
    assert first.n_found == 8 and not first.folder.exists()
    with pytest.raises(RuntimeError, match="nothing is kept after a shutdown"):
        first.keep("x", {})


def test_a_folder_that_its_last_user_is_just_removing_is_made_again(tmp_path, monkeypatch):
    lock, folder = kept_chunks.FolderLock, tmp_path / "chunks"

    def late(place):
        monkeypatch.setattr(kept_chunks, "FolderLock", lock)
        place.rmdir()
        return lock(place)

    monkeypatch.setattr(kept_chunks, "FolderLock", late)
    with KeptChunks(folder):
        assert (folder / ".lock").is_file()


def test_halves_that_a_killed_run_has_left_are_removed(tmp_path):
    (tmp_path / "chunks").mkdir()
    (tmp_path / "chunks" / ".ab.x1.npz").write_bytes(b"half")
    runs_by(kept := KeptChunks(tmp_path / "chunks", resume=True))
    kept.shutdown()
    assert len(list(kept.folder.iterdir())) == 8


def test_a_chunk_that_cannot_be_written_stops_everything(tmp_path, monkeypatch):
    def full(file, **arrays):
        file.write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(kept_chunks.np, "savez", full)
    with pytest.raises(OSError, match="No space left"), KeptChunks(tmp_path / "chunks") as kept:
        runs_by(kept)
    assert list(kept.folder.iterdir()) == []


def test_a_lost_worker_is_a_loss_here_too(tmp_path):
    class Gone(Executor):
        def submit(self, fn, /, *args, **kwargs):
            future = Future()
            future.set_exception(EOFError())
            return future

    with (
        pytest.warns(RuntimeWarning, match="8 chunks of 8 lost"),
        KeptChunks(tmp_path / "chunks", Gone()) as kept,
    ):
        assert_same(runs_by(kept), runs_by(None))


def test_other_work_is_passed_on(tmp_path):
    with KeptChunks(tmp_path / "chunks") as kept:
        assert kept.submit(int, "11", base=3).result() == 4
        assert [path.name for path in kept.folder.iterdir()] == [".lock"]


def test_every_argument_and_the_code_change_the_digest(monkeypatch):
    one = work_of()
    assert chunk_digest(one) == chunk_digest(work_of()) and len(chunk_digest(one)) == 64
    others = [
        work_of(config=replace(SHORT, learning_rate=0.06)), work_of(config=replace(SHORT, kl="reverse")),
        work_of(family=replace(FAMILIES[0], prior_strength=0.51)), work_of(seed=1), work_of(n_seeds=2),
        work_of(arms=ARMS[:3]), work_of(checkpoints=(2,)), work_of(keep_policies=True), work_of(n_tasks=3),
        replace(one, last=5), replace(one, first=1), work_of(family=FAMILIES[1]),
        replace(one, by_task={**one.by_task, "draws": np.array([0, 2])}),
    ]  # fmt: skip
    digests = {chunk_digest(chunk) for chunk in [one, *others]}
    assert len(digests) == 14
    monkeypatch.setattr(kept_chunks, "code_digest", lambda: "another version")
    assert chunk_digest(one) not in digests


SMALL = """
from dataclasses import replace
from rlvr.experiments import prior_sweep
from rlvr.simulator import executors

executors._TRAVELLING = 20_000
prior_sweep.SIZES = {"light": replace(prior_sweep.SIZES["light"], n_tasks=4, n_seeds=2)}
prior_sweep.DENSE = (0.2, 0.5, 0.8)
"""
SLOW = """
import time
from rlvr.commands.command_line import main

put = executors._Piece.keep
def keep(piece, trained):
    put(piece, trained)
    print("chunk" + chr(10), end="", flush=True)  # in one piece, since two threads may end at once
    time.sleep(0.5)
executors._Piece.keep = keep
main()
"""


@pytest.fixture
def small_sweep(monkeypatch):
    """The sweep of `SMALL` in this process."""
    monkeypatch.setattr(executors, "_TRAVELLING", 20_000)
    monkeypatch.setattr(prior_sweep, "DENSE", prior_sweep.DENSE)
    monkeypatch.setattr(prior_sweep, "SIZES", prior_sweep.SIZES)
    exec(SMALL)  # the fixture puts back what it changes


def rebuilt(folder, flag):
    result = CliRunner().invoke(app, ["stored", "sweep", flag, "--folder", str(folder)])
    assert (result.exit_code, result.stderr) == (0, "")


@pytest.mark.slow
def test_a_command_interrupted_and_resumed_writes_the_same_files(tmp_path, small_sweep):
    one, other = tmp_path / "one", tmp_path / "other"
    one.mkdir()
    other.mkdir()

    def before():
        signal.signal(signal.SIGINT, signal.SIG_DFL)  # which a job in the background ignores

    with subprocess.Popen(
        [sys.executable, "-c", SMALL + SLOW, "stored", "sweep", "--rebuild", "--folder", str(other)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, preexec_fn=before,
    ) as started:  # fmt: skip
        for _ in range(3):
            assert started.stdout.readline() == "chunk\n"
        started.send_signal(signal.SIGINT)
        _, said = started.communicate()
    kept = other / ".sweep-chunks"
    assert [path.name for path in other.iterdir()] == [kept.name]  # no half of a result
    n_kept = len(list(kept.glob("*.npz")))
    assert n_kept >= 3 and started.returncode == 130
    assert said.splitlines() == [
        f"rlvr: {n_kept} finished chunks kept; repeat the command with --resume to continue",
        "rlvr: interrupted; no output was changed",
    ]
    rebuilt(one, "--rebuild")
    rebuilt(other, "--resume")
    assert sorted(path.name for path in other.iterdir()) == ["crossings.csv", "sweep.csv"]
    for name in ("crossings.csv", "sweep.csv"):
        assert (other / name).read_bytes() == (one / name).read_bytes()
