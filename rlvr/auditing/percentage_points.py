"""Format fractions as percentage points for every output of an audit."""

from __future__ import annotations

__all__ = ["points", "set_text"]

_OTHERWISE = {"+0.0": "0.0", "-0.0": "0.0", "+nan": "?", "nan": "?"}


def points(value: float, *, signed: bool = True) -> str:
    """Return a fraction as percentage points with one decimal, without a negative zero; "?" for NaN."""
    text = f"{100 * value:+.1f}" if signed else f"{100 * value:.1f}"
    return _OTHERWISE.get(text, text)


def set_text(low: float, high: float) -> str:
    """Return a set of accuracies or differences in points; one number if its ends agree.

    Examples
    --------
    >>> set_text(-0.25, 0.75), set_text(0.077, 0.077)
    ('-25.0 to +75.0', '+7.7')
    """
    return " to ".join(dict.fromkeys((points(low), points(high))))
