"""Judge every registered hypothesis by one rule: supported, contradicted or undecided.

A hypothesis is a tree of ``all`` and ``any`` over claims, as the protocol states it. A claim names one
quantity::

    term: elicitation          cell: ps80            a term of the decomposition
    ratio: [reward_design, naive]   cell: ps20       a ratio of two terms
    fall: [reward_design, naive]    from: a, to: b   how much a ratio falls between two cells
    effect: B                  design: drop          a coefficient of a 2x2x2
    dominance: AC              over: {A: 0.2, ...}   -AC minus a multiple of another effect's size
    gate: task-draw            condition: crossover  the probability that a gate quotes a value
    gain: "null"               from: a, to: b        how much a term rises between two cells
    spread: "null"             cell: a               standard deviation of a term over runs
    spreads: "null"            of: [a, b]            standard deviation in cell a over that in cell b
    far: elicitation           cell: a, by: 0.05     chance that one run is further than that from the mean
    contrast: "null"           sum: [[1, a, right], [-1, b, right]]   weights, cells and measures of a term
    difference: [matched, random]   cell: a          one arm less another

A claim also names one region: ``above``, ``below``, ``within: [low, high]`` or ``outside: [low, high]``.
Results with several measures need ``measure``. Where coins were reversed, ``half: walk`` takes half the
difference of a pair instead of its mean, and ``half: size`` its magnitude. The unit of replication is the
task draw; for gates, the study; where coins were reversed, the pair.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from rlvr._checks import choice, real, shown
from rlvr.decomposition import TERMS
from rlvr.experiments.factorial_design import contrasts
from rlvr.experiments.sealed_protocol import ConfirmatoryResults, Protocol
from rlvr.stats.claims import (
    Claim,
    all_of,
    any_of,
    far_claim,
    linearised_ratio,
    mean_claim,
    outside,
    proportion_claim,
    ratio_claim,
    spread_claim,
    spread_ratio_claim,
    verdicts,
)
from rlvr.stats.power import studies_needed, task_draws_needed

__all__ = ["Judgement", "design_cells", "evaluate", "judge", "leaves", "sample_sizes"]

_KINDS = (
    "term", "ratio", "fall", "effect", "dominance", "gate", "gain", "spread", "spreads", "far", "contrast",
    "difference",
)  # fmt: skip


@dataclass(frozen=True)
class Judgement:
    """One hypothesis, the evidence, and the verdict.

    Attributes
    ----------
    name : str
        Name of the hypothesis in the protocol.
    statement : str
        The hypothesis in words.
    verdict : str
        "supported", "contradicted" or "undecided".
    adjusted_p : float
        The smaller of its two p-values after Holm's correction over the whole family.
    claim : Claim
        The tree of its tests.
    """

    name: str
    statement: str
    verdict: str
    adjusted_p: float
    claim: Claim = field(repr=False)


def judge(protocol: Protocol, results: ConfirmatoryResults) -> list[Judgement]:
    """Decide every registered hypothesis, with one error rate for the family.

    Results of another protocol are an error.
    """
    if results.digest != protocol.digest:
        raise ValueError(
            f"the results were made under protocol {results.digest[:12]}, this one is "
            f"{protocol.digest[:12]}: judge them by the protocol of their run"
        )
    claims = {name: evaluate(spec, protocol, results) for name, spec in protocol.hypotheses.items()}
    pronounced = verdicts(claims, level=protocol.content["level"])
    return [
        Judgement(name, spec["statement"], *pronounced[name], claims[name])
        for name, spec in protocol.hypotheses.items()
    ]


def evaluate(spec: Mapping[str, Any], protocol: Protocol, results: ConfirmatoryResults) -> Claim:
    """Test one hypothesis, or one part of it, as the protocol states it."""
    for word, combine in (("all", all_of), ("any", any_of)):
        if word in spec:
            parts = [evaluate(part, protocol, results) for part in spec[word]]
            return combine(parts, spec.get("statement", ""))
    kinds = [kind for kind in _KINDS if kind in spec]
    if len(kinds) != 1:
        raise ValueError(f"a claim must name exactly one of {', '.join(_KINDS)}, got {shown(dict(spec))}")
    claim = _claim(kinds[0], spec, protocol, results)
    return outside(claim, claim.label) if "outside" in spec else claim


def leaves(claim: Claim) -> Iterator[Claim]:
    """The single claims of a tree, in the order of the protocol."""
    if claim.estimate is not None:
        yield claim
    for part in claim.parts if claim.estimate is None else ():
        yield from leaves(part)


def design_cells(protocol: Protocol, results: ConfirmatoryResults, design: str) -> np.ndarray:
    """Cells of a registered 2x2x2, ndarray (block, 8) in the order of the factorial's ``CODES``."""
    designs = protocol.content["designs"]
    choice("design", design, tuple(designs))
    columns = [
        results.arm(cell, arm)
        for arm in ("true", "majority")
        for cell in (*designs[design]["filtered"], *designs[design]["unfiltered"])
    ]
    return np.column_stack(columns)


