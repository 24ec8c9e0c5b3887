"""Read logs of Inspect: epochs are samples of an item, scorers are metrics, sample ids identify items.

Samples without a score are left out, as in Inspect's own accuracy. The summaries of an ``.eval`` file cut a
prompt after 5,120 characters, so only that part of the prompts is compared.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from rlvr._checks import shown
from rlvr.logs.answers import (
    Answers,
    Counts,
    Log,
    LogError,
    OwnResult,
    UnfinishedLog,
    decoding_of,
    fingerprint,
    mapping,
    output_hash,
    outputs_digest,
    temperature_of,
    text_of,
)

__all__ = ["read_inspect"]

_GRADES = {"C": 1.0, "I": 0.0, "P": 0.5, "N": 0.0}
_WORDS = {"yes": 1.0, "true": 1.0, "no": 0.0, "false": 0.0}
_CUT = 5120  # characters of a text in a summary


def read_inspect(path: Path, records: Iterable[dict[str, Any]]) -> Log:
    """Read the log of a file.

    Raises
    ------
    LogError
        If the evaluation did not succeed, or an epoch of a sample occurs twice.
    """
    (log,) = records
    about = log["eval"]
    evaluation = text_of([about.get("task_id") or about.get("task"), about.get("model")])
    if log.get("status") != "success":
        raise UnfinishedLog(
            f"{path}: the evaluation has status {shown(log.get('status'))}; a log with status 'success' is "
            "accepted: evaluate again",
            evaluation,
        )
    columns: dict[str, Answers] = {}
    answers = set()
    outputs: list[tuple[str, int | None, str]] = []
    n_failed, stopped = 0, dict.fromkeys(("failed", "reached a limit"), 0)
    for sample in log.get("samples") or []:
        answer = str(sample["id"]), sample.get("epoch", 1)
        if answer in answers:
            raise LogError(
                f"{path}: sample {shown(answer[0])} has epoch {answer[1]} twice; each epoch once is accepted"
            )
        answers.add(answer)
        scores = list(_scores(sample.get("scores") or {}))
        n_failed += bool(sample.get("error")) and not scores
        stopped["failed"] += bool(sample.get("error") and scores)
        stopped["reached a limit"] += bool(sample.get("limit") and scores)
        prompt = fingerprint(text_of(_summarised(sample.get("input"))))
        for scorer, score in scores:
            if isinstance(score, float) and math.isnan(score):
                continue  # Inspect marks a sample without a score by NaN
            columns.setdefault(scorer, Answers()).add(answer[0], prompt, _grade(score))
        outputs.append((f"{answer}", output_hash(_written(sample)), text_of(scores)))
    settings = _settings(log)
    return Log(
        path,
        str(about.get("task", "")),
        str(about.get("model", "")),
        columns,
        decoding=decoding_of(settings),
        temperature=temperature_of(settings),
        counts=Counts(len(answers), n_failed),
        outputs=outputs_digest(*zip(*outputs, strict=True)) if outputs else "",
        own=_own_results(log, columns),
        evaluation=evaluation,
        settings=_evaluated_with(log),
        notices=tuple(
            f"{path.name}: {n} of {len(answers)} samples {what} and have a score nevertheless, which counts"
            for what, n in stopped.items()
            if n
        ),
    )


def _scores(scores: Mapping[str, Any]) -> Iterable[tuple[str, Any]]:
    """Yield scorers and values; a scorer with several values gives several metrics, ``scorer/name``."""
    for scorer, score in scores.items():
        value = score.get("value") if isinstance(score, dict) else score
        if isinstance(value, dict):
            yield from ((f"{scorer}/{name}", part) for name, part in value.items())
        else:
            yield scorer, value


def _grade(score: Any) -> Any:
    """Turn a score into a number as Inspect's own ``value_to_float`` does; return any other unchanged."""
    if not isinstance(score, str) or score in _GRADES:
        return _GRADES[score] if isinstance(score, str) else score
    try:
        return _WORDS[score.lower()] if score.lower() in _WORDS else float(score)
    except ValueError:
        return score


