"""How the answers of an arm were decoded, as far as its logs or its table state.

Greedy decoding takes the likeliest continuation, so its accuracy counts which answer leads and not how
probable the right answer is. Where two answers are nearly tied on many items, a small change of the policy
changes the greedy accuracy by many points, but the accuracy of sampled answers hardly. An audit therefore
names the greedy arms and refuses to compare arms that were decoded differently.
"""

from __future__ import annotations

from collections.abc import Mapping

from rlvr.arms import ARMS

__all__ = ["DECODINGS", "decoding_note", "different_decodings", "different_temperatures"]

DECODINGS = ("greedy", "sampled", "not applicable")
"""The decodings that an arm may state; "not applicable" where choices are compared by likelihood. An empty
text stands for an unknown decoding."""

_CAVEATS = {
    "greedy": "A greedy accuracy counts only which answer leads, so it can change by many points while the "
    "accuracy of sampled answers does not. Several samples per item, or the answer's probability, show which",
    "not applicable": "Choices compared by likelihood are not decoded; their accuracy also counts only "
    "which choice leads",
    "": "Whether all arms were decoded alike is not known",
}


def different_decodings(decodings: Mapping[str, str], places: Mapping[str, str] | None = None) -> str:
    """Describe two arms or logs that were decoded differently, and the remedy; empty if there are none.

    Parameters
    ----------
    decodings : mapping of name to decoding
        An empty text is an unknown decoding, which agrees with every other.
    places : mapping of name to the place where the decoding was read, optional

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
        f"{named} differ in decoding, so a difference in accuracy may not come from training; arms decoded "
        "alike are accepted: evaluate one of them again with the decoding of the other"
    )


def different_temperatures(temperatures: Mapping[str, float | None]) -> str:
    """Describe two logs sampled at different temperatures, and the remedy; empty if there are none.

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
        f"{named} differ, so a difference in accuracy may not come from training; arms sampled at one "
        "temperature are accepted: evaluate one of them again at the temperature of the other"
    )


def decoding_note(decodings: Mapping[str, str]) -> str:
    """State which arms are greedy, sampled or unknown, and the consequence; empty if none is known.

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
