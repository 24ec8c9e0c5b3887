"""Read what lighteval, evalscope and NeMo-Skills write beside their logs: results, settings and failures.

Nothing beside a log is needed to read the log. A file that is missing, damaged or of another version states
nothing.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rlvr._reading import read_bytes
from rlvr.logs.answers import OwnResult, bare_name, decoding_of, mapping, temperature_of
from rlvr.logs.record_fields import value_at

__all__ = ["Stated", "beside_evalscope", "beside_lighteval", "beside_nemo_skills", "json_object"]


@dataclass(frozen=True)
class Stated:
    """What the files beside a log state; empty where they state nothing."""

    own: Mapping[str, tuple[OwnResult, ...]] = field(default_factory=dict)
    decoding: str = ""
    temperature: float | None = None
    n_failed: int = 0


def json_object(path: Path) -> dict[str, Any]:
    """Read an object from a small file beside a log; empty if the file holds no object."""
    try:
        return mapping(json.loads(read_bytes(path)))
    except (OSError, ValueError, RecursionError):
        return {}


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else None


def _objects(value: Any) -> list[dict[str, Any]]:
    return [entry for entry in value if isinstance(entry, dict)] if isinstance(value, list) else []


# lighteval ----------------------------------------------------------------------------------------

_DETAILS = re.compile(r"details_(?P<task>.+?)(?:_(?P<time>\d{4}-\d\d-\d\dT[\d.:-]+))?")


def beside_lighteval(path: Path) -> tuple[str, str, Stated]:
    """Return the task and the model of ``details/<model>/<time>/details_<task>_<time>.parquet``, and results.

    They lie in ``results/<model>/results_<time>.json``, or above the details where these were published.
    """
    named = _DETAILS.fullmatch(bare_name(path))
    task, time = (named["task"], named["time"]) if named else ("", None)
    path = path.absolute()
    above = path.parent.parent
    root = next((parent for parent in path.parents if parent.name == "details"), None)
    model = above.relative_to(root).as_posix() if root in above.parents and root else above.name
    if time is None:
        return task, model, Stated()
    name = f"results_{time}.json"
    places = [parent / name for parent in (*path.parents,)[:4]]
    if root:
        places.insert(0, root.parent / "results" / model / name)
    results = next((found for place in places if (found := json_object(place))), {})
    general = mapping(results.get("config_general"))
    settings = mapping(
        value_at(general, "model_config.generation_parameters") or general.get("generation_parameters")
    )
    stated = mapping(mapping(results.get("results")).get(task))
    own = {
        metric: (OwnResult(number, name, "lighteval may combine the answers differently"),)
        for metric, value in stated.items()
        if (number := _number(value)) is not None
    }
    return task, model, Stated(own, decoding_of(settings), temperature_of(settings))


# evalscope ----------------------------------------------------------------------------------------


def beside_evalscope(path: Path, metrics: Iterable[str]) -> Stated:
    """Read report and settings of ``reviews/<model>/<benchmark>_<subset>.jsonl``.

    They are ``reports/<model>/<benchmark>.json`` and ``configs/task_config*.yaml``.
    """
    path = path.absolute()
    root, model = path.parent.parent.parent, path.parent.name
    if path.parent.parent.name != "reviews":
        return Stated()
    name = bare_name(path)
    reports = [file for file in (root / "reports" / model).glob("*.json") if name.startswith(f"{file.stem}_")]
    own: dict[str, tuple[OwnResult, ...]] = {}
    n_failed = 0
    if reports:
        file = max(reports, key=lambda one: len(one.stem))
        report, subset = json_object(file), name[len(file.stem) + 1 :]
        counts = mapping(mapping(mapping(report.get("execution_summary")).get("subsets")).get(subset))
        n_failed = int(max(_number(counts.get("errored")) or 0, 0))
        own = dict(_subset_results(report, subset, [*metrics], f"reports/{model}/{file.name}"))
    settings = _settings_of_evalscope(root)
    return Stated(own, decoding_of(settings), temperature_of(settings), n_failed)


def _subset_results(
    report: Mapping[str, Any], subset: str, metrics: list[str], where: str
) -> Iterator[tuple[str, tuple[OwnResult, ...]]]:
    """Yield the score of a subset by metric; before 1.14, a report named metrics ``mean_acc``."""
    rows = _objects(report.get("metrics"))
    for metric in metrics:
        names = (metric, f"mean_{metric}")
        fitting = [row for row in rows if (value_at(row, "identity.name") or row.get("name")) in names]
        row = next(iter(fitting if fitting or len(metrics) > 1 else rows), {})
        if value_at(row, "identity.aggregation") not in (None, "mean"):
            continue
        for part in _objects(row.get("categories")):
            for one in _objects(part.get("subsets")):
                score = _number(one.get("score"))
                if one.get("name") == subset and score is not None:
                    yield metric, (OwnResult(score, where, "evalscope may leave out or weight answers"),)


def _settings_of_evalscope(root: Path) -> dict[str, Any]:
    import yaml

    files = sorted((root / "configs").glob("task_config*.yaml"))
    if len(files) != 1:
        return {}
    try:
        return mapping(mapping(yaml.safe_load(read_bytes(files[0]))).get("generation_config"))
    except (OSError, ValueError, RecursionError, yaml.YAMLError):
        return {}


# NeMo-Skills --------------------------------------------------------------------------------------


def beside_nemo_skills(path: Path) -> Stated:
    """Read the part of ``metrics.json``, beside or above ``<benchmark>/output*.jsonl``, on the benchmark.

    Its ``pass@1`` is the mean over all samples of the benchmark.
    """
    place = path.absolute().parent
    for folder in (place.parent, place):
        results = mapping(json_object(folder / "metrics.json").get(place.name))
        means = [name for name in results if re.fullmatch(r"pass@1(\[avg-of-\d+\])?|greedy", name)]
        stated = mapping(results[max(means, key=len)]) if means else {}
        own = {
            metric: (OwnResult(number / 100, "metrics.json", "it may hold other samples of the benchmark"),)
            for metric, value in stated.items()
            if (number := _number(value)) is not None and "correct" in metric
        }
        if own:
            return Stated(own)
    return Stated()
