"""Names of cells that suggest a slip: averages of benchmarks, two spellings, samples counted as questions."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping

from rlvr._checks import shortened

__all__ = ["name_notices", "size_notices"]

_Key = tuple[str, str, str, str]

_AVERAGES = frozenset({
    "avg", "average", "mean", "overall", "total", "aggregate", "aggregated", "all", "macro", "micro",
    "durchschnitt", "mittelwert", "gesamt", "moyenne", "media", "promedio", "平均", "均值",
})  # fmt: skip
_BESIDE = frozenset({
    "weighted", "unweighted", "of", "over", "across", "the", "on", "benchmarks", "benchmark", "tasks", "task",
    "sets", "datasets", "score", "scores", "acc", "accuracy", "math", "reasoning", "code", "coding",
    "general", "n", "id", "ood",
})  # fmt: skip
_OF_SAMPLES = re.compile(r"\b(avg|mean)\s*@\s*(\d+|k\b)|\bof \d+ (samples|runs|seeds)\b")

_QUESTIONS = {
    **dict.fromkeys(("aime24", "aime2024", "aime25", "aime2025"), 30),
    **dict.fromkeys(("gpqadiamond", "gpqad"), 198),
    **dict.fromkeys(("minerva", "minervamath"), 272),
    "amc23": 40, "gsm8k": 1319, "math500": 500,
}  # fmt: skip
"""Questions of test sets that are often answered several times each."""


def size_notices(benchmark: str, n_items: Collection[int]) -> list[str]:
    """Return a notice if a number of items is a multiple of a known benchmark's questions, or another arm's.

    Examples
    --------
    >>> size_notices("MATH-500", [500]), len(size_notices("AIME 2024", [30, 1920]))
    ([], 1)
    """
    known = _QUESTIONS.get(re.sub(r"[\W_]+", "", benchmark).casefold())
    size = known or min(n_items, default=0)
    n = next((n for n in n_items if n > size > 0 and n % size == 0), None)
    if n is None and n_items and min(n_items) < 0.95 * max(n_items):
        named = " and ".join(f"{n:,}" for n in sorted({*n_items}))
        return [f"n_items of the arms differ ({named}), so a difference in accuracy may come from the items"]
    if n is None:
        return []
    stated = f"{shortened(benchmark)} has {size:,} questions" if known else f"n_items of one arm is {size:,}"
    return [
        f"{stated}, and {n:,} is {n // size} times as many; if "
        f"each was answered {n // size} times, n_items {size} and samples_per_item {n // size} give the "
        "interval"
    ]


def _is_average(benchmark: str) -> bool:
    """Whether a benchmark has the name of an average of benchmarks, and not of one of samples."""
    words = {*re.findall(r"[^\W\d_]+", _OF_SAMPLES.sub("", benchmark.lower()))}
    return not words.isdisjoint(_AVERAGES) and words <= _AVERAGES | _BESIDE


def name_notices(arms: Mapping[_Key, Collection[str]]) -> dict[_Key, list[str]]:
    """Return a notice for each cell that averages others or is spelt almost like one with other arms.

    Parameters
    ----------
    arms : mapping of (study, setup, model, benchmark) to the names of its arms
    """
    alike: dict[str, list[_Key]] = {}
    beside: dict[tuple[str, str, str], list[str]] = {}
    for key in arms:
        alike.setdefault(re.sub(r"[\W_]+", "", "\n".join(key)).casefold(), []).append(key)
        beside.setdefault(key[:3], []).append(key[3])
    notices: dict[_Key, list[str]] = {}
    for keys in alike.values():
        for key in keys:
            other = next((one for one in keys if one != key and {*arms[one]}.isdisjoint(arms[key])), None)
            if other:
                own, name = (shortened(" / ".join(filter(None, one))) for one in (key, other))
                notices.setdefault(key, []).append(
                    f"{own} is spelt almost like {name}, which has {', '.join(arms[other])}; arms are "
                    "compared if study, model and benchmark are spelt alike"
                )
    for key in arms:
        others = [name for name in beside[key[:3]] if name != key[3]]
        if len(others) > 1 and _is_average(key[3]):
            notices.setdefault(key, []).append(
                f"{shortened(key[3])} looks like an average of the other benchmarks, which is no further "
                "evidence; its intervals take it for one pool of n_items questions, so they are wrong for a "
                "mean in which benchmarks of different sizes count alike"
            )
    return notices
