"""Write an output completely before it replaces a file, and never replace an input.

A file is written beside its target and then renamed. If the writing ends early (an interrupt, a full disk, a
bug), the former file stays as it was.
"""

from __future__ import annotations

import glob
import os
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from rlvr._checks import shortened

__all__ = ["refuse_overwriting", "remove_halves", "replacing"]


@contextmanager
def replacing(*targets: str | Path) -> Iterator[tuple[Path, ...]]:
    """Give new files to write, which replace `targets` together when the block ends without an error.

    Parameters
    ----------
    *targets : path
        Old or new files in existing folders. A link stays a link; the file that it points to is replaced.

    Yields
    ------
    tuple of Path
        One empty file a target, in the same folder and with the same ending.

    Raises
    ------
    OSError
        As the system raises it. Then nothing has changed, unless the last renaming failed.

    Examples
    --------
    >>> import tempfile
    >>> target = Path(tempfile.mkdtemp()) / "result.txt"
    >>> _ = target.write_text("old")
    >>> try:
    ...     with replacing(target) as (new,):
    ...         _ = new.write_text("half of the n")
    ...         raise KeyboardInterrupt
    ... except KeyboardInterrupt:
    ...     target.read_text(), len(list(target.parent.iterdir()))
    ('old', 1)
    """
    places = [Path(os.path.realpath(target)) for target in targets]
    fresh: list[Path] = []
    try:
        for place in places:
            handle, name = tempfile.mkstemp(
                prefix=f".{place.stem[:100]}.", suffix=place.suffix, dir=place.parent
            )
            os.close(handle)
            fresh.append(Path(name))
        yield tuple(fresh)
        for new, place in zip(fresh, places, strict=True):
            with suppress(PermissionError):  # a file system without permissions
                os.chmod(new, _mode(place))
            with new.open("rb") as file:
                os.fsync(file.fileno())
        for new, place in zip(fresh, places, strict=True):
            os.replace(new, place)
    except OSError as problem:
        if problem.filename is None or Path(problem.filename) in fresh:
            problem.filename, problem.filename2 = ", ".join(map(str, targets)), None
        raise
    finally:
        for new in fresh:
            new.unlink(missing_ok=True)


def remove_halves(target: Path) -> None:
    """Remove unfinished files that killed processes left beside a file that nobody else is writing now."""
    place = Path(os.path.realpath(target))
    for path in place.parent.glob(glob.escape(f".{place.stem[:100]}.") + "?" * 8 + glob.escape(place.suffix)):
        if path.is_file():
            path.unlink(missing_ok=True)


def _mode(place: Path) -> int:
    """The permissions of the replaced file, or those that a new file would get."""
    if place.exists():
        return place.stat().st_mode & 0o7777
    mask = os.umask(0)
    os.umask(mask)
    return 0o666 & ~mask


def refuse_overwriting(outputs: Mapping[str, str | Path | None], inputs: Iterable[str | Path]) -> None:
    """Refuse outputs that cannot be files, that are or lie in an input, or that name one file twice.

    Parameters
    ----------
    outputs : mapping of option to path or None
        None where an option is not used; "-" is standard output.
    inputs : iterable of path
        "-" is standard input.

    Raises
    ------
    ValueError
        Naming the option and the path.
    """
    sources = [Path(path) for path in inputs if str(path) != "-"]
    targets: dict[str, Path] = {}
    for option, out in outputs.items():
        if out == "":
            raise ValueError(f"{option}: the name is empty; the name of a file is accepted")
        if not out or str(out) == "-":
            continue
        path, name = Path(out), f"{option} {shortened(str(out))}"
        _refuse_place(path, name, is_folder=str(out).endswith(("/", os.sep)))
        for source in sources:
            is_it = os.path.exists(path) and os.path.exists(source) and os.path.samefile(path, source)
            if is_it or (os.path.isdir(source) and _inside(path, source)):
                raise ValueError(
                    f"{name}: cannot be or lie in the input {shortened(str(source))}; name another file"
                )
        for other, target in targets.items():
            if _same(path, target):
                raise ValueError(f"{name}: {other} names the same file; name two different files")
        targets[option] = path


def _refuse_place(path: Path, name: str, *, is_folder: bool) -> None:
    """Refuse, before any work is done, a path to which the finished file could not be renamed."""
    place = Path(os.path.realpath(path))
    if is_folder or os.path.isdir(place) or not os.path.isdir(place.parent):
        raise ValueError(f"{name}: a file in an existing folder is accepted")
    if os.path.lexists(place) and not os.path.isfile(place):
        what = "a link to itself" if os.path.islink(place) else "a device or pipe"
        raise ValueError(f"{name}: {what} cannot be replaced; name a file")
    reason = "" if os.access(place.parent, os.W_OK) else "no permission"
    try:
        with suppress(FileNotFoundError):
            os.lstat(place)  # the file system knows which names are too long
        if not reason:
            with tempfile.TemporaryFile(dir=place.parent):  # no file can exist here
                pass
    except OSError as problem:
        reason = problem.strerror or str(problem)
    if reason:
        raise ValueError(
            f"{name}: cannot be written ({reason}); name a file in a folder that you may write to"
        )


def _same(one: Path, other: Path) -> bool:
    """Whether two paths mean one file, through links or letter case; neither needs to exist."""
    if os.path.exists(one) and os.path.exists(other):
        return os.path.samefile(one, other)
    # On a file system that ignores case, two names of a file that does not exist yet are one file too.
    return os.path.realpath(one).casefold() == os.path.realpath(other).casefold()


def _inside(path: Path, folder: Path) -> bool:
    return Path(os.path.realpath(path)).is_relative_to(os.path.realpath(folder))
