"""Format fractions as percentage points for every output of an audit."""

from __future__ import annotations

import math

__all__ = ["points", "set_text"]


def points(value: float, *, signed: bool = True) -> str:
    """Return a fraction as percentage points with one decimal, without a negative zero; "?" for NaN."""
    if math.isnan(value):
        return "?"
    rounded = round(100 * value, 1) + 0.0
    return f"{rounded:+.1f}" if signed and rounded else f"{rounded:.1f}"


def set_text(low: float, high: float) -> str:
    """Return a set of accuracies or differences in points; one number if its ends agree.

    Examples
    --------
    >>> set_text(-0.25, 0.75), set_text(0.077, 0.077)
    ('-25.0 to +75.0', '+7.7')
    """
    return " to ".join(dict.fromkeys((points(low), points(high))))
