"""Damage stored tables and kept chunks at random, use them, and count what comes of it.

    python -m tests.fuzz.stored --cases 1000 --seed 1

Each case damages one file of a copy: a table of the package or of the book, which is then read as pages read
it, or a kept chunk, with which a simulation is then resumed. A damage is noticed, and counted as refused, if
the file is refused by name or its work is done again. It must never give other numbers, or an error that no
command turns into one line.
"""

from __future__ import annotations

import gzip
import shutil
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np

from book import published_tables
from rlvr import GRPOConfig, StrategyFamily, TaskFamily, _data, simulate
from rlvr.experiments import network_runs, sealed_protocol
from rlvr.simulator import executors
from rlvr.simulator.kept_chunks import KeptChunks
from tests.fuzz.trying import command_line

Random = np.random.Generator
Damage = Callable[[Path, Random], object]

FOLDERS = (_data.DATA, published_tables.DATA)
TABLES = [
    path for folder in FOLDERS for path in sorted(folder.iterdir()) if path.suffix not in (".md", ".j2", "")
]


def span(data: bytes, random: Random) -> slice:
    first = int(random.integers(len(data) + 1))
    return slice(first, first + int(random.integers(1, 40)))


def of_bytes(change: Callable[[bytearray, Random], bytes | bytearray]) -> Damage:
    """Damage the content of a file; of a packed one, the text in it or the packed bytes."""

    def damage(path: Path, random: Random) -> None:
        data, is_inside = path.read_bytes(), path.suffix == ".gz" and random.random() < 0.5
        changed = change(bytearray(gzip.decompress(data) if is_inside else data), random)
        path.write_bytes(gzip.compress(changed) if is_inside else changed)

    return damage


def flip(data: bytearray, random: Random) -> bytearray:
    data[random.integers(len(data))] ^= 1 << int(random.integers(8))
    return data


def other_digit(data: bytearray, random: Random) -> bytearray:
    places = [place for place, byte in enumerate(data) if 48 <= byte <= 57]
    place = places[random.integers(len(places))]
    data[place] = 48 + (data[place] - 48 + int(random.integers(1, 10))) % 10
    return data


def lines_moved(data: bytearray, random: Random) -> bytes:
    lines = bytes(data).splitlines(keepends=True)
    at = int(random.integers(len(lines)))
    return b"".join(
        [*lines[:at], *lines[at + 1 :], *([] if random.random() < 0.5 else [lines[at], lines[at]])]
    )


def to_another(link: bool) -> Damage:
    def damage(path: Path, random: Random) -> None:
        others = [each for each in sorted(path.parent.glob(f"*{path.suffix}")) if each != path]
        other = others[random.integers(len(others))] if others else path.with_name("nothing")
        data = None if link or not others else other.read_bytes()
        path.unlink()
        path.symlink_to(other.name) if data is None else path.write_bytes(data)

    return damage


def to_folder(path: Path, _: Random) -> None:
    path.unlink()
    path.mkdir()


ANY: list[Damage] = [
    of_bytes(flip), of_bytes(flip), of_bytes(other_digit),
    of_bytes(lambda data, random: data[: random.integers(len(data))]),
    of_bytes(lambda data, random: data + random.bytes(int(random.integers(1, 99)))),
    of_bytes(lambda data, random: data.replace(data[(at := span(data, random))], bytes(at.stop), 1)),
    of_bytes(lambda data, random: data.replace(data[span(data, random)], random.bytes(9), 1)),
    of_bytes(lambda data, random: b""), to_another(link=False), to_another(link=True), to_folder,
]  # fmt: skip
OF_TABLES = [
    *ANY,
    of_bytes(other_digit),
    of_bytes(other_digit),
    of_bytes(lines_moved),
    lambda path, _: path.unlink(),
]


def of_arrays(change: Callable[[np.ndarray, Random], np.ndarray]) -> Damage:
    """Write a well-formed chunk of other results, as anybody would."""

    def damage(path: Path, random: Random) -> None:
        with np.load(path) as file:
            results = dict(file)
        name = sorted(results)[random.integers(len(results))]
        results[name] = change(results[name].copy(), random)
        np.savez(path, **results)

    return damage


def other_number(array: np.ndarray, random: Random) -> np.ndarray:
    array.flat[random.integers(array.size)] += random.choice([1e-12, 0.5, np.nan, np.inf])
    return array


