"""Progress of long work: a bar on standard error that counts, where that is a terminal."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rlvr._checks import shown

__all__ = ["Progress", "counting"]

Progress = Callable[[int, int], object]


@contextmanager
def counting(progress: bool | Progress, described: str = "simulating") -> Iterator[Progress | None]:
    """What to tell the progress to: the caller's function, a bar, or nothing.

    Parameters
    ----------
    progress : bool or callable
        A callable is given back. True stands for a bar, which is drawn on a terminal only, so that no log
        and no notebook keeps one.
    described : str
        What the bar says in front.

    Yields
    ------
    callable or None
        Takes how many are done, and of how many.

    Raises
    ------
    TypeError
        If `progress` is neither.
    """
    if callable(progress):
        yield progress
        return
    if not isinstance(progress, bool):
        raise TypeError(f"progress must be True, False or a callable, got {shown(progress)}")
    if not progress:
        yield None
        return
    from rich.console import Console
    from rich.progress import Progress as Bar

    console = Console(stderr=True, force_jupyter=False)
    with Bar(console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task(described, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
