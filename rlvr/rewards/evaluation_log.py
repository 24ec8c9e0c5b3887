"""Write each evaluation during training as a log: item, answer, truth, and right or wrong by TRUE's judge.

A trainer scores its evaluation by the reward of the arm, which is a coin for RANDOM. :class:`EvaluationLog`
judges the same answers against the data set, equally in every arm, and writes lines that ``rlvr audit --log``
reads. The class is a reward that always returns 0 and also a callback, because a callback sees no answers.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from itertools import chain, zip_longest
from pathlib import Path
from typing import Any

from rlvr.rewards.answer_reading import completion_text
from rlvr.rewards.judges import Judge, Judging
from rlvr.rewards.labels import read_label
from rlvr.rewards.processes import shared_by_all, this_process
from rlvr.rewards.reward_log import warn_once
from rlvr.rewards.trainer_columns import as_list, prompt_digest, prompt_text, same_length
from rlvr.rewards.trainer_columns import column as column_of

__all__ = ["EvaluationLog"]


class EvaluationLog:
    """A reward of 0 and a callback of ``transformers.Trainer`` that writes a log at each evaluation.

    Pass the same object twice::

        log = EvaluationLog("logs/random")
        GRPOTrainer(..., reward_funcs=[random_reward, log], callbacks=[log], eval_dataset=...)

    The evaluation at step 200 becomes ``logs/random/step-200.jsonl``. With several data sets, the name of
    each precedes the step and is the benchmark of its lines. With several processes, the first writes all, in
    the order of one process. To give all processes equally many batches, accelerate repeats the first answers
    after the last; these are left out.

    Parameters
    ----------
    folder : str or Path
        The folder of one run of an arm, created if missing.
    column : str
        The column of the data set that holds the right answers.
    item : str, optional
        The column that names the items; by default an item is a digest of its prompt and its label.
    judge, read
        As in :func:`rlvr.rewards.true_reward`; use the same in every arm.
    """

    __name__ = "evaluation_log"

    def __init__(
        self,
        folder: str | os.PathLike[str],
        *,
        column: str = "answer",
        item: str | None = None,
        judge: str | Callable[[Any, Any], Any] | Judge | None = None,
        read: Callable[[str], Any] | None = None,
    ) -> None:
        self.folder, self.column, self.item = Path(folder), column, item
        self._judging = Judging(judge, read)
        self._latest: list[dict[str, Any]] = []
        self._evaluated: list[list[dict[str, Any]]] = []  # one entry per prediction step
        self._n_wanted: int | None = None

    def __call__(
        self, prompts: Sequence[Any], completions: Sequence[Any], completion_ids: Any = None, **columns: Any
    ) -> list[float]:
        """Keep the answers, which belong to an evaluation if a prediction step ends next; return zeros."""
        n = same_length(prompts, completions)
        labels = column_of(self.column, columns, n)
        names = column_of(self.item, columns, n) if self.item else [None] * n
        self._latest = [
            {"prompt": prompt, "completion": completion, "label": label, "item": name}
            for prompt, completion, label, name in zip(prompts, completions, labels, names, strict=True)
        ]
        return [0.0] * n

    def on_prediction_step(self, args: Any, state: Any, control: Any, **more: Any) -> None:
        """Add the latest answers, which belong to an evaluation."""
        self._evaluated.append(self._latest)
        self._latest = []
        self._n_wanted = _n_answers(more.get("eval_dataloader"))

    def on_step_end(self, args: Any, state: Any, control: Any, **more: Any) -> None:
        """Drop the latest answers, which belong to training."""
        self._latest = []

    def on_evaluate(
        self, args: Any, state: Any, control: Any, metrics: Mapping[str, Any] | None = None, **more: Any
    ) -> None:
        """Write the log.

        Raises
        ------
        RuntimeError
            If there are several processes and they cannot exchange answers.
        """
        steps, self._evaluated = self._evaluated, []
        n_wanted, self._n_wanted = self._n_wanted, None
        here = this_process()
        if here.n_processes > 1 and here.gather is None:
            raise RuntimeError(
                f"evaluation_log runs in process {here.rank} of {here.n_processes} ({here.known_by}), which "
                "cannot exchange answers; initialise torch.distributed"
            )
        benchmark, temperature = _benchmark(metrics or {}), getattr(args, "temperature", None)
        shared: dict[str, Any] = {"step": state.global_step}
        shared |= {"benchmark": benchmark} if benchmark else {}
        shared |= {"temperature": temperature} if isinstance(temperature, (int, float)) else {}

        def make() -> list[list[dict[str, Any] | None]]:
            return [[line and line | shared for line in map(self._line, rows)] for rows in steps]

        every = shared_by_all(here, make) if here.gather else [make()]
        # A loader deals its batches to the processes in turn.
        dealt = [line for parts in zip_longest(*every, fillvalue=[]) for line in chain(*parts)][:n_wanted]
        lines = [line for line in dealt if line]
        counts: Counter[Any] = Counter()
        for line in lines:
            counts[line["item"]] += 1
            line["sample"] = counts[line["item"]]
        if any(None in part for part in every[here.rank if here.gather else 0]):
            warn_once(
                "evaluation_log labels",
                lambda: (
                    "evaluation_log: answers whose label cannot be read are left out; `rlvr labels FILE` "
                    "shows how each label is read"
                ),
            )
        if here.rank == 0 and lines:
            self._write("-".join(filter(None, (benchmark, f"step-{state.global_step}"))), lines)

    def _line(self, row: Mapping[str, Any]) -> dict[str, Any] | None:
        """Return the logged form of one answer; None if its label holds no answer."""
        label = read_label(row["label"]).answer
        if label is None:
            return None
        (answer,) = self._judging.answers([row["completion"]])
        try:
            text = completion_text(row["completion"])
        except TypeError:
            text = ""
        prompt = prompt_text(row["prompt"])
        name = prompt_digest([prompt, label])[:16] if row["item"] is None else _item(row["item"])
        right = self._judging.same(answer, label)
        return {"item": name, "correct": int(right), "response": text, "target": label, "prompt": prompt}

    def _write(self, name: str, lines: Sequence[Mapping[str, Any]]) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self.folder / f"{name}.jsonl"
        fresh = path.with_name(f".{path.name}.new")
        fresh.write_text("".join(f"{json.dumps(line)}\n" for line in lines), encoding="utf-8")
        fresh.replace(path)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("on_"):  # the trainer calls every event of every callback
            return _nothing
        raise AttributeError(f"{type(self).__name__} has no {name}")


def _item(name: Any) -> int | str:
    """Return a name of an item as logs have it: a text, or a whole number however a column holds it."""
    plain = as_list(name)
    whole = isinstance(plain, (int, float)) and plain == plain // 1
    return int(plain) if whole else str(plain)


def _nothing(*given: Any, **named: Any) -> None:
    pass


def _n_answers(loader: Any) -> int | None:
    """Return how many answers an evaluation has without repetitions; None if the loader states no number."""
    sampler: Any = getattr(loader, "batch_sampler", None)
    while (inner := getattr(sampler, "batch_sampler", None)) is not None:  # that of one process
        sampler = inner
    try:
        return len(sampler.sampler)
    except (AttributeError, TypeError, NotImplementedError):
        return None


def _benchmark(metrics: Mapping[str, Any]) -> str:
    """Return the name of the data set if there are several, taken from the name of a metric."""
    prefix = next((name.removesuffix("_runtime") for name in metrics if name.endswith("_runtime")), "eval")
    return prefix.removeprefix("eval").removeprefix("_")
