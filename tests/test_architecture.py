"""The house: arrows one way, files short, no word of the machine it was written on."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
MODULES = sorted((ROOT / "rlvr").glob("*.py"))

# A module may import those to its left. Modules of one group do not import each other's results upwards.
ORDER = [
    "_checks", "arms", "tasks", "kernel", "grpo", "inference", "decomposition",
    "groups", "exact", "meanfield", "closure", "elicitation", "coverage", "ceilings",
    "replay", "study", "sweep",
    "equivalence", "factorial", "published", "gate", "gate_map", "calibration", "power", "protocol",
    "judging", "figures",
    "reading", "tables", "identification", "verdicts", "sampling", "audit", "report", "provenance",
    "registered_commands", "__main__",
]  # fmt: skip


def imported(path):
    """The modules of the core that a module imports, wherever in the file."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == "rlvr":
            parts = node.module.split(".")
            found |= {parts[1]} if len(parts) > 1 else {alias.name for alias in node.names}
    return found


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_arrows_point_one_way(path):
    if path.stem == "__init__":
        return
    place = ORDER.index(path.stem)
    backwards = {name for name in imported(path) if ORDER.index(name) >= place}
    assert backwards == set()


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_a_file_is_one_idea(path):
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 300


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_public_names_exist_and_are_documented(path):
    if path.stem in ("__main__", "__init__", "registered_commands"):
        return
    tree = ast.parse(path.read_text(encoding="utf-8"))
    assert ast.get_docstring(tree)
    defined = {node.name: node for node in tree.body if isinstance(node, (ast.FunctionDef, ast.ClassDef))}
    exported = next(
        ast.literal_eval(node.value) for node in tree.body
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "__all__"
    )  # fmt: skip
    assert sorted(exported) == sorted(set(exported))
    public = {name for name in defined if not name.startswith("_")}
    assert public <= set(exported)
    assert [name for name in public if not ast.get_docstring(defined[name])] == []


def test_nothing_speaks_of_a_machine_or_a_registry():
    tracked = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split()
    words = re.compile(
        "|".join(["/wo" + "rk/", "/ro" + "ot/", "py" + "pi[.]org", "python" + "hosted", "npm" + "js"])
    )
    for name in tracked:
        if Path(name).suffix in (
            ".md",
            ".py",
            ".ipynb",
            ".yml",
            ".toml",
            ".cff",
            ".lock",
            ".csv",
            ".bib",
            "",
        ):
            assert not words.search((ROOT / name).read_text(encoding="utf-8")), name


def test_importing_the_package_does_not_load_the_compiler():
    command = "import sys, rlvr.decomposition, rlvr.__main__; sys.exit('numba' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", command], cwd=ROOT, check=False).returncode == 0
