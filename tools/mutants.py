"""Change the core in one place at a time, and test whether its unit tests detect the change.

    python tools/mutants.py                              120 places at random, with a new seed
    python tools/mutants.py --seed 7 --places 0 rlvr/stats/estimates.py rlvr/theory  every place of some files

Cosmic Ray finds the places and makes the changes: numbers (one up or down), arithmetic, comparisons, signs,
`and` and `or`, True and False, inverted conditions, loops that end early or never start. All places are
equally likely; one change of a place is drawn. Annotations are not changed, because nothing executes them.

The tests of a mutant run in this order. First come the files of its name, ``tests/<wing>/test_<module>.py``
and ``test_<module>_*.py``; then the other files of its wing (files of ``tests/`` itself for the common
ground) that import the module or a name it exports; then the one that walks through all modules. A module
with no such file is tested by the files, in any wing, that import it through the fewest other modules.
Doctests and notebooks do not count. A change with the same results, which no test can detect, is listed in
``equivalent_mutants.yml`` with its reason; such mutants are counted separately.

Each mutant runs in a separate process, over a copy of the tree, until one test fails; at the end the same
tests must pass without any change. Mutants of compiled code get an empty Numba cache, because Numba would not
detect the change.
"""

from __future__ import annotations

import argparse
import ast
import difflib
import importlib
import multiprocessing
import os
import random
import resource
import secrets
import shutil
import signal
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parent.parent
EQUIVALENT = Path(__file__).with_name("equivalent_mutants.yml")
EVERY_MODULE = ROOT / "tests" / "test_frozen_records.py"
CPU_LIMIT = 300  # seconds of processor time per mutant: several times the need of any wing's tests
TIME_LIMIT = 2 * CPU_LIMIT  # seconds on the clock
PRELOADED = ["cosmic_ray.plugins", "hypothesis.strategies", "matplotlib.pyplot", "numba", "pandera.pandas",
             "pytest", "rich.console", "scipy.stats", "statsmodels.formula.api", "typer.testing"]  # fmt: skip

ARITHMETIC = {"Add": "Sub", "Sub": "Add", "Mul": "Div", "Div": "Mul", "FloorDiv": "Mul", "Mod": "Mul",
              "Pow": "Mul", "LShift": "RShift", "RShift": "LShift", "BitAnd": "BitOr", "BitOr": "BitAnd",
              "BitXor": "BitOr"}  # fmt: skip
ORDER = ("Eq", "NotEq", "Lt", "LtE", "Gt", "GtE")
CHANGES = [
    *(f"ReplaceBinaryOperator_{here}_{there}" for here, there in ARITHMETIC.items()),
    *(f"ReplaceComparisonOperator_{here}_{there}" for here in ORDER for there in ORDER if here != there),
    "ReplaceComparisonOperator_Is_IsNot", "ReplaceComparisonOperator_IsNot_Is",
    "ReplaceUnaryOperator_USub_UAdd", "ReplaceUnaryOperator_Delete_Not", "ReplaceUnaryOperator_Delete_Invert",
    "ReplaceTrueWithFalse", "ReplaceFalseWithTrue", "ReplaceAndWithOr", "ReplaceOrWithAnd", "AddNot",
    "ReplaceBreakWithContinue", "ReplaceContinueWithBreak", "ZeroIterationForLoop", "NumberReplacer",
]  # fmt: skip


@dataclass(frozen=True)
class Mutant:
    """One change of one file: the lines that it removes and adds, without spaces at their ends."""

    path: str
    line: int
    before: str
    after: str
    source: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}\n    - {self.before}\n    + {self.after}"

    @property
    def key(self) -> tuple[str, str, str]:
        """The key of the mutant in the list of equivalents."""
        return self.path, self.before, self.after


def modules(within: Sequence[str]) -> list[str]:
    """The core's files in these files or folders, except `__init__` and `__main__`, which hold names."""
    found = (path.relative_to(ROOT) for path in (ROOT / "rlvr").rglob("*.py") if path.stem[:2] != "__")
    return sorted(str(path) for path in found if any(path.is_relative_to(each) for each in within))


def places(path: str) -> list[list[tuple[str, int]]]:
    """The places of one file, each with its changes as (operator, occurrence) of Cosmic Ray."""
    from cosmic_ray.ast import ast_nodes, get_ast

    source = (ROOT / path).read_text(encoding="utf-8")
    nodes = list(ast_nodes(get_ast(source)))
    silent = [annotation for node in ast.walk(ast.parse(source)) for annotation in _annotations(node)]
    found = defaultdict(list)
    for name in CHANGES:
        spots = ((node, spot) for node in nodes for spot in _operator(name).mutation_positions(node))
        for occurrence, (node, (start, end)) in enumerate(spots):
            separator = getattr(node.parent, "type", "") == "parameters"  # the * before keyword-only ones
            if not separator and not any(first <= start and end <= last for first, last in silent):
                found[start, end].append((name, occurrence))
    return [found[spot] for spot in sorted(found)]


