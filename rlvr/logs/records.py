"""Read logs that consist of records: JSON lines, a JSON list, or rows of Parquet.

:class:`Fields` names the fields of item, outcome, prompt, output and truth; :func:`read_records` reads the
records. A record holds one sample of an item, or a list of samples. Each benchmark becomes a log of its own.
Records that differ in their training step, in their model or in the prompt of an item are not samples of one
evaluation; the error names the field.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, NamedTuple

from rlvr._checks import counted, shortened, shown
from rlvr.logs.answers import (
    SHORT,
    Answers,
    Counts,
    Log,
    LogError,
    decoding_of,
    fingerprint,
    output_hash,
    outputs_digest,
    temperature_of,
    text_of,
)
from rlvr.logs.decoding import DECODINGS
from rlvr.logs.evaluation_settings import is_setting
from rlvr.logs.failed_requests import failing_fields, request_failed
from rlvr.logs.hidden_evaluations import UnnamedFields
from rlvr.logs.score_checks import Reading, TooLong, check_scores, plain_reading

__all__ = [
    "READING",
    "Fields",
    "fields_from",
    "fields_to_offer",
    "item_name",
    "named_outcomes",
    "outcomes_at",
    "read_records",
    "scored",
    "value_at",
]

READING = "reading"
"""The metric that compares each output with its truth, where the file holds both."""


@dataclass(frozen=True)
class Fields:
    """Names of the fields of a record; of several names, the first that a record has is used.

    Dots separate the names of nested objects. If ``correct`` is a list, each entry is a sample; if a mapping,
    each entry is a metric. All records of a file share one ``model`` and ``step``; all records of an item
    share one ``prompt``, ``truth`` and ``cluster`` (the question of which the item is a variant). Fields
    named by ``sample`` may differ. An ``answer``, ``label`` or ``solution`` may be that of the model; such a
    field is the truth only if there is no other truth and outputs do not simply repeat the field.
    """

    item: tuple[str, ...] = ("item",)
    correct: tuple[str, ...] = ("correct",)
    prompt: tuple[str, ...] = (
        "input", "prompt", "question", "problem", "query", "instruction", "image", "images", "messages",
        "problem_text", "question_text", "stem", "query_text", "prompt_text", "inputs", "raw_prompt",
        "conversation", "conversations", "chat", "doc", "context", "input_text", "formatted_prompt",
        "user_prompt", "task_prompt", "full_prompt",
    )  # fmt: skip
    output: tuple[str, ...] = (
        "output", "response", "completion", "generation", "prediction", "model_output", "output_text",
        "outputs", "responses", "completions", "generations", "model_response", "model_answer",
        "model_completion", "generated_text", "generated", "raw_output", "predicted_answer", "pred",
        "resp", "reply", "pred_answer", "extracted_answer", "parsed_answer", "parsed", "hypothesis", "hyp",
        "candidate", "final_answer",
    )  # fmt: skip
    truth: tuple[str, ...] = (
        "gts", "gt", "ground_truth", "gold", "gold_answer", "truth", "target", "expected_answer",
        "reference_answer", "reference", "correct_answer", "true_answer", "gold_label", "expected",
        "expected_output", "answer_key", "ref",
        "references", "answer_gold", "groundtruth", "reference_solution", "gold_solution", "std_answer",
        "golden_answer", "gt_answer", "true_label", "final_answer_gold", "reward_model.ground_truth",
        "answer", "label", "solution",
    )  # fmt: skip
    benchmark: tuple[str, ...] = (
        "benchmark", "data_source", "dataset", "dataset_name", "data_name", "eval_name", "task",
        "benchmark_name", "bench", "bench_name", "task_name", "eval_task", "test_set", "testset", "eval_set",
        "eval_dataset", "dataset_id", "dataset_path", "datasource", "suite",
    )  # fmt: skip
    model: tuple[str, ...] = ("model", "model_name", "model_id", "model_path", "model_name_or_path")
    step: tuple[str, ...] = (
        "step", "global_step", "global_steps", "training_step", "checkpoint", "ckpt", "epoch",
    )  # fmt: skip
    cluster: tuple[str, ...] = ("cluster",)
    sample: tuple[str, ...] = ()


_DOUBTFUL = frozenset(("answer", "label", "solution"))
"""Names of a truth that some tools use for the answer of the model."""
_DECODED = ("decoding", "temperature", "top_k", "do_sample")
_SETTINGS = (
    "sampling_params", "generation_config", "generation_kwargs", "gen_kwargs", "gen_config",
    "generate_config", "decoding_params", "sampling",
)  # fmt: skip
_TASKS = frozenset(("task", "task_name", "eval_task", "dataset_id", "dataset_path", "suite"))
"""Names of a benchmark that some files use for their items."""
_TOTALS = frozenset(("average", "avg", "mean", "total", "overall", "summary", "macro avg", "micro avg"))
_NUMBERED_SAMPLE = re.compile(r"[_#:/-](s|sample|rollout|gen|completion)[-_]?\d+$", re.IGNORECASE)
_WORDED = 10  # characters: shorter outputs, such as letters of a choice, agree by chance
_SHARED = ("arm", "run", "temperature")
"""Further fields that all records of a file share; several runs in one file are not samples."""


def fields_from(pairs: Sequence[str]) -> Fields:
    """Return the fields that ``PART=NAME`` pairs name, and the usual names for the rest.

    If neither item nor correct is named, both have the names of plain lines or of verl.

    Raises
    ------
    LogError
        If a pair has an unknown part, or only one of item and correct is named.
    """
    known = [part.name for part in fields(Fields)]
    named: dict[str, tuple[str, ...]] = {}
    for pair in pairs:
        part, _, name = (text.strip() for text in pair.partition("="))
        if not name or part not in known:
            raise LogError(
                f"field (--field) must be PART=NAME with PART one of {', '.join(known)}, got {shown(pair)}"
            )
        named[part] = (*named.get(part, ()), name)
    missing = [part for part in ("item", "correct") if part not in named]
    if len(missing) == 1:
        raise LogError(
            f"field (--field) must name item and correct, got no {missing[0]}; add --field {missing[0]}=NAME"
        )
    if missing:
        named |= {"item": ("item", "input"), "correct": ("correct", "score")}
    return replace(Fields(), **named)


def value_at(record: Any, name: str) -> Any:
    """Return the value under a dotted name, else None; a key that contains dots comes first.

    A whole number selects an entry of a list. Any other name below a list selects from each of its entries.
    """
    if isinstance(record, dict):
        if name in record:
            return record[name]
        places = [place for place, letter in enumerate(name) if letter == "."]
        return next(
            (value_at(record[name[:at]], name[at + 1 :]) for at in places if name[:at] in record), None
        )
    if isinstance(record, list):
        head, _, rest = name.partition(".")
        if not head.isdecimal():
            return [value_at(entry, name) for entry in record]
        entry = record[int(head)] if int(head) < len(record) else None
        return value_at(entry, rest) if rest else entry
    return None


def _first(record: Mapping[str, Any], names: Sequence[str]) -> tuple[str, Any]:
    """Return name and value of the first field that the record has."""
    for name in names:
        value = record[name] if name in record else value_at(record, name)
        if value is not None:
            return name, value
    return "", None


def outcomes_at(names: Sequence[str]) -> Callable[[Mapping[str, Any]], Mapping[str, Any]]:
    """Return a function from a record to its metrics: the first field, or each number of a mapping."""

    def outcomes(record: Mapping[str, Any]) -> Mapping[str, Any]:
        name, value = _first(record, names)
        if not isinstance(value, dict):
            return {name or names[0]: value}
        return {metric: part for metric, part in value.items() if isinstance(part, (bool, int, float))}

    return outcomes


_WORDS = {
    **dict.fromkeys(("true", "yes", "correct", "right", "pass", "passed"), 1),
    **dict.fromkeys(("false", "no", "incorrect", "wrong", "fail", "failed"), 0),
}


def named_outcomes(names: Sequence[str]) -> Callable[[Mapping[str, Any]], Mapping[str, Any]]:
    """Do the same as :func:`outcomes_at`, and read words such as yes and wrong as 1 and 0."""
    outcomes = outcomes_at(names)

    def number(value: Any) -> Any:
        if isinstance(value, list):
            return [number(entry) for entry in value]
        return _WORDS.get(value.lower(), value) if isinstance(value, str) else value

    return lambda record: {metric: number(value) for metric, value in outcomes(record).items()}


def read_records(
    path: Path,
    records: Iterable[Mapping[str, Any]],
    where: Fields,
    *,
    outcomes: Callable[[Mapping[str, Any]], Mapping[str, Any]] | None = None,
    name_item: Callable[[Mapping[str, Any], int], str | int] | None = None,
    several: bool = True,
    unscored: bool = True,
    prompts: bool = True,
    check: bool = True,
    **about: Any,
) -> list[Log]:
    """Read records into logs, one per benchmark.

    Parameters
    ----------
    path : Path
    records : iterable of mapping
    where : Fields
    outcomes : function from record to mapping of metric to outcome, optional
        By default :func:`outcomes_at` of ``where.correct``.
    name_item : function from record and its number to str or int, optional
        By default the value of the item's field.
    several : bool
        Read a list of outcomes as one outcome per sample; otherwise a list is refused.
    unscored : bool
        Read an outcome of None as an answer without a score; otherwise None is refused.
    prompts : bool
        Compare prompts across arms.
    check : bool
        Compare outcomes with a plain reading, because a trainer and not an evaluator may have scored them.
    **about
        Fields of :class:`rlvr.logs.answers.Log`.

    Raises
    ------
    LogError
        Naming the answer, the field and what is accepted.
    """
    gathered = _Gathered(path, unscored, check, about)
    others = UnnamedFields({*_known(where), *_known(Fields()), *_SHARED, *_DECODED})
    outcomes_of = outcomes or outcomes_at(where.correct)
    present: dict[tuple[str, ...], _Present] = {}
    bare: dict[tuple[str, ...], tuple[str, str]] = {}
    for number, record in enumerate(records, 1):
        keys = tuple(record)
        if (pair := bare.get(keys)) and gathered.add_bare(record[pair[0]], pair[1], record[pair[1]]):
            continue
        if (here := present.get(keys)) is None:
            here = present[keys] = _present(where, record)
            if not (outcomes or name_item) and _is_bare(here, keys):
                bare[keys] = here.fields.item[0], here.fields.correct[0]
        names = here.fields
        field, benchmark = _first(record, names.benchmark) if names.benchmark else ("", None)
        if here.shared:
            gathered.refuse_second_values(record, here.shared, number)
        if here.decoding:
            gathered.note_decoding(record, number)
        named = name_item(record, number) if name_item else _item(path, record, names, where, number)
        item = gathered.name_of(named, number)
        question = _asked(_first(record, names.prompt)[1]) if prompts and names.prompt else None
        output = _first(record, names.output)[1] if names.output else None
        truth = _first(record, names.truth)[1] if names.truth else None
        outcome = outcomes_of(record)
        others.add((item, text_of(benchmark)), record, next(iter(outcome.values()), None))
        if benchmark is not None or gathered.label != "":
            gathered.turn_to(benchmark, field)
        gathered.part.doubtful = gathered.part.doubtful or here.doubtful
        if here.of_item:
            gathered.refuse_second_question(item, record, here.of_item, number)
        if names.cluster and (cluster := _first(record, names.cluster)[1]) is not None:
            gathered.part.clusters[item] = text_of(cluster)
        prompt = "" if question is None else fingerprint(text_of(question))[:SHORT]
        failed = bool(record.get("error"))
        lost = request_failed(record, here.failing, names.output)
        for place, values in enumerate(_samples(outcome) if several else (outcome,)):
            gathered.add(
                item,
                values,
                prompt=prompt,
                output=output[place]
                if several and isinstance(output, list) and place < len(output)
                else output,
                truth=truth,
                failed=failed and None in values.values(),
                lost=lost and not any(values.values()),
            )
    others.refuse_evaluations(path)
    gathered.settings.update(others.settings())
    gathered.notices.extend(others.notices(path))
    return gathered.logs(where)


def _asked(value: Any) -> Any:
    """Return a prompt; of a conversation, what comes before the last answers of the model."""
    if not isinstance(value, list) or not all(isinstance(turn, dict) for turn in value):
        return value
    turns = [*value]
    while turns and (turns[-1].get("role") or turns[-1].get("from")) in ("assistant", "gpt", "model"):
        turns.pop()
    return turns


def _known(where: Fields) -> Iterator[str]:
    """Yield all names of fields."""
    return (name for part in fields(Fields) for name in getattr(where, part.name))


class _Present(NamedTuple):
    """Fields of records with the same keys; ``fields`` keeps only names that they may have."""

    fields: Fields
    shared: tuple[str, ...]
    """Fields that all records of a file share."""
    of_item: tuple[str, ...]
    """Fields that all records of an item share."""
    decoding: bool
    """Whether the records may state their decoding."""
    doubtful: str
    """The field that counts as the truth but may be the answer of the model."""
    failing: tuple[str, ...]
    """Fields that may state that a request failed."""


def _present(where: Fields, record: Mapping[str, Any]) -> _Present:
    doubtful = _DOUBTFUL if where.truth == Fields().truth else ()
    leading = {
        part.name: tuple(
            name for name in getattr(where, part.name) if name in record or name.partition(".")[0] in record
        )
        for part in fields(Fields)
    }
    certain = tuple(name for name in leading["truth"] if name not in doubtful)
    others = [name for name in leading["truth"] if name in doubtful]
    if doubtful and (certain or not leading["output"]):  # then an answer is that of the model
        leading["truth"] = certain
        leading["output"] += tuple(name for name in ("answer", "solution") if name in others and certain)
    return _Present(
        Fields(**leading),
        tuple(record.keys() & ({*where.step, *where.model, *_SHARED} - {*where.sample})),
        tuple(
            record.keys()
            & ({*where.prompt, *where.truth, *where.cluster} - {*where.sample, *where.item, *doubtful})
        ),
        not record.keys().isdisjoint({*_DECODED, *_SETTINGS}),
        next((name for name in leading["truth"] if name in doubtful), ""),
        failing_fields(record),
    )


def _is_bare(here: _Present, keys: tuple[str, ...]) -> bool:
    """Whether records hold an item, an outcome, and no other field with a meaning."""
    known = {name for part in fields(Fields) for name in getattr(here.fields, part.name)}
    plain = {*here.fields.item[:1], *here.fields.correct[:1]}
    others = here.shared or here.of_item or here.decoding or "error" in keys
    return len(plain) == 2 and known == plain and plain == {*keys} and not others


def _item(path: Path, record: Mapping[str, Any], here: Fields, where: Fields, number: int) -> str | int:
    _, item = _first(record, here.item)
    if not isinstance(item, (str, int)) or isinstance(item, bool) or item == "":
        raise LogError(
            f"{path}, answer {number}: {where.item[0]} must be a whole number or a non-empty text, got "
            f"{shown(item)}; name the fields of item and outcome (--field item=NAME --field correct=NAME)"
        )
    return item


def _samples(outcomes: Mapping[str, Any]) -> Iterable[Mapping[str, Any]]:
    """Return the outcomes of each sample; metrics that are lists have one entry per sample."""
    lists = {metric: value for metric, value in outcomes.items() if isinstance(value, list)}
    if not lists:
        return (outcomes,)
    return [
        {metric: value[place] if place < len(value) else None for metric, value in lists.items()}
        for place in range(max(map(len, lists.values())))
    ]


def item_name(path: Path, kinds: dict[str, type], item: str | int, number: int) -> str:
    """Return an item's name; refuse a number and a text in one file that would share a name."""
    name, kind = str(item), type(item)
    if kinds.setdefault(name, kind) is not kind:
        raise LogError(
            f"{path}, answer {number}: item {shortened(name, 60)} is a number in one answer and a "
            f"text in another ({shortened(name, 60)} and {shown(name)}), so these may be one item or "
            "two; write all items of a file as numbers, or all as texts"
        )
    return name


