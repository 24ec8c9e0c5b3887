"""Pack book, PDF, data, code and lock with their checksums, byte for byte the same each time.

    python tools/archive.py          writes _build/true-minus-random-<version>.tar.gz

The command needs the built book and its PDF (`make archive` makes both). Code and data are the files that the
repository tracks. Times, owners and the order of names are fixed, so the same contents give the same archive.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import re
import subprocess
import sys
import tarfile
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).parent.parent
BUILD = ROOT / "_build"
PDF = "true-minus-random.pdf"


def version() -> str:
    """The version in the package and in the citation file."""
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    return re.search(r'^version = "(.*)"', text, re.M).group(1)  # type: ignore[union-attr]


def contents(root: Path = ROOT) -> dict[str, bytes]:
    """Files of the archive, by their names in it.

    Raises
    ------
    FileNotFoundError
        If the book or its PDF is not built.
    """
    book, pdf = root / "_build" / "html", root / "_build" / PDF
    for needed in (book / "index.html", pdf):
        if not needed.is_file():
            raise FileNotFoundError(f"{needed.relative_to(root)} is missing: run make archive")
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=root, capture_output=True, check=True).stdout
    tracked = [root / name for name in listed.decode().split("\0") if name]
    files = {f"source/{path.relative_to(root)}": path.read_bytes() for path in tracked if path.is_file()}
    for path in book.rglob("*"):
        if path.is_file() and path.name != ".buildinfo":
            files[f"book/{path.relative_to(book)}"] = path.read_bytes()
    files[PDF] = pdf.read_bytes()
    return files


def checksums(files: Mapping[str, bytes]) -> bytes:
    """The list of checksums in the form of ``sha256sum --check``."""
    lines = (f"{hashlib.sha256(files[name]).hexdigest()}  {name}\n" for name in sorted(files))
    return "".join(lines).encode()


def packed(files: Mapping[str, bytes], folder: str) -> bytes:
    """A gzipped tar of these files and their checksums, under one folder."""
    whole = {**files, "SHA256SUMS": checksums(files)}
    stream = io.BytesIO()
    # The header of the compressed file holds no file name and no time either.
    with (
        gzip.GzipFile(filename="", fileobj=stream, mode="wb", mtime=0) as zipped,
        tarfile.open(fileobj=zipped, mode="w", format=tarfile.USTAR_FORMAT) as archive,
    ):
        for name in sorted(whole):
            member = tarfile.TarInfo(f"{folder}/{name}")
            member.size, member.mode = len(whole[name]), 0o644
            archive.addfile(member, io.BytesIO(whole[name]))
    return stream.getvalue()


def main() -> None:
    folder = f"true-minus-random-{version()}"
    try:
        archive = packed(contents(), folder)
    except FileNotFoundError as missing:
        sys.exit(str(missing))
    target = BUILD / f"{folder}.tar.gz"
    target.write_bytes(archive)
    print(f"{target.relative_to(ROOT)}: {len(archive) / 1e6:.1f} MB, {hashlib.sha256(archive).hexdigest()}")


if __name__ == "__main__":
    main()
