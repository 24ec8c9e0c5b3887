"""Which term of a gain dominates: rules, verdicts, and tipping points.

A rule is a set of linear inequalities in the four accuracies, so that a verdict can be checked at one
quadruple of them, over a set of quadruples, and under sampling error by the same few lines. Under
``"magnitude"``, a term dominates when it moves accuracy by more than the other two together::

    |null| > |elicitation| + |reward_design|        (and so on for the other two)

``"published"`` is the rule of the published study: (MAJORITY - FROZEN) / total above 0.60 is elicitation,
reward_design / total above 0.60 is reward design. It cannot say "null".
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import product

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rlvr._checks import choice
from rlvr.arms import ARMS
from rlvr.decomposition import PARTS, TERMS

__all__ = ["RULES", "VERDICTS", "contrast", "judge", "tipping_points", "verdicts_at"]

VERDICTS = ("null", "elicitation", "reward design", "mixed")
"""What an audit can say; "mixed" is said when no term dominates."""

PUBLISHED_SHARE = 0.60

Margins = Callable[[NDArray[np.float64]], tuple[NDArray[np.float64], NDArray[np.float64]]]
"""From contrasts (contrast, arm) to how far below and above its estimate each could lie."""


def contrast(term: str) -> NDArray[np.float64]:
    """The coefficients (arm,) that give `term` of ``TERMS`` from the four accuracies."""
    arm, base = TERMS[choice("term", term, tuple(TERMS))]
    return np.array([float(name == arm) - float(name == base) for name in ARMS])


def _magnitude() -> dict[str, list[NDArray[np.float64]]]:
    parts = {name: contrast(name) for name in PARTS}
    rules = {}
    for name in PARTS:
        one, other = (parts[rest] for rest in PARTS if rest != name)
        rules[name.replace("_", " ")] = [
            np.stack([sign * parts[name] - a * one - b * other for a, b in product((-1, 1), repeat=2)])
            for sign in (1, -1)
        ]
    return rules


def _published() -> dict[str, list[NDArray[np.float64]]]:
    total = contrast("total")
    gains = {
        "elicitation": contrast("null") + contrast("elicitation"),
        "reward design": contrast("reward_design"),
    }
    return {
        name: [np.stack([sign * (gain - PUBLISHED_SHARE * total), sign * total]) for sign in (1, -1)]
        for name, gain in gains.items()
    }


RULES: Mapping[str, Mapping[str, list[NDArray[np.float64]]]] = {
    "magnitude": _magnitude(),
    "published": _published(),
}
"""Rule -> verdict -> alternatives, each an array (inequality, arm) whose products must all exceed 0."""


def verdicts_at(accuracies: ArrayLike, *, rule: str = "magnitude") -> NDArray[np.str_]:
    """The verdict at each quadruple of accuracies.

    Parameters
    ----------
    accuracies : array_like (..., 4)
        In the order of ``ARMS``.
    rule : {"magnitude", "published"}

    Returns
    -------
    ndarray of str (...,)
        Out of ``VERDICTS``.

    Examples
    --------
    >>> str(verdicts_at([0.494, 0.709, 0.758, 0.787]))
    'null'
    >>> str(verdicts_at([0.494, 0.709, 0.758, 0.787], rule="published"))
    'elicitation'
    """
    points = np.asarray(accuracies, dtype=float)
    said = np.full(points.shape[:-1], "mixed", dtype="<U13")
    for verdict, alternatives in RULES[choice("rule", rule, tuple(RULES))].items():
        holds = np.zeros(points.shape[:-1], dtype=bool)
        for inequalities in alternatives:
            holds |= (points @ inequalities.T > 1e-12).all(axis=-1)  # a tie is no dominance
        said[holds] = verdict
    return said


def judge(points: ArrayLike, margins: Margins, *, rule: str = "magnitude") -> tuple[str, bool]:
    """The verdict over a set of accuracies, and whether it survives the margins at every one of them.

    A verdict of dominance survives when each of its inequalities does (an intersection-union test, so
    the level needs no correction); "mixed" survives when, for every term and either sign, some inequality
    is shown to fail.

    Parameters
    ----------
    points : array_like (point, 4)
    margins : callable
        From contrasts (contrast, 4) to the distances (contrast,) below and above.
    rule : {"magnitude", "published"}

    Returns
    -------
    verdict : str
        Empty when the accuracies differ in theirs.
    survives : bool
    """
    at = np.atleast_2d(np.asarray(points, dtype=float))
    said = set(verdicts_at(at, rule=rule).tolist())
    if len(said) > 1:
        return "", False
    verdict = said.pop()
    if verdict != "mixed":
        sure = np.zeros(len(at), dtype=bool)
        for inequalities in RULES[rule][verdict]:
            below, _ = margins(inequalities)
            sure |= (at @ inequalities.T - below > 0).all(axis=1)
        return verdict, bool(sure.all())
    sure = np.ones(len(at), dtype=bool)
    for alternatives in RULES[rule].values():
        for inequalities in alternatives:
            _, above = margins(inequalities)
            sure &= (at @ inequalities.T + above < 0).any(axis=1)
    return verdict, bool(sure.all())


def tipping_points(accuracies: ArrayLike, *, rule: str = "magnitude") -> dict[str, float]:
    """For each arm, the smallest move of it alone that changes the verdict; NaN where none in [0, 1] does.

    Parameters
    ----------
    accuracies : array_like (4,)
    rule : {"magnitude", "published"}

    Returns
    -------
    dict of str to float
        Signed, in units of accuracy.

    Examples
    --------
    >>> {arm: round(move, 3) for arm, move in tipping_points([0.25, 0.2, 0.3, 0.6]).items()}
    {'frozen': 0.15, 'random': -0.075, 'majority': 0.075, 'true': -0.15}
    """
    point = np.asarray(accuracies, dtype=float)
    now = str(verdicts_at(point, rule=rule))
    inequalities = np.concatenate([rows for alternatives in RULES[rule].values() for rows in alternatives])
    moves = {}
    for arm, name in enumerate(ARMS):
        slope = inequalities[:, arm]
        moving = slope != 0
        # The verdict can only change where an inequality turns: try just beyond each such place.
        turns = -(inequalities[moving] @ point) / slope[moving]
        tried = np.concatenate([turns - 1e-9, turns + 1e-9])
        # A turn at the end of [0, 1] counts, on whichever side the last bit puts the place beyond it.
        tried = tried[(point[arm] + tried >= -2e-9) & (point[arm] + tried <= 1 + 2e-9)]
        moved = np.repeat(point[None], tried.size, axis=0)
        moved[:, arm] += tried
        changing = tried[verdicts_at(moved, rule=rule) != now]
        # Of two moves of one length the first counts, not the one that a last bit makes shorter.
        nearest = np.round(np.abs(changing), 12)
        moves[name] = float(changing[nearest.argmin()]) if changing.size else float("nan")
    return moves