def _annotations(node: ast.AST) -> Iterator[tuple[tuple[int, int], tuple[int, int]]]:
    """Beginnings and ends of a node's annotations."""
    for field in ("annotation", "returns"):
        part = getattr(node, field, None)
        if part is not None:
            yield (part.lineno, part.col_offset), (part.end_lineno, part.end_col_offset)


def _operator(name: str) -> Any:
    from cosmic_ray.plugins import get_operator

    return get_operator(f"core/{name}")()


def mutate(path: str, operator: str, occurrence: int) -> Mutant:
    """Make one change."""
    from cosmic_ray.mutating import mutate_code

    old = (ROOT / path).read_text(encoding="utf-8")
    new = mutate_code(old, _operator(operator), occurrence)
    lines = old.splitlines(), new.splitlines()
    blocks = difflib.SequenceMatcher(None, *lines, autojunk=False).get_opcodes()
    _, i1, i2, j1, j2 = next(block for block in blocks if block[0] != "equal")
    before, after = (" ".join(" ".join(part).split()) for part in (lines[0][i1:i2], lines[1][j1:j2]))
    return Mutant(path, i1 + 1, before, after, new)


def equivalents() -> dict[tuple[str, str, str], str]:
    """The listed changes that no test can detect, with their reasons."""
    listed = yaml.safe_load(EQUIVALENT.read_text(encoding="utf-8"))
    return {
        (each["file"], each["before"], after): each["reason"] for each in listed for after in each["after"]
    }


@cache
def tests_of(path: str) -> list[str]:
    """The test files of the module's name, then the others of its wing that import it, or the nearest."""
    *folders, stem = Path(path).with_suffix("").parts
    folder = ROOT.joinpath("tests", *folders[1:])
    mirrored = [folder / f"test_{stem.strip('_')}.py", *sorted(folder.glob(f"test_{stem.strip('_')}_*.py"))]
    others = set(folder.glob("test_*.py")) - set(mirrored)
    found = [test for test in (*mirrored, *_importers(others, {path})) if test.is_file()]
    wings, reached = [ROOT / "tests" / each.name for each in (ROOT / "rlvr").iterdir()], {path}
    while not found:
        found = _importers((test for wing in wings for test in wing.glob("test_*.py")), reached)
        further = {str(each.relative_to(ROOT)) for each in _importers(ROOT.glob("rlvr/**/*.py"), reached)}
        if further <= reached:
            break
        reached |= further
    found.sort(key=lambda test: test.parent != folder)
    return [str(test.relative_to(ROOT)) for test in (*found, EVERY_MODULE)]


def _importers(files: Iterable[Path], paths: Collection[str]) -> list[Path]:
    """The files that import one of these modules, or a name that they export, anywhere."""
    wanted = set().union(*(_doors(path) for path in paths))
    return sorted(file for file in files if _imported(file) & wanted)


