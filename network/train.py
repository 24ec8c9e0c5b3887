"""One run: a fitted network, one arm, and TRL's unmodified GRPOTrainer.

Everything that :func:`settings` does not set is a default of TRL or transformers, and is recorded.
"""

from __future__ import annotations

import tempfile
import warnings
from pathlib import Path
from typing import Any

from datasets import Dataset
from transformers import PrinterCallback, TrainerCallback
from trl import GRPOConfig, GRPOTrainer

from network.addition_task import ITEMS, prompt, split, truth
from network.control_rewards import matched_reward, permuted_reward
from network.policy import enumerate_answers, new_network, tokenizer
from rlvr.rewards import majority_reward, random_reward, true_reward, with_options

__all__ = ["MEASURES", "settings", "train"]

MEASURES = ("right", "share_c", "share_d", "from_c", "from_d", "entropy", "entropy_strategy", "greedy")
NO_CLIP = 1e9


def settings(run: dict[str, Any], folder: str) -> GRPOConfig:
    """The trainer's configuration of one run."""
    return GRPOConfig(
        output_dir=folder,
        seed=run["seed"],
        learning_rate=run["learning_rate"],
        lr_scheduler_type="constant",
        max_steps=run["steps"],
        per_device_train_batch_size=run["answers"],
        gradient_accumulation_steps=1,
        steps_per_generation=run["updates"],
        num_generations=run["group_size"],
        max_completion_length=2,
        epsilon=0.2 if run["clip"] else NO_CLIP,
        use_cpu=True,
        bf16=False,
        gradient_checkpointing=False,
        dataloader_pin_memory=False,
        logging_steps=1,
        save_strategy="no",
        report_to="none",
        disable_tqdm=True,
    )


class Watch(TrainerCallback):
    """Record exact measures of the policy along training, and the fraction of clipped tokens between them."""

    def __init__(self, model: Any, items: dict[str, list[int]], every: int) -> None:
        self.model, self.items, self.every = model, items, every
        self.path: list[dict[str, float]] = []
        self.clipped: list[float] = []
        self.gradients: list[float] = []

    def measure(self, step: int) -> None:
        answers = enumerate_answers(self.model)
        row: dict[str, float] = {"step": step}
        for where, index in self.items.items():
            row |= {f"{where}_{name}": float(getattr(answers, name)[index].mean()) for name in MEASURES}
        for name, seen in (("clipped", self.clipped), ("gradient_norm", self.gradients)):
            row[name] = sum(seen) / len(seen) if seen else 0.0
            seen.clear()
        self.path.append(row)

    def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **rest: Any) -> None:
        if logs and "clip_ratio/region_mean" in logs:
            self.clipped.append(float(logs["clip_ratio/region_mean"]))
            self.gradients.append(float(logs["grad_norm"]))
            if state.global_step % self.every == 0:
                self.measure(state.global_step)


def train(run: dict[str, Any], weights: Path) -> dict[str, Any]:
    """Train one run and return the record that is kept."""
    warnings.filterwarnings("ignore")
    model = new_network(run["seed"], weights)
    trained, held_out = split(run["network"])
    watch = Watch(model, {"trained": trained, "held_out": held_out}, run["every"])
    model.eval()
    watch.measure(0)
    recorded: dict[str, Any] = {}
    if run["arm"] != "frozen":
        reward = {
            "random": with_options(random_reward, run=run["seed"]),
            "majority": with_options(majority_reward, group_size=run["group_size"]),
            "true": true_reward,
            "matched": with_options(matched_reward, run=run["seed"], group_size=run["group_size"]),
            "permuted": with_options(permuted_reward, run=run["seed"], group_size=run["group_size"]),
        }[run["arm"]]
        table = [{"prompt": prompt(ITEMS[i]), "answer": str(truth(ITEMS[i]))} for i in trained]
        with tempfile.TemporaryDirectory() as folder:
            config = settings(run, folder)
            trainer = GRPOTrainer(
                model=model, reward_funcs=reward, args=config, train_dataset=Dataset.from_list(table),
                processing_class=tokenizer(), callbacks=[watch],
            )  # fmt: skip
            trainer.remove_callback(PrinterCallback)
            trainer.train()
            recorded = {name: str(getattr(config, name)) for name in RECORDED}
    answers = enumerate_answers(model)
    return {
        "run": run,
        "path": watch.path,
        "items": {name: [round(float(x), 5) for x in getattr(answers, name)] for name in ("right", "greedy")},
        "settings": recorded,
    }


RECORDED = (
    "loss_type", "epsilon", "epsilon_high", "delta", "beta", "num_iterations", "scale_rewards", "temperature",
    "top_p", "top_k", "min_p", "repetition_penalty", "importance_sampling_level",
    "mask_truncated_completions",
    "entropy_coef", "top_entropy_quantile", "shuffle_dataset", "disable_dropout", "optim", "adam_beta1",
    "adam_beta2", "adam_epsilon", "weight_decay", "max_grad_norm", "lr_scheduler_type", "warmup_steps",
)  # fmt: skip
