"""The four arms: their names, their order, and what each rewards.

====================  ==========================================================================
arm                   reward of a sampled action
====================  ==========================================================================
``frozen``            none: the policy is not trained
``random``            1 with probability 1/2, whatever the action is
``majority``          1 if it equals the plurality action of its own group
``true``              1 if it is correct
====================  ==========================================================================
"""

from __future__ import annotations

from collections.abc import Iterable

from rlvr._checks import shown

__all__ = ["ARMS", "ARM_CODE", "check_arms"]

ARMS = ("frozen", "random", "majority", "true")
"""Every arm, in the order in which its accuracy enters the total gain."""

ARM_CODE = {arm: code for code, arm in enumerate(ARMS)}
"""The integer that stands for an arm in compiled code."""


def check_arms(arms: Iterable[str]) -> tuple[str, ...]:
    """Return `arms` as a tuple of distinct known names.

    Raises
    ------
    TypeError
        If `arms` is a single string or not iterable.
    ValueError
        If it is empty, repeats an arm or names an unknown one.
    """
    if isinstance(arms, str) or not isinstance(arms, Iterable):
        raise TypeError(f"arms must be a sequence of names out of {ARMS}, got {shown(arms)}")
    named = tuple(arms)
    unknown = [arm for arm in named if arm not in ARMS]
    if unknown or not named or len(set(named)) < len(named):
        problem = f"unknown {shown(unknown)}" if unknown else "no arm" if not named else "an arm twice"
        raise ValueError(f"arms must be distinct names out of {ARMS}, got {problem} in {shown(named)}")
    return named
