"""Terms of pass@k from logs with several samples per item: a simultaneous band, and sign changes.

This module turns the counts of a log table into terms and their texts; the formulas are in
:mod:`rlvr.stats.pass_at_k_bands`. Arms that answered the same items are paired item by item. The runs of an
arm are averaged item by item; the logs of FROZEN are samples of one model. The band resamples items, not
training runs.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from rlvr._checks import confidence_level, counted, shortened, shown
from rlvr.arms import ARMS
from rlvr.auditing.percentage_points import points
from rlvr.decomposition import TERMS
from rlvr.stats.estimates import Estimate
from rlvr.stats.pass_at_k_bands import (
    SignChange,
    pass_at_k_curve,
    pass_at_k_of_items,
    sign_changes,
    simultaneous_band,
)

if TYPE_CHECKING:
    import pandas as pd

    from rlvr.logs.runs import LogTable

__all__ = [
    "PassAtK", "change_text", "ks_from", "pass_at_k_paragraph", "term_rows", "terms_at_k", "to_json",
    "written_notes",
]  # fmt: skip

_MOST_KS = 100


@dataclass(frozen=True)
class PassAtK:
    """The terms of one cell at several k.

    Attributes
    ----------
    ks : tuple of int
        Increasing.
    arms : dict of arm to tuple of float
        Unbiased pass@k at each k, averaged over items and runs.
    terms : dict of term to tuple of Estimate
        Each term at each k; the intervals form one simultaneous band. Terms with a missing arm are left out.
    changes : dict of term to tuple of SignChange
        Where the estimate changes sign between the smallest and the largest k.
    critical : float
        Half-width of the band in standard errors; NaN without a band.
    n_items, n_runs : dict of arm to int
    n_samples : dict of arm to (fewest, most)
        Samples of an item in one run.
    paired : bool
        Whether the arms share their items.
    level : float
    notes : tuple of str
        What the numbers do not cover, and doubts raised by the logs.
    """

    ks: tuple[int, ...]
    arms: Mapping[str, tuple[float, ...]]
    terms: Mapping[str, tuple[Estimate, ...]]
    changes: Mapping[str, tuple[SignChange, ...]]
    critical: float
    n_items: Mapping[str, int]
    n_runs: Mapping[str, int]
    n_samples: Mapping[str, tuple[int, int]]
    paired: bool
    level: float
    notes: tuple[str, ...]


def ks_from(text: str) -> tuple[int, ...]:
    """Return the values of k in an option such as ``1,8,64``, increasing and each once.

    Examples
    --------
    >>> ks_from("64, 1,8,8")
    (1, 8, 64)
    """
    accepted = "whole numbers from 1 with commas between them, such as 1,8,64, are accepted"
    parts = [part.strip() for part in text.split(",")]
    for part in parts:
        if not re.fullmatch(r"0*[1-9][0-9]{0,8}", part):
            raise ValueError(f"--pass-at {shortened(text)}: {shown(part)} is not a valid k; {accepted}")
    ks = tuple(sorted({int(part) for part in parts}))
    if len(ks) > _MOST_KS:
        raise ValueError(f"--pass-at: {len(ks)} values of k; at most {_MOST_KS} are accepted")
    return ks


def terms_at_k(logs: LogTable, ks: Sequence[int], *, level: float = 0.95) -> dict[str, PassAtK]:
    """Return the terms of every benchmark of some logs at each k.

    Parameters
    ----------
    logs : LogTable
        The result of :func:`rlvr.logs.read_logs`; missing arms are allowed.
    ks : sequence of int
        Increasing, each at least 1 and at most the samples of every item.
    level : float in (0, 1)
        Level of the simultaneous band.

    Raises
    ------
    LogError
        If items are in clusters, an item has fewer samples than the largest k, an arm was decoded greedily
        and k is above 1, or a score is neither right nor wrong. The message names the arm, the number of
        items and what is accepted.
    """
    level = confidence_level(level)
    if "cluster" in logs.table:
        from rlvr.logs.answers import LogError

        n_clusters = counted(logs.table["cluster"].nunique(), "cluster")
        raise LogError(
            f"--pass-at: the items of these logs stand in {n_clusters} of variants of one question, and its "
            "band resamples items as independent ones; without --pass-at the audit resamples clusters, and "
            "without the field cluster each item counts as independent"
        )
    columns = [name for name in ("benchmark", "arm", "run", "item", "decoding") if name in logs.table]
    counts = logs.table[columns].assign(n_samples=logs.n_samples, n_right=logs.n_right)
    return {
        str(name): _cell_at_k(str(name), cell, tuple(ks), level)
        for name, cell in counts.groupby("benchmark", sort=False, observed=True)
    }


def _cell_at_k(benchmark: str, rows: pd.DataFrame, ks: tuple[int, ...], level: float) -> PassAtK:
    present = [arm for arm in ARMS if (rows["arm"] == arm).any()]
    samples, right, items, notes = {}, {}, {}, []
    for arm in present:
        own = rows[rows["arm"] == arm]
        runs = [run for _, run in own.groupby("run", sort=False, observed=True)]
        items[arm] = np.asarray(runs[0]["item"], dtype=object)
        samples[arm], right[arm] = (
            np.stack([run[name].to_numpy() for run in runs]) for name in ("n_samples", "n_right")
        )
        decodings = set(own["decoding"].unique()) if "decoding" in own else set()
        _refuse(f"{benchmark}: {arm}", samples[arm], right[arm], items[arm], ks, decodings)
        if len(runs) > 1:
            notes.append(f"{arm.upper()} is the mean of {len(runs)} runs")
        agree = (right[arm] == 0) | (right[arm] == samples[arm])
        if ks[-1] > 1 and agree.all():
            notes.append(
                f"{arm.upper()}: the samples of every item are all right or all wrong, so its pass@k is its "
                "pass@1; greedy samples look like that"
            )
    paired = all(np.array_equal(items[arm], items[present[0]]) for arm in present)
    values = {arm: pass_at_k_of_items(right[arm], samples[arm], ks).mean(axis=0) for arm in present}
    pairs = {term: pair for term, pair in TERMS.items() if set(pair) <= set(present)}
    terms, changes, critical = _terms(values, pairs, ks, paired, level)
    if pairs and ks[-1] > 1:
        curves = {arm: pass_at_k_curve(right[arm], samples[arm], ks[-1])[ks[0] - 1 :] for arm in present}
        for term, (arm, base) in pairs.items():
            ends = ([getattr(point, end) for point in terms[term]] for end in ("low", "high"))
            changes[term] = sign_changes(curves[arm] - curves[base], ks, *ends)
    if missing := [arm.upper() for arm in ARMS if arm not in present]:
        notes.append(f"{', '.join(missing)} missing: terms that need this arm have no value")
    return PassAtK(
        ks=ks,
        arms={arm: tuple(map(float, values[arm].mean(axis=0))) for arm in present},
        terms=terms,
        changes=changes,
        critical=critical,
        n_items={arm: len(items[arm]) for arm in present},
        n_runs={arm: len(samples[arm]) for arm in present},
        n_samples={arm: (int(samples[arm].min()), int(samples[arm].max())) for arm in present},
        paired=paired,
        level=level,
        notes=tuple(notes),
    )


def _refuse(
    where: str,
    samples: NDArray[np.int64],
    right: NDArray[np.int64],
    items: NDArray[np.object_],
    ks: tuple[int, ...],
    decodings: set[str],
) -> None:
    """Refuse an arm whose counts (run, item) do not determine pass@k."""
    from rlvr.logs.answers import LogError  # imported here because the audit of a table reads no logs

    partial, n_items = (right < 0).any(axis=0), len(items)
    if partial.any():
        raise LogError(
            f"{where}: {int(partial.sum())} of {counted(n_items, 'item')} have a sample that is neither "
            f"right nor wrong; the first is {shortened(items[partial.argmax()], 60)}; for --pass-at a metric "
            "of 0 and 1 for each sample is accepted (--metric names another)"
        )
    if ks[-1] == 1:
        return
    if alike := decodings & {"greedy", "not applicable"}:
        how = "decoded greedily" if "greedy" in alike else "not sampled but compared by likelihood"
        raise LogError(
            f"{where}: its answers were {how}, so repeated samples are no independent tries and only "
            f"--pass-at 1 is accepted, got k = {ks[-1]}; evaluate every arm with samples at a temperature "
            "above 0"
        )
    fewest = samples.min(axis=0)
    few = fewest < ks[-1]
    if few.any():
        least = int(fewest.min())
        several = f" in one of {len(samples)} runs" if len(samples) > 1 else ""
        raise LogError(
            f"{where}: {int(few.sum())} of {counted(n_items, 'item')} have fewer than k = {ks[-1]} "
            f"samples{several}, the fewest {least} (item {shortened(items[fewest.argmin()], 60)}); pass@k "
            f"needs at least k samples of every item, so --pass-at with k of at most {least} is accepted"
        )


def _terms(
    values: Mapping[str, NDArray[np.float64]],
    pairs: Mapping[str, tuple[str, str]],
    ks: tuple[int, ...],
    paired: bool,
    level: float,
) -> tuple[dict[str, tuple[Estimate, ...]], dict[str, tuple[SignChange, ...]], float]:
    """Return every term at every k with its part of the band."""
    changes: dict[str, tuple[SignChange, ...]] = {term: () for term in pairs}
    if not pairs:
        return {}, changes, float("nan")
    n = min(map(len, values.values()))
    if n < 2:
        means = {arm: value.mean(axis=0) for arm, value in values.items()}
        reason = "a band needs two items"
        terms = {
            term: tuple(
                Estimate(float(end - start), level=level, unit="item", n=n, reason=reason)
                for end, start in zip(means[arm], means[base], strict=True)
            )
            for term, (arm, base) in pairs.items()
        }
        return terms, changes, float("nan")
    names = list(values)
    contrasts = [[float(name == arm) - float(name == base) for name in names] for arm, base in pairs.values()]
    band = simultaneous_band(list(values.values()), contrasts, paired=paired, level=level)
    ends = zip(pairs, band.value.tolist(), band.low.tolist(), band.high.tolist(), strict=True)
    terms = {
        term: tuple(
            Estimate(value, low, high, level, "item", n)
            for value, low, high in zip(middle, below, above, strict=True)
        )
        for term, middle, below, above in ends
    }
    return terms, changes, band.critical


def term_rows(at_k: PassAtK) -> list[tuple[str, list[str]]]:
    """Return arms and then terms, each with its texts in points at every k."""

    def text(term: Estimate) -> str:
        ends = "" if np.isnan(term.low) else f" [{points(term.low)}, {points(term.high)}]"
        return points(term.value) + ends

    arms = [(arm.upper(), [points(value, signed=False) for value in row]) for arm, row in at_k.arms.items()]
    return arms + [(name.replace("_", " "), [*map(text, row)]) for name, row in at_k.terms.items()]


def change_text(at_k: PassAtK) -> list[str]:
    """Return one sentence for each term that changes sign, with at most the first three changes."""
    sentences = []
    for name, changes in at_k.changes.items():
        if not changes:
            continue
        each = ", ".join(
            f"from {'minus to plus' if change.rises else 'plus to minus'} at k = {change.first} "
            f"(the band excludes 0 {_sides(change)})"
            for change in changes[:3]
        )
        more = f", and {len(changes) - 3} times more" if len(changes) > 3 else ""
        sentences.append(f"{name.replace('_', ' ')} changes sign {each}{more}")
    return sentences


def _sides(change: SignChange) -> str:
    if change.shown_before and change.shown_after:
        return "on both sides"
    if change.shown_before or change.shown_after:
        return "only before" if change.shown_before else "only after"
    return "on neither side"


def written_notes(at_k: PassAtK) -> list[str]:
    """Return a statement of what the band covers, and the notes of the cell."""
    covers = (
        f"the {100 * at_k.level:g}% band holds for {_at(at_k)} and every term at once; it resamples "
        f"{'items, paired across arms' if at_k.paired else 'the items of each arm apart'}, not training runs"
    )
    return [*([covers] if np.isfinite(at_k.critical) else []), *at_k.notes]


def _at(at_k: PassAtK) -> str:
    ks = [f"{k:,}" for k in at_k.ks]
    return f"k = {ks[0]}" if len(ks) == 1 else f"k = {', '.join(ks[:-1])} and {ks[-1]}"


def pass_at_k_paragraph(at_k: PassAtK) -> str:
    """Return a paragraph for a paper: how pass@k was estimated, and each term at the first and last k."""
    sizes = sorted({*at_k.n_items.values()})
    samples = [n for pair in at_k.n_samples.values() for n in pair]
    n_samples = counted(max(samples), "sample")
    if min(samples) < max(samples):
        n_samples = f"{min(samples)} to {n_samples}"
    runs = {arm.upper(): n for arm, n in at_k.n_runs.items() if n > 1}
    sentences = [
        f"We estimated pass@k at {_at(at_k)} from {n_samples} of each of "
        f"{' or '.join(map(str, sizes))} items an arm with the unbiased estimator of Chen et al. (2021), "
        "and split the gain into its terms at each k"
    ]
    if runs:
        averaged = ", ".join(f"{n} of {arm}" for arm, n in runs.items())
        sentences.append(f"Training runs were averaged item by item ({averaged})")
    if np.isfinite(at_k.critical):
        sentences.append(
            f"The {100 * at_k.level:g}% bands are simultaneous over these k and "
            f"{counted(len(at_k.terms), 'term')}: Gaussian multipliers on items"
            f"{', which the arms share' if at_k.paired else ' of each arm apart'}, the largest studentised "
            "deviation with Student's degrees of freedom, and errors with two added items (Agresti and "
            "Min, 2005; Agresti and Caffo, 2000). They cover other items of this kind, "
            "not other training runs"
        )
    rows = dict(term_rows(at_k))
    for name in at_k.terms:
        texts = rows[name.replace("_", " ")]
        first = f"{texts[0]} points at k = {at_k.ks[0]:,}"
        last = f" and {texts[-1]} at k = {at_k.ks[-1]:,}" if len(texts) > 1 else ""
        sentences.append(f"{name.replace('_', ' ').capitalize()} is {first}{last}")
    sentences += [text[0].upper() + text[1:] for text in change_text(at_k)]
    return ". ".join(sentences) + "."


def to_json(at_k: PassAtK) -> dict[str, Any]:
    """Convert for JSON, with numbers as fractions and None for undefined ones."""

    def finite(value: float) -> float | None:
        return value if np.isfinite(value) else None

    terms = {
        name: [
            {"k": k, **{end: finite(getattr(term, end)) for end in ("value", "low", "high")}}
            for k, term in zip(at_k.ks, row, strict=True)
        ]
        for name, row in at_k.terms.items()
    }
    return {
        "ks": list(at_k.ks),
        "level": at_k.level,
        "critical": finite(at_k.critical),
        "paired": at_k.paired,
        "arms": {
            arm: {
                "pass_at_k": list(values),
                "n_items": at_k.n_items[arm],
                "n_runs": at_k.n_runs[arm],
                "fewest_samples": at_k.n_samples[arm][0],
                "most_samples": at_k.n_samples[arm][1],
            }
            for arm, values in at_k.arms.items()
        },
        "terms": terms,
        "sign_changes": {name: [asdict(change) for change in row] for name, row in at_k.changes.items()},
        "notes": written_notes(at_k),
        "paragraph": pass_at_k_paragraph(at_k),
    }
