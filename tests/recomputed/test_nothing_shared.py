"""These files recompute the book's numbers, so they share no code with it."""

import ast
from pathlib import Path

import pytest

ALLOWED = {
    "ast", "functools", "itertools", "json", "pathlib", "re", "sys",
    "dataclasses", "math", "numpy", "pandas", "pytest", "scipy", "statsmodels",
    "glued", "majority_path", "plain_grpo", "quoted",  # of this folder
}  # fmt: skip
FILES = sorted(Path(__file__).parent.glob("*.py"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_imports_nothing_of_the_project(path):
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0
            names.add(node.module.partition(".")[0])
        elif isinstance(node, ast.Call):
            called = ast.unparse(node.func)
            assert called not in ("__import__", "exec", "eval") and "import_module" not in called
    assert "rlvr" not in names
    assert names <= ALLOWED


def test_every_file_of_the_folder_is_read():
    assert len(FILES) > 10
