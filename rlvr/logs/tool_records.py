"""Readers of tools whose logs are records, one per tool: its fields and its peculiarities.

* verl, validation generations ``input, output, gts, score, step``: items have no id, so an item is the hash
  of its input, and of its truth where one input has several (verl drops images from the text). Lines with the
  same item are its samples. The generation Parquet of verl holds ``responses`` without scores.
* math-evaluation-harness and its relatives, ``idx, question, gt, code[], pred[], score[]``: one line per
  item.
* NeMo-Skills, ``output-rs<seed>.jsonl``: one line per item, one file per sample.
* evalscope (``reviews/``), olmes (``*-predictions.jsonl``), lighteval (details in Parquet), OpenCompass
  (``results/`` with details): one record per item, with its metrics.
* TRL, logged completions: what the trainer sampled during training; refused, since this is not an evaluation.
* Plain lines of ``item, correct``.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from itertools import chain
from pathlib import Path
from typing import Any

from rlvr.logs.answers import (
    SHORT,
    Answers,
    Counts,
    Log,
    LogError,
    OwnResult,
    bare_name,
    fingerprint,
    mapping,
    text_of,
)
from rlvr.logs.gathered_answers import READING, item_name
from rlvr.logs.record_fields import Fields, outcomes_at, value_at
from rlvr.logs.records import read_records
from rlvr.logs.stated_results import beside_evalscope, beside_lighteval, beside_nemo_skills, json_object

__all__ = [
    "OPENCOMPASS", "opencompass_rows", "read_evalscope", "read_evalscope_predictions", "read_lighteval",
    "read_math_evaluation", "read_nemo_skills", "read_olmes", "read_opencompass", "read_plain", "read_trl",
    "read_verl", "read_verl_generations",
]  # fmt: skip

Records = Iterable[dict[str, Any]]


def read_plain(path: Path, records: Records) -> list[Log]:
    """Read lines of item and correct; each file is a run of its own."""
    return read_records(path, records, Fields(), several=False, unscored=False, run=path.name)


# verl ---------------------------------------------------------------------------------------------

_VERL = Fields(item=(), prompt=(), output=("output",), truth=("gts",), step=("step",))


def read_verl(path: Path, records: Records) -> list[Log]:
    """Read validation generations; refuse rollouts of training."""
    in_training = [name for name in path.parts if re.search(r"rollout|train", name, re.IGNORECASE)]
    notices: tuple[str, ...] = ()
    if in_training:
        notices = (
            f"{path.name} is in the folder {in_training[-1]}; rollouts of training are not an evaluation: "
            "verl writes validation into validation_data_dir",
        )

    def outcomes(record: Mapping[str, Any]) -> dict[str, Any]:
        if "request_id" in record:  # verl writes this field only into rollouts of training
            raise LogError(
                f"{path}: rollouts of training (their lines hold request_id), which are not an evaluation; "
                "validation generations (trainer.validation_data_dir) are accepted"
            )
        metrics = {
            key: value for key, value in record.items()
            # verl repeats the score as "reward", and "step" is the training step.
            if key not in ("score", "reward", "step") and isinstance(value, (bool, int, float))
        }  # fmt: skip
        return {"score": record.get("score"), **metrics}

    @lru_cache(1000)  # the samples of an item share its texts
    def short(text: str) -> str:
        return fingerprint(text)[:SHORT]

    def item(record: Mapping[str, Any], _: int) -> str:
        return f"{short(text_of(record['input']))}/{short(text_of(record.get('gts')))}"

    found = read_records(
        path, records, _VERL, outcomes=outcomes, name_item=item, several=False, unscored=False, prompts=False,
        graded=True, notices=notices,
    )  # fmt: skip
    unchecked = (
        f"{path.name} holds no truth (gts) to check its scores; verl by default scores by the reward of the "
        "arm, so check that the scores mean right or wrong"
    )
    name = bare_name(path)
    found = [replace(log, step=log.step or name * name.isdecimal()) for log in found]
    return [
        _with_short_names(
            _of_all_lines(log if log.truths else replace(log, notices=(*log.notices, unchecked)))
        )
        for log in found
    ]


def _of_all_lines(log: Log) -> Log:
    """Drop the metrics that some lines lack."""
    whole = {
        name: column
        for name, column in log.answers.items()
        if name == "score" or len(column.values) == log.counts.read
    }
    return replace(log, answers=whole)


def _with_short_names(log: Log) -> Log:
    """Shorten ``name/text`` to ``name`` for items whose name stands for one text."""
    full = dict.fromkeys(item for column in log.answers.values() for item in column.items)
    heads = {item: item.rpartition("/")[0] or item for item in full}
    n_texts = Counter(heads.values())
    short = {item: head if n_texts[head] == 1 else item for item, head in heads.items()}

    def renamed(column: Answers) -> Answers:
        return Answers([short.get(item, item) for item in column.items], column.prompts, column.values)

    return replace(
        log,
        answers={name: renamed(column) for name, column in log.answers.items()},
        reread=log.reread and renamed(log.reread),
        truths={short.get(item, item): truth for item, truth in log.truths.items()},
    )


def read_verl_generations(path: Path, records: Records) -> list[Log]:
    """Read responses without scores: each is compared with the ground truth by a plain reading."""
    where = Fields(
        item=(), prompt=("prompt",), output=("responses",), truth=("reward_model.ground_truth",),
        benchmark=("data_source",), step=(), model=(),
    )  # fmt: skip
    logs = read_records(
        path, records, where, outcomes=lambda record: {READING: [None] * len(record["responses"])},
        name_item=_repeats_numbered("prompt"),
    )  # fmt: skip
    return _reread_only(path, logs)


def _reread_only(path: Path, logs: list[Log]) -> list[Log]:
    """Return the logs of a file without scores, scored by the plain reading."""
    if any(log.reread is None for log in logs):
        raise LogError(
            f"{path}: holds no scores, and no answer that can be compared with its truth; score the file "
            "first"
        )
    notice = f"{path.name} holds no scores: the last box or number of each output is compared with the truth"
    return [
        replace(log, answers={READING: log.reread}, reread=None, checks={}, notices=(*log.notices, notice))
        for log in logs
        if log.reread
    ]


def _repeats_numbered(*names: str) -> Callable[[Mapping[str, Any], int], str]:
    """Return a function that names items by the hash of the first present text and numbers repetitions."""
    seen: Counter[str] = Counter()

    def item(record: Mapping[str, Any], _: int) -> str:
        found = next((value for name in names if (value := value_at(record, name)) is not None), None)
        text = fingerprint(text_of(found))[:SHORT]
        seen[text] += 1
        return text if seen[text] == 1 else f"{text}#{seen[text]}"

    return item


# Evaluators ---------------------------------------------------------------------------------------


def read_math_evaluation(path: Path, records: Records) -> list[Log]:
    """Read lines of idx, gt, pred and score; the last two have one entry per sample.

    The folder names the benchmark.
    """
    where = Fields(
        item=("idx",), correct=("score",), prompt=("question", "problem", "prompt"), output=("code",),
        truth=("gt",), benchmark=(), step=(), model=(),
    )  # fmt: skip
    temperature = re.search(r"_t(\d+(?:\.\d+)?)_", path.name)
    degree = float(temperature[1]) if temperature else None
    own = tuple(
        OwnResult(float(found) / 100, beside.name, "that file counts only the first sample of an item")
        for beside in sorted(path.parent.glob(f"{_escaped(bare_name(path))}*metrics.json"))
        if isinstance(found := json_object(beside).get("acc"), (int, float))
    )
    logs = read_records(
        path, records, where, check=False, benchmark=path.parent.name, model=path.parent.parent.name,
        decoding="" if degree is None else "sampled" if degree else "greedy", temperature=degree,
    )  # fmt: skip
    named = re.fullmatch(r"[a-z]+_(.+)_-?\d+_seed\d+_t.*", bare_name(path))
    settings = {"type of prompt": named[1]} if named else {}
    return [
        replace(log, own={"score": own} if own else {}, settings={**log.settings, **settings}) for log in logs
    ]


def _escaped(name: str) -> str:
    """Escape the special characters of a name for a pattern of files."""
    return re.sub(r"([*?[])", r"[\1]", name)


_NEMO_VERDICTS = ("symbolic_correct", "is_correct", "judgement")


def read_nemo_skills(path: Path, records: Records) -> list[Log]:
    """Read lines of problem, generation and symbolic_correct, is_correct or judgement, a file per sample.

    Generations that were not evaluated are compared with their truth by a plain reading.
    """
    lines = iter(records)
    first = next(lines, {})
    is_scored = not first.keys().isdisjoint(_NEMO_VERDICTS)
    where = Fields(
        item=(), prompt=("problem", "question"), output=("generation",), truth=("expected_answer",),
        benchmark=(), step=(), model=(),
    )  # fmt: skip

    def outcomes(record: Mapping[str, Any]) -> dict[str, Any]:
        if not is_scored:
            return {READING: None}
        metrics = {name: record[name] for name in _NEMO_VERDICTS[:2] if name in record}
        if isinstance(judgement := record.get("judgement"), str):
            verdict = judgement.rpartition("Judgement:")[2].strip().lower()
            metrics["judge_correct"] = "Judgement:" in judgement and verdict.startswith("yes")
        return metrics

    place = path.absolute().parent
    above = place.parent
    above = above.parent if above.name == "eval-results" else above
    logs = read_records(
        path, chain([first], lines), where, outcomes=outcomes, name_item=_repeats_numbered(*where.prompt),
        check=not is_scored, benchmark=place.name, model=above.name,
        pool=str(place) if re.fullmatch(r"output-rs\d+", bare_name(path)) else "",
    )  # fmt: skip
    if not is_scored:
        return _reread_only(path, logs)
    own = beside_nemo_skills(path).own
    return [replace(log, own=own) for log in logs]


def read_evalscope(path: Path, records: Records) -> list[Log]:
    """Read reviews: lines of index and sample_score; samples of one item share its group_id.

    A resumed evaluation reviews some samples again; the last review of a sample counts, as in evalscope.
    """
    where = Fields(
        item=("sample_score.group_id", "index"), prompt=("input", "question"),
        output=("sample_score.score.prediction",), truth=("target",), benchmark=(), step=(), model=(),
    )  # fmt: skip
    rows: dict[Any, dict[str, Any]] = {}
    n_read = 0
    for n_read, record in enumerate(records, 1):  # noqa: B007
        sample = value_at(record, "sample_score.sample_id")
        name = record.get("index") if sample is None else sample
        place = (type(name), text_of(name))
        rows.pop(place, None)
        rows[place] = {
            name: record[name] for name in ("index", "target", "input", "sample_score") if name in record
        } | {"question": _question(record.get("messages"))}
    logs = read_records(
        path, rows.values(), where, outcomes=_numbers_of("sample_score.score.value"), check=False,
        benchmark=bare_name(path), model=path.absolute().parent.name,
    )  # fmt: skip
    stated = beside_evalscope(path, {metric for log in logs for metric in log.answers})
    again = (
        (f"{path.name} holds {n_read - len(rows)} further reviews of the same samples; the last one counts",)
        if n_read > len(rows)
        else ()
    )
    return [
        replace(
            log,
            own=stated.own,
            decoding=stated.decoding,
            temperature=stated.temperature,
            counts=Counts(log.counts.read + stated.n_failed, log.counts.errored + stated.n_failed),
            notices=(*log.notices, *again),
        )
        for log in logs
    ]


def read_evalscope_predictions(path: Path, _: Records) -> list[Log]:
    """Refuse predictions of evalscope, which hold neither scores nor truths."""
    raise LogError(
        f"{path}: predictions of evalscope hold no scores; its reviews are accepted: give the folder reviews "
        "that lies beside the folder predictions"
    )


def _question(messages: Any) -> list[list[Any]] | None:
    """Return the texts before the last message of the model; None if there are none."""
    turns = [[turn.get("role"), turn.get("content")] for turn in messages or () if isinstance(turn, dict)]
    while turns and turns[-1][0] != "assistant":
        turns.pop()
    return turns[:-1] or None


def _numbers_of(name: str) -> Callable[[Mapping[str, Any]], Mapping[str, Any]]:
    """Return a function that reads the metrics under a name; empty if there are none."""
    outcomes = outcomes_at((name,))
    return lambda record: outcomes(record) if mapping(value_at(record, name)) else {}


def read_olmes(path: Path, records: Records) -> list[Log]:
    """Read predictions: lines of doc_id, native_id and metrics."""
    where = Fields(
        item=("native_id", "doc_id"), prompt=(), output=("model_output.0.continuation",), truth=("label",),
        benchmark=(), step=(), model=(),
    )  # fmt: skip
    task = re.fullmatch(r"task-\d+-(.+?)-predictions", bare_name(path))
    return read_records(
        path, records, where, outcomes=_numbers_of("metrics"), check=False,
        benchmark=task[1] if task else "", model=path.parent.name,
    )  # fmt: skip


_MEAN_OF = re.compile(
    r"(?:avg@n:n=|(?:\w+_)?avg@|(?:\w+_)?pass@k:k=1&n=|(?:\w+_)?pass@1:)(\d+)(_samples)?([&:].*)?"
)


def read_lighteval(path: Path, records: Records) -> list[Log]:
    """Read details: rows of doc, model_response and metric, one per item and kind of request.

    A row holds all samples of its item, but one value per metric: their mean, or the score of all together.
    The same ``doc.id`` stands in each split of the data, so different questions may share it.
    """
    where = Fields(
        item=(), prompt=("model_response.input", "doc.query"), output=("model_response.text",), truth=(),
        benchmark=(), step=(), model=(),
    )  # fmt: skip
    by_text = _repeats_numbered("doc.query")
    requests: set[str] = set()
    kinds: dict[str, type] = {}
    n_texts: Counter[str] = Counter()  # by metric, the most texts of an item

    def outcomes(record: Mapping[str, Any]) -> Mapping[str, Any]:
        values = _numbers_of("metric")(record)
        n_here = len(value_at(record, "model_response.text") or ())
        n_texts.update({metric: n_here - n_texts[metric] for metric in values if n_here > n_texts[metric]})
        return values

    def item(record: Mapping[str, Any], number: int) -> str:
        requests.update(value_at(record, "doc.sampling_methods") or ())
        found = value_at(record, "doc.id")
        if not isinstance(found, (str, int)) or found == "":
            return by_text(record, number)
        text = fingerprint(text_of(value_at(record, "doc.query")))[:SHORT]
        return f"{item_name(path, kinds, found, number)}/{text}"

    task, model, stated = beside_lighteval(path)
    logs = read_records(
        path, records, where, outcomes=outcomes, name_item=item, check=False, benchmark=task, model=model,
    )  # fmt: skip
    decoding = stated.decoding if len(requests) < 2 else ""
    if requests and "GENERATIVE" not in requests:
        decoding = "not applicable"
    return [
        replace(
            log,
            answers={metric: _samples_of(metric, column) for metric, column in log.answers.items()},
            joint={metric: n for metric, n in n_texts.items() if n > 1 and not _MEAN_OF.fullmatch(metric)},
            counts=Counts(log.counts.read // max(len(requests), 1), log.counts.errored),
            decoding=decoding,
            temperature=None if decoding == "not applicable" else stated.temperature,
            own=stated.own,
        )
        for log in map(_with_short_names, logs)
    ]


def _samples_of(metric: str, column: Answers) -> Answers:
    """Write the mean over n samples of an item as n answers, right or wrong, where it is such a mean."""
    named = _MEAN_OF.fullmatch(metric)
    n = int(named[1]) if named else 1
    if not 1 < n <= 2**16:
        return column
    whole = Answers()
    for item, prompt, value in zip(column.items, column.prompts, column.values, strict=True):
        n_right = round(value * n) if isinstance(value, (int, float)) and 0 <= value <= 1 else -1
        if n_right < 0 or abs(value * n - n_right) > 1e-6:
            return column
        whole.items += [item] * n
        whole.prompts += [prompt] * n
        whole.values += [1] * n_right + [0] * (n - n_right)
    return whole


OPENCOMPASS = "idx of OpenCompass"
_VERDICTS = ("correct", "is_correct", "cascade_correct")


def opencompass_rows(document: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return one record per item of results with details or of predictions; empty for other objects."""
    entries = document.get("details", document)
    if not isinstance(entries, (dict, list)):
        return []
    numbered = entries.items() if isinstance(entries, dict) else enumerate(entries)
    results = {name: value for name, value in document.items() if isinstance(value, (int, float))}
    rows = [
        {OPENCOMPASS: str(name), "results": results, **row} for name, row in numbered if isinstance(row, dict)
    ]
    known = ("prediction", "predictions", "pred", *_VERDICTS)
    return rows if rows and all(row.keys() & {*known} for row in rows) else []


