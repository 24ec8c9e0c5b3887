"""The three rewards inside of GRPOTrainer of TRL, on one, two and four CPU processes.

A network of one layer with random weights answers by one digit. Each run trains it for a few steps, with
groups of four answers that lie in one process, in two or in four. What each process was paid is compared with
what one process pays for the same answers. Beside the book's environment it needs the packages of
`network/requirements.in`::

    python benchmarks/rewards_in_trl.py

The table says for each run how many groups there were, what fraction had no spread, by the answers and as the
reward logged it, and whether every reward is as it should be: for MAJORITY and TRUE that of one process, for
RANDOM the coins of one call that held all answers of a step.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import socket
import subprocess
import sys
import tempfile
from itertools import groupby
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
GROUP, STEPS, PROMPTS = 4, 12, 6
# Processes, answers of each in a batch, accumulated batches, and batches in one generation.
LAYOUTS = ((1, 8, 1, 1), (2, 4, 1, 1), (2, 2, 1, 1), (4, 2, 1, 1), (4, 1, 1, 1), (1, 4, 4, 1), (2, 2, 4, 2))


def tiny_model(n_digits: int = 4, **settings: float) -> tuple[Any, Any]:
    """Return a network of one layer with random weights, and its tokenizer of digits."""
    import torch
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import GPT2Config, GPT2LMHeadModel, PreTrainedTokenizerFast

    torch.set_num_threads(1)
    words = ["<pad>", "<eos>", "<unk>", *map(str, range(n_digits)), "q"]
    table = Tokenizer(models.WordLevel({word: i for i, word in enumerate(words)}, unk_token="<unk>"))
    table.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=table, pad_token="<pad>", eos_token="<eos>", unk_token="<unk>"
    )
    torch.manual_seed(0)
    size = dict(n_positions=16, n_embd=16, n_layer=1, n_head=2, **settings)
    model = GPT2LMHeadModel(
        GPT2Config(vocab_size=len(words), eos_token_id=1, bos_token_id=1, pad_token_id=0, **size)
    )
    return model, tokenizer


def train(arm: str, batch: int, accumulated: int, per_generation: int, out: str) -> None:
    """Train in this process, and write every call's prompts, answers and rewards."""
    import datasets
    from trl import GRPOConfig, GRPOTrainer

    from rlvr.rewards import majority_reward, random_reward, true_reward

    datasets.disable_progress_bars()
    model, tokenizer = tiny_model()
    inner = {"random": random_reward, "majority": majority_reward, "true": true_reward}[arm]
    calls = []

    def reward(prompts: list[str], completions: list[str], **columns: object) -> list[float | None]:
        paid = inner(prompts=prompts, completions=completions, **columns)
        calls.append([columns["trainer_state"].global_step, prompts, completions, paid])
        return paid

    with tempfile.TemporaryDirectory() as folder:
        trainer = GRPOTrainer(
            model=model,
            reward_funcs=reward,
            args=GRPOConfig(
                output_dir=folder, per_device_train_batch_size=batch, num_generations=GROUP,
                gradient_accumulation_steps=accumulated, steps_per_generation=per_generation,
                max_completion_length=1, max_steps=STEPS, logging_steps=1, report_to="none", use_cpu=True,
                bf16=False, gradient_checkpointing=False, save_strategy="no", disable_tqdm=True, seed=3,
            ),
            train_dataset=datasets.Dataset.from_list(
                [{"prompt": f"q {i % 4}", "answer": str(i % 4)} for i in range(PROMPTS)]
            ),
            processing_class=tokenizer,
        )  # fmt: skip
        with contextlib.redirect_stdout(io.StringIO()):
            trainer.train()
    logged = [
        {key: value for key, value in line.items() if "_reward/" in key or key in ("grad_norm", "reward")}
        for line in trainer.state.log_history
    ]
    rank = os.environ.get("RANK", "0")
    Path(out, f"{rank}.json").write_text(json.dumps({"calls": calls, "logged": logged}))


