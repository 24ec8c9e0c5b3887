"""Logs that are records: lines of JSON, a JSON list, rows of Parquet; one an answer, or one an item.

:class:`Fields` says where in a record the item, its outcome, the prompt, the output and the truth stand;
:func:`read_records` does the rest. A record may hold one sample of an item or a list of them. Records that
differ in their benchmark are several logs. Records that differ in their training step, their model or what
was asked of an item are no samples of one evaluation, and are refused by the name of the field.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, NamedTuple

from rlvr._checks import shortened, shown
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
from rlvr.logs.hidden_evaluations import UnnamedFields
from rlvr.logs.score_checks import Reading, TooLong, check_scores, plain_reading

__all__ = [
    "READING",
    "Fields",
    "fields_from",
    "fields_to_offer",
    "named_outcomes",
    "outcomes_at",
    "read_records",
    "scored",
    "value_at",
]

READING = "reading"
"""The metric that holds each output against its truth, where both stand in the file."""


@dataclass(frozen=True)
class Fields:
    """Names of the fields that hold each part; of several names the first that a record has.

    Dots stand between the names of nested objects. Where ``correct`` leads to a list, each entry is a sample;
    where to a mapping, each entry is a metric. All records of a file share one ``model`` and ``step``, all of
    an item one ``prompt``, ``truth`` and ``cluster``, the question that it is a variant of, except in what
    ``sample`` names: that tells samples apart. An ``answer``, ``label`` or ``solution`` may be the model's
    own; it is the truth where no other field is, and where outputs do not simply repeat it.
    """

    item: tuple[str, ...] = ("item",)
    correct: tuple[str, ...] = ("correct",)
    prompt: tuple[str, ...] = (
        "input", "prompt", "question", "problem", "query", "instruction", "image", "images",
    )  # fmt: skip
    output: tuple[str, ...] = (
        "output", "response", "completion", "generation", "prediction", "model_output", "output_text",
        "outputs", "responses", "completions", "generations", "model_response", "model_answer",
        "model_completion", "generated_text", "generated", "raw_output", "predicted_answer", "pred",
    )  # fmt: skip
    truth: tuple[str, ...] = (
        "gts", "gt", "ground_truth", "gold", "gold_answer", "truth", "target", "expected_answer",
        "reference_answer", "reference", "correct_answer", "true_answer", "gold_label", "expected",
        "expected_output", "answer_key", "answer", "label", "solution",
    )  # fmt: skip
    benchmark: tuple[str, ...] = (
        "benchmark", "data_source", "dataset", "dataset_name", "data_name", "eval_name", "task",
    )  # fmt: skip
    model: tuple[str, ...] = ("model", "model_name", "model_id", "model_path", "model_name_or_path")
    step: tuple[str, ...] = (
        "step", "global_step", "global_steps", "training_step", "checkpoint", "ckpt", "epoch",
    )  # fmt: skip
    cluster: tuple[str, ...] = ("cluster",)
    sample: tuple[str, ...] = ()


_DOUBTFUL = frozenset(("answer", "label", "solution"))
"""Names of a truth under which some write what the model answered."""
_DECODED = ("decoding", "temperature", "top_k", "do_sample")
_SETTINGS = (
    "sampling_params", "generation_config", "generation_kwargs", "gen_kwargs", "gen_config",
    "generate_config", "decoding_params", "sampling",
)  # fmt: skip
_SHARED = ("arm", "run", "temperature")
"""What all records of a file share besides; several runs in a file are a run each, not samples."""


def fields_from(pairs: Sequence[str]) -> Fields:
    """The fields that ``PART=NAME`` pairs name, the rest as usual.

    Where neither item nor correct is named, both are where plain lines or verl have them.

    Raises
    ------
    LogError
        If a pair has no known part, or of item and correct one alone is named.
    """
    known = [part.name for part in fields(Fields)]
    named: dict[str, tuple[str, ...]] = {}
    for pair in pairs:
        part, _, name = (text.strip() for text in pair.partition("="))
        if not name or part not in known:
            raise LogError(
                f"field (--field) must be PART=NAME with a part out of {', '.join(known)}, got {shown(pair)}"
            )
        named[part] = (*named.get(part, ()), name)
    missing = [part for part in ("item", "correct") if part not in named]
    if len(missing) == 1:
        raise LogError(f"field (--field) must name item and correct, got no {missing[0]}")
    if missing:
        named |= {"item": ("item", "input"), "correct": ("correct", "score")}
    return replace(Fields(), **named)


def value_at(record: Any, name: str) -> Any:
    """What stands under a dotted name, None where nothing does; a key that itself holds dots comes first.

    A whole number picks an entry of a list; any other name below a list is taken of each of its entries.
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
    """Name and value of the first field that the record has."""
    for name in names:
        value = record[name] if name in record else value_at(record, name)
        if value is not None:
            return name, value
    return "", None


