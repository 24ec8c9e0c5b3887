"""Find the logs of an arm's runs below a path: one file, or each model's log in a folder."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from rlvr._checks import shortened
from rlvr._reading import ReadingError, files_below
from rlvr.logs.answers import Log, LogError, UnfinishedLog
from rlvr.logs.checkpoint_names import checkpoint_free, time_free
from rlvr.logs.file_names import aside_free, is_hidden, same_but_for_endings
from rlvr.logs.formats import ACCEPTED, read_benchmarks
from rlvr.logs.record_fields import Fields
from rlvr.logs.run_identity import DATED

__all__ = ["logs_at"]

# Files that tools write beside their logs.
_BESIDE = re.compile(
    r""
    r"results_.*\.json|.*_results\.json|logs\.json|eval-set\.json|manifest\.json|.*metrics.*\.json|config\.json|"
    r".*-(requests|recorded-inputs)\.jsonl",
    re.IGNORECASE,
)
_LOGS = re.compile(r".*\.(jsonl|json|eval|parquet)(\.gz|\.zst)?", re.IGNORECASE)


def logs_at(arm: str, path: Path, fields: Fields | None = None) -> list[Log]:
    """Read the logs of a file, or of a folder and all folders below, in the order of their names.

    Error messages name `arm`; `fields` is for files of unknown tools. A model has at most one log per
    benchmark, unless several logs hold samples of one evaluation.

    Raises
    ------
    LogError
        If there is no log, or a folder holds several evaluations or checkpoints of one model.
    """
    if not path.is_dir():
        if not os.path.lexists(path):
            raise LogError(f"{arm}={shortened(str(path))}: no such file or folder; {ACCEPTED}")
        return read_benchmarks(path, fields)
    try:
        below = files_below(path)
    except ReadingError as error:
        raise LogError(f"{arm}={error}; a folder whose files can all be read is accepted") from None
    files = [
        file
        for file in sorted(below, key=_natural)
        if _LOGS.fullmatch(file.name) and not _lies_beside(file) and not is_hidden(file.relative_to(path))
    ]
    if pair := same_but_for_endings(files):
        both = " and ".join(str(file.relative_to(path)) for file in pair)
        raise LogError(
            f"{arm}={path}: {shortened(both, 300)} differ only in their endings, so they are copies of one "
            f"evaluation; one of them is accepted: remove the other, or name the file ({arm}=FILE)"
        )
    if not files:
        is_unscored = any("predictions" in file.parts for file in below)
        what = "predictions that are scored elsewhere (give the folder above)" if is_unscored else "no log"
        raise LogError(f"{arm}={path}: the folder holds {what}; {ACCEPTED}")
    logs = _finished(arm, files, fields)
    tools = sorted({log.tool for log in logs})
    if len(tools) > 1:
        raise LogError(
            f"{arm}={path}: holds logs of {' and '.join(tools)}; logs of one tool are accepted: name the "
            f"files of one ({arm}=FILE)"
        )
    first: dict[tuple[str, ...], Log] = {}
    for log in logs:
        # Checkpoints of a model differ only in their step.
        place = aside_free(log.path.parent.relative_to(path).as_posix())
        place = time_free(place) if log.tool in DATED else place
        run = (checkpoint_free(place), checkpoint_free(log.run or log.model), log.benchmark)
        before = first.setdefault(run, log)
        if before is not log and not (log.pool and log.pool == before.pool):
            both = f"{before.path.relative_to(path)} and {log.path.relative_to(path)}"
            raise LogError(
                f"{arm}={path}: {shortened(both, 300)} are two evaluations or checkpoints of one model, "
                f"so they do not count as two runs; name one of them ({arm}=FILE), or each of them if they "
                "are runs"
            )
        if log.step != logs[0].step:
            raise LogError(
                f"{arm}={path}: holds runs at the training steps {logs[0].step} and {log.step}; runs of "
                f"equal length are accepted: name the files of one length ({arm}=FILE)"
            )
    return logs


def _lies_beside(file: Path) -> bool:
    """Whether a file is not a log but results, settings, or predictions that are scored elsewhere."""
    unscored = "predictions" in file.parts and any(
        (Path(*file.parts[: file.parts.index("predictions")]) / scored).is_dir()
        for scored in ("reviews", "results")
    )
    return unscored or bool(_BESIDE.fullmatch(file.name)) or "reports" in file.parts


def _finished(arm: str, files: Sequence[Path], fields: Fields | None) -> list[Log]:
    """Read the logs of files; leave out a failed evaluation if its retry is among them."""
    logs: list[Log] = []
    failed: list[tuple[Path, UnfinishedLog]] = []
    for file in files:
        try:
            logs += read_benchmarks(file, fields)
        except UnfinishedLog as error:
            failed.append((file, error))
    for file, failure in failed:
        retry = next((n for n, log in enumerate(logs) if log.evaluation == failure.evaluation), None)
        if retry is None:
            raise failure
        notice = f"{arm}: {file.name} failed and is left out, because {logs[retry].path.name} is its retry"
        logs[retry] = replace(logs[retry], notices=(*logs[retry].notices, notice))
    return logs


def _natural(path: Path) -> list[tuple[int, int, str]]:
    """Return a sorting key by which run10 follows run9."""
    parts = re.split(r"(\d+)", str(path))
    return [(1, int(part), "") if part.isdecimal() else (0, 0, part) for part in parts]
