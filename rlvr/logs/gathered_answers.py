"""Gather the answers of one file by benchmark and metric, and refuse records that contradict one another."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from rlvr._checks import counted, shortened, shown
from rlvr.logs.answers import (
    Answers,
    Counts,
    Log,
    LogError,
    decoding_of,
    output_hash,
    outputs_digest,
    temperature_of,
    text_of,
)
from rlvr.logs.decoding import DECODINGS
from rlvr.logs.evaluation_settings import is_setting
from rlvr.logs.record_fields import Fields
from rlvr.logs.score_checks import Reading, TooLong, check_scores, plain_reading

__all__ = ["DECODED", "READING", "SETTINGS", "GatheredAnswers", "item_name", "prompt_alone", "scored"]

READING = "reading"
"""The metric that compares each output with its truth, where the file holds both."""
DECODED = ("decoding", "temperature", "top_k", "do_sample")
SETTINGS = (
    "sampling_params", "generation_config", "generation_kwargs", "gen_kwargs", "gen_config",
    "generate_config", "decoding_params", "sampling",
)  # fmt: skip
_TASKS = frozenset(("task", "task_name", "eval_task", "dataset_id", "dataset_path", "suite"))
"""Names of a benchmark that some files use for their items."""
_TOTALS = frozenset(("average", "avg", "mean", "total", "overall", "summary", "macro avg", "micro avg"))
_NUMBERED_SAMPLE = re.compile(r"[_#:/-](s|sample|rollout|gen|completion)[-_]?\d+$", re.IGNORECASE)
_WORDED = 10  # characters: shorter outputs, such as letters of a choice, agree by chance
_UNREAD, _NUMBERS = Reading(), {int, float, bool}


def prompt_alone(value: Any) -> Any:
    """Return a prompt; of a conversation, what comes before the last answers of the model."""
    if not isinstance(value, list) or not all(isinstance(turn, dict) for turn in value):
        return value
    turns = [*value]
    while turns and (turns[-1].get("role") or turns[-1].get("from")) in ("assistant", "gpt", "model"):
        turns.pop()
    return turns


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


class GatheredAnswers:
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
        for name in sorted(record.keys() & {*SETTINGS}):
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
            value = prompt_alone(record[name])
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


def scored(column: Answers) -> Answers:
    """Return a metric without the answers that have no score."""
    if None not in column.values:
        return column
    kept = [place for place, value in enumerate(column.values) if value is not None]
    return Answers(
        *([part[place] for place in kept] for part in (column.items, column.prompts, column.values))
    )
