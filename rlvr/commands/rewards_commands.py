"""The commands for rewards: `rlvr labels` shows labels as read, `rlvr rescore` judges answers again."""

from __future__ import annotations

import logging
import os
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from rlvr._checks import counted, shortened
from rlvr._escaping import json_text, visible
from rlvr._reading import files_below
from rlvr._writing import refuse_overwriting, replacing
from rlvr.arms import ARMS
from rlvr.commands.refusal import refusing

if TYPE_CHECKING:
    from rlvr.logs.answer_files import WrittenAnswer

__all__ = ["app"]

app = typer.Typer()

_LOGS = typer.Option(
    [], "--log", metavar="ARM=PATH", help="Answers of an arm, one file a run. Repeat for each."
)
_JUDGES = typer.Option(
    [],
    "--judge",
    help="plain, math-verify, verl or lm-eval. Default: all that are installed. Repeat for each.",
)
_FIELD = typer.Option(
    [],
    "--field",
    metavar="ROLE=FIELD",
    help="Field that holds item, output, truth, arm or run. Repeat for each.",
)
_FILES = typer.Argument(None, help="Files whose records name their arm.")


@app.command("labels")
def show_labels(
    file: str = typer.Argument(help="A data set: .jsonl, .json, .csv, .tsv or .parquet."),
    column: str = typer.Option(None, help="Column of labels. Default: answer, solution or a similar name."),
    check: bool = typer.Option(False, "--check", help="Exit 1 if a label could not be read."),
    summary: bool = typer.Option(
        False, "--summary", help="Show only counts, and labels that could not be read."
    ),
) -> None:
    """Show each label of a data set as the rewards read it, and count those that could not be read."""
    from rlvr.logs.answer_files import label_column, read_records, value_at
    from rlvr.rewards.answer_reading import canonical
    from rlvr.rewards.labels import UNREADABLE, read_label

    with refusing():
        records = list(read_records(file))
        if not records:
            raise ValueError(f"{file}: holds no record; one record a question is accepted")
        found = label_column(records, column)
    counts: Counter[str] = Counter()
    for number, record in enumerate(records, 1):
        label = value_at(record, found)
        try:
            answer, how = read_label(label)
        except TypeError:
            answer, how = None, f"no text or number but a {type(label).__name__}"
        counts[how] += 1
        if answer is None or not summary:
            as_read = "-" if answer is None else _printable(canonical(answer))
            typer.echo(f"{number}\t{as_read}\t{how}\t{_printable(label)}")
    n_unread = sum(n for how, n in counts.items() if how in UNREADABLE or how.startswith("no text"))
    kinds = ", ".join(f"{n} from {how}" for how, n in counts.most_common())
    typer.echo(f"{counted(len(records), 'label')} in column {visible(found)}: {kinds}")
    guessed = counts["the last number of a text"]
    if guessed:
        typer.echo(f"{guessed} read from running text; check these labels, or store the answer alone")
    if _numbers_of_choices(records[0], found):
        typer.echo(
            "the records hold choices, so these labels may be their numbers; where a model answers with a "
            "letter or a text, store that"
        )
    typer.echo(
        f"{n_unread} could not be read" + ("" if n_unread == 0 else "; no answer is compared with them")
    )
    raise typer.Exit(1 if check and n_unread else 0)


def _numbers_of_choices(record: Mapping[str, Any], column: str) -> bool:
    """Whether a label may be the position of the right choice, as in MMLU."""
    label, choices = record.get(column), record.get("choices") or record.get("options")
    return isinstance(choices, list) and type(label) is int and 0 <= label <= len(choices)


@app.command()
def rescore(
    files: list[str] = _FILES,
    log: list[str] = _LOGS,
    judge: list[str] = _JUDGES,
    field: list[str] = _FIELD,
    json_out: str = typer.Option(
        None, "--json", metavar="OUT", help="Write all counts as JSON to this file; - is standard output."
    ),
) -> None:
    """Judge the same answers by several judges; show their disagreements and the split under each.

    The files hold plain records of item, output and truth (and arm, run), validation generations of verl, or
    samples of lm-evaluation-harness.
    """
    with refusing():
        inputs = [*(files or []), *(path.partition("=")[2] for path in log)]
        refuse_overwriting({"--json": json_out}, inputs)
        answers = _answers(files or [], log, field)
        _refuse_other_truths(answers)
        rights, n_unread = _judged(answers, judge)
        summary = _summary(answers, rights) | {"n_without_answer": n_unread, "notes": list(_copies(answers))}
        text = json_text(summary)
        if json_out and json_out != "-":
            with replacing(json_out) as (new,):
                new.write_text(text + "\n", encoding="utf-8")
    if json_out == "-":
        typer.echo(text)
    else:
        _print(summary, answers, rights)


