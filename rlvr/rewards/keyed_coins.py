"""Random numbers as a function of the place where they are used, with the standard library alone.

A key gives the same number in every process, on every machine and in every order of work. No global generator
is read or advanced, so a reward does not change what the trainer samples.
"""

from __future__ import annotations

import hashlib
import json

__all__ = ["keyed_uniform"]


def keyed_uniform(*key: str | int) -> float:
    """Return a number in [0, 1), uniform over keys: 53 bits of the SHA-256 of the key.

    Parameters
    ----------
    *key : str or int
        The place where the number is used. ``("1", 2)`` and ``("1", "2")`` are different keys.

    Raises
    ------
    TypeError
        If a part of the key is neither a string nor a whole number.

    Examples
    --------
    >>> keyed_uniform("run", 0, "a prompt", 3) == keyed_uniform("run", 0, "a prompt", 3)
    True
    >>> f"{keyed_uniform(1, 2):.6f} {keyed_uniform(2, 1):.6f}"
    '0.227317 0.136351'
    """
    for part in key:
        if isinstance(part, bool) or not isinstance(part, (str, int)):
            raise TypeError(f"each part of a key must be a string or a whole number, got {part!r}")
    digest = hashlib.sha256(json.dumps(key).encode("ascii")).digest()
    return (int.from_bytes(digest[:8], "big") >> 11) / 2**53
