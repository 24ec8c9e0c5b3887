"""Which evaluation logs a path holds, and which of them are runs of an arm."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from rlvr._checks import shortened
from rlvr.logs.evaluation_log import ACCEPTED, Log, LogError
from rlvr.logs.log_formats import read_log

__all__ = ["logs_at"]

_STEP = re.compile(r"(checkpoint|ckpt|global_step|step|iter)[-_]?\d+", re.IGNORECASE)
# What the tools lay beside their logs.
_BESIDE = re.compile(r"results_.*\.json|logs\.json|eval-set\.json|manifest\.json", re.IGNORECASE)


def logs_at(arm: str, path: Path) -> list[Log]:
    """The logs of a file, or of a folder and all below it, in the order of their names.

    Parameters
    ----------
    arm : str
        For the refusals.
    path : Path

    Returns
    -------
    list of Log
        At most one a model and benchmark.

    Raises
    ------
    LogError
        If there is no log, or a folder holds several evaluations or checkpoints of one model.
    """
    if not path.is_dir():
        if not path.exists():
            raise LogError(f"{arm}={shortened(str(path))}: no such file or folder; {ACCEPTED}")
        return [read_log(path)]
    files = [
        file
        for file in sorted(path.rglob("*"), key=_natural)
        if file.suffix in (".jsonl", ".json", ".eval") and file.is_file() and not _BESIDE.fullmatch(file.name)
    ]
    if not files:
        raise LogError(f"{arm}={path}: a folder without a log; {ACCEPTED}")
    logs = [read_log(file) for file in files]
    tools = sorted({log.tool for log in logs})
    if len(tools) > 1:
        raise LogError(f"{arm}={path}: holds logs of {' and '.join(tools)}; name the files that are meant")
    _refuse_one_run_twice(arm, path, logs)
    return logs


def _natural(path: Path) -> list[tuple[int, int, str]]:
    """A key by which run10 follows run9."""
    parts = re.split(r"(\d+)", str(path))
    return [(1, int(part), "") if part.isdecimal() else (0, 0, part) for part in parts]


def _refuse_one_run_twice(arm: str, folder: Path, logs: Sequence[Log]) -> None:
    first: dict[tuple[str, str, str], Log] = {}
    for log in logs:
        # A model's checkpoints differ in their step alone; a verl run has a folder of its own; of a plain
        # file nothing is known but its name.
        which = {"verl": "", "plain": log.path.name}.get(log.tool, log.model)
        place = log.path.parent.parent if log.tool == "lm-eval" else log.path.parent
        run = _STEP.sub("*", str(place)), _STEP.sub("*", which), log.benchmark
        before = first.setdefault(run, log)
        if before is log:
            if log.tool == "verl" and log.step != logs[0].step:
                raise LogError(
                    f"{arm}={folder}: runs at the steps {logs[0].step} and {log.step} of training; "
                    "runs of equal length are accepted, or name the files"
                )
            continue
        both = f"{before.path.relative_to(folder)} and {log.path.relative_to(folder)}"
        raise LogError(
            f"{arm}={folder}: {shortened(both, 300)} are two evaluations or checkpoints of one model, "
            f"not two runs; name the one that counts ({arm}=FILE), or each of them if they are runs"
        )