def sample_sizes(
    protocol: Protocol, exploratory: ConfirmatoryResults, *, alpha: float, power: float = 0.99
) -> pd.DataFrame:
    """Units that each registered claim needs for a verdict, if the exploratory runs are right.

    `exploratory` are results of the same cells from another seed. `alpha` is the level of one test. The
    smallest level under Holm's correction is the family's divided by twice the number of hypotheses.

    Returns
    -------
    DataFrame
        One row per claim: hypothesis, claim, value, sd, distance to the nearer end of the region, unit,
        needed.
    """
    rows = []
    for name, spec in protocol.hypotheses.items():
        for leaf in leaves(evaluate(spec, protocol, exploratory)):
            estimate, ends = leaf.estimate, [end for end in leaf.region if math.isfinite(end)]
            assert estimate is not None  # every leaf has an estimate
            distance = min(abs(estimate.value - end) for end in ends)
            if estimate.unit == "study":
                inner = [end for end in ends if 0 < end < 1]
                sd, needed = math.nan, studies_needed(estimate.value, inner[0], alpha=alpha, power=power)
                distance = abs(estimate.value - inner[0])
            else:
                critical = stats.t.ppf(0.5 + estimate.level / 2, estimate.n - 1)
                sd = (estimate.high - estimate.low) / 2 / critical * math.sqrt(estimate.n)
                needed = task_draws_needed(distance, sd, alpha=alpha, power=power)
            rows.append((name, leaf.label, estimate.value, sd, distance, estimate.unit, needed))
    return pd.DataFrame(rows, columns=["hypothesis", "claim", "value", "sd", "distance", "unit", "needed"])


def _region(spec: Mapping[str, Any]) -> tuple[dict[str, Any], str]:
    given = [word for word in ("above", "below", "within", "outside") if word in spec]
    if len(given) != 1:
        raise ValueError(f"a claim must state one of above, below, within, outside, got {shown(dict(spec))}")
    word, value = given[0], spec[given[0]]
    if word == "above":
        return {"low": float(value)}, f"> {value:g}"
    if word == "below":
        return {"high": float(value)}, f"< {value:g}"
    low, high = map(float, value)
    return {"low": low, "high": high}, f"{'in' if word == 'within' else 'outside'} [{low:g}, {high:g}]"


def _claim(kind: str, spec: Any, protocol: Protocol, results: ConfirmatoryResults) -> Claim:
    """One claim of a kind, on the region that the claim names."""
    region, words = _region(spec)
    measure = spec.get("measure")

    def less(arm: str, base: str, cell: str, measure: str | None) -> np.ndarray:
        above, below = (results.arm(cell, each, measure, spec.get("half", "mean")) for each in (arm, base))
        apart = above - below
        return apart if measure is None else apart[~np.isnan(apart)]  # pairs that have both arms

    def term(name: str, cell: str, measure: str | None = measure) -> np.ndarray:
        choice("term", name, tuple(TERMS))
        arm, base = TERMS[name]
        return less(arm, base, cell, measure)

    def effects() -> dict[str, np.ndarray]:
        blocks = contrasts(design_cells(protocol, results, spec["design"]))
        return {name: values[:, None] for name, values in blocks.items()}

    named = spec[kind]
    match kind:
        case "term":
            label = f"{named} at {spec['cell']} {words}"
            return mean_claim(term(named, spec["cell"]), **region, label=label)
        case "ratio":
            above, below = (term(name, spec["cell"]) for name in named)
            label = f"{named[0]} / {named[1]} at {spec['cell']} {words}"
            return ratio_claim(above, below, **region, label=label, names=named)
        case "fall":
            # A difference of ratios needs positive denominators, so both are tested too.
            units, denominators = [], []
            for cell in (spec["from"], spec["to"]):
                above, below = (term(name, cell) for name in named)
                units.append(linearised_ratio(above, below)[:, None])
                denominators.append(mean_claim(below, low=0.0, label=f"{named[1]} at {cell} > 0"))
            label = f"fall of {' / '.join(named)} from {spec['from']} to {spec['to']} {words}"
            return all_of([mean_claim(units[0] - units[1], **region, label=label), *denominators], label)
        case "effect":
            return mean_claim(effects()[named], **region, label=f"{named} ({spec['design']}) {words}")
        case "dominance":
            # -X - c|Y|, as one claim for each sign of Y.
            effect = effects()
            claims = [
                mean_claim(
                    -effect[named] - sign * factor * effect[other],
                    **region,
                    label=f"-{named} {'-' if sign > 0 else '+'} {factor:g} {other} {words}",
                )
                for other, factor in spec["over"].items()
                for sign in (1, -1)
            ]
            return all_of(claims, f"-{named} exceeds {spec['over']}")
        case "gate":
            points, studies = results.gate_counts(spec["condition"], named)
            label = f"P(the {named} gate quotes a value) at {spec['condition']} {words}"
            return proportion_claim(points, studies, **region, label=label)
        case "gain":
            first, last = (term(named, spec[end]) for end in ("from", "to"))
            label = f"{named} at {spec['to']} less {spec['from']} {words}"
            return mean_claim(last - first, **region, label=label)
        case "spread":
            label = f"sd of {named} at {spec['cell']} {words}"
            return spread_claim(term(named, spec["cell"]), **region, label=label)
        case "spreads":
            above, below = (term(named, cell) for cell in spec["of"])
            label = f"sd of {named} at {spec['of'][0]} over {spec['of'][1]} {words}"
            return spread_ratio_claim(above, below, **region, label=label)
        case "contrast":
            parts = [
                real("a weight", weight, "a finite number") * term(named, *of) for weight, *of in spec["sum"]
            ]
            if len({part.shape for part in parts}) > 1:
                raise ValueError("the cells of a contrast must have the same units")
            sum_of = ", ".join(f"{weight:+g} {' '.join(of)}" for weight, *of in spec["sum"])
            return mean_claim(np.sum(parts, axis=0), **region, label=f"{named} at {sum_of} {words}")
        case "difference":
            above, below = named
            label = f"{above} - {below} at {spec['cell']} {words}"
            return mean_claim(less(above, below, spec["cell"], measure), **region, label=label)
        case _:
            label = f"P({named} of one run off by {spec['by']:g}) at {spec['cell']} {words}"
            return far_claim(term(named, spec["cell"]), by=spec["by"], **region, label=label)
