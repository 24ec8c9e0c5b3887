"""The folder of stored tables, and the one way to read them: whole, listed, and unchanged."""

import re
import shutil
from pathlib import Path

import pytest

from book import published_tables
from rlvr import _data
from rlvr._data import DATA, DIGESTS, digest_list, digests_of, listed_digests, stored_bytes, stored_table

ROOT = DATA.parent.parent
FOLDERS = pytest.mark.parametrize("folder", [DATA, published_tables.DATA])


def test_the_folder_lies_in_the_package_and_says_what_it_holds():
    assert DATA.name == "data" and DATA.parent.name == "rlvr"
    text = (DATA / "README.md").read_text(encoding="utf-8")
    assert [path.name for path in DATA.iterdir() if path.name not in text and path.name != "README.md"] == []


def test_a_table_is_read_as_asked():
    numbers, texts = stored_table("crossings.csv"), stored_table("crossings.csv", dtype=str)
    assert numbers["n"].dtype.kind == "i" and isinstance(texts["n"].iloc[0], str)
    assert len(numbers) == len(texts) > 0


@FOLDERS
def test_every_stored_file_is_listed_with_its_digest(folder):
    """After a change on purpose: `make digests`."""
    assert (folder / DIGESTS).read_text(encoding="utf-8") == digest_list(digests_of(folder))
    others = {"README.md", DIGESTS, "report.html.j2"}
    assert {path.name for path in folder.iterdir()} - others == set(listed_digests(folder, required=True))


def test_no_other_code_opens_what_is_stored():
    for path in [*(ROOT / "rlvr").rglob("*.py"), *(ROOT / "book").rglob("*.py")]:
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"(read_csv|open|load)\(\s*(\w+\.)?DATA\b|DATA / [^)]*\)\.(read|open)", text), (
            path
        )


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A copy of the package's data, as if it were the package's."""
    folder = Path(shutil.copytree(DATA, tmp_path / "data"))
    monkeypatch.setattr(_data, "DATA", folder)
    monkeypatch.setattr(_data, "_PACKAGE", folder)
    return folder


def flip_a_digit(path):
    data = bytearray(path.read_bytes())
    place = next(place for place, byte in enumerate(data) if 49 <= byte <= 57 and place > len(data) // 2)
    data[place] -= 1
    path.write_bytes(data)


def replace_by_a_link(path):
    other = path.with_name("crossings.csv" if path.name != "crossings.csv" else "sweep.csv")
    path.unlink()
    path.symlink_to(other.name)


DAMAGES = {
    "flipped digit": flip_a_digit, "missing": Path.unlink, "empty": lambda path: path.write_bytes(b""),
    "cut": lambda path: path.write_bytes(path.read_bytes()[:-7]), "link to another": replace_by_a_link,
    "folder": lambda path: (path.unlink(), path.mkdir()),
    "other line endings": lambda path: path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n") + b"\r"),
}  # fmt: skip


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("name", sorted(listed_digests(DATA)))
def test_a_damaged_file_is_refused_by_name(package, name, damage):
    assert stored_bytes(package / name) == (DATA / name).read_bytes()
    DAMAGES[damage](package / name)
    with pytest.raises(ValueError, match=rf"data/{name} .* restore it .* `make digests`"):
        stored_bytes(package / name)


@pytest.mark.parametrize("damage", [*DAMAGES, "a line less", "a line twice", "no digest"])
def test_without_its_list_nothing_is_trusted(package, damage):
    path, lines = package / DIGESTS, (package / DIGESTS).read_text().splitlines(keepends=True)
    rows = [line for line in lines if "sweep.csv" in line]
    texts = {
        "a line less": set(lines) - set(rows),
        "a line twice": lines + rows,
        "no digest": [*lines, "x\n"],
    }
    if damage in texts:
        path.write_text("".join(texts[damage]))
    elif damage == "flipped digit":  # in the line that is read
        path.write_text("".join(lines).replace(rows[0][:20], "0" * 20))
    else:
        DAMAGES[damage](path)
    with pytest.raises(ValueError, match=r"SHA256SUMS.* restore it"):
        stored_table("sweep.csv")


def test_a_folder_of_somebody_s_own_lists_what_it_likes(tmp_path):
    path = tmp_path / "mine.csv"
    path.write_text("a\n1\n")
    for text in ("", "no digests\n", f"{'0' * 64}  another.csv\n"):
        (tmp_path / DIGESTS).write_text(text)
        assert stored_bytes(path) == b"a\n1\n"
    (tmp_path / DIGESTS).write_text(digest_list(digests_of(tmp_path)))
    assert stored_table("mine.csv", tmp_path)["a"].tolist() == [1]
    path.write_text("a\n2\n")
    with pytest.raises(ValueError, match="another digest"):
        stored_bytes(path)
    with pytest.raises(OSError):
        stored_bytes(tmp_path / "none.csv")


@pytest.mark.parametrize("also", ["# comment\n", "\r\n", "-----BEGIN-----\n", "LINE", "x\n"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_list_that_is_not_whole_still_guards_what_it_names(tmp_path, also, end):
    path = tmp_path / "mine.csv"
    path.write_text("a\n1\n")
    line = digest_list(digests_of(tmp_path)).strip() + end
    (tmp_path / DIGESTS).write_bytes((also.replace("LINE", line) + line).encode())
    assert stored_bytes(path) == b"a\n1\n"
    path.write_text("a\n2\n")
    with pytest.raises(ValueError, match="another digest"):
        stored_bytes(path)
    for bad in (line.replace(line[0], "g", 1), line.upper().replace("MINE.CSV", "mine.csv"), line[1:]):
        for other in (line, "x\n"):
            (tmp_path / DIGESTS).write_bytes((bad + other).encode())
            with pytest.raises(ValueError, match=r"mine\.csv has no digest, or two"):
                stored_bytes(path)


def test_the_book_s_tables_are_verified_too(tmp_path, monkeypatch):
    folder = Path(shutil.copytree(published_tables.DATA, tmp_path / "data"))
    monkeypatch.setattr(published_tables, "DATA", folder)
    flip_a_digit(folder / "benchmarks.csv")
    with pytest.raises(ValueError, match=r"benchmarks\.csv has another digest"):
        published_tables.stored_benchmarks()
    (folder / DIGESTS).unlink()
    with pytest.raises(ValueError, match="SHA256SUMS is missing"):
        published_tables.stored_benchmarks()
