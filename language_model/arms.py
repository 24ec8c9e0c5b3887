"""Rewards of each arm, and all random numbers of a run, keyed by where they are used.

An answer is given as the value that was read from it, or None. Nothing here needs torch.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence

import numpy as np

from rlvr.rewards.keyed_coins import keyed_uniform
from rlvr.rewards.plurality_vote import plurality

__all__ = ["ARMS", "prompt_order", "rewards", "uniforms"]

ARMS = ("frozen", "random", "majority", "true", "matched", "permuted")
"""The four arms, MATCHED (MAJORITY's rewards, permuted within the group) and PERMUTED (MAJORITY's label of
another question)."""


def uniforms(*key: str | int, shape: tuple[int, ...]) -> np.ndarray:
    """Numbers in [0, 1) that depend only on the key; a longer first axis begins with the same numbers."""
    digest = hashlib.sha256(json.dumps(key).encode("ascii")).digest()
    return np.random.Generator(np.random.Philox(key=int.from_bytes(digest[:16], "big"))).random(shape)


def prompt_order(run: int | str, items: Sequence[int], start: int, n_prompts: int) -> list[int]:
    """`n_prompts` questions of a run from number `start` on, in repeated random orders of all questions."""
    order: list[int] = []
    for turn in range(start // len(items), (start + n_prompts - 1) // len(items) + 1):
        order += sorted(items, key=lambda item: keyed_uniform("order", run, turn, item))
    skipped = start % len(items)
    return order[skipped : skipped + n_prompts]


def rewards(
    arm: str,
    groups: Sequence[int],
    values: Sequence[Sequence[int | None]],
    truths: Sequence[int],
    *,
    run: int | str,
    rollout: int,
    turned: bool = False,
) -> np.ndarray:
    """Rewards of one rollout, (group, sample).

    Parameters
    ----------
    arm : str
        One of :data:`ARMS` except "frozen".
    groups : sequence of int
        Question of each group.
    values : sequence of sequences
        Value read from each answer, None without one.
    truths : sequence of int
        The right value of every question.
    run : int or str
    rollout : int
        Number of the rollout, the key of coins and permutations.
    turned : bool
        Reverse every coin of RANDOM, for the other run of an antithetic pair.
    """
    shape = len(values), len(values[0])
    if arm == "random":
        coins = np.stack(
            [uniforms("coin", run, rollout, place, shape=shape[1:]) < 0.5 for place in range(shape[0])]
        )
        return (coins ^ turned).astype(float)
    if turned:
        raise ValueError(
            f"only the coins of random can be reversed, not the rewards of {arm}; leave out turned"
        )
    winners = [plurality(group) for group in values]
    if arm == "true":
        labels = [truths[item] for item in groups]
    elif arm in ("majority", "matched"):
        labels = winners
    elif arm == "permuted":
        labels = _of_another(groups, winners, run, rollout)
    else:
        raise ValueError(f"arm must be one of {', '.join(ARMS[1:])}, got {arm!r}")
    paid = np.array(
        [
            [float(value is not None and value == label) for value in group]
            for group, label in zip(values, labels, strict=True)
        ]
    )
    if arm == "matched":
        for place, row in enumerate(paid):
            paid[place] = row[
                uniforms("permute", run, rollout, place, shape=shape[1:]).argsort(kind="stable")
            ]
    return paid


def _of_another(groups: Sequence[int], winners: Sequence, run: int | str, rollout: int) -> list:
    """For each group, the winner of another question of the rollout: the next one in a random cycle."""
    circle = sorted(set(groups), key=lambda item: keyed_uniform("circle", run, rollout, item))
    if len(circle) < 2:
        raise ValueError("permuted needs at least two different questions in a rollout, got one")
    following = {item: circle[(place + 1) % len(circle)] for place, item in enumerate(circle)}
    return [winners[groups.index(following[item])] for item in groups]