class _Gathered:
    """The answers of one file, by benchmark and metric, with the checks of its records."""

    def __init__(self, path: Path, unscored: bool, check: bool, about: Mapping[str, Any]) -> None:
        self.path, self.unscored, self.check, self.about = path, unscored, check, dict(about)
        self.parts: dict[str, _Part] = {}
        self.part = _Part()
        self.label: str | None = None
        self.benchmark_fields: set[str] = set()
        self.shared: dict[str, tuple[Any, int]] = {}
        self.decodings: dict[str, int] = {}
        self.temperatures: set[float | None] = set()
        self.kinds: dict[str, type] = {}
        self.settings: dict[str, str] = {}
        self.notices: list[str] = []

    def name_of(self, item: str | int, number: int) -> str:
        """Return an item's name."""
        return item_name(self.path, self.kinds, item, number)

    def refuse_second_values(self, record: Mapping[str, Any], names: Iterable[str], number: int) -> None:
        """Refuse a record that differs in a field that all records of a file share."""
        for name in names:
            first, at = self.shared.setdefault(name, (record[name], number))
            if first != record[name]:
                one, other = (shortened(text_of(value), 40) for value in (first, record[name]))
                what = f"{name}s {one}, {other}" + (" of training" if name in Fields().step else "")
                raise LogError(
                    f"{self.path}: holds the {what} (answers {at} and {number}), so these are several "
                    f"evaluations; one {name} per file is accepted: write one file per {name}, or, if {name} "
                    f"only numbers the samples of an item, give --field sample={name}"
                )

    def note_decoding(self, record: Mapping[str, Any], number: int) -> None:
        """Keep the decoding and the temperature that a record states; refuse a second decoding."""
        for name in record.keys() & {*_SETTINGS}:
            if isinstance(record[name], dict):
                self.settings |= {
                    key: text_of(value) for key, value in record[name].items() if is_setting(key)
                }
                record = {**record[name], **record}
        self.temperatures.add(temperature_of(record))
        stated = record.get("decoding")
        if stated not in (*DECODINGS, "", None):
            raise LogError(
                f"{self.path}, answer {number}: decoding must be one of {', '.join(DECODINGS)}, or "
                f"left out, got {shown(stated)}"
            )
        if decoding := stated or decoding_of(record):
            self.decodings.setdefault(decoding, number)
        if len(self.decodings) > 1:
            (one, first), (other, second), *_ = self.decodings.items()
            raise LogError(
                f"{self.path}: answer {first} is {one} and answer {second} is {other}; "
                "one decoding per log is accepted: write one file per decoding"
            )

    def turn_to(self, benchmark: Any, field: str) -> None:
        """Add what follows to a record's benchmark."""
        label = "" if benchmark is None else text_of(benchmark)
        if label != self.label:
            self.label, self.part = label, self.parts.setdefault(label, _Part())
        self.benchmark_fields.add(field)

    def refuse_second_question(
        self, item: str, record: Mapping[str, Any], names: Iterable[str], number: int
    ) -> None:
        """Refuse a record that differs in a field that all records of its item share."""
        for name in names:
            value = _asked(record[name])
            first, at = self.part.of_item.setdefault((item, name), (value, number))
            if first != value:
                one, other = (shortened(text_of(each), 40) for each in (first, value))
                raise LogError(
                    f"{self.path}: answers {at} and {number} to item {shortened(item, 60)} differ in {name} "
                    f"({one} and {other}), so they are not samples of one item; each item needs a name of "
                    "its own: name a field that distinguishes the items (--field item=NAME) or their "
                    "benchmarks (--field benchmark=NAME)"
                )

    def add_bare(self, item: Any, metric: str, value: Any) -> bool:
        """Add an outcome that needs no checks; return False if it needs any."""
        part = self.part
        column = part.columns.get(metric)
        if column is None or self.label != "" or type(value) not in _NUMBERS:
            return False
        if type(item) is not int and (type(item) is not str or not item):
            return False
        name = self.name_of(item, part.n_read + 1)
        part.n_read += 1
        part.items.append(name)
        column.items.append(name)
        column.prompts.append("")
        column.values.append(value)
        return True

    def add(
        self,
        item: str,
        values: Mapping[str, Any],
        *,
        prompt: str,
        output: Any,
        truth: Any,
        failed: bool,
        lost: bool = False,
    ) -> None:
        """Add one sample of an item."""
        part = self.part
        part.n_read += 1
        part.n_failed += failed
        part.n_lost += lost
        if failed:
            return
        place = len(part.items)
        part.items.append(item)
        if output is not None:
            text = output if isinstance(output, str) else text_of(output)
            part.texts[place] = output_hash(output)
            if len(text) >= _WORDED:
                part.n_again += (item, part.texts[place]) in part.answered
                part.answered.add((item, part.texts[place]))
        if truth is not None:
            text = text_of(truth)
            part.varies = part.varies or part.truths.setdefault(item, text) != text
            if output is not None and self.check:
                try:
                    part.readings[place] = plain_reading(output, truth, values.values())
                except TooLong as problem:
                    raise LogError(f"{self.path}, answer {part.n_read}: {problem}") from None
        for metric, value in values.items():
            if (column := part.columns.get(metric)) is None:
                column = part.columns[metric] = Answers()
            column.add(item, prompt, value)

    def logs(self, where: Fields) -> list[Log]:
        """Return one log per benchmark."""
        n_items = 0
        if doubted := self.benchmark_fields & _TASKS:
            n_items = sum(len({*part.items}) for part in self.parts.values())
        if doubted and len(self.parts) > max(1, n_items / 2):
            name = min(doubted)
            raise LogError(
                f"{self.path}: {name} has {len(self.parts)} values on {n_items} items, so {name} may "
                f"name the items or their benchmarks; give --field item={name}, or --field benchmark=NAME "
                "with the name of another field"
            )
        for part in self.parts.values():
            if total := next((item for item in {*part.items} if item.lower() in _TOTALS), ""):
                raise LogError(
                    f"{self.path}: item {shown(total)} has the name of a summary of items, so it is no item; "
                    "answers alone are accepted: remove this line, or name the items otherwise"
                )
        model = next((self.shared[name][0] for name in where.model if name in self.shared), "")
        step = next((self.shared[name][0] for name in where.step if name in self.shared), "")
        about = {
            "benchmark": "",
            "model": text_of(model),
            "step": text_of(step),
            "decoding": next(iter(self.decodings), ""),
            "temperature": self.temperatures.pop() if len(self.temperatures) == 1 else None,
            "settings": self.settings,
            **self.about,
        }
        logs = [
            Log(self.path, **{**about, "benchmark": name or about["benchmark"], **part.found(self.unscored)})
            for name, part in self.parts.items()
        ]
        return [
            replace(log, notices=(*log.notices, *self.notices, *part.doubts(self.path)))
            for log, part in zip(logs, self.parts.values(), strict=True)
        ]


