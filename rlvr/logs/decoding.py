"""How an arm's answers were decoded, as far as its logs or its table say.

Greedy decoding takes the likeliest continuation. Its accuracy counts which answer leads, not how probable the
right answer is: where two answers are nearly tied on many items, a small change of the policy changes the
greedy accuracy by many points and the accuracy of sampled answers hardly. So an audit says which arms are
greedy, and refuses to compare arms that are known to have been decoded differently.
"""

from __future__ import annotations

from collections.abc import Mapping

from rlvr.arms import ARMS

__all__ = ["DECODINGS", "decoding_note", "different_decodings", "different_temperatures"]

DECODINGS = ("greedy", "sampled", "not applicable")
"""What an arm may state; "not applicable" where choices are compared by likelihood, empty if unknown."""

_CAVEATS = {
    "greedy": "A greedy accuracy counts only which answer leads, so it can move by many points while the "
    "accuracy of sampled answers stays. To tell, log several samples an item, or the answer's probability",
    "not applicable": "Choices compared by likelihood are not decoded; such an accuracy, too, counts only "
    "which choice leads",
    "": "Whether all arms were decoded alike is not known",
}


def different_decodings(decodings: Mapping[str, str], places: Mapping[str, str] | None = None) -> str:
    """Of two arms or logs that are known to be decoded differently: which, and what to do; else empty.

    Parameters
    ----------
    decodings : mapping of name to decoding
        Empty where it is not known, which differs from nothing.
    places : mapping of name to where it was read, optional

    Examples
    --------
    >>> different_decodings({"frozen": "", "random": "greedy", "true": "sampled"})[:60]
    'random (greedy) and true (sampled) differ in decoding, so a '
    """
    known = {name: decoding for name, decoding in decodings.items() if decoding}
    first = next(iter(known), "")
    other = next((name for name, decoding in known.items() if decoding != known[first]), None)
    if other is None:
        return ""
    named = " and ".join(
        f"{name} ({'; '.join(filter(None, (known[name], (places or {}).get(name))))})"
        for name in (first, other)
    )
    return (
        f"{named} differ in decoding, so a difference between them is not one of training; arms decoded "
        "alike are accepted: evaluate one of them again as the other was"
    )


def different_temperatures(temperatures: Mapping[str, float | None]) -> str:
    """Of two logs that were sampled at temperatures known to differ: which, and what to do; else empty.

    Examples
    --------
    >>> different_temperatures({"frozen": None, "random": 0.6, "true": 1.0})[:56]
    'random (temperature 0.6) and true (temperature 1) differ'
    """
    known = {name: degree for name, degree in temperatures.items() if degree is not None}
    first = next(iter(known), "")
    other = next((name for name, degree in known.items() if degree != known[first]), None)
    if other is None:
        return ""
    named = " and ".join(f"{name} (temperature {known[name]:g})" for name in (first, other))
    return (
        f"{named} differ, so a difference between them is not one of training; arms sampled at one "
        "temperature are accepted: evaluate one of them again as the other was"
    )


def decoding_note(decodings: Mapping[str, str]) -> str:
    """Which arms are greedy, sampled or unknown, and what follows from it; empty if no arm says.

    Examples
    --------
    >>> decoding_note({"true": "sampled", "frozen": ""})
    'decoding: sampled TRUE; not known FROZEN. Whether all arms were decoded alike is not known'
    """
    if not any(decodings.values()):
        return ""
    groups = {
        decoding: ", ".join(name.upper() for name in ARMS if decodings.get(name) == decoding)
        for decoding in (*DECODINGS, "")
    }
    arms = "; ".join(f"{decoding or 'not known'} {names}" for decoding, names in groups.items() if names)
    return ". ".join(
        [f"decoding: {arms}", *(_CAVEATS[decoding] for decoding in _CAVEATS if groups[decoding])]
    )
