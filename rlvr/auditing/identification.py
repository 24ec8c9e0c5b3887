"""Which terms the known arms identify, and which term dominates under which rule.

*Identification.* A missing accuracy lies in [0, 1]. With this bound and any optional assumptions, every
statement about the arms has the form ``a - b <= w``, so the sharp bounds of every difference are shortest
paths in a graph of five nodes: the four arms and 0.

*Rules.* A rule is a set of linear inequalities in the four accuracies. The same code therefore checks a
verdict at one quadruple of accuracies, over a set of quadruples, and under sampling error. Under
``"magnitude"``, a term dominates if it moves accuracy by more than the other two together::

    |null| > |elicitation| + |reward_design|        (and so on for the other two)

``"published"`` is the rule of the published study: (MAJORITY - FROZEN) / total above 0.60 is elicitation,
reward_design / total above 0.60 is reward design. This rule has no verdict "null".

Each function for one cell calls one for many cells (cell, arm) that lack the same arms.

References
----------
Manski. Partial identification of probability distributions. Springer, 2003.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from itertools import product

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rlvr._checks import choice
from rlvr.arms import ARM_CODE, ARMS
from rlvr.decomposition import PARTS, TERMS

__all__ = [
    "ASSUMPTIONS", "VERDICTS", "VERDICT_RULES", "contradicted", "contrast", "feasible", "identified_sets",
    "in_columns", "possible_verdicts", "rule_contrasts", "sets_of", "surviving", "tipping_moves",
    "tipping_points", "verdict_slack", "verdicts_at",
]  # fmt: skip

ASSUMPTIONS: Mapping[str, str] = {
    "no-harm": "no training lowers accuracy: RANDOM, MAJORITY and TRUE are at least FROZEN",
    "true-best": "no reward beats the true one: RANDOM and MAJORITY are at most TRUE",
    "null-zero": "training on a random reward changes nothing: RANDOM equals FROZEN",
}
"""Optional assumptions about missing arms, all off by default; the accuracies of known arms do not change."""

_AT_MOST = {
    "no-harm": [("frozen", "random"), ("frozen", "majority"), ("frozen", "true")],
    "true-best": [("random", "true"), ("majority", "true")],
    "null-zero": [("frozen", "random"), ("random", "frozen")],
}
_ZERO = len(ARMS)


def identified_sets(
    accuracies: Mapping[str, float], assumptions: Iterable[str] = ()
) -> dict[str, tuple[float, float]]:
    """Return sharp bounds of every term from the known arms.

    Parameters
    ----------
    accuracies : mapping of arm to number in [0, 1]
        Any of ``ARMS``.
    assumptions : iterable of str
        Names from ``ASSUMPTIONS``.

    Returns
    -------
    dict of term to (low, high)
        Equal ends if the term is identified; (-1, 1) if nothing is known about the term.

    Raises
    ------
    ValueError
        If an assumption is unknown or contradicts the accuracies.

    Examples
    --------
    >>> sets = identified_sets({"frozen": 0.25, "random": 0.375, "true": 0.75})
    >>> sets["null"], sets["elicitation"], sets["naive"]
    ((0.125, 0.125), (-0.375, 0.625), (0.375, 0.375))
    """
    known, named = {arm: float(value) for arm, value in accuracies.items()}, tuple(assumptions)
    ends = sets_of(in_columns([known]), known, named)
    return {term: (float(low[0]), float(high[0])) for term, (low, high) in ends.items()}


def in_columns(cells: Sequence[Mapping[str, float]]) -> NDArray[np.float64]:
    """Return accuracies (cell, arm), 0 for a missing arm."""
    return np.array([[float(known.get(arm, 0.0)) for arm in ARMS] for known in cells]).reshape(-1, len(ARMS))


def contradicted(
    accuracies: NDArray[np.float64], known: Collection[str], assumptions: Sequence[str]
) -> NDArray[np.bool_]:
    """Whether the known arms and assumptions of each cell (cell,) leave no value for a missing arm."""
    return _is_contradicted(_reach(accuracies, known, _pairs(known, assumptions)))


def sets_of(
    accuracies: NDArray[np.float64], known: Collection[str], assumptions: Sequence[str]
) -> dict[str, tuple[NDArray[np.float64], NDArray[np.float64]]]:
    """Return :func:`identified_sets` of many cells (cell, arm) that lack the same arms, as ends (cell,)."""
    reach = _reach(accuracies, known, _pairs(known, assumptions))
    _refuse_contradiction(accuracies, known, reach)
    nodes = {term: (ARM_CODE[arm], ARM_CODE[base]) for term, (arm, base) in TERMS.items()}
    return {term: (-reach[:, base, arm], reach[:, arm, base]) for term, (arm, base) in nodes.items()}


def feasible(
    accuracies: Mapping[str, float], assumptions: Iterable[str] = (), *, frozen: Iterable[float] = ()
) -> NDArray[np.float64]:
    """Return accuracies (point, 4) that agree with the known arms: one point, or a grid over missing arms.

    The grid includes its bounds; its steps are at most 0.005 for one missing arm, 0.02 for two and 0.05 for
    more. Values in `frozen` replace the accuracy of FROZEN.
    """
    known, named = {arm: float(value) for arm, value in accuracies.items()}, tuple(assumptions)
    readings = [{**known, "frozen": float(value)} for value in frozen] or [known]
    points, fits = _grids(in_columns(readings), readings[0], named)
    return np.concatenate([np.unique(grid[fit], axis=0) for grid, fit in zip(points, fits, strict=True)])


def _grids(
    accuracies: NDArray[np.float64], known: Collection[str], assumptions: Sequence[str], *, thinning: int = 1
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Return grids (cell, point, arm) of cells that lack the same arms, and which points are possible.

    Points may repeat. Only every `thinning`-th value of an axis is used.
    """
    known = {*known}
    if _random_is_frozen(known, assumptions):
        accuracies = accuracies.copy()
        accuracies[:, ARM_CODE["random"]] = accuracies[:, ARM_CODE["frozen"]]
        known |= {"random"}
    pairs, n = _pairs(known, assumptions), len(accuracies)
    reach = _reach(accuracies, known, pairs)
    _refuse_contradiction(accuracies, known, reach)
    at = [ARM_CODE[arm] for arm in ARMS if arm in known]
    steps = {3: 201, 2: 51}.get(len(known), 21)
    axes = []
    for node, arm in enumerate(ARMS):
        if arm in known:
            axes.append(accuracies[:, [node]])
            continue
        low, high = -reach[:, _ZERO, node, None], reach[:, node, _ZERO, None]
        # An axis also includes the known accuracies within its range, where inequalities meet.
        inside = np.where((accuracies[:, at] >= low) & (accuracies[:, at] <= high), accuracies[:, at], low)
        line = np.linspace(low[:, 0], high[:, 0], steps, axis=1)[:, ::thinning]
        axes.append(np.concatenate([line, inside], axis=1))
    sizes = [axis.shape[1] for axis in axes]
    points = np.empty((n, *sizes, len(ARMS)))
    for node, axis in enumerate(axes):
        points[..., node] = axis.reshape(
            n, *(size if node == place else 1 for place, size in enumerate(sizes))
        )
    points = points.reshape(n, -1, len(ARMS))
    fits = np.ones(points.shape[:2], dtype=bool)
    for low_arm, high_arm in pairs:
        fits &= points[..., ARM_CODE[low_arm]] <= points[..., ARM_CODE[high_arm]] + 1e-12
    return points, fits


