"""The house: wings with arrows one way, a package that does not know the book, no word of a machine."""

import ast
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import setuptools

ROOT = Path(__file__).parent.parent
CORE = ROOT / "rlvr"
MODULES = sorted(CORE.rglob("*.py"))

BOOK = ROOT / "book"

# A wing, and the wings it may import beside its own files. Modules of the ground have no wing.
MAY_IMPORT = {
    "ground": {"stats"},  # the estimands are estimates
    "stats": {"ground"},
    "simulator": {"ground", "stats"},
    "theory": {"ground", "stats", "simulator"},
    "experiments": {"ground", "stats", "simulator"},
    "logs": {"ground", "rewards"},  # how an answer is read
    "auditing": {"ground", "stats", "logs"},
    "planning": {"ground", "stats", "logs", "auditing"},
    "rewards": set(),  # nothing at all: a trainer's environment need not hold the core's libraries
    "commands": {
        "ground",
        "stats",
        "simulator",
        "theory",
        "experiments",
        "logs",
        "auditing",
        "planning",
        "rewards",
    },
}
KERNEL = "rlvr.simulator.kernel"

each_module = pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(CORE)))


def dotted(path):
    """A file's module name."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def wing(module):
    """The wing of a module's name; the ground for files that lie in `rlvr` itself."""
    parts = module.split(".")
    return parts[1] if len(parts) > 1 and parts[1] in MAY_IMPORT else "ground"


def imported(path):
    """Every module of the core that a file imports, wherever in the file."""
    known = {dotted(module) for module in MODULES}
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            inner = {f"{node.module}.{alias.name}" for alias in node.names} & known
            found |= inner or {node.module}
    return {name for name in found if name.split(".")[0] == "rlvr"}


@each_module
def test_arrows_between_wings_point_one_way(path):
    here = dotted(path)
    if here in ("rlvr", "rlvr.__main__"):  # the two doors
        return
    allowed = MAY_IMPORT[wing(here)] | {wing(here)}
    assert {name for name in imported(path) if wing(name) not in allowed} == set()


def test_every_folder_of_the_core_is_a_wing_with_rules():
    folders = {path.parent.name for path in MODULES if path.parent != CORE}
    assert folders | {"ground"} == set(MAY_IMPORT)


def test_no_circle_of_imports():
    reaches = {dotted(path): imported(path) for path in MODULES if path.name != "__init__.py"}
    below = set()
    while len(below) < len(reaches):
        ready = {name for name, needs in reaches.items() if needs - {name} <= below | (needs - set(reaches))}
        assert ready - below, sorted(set(reaches) - below)
        below |= ready


def test_a_backward_arrow_is_noticed(tmp_path):
    wrong = tmp_path / "wrong.py"
    wrong.write_text("def late():\n    from rlvr.simulator import kernel\n", encoding="utf-8")
    assert imported(wrong) == {KERNEL}
    assert wing(KERNEL) not in MAY_IMPORT["auditing"] | {"auditing"}


def test_no_module_is_called_like_a_function():
    stems = {path.stem for path in MODULES} - {"__init__", "__main__"}
    named = {
        node.name
        for path in MODULES
        for node in ast.parse(path.read_text(encoding="utf-8")).body
        if isinstance(node, (ast.FunctionDef, ast.ClassDef))
    }
    assert stems & named == set()


def test_tests_mirror_the_wings():
    for folder in MAY_IMPORT.keys() - {"ground"}:
        assert list((ROOT / "tests" / folder).glob("test_*.py")), folder


def tops(path):
    """The first part of every module that a file imports, of whatever package."""
    named = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            named |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            named.add(node.module.split(".")[0])
    return named


@each_module
def test_the_package_does_not_know_the_book(path):
    assert tops(path) & {"book", "chapters", "network", "tests"} == set()


def test_the_book_stands_on_the_package_and_on_nothing_of_the_tests():
    assert list(BOOK.glob("*.py"))
    for path in BOOK.rglob("*.py"):
        assert tops(path) & {"chapters", "network", "tests"} == set(), path


def test_the_wheel_holds_the_package_alone():
    found = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["setuptools"]
    packages = setuptools.find_packages(str(ROOT), **found["packages"]["find"])
    assert {name.split(".")[0] for name in packages} == {"rlvr"}


def test_what_the_package_depends_on_is_what_it_imports():
    """A library that only pages or tests need is no dependency, and none is missing."""
    imports = set().union(*map(tops, MODULES)) - set(sys.stdlib_module_names) - {"rlvr"}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    named = {re.split(r"[\[><=]", line)[0] for line in project["dependencies"]}
    modules = {"pyyaml": "yaml", "lazy-loader": "lazy_loader", "pillow": "PIL"}
    extras = {
        "dask",
        "distributed",
        "pyarrow",
    }  # the extras "cluster" and "parquet", which a user brings along
    assert imports - extras == {modules.get(name, name) for name in named}


def test_wings_export_what_users_import_and_no_more():
    """A name that only other modules import is imported from its module."""
    texts = [*(ROOT / "chapters").glob("*.md"), ROOT / "README.md", CORE / "__init__.py"]
    used = set(re.findall(r"\w+", " ".join(text.read_text(encoding="utf-8") for text in texts)))
    exported = {name for wing in MAY_IMPORT for name in exports(wing)}
    assert exported - used == set()
    assert len(exported) <= 150


def exports(name):
    """What a wing offers beside its modules."""
    return getattr(__import__("rlvr" if name == "ground" else f"rlvr.{name}", fromlist=["_"]), "__all__", [])


@each_module
def test_public_names_exist_and_are_documented(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    assert ast.get_docstring(tree)
    if path.name in ("__main__.py", "__init__.py") or path.parent.name == "commands":
        return
    defined = {node.name: node for node in tree.body if isinstance(node, (ast.FunctionDef, ast.ClassDef))}
    exported = next(
        ast.literal_eval(node.value) for node in tree.body
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "__all__"
    )  # fmt: skip
    assert sorted(exported) == sorted(set(exported))
    public = {name for name in defined if not name.startswith("_")}
    assert public <= set(exported)
    assert [name for name in public if not ast.get_docstring(defined[name])] == []


@pytest.mark.parametrize("folder", ["", *sorted(MAY_IMPORT.keys() - {"ground", "commands", "experiments"})])
def test_every_public_name_of_a_wing_loads(folder):
    module = __import__(f"rlvr.{folder}".rstrip("."), fromlist=["__all__"])
    assert module.__all__
    assert [name for name in module.__all__ if not hasattr(module, name)] == []


def test_the_stable_names_are_there():
    import rlvr

    stable = "ARMS TaskFamily GRPOConfig simulate Runs decompose Estimate audit load_protocol judge effects"
    assert set(stable.split()) <= set(rlvr.__all__)


def test_nothing_speaks_of_a_machine_or_a_registry():
    tracked = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split()
    words = re.compile(
        "|".join(["/wo" + "rk/", "/ro" + "ot/", "py" + "pi[.]org", "python" + "hosted", "npm" + "js"])
    )
    texts = (".md", ".py", ".ipynb", ".yml", ".toml", ".cff", ".lock", ".csv", ".bib", "")
    for name in tracked:
        if Path(name).suffix in texts and (ROOT / name).is_file():
            assert not words.search((ROOT / name).read_text(encoding="utf-8")), name


def test_the_command_does_not_load_the_compiler():
    loaded = "rlvr.commands.command_line, rlvr.auditing, rlvr.simulator"
    command = f"import sys, {loaded}; sys.exit('numba' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", command], cwd=ROOT, check=False).returncode == 0
