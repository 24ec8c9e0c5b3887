"""Write each chapter's notebook from its text, run it, and store the outputs.

    python _ext/pairs.py                 every chapter
    python _ext/pairs.py 01-estimand     one of them

The text (chapters/NN-name.md) is the source that is reviewed. The notebook next to it holds the outputs of a
run, without anything that differs between runs: times, counters, the interpreter's patch version.
"""

from __future__ import annotations

import base64
import os
import sys
import time
from pathlib import Path

import jupytext
import nbformat
from nbclient import NotebookClient

CHAPTERS = Path(__file__).parent.parent / "chapters"
SUMMARY = CHAPTERS.parent / "_static" / "summary.png"
LONGEST_CELL = 600  # seconds: a cell takes at most ten, but more on a busy machine that compiles kernels


def paired(text: Path) -> bool:
    """Whether a page is a chapter with code, which has a notebook."""
    return "jupytext:" in text.read_text(encoding="utf-8")[:200]


def from_text(text: Path) -> nbformat.NotebookNode:
    """Make the notebook of a chapter's text, without outputs."""
    notebook = jupytext.read(text)
    notebook.metadata = {
        "jupytext": {"formats": "ipynb,md:myst"},
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    }
    for number, cell in enumerate(notebook.cells):
        cell["id"] = f"cell-{number:03d}"
    return notebook


def execute(text: Path, **settings: str) -> nbformat.NotebookNode:
    """Run one chapter; return its notebook with outputs, without anything that differs between runs.

    Settings are additional environment variables of the run.
    """
    notebook = from_text(text)
    metadata = dict(notebook.metadata)
    NotebookClient(
        notebook,
        timeout=LONGEST_CELL,
        kernel_name="python3",
        record_timing=False,
        resources={"metadata": {"path": str(text.parent)}},
    ).execute(env={**os.environ, **settings})
    if failed := errors(notebook):
        raise RuntimeError(f"the run of {text.stem} failed: " + "; ".join(failed))
    notebook.metadata = metadata
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)
        if cell.cell_type == "code":
            cell.outputs = whole_streams(cell.outputs)
    nbformat.validate(notebook)
    return notebook


def run(text: Path) -> Path:
    """Execute one chapter and store it; return the notebook's path."""
    notebook = execute(text)
    target = text.with_suffix(".ipynb")
    nbformat.write(notebook, target)
    if text.stem == "index":
        SUMMARY.write_bytes(first_picture(notebook))
    return target


def errors(notebook: nbformat.NotebookNode) -> list[str]:
    """Cell and message of each error of a run, except in cells tagged ``raises-exception``."""
    return [
        f"cell {number}: {output.ename}: {output.evalue}"
        for number, cell in enumerate(notebook.cells)
        if cell.cell_type == "code" and "raises-exception" not in cell.metadata.get("tags", [])
        for output in cell.outputs
        if output.output_type == "error"
    ]


def whole_streams(outputs: list[nbformat.NotebookNode]) -> list[nbformat.NotebookNode]:
    """The outputs of a cell with printed text in one piece, however the kernel divided it."""
    merged: list[nbformat.NotebookNode] = []
    for output in outputs:
        before = merged[-1] if merged else {}
        if output.output_type == "stream" and before.get("name") == output.name:
            before["text"] += output.text
        else:
            merged.append(output)
    return merged


def first_picture(notebook: nbformat.NotebookNode) -> bytes:
    """The first picture of a notebook; that of the front page is also the README's summary figure."""
    outputs = (output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs)
    encoded = (output.get("data", {}).get("image/png") for output in outputs)
    return base64.b64decode(next(picture for picture in encoded if picture))


def main(names: list[str]) -> None:
    texts = [text for text in sorted(CHAPTERS.glob("*.md")) if paired(text)]
    known = {text.stem: text for text in texts}
    unknown = [name for name in names if name not in known]
    if unknown:
        sys.exit(f"no such chapter: {', '.join(unknown)}; there are {', '.join(known)}")
    for name in names or known:
        started = time.perf_counter()
        target = run(known[name])
        print(f"{target.name}: {time.perf_counter() - started:.1f} s, {target.stat().st_size / 1024:.0f} kB")


if __name__ == "__main__":
    main(sys.argv[1:])
