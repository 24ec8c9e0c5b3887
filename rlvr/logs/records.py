"""Read logs that consist of records: JSON lines, a JSON list, or rows of Parquet.

:class:`~rlvr.logs.record_fields.Fields` names the fields of item, outcome, prompt, output and truth. A record
holds one sample of an item, or a list of samples. Each benchmark becomes a log of its own. Records that
differ in their training step, in their model or in the prompt of an item are not samples of one evaluation;
the error names the field.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any, NamedTuple

from rlvr._checks import shown
from rlvr.logs.answers import SHORT, Log, LogError, fingerprint, text_of
from rlvr.logs.failed_requests import failing_fields, request_failed
from rlvr.logs.gathered_answers import DECODED, SETTINGS, GatheredAnswers, prompt_alone
from rlvr.logs.hidden_evaluations import UnnamedFields
from rlvr.logs.record_fields import Fields, first_field, outcomes_at

__all__ = ["read_records"]

_DOUBTFUL = frozenset(("answer", "label", "solution"))
"""Names of a truth that some tools use for the answer of the model."""
_SHARED = ("arm", "run", "temperature")
"""Further fields that all records of a file share; several runs in one file are not samples."""


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
    gathered = GatheredAnswers(path, unscored, check, about)
    others = UnnamedFields({*_known(where), *_known(Fields()), *_SHARED, *DECODED})
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
        field, benchmark = first_field(record, names.benchmark) if names.benchmark else ("", None)
        if here.shared:
            gathered.refuse_second_values(record, here.shared, number)
        if here.decoding:
            gathered.note_decoding(record, number)
        named = name_item(record, number) if name_item else _item(path, record, names, where, number)
        item = gathered.name_of(named, number)
        question = prompt_alone(first_field(record, names.prompt)[1]) if prompts and names.prompt else None
        output = first_field(record, names.output)[1] if names.output else None
        truth = first_field(record, names.truth)[1] if names.truth else None
        outcome = outcomes_of(record)
        others.add((item, text_of(benchmark)), record, next(iter(outcome.values()), None))
        if benchmark is not None or gathered.label != "":
            gathered.turn_to(benchmark, field)
        gathered.part.doubtful = gathered.part.doubtful or here.doubtful
        if here.of_item:
            gathered.refuse_second_question(item, record, here.of_item, number)
        if names.cluster and (cluster := first_field(record, names.cluster)[1]) is not None:
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
        tuple(sorted(record.keys() & ({*where.step, *where.model, *_SHARED} - {*where.sample}))),
        tuple(
            sorted(
                record.keys()
                & ({*where.prompt, *where.truth, *where.cluster} - {*where.sample, *where.item, *doubtful})
            )
        ),
        not record.keys().isdisjoint({*DECODED, *SETTINGS}),
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
    _, item = first_field(record, here.item)
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
