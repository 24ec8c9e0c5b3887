"""Each evaluation of a training run as a log: item, answer, truth, and right or wrong by TRUE's judge.

A trainer scores its evaluation by the reward of the arm, which for RANDOM is a coin. :class:`EvaluationLog`
judges the same answers against the data set, in every arm alike, and writes lines that ``rlvr audit --log``
reads. It is a reward that pays nothing and a callback at once, since a callback alone sees no answer.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from rlvr.rewards.answer_reading import completion_text
from rlvr.rewards.judges import Judge, Judging
from rlvr.rewards.labels import read_label
from rlvr.rewards.processes import shared_by_all, this_process
from rlvr.rewards.reward_log import warn_once
from rlvr.rewards.trainer_columns import column as column_of
from rlvr.rewards.trainer_columns import prompt_digest, prompt_text, same_length

__all__ = ["EvaluationLog"]


class EvaluationLog:
    """A reward of 0 and a callback of ``transformers.Trainer``, which writes a log at each evaluation.

    Give the same object twice::

        log = EvaluationLog("logs/random")
        GRPOTrainer(..., reward_funcs=[random_reward, log], callbacks=[log], eval_dataset=...)

    An evaluation at step 200 is ``logs/random/step-200.jsonl``; of several data sets each has its name before
    the step, and in its lines as the benchmark. Of several processes the first writes what all answered.

    Parameters
    ----------
    folder : str or Path
        Made if it is not there. One folder a run of an arm.
    column : str
        The column of the data set that holds the right answers.
    item : str, optional
        The column that names the items; by default an item is a digest of its prompt and its label.
    judge, read
        As in :func:`rlvr.rewards.true_reward`; the same in every arm.
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
        self._evaluated: list[dict[str, Any]] = []

    def __call__(
        self, prompts: Sequence[Any], completions: Sequence[Any], completion_ids: Any = None, **columns: Any
    ) -> list[float]:
        """Remember the answers, which belong to an evaluation if its prediction step ends next; pay 0."""
        n = same_length(prompts, completions)
        labels = column_of(self.column, columns, n)
        names = column_of(self.item, columns, n) if self.item else [None] * n
        self._latest = [
            {"prompt": prompt, "completion": completion, "label": label, "item": name}
            for prompt, completion, label, name in zip(prompts, completions, labels, names, strict=True)
        ]
        return [0.0] * n

    def on_prediction_step(self, args: Any, state: Any, control: Any, **more: Any) -> None:
        """Keep the latest answers: they are an evaluation's."""
        self._evaluated += self._latest
        self._latest = []

    def on_step_end(self, args: Any, state: Any, control: Any, **more: Any) -> None:
        """Forget the latest answers: they were training's."""
        self._latest = []

    def on_evaluate(
        self, args: Any, state: Any, control: Any, metrics: Mapping[str, Any] | None = None, **more: Any
    ) -> None:
        """Write the log.

        Raises
        ------
        RuntimeError
            If there are several processes that cannot exchange answers.
        """
        rows, self._evaluated = self._evaluated, []
        here = this_process()
        if here.n_processes > 1 and here.gather is None:
            raise RuntimeError(
                f"evaluation_log is in process {here.rank} of {here.n_processes} ({here.known_by}), which "
                "cannot exchange answers; torch.distributed, initialised, is accepted"
            )
        benchmark, temperature = _benchmark(metrics or {}), getattr(args, "temperature", None)
        shared: dict[str, Any] = {"step": state.global_step}
        shared |= {"benchmark": benchmark} if benchmark else {}
        shared |= {"temperature": temperature} if isinstance(temperature, (int, float)) else {}

        def make() -> list[dict[str, Any]]:
            return [line | shared for line in map(self._line, rows) if line]

        every = shared_by_all(here, make) if here.gather else [make()]
        lines = [line for part in every for line in part]
        counts: Counter[Any] = Counter()
        for line in lines:
            counts[line["item"]] += 1
            line["sample"] = counts[line["item"]]
        if len(every[here.rank if here.gather else 0]) < len(rows):
            warn_once(
                "evaluation_log labels",
                lambda: (
                    "evaluation_log: answers whose label cannot be read are left out; see `rlvr labels FILE`"
                ),
            )
        if here.rank == 0 and lines:
            self._write("-".join(filter(None, (benchmark, f"step-{state.global_step}"))), lines)

    def _line(self, row: Mapping[str, Any]) -> dict[str, Any] | None:
        """One answer as it is logged; None where its label holds no answer."""
        label = read_label(row["label"]).answer
        if label is None:
            return None
        (answer,) = self._judging.answers([row["completion"]])
        try:
            text = completion_text(row["completion"])
        except TypeError:
            text = ""
        prompt = prompt_text(row["prompt"])
        name = prompt_digest([prompt, label])[:16] if row["item"] is None else row["item"]
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


def _nothing(*given: Any, **named: Any) -> None:
    pass


def _benchmark(metrics: Mapping[str, Any]) -> str:
    """The data set's name where there are several, out of the name of a metric that every evaluation has."""
    prefix = next((name.removesuffix("_runtime") for name in metrics if name.endswith("_runtime")), "eval")
    return prefix.removeprefix("eval").removeprefix("_")
