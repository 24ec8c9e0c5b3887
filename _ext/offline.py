"""Sphinx extension: pages that open from a folder without a network.

One script renders formulas; it is copied into the output from the installed package instead of a CDN. The
live-code scripts that Jupyter Book adds to every page, and that would load from a CDN, are removed.
"""

from __future__ import annotations

import shutil
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx

SCRIPT = "tex-svg-full.js"


def _drop_live_code(app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: object) -> None:
    """Remove the files and page lines of the live-code button, which nothing here uses."""
    if "script_files" in context:
        context["script_files"] = [s for s in context["script_files"] if not _live_code(s)]


def _live_code(script: Any) -> bool:
    lines = getattr(script, "attributes", {}).get("body") or ""
    return "thebe" in f"{getattr(script, 'filename', script)} {lines}".lower()


def _copy_math(app: Sphinx, error: Exception | None) -> None:
    if error is None and app.builder.format == "html":
        # The name of its folder has hyphens, so the package can only be located, not imported.
        found = distribution("sphinx-mathjax-offline").locate_file(
            f"sphinx-mathjax-offline/static/mathjax/{SCRIPT}"
        )
        target = Path(app.outdir) / "_static" / "mathjax"
        target.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(str(found), target / SCRIPT)


def setup(app: Sphinx) -> dict[str, bool]:
    app.connect("html-page-context", _drop_live_code, priority=900)
    app.connect("build-finished", _copy_math)
    app.connect("config-inited", lambda app, config: setattr(config, "mathjax_path", f"mathjax/{SCRIPT}"))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