@cache
def _imported(file: Path) -> set[tuple[str, str]]:
    """The imports of a file, as (module, name)."""
    nodes = list(ast.walk(ast.parse(file.read_text(encoding="utf-8"))))
    pairs = {(node.module or "", "") for node in nodes if isinstance(node, ast.ImportFrom)}
    pairs |= {(alias.name, "") for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    return pairs | {
        (node.module or "", alias.name)
        for node in nodes if isinstance(node, ast.ImportFrom) for alias in node.names
    }  # fmt: skip


@cache
def _doors(path: str) -> set[tuple[str, str]]:
    """All names by which an import can refer to a module: its own, and those that its wing re-exports."""
    *folders, stem = Path(path).with_suffix("").parts
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    names = {stem} | {
        name for node in tree.body
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "__all__"
        and isinstance(node.value, ast.List) for name in ast.literal_eval(node.value)
    }  # fmt: skip
    return {(".".join((*folders, stem)), "")} | {
        (door, name) for door in (".".join(folders), "rlvr") for name in names
    }


def killer(mutant: Mutant) -> str | None:
    """The first of the mutant's tests that fails over this worker's copy of the tree, or None."""
    target = _tree / mutant.path
    compiled = "import njit" in mutant.source
    cache = tempfile.mkdtemp(dir=_tree) if compiled else str(_tree / ".numba_cache")
    original, written = target.read_bytes(), target.stat()
    target.write_text(mutant.source, encoding="utf-8")
    try:
        return first_failure(tests_of(mutant.path), cache)
    finally:
        target.write_bytes(original)
        os.utime(target, ns=(written.st_atime_ns, written.st_mtime_ns))  # Numba's cache depends on it
        if compiled:
            shutil.rmtree(cache)


def first_failure(tests: Sequence[str], cache: str | None = None) -> str | None:
    """The test that fails first over this worker's copy of the tree, in a separate process, or None.

    If the process ended before a test was named, the test files are returned instead.
    """
    context = multiprocessing.get_context("fork")
    here, there = context.Pipe(duplex=False)
    process = context.Process(target=_pytest, args=(tests, cache or str(_tree / ".numba_cache"), there))
    process.start()
    there.close()
    process.join()
    named = here.recv() if here.poll() and not process.exitcode else " ".join(tests)
    here.close()
    return named or None


class _FirstFailure:
    """Run slow tests last, and keep the name of the first test, or file, that fails."""

    name = ""

    @staticmethod
    def pytest_collection_modifyitems(items: list[Any]) -> None:
        items.sort(key=lambda item: item.get_closest_marker("slow") is not None)

    def pytest_runtest_logreport(self, report: Any) -> None:
        if report.failed:
            self.name = self.name or report.nodeid

    pytest_collectreport = pytest_runtest_logreport


def _pytest(tests: Sequence[str], cache: str, answer: Any) -> None:
    """Run tests until one fails, send its name or "", and end this process with code 0."""
    import numba
    import pytest

    resource.setrlimit(resource.RLIMIT_CPU, (CPU_LIMIT, CPU_LIMIT))
    signal.alarm(TIME_LIMIT)  # for a test that waits for ever, instead of each test's own alarm
    devnull = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(devnull, stream)
    os.environ |= {"NUMBA_CACHE_DIR": cache, "PYTHONPATH": str(_tree), "PYTHONDONTWRITEBYTECODE": "1"}
    numba.config.CACHE_DIR = cache
    sys.dont_write_bytecode = True
    sys.path.insert(0, str(_tree))
    os.chdir(_tree)
    failure, warning = _FirstFailure(), "ignore::pytest.PytestAssertRewriteWarning"
    options = ["-x", "-p", "no:cacheprovider", "--timeout=0", "-W", warning]
    code = pytest.main([*options, *tests], plugins=[failure])
    answer.send("" if code == pytest.ExitCode.OK else failure.name or " ".join(tests))
    os._exit(0)


def _own_copy(folder: str) -> None:
    """Make a copy of the tree for this worker."""
    global _tree
    _tree = Path(tempfile.mkdtemp(dir=folder)) / "tree"
    built = shutil.ignore_patterns(".*", "_build", "__pycache__", "*.egg-info")
    shutil.copytree(ROOT, _tree, ignore=built)


def main() -> None:
    """Draw places, run their mutants, print the survivors and the fraction that was killed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("within", nargs="*", default=["rlvr"], help="files or folders of the core")
    parser.add_argument("--places", type=int, default=120, help="number of places to draw; 0 for all")
    parser.add_argument("--seed", type=int, help="seed of the draw; a new one by default")
    parser.add_argument("--jobs", type=int, default=2, help="number of mutants at a time")
    asked = parser.parse_args()
    seed, started = secrets.randbelow(10**6) if asked.seed is None else asked.seed, time.perf_counter()
    for name in PRELOADED:  # once, for all later processes
        importlib.import_module(name)
    found = [(path, place) for path in modules(asked.within) for place in places(path)]
    generator = random.Random(seed)
    drawn = generator.sample(found, asked.places or len(found))
    mutants = [mutate(path, *generator.choice(place)) for path, place in drawn]
    tried = [mutant for mutant in mutants if mutant.key not in equivalents()]
    print(f"seed {seed}: {len(mutants)} of {len(found)} places", flush=True)
    killers = set()
    with tempfile.TemporaryDirectory() as folder:
        fork = multiprocessing.get_context("fork")
        with ProcessPoolExecutor(asked.jobs, fork, _own_copy, (folder,)) as pool:
            named = list(zip(tried, pool.map(killer, tried), strict=True))
            for mutant, test in named:
                if test is None:
                    print(mutant, flush=True)
                else:
                    killers |= set(test.split(" ")) if "::" not in test else {test}
            failures = pool.map(first_failure, ([test] for test in sorted(killers)))
            if wrong := [test for test in failures if test is not None]:
                sys.exit(
                    f"no result: these tests fail without any change: {', '.join(wrong)}; mend them first"
                )
    killed = sum(test is not None for _, test in named)
    minutes = (time.perf_counter() - started) / 60
    share = f"{killed / len(tried):.1%}" if tried else "none"
    print(f"killed {killed} of {len(tried)} ({share}) in {minutes:.0f} minutes; "
          f"{len(mutants) - len(tried)} more are equivalent")  # fmt: skip


if __name__ == "__main__":
    main()
