"""Verdicts from tests: regions, equivalence, "all of" and "any of", and Holm's correction.

A claim states that a quantity lies in a region. It has two p-values: a small `p_inside` supports the claim, a
small `p_outside` contradicts it, and otherwise the claim is undecided. "No effect" is the claim that an
effect lies within a stated margin (two one-sided tests), never a large p-value.

::

    region (low, high):  p_inside  = max(p[mean > low], p[mean < high])
                         p_outside = min(1, 2 min(p[mean < low], p[mean > high]))
    all of m claims:     p_inside  = max,              p_outside = min(1, m min)
    any of m claims:     p_inside  = min(1, m min),    p_outside = max

A standard deviation lies above b when the mean of ``(x - mean x)**2 - b**2`` is above zero. The deviation of
x lies above r times that of y when the mean of ``(x - mean x)**2 - r**2 (y - mean y)**2`` is. So a claim
about spreads is tested as a claim about a mean: the test assumes no normal law, and paired runs stay paired.

Values are array_like (task, seed) or (seed,), and two such arrays are paired run by run. A region is the open
interval from `low` to `high`, one of which may be infinite. `label` states the claim in words.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats
from statsmodels.stats.multitest import multipletests

from rlvr._checks import confidence_level, plain, real, whole
from rlvr.stats.estimates import Estimate, mean_interval, ratio_interval, replicates

__all__ = [
    "Claim", "all_of", "any_of", "equivalence", "far_claim", "holm", "linearised_ratio", "mean_claim",
    "outside", "proportion_claim", "ratio_claim", "spread_claim", "spread_ratio_claim", "verdicts",
]  # fmt: skip

_Name = TypeVar("_Name", bound=Hashable)
_NOWHERE = (math.nan, math.nan)  # a combination has no region of its own
_ROUNDING = 1e-12  # of a mean: units that spread less are one repeated number


@dataclass(frozen=True)
class Claim:
    """A claim about an estimate, with the evidence for and against.

    Attributes
    ----------
    estimate : Estimate or None
        The quantity; None for a combination of claims.
    region : tuple of float
        (low, high), where the claim places the quantity; ends may be infinite.
    p_inside, p_outside : float
        A small p-value supports the claim, or contradicts it.
    parts : tuple of Claim
        The claims that a combination joins.
    label : str
        The claim in words.
    """

    estimate: Estimate | None
    region: tuple[float, float]
    p_inside: float
    p_outside: float
    parts: tuple[Claim, ...] = ()
    label: str = ""


def mean_claim(
    values: ArrayLike, *, low: float = -math.inf, high: float = math.inf, label: str = "", level: float = 0.95
) -> Claim:
    """Test whether a mean lies in a region, by one-sided t tests on the units.

    `level` is the coverage of the interval that is reported beside the tests.

    Raises
    ------
    ValueError
        If the region is empty or the whole line, or fewer than two units are given.

    Examples
    --------
    >>> claim = mean_claim([0.001, -0.002, 0.0005, 0.0], low=-0.005, high=0.005)
    >>> round(claim.p_inside, 4), claim.p_outside
    (0.0025, 1.0)
    """
    low, high = _region(low, high)
    inside, against = _p_values(lambda end, side: _t_test(values, end, side), low, high)
    return Claim(mean_interval(values, level=level), (low, high), inside, against, label=label)


def equivalence(values: ArrayLike, margin: float, *, label: str = "", level: float = 0.95) -> Claim:
    """Test by two one-sided tests that a mean lies within `margin` of zero; `p_inside` is their p-value.

    Parameters
    ----------
    values : array_like (task, seed) or (seed,)
    margin : float, above 0
        In the unit of `values`.
    label : str
    level : float in (0, 1)

    References
    ----------
    Schuirmann. Journal of Pharmacokinetics and Biopharmaceutics 15(6), 1987.
    """
    margin = real("margin", margin, "a finite number above 0", above=0)
    return mean_claim(values, low=-margin, high=margin, label=label, level=level)


def ratio_claim(
    numerator: ArrayLike,
    denominator: ArrayLike,
    *,
    low: float = -math.inf,
    high: float = math.inf,
    label: str = "",
    names: Sequence[str] = ("numerator", "denominator"),
) -> Claim:
    """Test whether a ratio of paired means lies in a region, and whether its denominator is above zero.

    Given a positive denominator, the ratio exceeds r exactly when ``numerator - r * denominator`` is
    positive. Both are tested, so nothing is divided (Fieller's argument). `names` are the names of the two
    quantities, used where the ratio is undefined.
    """
    low, high = _region(low, high)
    above, below = (np.asarray(values, dtype=float) for values in (numerator, denominator))
    estimate, positive = ratio_interval(above, below, names=names), _t_test(below, 0.0, "greater")
    inside, against = _p_values(lambda end, side: _t_test(above - end * below, 0.0, side), low, high)
    return Claim(estimate, (low, high), max(positive, inside), max(positive, against), label=label)


def linearised_ratio(numerator: ArrayLike, denominator: ArrayLike) -> np.ndarray:
    """One value per unit, ndarray (task,) or (seed,), whose mean is the ratio of means to first order.

    Differences of two ratios on the same task draws are then paired differences of units. The
    approximation needs a denominator many standard errors from zero, which :func:`ratio_claim` tests.
    """
    above, below = replicates(numerator)[0], replicates(denominator)[0]
    ratio = above.mean() / below.mean()
    return ratio + (above - ratio * below) / below.mean()


def proportion_claim(
    successes: int, n: int, *, low: float = 0.0, high: float = 1.0, label: str = "", unit: str = "study"
) -> Claim:
    """Test whether a probability lies in a region, by exact binomial tests.

    Parameters
    ----------
    successes : int in [0, n]
    n : int, at least 1
        Independent trials, each a `unit`.
    low, high : float in [0, 1]
        0 and 1 stand for no bound.
    label, unit : str
    """
    low, high, n = plain(low), plain(high), whole("n", n, "an integer of at least 1", at_least=1)
    successes = whole("successes", successes, f"an integer from 0 to n = {n}", at_least=0, at_most=n)
    if not 0 <= low < high <= 1 or (low, high) == (0, 1):
        raise ValueError(f"low must be below high, both in [0, 1] and not 0 and 1, got ({low!r}, {high!r})")

    def test(end: float, side: str) -> float:
        return float(stats.binomtest(successes, n, end, alternative=side).pvalue)

    inside, against = _p_values(test, low or -math.inf, high if high < 1 else math.inf)
    interval = stats.binomtest(successes, n).proportion_ci(0.95, method="exact")
    estimate = Estimate(successes / n, float(interval.low), float(interval.high), 0.95, unit, n)
    return Claim(estimate, (low, high), inside, against, label=label)


def spread_claim(
    values: ArrayLike, *, low: float = -math.inf, high: float = math.inf, label: str = ""
) -> Claim:
    """Test whether a standard deviation lies in a region.

    The estimate is the standard deviation; its interval is the square root of the variance's interval.

    Raises
    ------
    ValueError
        If an end is negative, the region empty, or fewer than three units are given.

    Examples
    --------
    >>> claim = spread_claim(np.random.default_rng(0).normal(0, 1, 400), low=0.8, high=1.25)
    >>> claim.p_inside < 0.001
    True
    """
    low, high = plain(low), plain(high)
    squares, unit = _squared_deviations(values)
    return _of_roots(mean_claim(squares, **_squared(low, high), label=label), (low, high), unit)


def spread_ratio_claim(
    numerator: ArrayLike, denominator: ArrayLike, *, low: float = -math.inf, high: float = math.inf,
    label: str = "",
) -> Claim:  # fmt: skip
    """Test whether a ratio of two standard deviations, paired by unit, lies in a region."""
    low, high = plain(low), plain(high)
    (above, unit), (below, _) = _squared_deviations(numerator), _squared_deviations(denominator)
    if above.size != below.size:
        raise ValueError(
            f"numerator and denominator must hold as many units each, got {above.size} and {below.size}"
        )
    variances = ratio_claim(above, below, **_squared(low, high), label=label, names=("variance", "variance"))
    return _of_roots(variances, (low, high), unit)


def far_claim(values: ArrayLike, *, by: float, low: float = 0.0, high: float = 1.0, label: str = "") -> Claim:
    """Test the probability that one run lies further than `by` from the mean of all runs.

    The region is one of probabilities; 0 and 1 stand for no bound. The tests are exact binomial tests and
    take the mean of all runs as the population mean.
    """
    by = real("by", by, "a finite number above 0", above=0)
    units, unit = replicates(values)
    far = int((np.abs(units - units.mean()) > by).sum())
    return proportion_claim(far, units.size, low=low, high=high, label=label, unit=unit)


def outside(claim: Claim, label: str = "") -> Claim:
    """The opposite claim: evidence for `claim` is evidence against the returned one."""
    return Claim(claim.estimate, claim.region, claim.p_outside, claim.p_inside, claim.parts, label)


def all_of(claims: Sequence[Claim], label: str = "") -> Claim:
    """The claim that each of `claims` holds (intersection-union; Bonferroni against it)."""
    parts = _parts(claims)
    against = min(1.0, len(parts) * min(part.p_outside for part in parts))
    return Claim(None, _NOWHERE, max(part.p_inside for part in parts), against, parts, label)


def any_of(claims: Sequence[Claim], label: str = "") -> Claim:
    """The claim that at least one of `claims` holds (Bonferroni; intersection-union against it)."""
    parts = _parts(claims)
    in_favour = min(1.0, len(parts) * min(part.p_inside for part in parts))
    return Claim(None, _NOWHERE, in_favour, max(part.p_outside for part in parts), parts, label)


def holm(p_values: Mapping[_Name, float]) -> dict[_Name, float]:
    """Holm's adjusted p-values of a family of tests, by name (Scandinavian J. of Statistics 6(2), 1979).

    Examples
    --------
    >>> {name: round(p, 4) for name, p in holm({"a": 0.01, "b": 0.04, "c": 0.03}).items()}
    {'a': 0.03, 'b': 0.06, 'c': 0.06}
    """
    if not p_values:
        raise ValueError("p_values must hold at least one p-value, got none")
    return dict(
        zip(p_values, map(float, multipletests(list(p_values.values()), method="holm")[1]), strict=True)
    )


def verdicts(claims: Mapping[str, Claim], *, level: float = 0.95) -> dict[str, tuple[str, float]]:
    """Decide a family of claims with one error rate for the whole family.

    Both p-values of every claim enter one Holm correction: with probability `level` no claim is wrongly
    called supported or contradicted.

    Parameters
    ----------
    claims : mapping of name to Claim
    level : float in (0, 1)

    Returns
    -------
    dict of name to (verdict, adjusted p)
        "supported", "contradicted" or "undecided", with the smaller adjusted p-value.
    """
    level = confidence_level(level)
    raw = {(name, "supported"): claim.p_inside for name, claim in claims.items()}
    raw |= {(name, "contradicted"): claim.p_outside for name, claim in claims.items()}
    adjusted = holm(raw)
    pronounced = {}
    for name in claims:
        p, word = min((adjusted[name, word], word) for word in ("supported", "contradicted"))
        pronounced[name] = (word if p <= 1 - level else "undecided", p)
    return pronounced


def _region(low: float, high: float) -> tuple[float, float]:
    low, high = plain(low), plain(high)
    if not low < high or (math.isinf(low) and math.isinf(high)):
        raise ValueError(f"low must be below high and at least one of them finite, got ({low!r}, {high!r})")
    return low, high


def _p_values(test: Callable[[float, str], float], low: float, high: float) -> tuple[float, float]:
    """P-values for and against a region, from a test that a quantity lies on a side of an end."""
    ends = [(low, "greater", "less")] * math.isfinite(low) + [(high, "less", "greater")] * math.isfinite(high)
    against = len(ends) * min(test(end, side) for end, _, side in ends)
    return max(test(end, side) for end, side, _ in ends), min(1.0, against)


def _t_test(values: ArrayLike, end: float, side: str) -> float:
    units, _ = replicates(values)
    if units.size < 2:
        raise ValueError(f"values must hold at least 2 independent units, got {units.size}")
    if np.ptp(units) > _ROUNDING:
        return float(stats.ttest_1samp(units, end, alternative=side).pvalue)
    distance = units[0] - end  # no sampling error: the test is a plain comparison
    return 0.0 if distance and (distance > 0) == (side == "greater") else 1.0


def _squared_deviations(values: ArrayLike) -> tuple[NDArray[np.float64], str]:
    """Squared deviations whose mean is the sample variance, one per unit, and the unit's name."""
    units, unit = replicates(values)
    if units.size < 3:
        raise ValueError(f"values must hold at least 3 independent units, got {units.size}")
    return (units - units.mean()) ** 2 * units.size / (units.size - 1), unit


def _squared(low: float, high: float) -> dict[str, float]:
    """Convert a region of standard deviations to one of variances."""
    for name, end in (("low", low), ("high", high)):
        if math.isfinite(end):
            real(name, end, "a number of at least 0", above=0, closed=True)
    return {"low": low**2 if math.isfinite(low) else low, "high": high**2}


def _of_roots(claim: Claim, region: tuple[float, float], unit: str) -> Claim:
    """Convert a claim about variances, or their ratio, to one about standard deviations."""
    squared = claim.estimate
    assert squared is not None
    value, low, high = (math.sqrt(max(end, 0.0)) for end in (squared.value, squared.low, squared.high))
    return replace(
        claim, estimate=replace(squared, value=value, low=low, high=high, unit=unit), region=region
    )


def _parts(claims: Sequence[Claim]) -> tuple[Claim, ...]:
    if not claims:
        raise ValueError("claims must hold at least one claim, got none")
    return tuple(claims)
