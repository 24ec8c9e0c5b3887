"""Rebuilding into a folder: what is refused before the work, and what an interrupt leaves."""

import pytest
import typer

from rlvr import GRPOConfig, TaskFamily, simulate
from rlvr.commands.resuming import RESUME, check_store, keeping

TINY, SHORT = TaskFamily(n_actions=4, n_prompts=6), GRPOConfig(n_steps=5, batch_size=4)


def refused(capsys, *asked):
    with pytest.raises(typer.Exit) as ended:
        check_store(*asked)
    assert ended.value.exit_code == 2
    return capsys.readouterr().err


def test_resuming_is_not_what_happens_unasked():
    assert RESUME.default is False and RESUME.param_decls == ("--resume",)


def test_what_is_refused_before_the_work(tmp_path, capsys):
    assert check_store(None, False, "a.csv") is None and check_store(tmp_path, True, "a.csv") is None
    assert refused(capsys, None, True, "a.csv") == (
        "rlvr: --resume needs --store, the folder of the run to go on with, got none\n"
    )
    gone = tmp_path / "gone"
    assert refused(capsys, gone, False, "a.csv").startswith("rlvr: --store must be an existing folder, got '")
    (tmp_path / "b.csv").mkdir()
    said = refused(capsys, tmp_path, False, "a.csv", "b.csv")
    assert said.startswith("rlvr: --store: b.csv ") and "a file in an existing folder is accepted" in said


@pytest.mark.parametrize("resume", [True, False])
def test_chunks_are_kept_in_a_hidden_folder_that_is_gone_at_the_end(tmp_path, resume):
    folder = tmp_path / ".sweep-chunks"
    folder.mkdir()
    (folder / "old.npz").write_bytes(b"")
    with keeping(tmp_path, "sweep", resume) as kept:
        assert kept.folder == folder and (folder / "old.npz").exists() is resume
        runs = simulate(TINY, SHORT, executor=kept)
    assert runs.accuracy.shape[0] == 4 and kept.n_trained >= 1 and not folder.exists()


def test_an_interrupt_says_how_many_chunks_are_kept(tmp_path, capsys):
    with pytest.raises(KeyboardInterrupt), keeping(tmp_path, "sweep", False) as kept:
        simulate(TINY, SHORT, executor=kept)
        trained, kept.n_found = kept.n_trained, 2
        raise KeyboardInterrupt
    said = capsys.readouterr()
    assert (
        said.err
        == (f"rlvr: {trained + 2} finished chunks kept; the same command with --resume goes on from there\n")
        and said.out == ""
    )
    assert len(list((tmp_path / ".sweep-chunks").glob("*.npz"))) == trained >= 1
