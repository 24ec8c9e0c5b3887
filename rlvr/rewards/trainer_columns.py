"""Check the arguments that a trainer passes: groups of prompts, columns, and the step."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from itertools import pairwise
from numbers import Integral, Real
from reprlib import Repr
from typing import Any

__all__ = [
    "as_list", "checked_rate", "column", "prompt_digest", "prompt_groups", "prompt_text", "same_length",
    "shown", "step_of",
]  # fmt: skip


def shown(value: Any) -> str:
    """Return a value as one shortened line for an error message, even if its `repr` fails."""
    try:
        return Repr().repr(value)
    except Exception:  # a whole number of thousands of digits, a broken object
        return f"a value of type {type(value).__name__}"


def as_list(value: Any) -> Any:
    """Return an array or a tensor as the list or number that it holds, and anything else unchanged."""
    convert = getattr(value, "tolist", None)
    return convert() if callable(convert) and not isinstance(value, type) else value


def prompt_text(prompt: Any) -> str:
    """Return a prompt as one string: unchanged, or its chat messages as JSON with sorted keys.

    Raises
    ------
    TypeError
        If the prompt is neither a string nor representable in JSON.

    Examples
    --------
    >>> prompt_text([{"role": "user", "content": "2 + 2 ="}])
    '[{"content": "2 + 2 =", "role": "user"}]'
    """
    if isinstance(prompt, str):
        return prompt
    try:
        return json.dumps(prompt, sort_keys=True, default=_jsonable)
    except (TypeError, ValueError, RecursionError):
        raise TypeError(
            f"a prompt must be a string or a list of chat messages, got {shown(prompt)}"
        ) from None


def _jsonable(value: Any) -> Any:
    plain = as_list(value)
    if plain is value:
        raise TypeError
    return plain


def prompt_digest(prompt: Any) -> str:
    """Return a short digest that identifies a prompt, for sending to other processes."""
    return hashlib.sha256(prompt_text(prompt).encode("utf-8", "surrogatepass")).hexdigest()[:32]


def same_length(prompts: Sequence[Any], completions: Sequence[Any]) -> int:
    """Return the number of completions.

    Raises
    ------
    TypeError
        If either argument is a single string instead of a list.
    ValueError
        If the numbers of prompts and completions differ.
    """
    for name, given in (("prompts", prompts), ("completions", completions)):
        if isinstance(given, (str, bytes)) or not isinstance(as_list(given), Sequence):
            raise TypeError(f"{name} must be a list with one entry per completion, got {shown(given)}")
    if len(prompts) != len(completions):
        raise ValueError(
            f"prompts must have one entry per completion, got {len(prompts)} for {len(completions)} "
            "completions"
        )
    return len(completions)


def prompt_groups(prompts: Sequence[Any], group_size: int | None = None) -> list[range]:
    """Return the positions of each prompt's completions.

    Parameters
    ----------
    prompts : list
        One entry per completion; trainers place the completions of one prompt side by side.
    group_size : int of at least 2, optional
        The trainer's ``num_generations``, needed if the same prompt may be drawn twice in a row. Without it,
        each stretch of equal prompts is a group.

    Returns
    -------
    list of range
        Positions of each group, all of one size.

    Raises
    ------
    ValueError
        If a group holds unequal prompts, groups have unequal sizes or a single completion, or `group_size`
        is below 2 or does not divide the number of prompts.

    Examples
    --------
    >>> prompt_groups(["a", "a", "b", "b"])
    [range(0, 2), range(2, 4)]
    """
    texts = [prompt_text(prompt) for prompt in prompts]
    if group_size is None:
        starts = [i for i in range(len(texts)) if i == 0 or texts[i] != texts[i - 1]]
        groups = [range(a, b) for a, b in pairwise([*starts, len(texts)])]
        sizes = sorted({len(group) for group in groups})
        if len(sizes) > 1 or sizes == [1]:
            raise ValueError(
                "prompts must hold equally many completions of each prompt (2 or more) side by side; got "
                f"stretches of {shown(sizes)} equal prompts. Give group_size if a prompt can be drawn twice "
                "in a row"
            )
        return groups
    group_size = as_list(group_size)
    if isinstance(group_size, bool) or not isinstance(group_size, int) or group_size < 2:
        raise ValueError(f"group_size must be a whole number of at least 2, or None, got {shown(group_size)}")
    if len(texts) % group_size:
        raise ValueError(
            f"the number of prompts must be a multiple of group_size = {group_size}, got {len(texts)} prompts"
        )
    groups = [range(a, a + group_size) for a in range(0, len(texts), group_size)]
    for group in groups:
        other = next((i for i in group if texts[i] != texts[group[0]]), None)
        if other is not None:
            raise ValueError(
                f"prompts of one group must be equal: number {group[0]} is {shown(prompts[group[0]])}, "
                f"number {other} is {shown(prompts[other])} (group_size = {group_size})"
            )
    return groups


def column(name: str, columns: Mapping[str, Any], n_completions: int) -> Sequence[Any]:
    """Return a column of the data set, one entry per completion.

    Raises
    ------
    KeyError
        If there is no such column; the message lists the columns that exist.
    ValueError
        If the column does not have one entry per completion.
    """
    if name not in columns:
        handed = ("trainer_state", "log_extra", "log_metric", "environments")
        others = sorted(other for other in columns if other not in handed)
        raise KeyError(
            f"no column {shown(name)} in the data set; the trainer passed the columns {shown(others)}"
        )
    values = as_list(columns[name])
    if isinstance(values, (str, bytes)) or not isinstance(values, Sequence) or len(values) != n_completions:
        count = len(values) if hasattr(values, "__len__") else "no"
        raise ValueError(
            f"column {shown(name)} must be a list with one entry per completion; got {count} entries for "
            f"{n_completions} completions"
        )
    return values


def checked_rate(rate: float) -> float:
    """Return a probability as a float.

    Raises
    ------
    ValueError
        If it is not a number in [0, 1].
    """
    if isinstance(rate, bool) or not isinstance(rate, Real) or not 0 <= rate <= 1:
        raise ValueError(f"rate must be a probability, from 0 to 1, got {shown(rate)}")
    return float(rate)


def step_of(step: int | None, trainer_state: Any) -> int:
    """Return the optimiser step: `step` if given, else ``trainer_state.global_step``.

    Raises
    ------
    TypeError
        If neither is given; without the step, coins would be equal at every step.
    """
    found = getattr(trainer_state, "global_step", None) if step is None else step
    found = as_list(found)
    if isinstance(found, bool) or not isinstance(found, Integral):
        raise TypeError(
            "coins depend on the step: give step, or a trainer_state whose global_step is a whole number; "
            f"got trainer_state = {shown(trainer_state)}, step = {shown(step)}"
        )
    return int(found)