def _answers(files: list[str], log: list[str], field: list[str]) -> list[WrittenAnswer]:
    from rlvr.auditing.tables import arm_name
    from rlvr.logs.answer_files import read_answers

    fields: dict[str, str] = {}
    for one in field:
        role, name = _pair("--field", one, ("item", "output", "truth", "arm", "run"))
        if fields.setdefault(role, name) != name:
            raise ValueError(
                f"--field must name one field for {role}, got {shortened(repr(fields[role]))} and "
                f"{shortened(repr(name))}; leave one out"
            )
    named = []
    for one in log:
        name, sign, path = one.partition("=")
        named.append(_pair("--log", f"{arm_name(name) or name}{sign}{path}", ARMS))
    if not files and not named:
        raise ValueError(
            "no file and no --log was given; give a file of answers, or --log ARM=PATH for each arm"
        )
    answers = []
    given: dict[str, Path] = {}
    for arm, path in [*((None, path) for path in files), *named]:
        places = [Path(path)]
        if os.path.isdir(path):
            places = sorted(place for place in files_below(path) if ".jsonl" in place.name)
        if not places:
            raise ValueError(f"{shortened(path)}: the folder holds no .jsonl file; one a run is accepted")
        for place in places:
            before = given.setdefault(os.path.realpath(place), place)
            if before is not place:
                raise ValueError(
                    f"{shortened(str(place))}: the same file was given as {shortened(str(before))}; each "
                    "file is accepted once"
                )
            answers += read_answers(place, arm, fields)
    answers = [answer._replace(arm=arm_name(answer.arm) or answer.arm) for answer in answers]
    unknown = next((answer for answer in answers if answer.arm not in ARMS), None)
    if unknown is not None:
        raise ValueError(
            f"arm must be one of {', '.join(ARMS)}, got {shortened(repr(unknown.arm))} in {unknown.run}"
        )
    return answers


def _refuse_other_truths(answers: list[WrittenAnswer]) -> None:
    """Refuse an item with two right answers, as where an arm's file holds its own training labels."""
    from rlvr.rewards.answer_reading import canonical
    from rlvr.rewards.labels import read_label

    first: dict[str, tuple[WrittenAnswer, Any]] = {}
    for answer in answers:
        try:
            truth = canonical(read_label(answer.truth).answer)
        except TypeError:
            truth = str(answer.truth)
        before, expected = first.setdefault(answer.item, (answer, truth))
        if truth != expected:
            raise ValueError(
                f"item {shortened(repr(answer.item), most=60)} has the right answer "
                f"{_printable(before.truth)} in {shortened(before.run)} ({before.arm}) and "
                f"{_printable(answer.truth)} in {shortened(answer.run)} ({answer.arm}); one right answer an "
                "item is accepted (the training labels of an arm are none): --field truth=FIELD names it"
            )


def _copies(answers: list[WrittenAnswer]) -> Iterator[str]:
    """Report runs whose outputs are those of another run, item by item."""
    outputs: dict[tuple[str, str], list[tuple[str, str]]] = {}
    for answer in answers:
        outputs.setdefault((answer.arm, answer.run), []).append((answer.item, answer.output))
    first: dict[tuple[tuple[str, str], ...], tuple[str, str]] = {}
    for (arm, run), written in outputs.items():
        before = first.setdefault(tuple(sorted(written)), (arm, run))
        if before != (arm, run) and len(written) > 1:
            yield (
                f"{shortened(run)} ({arm}) holds the same outputs as {shortened(before[1])} ({before[0]}), "
                "item by item; if both are one evaluation, remove one of them"
            )


def _pair(option: str, given: str, accepted: tuple[str, ...]) -> tuple[str, str]:
    name, sign, value = given.partition("=")
    name = name.strip().lower()
    if not sign or not value or name not in accepted:
        raise ValueError(
            f"{option} must be one of {', '.join(accepted)}, then = and a name, got {shortened(repr(given))}"
        )
    return name, value


def _judged(
    answers: list[WrittenAnswer], names: list[str]
) -> tuple[dict[str, list[bool | None]], dict[str, int]]:
    """Return by judge whether each answer is right, and the number of outputs in which it found no answer.

    None stands for a label that could not be read.
    """
    from rlvr.rewards import true_reward
    from rlvr.rewards.judges import JUDGES, find_judge

    judges = list(dict.fromkeys(names))
    for name in JUDGES if not judges else ():
        try:
            find_judge(name)
        except ValueError:
            continue  # its package is not installed
        judges.append(name)
    outputs, truths = [answer.output for answer in answers], [answer.truth for answer in answers]
    rights: dict[str, list[bool | None]] = {}
    n_unread = {}
    for name in judges:
        logged: dict[str, float] = {}
        with _without_warnings():
            rewards = true_reward(
                outputs, outputs, truth=truths, column="truth", judge=name, process=(0, 1),
                log_as=name, log_metric=logged.__setitem__,
            )  # fmt: skip
        rights[name] = [None if reward is None else bool(reward) for reward in rewards]
        n_unread[name] = round(logged[f"{name}/unread"] * len(answers))
    return rights, n_unread


