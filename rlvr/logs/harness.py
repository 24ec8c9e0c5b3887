"""Read samples of lm-evaluation-harness and of lmms-eval, which descends from it.

``samples_<task>_<time>.jsonl`` holds one line per item *and filter*, each with one or several metrics. They
are named ``metric,filter`` as in the harness's own results, a file beside the log. Items are identified by
``doc_hash``, and ``arguments`` states the decoding. Before 0.4.7, and in lmms-eval, a line names neither its
filter nor its metrics: the metrics are then the numbers beside the known fields, and several filters are
separated only by the results beside the log. The ``doc_hash`` of lmms-eval is that of no document.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from operator import itemgetter
from pathlib import Path
from typing import Any, NamedTuple

from rlvr._checks import shown
from rlvr._reading import read_bytes
from rlvr.logs.answers import (
    SHORT,
    Answers,
    Counts,
    Log,
    LogError,
    OwnResult,
    bare_name,
    decoding_of,
    fingerprint,
    mapping,
    output_hash,
    outputs_digest,
    temperature_of,
    text_of,
)

__all__ = ["read_harness"]

_KNOWN = {
    "doc_id", "doc", "target", "arguments", "resps", "filtered_resps", "filter", "metrics", "doc_hash",
    "prompt_hash", "target_hash", "input", "input_media", "token_counts", "schema_version", "sample_len",
}  # fmt: skip
_BOUNDS = frozenset(("max_gen_toks", "max_new_tokens", "max_tokens", "until", "top_p"))
_BEGINNING = slice(SHORT)
_NO_DOCUMENT = fingerprint("null")
_TEMPLATES = ("chat_template_sha", "system_instruction_sha", "fewshot_as_multiturn")
_TIME = r"\d{4}-\d\d-\d\dT[\d.-]+"
_SAMPLES = re.compile(
    rf"samples_(?P<task>.+?)(?:_(?P<time>{_TIME}))?|(?P<before>[\d_]+)_samples_(?P<named>.+)"
)


def read_harness(path: Path, records: Iterable[dict[str, Any]]) -> Log:
    """Read the log of a file of samples.

    Raises
    ------
    LogError
        If a document occurs twice under one filter.
    """
    columns: dict[str, _Column] = {}
    documents_read = set[Any]()
    n_drawn, once, old = 0, False, False
    failed, empty = set[Any](), set[Any]()
    bounds: dict[str, set[str]] = {}
    settings: set[tuple[str, float | None]] = set()
    before: Any = settings  # differs from the settings of every log
    for record in records:
        try:  # a line with all usual fields takes half the time of any other
            arguments, sieve, digest, prompt, document, metrics, written = _usual_fields(record)
            old = False
        except KeyError:
            arguments, sieve, digest, prompt, document, metrics, written = _fields_of(record)
            old = "metrics" not in record
            if "token_counts" in record and _request_failed(record):
                failed.add(document)
        try:
            stated = arguments["gen_args_0"]["arg_1"]
        except (LookupError, TypeError):
            stated = _settings(arguments)
        if stated != before:
            before = stated
            settings.add(_decoding(stated))
            for name in sorted(_BOUNDS & mapping(stated).keys()):
                bounds.setdefault(name, set()).add(text_of(stated[name]))
        item = (digest or _document_hash(record))[_BEGINNING]
        prompt = (prompt or fingerprint(json.dumps(arguments, sort_keys=True)))[_BEGINNING]
        while type(written) is list and len(written) == 1:
            (written,) = written
        if written == "":
            empty.add(document)
        text = hash(written) if type(written) is str else output_hash(written)
        for name in metrics:
            if (column := columns.get(f"{name},{sieve}")) is None:
                column = columns[f"{name},{sieve}"] = _Column()
            add_item, add_prompt, add_value, add_document, add_text = column.appends
            add_item(item)
            add_prompt(prompt)
            add_value(record[name])
            add_document(document)
            add_text(text)
        if not metrics:
            documents_read.add(document)
        if not n_drawn:
            responses = record.get("resps") or [[]]
            n_drawn = len(responses[0]) if isinstance(responses[0], list) else 1
            filtered = record.get("filtered_resps")
            once = not (isinstance(filtered, list) and filtered and isinstance(filtered[0], list))
    named = _SAMPLES.fullmatch(bare_name(path))
    beside = _results_beside(path, named)
    if old:
        columns = dict(_by_filter(columns, beside.stated))
    digests = []
    for column in columns.values():
        documents_read.update(column.documents)
        digests.append(outputs_digest(column.answers.items, column.texts, column.answers.values))
        _number_repeats(path, column.answers, column.documents, old)
    drawn = (
        f"lm-evaluation-harness drew {n_drawn} answers per item and scored the item once: one of the "
        "samples, or what its filter made of them"
    )
    lost = (
        f"{path.name}: {len(failed)} of {len(documents_read)} answers are requests that failed, and "
        "lmms-eval scores them as wrong"
    )
    blank = (
        f"{path.name}: {len(empty)} of {len(documents_read)} answers are empty; if their requests failed, "
        "they are no wrong answers"
    )
    decoding, temperature = settings.pop() if len(settings) == 1 else ("", None)
    if not decoding and temperature is None and old:
        decoding, temperature = beside.decoding
    return Log(
        path,
        (named["task"] or named["named"]) if named else "",
        path.parent.name,
        {name: column.answers for name, column in columns.items()},
        notices=(drawn,) * (n_drawn > 1 and once) + (lost,) * bool(failed) + (blank,) * bool(empty),
        settings={**beside.settings} | {name: of.pop() for name, of in bounds.items() if len(of) == 1},
        decoding=decoding,
        temperature=temperature,
        counts=Counts(len(documents_read)),
        outputs="/".join(digests) if all(digests) else "",
        own=beside.own(columns),
    )


class _Column:
    """The answers under one metric, their documents, and hashes of their outputs."""

    def __init__(self) -> None:
        self.answers, self.documents, self.texts = Answers(), list[Any](), list[int | None]()
        columns = (*vars(self.answers).values(), self.documents, self.texts)
        self.appends = [column.append for column in columns]


_usual_fields = itemgetter(
    "arguments", "filter", "doc_hash", "prompt_hash", "doc_id", "metrics", "resps"
)  # fmt: skip


def _fields_of(record: Mapping[str, Any]) -> tuple[Any, ...]:
    """Return the usual fields of a line that lacks some of them, as earlier versions wrote it."""
    return (
        record.get("arguments", record.get("input")),
        record.get("filter", "none"),
        f"{record['doc_id']}" if record.get("doc_hash") == _NO_DOCUMENT else record.get("doc_hash"),
        record.get("prompt_hash"),
        record["doc_id"],
        record["metrics"] if "metrics" in record else _numbers(record),
        record["resps"] if "resps" in record else record.get("filtered_resps"),
    )


def _document_hash(record: Mapping[str, Any]) -> str:
    """Hash an item as later versions of the harness do."""
    return fingerprint(json.dumps(record.get("doc"), indent=2, ensure_ascii=False))


def _numbers(record: Mapping[str, Any]) -> list[str]:
    """Return the metrics of a line that does not name them."""
    return [
        name for name, value in record.items() if name not in _KNOWN and isinstance(value, (bool, int, float))
    ]


def _number_repeats(path: Path, column: Answers, documents: list[Any], old: bool) -> None:
    """Number documents with the same text in their order; refuse a document that occurs twice."""
    if len(set(column.items)) == len(column.items):
        return
    seen: set[str] = set()
    for one in documents:
        if str(one) not in seen:
            seen.add(str(one))
            continue
        why = (
            "; lm-evaluation-harness before 0.4.7 (its issues 1687 and 2025) and lmms-eval write one line "
            "per filter without its name; a log of one filter, or with its results file beside it, is "
            "accepted: move that file there, or evaluate again"
            if old
            else " under one filter; one line per document and filter is accepted: remove the second"
        )
        raise LogError(f"{path}: doc_id {shown(one)} occurs twice{why}")
    counts: dict[str, int] = {}
    for index in sorted(range(len(documents)), key=documents.__getitem__):
        item = column.items[index]
        counts[item] = counts.get(item, 0) + 1
        if counts[item] > 1:
            column.items[index] = f"{item}#{counts[item]}"


def _settings(arguments: Any) -> Any:
    """Find the settings, in ``{"gen_args_0": {"arg_0": _, "arg_1": settings}}`` or ``[[_, settings]]``.

    A choice compared by likelihood has its text in place of the mapping of settings.
    """
    first = None
    if type(arguments) is dict:
        for first in arguments.values():  # noqa: B007
            break
    elif type(arguments) is list and arguments:
        first = arguments[0]
    if type(first) is dict:
        return first.get("arg_1")
    return first[1] if type(first) is list and len(first) > 1 else None


def _decoding(settings: Any) -> tuple[str, float | None]:
    """Return the decoding and the temperature."""
    if isinstance(settings, str):
        return "not applicable", None
    return (decoding_of(settings), temperature_of(settings)) if isinstance(settings, dict) else ("", None)


def _request_failed(record: Mapping[str, Any]) -> bool:
    """Whether lmms-eval got no answer: it then logs a message in its place, or no token of the request."""
    counts = [mapping(count) for count in record["token_counts"] or ()]
    if counts and all(count.get("input_tokens") == count.get("output_tokens") == 0 for count in counts):
        return True
    written = record.get("resps", record.get("filtered_resps"))
    while isinstance(written, list) and written:
        written = written[0]
    return isinstance(written, str) and written.startswith("[LMMS_EVAL_REQUEST_FAILED")


class _Beside(NamedTuple):
    """The results file beside a log: its name, the task's results, and the task's decoding."""

    name: str = ""
    stated: Mapping[str, float] = {}
    decoding: tuple[str, float | None] = ("", None)
    settings: Mapping[str, str] = {}

    def own(self, metrics: Iterable[str]) -> dict[str, tuple[OwnResult, ...]]:
        """Return the results by metric; a metric without a filter may be any of those with one."""
        why = "the harness may weight or combine the lines differently"
        found = {
            metric: [
                value
                for name, value in self.stated.items()
                if name == metric
                or (metric.endswith(",none") and metric not in self.stated and _bare(name) == _bare(metric))
            ]
            for metric in metrics
        }
        return {
            metric: tuple(OwnResult(value, self.name, why) for value in values)
            for metric, values in found.items()
            if values
        }


def _bare(metric: str) -> str:
    """Return the name of a metric without that of its filter."""
    return metric.partition(",")[0]


def _results_beside(path: Path, named: re.Match[str] | None) -> _Beside:
    """Read the results file of the same evaluation."""
    if not named or not (named["time"] or named["before"]):
        return _Beside()
    name = f"results_{named['time']}.json" if named["time"] else f"{named['before']}_results.json"
    try:
        document = mapping(json.loads(read_bytes(path.parent / name)))
    except (OSError, ValueError, RecursionError):
        return _Beside()
    task = named["task"] or named["named"]
    stated = {
        metric: float(value)
        for metric, value in mapping(mapping(document.get("results")).get(task)).items()
        if isinstance(value, (int, float))
    }
    config = mapping(mapping(document.get("configs")).get(task))
    by_likelihood = config.get("output_type") in ("multiple_choice", "loglikelihood")
    settings = "" if by_likelihood else config.get("generation_kwargs")
    evaluated = {
        "task version": mapping(document.get("versions")).get(task),
        "number of examples": mapping(document.get("n-shot")).get(task),
        **{key: document[key] for key in _TEMPLATES if key in document},
    }
    texts = {
        key: text_of(value) for key, value in evaluated.items() if value is not None or key in _TEMPLATES
    }
    return _Beside(name, stated, _decoding(settings), texts)


def _by_filter(columns: Mapping[str, _Column], stated: Mapping[str, float]) -> Iterator[tuple[str, _Column]]:
    """Yield one column per metric and filter, where lines name no filter but the results do.

    The n-th line of each document is that of the n-th filter. A separation that does not give the stated
    results is not used.
    """
    for name, column in columns.items():
        counts = Counter(map(str, column.documents))
        filters = [metric for metric in stated if _bare(metric) == _bare(name) and "," in metric]
        parts = [_Column() for _ in filters]
        seen: Counter[str] = Counter()
        if len(filters) > 1 and {*counts.values()} == {len(filters)}:
            rows = zip(*vars(column.answers).values(), column.documents, column.texts, strict=True)
            for item, prompt, value, document, text in rows:
                part = parts[seen[str(document)]]
                seen[str(document)] += 1
                for append, entry in zip(part.appends, (item, prompt, value, document, text), strict=True):
                    append(entry)
        if seen and all(map(_has_mean, parts, (stated[metric] for metric in filters))):
            yield from zip(filters, parts, strict=True)
        else:
            yield name, column


def _has_mean(column: _Column, mean: float) -> bool:
    values = column.answers.values
    numbers = [value for value in values if isinstance(value, (bool, int, float))]
    return len(numbers) == len(values) and abs(sum(numbers) / len(numbers) - mean) < 1e-6