def _random_is_frozen(known: Collection[str], assumptions: Collection[str]) -> bool:
    """Whether an assumption gives FROZEN's accuracy to a missing RANDOM."""
    return "null-zero" in assumptions and "random" not in known and "frozen" in known


def _pairs(known: Collection[str], assumptions: Iterable[str]) -> list[tuple[str, str]]:
    """Return pairs (arm, arm at least as accurate) from assumptions that involve a missing arm."""
    named = [choice("assumptions", name, tuple(ASSUMPTIONS)) for name in assumptions]
    return [
        (low, high) for name in named for low, high in _AT_MOST[name] if not (low in known and high in known)
    ]


def _reach(
    accuracies: NDArray[np.float64], known: Collection[str], pairs: Iterable[tuple[str, str]]
) -> NDArray[np.float64]:
    """Return the least upper bounds (cell, node, node) of every difference of two nodes."""
    reach = np.full((len(accuracies), _ZERO + 1, _ZERO + 1), np.inf)
    reach[:, range(_ZERO + 1), range(_ZERO + 1)] = 0.0
    for node, arm in enumerate(ARMS):
        low, high = (accuracies[:, node],) * 2 if arm in known else (0.0, 1.0)
        reach[:, node, _ZERO], reach[:, _ZERO, node] = high, np.negative(low)
    for low_arm, high_arm in pairs:
        reach[:, ARM_CODE[low_arm], ARM_CODE[high_arm]] = 0.0
    for via in range(_ZERO + 1):
        reach = np.minimum(reach, reach[:, :, via, None] + reach[:, None, via, :])
    return reach


