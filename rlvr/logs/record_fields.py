"""Name the fields of a record, read their values, and suggest fields for a record of an unknown format."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

from rlvr._checks import shown
from rlvr.logs.answers import LogError

__all__ = [
    "Fields",
    "fields_from",
    "fields_to_offer",
    "first_field",
    "named_outcomes",
    "outcomes_at",
    "value_at",
]


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


def first_field(record: Mapping[str, Any], names: Sequence[str]) -> tuple[str, Any]:
    """Return name and value of the first field that the record has."""
    for name in names:
        value = record[name] if name in record else value_at(record, name)
        if value is not None:
            return name, value
    return "", None


def outcomes_at(names: Sequence[str]) -> Callable[[Mapping[str, Any]], Mapping[str, Any]]:
    """Return a function from a record to its metrics: the first field, or each number of a mapping."""

    def outcomes(record: Mapping[str, Any]) -> Mapping[str, Any]:
        name, value = first_field(record, names)
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
