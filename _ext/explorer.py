"""Sphinx extension: the directive ``{explorer}``, an interactive figure and an audit form.

The page's data are two stored grids of settings, written into the page as JSON when the book is built.
Scripts are in ``explorer_page``, because Sphinx would add every script of ``_static`` to every page.
"""

from __future__ import annotations

import json
import math
import re
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

if TYPE_CHECKING:
    from pandas import DataFrame

SOURCE = Path(__file__).parent / "explorer_page"
SCRIPTS = (
    "vendor/d3.min.js",
    "vendor/plot.umd.min.js",
    "audit_rules.js",
    "page_state.js",
    "arms_table.js",
    "view_tools.js",
    "term_figures.js",
    "settings_figure.js",
    "sharing_figure.js",
    "audit_form.js",
)
SCALE = 1_000_000
MOST_RUNS = 200
_EXAMPLE = ("shao2026spurious", "training curves", "Qwen2.5-Math-7B", "MATH-500")


def _whole(table: DataFrame) -> dict[str, list[int | None]]:
    """A table's columns as whole numbers of 1 / SCALE, with empty cells as None."""
    return {
        column: [None if math.isnan(value) else round(value * SCALE) for value in table[column]]
        for column in table
    }


def _range(table: DataFrame) -> list[float]:
    """Range in tenths that holds every term, and one standard deviation of a run where it is stored."""
    from rlvr.decomposition import PARTS, TERMS

    low, high = [], []
    for part in PARTS:
        arm, base = TERMS[part]
        term, sd = table[arm] - table[base], table.get(f"{part}_sd", 0.0)
        low.append((term - sd).min())
        high.append((term + sd).max())
    return [math.floor(10 * min(low)) / 10, math.ceil(10 * max(high)) / 10]


def sharing_data() -> dict[str, Any]:
    """Data of the second tab: its grid, its axes, and the names of its settings."""
    from rlvr.experiments.grids import CLIP, LEARNING_RATES, MIXES, N_RUNS, SHARING_AXES, stored_sharing

    names = {
        "better": "the better one leads",
        "worse": "the worse one leads",
        "undecided": "even, the vote a toss-up",
    }
    steps = {"adam": "Adam", "sgd": "plain gradient steps"}
    table = stored_sharing()
    return {
        "axes": {axis: list(values) for axis, values in SHARING_AXES.items()},
        "grid": _whole(table),
        "mixes": {
            mix: {
                "name": names[mix],
                "numbers": "right at {:g} and {:g}, shares {:g} and {:g}".format(
                    *strategies["accuracies"], *strategies["shares"]
                ),
            }
            for mix, strategies in MIXES.items()
        },
        "optimizers": {name: f"{steps[name]}, rate {rate:g}" for name, rate in LEARNING_RATES.items()},
        "n_runs": dict(N_RUNS),
        "clip": [1 - CLIP[0], 1 + CLIP[1]],
        "term_range": _range(table),
    }


def published_cells() -> list[tuple[str, dict[str, list[float | None]]]]:
    """Name of each published comparison, and percent and number of questions of its arms."""
    from book.published_comparisons import comparison_name, published_comparisons

    return [
        (
            comparison_name(audited),
            {name: [round(100 * arm.accuracy, 10), arm.n_items] for name, arm in audited.cell.arms.items()},
        )
        for audited in published_comparisons()
    ]


def page_data() -> dict[str, Any]:
    """What the page's scripts read: two grids, their axes, colours, published cells, an example."""
    from scipy import stats

    from book.published_tables import published_arms
    from rlvr.auditing.tables import ARM_NAMES
    from rlvr.experiments.grids import SETTINGS_AXES, stored_settings
    from rlvr.plots import TERM_COLOURS
    from rlvr.simulator import LIGHT, TaskFamily

    table = stored_settings()
    arms = published_arms().set_index(["study", "setup", "model", "benchmark"]).loc[_EXAMPLE]
    return {
        "axes": {axis: list(values) for axis, values in SETTINGS_AXES.items()},
        "grid": _whole(table),
        "scale": SCALE,
        "visits_per_step": LIGHT.batch_size / TaskFamily().n_prompts,
        "term_range": _range(table),
        "sharing": sharing_data(),
        "colours": {term: f"var(--term-{term})" for term in TERM_COLOURS} | {"naive": "currentColor"},
        "arm_names": dict(ARM_NAMES),
        "published": published_cells(),
        "t_quantiles": stats.t.ppf(0.975, range(1, MOST_RUNS)).tolist(),
        "example": {
            row.arm: [row.accuracy_percent, row.n_items] for row in arms.itertuples() if row.role == "arm"
        },
    }


class Explorer(SphinxDirective):
    """Directive ``{explorer}``: the page's controls, figures and data."""

    def run(self) -> list[nodes.Node]:
        """Return the page as raw HTML, or nothing for other output formats."""
        data = json.dumps(page_data(), separators=(",", ":"), allow_nan=False)
        page, tools = ((SOURCE / f"{name}.html").read_text("utf-8") for name in ("explorer", "view_tools"))
        page = re.sub(r"@TOOLS (\w+)@\n", lambda tab: tools.replace("@TAB@", tab[1]), page)
        page = page.replace("@DATA@", data)
        for name in ("settings_grid.csv", "sharing_grid.csv", "arms.csv"):
            self.env.note_dependency(str(SOURCE.parent.parent / "rlvr" / "data" / name))
        return [nodes.raw("", page, format="html")]


def _add_scripts(app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: object) -> None:
    """Load the scripts on pages with an explorer only."""
    if 'id="explorer-data"' in context.get("body", ""):
        app.add_css_file("explorer/explorer.css")
        for script in SCRIPTS:
            app.add_js_file(f"explorer/{script}", loading_method="defer")


def _copy(app: Sphinx) -> None:
    if app.builder.format == "html":
        target = Path(app.outdir) / "_static" / "explorer"
        shutil.copytree(SOURCE, target, dirs_exist_ok=True, ignore=shutil.ignore_patterns("*.html", "*.md"))


def setup(app: Sphinx) -> dict[str, bool]:
    app.add_directive("explorer", Explorer)
    app.connect("builder-inited", _copy)
    app.connect("html-page-context", _add_scripts)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