def _as_samples(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Give the rows of several runs, one after another, the numbers of the first run."""
    prompts = [text_of(row.get("origin_prompt")) for row in rows]
    n_items = next((at for at in range(1, len(rows)) if prompts[at] == prompts[0]), len(rows))
    repeats = prompts == prompts[:n_items] * (len(rows) // n_items) and len({*prompts}) == n_items > 1
    return [
        {**row, OPENCOMPASS: rows[place % n_items][OPENCOMPASS]} if repeats else dict(row)
        for place, row in enumerate(rows)
    ]


def read_opencompass(path: Path, records: Records) -> list[Log]:
    """Read results with details, or predictions without scores."""
    where = Fields(
        item=(OPENCOMPASS,), prompt=("prompt", "origin_prompt"),
        output=("origin_prediction", "prediction", "pred"), truth=("references", "gold", "answer"),
        benchmark=(), step=(), model=(),
    )  # fmt: skip
    rows = list(records)
    about: dict[str, Any] = {"benchmark": bare_name(path), "model": path.parent.name}
    if not any(row.keys() & {*_VERDICTS} for row in rows):
        return _reread_only(
            path, read_records(path, _as_samples(rows), where, outcomes=lambda row: {READING: None}, **about)
        )
    own = tuple(
        OwnResult(float(value) / 100, path.name, "OpenCompass may leave out answers that it could not judge")
        for name, value in rows[0]["results"].items()
        if re.fullmatch(r"(accuracy|score)( \(\d+ runs average\))?", name)
    )
    logs = read_records(path, rows, where, outcomes=outcomes_at(_VERDICTS), check=False, **about)
    return [replace(log, own=dict.fromkeys(log.answers, own)) if own else log for log in logs]


def read_trl(path: Path, _: Records) -> list[Log]:
    """Refuse the completions that TRL logs during training."""
    raise LogError(
        f"{path}: completions that TRL logged during training (they hold advantage), scored by the reward of "
        "the arm on training prompts; these are not an evaluation. Evaluate the checkpoint on other items "
        "and give that log"
    )