def _is_contradicted(reach: NDArray[np.float64]) -> NDArray[np.bool_]:
    return np.any(reach.diagonal(axis1=1, axis2=2) < -1e-12, axis=1)


def _refuse_contradiction(
    accuracies: NDArray[np.float64], known: Collection[str], reach: NDArray[np.float64]
) -> None:
    wrong = np.flatnonzero(_is_contradicted(reach))
    if wrong.size:
        values = zip(ARMS, accuracies[wrong[0]], strict=True)
        raise ValueError(
            "assumptions must be compatible with the accuracies; with "
            + ", ".join(f"{arm} {value:g}" for arm, value in values if arm in known)
            + " they leave no possible value for a missing arm"
        )


VERDICTS = ("null", "elicitation", "reward design", "mixed")
"""The possible verdicts of an audit; "mixed" if no term dominates."""

PUBLISHED_SHARE = 0.60

Margins = Callable[[NDArray[np.float64]], tuple[NDArray[np.float64], NDArray[np.float64]]]
"""A function from contrasts (contrast, arm) to the margins below and above each estimate."""


def contrast(term: str) -> NDArray[np.float64]:
    """Return the coefficients (arm,) that give `term` of ``TERMS`` from the four accuracies."""
    arm, base = TERMS[choice("term", term, tuple(TERMS))]
    return np.array([float(name == arm) - float(name == base) for name in ARMS])


def _magnitude() -> dict[str, NDArray[np.float64]]:
    signs = np.array(list(product((-1, 1), repeat=len(PARTS) - 1)))
    rules = {}
    for name in PARTS:
        part, others = contrast(name), signs @ [contrast(rest) for rest in PARTS if rest != name]
        rules[name.replace("_", " ")] = np.stack([part - others, -part - others])
    return rules


def _published() -> dict[str, NDArray[np.float64]]:
    total = contrast("total")
    gains = {
        "elicitation": contrast("null") + contrast("elicitation"),
        "reward design": contrast("reward_design"),
    }
    return {
        name: np.array([[sign * (gain - PUBLISHED_SHARE * total), sign * total] for sign in (1, -1)])
        for name, gain in gains.items()
    }


VERDICT_RULES: Mapping[str, Mapping[str, NDArray[np.float64]]] = {
    "magnitude": _magnitude(),
    "published": _published(),
}
"""By rule and verdict, contrasts (alternative, inequality, arm). A verdict holds if all inequalities of one
alternative exceed 0."""


class _Signs:
    """A rule as a table of verdicts by the signs of its distinct contrasts, of which there are at most eight.

    ``contrasts`` is (contrast, arm). A byte encodes which contrasts exceed 0. ``verdict`` (256,) maps the
    byte to a place in ``VERDICTS``. ``survives`` (verdict, 256) tells whether a verdict holds for a byte; for
    "mixed", the byte encodes which contrasts are below 0.
    """

    def __init__(self, rules: Mapping[str, NDArray[np.float64]]) -> None:
        rows = np.concatenate([each.reshape(-1, len(ARMS)) for each in rules.values()]) + 0.0
        distinct = list(dict.fromkeys(map(tuple, rows.tolist())))
        self.contrasts = np.array(distinct)
        bits = np.unpackbits(np.arange(256, dtype=np.uint8)[:, None], axis=1).astype(bool)
        self.verdict = np.full(256, VERDICTS.index("mixed"), dtype=np.uint8)
        self.survives = np.zeros((len(VERDICTS), 256), dtype=bool)
        fails = np.ones(256, dtype=bool)
        for verdict, each in rules.items():
            places = [
                [distinct.index(tuple(row)) for row in alternative] for alternative in (each + 0.0).tolist()
            ]
            holds = np.any([bits[:, place].all(axis=1) for place in places], axis=0)
            self.verdict[holds] = VERDICTS.index(verdict)
            self.survives[VERDICTS.index(verdict)] = holds
            fails &= np.all([bits[:, place].any(axis=1) for place in places], axis=0)
        self.survives[VERDICTS.index("mixed")] = fails

    def at(self, points: NDArray[np.float64]) -> NDArray[np.uint8]:
        """Return the places in ``VERDICTS`` (...,) of points (..., arm)."""
        return self.verdict[_byte(points @ self.contrasts.T > 1e-12)]  # in a tie, no term dominates


