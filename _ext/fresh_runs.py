"""Fresh runs of the chapters: `make test` compares them with the stored outputs, the book shows them.

A run is kept in _build/fresh with a digest of everything that it could read. The book uses the runs whose
digest is still valid and makes the others, several at a time, while pages are read. Once a book is built from
them they are removed, so the next book is executed afresh.

As a Sphinx extension, this module replaces each notebook's stored outputs by those of the fresh run.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import nbformat
from pairs import CHAPTERS, execute, paired
from sphinx.application import Sphinx
from sphinx.util import logging

from book.narrow_figures import WANTED

ROOT = Path(__file__).parent.parent
KEPT = ROOT / "_build" / "fresh"
READ = (
    "rlvr", "book", "network", "findings", "chapters", "_ext", "_static", "pyproject.toml",
    "requirements.lock",
)  # fmt: skip
MADE = (".ipynb", ".pyc", ".png")  # written by runs, or by nobody
JOBS = int(os.environ.get("JOBS") or os.cpu_count() or 1)
SETTINGS = ("GLIBC_", "NPY_", "NUMBA_", "OPENBLAS_", "PYTHONHASHSEED")  # settings that could change a number


def sources() -> str:
    """Digest of everything that a run could read: code, data, pages, interpreter and numerical settings."""
    settings = {name: value for name, value in os.environ.items() if name.startswith(SETTINGS)}
    settings.pop("NUMBA_CACHE_DIR", None)
    digest = hashlib.sha256(repr((sys.version, sys.prefix, sorted(settings.items()))).encode())
    for path in _files():
        digest.update(f"{path.relative_to(ROOT)}\0".encode() + hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def _files() -> Iterator[Path]:
    for name in READ:
        top = ROOT / name
        for path in sorted(top.rglob("*")) if top.is_dir() else [top]:
            if path.is_file() and path.suffix not in MADE:
                yield path


def run_afresh(text: Path) -> nbformat.NotebookNode:
    """Run one chapter in the form that the book shows, keep the run, and return its notebook."""
    before = sources()
    notebook = execute(text, **{WANTED: "1"})
    notebook.metadata["sources"] = before
    KEPT.mkdir(parents=True, exist_ok=True)
    unfinished = KEPT / f"{text.stem}.{os.getpid()}"
    nbformat.write(notebook, unfinished)
    unfinished.replace(KEPT / f"{text.stem}.ipynb")
    return notebook


def kept_run(text: Path, digest: str) -> nbformat.NotebookNode | None:
    """The kept run of a chapter, or None if there is none or anything that it could read has changed."""
    path = KEPT / f"{text.stem}.ipynb"
    notebook = nbformat.read(path, as_version=4) if path.is_file() else None
    return notebook if notebook and notebook.metadata.pop("sources", None) == digest else None


def missing(digest: str) -> list[Path]:
    """The chapters without a valid run."""
    return [text for text in sorted(CHAPTERS.glob("*.md")) if paired(text) and not kept_run(text, digest)]


def _start(app: Sphinx) -> None:
    """Start the missing runs, several at a time; the printed book uses stored outputs and needs none."""
    if app.builder.name != "html":
        return
    app.fresh_digest = sources()  # type: ignore[attr-defined]
    texts = missing(app.fresh_digest)  # type: ignore[attr-defined]
    logging.getLogger(__name__).info("%d chapters to execute, %d at a time", len(texts), JOBS)
    pool = ProcessPoolExecutor(JOBS, mp_context=get_context("spawn"))
    app.fresh_runs = {text.stem: pool.submit(run_afresh, text) for text in texts}  # type: ignore[attr-defined]
    pool.shutdown(wait=False)


def _show(app: Sphinx, docname: str, source: list[str]) -> None:
    """Replace the stored notebook of a page by the fresh run as soon as it is finished."""
    text = ROOT / f"{docname}.md"
    if app.builder.name != "html" or not (ROOT / f"{docname}.ipynb").is_file():
        return
    if running := app.fresh_runs.get(text.stem):  # type: ignore[attr-defined]
        running.result()
    notebook = kept_run(text, app.fresh_digest)  # type: ignore[attr-defined]
    if notebook is None:
        raise RuntimeError(f"{text.name} or something that it reads changed while the book was built")
    source[0] = nbformat.writes(notebook)


def _remove(app: Sphinx, error: Exception | None) -> None:
    if error is None and app.builder.name == "html":
        shutil.rmtree(KEPT, ignore_errors=True)


def setup(app: Sphinx) -> dict[str, bool]:
    app.connect("builder-inited", _start)
    app.connect("source-read", _show)
    app.connect("build-finished", _remove)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
