"""Sphinx extension: redirect the addresses of earlier editions to the present pages.

`MOVED` maps each old page to its present one. A small page at the old address redirects there and keeps the
anchor; the redirect works without scripts and is not indexed.
"""

from __future__ import annotations

from html import escape
from pathlib import Path

from sphinx.application import Sphinx

MOVED = {
    "02-simulator": "05-simulator",
    "03-dynamics": "13-dynamics",
    "04-replication": "14-replication",
    "05-protocol": "15-protocol",
    "07-factorial": "16-factorial",
    "08-points-or-bounds": "17-points-or-bounds",
    "09-sensitivity": "07-sensitivity",
    "10-instrument": "11-instrument",
    "11-spurious-rewards": "02-spurious-rewards",
    "12-other-papers": "03-other-papers",
    "13-synthesis": "04-synthesis",
    "14-ceilings": "18-ceilings",
    "15-coin-flip": "08-coin-flip",
    "16-network": "09-network",
    "17-your-model": "12-your-model",
    "18-language-model": "10-language-model",
}
PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>This page has moved</title>
<meta name="robots" content="noindex">
<link rel="canonical" href="{page}.html">
<script>location.replace("{page}.html" + location.hash);</script>
<meta http-equiv="refresh" content="0; url={page}.html">
</head>
<body><p>This chapter has moved: <a href="{page}.html">{page}</a>.</p></body>
</html>
"""


def _write(app: Sphinx, exception: Exception | None) -> None:
    """Write one page for each old address."""
    if exception or app.builder.name != "html":
        return
    folder = Path(app.outdir) / "chapters"
    for old, page in MOVED.items():
        if not (folder / f"{page}.html").is_file():
            raise FileNotFoundError(
                f"MOVED leads the page {old} to {page}, which the book does not have; name a page of _toc.yml"
            )
        (folder / f"{old}.html").write_text(PAGE.format(page=escape(page)), encoding="utf-8")


def setup(app: Sphinx) -> dict[str, bool]:
    app.connect("build-finished", _write)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
