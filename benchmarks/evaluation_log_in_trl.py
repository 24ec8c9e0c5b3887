"""The log of an evaluation inside GRPOTrainer of TRL, on one, two and four CPU processes.

A network of one layer with random weights answers by one digit, nearly greedily, so that the answers do not
depend on the number of processes. Data sets that the processes cannot share equally are among the cases:
accelerate then repeats the first questions. Beside the book's environment it needs the packages of
`network/requirements.in`::

    python benchmarks/evaluation_log_in_trl.py

The table says for each case how many lines the log has, and whether it equals that of one process.
"""

from __future__ import annotations

import contextlib
import io
import sys
import tempfile
from pathlib import Path

from rewards_in_trl import ROOT, launch, tiny_model

# Questions, answers to each, and for each number of processes the answers of a batch.
CASES = (
    (10, 2, {1: 4, 2: 2, 4: 2}),
    (10, 2, {1: 4, 2: 4, 4: 4}),
    (7, 2, {1: 4, 2: 4, 4: 4}),
    (9, 3, {1: 3, 2: 3}),
)


def evaluate(batch: int, n_items: int, n_samples: int, out: str) -> None:
    """Train in this process for two steps, with an evaluation after each."""
    import datasets
    from trl import GRPOConfig, GRPOTrainer

    from rlvr.rewards import random_reward
    from rlvr.rewards.evaluation_log import EvaluationLog

    model, tokenizer = tiny_model(n_digits=12, initializer_range=1.0)
    log = EvaluationLog(out, item="id")

    def rows(n: int) -> datasets.Dataset:
        return datasets.Dataset.from_list(
            [{"prompt": f"q {i % 12}", "answer": str(i % 4), "id": f"item-{i}"} for i in range(n)]
        )

    with tempfile.TemporaryDirectory() as folder:
        trainer = GRPOTrainer(
            model=model,
            reward_funcs=[random_reward, log],
            callbacks=[log],
            args=GRPOConfig(
                output_dir=folder, per_device_train_batch_size=4, per_device_eval_batch_size=batch,
                num_generations=4, num_generations_eval=n_samples, max_completion_length=1, max_steps=2,
                eval_strategy="steps", eval_steps=1, report_to="none", use_cpu=True, bf16=False,
                gradient_checkpointing=False, save_strategy="no", disable_tqdm=True, seed=3,
                temperature=1e-4, learning_rate=1e-9,
            ),
            train_dataset=rows(8),
            eval_dataset=rows(n_items),
            processing_class=tokenizer,
        )  # fmt: skip
        with contextlib.redirect_stdout(io.StringIO()):
            trainer.train()


def main() -> None:
    """Run every case and print a table."""
    print("trl", __import__("importlib.metadata", fromlist=["version"]).version("trl"))
    print("questions | answers to each | processes | batch | lines | as one process")
    for n_items, n_samples, batches in CASES:
        found: dict[int, bytes] = {}
        for processes, batch in batches.items():
            with tempfile.TemporaryDirectory() as out:
                launch(__file__, processes, *map(str, (batch, n_items, n_samples, out)))
                found[processes] = b"".join(path.read_bytes() for path in sorted(Path(out).iterdir()))
            n_lines = found[processes].count(b"\n") // 2  # two evaluations
            row = (n_items, n_samples, processes, batch, n_lines, found[processes] == found[1])
            print(" | ".join(map(str, row)))
            if found[processes] != found[1] or n_lines != n_items * n_samples:
                raise SystemExit("not as one process")


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    if len(sys.argv) == 5:
        evaluate(*map(int, sys.argv[1:4]), sys.argv[4])
    else:
        main()