def outcomes_at(names: Sequence[str]) -> Callable[[Mapping[str, Any]], Mapping[str, Any]]:
    """Metrics of a record: the first field that it has, or of a mapping each entry that is a number."""

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
    """As :func:`outcomes_at`, with words such as yes and wrong as 1 and 0."""
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
    """The logs of records, one a benchmark.

    Parameters
    ----------
    path : Path
    records : iterable of mapping
    where : Fields
    outcomes : function from record to mapping of metric to outcome, optional
        By default :func:`outcomes_at` of ``where.correct``.
    name_item : function from record and its number to str or int, optional
        By default what stands in the field of the item.
    several : bool
        A list of outcomes holds one a sample; else it is an outcome that is refused.
    unscored : bool
        An outcome of None is an answer that was not scored; else it is refused.
    prompts : bool
        Compare prompts across arms.
    check : bool
        Hold outcomes against a plain reading: where a trainer may have scored them, and no evaluator.
    **about
        As in :class:`rlvr.logs.answers.Log`.

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
        asked = _first(record, names.prompt)[1] if prompts and names.prompt else None
        output = _first(record, names.output)[1] if names.output else None
        truth = _first(record, names.truth)[1] if names.truth else None
        others.add((item, text_of(benchmark)), record)
        if benchmark is not None or gathered.label != "":
            gathered.turn_to(benchmark, field)
        gathered.part.doubtful = gathered.part.doubtful or here.doubtful
        if here.of_item:
            gathered.refuse_second_question(item, record, here.of_item, number)
        if names.cluster and (cluster := _first(record, names.cluster)[1]) is not None:
            gathered.part.clusters[item] = text_of(cluster)
        prompt = "" if asked is None else fingerprint(text_of(asked))[:SHORT]
        failed = bool(record.get("error"))
        outcome = outcomes_of(record)
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
            )
    others.refuse_evaluations(path)
    return gathered.logs(where)


def _known(where: Fields) -> Iterator[str]:
    """All names of fields."""
    return (name for part in fields(Fields) for name in getattr(where, part.name))


class _Present(NamedTuple):
    """What records with the same keys can hold; of ``fields`` the names that can lead somewhere."""

    fields: Fields
    shared: tuple[str, ...]
    """What all records of a file share."""
    of_item: tuple[str, ...]
    """What all records of an item share."""
    decoding: bool
    """Whether they may say how they were decoded."""
    doubtful: str
    """The field that is taken for the truth, where it may be what the model answered."""


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
    if doubtful and (certain or not leading["output"]):  # beside a truth, or alone, an answer is the model's
        leading["truth"] = certain
        leading["output"] += ("answer",) * ("answer" in others and bool(certain))
    return _Present(
        Fields(**leading),
        tuple(record.keys() & ({*where.step, *where.model, *_SHARED} - {*where.sample})),
        tuple(
            record.keys()
            & ({*where.prompt, *where.truth, *where.cluster} - {*where.sample, *where.item, *doubtful})
        ),
        not record.keys().isdisjoint({*_DECODED, *_SETTINGS}),
        next((name for name in leading["truth"] if name in doubtful), ""),
    )


def _is_bare(here: _Present, keys: tuple[str, ...]) -> bool:
    """Whether records hold an item and an outcome, and nothing else that matters."""
    known = {name for part in fields(Fields) for name in getattr(here.fields, part.name)}
    plain = {*here.fields.item[:1], *here.fields.correct[:1]}
    others = here.shared or here.of_item or here.decoding or "error" in keys
    return len(plain) == 2 and known == plain and plain == {*keys} and not others


def _item(path: Path, record: Mapping[str, Any], here: Fields, where: Fields, number: int) -> str | int:
    _, item = _first(record, here.item)
    if not isinstance(item, (str, int)) or isinstance(item, bool) or item == "":
        raise LogError(
            f"{path}, answer {number}: {where.item[0]} must be a name, got {shown(item)}; name the field of "
            "the item and that of the outcome (--field item=NAME --field correct=NAME)"
        )
    return item


def _samples(outcomes: Mapping[str, Any]) -> Iterable[Mapping[str, Any]]:
    """The outcomes of each sample; metrics that are lists have one entry a sample."""
    lists = {metric: value for metric, value in outcomes.items() if isinstance(value, list)}
    if not lists:
        return (outcomes,)
    return [
        {metric: value[place] if place < len(value) else None for metric, value in lists.items()}
        for place in range(max(map(len, lists.values())))
    ]


class _Gathered:
    """Answers of one file, by benchmark and metric, and what is found about them on the way."""

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

    def name_of(self, item: str | int, number: int) -> str:
        """An item's name; refused where a number and a text of one file would share it."""
        name, kind = str(item), type(item)
        if self.kinds.setdefault(name, kind) is not kind:
            raise LogError(
                f"{self.path}, answer {number}: item {shortened(name, 60)} stands as a number and as a text "
                f"({shortened(name, 60)} and {shown(name)}) in one file, so these may be one item or two; a "
                "file that writes all its items as numbers, or all as texts, is accepted"
            )
        return name

    def refuse_second_values(self, record: Mapping[str, Any], names: Iterable[str], number: int) -> None:
        """Refuse a record that differs in what all of a file share."""
        for name in names:
            first, at = self.shared.setdefault(name, (record[name], number))
            if first != record[name]:
                one, other = (shortened(text_of(value), 40) for value in (first, record[name]))
                what = f"{name}s {one}, {other}" + (" of training" if name in Fields().step else "")
                raise LogError(
                    f"{self.path}: holds the {what}; one {name} is accepted (answers {at} and {number} are "
                    f"not of one evaluation): write a file for each, or, where {name} only numbers the "
                    f"samples of an item, name it (--field sample={name})"
                )

    def note_decoding(self, record: Mapping[str, Any], number: int) -> None:
        """Remember how a record says that it was decoded."""
        for name in record.keys() & {*_SETTINGS}:
            if isinstance(record[name], dict):
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
                f"{self.path}: answer {first} is {one} and answer {second} {other}; "
                "one decoding a log is accepted"
            )

    def turn_to(self, benchmark: Any, field: str) -> None:
        """Turn to a record's benchmark."""
        label = "" if benchmark is None else text_of(benchmark)
        if label != self.label:
            self.label, self.part = label, self.parts.setdefault(label, _Part())
        self.benchmark_fields.add(field)

    def refuse_second_question(
        self, item: str, record: Mapping[str, Any], names: Iterable[str], number: int
    ) -> None:
        """Refuse a record that differs in what all records of its item share."""
        for name in names:
            value = record[name]
            first, at = self.part.of_item.setdefault((item, name), (value, number))
            if first != value:
                one, other = (shortened(text_of(each), 40) for each in (first, value))
                raise LogError(
                    f"{self.path}: answers {at} and {number} to item {shortened(item, 60)} differ in {name} "
                    f"({one} and {other}), so these are not samples of one item; items with names of their "
                    "own are accepted: name a field that tells them apart (--field item=NAME) or tells "
                    "their benchmark (--field benchmark=NAME)"
                )

    def add_bare(self, item: Any, metric: str, value: Any) -> bool:
        """Add an outcome alone where nothing is to be checked; False if something is."""
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
        self, item: str, values: Mapping[str, Any], *, prompt: str, output: Any, truth: Any, failed: bool
    ) -> None:
        """One sample of an item."""
        part = self.part
        part.n_read += 1
        part.n_failed += failed
        if failed:
            return
        place = len(part.items)
        part.items.append(item)
        if output is not None:
            part.texts[place] = output_hash(output)
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
        """One log a benchmark."""
        n_items = 0
        if "task" in self.benchmark_fields:
            n_items = sum(len({*part.items}) for part in self.parts.values())
        if "task" in self.benchmark_fields and len(self.parts) > max(1, n_items / 2):
            raise LogError(
                f"{self.path}: task has {len(self.parts)} values on {n_items} items, so it may name the "
                "items or their benchmarks; say which (--field item=task, or --field benchmark=NAME of "
                "another field)"
            )
        model = next((self.shared[name][0] for name in where.model if name in self.shared), "")
        step = next((self.shared[name][0] for name in where.step if name in self.shared), "")
        about = {
            "benchmark": "",
            "model": text_of(model),
            "step": text_of(step),
            "decoding": next(iter(self.decodings), ""),
            "temperature": self.temperatures.pop() if len(self.temperatures) == 1 else None,
            **self.about,
        }
        return [
            Log(self.path, **{**about, "benchmark": name or about["benchmark"], **part.found(self.unscored)})
            for name, part in self.parts.items()
        ]


