"""Write the digests of all stored data anew, after an intended change: ``make digests``."""

from __future__ import annotations

from book import published_tables
from rlvr._data import DATA, DIGESTS, digest_list, digests_of
from rlvr._writing import replacing

__all__ = ["main"]


def main() -> None:
    """Write both lists and report which files' lines are new, changed or removed."""
    for folder in (DATA, published_tables.DATA):
        path, text = folder / DIGESTS, digest_list(digests_of(folder))
        before = set(path.read_text(encoding="utf-8").splitlines()) if path.is_file() else set()
        with replacing(path) as (new,):
            new.write_text(text, encoding="utf-8", newline="\n")
        for line in sorted(before ^ set(text.splitlines()), key=lambda line: line[66:]):
            print(f"{folder.parent.name}/data: {'-' if line in before else '+'} {line[66:]} {line[:12]}")


if __name__ == "__main__":
    main()