@contextmanager
def _without_warnings() -> Iterator[None]:
    """Silence the warnings for trainers, whose content is in the command's own counts and errors."""
    logger = logging.getLogger("rlvr.rewards")
    before, logger.disabled = logger.disabled, True
    try:
        yield
    finally:
        logger.disabled = before


def _summary(answers: list[WrittenAnswer], rights: dict[str, list[bool | None]]) -> dict[str, Any]:
    """Return accuracies, disagreements and splits in the form of the JSON output."""
    import math

    import pandas as pd

    from rlvr.auditing import audit

    table = pd.DataFrame([answer._asdict() for answer in answers])
    judged = next(iter(rights.values()))
    readable = [right is not None for right in judged]
    if not any(readable):
        raise ValueError("no label could be read; `rlvr labels FILE` shows each")
    splits, accuracies = {}, {}
    for name, right in rights.items():
        rows = table.assign(correct=[math.nan if one is None else float(one) for one in right])[readable]
        accuracies[name] = {
            arm: float(rows.correct[rows.arm == arm].mean()) for arm in ARMS if arm in set(rows.arm)
        }
        if len(accuracies[name]) < 2:
            continue
        outcomes = rows.groupby(["arm", "run", "item"], sort=False, as_index=False).correct.mean()
        outcomes = outcomes.assign(study="rescored", model="-", benchmark=name)
        (cell,) = audit(outcomes).cells
        splits[name] = {
            "verdict": cell.verdict,
            "status": cell.status,
            "terms": {
                term: _finite(value.value, value.low, value.high) for term, value in cell.terms.items()
            },
        }
    return {
        "n_answers": len(answers),
        "n_unreadable_labels": len(readable) - sum(readable),
        "accuracy": accuracies,
        "disagreements": [
            {
                "judges": [one, other],
                "only_first": sum(
                    a is True and b is False for a, b in zip(rights[one], rights[other], strict=True)
                ),
                "only_second": sum(
                    a is False and b is True for a, b in zip(rights[one], rights[other], strict=True)
                ),
            }
            for one, other in combinations(rights, 2)
        ],
        "splits": splits,
    }


def _print(
    summary: dict[str, Any], answers: list[WrittenAnswer], rights: dict[str, list[bool | None]]
) -> None:
    console = Console()
    arms = [arm for arm in ARMS if arm in next(iter(summary["accuracy"].values()))]
    unread = summary["n_unreadable_labels"]
    typer.echo(
        f"{counted(len(answers), 'answer')}, {counted(unread, 'answer')} with a label that could not be read"
    )
    for name, n in summary["n_without_answer"].items():
        if n:
            typer.echo(f"{name} found no answer in {counted(n, 'output')}, which count as wrong")
    for note in summary["notes"]:
        typer.echo(f"note: {visible(note)}")
    table = Table("judge", *(arm.upper() for arm in arms), "verdict", title="accuracy in percent")
    for name, accuracy in summary["accuracy"].items():
        split = summary["splits"].get(name)
        verdict = f"{split['verdict']} ({split['status']})" if split else ""
        table.add_row(name, *(f"{100 * accuracy[arm]:.1f}" for arm in arms), verdict)
    console.print(table)
    if summary["splits"]:
        terms = list(next(iter(summary["splits"].values()))["terms"])
        table = Table(
            "judge", *(term.replace("_", " ") for term in terms), title="split in points, 95% by items"
        )
        for name, split in summary["splits"].items():
            table.add_row(name, *(_points(split["terms"][term]) for term in terms))
        console.print(table)
    if summary["disagreements"]:
        table = Table(
            "judges", "right by the first alone", "by the second alone", "for example", title="disagreements"
        )
        for pair in summary["disagreements"]:
            one, other = pair["judges"]
            example = next(
                (
                    answer
                    for answer, a, b in zip(answers, rights[one], rights[other], strict=True)
                    if a is not b
                ),
                None,
            )
            shown = (
                ""
                if example is None
                else f"{_printable(example.output[-40:])} for {_printable(example.truth)}"
            )
            table.add_row(f"{one}, {other}", str(pair["only_first"]), str(pair["only_second"]), Text(shown))
        console.print(table)


def _finite(*numbers: float) -> list[float] | None:
    return list(numbers) if all(abs(number) < 2 for number in numbers) else None  # False for NaN


def _points(term: list[float] | None) -> str:
    if term is None:
        return "-"
    value, low, high = (f"{round(100 * part, 1) + 0.0:+.1f}".replace("-", "−") for part in term)
    return f"{value} ({low} to {high})"


def _printable(value: Any) -> str:
    """Return a value as one short line without control characters."""
    text = shortened(str(value) if not isinstance(value, int) else format(value), most=60)
    return "".join(sign if sign.isprintable() else repr(sign)[1:-1] for sign in text)
