"""The door for input: files alone, hashed as they pass, bounded whatever they expand to."""

import gzip
import hashlib
import io
import os
import zipfile

import pytest
import zstandard

from rlvr import _reading
from rlvr._reading import (
    ReadingError,
    archive,
    digests_as_read,
    files_below,
    lines,
    member,
    opened,
    parquet_rows,
    read_bytes,
)

TEXT = b"one\ntwo\n" * 1000
PACKED = {
    "plain": TEXT,
    "gzip": gzip.compress(TEXT),
    "two of gzip": gzip.compress(TEXT[:4000]) + gzip.compress(TEXT[4000:]),
    "zstandard": zstandard.ZstdCompressor(write_checksum=True).compress(TEXT),
}


@pytest.mark.parametrize("packed", PACKED.values(), ids=PACKED)
def test_what_is_read_is_unpacked_and_the_digest_is_that_of_the_file(tmp_path, packed):
    (tmp_path / "f").write_bytes(packed)
    with digests_as_read() as found:
        assert read_bytes(tmp_path / "f") == TEXT
        assert list(lines(tmp_path / "f")) == TEXT.splitlines(keepends=True)
    assert found == {str(tmp_path / "f"): hashlib.sha256(packed).hexdigest()}


def test_what_a_reader_leaves_belongs_to_the_digest(tmp_path):
    big = os.urandom(3_000_000)
    (tmp_path / "f").write_bytes(big)
    with digests_as_read() as found, opened(tmp_path / "f") as stream:
        assert stream.read(3) == big[:3]
    assert found == {str(tmp_path / "f"): hashlib.sha256(big).hexdigest()}


def test_an_open_pipe_is_read_once_where_pipes_are_accepted(monkeypatch):
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(TEXT)))
    with digests_as_read() as found:
        assert read_bytes("-", pipes=True) == TEXT
    assert found == {"standard input": hashlib.sha256(TEXT).hexdigest()}
    read, write = os.pipe()
    os.write(write, TEXT)
    os.close(write)
    try:
        with pytest.raises(ReadingError, match="a device or pipe, not a file"):
            read_bytes(f"/dev/fd/{read}")
        assert read_bytes(f"/dev/fd/{read}", pipes=True) == TEXT
    finally:
        os.close(read)
    monkeypatch.setattr("sys.stdin", None)
    with pytest.raises(ReadingError, match="standard input: it is closed"):
        read_bytes("-", pipes=True)


@pytest.mark.parametrize("pipes", [True, False])
@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("fifo", "a device or pipe, not a file"),
        ("/dev/zero", "a device or pipe, not a file"),
        (".", "a folder"),
        ("gone", "no such file"),
        ("dangling", "a link whose target does not exist"),
        ("loop", "cannot be read"),
        ("n" * 300, "cannot be read"),
        ("a\0b", "cannot be read"),
        ("gone/x", "no such file"),
    ],
)
def test_what_is_no_file_is_refused_without_waiting(tmp_path, name, reason, pipes):
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "dangling").symlink_to("nowhere")
    (tmp_path / "loop").symlink_to("loop")
    n_open = len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else 0
    with pytest.raises(ReadingError, match=reason):
        read_bytes(os.path.join(tmp_path, name), pipes=pipes)
    assert not n_open or len(os.listdir("/proc/self/fd")) == n_open


BOMBS = {"gzip": gzip.compress(bytes(2_000_000)), "zstandard": zstandard.compress(bytes(2_000_000))}


@pytest.mark.parametrize("packed", BOMBS.values(), ids=BOMBS)
def test_what_expands_without_measure_is_refused(tmp_path, monkeypatch, packed):
    (tmp_path / "f").write_bytes(packed)
    assert len(read_bytes(tmp_path / "f")) == 2_000_000
    monkeypatch.setattr(_reading, "FREE_EXPANSION", 1000)
    monkeypatch.setattr(_reading, "MOST_RATIO", 100)
    with pytest.raises(ReadingError, match="f: expands to more than 100 times its packed size"):
        read_bytes(tmp_path / "f")