class _Part:
    """The answers of a file to one benchmark."""

    def __init__(self) -> None:
        self.columns: dict[str, Answers] = {}
        self.items: list[str] = []
        self.readings: dict[int, Reading] = {}  # by the place of the answer
        self.texts: dict[int, int | None] = {}
        self.truths: dict[str, str] = {}
        self.clusters: dict[str, str] = {}
        self.of_item: dict[tuple[str, str], tuple[Any, int]] = {}
        self.answered: set[tuple[str, int | None]] = set()
        self.n_read = self.n_failed = self.n_lost = self.n_again = 0
        self.doubtful, self.varies = "", False

    def doubts(self, path: Path) -> Iterator[str]:
        """Say what may be no answer, no sample or no item."""
        of = f"{path.name}: {{}} of {counted(self.n_read, 'answer')}"
        if self.n_lost:
            yield (
                f"{of.format(self.n_lost)} are failed requests or hold no output, and the log scores them as "
                "wrong; leaving them out, or asking again, may change the accuracy"
            )
        if self.n_again:
            yield (
                f"{of.format(self.n_again)} repeat another answer to their item word for word, as lines of a "
                "resumed evaluation do, or of a model that repeats itself; copies are not samples"
            )
        column = next(iter(self.columns.values()), Answers())
        prompt_of = dict(zip(column.items, column.prompts, strict=True))
        sizes = Counter(prompt_of.values())
        if prompt_of and "" not in sizes and min(sizes.values()) > 1:
            yield (
                f"{path.name}: {len(prompt_of)} items have only {len(sizes)} different prompts, so they may "
                "be samples of fewer items, and intervals that take each for a question of its own are too "
                "narrow; --field item=NAME names another field"
            )
        elif 1 < len({_NUMBERED_SAMPLE.sub("", item) for item in prompt_of}) < len(prompt_of) and all(
            map(_NUMBERED_SAMPLE.search, prompt_of)
        ):
            yield (
                f"{path.name}: the items are named like samples ({shortened(next(iter(prompt_of)), 40)}), "
                "and intervals that take each for a question of its own are too narrow; --field item=NAME "
                "names another field"
            )

    def found(self, unscored: bool) -> dict[str, Any]:
        """Return the fields of a log."""
        about: dict[str, Any] = {
            "answers": {
                metric: scored(column) if unscored else column for metric, column in self.columns.items()
            },
            "counts": Counts(self.n_read, self.n_failed),
            "truths": self.truths,
            "clusters": self.clusters,
        }
        whole = {
            metric: column.values
            for metric, column in self.columns.items()
            if len(column.values) == len(self.items)
        }
        if self.texts:
            values = next(iter(whole.values()), [None] * len(self.items))
            texts = [self.texts.get(place) for place in range(len(self.items))]
            about["outputs"] = outputs_digest(self.items, texts, values)
        if any(reading.right is not None for reading in self.readings.values()):
            readings = [self.readings.get(place, _UNREAD) for place in range(len(self.items))]
            right = [None if each.right is None and each.answered else bool(each.right) for each in readings]
            about["reread"] = scored(Answers(self.items, [""] * len(self.items), right))
            about["checks"] = {metric: check_scores(values, readings) for metric, values in whole.items()}
        if self.doubtful and (self.varies or any(c.echoes for c in about.get("checks", {}).values())):
            about |= {"truths": {}, "reread": None, "checks": {}}
            about["notices"] = (
                f"{self.doubtful} is read as the answer of the model, because outputs nearly always agree "
                "with it or its values differ within an item; --field truth=NAME names the true answer",
            )
        return about


