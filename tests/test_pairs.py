"""A notebook whose run failed is not stored, however the failure was shown."""

import sys
from pathlib import Path

import nbformat
import pytest

sys.path.insert(0, str(Path(__file__).parent.parent / "_ext"))

import pairs

HEAD = "---\njupytext:\n  text_representation:\n    extension: .md\n    format_name: myst\n---\n\n"
# Shown as an error while the cell itself ends well: so a figure fails that is drawn after the last line.
FAILS_QUIETLY = "try:\n    {}['no such row']\nexcept KeyError:\n    get_ipython().showtraceback()"


def written(folder, code, tags=""):
    text = folder / "00-page.md"
    text.write_text(f"{HEAD}# A page\n\n```{{code-cell}} ipython3\n{tags}{code}\n```\n", encoding="utf-8")
    return text


def test_an_error_that_does_not_stop_the_run_is_refused_and_nothing_is_written(tmp_path):
    text = written(tmp_path, FAILS_QUIETLY)
    with pytest.raises(RuntimeError, match="the run of 00-page failed: cell 1: KeyError"):
        pairs.run(text)
    assert not text.with_suffix(".ipynb").exists()


def test_a_cell_that_is_said_to_raise_is_stored_with_its_error(tmp_path):
    kept = nbformat.read(pairs.run(written(tmp_path, "1 / 0", ":tags: [raises-exception]\n\n")), as_version=4)
    (output,) = kept.cells[1].outputs
    assert (output.output_type, output.ename) == ("error", "ZeroDivisionError")
