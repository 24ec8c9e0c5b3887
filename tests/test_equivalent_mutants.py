"""Every module has tests for its mutants; those listed as equal change lines that are there, each once."""

import sys
from collections import Counter
from pathlib import Path

import pytest
import yaml

sys.path.insert(0, str(Path(__file__).parent.parent / "tools"))

import mutants

ROOT = Path(__file__).parent.parent
LISTED = yaml.safe_load((ROOT / "tools" / "equivalent_mutants.yml").read_text(encoding="utf-8"))


def test_every_module_has_tests_its_own_first_and_else_the_nearest():
    alone = [path for path in mutants.modules(["rlvr"]) if len(mutants.tests_of(path)) < 2]
    assert alone == []
    assert mutants.tests_of("rlvr/stats/estimates.py")[0] == "tests/stats/test_estimates.py"
    assert "tests/logs/test_records.py" in mutants.tests_of("rlvr/logs/inspect_logs.py")


@pytest.mark.parametrize("entry", LISTED, ids=lambda entry: entry["file"])
def test_the_line_still_stands_in_its_file(entry):
    assert entry["before"] in " ".join((ROOT / entry["file"]).read_text(encoding="utf-8").split())


def test_each_change_stands_once_with_its_reason():
    seen = Counter((entry["file"], entry["before"], after) for entry in LISTED for after in entry["after"])
    assert set(seen.values()) == {1}
    assert all(entry["reason"].endswith(".") and entry["before"] not in entry["after"] for entry in LISTED)