def _byte(signs: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """Return the last axis (at most 8 signs) as the bits of a byte."""
    bits = np.zeros((*signs.shape[:-1], 8), dtype=bool)
    bits[..., : signs.shape[-1]] = signs
    return np.packbits(bits).reshape(signs.shape[:-1])  # along an axis, packbits takes thirty times as long


_SIGNS = {name: _Signs(rules) for name, rules in VERDICT_RULES.items()}
_ALL_AT_ONCE = 200_000  # points, so that their contrasts fit a processor's cache


def rule_contrasts(rule: str) -> NDArray[np.float64]:
    """Return the distinct contrasts (contrast, arm) whose signs determine the verdict under a rule."""
    return _SIGNS[rule].contrasts


def possible_verdicts(
    accuracies: NDArray[np.float64], known: Collection[str], assumptions: Sequence[str], rules: Sequence[str]
) -> list[NDArray[np.uint8]]:
    """Return for each rule the verdicts (cell,) over :func:`feasible` points of cells with the same arms.

    Verdict v of ``VERDICTS`` is possible if the bit ``1 << v`` is set.
    """
    open_cells, found = np.arange(len(accuracies)), [np.zeros(len(accuracies), np.uint8) for _ in rules]
    every = [np.bitwise_or.reduce(np.uint8(1) << _SIGNS[rule].verdict) for rule in rules]
    for thinning in (1,) if len(known) == len(ARMS) else (8, 1):  # few points may show every verdict
        for cells, points, fits in _in_parts(accuracies, open_cells, known, assumptions, thinning):
            for bits, rule in zip(found, rules, strict=True):
                each = np.where(fits, np.uint8(1) << _SIGNS[rule].at(points), np.uint8(0))
                bits[cells] |= np.bitwise_or.reduce(each, axis=1)
        complete = np.all([bits == all_bits for bits, all_bits in zip(found, every, strict=True)], axis=0)
        open_cells = np.flatnonzero(~complete)
    return found


def surviving(
    accuracies: NDArray[np.float64],
    known: Collection[str],
    assumptions: Sequence[str],
    verdicts: NDArray[np.int64],
    margins: tuple[NDArray[np.float64], NDArray[np.float64]],
    *,
    rule: str,
) -> NDArray[np.bool_]:
    """Whether :func:`verdict_slack` exceeds 0 at all feasible points of each cell (cell,).

    `verdicts` are places in ``VERDICTS``, and `margins` two arrays (cell, contrast) of the distances below
    and above of :func:`rule_contrasts`.
    """
    signs, survives = _SIGNS[rule], np.zeros(len(accuracies), dtype=bool)
    below, above = margins
    for cells, points, fits in _in_parts(accuracies, np.arange(len(accuracies)), known, assumptions, 1):
        values = points @ signs.contrasts.T
        mixed = (verdicts[cells] == VERDICTS.index("mixed"))[:, None, None]
        beyond = np.where(mixed, -values - above[cells][:, None], values - below[cells][:, None]) > 0
        survives[cells] = (signs.survives[verdicts[cells][:, None], _byte(beyond)] | ~fits).all(axis=1)
    return survives


def _in_parts(
    accuracies: NDArray[np.float64],
    cells: NDArray[np.int64],
    known: Collection[str],
    assumptions: Sequence[str],
    thinning: int,
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.bool_]]]:
    """Yield parts of the cells with their grids, until all cells are done."""
    size = 1
    while cells.size:
        part, cells = cells[:size], cells[size:]
        points, fits = _grids(accuracies[part], known, assumptions, thinning=thinning)
        yield part, points, fits
        size = max(1, _ALL_AT_ONCE // points.shape[1])


def verdicts_at(accuracies: ArrayLike, *, rule: str = "magnitude") -> NDArray[np.str_]:
    """Return the verdict at each quadruple of accuracies.

    Parameters
    ----------
    accuracies : array_like (..., 4)
        In the order of ``ARMS``.
    rule : {"magnitude", "published"}

    Returns
    -------
    ndarray of str (...,)
        Each one of ``VERDICTS``.

    Examples
    --------
    >>> str(verdicts_at([0.494, 0.709, 0.758, 0.787]))
    'null'
    >>> str(verdicts_at([0.494, 0.709, 0.758, 0.787], rule="published"))
    'elicitation'
    """
    signs = _SIGNS[choice("rule", rule, tuple(VERDICT_RULES))]
    return np.array(VERDICTS)[signs.at(np.asarray(accuracies, dtype=float))]


def verdict_slack(
    points: ArrayLike, verdict: str, margins: Margins, *, rule: str = "magnitude"
) -> NDArray[np.float64]:
    """Return how far each point lies inside a verdict minus its margins; above 0, the verdict survives.

    A verdict of dominance survives if each of its inequalities does (an intersection-union test, so the level
    needs no correction). "mixed" survives if, for every term and either sign, some inequality is shown to
    fail.

    Parameters
    ----------
    points : array_like (point, 4)
        Accuracies in the order of ``ARMS``.
    verdict : str
        A possible verdict of `rule`.
    margins : callable
        From contrasts (contrast, 4) to the margins below and above each estimate, (contrast,) or (point,
        contrast).
    rule : {"magnitude", "published"}

    Returns
    -------
    ndarray (point,)
        In units of accuracy, for the decisive alternative or inequality.
    """
    at, rules = np.asarray(points, dtype=float), VERDICT_RULES[rule]
    mixed = verdict == "mixed"
    rows = np.concatenate(list(rules.values())) if mixed else rules[verdict]
    contrasts = rows.reshape(-1, len(ARMS))
    values, (below, above) = at @ contrasts.T, margins(contrasts)
    slack = (-values - above if mixed else values - below).reshape(len(at), *rows.shape[:2])
    return slack.max(axis=2).min(axis=1) if mixed else slack.min(axis=2).max(axis=1)


def tipping_points(accuracies: ArrayLike, *, rule: str = "magnitude") -> dict[str, float]:
    """Return for each arm the smallest move of this arm alone that changes the verdict at `accuracies` (4,).

    A move is signed, in units of accuracy; NaN if no move within [0, 1] changes the verdict.

    Examples
    --------
    >>> {arm: round(move, 3) for arm, move in tipping_points([0.25, 0.2, 0.3, 0.6]).items()}
    {'frozen': 0.15, 'random': -0.075, 'majority': 0.075, 'true': -0.15}
    """
    moves = tipping_moves(np.asarray(accuracies, dtype=float)[None], rule=rule)[0]
    return dict(zip(ARMS, moves.tolist(), strict=True))


def tipping_moves(points: NDArray[np.float64], *, rule: str = "magnitude") -> NDArray[np.float64]:
    """Return :func:`tipping_points` of many cells (cell, arm), as (cell, arm)."""
    signs, moves = _SIGNS[rule], np.full(points.shape, np.nan)
    now = signs.at(points)[:, None]
    # A contrast and its opposite change sign at the same place.
    turning = np.array(
        list({max(row, tuple(-x for x in row)): row for row in map(tuple, signs.contrasts)}.values())
    )
    for arm in range(len(ARMS)):
        slope = turning[:, arm]
        moving = slope != 0
        if not moving.any():
            continue
        # The verdict can change only where a contrast changes sign, so a point just beyond each is tried.
        turns = -(points @ turning[moving].T) / slope[moving]
        tried = np.concatenate([turns - 1e-9, turns + 1e-9], axis=1)
        # A change of sign at an end of [0, 1] counts, even if rounding puts the place outside.
        at = points[:, [arm]] + tried
        inside = (at >= -2e-9) & (at <= 1 + 2e-9)
        moved = np.repeat(points[:, None], tried.shape[1], axis=1)
        moved[..., arm] += tried
        changing = inside & (signs.at(moved) != now)
        # Of two moves of equal length the first is chosen, whatever rounding does to the last bit.
        nearest = np.where(changing, np.round(np.abs(tried), 12), np.inf).argmin(axis=1)[:, None]
        chosen = np.take_along_axis(tried, nearest, axis=1)
        moves[:, arm] = np.where(np.take_along_axis(changing, nearest, axis=1), chosen, np.nan)[:, 0]
    return moves
