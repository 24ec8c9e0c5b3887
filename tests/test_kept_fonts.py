"""The typeface that is kept in the book: as released, with licence and checksum, light, and in use."""

import hashlib
import re
from pathlib import Path

STATIC = Path(__file__).parent.parent / "_static"
FONTS = STATIC / "fonts"


def test_every_font_is_the_file_that_its_checksum_names():
    readme = (FONTS / "README.md").read_text(encoding="utf-8")
    stated = dict(re.findall(r"^\| `([^`]+)` .*`([0-9a-f]{64})` \|$", readme, re.M))
    assert stated.keys() == {path.name for path in FONTS.glob("*.woff2")}
    for name, digest in stated.items():
        content = (FONTS / name).read_bytes()
        assert hashlib.sha256(content).hexdigest() == digest, name
        assert hashlib.sha256(content + b" ").hexdigest() != digest, name
        assert content[:4] == b"wOF2" and len(content) < 40_000, name
    assert "SIL OPEN FONT LICENSE Version 1.1" in (FONTS / "source-sans-3.LICENSE").read_text()


def test_the_style_sheet_loads_what_is_kept_and_nothing_else():
    style = (STATIC / "report.css").read_text(encoding="utf-8")
    loaded = re.findall(r"""url\(["']?([^"')]+)""", style)
    assert {f"fonts/{path.name}" for path in FONTS.glob("*.woff2")} == set(loaded)
    assert '--pst-font-family-base: "Source Sans 3"' in style