def test_what_is_larger_than_is_read_at_once_is_refused(tmp_path, monkeypatch):
    (tmp_path / "f").write_bytes(bytes(2_000_000))
    monkeypatch.setattr(_reading, "MOST_WHOLE", 1_999_999)
    with pytest.raises(ReadingError, match="f: holds more than 1,999,999 bytes"):
        read_bytes(tmp_path / "f")
    assert len(read_bytes(tmp_path / "f", until=b"\0")) < 2_000_000
    monkeypatch.setattr(_reading, "MOST_LINE", 100)
    with pytest.raises(ReadingError, match="f: line 1 is longer than 100 bytes"):
        list(lines(tmp_path / "f"))


@pytest.mark.parametrize("cut", [-1, -9, 12])
@pytest.mark.parametrize("packed", list(PACKED.values())[1:], ids=list(PACKED)[1:])
def test_a_damaged_file_is_named(tmp_path, packed, cut):
    broken = bytearray(packed[:cut] if cut < 0 else packed)
    if cut > 0:
        broken[cut] ^= 0xFF
    (tmp_path / "f").write_bytes(broken)
    with pytest.raises(ReadingError, match="f: damaged"):
        read_bytes(tmp_path / "f")


def test_members_of_an_archive(tmp_path, monkeypatch):
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("m", bytes(100_000))
    raw = bytearray(path.read_bytes())
    with digests_as_read() as found, archive(path) as packed:
        assert member(packed, path, "m") == bytes(100_000)
    assert found == {str(path): hashlib.sha256(raw).hexdigest()}
    monkeypatch.setattr(_reading, "FREE_EXPANSION", 1000)
    with archive(path) as packed, pytest.raises(ReadingError, match="m: expands to more than"):
        member(packed, path, "m")
    raw[raw.index(b"PK\1\2") + 8] |= 1
    path.write_bytes(raw)
    with archive(path) as packed, pytest.raises(ReadingError, match="m is encrypted"):
        member(packed, path, "m")
    path.write_bytes(raw[:-10])
    with pytest.raises(ReadingError, match="damaged"), archive(path):
        pass


def test_files_below_a_folder_follow_links_once_and_leave_nothing_out(tmp_path, monkeypatch):
    (tmp_path / "logs" / "one" / "two").mkdir(parents=True)
    (tmp_path / "elsewhere").mkdir()
    for name in ("logs/a", "logs/one/two/b", "elsewhere/c"):
        (tmp_path / name).write_text("")
    (tmp_path / "logs" / "latest").symlink_to("one")
    (tmp_path / "logs" / "one" / "up").symlink_to("..")
    (tmp_path / "logs" / "other").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "logs" / "gone").symlink_to("nowhere")
    found = sorted(str(path.relative_to(tmp_path / "logs")) for path in files_below(tmp_path / "logs"))
    assert found == ["a", "gone", "one/two/b", "other/c"]
    monkeypatch.setattr(_reading, "MOST_FILES", 2)
    with pytest.raises(ReadingError, match="logs: holds more than 2 files"):
        files_below(tmp_path / "logs")
    scan = os.scandir

    def forbidden(place):
        if place.name == "two":
            raise PermissionError(13, "Permission denied")
        return scan(place)

    monkeypatch.setattr(os, "scandir", forbidden)
    with pytest.raises(ReadingError, match=r"one/two: this folder cannot be listed \(Permission denied\)"):
        files_below(tmp_path / "logs")


def test_rows_of_parquet_are_bounded_and_damage_names_the_file(tmp_path, monkeypatch):
    parquet, pa = pytest.importorskip("pyarrow.parquet"), pytest.importorskip("pyarrow")
    path = tmp_path / "a.parquet"
    column = pa.DictionaryArray.from_arrays(pa.array([0] * 50_000), pa.array(["q" * 1000]))
    parquet.write_table(pa.table({"item": column}), path)
    assert sum(1 for _ in parquet_rows(path)) == 50_000
    monkeypatch.setattr(_reading, "FREE_EXPANSION", 2**20)
    with pytest.raises(ReadingError, match=r"a\.parquet: expands"):
        list(parquet_rows(path))
    whole = path.read_bytes()
    for damaged in (whole[:4] + b"\xff" * 40 + whole[44:], whole[:-60] + b"x" * 52 + whole[-8:], b"PAR1"):
        path.write_bytes(damaged)
        with pytest.raises(ReadingError, match=r"a\.parquet: a damaged Parquet file"):
            list(parquet_rows(path))
