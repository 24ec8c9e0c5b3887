"""Check arguments; an error names the argument, shows its value and says what is accepted."""

from __future__ import annotations

import math
import numbers
import os
import re
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # `rlvr --help` needs no number
    from numpy.typing import ArrayLike, NDArray

__all__ = [
    "MOST", "as_given", "choice", "confidence_level", "counted", "fits_memory", "plain", "policy_and_correct",
    "real", "shortened", "shown", "whole",
]  # fmt: skip

MOST = 2**32 - 1
"""The largest count that the simulator accepts, since 32 bits of a count key the random numbers."""

_LEVEL_STEP = 1e-13


def shown(value: object) -> str:
    """The `repr` of a value, shortened, as an error message shows it."""
    try:
        return shortened(repr(value))
    except ValueError:  # an integer of more digits than Python prints
        return f"a value of type {type(value).__name__} with too many digits to print"


def shortened(text: str, most: int = 100) -> str:
    """`text` on one line; a text longer than `most` keeps its beginning and end and states its length."""
    text = re.sub(r"(?<!\s)\s*[\r\n]\s*", " ", text)  # each run of blanks is scanned only once
    if len(text) <= most:
        return text
    return f"{text[: most - 20]} … {text[-20:]} ({len(text):,} characters)"


def counted(n: int, noun: str) -> str:
    """A count with its noun, in the plural unless the count is one.

    Examples
    --------
    >>> counted(1, "cell"), counted(0, "cell"), counted(2, "task draw")
    ('1 cell', '0 cells', '2 task draws')
    """
    return f"{n} {noun}{'' if n == 1 else 's'}"


def real(
    name: str,
    value: float,
    accepted: str,
    *,
    above: float = -math.inf,
    below: float = math.inf,
    closed: bool = False,
) -> float:
    """Return `value` as a float inside (above, below), or [above, below] when `closed`.

    Raises
    ------
    TypeError
        If `value` is not a real number (booleans are not numbers here).
    ValueError
        If it is NaN, infinite, or outside the interval; `accepted` is quoted in the message.
    """
    if isinstance(value, bool) or not isinstance(value, numbers.Real):  # nor is NumPy's boolean one
        raise TypeError(f"{name} must be {accepted}, got {shown(value)} of type {type(value).__name__}")
    try:
        number = float(value)
    except OverflowError:  # a whole number or fraction beyond any float
        number = math.inf
    inside = above <= number <= below if closed else above < number < below
    if not (math.isfinite(number) and inside):
        raise ValueError(f"{name} must be {accepted}, got {shown(value)}")
    return number


def confidence_level(level: float) -> float:
    """Return `level`, the nominal coverage of an interval, as a float; errors as in :func:`real`.

    Levels very close to 0 or 1 are refused, because their quantiles cannot be told from those of 0 and 1.
    """
    number = real("level", level, "a number strictly between 0 and 1", above=0, below=1)
    if not _LEVEL_STEP <= number <= 1 - _LEVEL_STEP:
        raise ValueError(
            f"level must be a number strictly between 0 and 1, at least {_LEVEL_STEP:g} from either, "
            f"got {shown(level)}"
        )
    return number


def plain(value: Any) -> Any:
    """Convert a NumPy scalar to a Python number, whose sums and products neither overflow nor round early."""
    numpy = sys.modules.get("numpy")  # no NumPy scalar exists before NumPy is loaded
    return value.item() if numpy and isinstance(value, numpy.generic) else value


def whole(
    name: str, value: int, accepted: str, *, at_least: int, at_most: float = math.inf, n_bytes: int = 0
) -> int:
    """Return `value` as an int inside [at_least, at_most], with the errors of :func:`real`.

    For a value above MOST the error also states how much memory it would need, at `n_bytes` each.
    """
    if isinstance(value, bool) or not isinstance(value, numbers.Integral):
        wrong = ValueError if isinstance(value, float) and math.isnan(value) else TypeError
        raise wrong(f"{name} must be {accepted}, got {shown(value)} of type {type(value).__name__}")
    if not at_least <= value <= at_most:
        limit = f", which is above {MOST:,}" if MOST == at_most < value else ""
        if limit and n_bytes:
            needed = min(int(value), 10**15) * n_bytes >> 30
            limit += f" and would need at least {needed:,} GiB of memory"
        raise ValueError(f"{name} must be {accepted}, got {shown(value)}{limit}")
    return int(value)


def as_given(value: float) -> float:
    """Return a Python number unchanged and convert any other, because narrow NumPy numbers overflow."""
    if isinstance(value, numbers.Integral):
        return int(value) if abs(int(value)) <= 2**53 else float(value)
    return value if isinstance(value, float) else float(value)


def fits_memory(n_bytes: float, sizes: str) -> None:
    """Raise a ValueError that quotes `sizes` if arrays of `n_bytes` exceed the memory of this machine."""
    if n_bytes < 2**28:
        return
    most = _memory()
    if n_bytes > most:
        raise ValueError(
            f"{sizes} would need about {n_bytes / 2**30:,.1f} GiB of memory, and this process may use "
            f"{most / 2**30:,.1f}: make one of these sizes smaller"
        )


def _memory() -> float:
    """Memory in bytes that this process may use, as far as the system reports it."""
    limits = []
    try:
        limits.append(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
        import resource

        limits.append(resource.getrlimit(resource.RLIMIT_AS)[0])
        with open("/sys/fs/cgroup/memory.max", encoding="ascii") as file:
            limits.append(int(file.read()))
    except (ImportError, AttributeError, OSError, ValueError):  # no such limit, or none that is reported
        pass
    return min((limit for limit in limits if limit > 0), default=math.inf)


def choice(name: str, value: str, options: Sequence[str]) -> str:
    """Return `value` if it is one of `options`, else raise a ValueError that lists them."""
    if not isinstance(value, str) or value not in options:
        listed = ", ".join(repr(option) for option in options)
        error = ValueError if isinstance(value, str) else TypeError
        raise error(f"{name} must be one of {listed}, got {shown(value)}")
    return value


def policy_and_correct(policy: ArrayLike, correct: ArrayLike | None) -> tuple[NDArray, NDArray | None]:
    """Check one prompt's probabilities (action,) and, unless None, its correct set (action,).

    Raises
    ------
    ValueError
        If `policy` is not a vector of probabilities that sum to one, or `correct` is not a boolean
        vector of the same length with at least one correct action.
    """
    import numpy as np

    probabilities = np.asarray(policy, dtype=float)
    if probabilities.ndim != 1 or probabilities.size < 2:
        raise ValueError(
            f"policy must be a vector of at least 2 probabilities, got shape {probabilities.shape}"
        )
    if not np.all(np.isfinite(probabilities)) or np.any(probabilities < 0):
        raise ValueError(f"policy must hold finite probabilities of at least 0, got {shown(policy)}")
    if abs(probabilities.sum() - 1.0) > 1e-9:
        raise ValueError(f"policy must sum to 1 (to 1e-9), got a sum of {float(probabilities.sum())!r}")
    if correct is None:
        return probabilities, None
    mask = np.asarray(correct)
    if mask.dtype != bool or mask.shape != probabilities.shape:
        raise ValueError(
            f"correct must be a boolean vector of policy's length {probabilities.size}, "
            f"got {mask.dtype} of shape {mask.shape}"
        )
    if not mask.any():
        raise ValueError("correct must name at least one correct action, got none")
    return probabilities, mask
