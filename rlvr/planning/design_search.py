"""The cheapest study of four arms that shows what is wanted of it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from rlvr._checks import real, whole
from rlvr.planning.simulated_studies import StudyDesign
from rlvr.planning.study_plans import Costs, Plan, plan_study

__all__ = ["ITEMS", "cheapest_design"]

ITEMS = (30, 50, 100, 200, 500, 1000, 2000, 5000)
"""The benchmark sizes among which the cheapest design is sought."""


def cheapest_design(
    design: StudyDesign,
    *,
    chance: float | None = None,
    half_width: float | None = None,
    items: Iterable[int] = ITEMS,
    runs: tuple[int, int] = (2, 20),
    paired: bool = True,
    level: float = 0.95,
    rule: str = "magnitude",
    costs: Costs | None = None,
    draws: int = 2_000,
    seed: int = 0,
) -> Plan | None:
    """The cheapest number of items and runs with the wanted chance, or half-width, or both; None if none has.

    The chance is that of the guess's verdict surviving "all", the half-width the largest of the three parts
    under "all". At each benchmark size both are taken to improve with runs, so that the fewest are found by
    bisection. One run an arm is not offered by default: its spread would have to be assumed.

    Parameters
    ----------
    design : StudyDesign
        Its items and runs are replaced.
    chance : float in (0, 1), optional
    half_width : float in (0, 1), optional
        In units of accuracy.
    items : iterable of int
        Benchmark sizes to choose among.
    runs : pair of int
        The fewest and the most runs an arm.
    paired, level, rule, costs, draws, seed
        As in :func:`plan_study`.

    Raises
    ------
    ValueError, TypeError
        If neither is wanted, or a value is out of range.

    Examples
    --------
    >>> guess = StudyDesign((0.25, 0.25, 0.3, 0.75), run_sd=(0, 0.02, 0.02, 0.02))
    >>> best = cheapest_design(guess, chance=0.8)
    >>> best.design.n_items, best.design.n_runs
    (100, 3)
    """
    if chance is None and half_width is None:
        raise ValueError("chance or half_width must be given, got neither")
    if chance is not None:
        real("chance", chance, "a number strictly between 0 and 1", above=0, below=1)
    if half_width is not None:
        real("half_width", half_width, "a number strictly between 0 and 1", above=0, below=1)
    fewest = whole("fewest runs", runs[0], "a whole number of at least 1", at_least=1)
    most = whole(
        "most runs", runs[1], "a whole number from the fewest to 1,000", at_least=fewest, at_most=1000
    )
    prices = costs or Costs()

    def plan_of(size: int, n_runs: int) -> Plan:
        tried = replace(design, n_items=size, n_runs=n_runs)
        return plan_study(tried, paired=paired, level=level, rule=rule, costs=prices, draws=draws, seed=seed)

    def good(plan: Plan) -> bool:
        return (chance is None or plan.chance() >= chance) and (
            half_width is None or plan.widest() <= half_width
        )

    found = []
    for size in items:
        low, high, best = fewest, most, plan_of(size, most)
        if not good(best):
            continue
        while low < high:
            middle = (low + high) // 2
            plan = plan_of(size, middle)
            if good(plan):
                high, best = middle, plan
            else:
                low = middle + 1
        found.append(best)
    return min(found, key=lambda plan: plan.cost, default=None)