def _summarised(value: Any) -> Any:
    """Reduce a prompt to what a summary keeps: cut texts, names of images, messages without identifiers."""
    if isinstance(value, str):
        return value[:_CUT]
    if not isinstance(value, list):
        return value
    return [[mapping(message).get("role"), _content(mapping(message).get("content"))] for message in value]


def _content(content: Any) -> Any:
    if not isinstance(content, list):
        return _summarised(content)
    parts = [mapping(part) for part in content]
    return [
        _summarised(part.get("text"))
        if part.get("type") == "text"
        else f"({str(part.get('type')).capitalize()})"
        for part in parts
    ]


def _written(sample: Mapping[str, Any]) -> Any:
    """Return what distinguishes a sample from that of another evaluation: its identifier or its output."""
    return sample.get("uuid") or mapping(sample.get("output")).get("completion")


def _settings(log: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings of the last ``generate`` step, else of the plan, else of the model.

    In Inspect, the settings of a task or of a call of ``eval``, which the plan holds, override those of the
    model (seen in the model events of logs by release 0.3.285).
    """
    plan = mapping(log.get("plan"))
    steps = plan.get("steps")
    generates = [
        mapping(step.get("params"))
        for step in (steps if isinstance(steps, list) else ())
        if isinstance(step, dict) and step.get("solver") == "generate"
    ]
    settings: dict[str, Any] = {}
    for layer in (mapping(log.get("eval")).get("model_generate_config"), plan.get("config"), *generates):
        settings |= {name: value for name, value in mapping(layer).items() if value is not None}
    return {name: settings.get(name) for name in ("temperature", "top_k")}


_NAMES_OF_A_RUN = frozenset({"arm", "run", "seed", "model", "model_path", "checkpoint", "step"})
"""Parameters that name what was evaluated, in which compared logs differ."""


def _evaluated_with(log: Mapping[str, Any]) -> dict[str, str]:
    """Return arguments of the task, solvers with their parameters, and bounds of a generation."""
    about, plan = mapping(log.get("eval")), mapping(log.get("plan"))
    steps = [mapping(step) for step in plan.get("steps") or () if isinstance(step, dict)]
    task = mapping(about.get("task_args")).items()
    found = {f"task_args {name}": value for name, value in task if name not in _NAMES_OF_A_RUN}
    found |= {"solvers": ", ".join(str(step.get("solver")) for step in steps)} if steps else {}
    for step in steps:
        if step.get("solver") != "generate":
            params = mapping(step.get("params")).items()
            found |= {
                f"{step.get('solver')} {name}": of for name, of in params if name not in _NAMES_OF_A_RUN
            }
    for layer in (about.get("model_generate_config"), plan.get("config")):
        found |= {name: of for name, of in mapping(layer).items() if name in ("max_tokens", "top_p")}
    return {name: text_of(value) for name, value in found.items() if value is not None}


def _own_results(log: Mapping[str, Any], metrics: Iterable[str]) -> dict[str, tuple[OwnResult, ...]]:
    """Read the accuracy or mean of each scorer from the log's results, one for each reducer of epochs."""
    scores = mapping(log.get("results")).get("scores")
    found: dict[str, tuple[OwnResult, ...]] = {}
    for score in scores if isinstance(scores, list) else ():
        score = mapping(score)
        names = (str(score.get("name")), f"{score.get('scorer')}/{score.get('name')}")
        metric = next((name for name in names if name in metrics), None)
        stated = mapping(score.get("metrics"))
        value = next(
            (
                value
                for name in ("accuracy", "mean")
                if isinstance(value := mapping(stated.get(name)).get("value"), (int, float))
            ),
            None,
        )
        if metric is None or value is None:
            continue
        reducer = score.get("reducer")
        why = (
            f"Inspect combined the epochs of a sample by {reducer}, the audit averages them"
            if reducer not in (None, "mean")
            else "Inspect averages only the samples that it scored"
        )
        found[metric] = (*found.get(metric, ()), OwnResult(float(value), "Inspect's own results", why))
    return found
