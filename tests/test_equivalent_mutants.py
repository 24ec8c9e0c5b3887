"""The listed changes that compute the same are changes of lines that are there, each listed once."""

from collections import Counter
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parent.parent
LISTED = yaml.safe_load((ROOT / "tools" / "equivalent_mutants.yml").read_text(encoding="utf-8"))


@pytest.mark.parametrize("entry", LISTED, ids=lambda entry: entry["file"])
def test_the_line_still_stands_in_its_file(entry):
    assert entry["before"] in " ".join((ROOT / entry["file"]).read_text(encoding="utf-8").split())


def test_each_change_stands_once_with_its_reason():
    seen = Counter((entry["file"], entry["before"], after) for entry in LISTED for after in entry["after"])
    assert set(seen.values()) == {1}
    assert all(entry["reason"].endswith(".") and entry["before"] not in entry["after"] for entry in LISTED)
