"""Training steps and checkpoints: what tells them from training runs, in the names of files and in tables."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from rlvr._checks import shortened

__all__ = ["RUN_NAME", "checkpoint_free", "different_steps", "is_checkpoint", "step_free", "time_free"]

_WORDS = "checkpoints?|ckpts?|chkpt|cp|global[-_]?steps?|steps?|iters?|iterations?|updates?|epochs?|ep"
_STEP = re.compile(
    rf"(?<![a-z])({_WORDS})[-_=. ]?(\d+(\.\d+)?k?|final|last|best|latest)(?![a-z])"
    rf"|(?<![a-z\d])\d+k?[-_]?({_WORDS})(?![a-z])",
    re.IGNORECASE,
)
_TIME = re.compile(r"\d{4}-?\d\d-?\d\d[T_-]\d\d[-:]?\d\d([-:]?\d\d(\.\d+)?)?")
_NUMBER = re.compile(r"(?<![^/])\d+(?=(\.[a-z.]+)?(/|$))", re.IGNORECASE)  # a folder or file that is a number
RUN_NAME = re.compile(
    r"(?<![a-z])(seeds?|runs?|rep|repeats?|replicates?|trials?|rng|rs)[-_=. ]?\d+(?![a-z\d])"
    r"|(?<![^/])[sr]\d+(?=\.|/|$)",
    re.IGNORECASE,
)
"""The part of a name that says which run it is, such as seed1."""


def checkpoint_free(text: str) -> str:
    """Replace by * what distinguishes checkpoints of one training in a path or name.

    Examples
    --------
    >>> checkpoint_free("out/epoch1/m"), checkpoint_free("out/step=100/m"), checkpoint_free("out/seed1/200")
    ('out/*/m', 'out/*/m', 'out/seed1/*')
    """
    return _NUMBER.sub("*", step_free(text))


def step_free(text: str) -> str:
    """Replace by * the training steps in a path or name; bare numbers stay.

    Examples
    --------
    >>> step_free("seed1/global_step_100"), step_free("seed1/200")
    ('seed1/*', 'seed1/200')
    """
    return _STEP.sub("*", text)


def different_steps(steps: Mapping[str, Iterable[str]]) -> str:
    """Say that the trained arms were evaluated at different training steps; empty if they were not.

    Parameters
    ----------
    steps : mapping of arm to its steps, as written
        FROZEN is not trained and does not count, nor does an arm without a stated step.

    Examples
    --------
    >>> different_steps({"frozen": ["0"], "random": ["100"], "true": ["100.0"]})
    ''
    >>> different_steps({"random": ["100"], "true": ["200"]})[:67]
    'the arms were trained for different numbers of steps (random at 100'
    """
    known = {arm: texts for arm, found in steps.items() if arm != "frozen" and (texts := [*found])}
    if len({_step(text) for texts in known.values() for text in texts}) < 2:
        return ""
    named = ", ".join(f"{arm} at {shortened(', '.join(texts))}" for arm, texts in known.items())
    return (
        f"the arms were trained for different numbers of steps ({named}), which a difference in accuracy may "
        "come from"
    )


def _step(text: str) -> float | str:
    try:
        return float(text)
    except ValueError:
        return text


def is_checkpoint(name: str) -> bool:
    """Whether a name is that of a checkpoint; a bare number is not.

    Examples
    --------
    >>> is_checkpoint("step-100"), is_checkpoint("ckpt.1"), is_checkpoint("seed1"), is_checkpoint("7")
    (True, True, False, False)
    """
    return bool(_STEP.search(name)) and not RUN_NAME.search(name)


def time_free(text: str) -> str:
    """Replace by * the times at which a tool began its evaluations.

    Examples
    --------
    >>> time_free("out/20261130_201400/m"), time_free("m/2026-11-30T20-07-17.440098")
    ('out/*/m', 'm/*')
    """
    return _TIME.sub("*", text)
