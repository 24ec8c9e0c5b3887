"""Scripts that are kept in the book: as released, with licence and checksum, and only where they are used."""

import hashlib
import re
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT / "_ext"))

import explorer  # noqa: E402
import offline  # noqa: E402

VENDOR = explorer.SOURCE / "vendor"


def digests(readme):
    """File -> checksum, as the README states them."""
    return dict(re.findall(r"^\| `([^`]+)` .*`([0-9a-f]{64})` \|$", readme, re.M))


def test_every_kept_library_is_the_file_that_its_checksum_names():
    stated = digests((VENDOR / "README.md").read_text(encoding="utf-8"))
    assert stated.keys() == {path.name for path in VENDOR.glob("*.js")}
    for name, digest in stated.items():
        assert hashlib.sha256((VENDOR / name).read_bytes()).hexdigest() == digest, name
        assert (VENDOR / f"{name.split('.')[0]}.LICENSE").is_file()


def test_a_changed_file_would_be_noticed():
    stated = digests((VENDOR / "README.md").read_text(encoding="utf-8"))
    changed = (VENDOR / "d3.min.js").read_bytes() + b" "
    assert hashlib.sha256(changed).hexdigest() != stated["d3.min.js"]


def test_scripts_are_listed_exist_and_ask_nothing_of_the_network():
    there = {path.relative_to(explorer.SOURCE).as_posix() for path in explorer.SOURCE.rglob("*.js")}
    assert there == set(explorer.SCRIPTS)
    for name in there - {f"vendor/{path.name}" for path in VENDOR.glob("*.js")}:
        text = (explorer.SOURCE / name).read_text(encoding="utf-8")
        assert not re.search(r"\bfetch\(|XMLHttpRequest|https?://|\bimport\b.*\bfrom\b|new Worker", text), (
            name
        )
        assert len(text.splitlines()) <= 300


def test_no_large_script_lies_where_every_page_would_load_it():
    loaded = list((ROOT / "_static").rglob("*.js"))
    assert [path.name for path in loaded if path.stat().st_size > 4_000] == []


def test_the_page_s_data_are_the_stored_grid():
    from rlvr.experiments.grids import SETTINGS_AXES, stored_settings

    data, table = explorer.page_data(), stored_settings()
    assert data["axes"] == {axis: list(values) for axis, values in SETTINGS_AXES.items()}
    assert {column: len(values) for column, values in data["grid"].items()} == dict.fromkeys(
        table, len(table)
    )
    row = 777
    for column in table:
        kept = data["grid"][column][row]
        assert kept is None or kept / explorer.SCALE == table[column].iloc[row]
    assert set(data["example"]) == {"frozen", "random", "majority", "true"}
    low, high = data["term_range"]
    assert low < (table.majority - table.random).min() and (table.true - table.majority).max() < high


def test_the_second_tab_s_data_are_the_stored_policies():
    from rlvr.experiments.grids import MIXES, SHARING_AXES, stored_sharing

    data, table = explorer.page_data()["sharing"], stored_sharing()
    assert data["axes"] == {axis: list(values) for axis, values in SHARING_AXES.items()}
    for column in table:
        kept = data["grid"][column][511]
        assert kept is None or kept / explorer.SCALE == table[column].iloc[511]
    assert data["mixes"]["better"] == {
        "name": "the better one leads", "numbers": "right at 0.609 and 0.28, shares 0.65 and 0.35",
    }  # fmt: skip
    assert data["mixes"].keys() == MIXES.keys() and data["clip"] == [0.8, 1.2]
    assert data["optimizers"] == {"adam": "Adam, rate 0.15", "sgd": "plain gradient steps, rate 0.5"}
    low, high = data["term_range"]
    assert low < (table.random - table.frozen - table.null_sd).min()
    assert (table.majority - table.random + table.elicitation_sd).max() < high < 1


def test_lines_of_live_code_are_dropped_and_others_kept():
    class Script:
        def __init__(self, filename, **attributes):
            self.filename, self.attributes = filename, attributes

    scripts = [
        Script("sphinx-thebe.js"),
        Script(None, body='const THEBE_JS_URL = "x"'),
        Script(None, body="let kept"),
        Script("kept.js"),
    ]
    context = {"script_files": list(scripts)}
    offline._drop_live_code(None, "", "", context, None)
    assert context["script_files"] == scripts[2:]
