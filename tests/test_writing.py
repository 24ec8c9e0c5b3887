"""Outputs take their place whole or not at all, and never that of an input."""

import errno
import os
import stat

import pytest

from rlvr._writing import refuse_overwriting, remove_halves, replacing


@pytest.fixture
def target(tmp_path):
    path = tmp_path / "result.csv"
    path.write_text("old\n")
    return path


def only(folder):
    return sorted(path.name for path in folder.iterdir())


def test_what_is_written_takes_the_place(target):
    with replacing(target, target.with_name("more.json")) as (new, more):
        assert new.parent == more.parent == target.parent and (new.suffix, more.suffix) == (".csv", ".json")
        new.write_text("new\n")
        more.write_text("{}")
        assert target.read_text() == "old\n" and not target.with_name("more.json").exists()
    assert target.read_text() == "new\n" and target.with_name("more.json").read_text() == "{}"
    assert only(target.parent) == ["more.json", "result.csv"]


@pytest.mark.parametrize("end", [KeyboardInterrupt, OSError(errno.ENOSPC, "full"), ValueError, SystemExit])
def test_whatever_ends_it_early_leaves_what_was_there(target, end):
    with pytest.raises(end if isinstance(end, type) else OSError):  # noqa: SIM117
        with replacing(target, target.with_name("more.json")) as (new, more):
            new.write_text("half of the n")
            more.write_text("{}")
            raise end
    assert target.read_text() == "old\n" and only(target.parent) == ["result.csv"]


def test_what_a_killed_writer_has_left_is_removed_and_nothing_else(target):
    with replacing(target) as (new,):
        left = new.name
    others = [".result.csv", ".result.mine.csv", ".other.12345678.csv", ".result.12345678.json"]
    for name in (left, *others):
        target.with_name(name).touch()
    remove_halves(target)
    assert only(target.parent) == sorted([*others, "result.csv"])


def test_a_full_disk_is_told_of_the_target_not_of_the_file_beside_it(target):
    with pytest.raises(OSError) as problem, replacing(target):
        raise OSError(errno.ENOSPC, "No space left on device")
    assert problem.value.filename == str(target)
    with pytest.raises(OSError) as problem, replacing(target) as (new,):
        raise OSError(errno.EFBIG, "File too large", str(new))
    assert problem.value.filename == str(target)
    with pytest.raises(OSError) as problem, replacing(target):
        raise OSError(errno.ENOENT, "No such file", "another")
    assert problem.value.filename == "another"


def test_permissions_stay_and_new_files_get_the_usual_ones(target):
    target.chmod(0o640)
    usual = target.with_name("usual")
    usual.touch()
    with replacing(target, target.with_name("fresh")):
        pass
    assert stat.S_IMODE(target.stat().st_mode) == 0o640
    assert target.with_name("fresh").stat().st_mode == usual.stat().st_mode


def test_a_link_stays_a_link(target):
    link = target.with_name("link.csv")
    link.symlink_to(target)
    with replacing(link) as (new,):
        new.write_text("new\n")
    assert link.is_symlink() and target.read_text() == "new\n"


def test_nothing_to_write_is_nothing_done(tmp_path):
    with replacing() as files:
        assert files == ()
    assert only(tmp_path) == []


def refused(outputs, inputs=()):
    with pytest.raises(ValueError) as refusal:
        refuse_overwriting(outputs, inputs)
    return str(refusal.value)


def test_an_output_is_no_input_by_any_name(target, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "soft").symlink_to(target)
    os.link(target, tmp_path / "hard")
    for out in (target, "result.csv", "./result.csv", "soft", "hard"):
        assert refused({"--json": out}, ["-", target]).endswith(
            f"cannot be or lie in the input {target}; name another file"
            if len(str(target)) <= 100
            else "; name another file"
        )
    refuse_overwriting({"--json": "other.csv", "--figure": None}, ["-", target, "none.csv"])
    refuse_overwriting({"--json": "-"}, ["-"])


def test_nothing_is_written_into_a_folder_that_is_read(tmp_path):
    (tmp_path / "logs" / "m").mkdir(parents=True)
    out = tmp_path / "logs" / "m" / "out.json"
    assert "cannot be or lie in the input" in refused({"--json": out}, [tmp_path / "logs"])
    refuse_overwriting({"--json": tmp_path / "out.json"}, [tmp_path / "logs"])


def test_two_outputs_are_two_files(target, tmp_path):
    (tmp_path / "soft").symlink_to(target)
    for one, other in ((target, tmp_path / "soft"), ("a", "./a"), ("a.svg", "A.SVG")):
        said = refused({"--json": one, "--figure": other})
        assert said.startswith("--figure ") and said.endswith(
            ": --json names the same file; name two different files"
        )
    refuse_overwriting({"--json": tmp_path / "a", "--figure": tmp_path / "b"}, [])


def test_an_output_needs_a_place(tmp_path, monkeypatch):
    for out in (tmp_path, tmp_path / "none" / "x"):
        assert refused({"--json": out}).endswith(": a file in an existing folder is accepted")
    assert refused({"--json": "/dev/null"}).endswith("a device or pipe cannot be replaced; name a file")
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    assert "cannot be written (no permission)" in refused({"--json": tmp_path / "x"})