_UNREAD, _NUMBERS = Reading(), {int, float, bool}


def scored(column: Answers) -> Answers:
    """Return a metric without the answers that have no score."""
    if None not in column.values:
        return column
    kept = [place for place, value in enumerate(column.values) if value is not None]
    return Answers(
        *([part[place] for place in kept] for part in (column.items, column.prompts, column.values))
    )


_LONGEST_NAME = 100  # of a field that a message offers whole, to be copied


def fields_to_offer(record: Mapping[str, Any]) -> str:
    """Suggest fields of item and outcome, as options, for a record of an unknown format.

    Examples
    --------
    >>> fields_to_offer({"id": 3, "prompt": "q", "result": {"right": True}})
    '--field item=id --field correct=result.right'
    """
    usual_names = {
        "item": "id idx index uid uuid question_id problem_id task_id qid name",
        "correct": "correct is_correct result right accuracy acc passed pass score success exact_match em "
        "reward",
    }
    leaves = {name: value for name, value in _leaves(record) if len(name) <= _LONGEST_NAME}
    offered: list[str] = []
    for part, names in usual_names.items():
        usual = names.split()
        before = offered[0].split("|") if offered else []
        fitting = [name for name, value in leaves.items() if _fits(part, value) and name not in before[:1]]
        last = {name: name.rpartition(".")[2].lower() for name in fitting}
        best = sorted(
            (name for name in fitting if last[name] in usual), key=lambda name: usual.index(last[name])
        )
        hints = [name for name in fitting if any(word in last[name] for word in usual) and name not in best]
        if part == "correct":  # a number could be 0 or 1 by chance
            fitting = [name for name in fitting if isinstance(leaves[name], (bool, str, list))]
        offered.append("|".join((best + hints + (fitting if not best + hints else []))[:3]) or "NAME")
    return f"--field item={offered[0]} --field correct={offered[1]}"


def _leaves(record: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yield dotted names and values of all fields that are not objects."""
    for name, value in record.items():
        if isinstance(value, dict) and prefix.count(".") < 3:
            yield from _leaves(value, f"{prefix}{name}.")
        elif isinstance(value, list) and value and all(isinstance(entry, dict) for entry in value):
            names = dict(_leaves(value[0])) if prefix.count(".") < 3 else {}
            yield from ((f"{prefix}{name}.{below}", value_at(value, below)) for below in names)
        else:
            yield f"{prefix}{name}", value


def _fits(part: str, value: Any) -> bool:
    """Whether a value can be the name of an item, or one outcome or a list of outcomes."""
    if part == "item":
        return isinstance(value, (str, int)) and not isinstance(value, bool) and value != ""
    if isinstance(value, list) and value:
        return all(_fits(part, entry) for entry in value)
    words = ("true", "false", "yes", "no", "correct", "incorrect", "right", "wrong")
    return (isinstance(value, (bool, int, float)) and 0 <= value <= 1) or (
        isinstance(value, str) and value.lower() in words
    )