class _Part:
    """What a file holds of one benchmark."""

    def __init__(self) -> None:
        self.columns: dict[str, Answers] = {}
        self.items: list[str] = []
        self.readings: dict[int, Reading] = {}  # by the place of the answer
        self.texts: dict[int, int | None] = {}
        self.truths: dict[str, str] = {}
        self.clusters: dict[str, str] = {}
        self.of_item: dict[tuple[str, str], tuple[Any, int]] = {}
        self.n_read = self.n_failed = 0
        self.doubtful, self.varies = "", False

    def found(self, unscored: bool) -> dict[str, Any]:
        """The fields of a log."""
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
                f"{self.doubtful} is taken for what the model answered: outputs nearly always agree with it, "
                "or it differs within an item; --field truth=NAME says where the truth stands",
            )
        return about


_UNREAD, _NUMBERS = Reading(), {int, float, bool}


def scored(column: Answers) -> Answers:
    """A metric without the answers that it did not score."""
    if None not in column.values:
        return column
    kept = [place for place, value in enumerate(column.values) if value is not None]
    return Answers(
        *([part[place] for place in kept] for part in (column.items, column.prompts, column.values))
    )


def fields_to_offer(record: Mapping[str, Any]) -> str:
    """Of a record that no format knows: the fields that could hold the item and the outcome, as options.

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
    leaves = dict(_leaves(record))
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
        if part == "correct":  # any number may be 0 or 1
            fitting = [name for name in fitting if isinstance(leaves[name], (bool, str, list))]
        offered.append("|".join((best + hints + (fitting if not best + hints else []))[:3]) or "NAME")
    return f"--field item={offered[0]} --field correct={offered[1]}"


def _leaves(record: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Dotted names and values of all that is no object."""
    for name, value in record.items():
        if isinstance(value, dict) and prefix.count(".") < 3:
            yield from _leaves(value, f"{prefix}{name}.")
        elif isinstance(value, list) and value and all(isinstance(entry, dict) for entry in value):
            names = dict(_leaves(value[0])) if prefix.count(".") < 3 else {}
            yield from ((f"{prefix}{name}.{below}", value_at(value, below)) for below in names)
        else:
            yield f"{prefix}{name}", value


def _fits(part: str, value: Any) -> bool:
    """Whether a value can be an item's name, or an outcome or a list of them."""
    if part == "item":
        return isinstance(value, (str, int)) and not isinstance(value, bool) and value != ""
    if isinstance(value, list) and value:
        return all(_fits(part, entry) for entry in value)
    words = ("true", "false", "yes", "no", "correct", "incorrect", "right", "wrong")
    return (isinstance(value, (bool, int, float)) and 0 <= value <= 1) or (
        isinstance(value, str) and value.lower() in words
    )
