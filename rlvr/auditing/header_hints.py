"""What a table means whose columns have other names or another shape; used only in hints and refusals."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Collection, Sequence
from functools import cache

from rlvr._checks import shown

__all__ = ["ALSO_CALLED", "likely_column", "nearest", "plain_name", "shape_hints"]

ALSO_CALLED = {
    **dict.fromkeys(("mean", "acc", "avg", "pass_at_1", "pass@1", "exact_match", "value"), "accuracy"),
    **dict.fromkeys(("n", "n_samples", "n_questions", "num_samples", "num_items"), "n_items"),
    **dict.fromkeys(("n_seeds", "num_seeds", "num_runs"), "n_runs"),
    **dict.fromkeys(("std", "sd", "stdev", "std_dev"), "run_sd"),
    **dict.fromkeys(("seed", "trial"), "run"),
    **dict.fromkeys(
        ("dataset", "dataset_name", "data_source", "task", "task_name", "eval_set", "eval_name", "test_set"),
        "benchmark",
    ),
    **dict.fromkeys(("model_name", "model_id", "base_model", "model_name_or_path"), "model"),
    **dict.fromkeys(("method", "reward", "reward_type", "reward_fn", "condition", "variant"), "arm"),
    **dict.fromkeys(("question_id", "item_id", "problem_id", "qid", "doc_id", "sample_id", "idx"), "item"),
    "paper": "study",
}
"""Columns by other common names, used only as hints because the content of such a column is uncertain."""

_ACCURACY = re.compile(r"^[^|]*(?<![a-z])(acc|accuracy|pass@1)(?![a-z])")
_SPREAD = re.compile(r"(?<![a-z])(std|stddev|sd|stderr|sem|se|var|ci|min|max|count)(?![a-z])")
_PERCENT = re.compile(r"%|(?<![a-z])(pct|perc|percent(age)?)(?![a-z])")
_UNIT = re.compile(r"\s*[(\[].*[)\]]\s*$|\s*%$")


@cache
def plain_name(name: str) -> str:
    """Return a column's name in lower case, with underscores for spaces and hyphens."""
    return re.sub(r"[\s-]+", "_", name.strip().lower())


def likely_column(column: str, columns: Collection[str], needed: Collection[str]) -> str:
    """Return the column that the user probably means, by common name or spelling; or an empty text."""
    plain = plain_name(column)
    if plain in ("score", "result", "is_correct", "right"):
        per_item = any("item" in (one, ALSO_CALLED.get(plain_name(one))) for one in columns)
        return "correct" if per_item else "accuracy" * (plain == "score")
    name = ALSO_CALLED.get(plain)
    if name is None and _SPREAD.search(plain):
        return ""
    if name is None and _ACCURACY.search(column.lower()):
        name = "accuracy_percent" if _PERCENT.search(column.lower().replace("_", " ")) else "accuracy"
    if name is None:  # a tracker puts a name into a folder: params.arm, config/n_items
        return nearest(column, needed) or nearest(re.split(r"[./]", column)[-1], needed)
    return "" if name in columns else name


def nearest(name: str, known: Collection[str], *, cutoff: float = 0.75) -> str:
    """Return the known name that resembles `name`, or an empty text."""
    return next(iter(difflib.get_close_matches(plain_name(name), list(known), n=1, cutoff=cutoff)), "")


def shape_hints(columns: Sequence[str], known: Collection[str], arm_name: Callable[[str], str]) -> list[str]:
    """Describe a table of another shape: arms or benchmarks as columns, or cells between other signs.

    `arm_name` returns the arm that a text names, or an empty text.
    """
    arms = {column: arm for column in columns if (arm := arm_name(_UNIT.sub("", column)))}
    if len({*arms.values()}) > 1 and "arm" not in columns:
        named = " and ".join(map(shown, [*arms][:2]))
        return [f"the columns {named} look like arms, one row an arm is accepted;"]
    if len(columns) == 1 and "|" in columns[0]:
        return ["this looks like a Markdown table, one with commas is accepted;"]
    words = columns[0].replace("&", " & ").split()
    if len(columns) == 1 and (len({*words} & {*known}) > 1 or columns[0].startswith("\\begin")):
        between = "as in LaTeX" if "&" in words or "\\" in columns[0] else "separated by spaces"
        return [f"the columns look {between}, commas are accepted;"]
    if columns[0].startswith("{"):
        return ["this looks like lines of JSON, which --log ARM=PATH reads;"]
    others = [column for column in columns if column and column not in known]
    if any(_ACCURACY.search(name.lower()) or _SPREAD.search(plain_name(name)) for name in others):
        return []
    if "arm" in columns and "benchmark" not in columns and len(others) > 1:
        named = " and ".join(map(shown, others[:2]))
        return [f"if the columns {named} are benchmarks, one row a benchmark and arm is accepted;"]
    return []
