"""Links from a measured spread or a repeated arm to its rows on the page of sources."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import pandas as pd

from book.source_links import escape
from rlvr._checks import counted
from rlvr.planning.repeated_arms import RECIPE, load_repeated_arms

__all__ = ["STUDIES", "repeated_anchor", "repeated_link", "repeated_source_page", "study_name"]

STUDIES = {
    "shao2026spurious": "Spurious Rewards",
    "thuvesen2026grpodecomp": "grpo-decomp",
    "thuvesen2026esme": "esme-posttrain",
    "chaudhry2026rlordata": "rl-or-data",
    "whileai2026softmax": "whileai-sdk, softmax advantage",
    "whileai2026clip": "whileai-sdk, adaptive clip",
    "jin2026archer": "ArcherCodeR",
    "oertell2025heuristics": "Heuristics Considered Harmful",
    "vakada2026labelfree": "arXiv 2609.18587",
    "arvind2026tinker": "tinker-rl-lab",
    "sunshine2026dynamics": "nips-grpo-dynamics",
    "dlwbm2026medical": "CRL-Medical-MLLM",
    "wan2026ppogrpo": "ppo-vs-grpo-math-rlvr",
    "yashb2026scratch": "BuildFromScratch",
    "lukas2026connections": "connections-rl",
}
"""Short names of the sources of repeated arms."""

_PLACE = ["study", "setup", "model", "benchmark", "metric"]
_REPEATS_ANCHOR = "repeated-arms"


def study_name(study: str) -> str:
    """The short name of a source, or its key where it has none."""
    return STUDIES.get(study, study)


def repeated_anchor(place: Mapping[str, Any]) -> str:
    """Anchor on the page of sources for the arms of one study, setup, model, benchmark and metric."""
    if place["study"] == "shao2026spurious":
        return _REPEATS_ANCHOR  # its repeats are in another file, named there
    words = " ".join(str(place[name]) for name in _PLACE)
    return "rep-" + re.sub(r"[^a-z0-9]+", "-", words.lower()).strip("-")


def repeated_link(place: Mapping[str, Any], text: str | None = None) -> str:
    """A link to these arms, with the source's short name as default text."""
    return f"[{escape(text or study_name(str(place['study'])))}](#{repeated_anchor(place)})"


def repeated_source_page() -> str:
    """All repeated arms, run by run, grouped by source: the numbers, where each was read, and the recipe."""
    parts = []
    for study, rows in load_repeated_arms().groupby("study", sort=False):
        parts.append(f"### {escape(study_name(str(study)))}\n")
        for names, cells in rows.groupby(_PLACE, sort=False):
            place = dict(zip(_PLACE, names, strict=True))
            title = escape(f"{place['model']}, {place['benchmark']}, {place['setup']}, {place['metric']}")
            lines = [_arm_line(str(arm), runs) for arm, runs in cells.groupby("arm", sort=False)]
            opening = f"({repeated_anchor(place)})=\n:::{{dropdown}} {title}\n:class-container: source-row\n"
            parts.append("\n".join([opening, *lines, ":::\n"]))
    return "\n".join(parts)


def _arm_line(arm: str, runs: pd.DataFrame) -> str:
    first = runs.iloc[0]
    values = ", ".join(f"{value:.2f}" for value in runs.accuracy_percent)
    rows = ", ".join(str(number + 2) for number in runs.index)  # the header is line 1
    stated = {name: first[name] for name in RECIPE if first[name] != "" and not pd.isna(first[name])}
    recipe = [
        f"{name.replace('_', ' ')} {value:g}" if isinstance(value, float) else value
        for name, value in stated.items()
    ]
    spread = "" if pd.isna(first.run_sd) else f"mean of {int(first.n_runs)} runs, sd {first.run_sd:g} points"
    parts = [
        spread,
        "" if pd.isna(first.n_items) else counted(int(first.n_items), "item"),
        "" if first.comparable == "strict" else "nearly comparable",
        ", ".join(recipe),
        f"line{'s' if len(runs) > 1 else ''} {rows} of repeated_arms.csv",
        first.source_where + (f" at {first.commit}" if first.commit else ""),
        first["read"],
        first.note,
    ]
    return f"- {arm.upper()} **{values}%**; {escape('; '.join(filter(None, parts)))}"