def run(arm: str, processes: int, *settings: int) -> list[dict]:
    """What each process wrote, by rank."""
    with tempfile.TemporaryDirectory() as out:
        launch(__file__, processes, arm, *map(str, settings), out)
        return [json.loads(Path(out, f"{rank}.json").read_text()) for rank in range(processes)]


def launch(script: str, processes: int, *arguments: str) -> None:
    """Run a script in one process, or in several that torch launches."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = os.environ | {"PYTHONPATH": str(ROOT), "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"}
    launcher = ["-m", "torch.distributed.run", f"--nproc_per_node={processes}", f"--master_port={port}"]
    command = [*(launcher if processes > 1 else []), script, *arguments]
    ended = subprocess.run(
        [sys.executable, "-W", "ignore", *command], env=environment, capture_output=True, text=True,
        check=False, timeout=600,
    )  # fmt: skip
    if ended.returncode:
        raise SystemExit(f"{' '.join(arguments)}, {processes} processes: {ended.stderr[-3000:]}")


def compare(arm: str, processes: int, *settings: int) -> dict[str, object]:
    """Train and hold what was paid against one process."""
    from rlvr.rewards import majority_reward, random_reward, true_reward

    parts = run(arm, processes, *settings)
    prompts, answers, paid = [], [], []
    for calls in zip(*(part["calls"] for part in parts), strict=True):
        for _, texts, completions, rewards in calls:  # by rank, as TRL puts them together
            prompts += texts
            answers += completions
            paid += rewards
    if arm == "majority":
        same = paid == majority_reward(prompts, answers, group_size=GROUP, process=(0, 1))
    elif arm == "true":
        same = paid == true_reward(prompts, answers, answer=[text.split()[-1] for text in prompts])
    else:  # all calls of one step draw as a single call would
        same = True
        for rank, part in enumerate(parts):
            for step, calls in groupby(part["calls"], key=lambda call: call[0]):
                texts, rewards = [], []
                for call in calls:
                    texts += call[1]
                    rewards += call[3]
                same &= rewards == random_reward(texts, texts, step=step, process=(rank, processes))
    groups = [paid[i : i + GROUP] for i in range(0, len(paid), GROUP)]
    logged = [line for line in parts[0]["logged"] if f"{arm}_reward/flat_groups" in line]
    flat = sum(len(set(group)) == 1 for group in groups) / len(groups)
    mean_logged = sum(line[f"{arm}_reward/flat_groups"] for line in logged) / len(logged)
    return {
        "arm": arm, "processes": processes, "batch": settings[0], "accumulated": settings[1],
        "a generation": settings[2], "groups": len(groups), "mean": round(sum(paid) / len(paid), 3),
        "flat": round(flat, 3), "flat as logged": round(mean_logged, 3),
        "kinds of groups": len(set(map(tuple, groups))),
        "vote size": logged[0].get("majority_reward/vote_size", ""), "as one process": same,
    }  # fmt: skip


def main() -> None:
    """Run every arm in every layout and print a table."""
    sys.path.insert(0, str(ROOT))
    print("trl", __import__("importlib.metadata", fromlist=["version"]).version("trl"))
    rows = [compare(arm, *layout) for arm in ("random", "majority", "true") for layout in LAYOUTS]
    print(" | ".join(rows[0]))
    for row in rows:
        print(" | ".join(map(str, row.values())))
    for row in rows:  # of accumulated batches, the log holds the mean of a step's calls
        if not row["as one process"] or (row["accumulated"] == 1 and row["flat"] != row["flat as logged"]):
            raise SystemExit(f"not as one process: {row}")
    print("every reward is as one process pays it")


if __name__ == "__main__":
    if len(sys.argv) > 1:
        train(sys.argv[1], *map(int, sys.argv[2:5]), sys.argv[5])
    else:
        main()
