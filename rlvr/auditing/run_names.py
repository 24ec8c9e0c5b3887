"""Names of rows that are no training runs: summaries of runs, checkpoints of one run, samples of one run."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

from rlvr.logs.checkpoint_names import is_checkpoint, step_free

__all__ = ["no_runs"]

_MEANS = frozenset({
    "mean", "average", "averages", "averaged", "avg", "median", "std", "stdev", "stddev", "stderr", "sem",
    "variance", "deviation", "summary", "aggregate", "aggregated", "pooled", "ci", "iqr", "quantile",
    "across", "mittelwert", "durchschnitt", "standardabweichung", "moyenne", "ecart", "media", "promedio",
    "平均", "平均值", "均值", "标准差", "方差",
})  # fmt: skip
_EXTREMES = frozenset({
    "sd", "se", "var", "min", "max", "best", "total", "sum", "overall", "all", "count", "range", "spread",
    "delta", "difference", "lower", "upper", "ensemble", "combined",
})  # fmt: skip
"""Words that with a number may name a run (max1), and without one do not."""
_BESIDE = frozenset({
    "seed", "seeds", "run", "runs", "dev", "err", "error", "standard", "type", "low", "high", "bound", "n",
    "score", "accuracy", "acc", "macro", "row", "of", "over", "from", "the", "confidence", "interval",
})  # fmt: skip
_COUNTING = frozenset({"of", "over", "across"})
_SIGNS = frozenset({"μ", "σ", "ø", "∅", "δ", "±", "μ ± σ", "μ±σ"})
_QUANTILE = re.compile(r"[pq]\d{1,2}", re.IGNORECASE)

_STAGES = frozenset({"final", "last", "latest", "best", "initial", "init", "first", "middle", "end"})
_PROGRESS = re.compile(
    r"(?<![a-z])(it|batch|episode)[-_=. ]?\d+k?$|(?<![a-z])t=\d+(\.\d+)?$|@ ?\d+k?$|(?<![\w.])\d+(\.\d+)? ?%$"
    r"|(after )?(?<![\w.])\d+k? (steps?|iters?|iterations?|updates?|epochs?|batches|episodes)(?![a-z])",
    re.IGNORECASE,
)
_SAMPLE = re.compile(r"(sample|rollout|completion|response|generation)s?[-_=#. ]?\d+", re.IGNORECASE)


def no_runs(names: Iterable[str]) -> tuple[str, list[str]]:
    """Return what the names of several runs show them to be, and those names; empty if they may be runs.

    Examples
    --------
    >>> no_runs(["0", "1", "mean (n=2)"])
    ('a summary of runs and no run', ['mean (n=2)'])
    >>> no_runs(["seed1-step100", "seed1-step200", "seed2-step200"])[1]
    ['seed1-step100', 'seed1-step200']
    >>> no_runs(["max1", "max2"]), no_runs(["p1", "p2"])
    (('', []), ('', []))
    """
    distinct = sorted(filter(None, {*names}))
    if len(distinct) < 2:
        return "", []
    counted = {f"{letter}{n + 1}" for letter in "pq" for n in range(len(distinct))}
    if not counted.issuperset(map(str.lower, distinct)) and (summaries := [*filter(_is_summary, distinct)]):
        return "a summary of runs and no run", summaries
    of_run: dict[str, list[str]] = {}
    for name in distinct:
        if (without := _step_free(name)) != name:
            of_run.setdefault(without, []).append(name)
    for same in of_run.values():
        if len(same) > 1:
            return "checkpoints of one run, which are no runs", same
    if len(steps := [name for name in distinct if is_checkpoint(name)]) > 1:
        return "checkpoints of one run, which are no runs", steps
    if all(map(_SAMPLE.fullmatch, distinct)):
        return "samples of one run, which are no runs", distinct
    return "", []


def _step_free(name: str) -> str:
    """Replace by * what a name says about the progress of training."""
    if name.strip().lower() in _STAGES:
        return "*"
    return step_free(_PROGRESS.sub("*", name))


def _is_summary(name: str) -> bool:
    """Whether a run has the name of a summary of runs, as the last lines of a spreadsheet have."""
    letters = unicodedata.normalize("NFKD", name.lower())
    plain = "".join(letter for letter in letters if not unicodedata.combining(letter)).strip()
    if plain in _SIGNS or (plain == "x" and letters != plain) or _QUANTILE.fullmatch(plain):
        return True
    words = {*re.findall(r"[^\W\d_]+", re.sub("standard.error", "stderr", plain))}
    if words.isdisjoint(_MEANS | _EXTREMES) or not words <= _MEANS | _EXTREMES | _BESIDE:
        return False
    return bool(words & (_MEANS | _COUNTING)) or not re.search(r"\d", plain)
