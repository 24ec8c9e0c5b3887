"""Files of others that are kept in the book: as released, with licence and checksum, and in use."""

import hashlib
import re
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT / "_ext"))

import explorer  # noqa: E402
import offline  # noqa: E402

VENDOR, FONTS = explorer.SOURCE / "vendor", ROOT / "_static" / "fonts"


@pytest.mark.parametrize(("folder", "kind"), [(VENDOR, "*.js"), (FONTS, "*.woff2")])
def test_every_kept_file_is_the_one_that_its_checksum_names(folder, kind):
    readme = (folder / "README.md").read_text(encoding="utf-8")
    stated = dict(re.findall(r"^\| `([^`]+)` .*`([0-9a-f]{64})` \|$", readme, re.M))
    assert stated == {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.glob(kind)}


def test_every_kept_file_has_its_licence():
    assert all((VENDOR / f"{path.name.split('.')[0]}.LICENSE").is_file() for path in VENDOR.glob("*.js"))
    assert "SIL OPEN FONT LICENSE Version 1.1" in (FONTS / "source-sans-3.LICENSE").read_text()


def test_the_style_sheet_loads_the_fonts_that_are_kept_and_each_is_light():
    style = (FONTS.parent / "report.css").read_text(encoding="utf-8")
    loaded = re.findall(r"""url\(["']?([^"')]+)""", style)
    assert {f"fonts/{path.name}" for path in FONTS.glob("*.woff2")} == set(loaded)
    assert '--pst-font-family-base: "Source Sans 3"' in style
    assert all(path.stat().st_size < 40_000 for path in FONTS.glob("*.woff2"))


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
    dropped = [SimpleNamespace(filename="sphinx-thebe.js", attributes={})]
    dropped.append(SimpleNamespace(filename=None, attributes={"body": 'const THEBE_JS_URL = "x"'}))
    others = [SimpleNamespace(filename=None, attributes={"body": "let kept"})]
    context = {"script_files": [*dropped, *others]}
    offline._drop_live_code(None, "", "", context, None)
    assert context["script_files"] == others
