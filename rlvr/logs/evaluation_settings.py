"""Settings of an evaluation in which compared arms should agree, and their comparison across logs."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cache

from rlvr._checks import shortened

__all__ = ["different_settings", "is_setting"]

_SETTING_WORDS = frozenset({
    "fewshot", "shot", "shots", "template", "prompt", "grader", "judge", "scorer", "verifier", "filter",
    "split", "subset", "language", "lang", "backbone", "backend", "evaluator", "harness", "parser",
    "extractor", "dtype", "precision", "quantization", "difficulty", "level", "category", "domain", "subject",
    "algo", "algorithm", "limit", "lr", "sampling", "temperature", "mode", "revision",
})  # fmt: skip
_PATTERN = re.compile(
    r"size|model_size|params|n_params|top_[pk]|metric|learning_rate"
    r"|(max|num|n)_(new_|gen_|model_)?(tokens?|toks|length|len)"
)
_MEASURED = frozenset({
    "time", "timing", "runtime", "latency", "duration", "seconds", "minutes", "cost", "tokens", "length",
    "len", "mean", "std", "ratio", "loss", "score", "difference", "throughput",
})  # fmt: skip
"""Words that beside one of a setting name what was measured, such as the length of the prompts."""


@cache
def is_setting(name: str) -> bool:
    """Whether a field or column, in lower case with underscores, states a setting of the evaluation.

    Examples
    --------
    >>> is_setting("max_new_tokens"), is_setting("prompt_template"), is_setting("minutes")
    (True, True, False)
    >>> is_setting("prompt_length/mean"), is_setting("max_prompt_length")
    (False, True)
    """
    words = re.findall(r"[a-z]+", name)
    measured = "max" not in words and not _MEASURED.isdisjoint(words)
    stated = not measured and not _SETTING_WORDS.isdisjoint(words)
    return stated or _PATTERN.fullmatch(name) is not None


def different_settings(logs: Iterable[tuple[str, Mapping[str, str]]]) -> Iterator[str]:
    """Say in which settings logs of several arms differ.

    Parameters
    ----------
    logs : iterable of (arm, mapping of setting to value)

    Examples
    --------
    >>> next(different_settings([("frozen", {"max_tokens": "9"}), ("true", {"max_tokens": "8"})]))[:44]
    'the logs differ in max_tokens (frozen 9, tru'
    """
    found: dict[str, dict[str, list[str]]] = {}
    for arm, settings in logs:
        for name, value in settings.items():
            values = found.setdefault(name, {}).setdefault(arm, [])
            if value not in values:
                values.append(value)
    for name, by_arm in found.items():
        if len({value for values in by_arm.values() for value in values}) > 1:
            named = ", ".join(f"{arm} {shortened(' and '.join(of), 60)}" for arm, of in by_arm.items())
            yield (
                f"the logs differ in {name} ({named}), so a difference in accuracy may come from the "
                "evaluation and not from training"
            )
