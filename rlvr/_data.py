"""Read the stored tables, and only if their bytes are those that were stored.

``SHA256SUMS`` beside the files lists the digest of each file, in the form of ``sha256sum --check``. A file
that is missing, unlisted or changed is refused by name, so no number comes from a damaged file.
"""

from __future__ import annotations

import hashlib
import io
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from rlvr._checks import shortened

__all__ = ["DATA", "DIGESTS", "digest_list", "digests_of", "listed_digests", "stored_bytes", "stored_table"]

DATA = Path(__file__).parent / "data"
"""The folder of transcribed numbers, protocols and stored results; its README describes each file."""

DIGESTS = "SHA256SUMS"
"""The file of a folder that lists the digests of the stored files in it."""

_PACKAGE, _LINE = DATA, re.compile(r"([0-9a-f]{64}) [ *](\S+)")
_SUFFIXES = (".csv", ".csv.gz", ".json", ".yml")


def stored_table(name: str, folder: Path | None = None, **options: Any) -> pd.DataFrame:
    """Read one CSV file of the package's data, or of another folder that lists digests.

    `options` go to pandas; the errors are those of :func:`stored_bytes`.
    """
    path = (folder or DATA) / name
    data = stored_bytes(path, listed=None if folder is None else True)
    packed = "gzip" if name.endswith(".gz") else None
    return pd.read_csv(io.BytesIO(data), encoding="utf-8", compression=packed, **options)


def stored_bytes(path: Path, *, listed: bool | None = None) -> bytes:
    """Read a stored file and compare its bytes with the digest list of its folder.

    Parameters
    ----------
    path : Path
    listed : bool, optional
        Whether the folder must list the file. By default the package's own folder must; a file elsewhere is
        compared only if its folder lists it.

    Raises
    ------
    ValueError
        If the bytes differ from those that were stored, a required file is missing, or an unlisted file is a
        device or pipe.
    OSError
        If an unlisted file cannot be read.
    """
    if listed is None:
        listed = path.parent.resolve() == _PACKAGE.resolve()
    digests = listed_digests(path.parent, required=listed)
    if not listed and not digests:
        digests = _stated(path)
    if not listed and path.name not in digests:
        if path.exists() and not (path.is_file() or path.is_dir()):
            raise ValueError(f"{shortened(str(path))}: a device or pipe, not a file; a file is accepted")
        return path.read_bytes()
    if path.name not in digests:
        raise _refused(path, f"is not listed in {DIGESTS}")
    if not path.is_file():  # opening a pipe would wait for its writer; this does not
        raise _refused(path, "is missing" if not path.exists() else "is no file")
    try:
        data = path.read_bytes()
    except OSError as problem:
        raise _refused(path, f"cannot be read ({problem.strerror})") from None
    if (found := hashlib.sha256(data).hexdigest()) != digests[path.name]:
        stated = digests[path.name]
        raise _refused(
            path, f"has another digest ({found[:12]}…) than {DIGESTS} states for it ({stated[:12]}…)"
        )
    return data


def _stated(path: Path) -> dict[str, str]:
    """The digest of one file, in a list that may hold other lines and may name the file twice."""
    place = path.parent / DIGESTS
    lines = place.read_bytes().decode("utf-8", "replace").splitlines() if place.is_file() else []
    about = [line for line in lines if re.split(r"[ *\t]", line.strip())[-1] == path.name]
    stated = {found[1] if (found := _LINE.fullmatch(line)) else "" for line in about}
    if not stated:
        return {}
    digest, *others = stated
    if others or not digest:
        raise _refused(path, f"has no digest, or two, in {DIGESTS}")
    return {path.name: digest}


def _refused(path: Path, what: str) -> ValueError:
    name = shortened(f"{path.parent.parent.name}/{path.parent.name}/{path.name}")
    return ValueError(
        f"{name} {what}: restore it (from version control, or install rlvr again), or rebuild it if "
        "`rlvr stored` lists it; after an intended change, run `make digests`"
    )


def listed_digests(folder: Path, *, required: bool = False) -> dict[str, str]:
    """The digests that a folder lists, by file name; empty where it has no list, unless it is `required`.

    In a required list, every line must state the digest of one more file, else a ValueError is raised.
    Elsewhere a file with other lines belongs to somebody else and lists nothing.
    """
    path = folder / DIGESTS
    if not path.is_file():
        if required:
            raise _refused(path, "is missing" if not path.exists() else "is no file")
        return {}
    digests: dict[str, str] = {}
    for number, line in enumerate(path.read_bytes().decode("utf-8", "replace").splitlines(), start=1):
        found = _LINE.fullmatch(line)
        if not found or found[2] in digests:
            if not required:
                return {}
            raise _refused(path, f"states no digest of one more file in line {number}")
        digests[found[2]] = found[1]
    return digests


def digest_list(digests: Mapping[str, str]) -> str:
    """Write a folder's digest list as text, from digests by file name."""
    return "".join(f"{digest}  {name}\n" for name, digest in sorted(digests.items()))


def digests_of(folder: Path) -> dict[str, str]:
    """Compute the digests of all stored data of a folder, by file name."""
    files = (path for path in folder.iterdir() if path.name.endswith(_SUFFIXES))
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in files}