OF_CHUNKS = [
    *ANY, of_arrays(other_number), of_arrays(other_number), of_arrays(lambda array, _: array.astype("f4")),
    of_arrays(lambda array, _: array.T), of_arrays(lambda array, _: array[..., :-1]),
    of_arrays(lambda array, _: array[::-1]), of_arrays(lambda array, _: array.astype(str)),
    of_arrays(lambda array, _: array),
]  # fmt: skip


OF_BOOK = {
    "benchmarks.csv": published_tables.stored_benchmarks,
    "fuzz_runs.csv": published_tables.fuzz_runs,
    "judge_verdicts.csv": published_tables.judge_verdicts,
    "base_priors.csv": published_tables.base_priors,
    "curves.csv": published_tables.published_curves,
    "strategies.csv": published_tables.published_strategies,
    "strategy_switches.csv": published_tables.published_switches,
    "majority_labels.csv": published_tables.published_label_accuracy,
    "speed_attempts.csv": published_tables.speed_attempts,
}


def read(path: Path) -> object:
    """What pages and commands make of a stored file, by the function that reads it."""
    if path.suffix == ".yml":
        return sealed_protocol.load_protocol(path)
    if path.name.startswith("confirmatory"):
        results = sealed_protocol.load_results(path.parent / path.name.rpartition("_")[0])
        return results.digest, results.accuracy.to_csv(), results.gate.to_csv()
    if path.name == "network.json":
        return network_runs.network_record()
    if path.parent.parent.name == "book":
        published_tables._read_once.cache_clear()
        return OF_BOOK[path.name]().to_csv()
    return _data.stored_table(path.name, dtype=str, keep_default_na=False).to_csv()


def table_case(random: Random, folder: Path) -> str:
    """Damage one stored file and read it."""
    original = TABLES[random.integers(len(TABLES))]
    home = folder / original.parent.parent.name / "data"
    shutil.copytree(original.parent, home)
    module = _data if original.parent == _data.DATA else published_tables
    names = {"DATA", "_PACKAGE"} if hasattr(_data, "_PACKAGE") and module is _data else {"DATA"}
    before = {name: getattr(module, name) for name in names}
    for name in names:
        setattr(module, name, home)
    try:
        path = home / original.name
        expected = read(path)
        OF_TABLES[random.integers(len(OF_TABLES))](path, random)
        if path.is_file() and path.read_bytes() == original.read_bytes():
            return "undamaged"
        try:
            found = read(path)
        except (ValueError, OSError) as problem:
            return "noticed" if original.name in str(problem) else "refused without its name"
        return "silently different" if found != expected else "silently the same"
    finally:
        for name, value in before.items():
            setattr(module, name, value)


FAMILIES = [TaskFamily(n_actions=4, n_prompts=6), StrategyFamily(n_prompts=8, offset_sd=0.5)]


def trained(kept: KeptChunks | None) -> bytes:
    config = GRPOConfig(n_steps=5, batch_size=4)
    runs = simulate(FAMILIES, config, n_tasks=2, n_seeds=8, executor=kept)
    return b"".join(each.curves.tobytes() for each in runs)


def chunk_case(random: Random, folder: Path) -> str:
    """Damage one kept chunk and resume the simulation."""
    kept = KeptChunks(folder / "chunks")
    expected = trained(kept)
    kept.shutdown()
    paths = sorted(kept.folder.glob("*.npz"))
    path = paths[random.integers(len(paths))]
    before = path.read_bytes()
    OF_CHUNKS[random.integers(len(OF_CHUNKS))](path, random)
    if path.is_file() and path.read_bytes() == before:
        return "undamaged"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        try:
            with KeptChunks(kept.folder, resume=True) as again:
                found = trained(again)
        except (ValueError, OSError) as problem:
            return "noticed" if path.name in str(problem) else "refused without its name"
    if found != expected:
        return "silently different"
    return "noticed" if again.n_trained else "silently the same"


def case(random: Random, folder: Path) -> tuple[str, float, str]:
    """One of the two, as the other fuzzers report: what is noticed is refused, what is silent is wrong."""
    damage = (table_case, chunk_case)[random.integers(2)]
    travelling, executors._TRAVELLING = executors._TRAVELLING, 240  # groups of a chunk: 4 runs
    start = time.perf_counter()
    try:
        outcome = damage(random, folder)
    except Exception as problem:
        return "traceback", time.perf_counter() - start, f"{damage.__name__}: {problem!r} <-"
    finally:
        executors._TRAVELLING = travelling
    kind = {"noticed": "refused", "undamaged": "read"}.get(outcome, "wrong")
    return kind, time.perf_counter() - start, f"{damage.__name__}: {outcome} <-"


if __name__ == "__main__":
    raise SystemExit(command_line(case))
