"""How an arm's answers were decoded, as far as its logs or its table say.

Greedy decoding takes the likeliest continuation. Its accuracy counts which answer leads, not how probable the
right answer is: where two answers are nearly tied on many items, a small change of the policy changes the
greedy accuracy by many points and the accuracy of sampled answers hardly. So an audit says which arms are
greedy, and refuses to compare arms that are known to have been decoded differently.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from rlvr.arms import ARMS

__all__ = ["DECODINGS", "DIFFER", "decoding_note", "harness_decoding", "inspect_decoding", "unlike"]

DECODINGS = ("greedy", "sampled", "not applicable")
"""What an arm may state; "not applicable" where choices are compared by likelihood, empty if unknown."""

DIFFER = (
    "differ in decoding, so a difference between them is not one of training; arms decoded alike are "
    "accepted: evaluate one of them again as the other was"
)
"""What is said of two arms or logs that :func:`unlike` names."""

_CAVEATS = {
    "greedy": "A greedy accuracy counts only which answer leads, so it can move by many points while the "
    "accuracy of sampled answers stays. To tell, log several samples an item, or the answer's probability",
    "not applicable": "Choices compared by likelihood are not decoded; such an accuracy, too, counts only "
    "which choice leads",
    "": "Whether all arms were decoded alike is not known",
}


def _decoding(settings: Mapping[str, Any]) -> str:
    """From temperature, top_k and do_sample; empty where they are silent or contradict each other."""
    given, sample = settings.get("temperature"), settings.get("do_sample")
    number = given if isinstance(given, (int, float)) and not isinstance(given, bool) else math.nan
    temperature = number if 0 <= number < math.inf else None  # NaN is no temperature either
    if temperature == 0 or settings.get("top_k") == 1:
        return "greedy"
    if sample is False:  # with a temperature above 0, one backend of the harness samples and another does not
        return "greedy" if temperature is None else ""
    return "sampled" if sample is True or temperature else ""


def harness_decoding(arguments: Any) -> str:
    """From the ``arguments`` of a sample that lm-evaluation-harness logged.

    Parameters
    ----------
    arguments : object
        ``{"gen_args_0": {"arg_0": prompt, "arg_1": settings}}`` or, before that, ``[[prompt, settings]]``.
        The settings of a generated answer are a mapping; in their place a compared choice has its text.

    Returns
    -------
    str
        Out of ``DECODINGS``, or empty.

    Examples
    --------
    >>> harness_decoding({"gen_args_0": {"arg_0": "2 + 2 =", "arg_1": {"do_sample": False}}})
    'greedy'
    >>> harness_decoding([["2 + 2 =", " 4"]])
    'not applicable'
    """
    requests = list(arguments.values()) if isinstance(arguments, dict) else arguments
    first = requests[0] if isinstance(requests, list) and requests else None
    settings = first.get("arg_1") if isinstance(first, dict) else None
    if isinstance(first, list) and len(first) > 1:
        settings = first[1]
    if isinstance(settings, str):
        return "not applicable"
    return _decoding(settings) if isinstance(settings, dict) else ""


def inspect_decoding(log: Mapping[str, Any]) -> str:
    """From a log of Inspect: the last ``generate`` of its plan, else the plan's settings, else the model's.

    In Inspect what a task or a call of ``eval`` sets, which the plan holds, wins over the model's own
    settings (seen in the model events of logs by release 0.3.285).

    Examples
    --------
    >>> inspect_decoding({"eval": {"model_generate_config": {"temperature": 0.6}}})
    'sampled'
    """
    plan = _mapping(log.get("plan"))
    steps = plan.get("steps")
    generates = [
        _mapping(step.get("params"))
        for step in (steps if isinstance(steps, list) else ())
        if isinstance(step, dict) and step.get("solver") == "generate"
    ]
    settings: dict[str, Any] = {}
    for given in (_mapping(log.get("eval")).get("model_generate_config"), plan.get("config"), *generates):
        settings |= {name: value for name, value in _mapping(given).items() if value is not None}
    return _decoding({name: settings.get(name) for name in ("temperature", "top_k")})


def _mapping(value: Any) -> dict[str, Any]:
    """The value if it is a mapping; else an empty one, since a log may leave anything out."""
    return value if isinstance(value, dict) else {}


def unlike(words: Mapping[str, str]) -> tuple[str, str] | None:
    """Names of the first two that are known to be decoded differently; None if there are none."""
    known = {name: word for name, word in words.items() if word}
    first = next(iter(known), "")
    return next(((first, name) for name, word in known.items() if word != known[first]), None)


def decoding_note(words: Mapping[str, str]) -> str:
    """Which arms are greedy, sampled or unknown, and what follows from it; empty if no arm says.

    Parameters
    ----------
    words : mapping of arm to its decoding, empty where it is not known

    Examples
    --------
    >>> decoding_note({"true": "sampled", "frozen": ""})
    'decoding: sampled TRUE; not known FROZEN. Whether all arms were decoded alike is not known'
    """
    groups = {
        word: ", ".join(name.upper() for name in ARMS if words.get(name) == word) for word in (*DECODINGS, "")
    }
    if not any(words.values()):
        return ""
    named = "; ".join(f"{word or 'not known'} {names}" for word, names in groups.items() if names)
    return ". ".join([f"decoding: {named}", *(_CAVEATS[word] for word in _CAVEATS if groups[word])])
