"""The trainer of language_model/ against TRL's GRPOTrainer: the same losses and gradients, speed, memory.

    make language-model QUICK=1
    .venv-language-model/bin/python -m benchmarks.language_model_against_trl

Equality: both get the same weights, prompts, answers and rewards; at every optimiser step of a rollout,
losses and gradients are compared at TRL's weights of that step. TRL's shuffling of answers is turned off.
TRL's output head computes in float32 whatever the model is: with ``--dtype float64`` the model's own takes
its place, so that rounding does not hide what is compared.
Speed: each trainer samples for itself and takes the same number of steps, in a process of its own. CPU
seconds are compared, which other work on the machine changes least.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
import warnings
from typing import Any

os.environ |= {"HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false", "TRL_EXPERIMENTAL_SILENCE": "1"}

import numpy as np
import torch
from datasets import Dataset, disable_progress_bars
from transformers import PrinterCallback, TrainerCallback
from transformers import logging as transformers_logging
from trl import GRPOConfig, GRPOTrainer
from trl.trainer import grpo_trainer

from language_model.grpo import Settings, Trainer
from language_model.items import FAMILIES
from language_model.policy import Policy
from language_model.store import ROOT
from language_model.weights import load

MODEL, FAMILY = ROOT / "_build" / "language-model" / "model", FAMILIES["A"]
NO_CLIP = 1e9


def policy_of(options: argparse.Namespace) -> tuple[Policy, Any]:
    """The policy, of fewer layers altogether if so wished, and the tokenizer."""
    model, tokenizer = load(MODEL, dtype=options.dtype)
    model.config.use_cache = True
    if options.depth:
        model.model.layers = model.model.layers[: options.depth]
        model.config.num_hidden_layers = options.depth
    return Policy(model, tokenizer, FAMILY, options.layers), tokenizer


def trl_config(settings: Settings, folder: str) -> GRPOConfig:
    answers = settings.prompts_per_step * settings.num_generations
    return GRPOConfig(
        output_dir=folder, per_device_train_batch_size=answers, gradient_accumulation_steps=1,
        steps_per_generation=settings.steps_per_generation, num_generations=settings.num_generations,
        max_steps=settings.max_steps, learning_rate=settings.learning_rate, lr_scheduler_type="constant",
        optim=settings.optim, max_grad_norm=settings.max_grad_norm, loss_type=settings.loss_type,
        beta=settings.beta, epsilon=NO_CLIP if settings.epsilon is None else settings.epsilon,
        epsilon_high=settings.epsilon_high, max_completion_length=2, shuffle_dataset=False, use_cpu=True,
        bf16=False, gradient_checkpointing=False, dataloader_pin_memory=False, save_strategy="no",
        report_to="none", disable_tqdm=True,
    )  # fmt: skip


class Losses(GRPOTrainer):
    """TRL's trainer, which remembers its last loss."""

    def compute_loss(self, *arguments: Any, **named: Any) -> Any:
        found = super().compute_loss(*arguments, **named)
        self.last_loss = float(found.detach())
        return found

    def _get_per_token_logps_and_entropies(
        self, model: Any, input_ids: Any, attention_mask: Any, logits_to_keep: int, *rest: Any, **named: Any
    ) -> Any:
        if model.dtype != torch.float64:
            return super()._get_per_token_logps_and_entropies(
                model, input_ids, attention_mask, logits_to_keep, *rest, **named
            )
        found = model(input_ids=input_ids, attention_mask=attention_mask, logits_to_keep=logits_to_keep + 1)
        log = found.logits[:, :-1].log_softmax(-1)
        drawn = log.gather(-1, input_ids[:, -logits_to_keep:, None])[:, :, 0]
        return drawn, -(log.exp() * log).sum(-1).detach(), None


class Lockstep(TrainerCallback):
    """Compares the gradients at TRL's weights before each of its optimiser steps."""

    def __init__(self, ours: Trainer, parts: list, tokens_per_step: float) -> None:
        self.ours, self.parts, self.tokens_per_step = ours, parts, tokens_per_step
        self.found: list[dict[str, float]] = []

    def on_pre_optimizer_step(
        self, args: Any, state: Any, control: Any, model: Any = None, **rest: Any
    ) -> None:
        theirs = [weight for weight in model.parameters() if weight.requires_grad]
        with torch.no_grad():
            for weight, other in zip(self.ours.policy.parameters, theirs, strict=True):
                weight.copy_(other)
        value, clipped = self.ours.gradient(self.parts[len(self.found)], self.tokens_per_step)
        apart = norm = 0.0
        for weight, other in zip(self.ours.policy.parameters, theirs, strict=True):
            apart += float((weight.grad.double() - other.grad.double()).square().sum())
            norm += float(other.grad.double().square().sum())
        self.found.append(
            {
                "loss": value,
                "trl": self.trainer.last_loss,
                "gradient": apart**0.5,
                "norm": norm**0.5,
                **clipped,
            }
        )


def equality(settings: Settings, options: argparse.Namespace) -> list[dict[str, float]]:
    """Relative differences of each step of one rollout."""
    (policy, tokenizer), (other, _) = policy_of(options), policy_of(options)
    ours = Trainer(policy, settings, "random", 0, FAMILY.split()[0])
    batch = ours.sample(0)
    answers = [
        [int(token) for token, counts in zip(tokens, mask, strict=True) if counts]
        for tokens, mask in zip(batch.tokens, batch.mask, strict=True)
    ]
    prompts = [FAMILY.prompts[item] for item in batch.item]

    def answers_of(texts: list[str], trainer: Any) -> dict[str, Any]:
        assert texts == prompts
        return {
            "prompt_ids": [Policy._ids(tokenizer, text) for text in texts],
            "completion_ids": answers,
            "logprobs": [[0.0] * len(answer) for answer in answers],
        }

    size = len(answers) // settings.steps_per_generation
    parts = [batch.part(np.arange(at, at + size)) for at in range(0, len(answers), size)]
    lockstep = Lockstep(ours, parts, float(batch.mask.sum()) / settings.steps_per_generation)
    with tempfile.TemporaryDirectory() as folder:
        trainer = Losses(
            model=other.model, reward_funcs=lambda **_: ours.paid.ravel().tolist(), rollout_func=answers_of,
            args=trl_config(settings, folder), processing_class=tokenizer, callbacks=[lockstep],
            train_dataset=Dataset.from_dict({"prompt": prompts[:: settings.num_generations]}),
        )  # fmt: skip
        trainer.remove_callback(PrinterCallback)
        lockstep.trainer = trainer
        trainer.train()
    return lockstep.found


def speed(who: str, options: argparse.Namespace) -> dict[str, float]:
    """Seconds a step, and peak memory, of one trainer alone."""
    settings = Settings(max_steps=options.steps, num_generations=16, steps_per_generation=options.updates)
    policy, tokenizer = policy_of(options)
    trained = FAMILY.split()[0]
    if who == "ours":
        ours = Trainer(policy, settings, "true", 0, trained)
        started = time.perf_counter(), time.process_time()
        for _ in ours.steps():
            pass
    else:
        truths = {FAMILY.prompts[item]: FAMILY.truths[item] for item in trained}

        def reward(prompts: list[str], completions: list[str], **_: Any) -> list[float]:
            return [
                float(text.strip() == str(truths[one]))
                for one, text in zip(prompts, completions, strict=True)
            ]

        folder = tempfile.TemporaryDirectory()
        trainer = GRPOTrainer(
            model=policy.model, reward_funcs=reward, args=trl_config(settings, folder.name),
            processing_class=tokenizer, train_dataset=Dataset.from_dict({"prompt": list(truths) * 8}),
        )  # fmt: skip
        trainer.remove_callback(PrinterCallback)
        started = time.perf_counter(), time.process_time()
        trainer.train()
    return {
        "seconds": (time.perf_counter() - started[0]) / options.steps,
        "cpu_seconds": (time.process_time() - started[1]) / options.steps,
        "peak_gib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20,
    }


def main() -> None:
    """Compare, then measure each trainer in a process of its own."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", choices=["equality", "speed", "ours", "trl"])
    parser.add_argument("--layers", type=int, help="trained layers, from the top (default: all)")
    parser.add_argument("--depth", type=int, help="keep only so many layers of the model, for a quick trial")
    parser.add_argument("--dtype", choices=["float32", "float64"], default="float32")
    parser.add_argument("--steps", type=int, default=8, help="optimiser steps of the speed test")
    parser.add_argument("--updates", type=int, default=8, help="optimiser steps a rollout in the speed test")
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    warnings.filterwarnings("ignore")
    transformers_logging.set_verbosity_error()
    transformers_logging.disable_progress_bar()
    disable_progress_bars()
    torch.set_num_threads(options.threads)
    if options.only in ("ours", "trl"):
        print(json.dumps(speed(options.only, options)))
        return
    if options.only != "speed":
        grpo_trainer.shuffle_sequence_dict = lambda answers: answers
        for updates in (1, 8):
            for epsilon in (0.2, None):
                settings = Settings(
                    max_steps=updates, prompts_per_step=2, num_generations=4, steps_per_generation=updates,
                    epsilon=epsilon, optim="sgd", learning_rate=0.002, max_grad_norm=NO_CLIP,
                )  # fmt: skip
                found = equality(settings, options)
                # Relative to the largest step of the rollout: equal answers cancel to nothing in some.
                scale = max(abs(one["trl"]) for one in found)
                loss = max(abs(one["loss"] - one["trl"]) for one in found) / scale
                gradient = max(one["gradient"] for one in found) / max(one["norm"] for one in found)
                clipped = max(one["clipped_low"] + one["clipped_high"] for one in found)
                print(
                    f"{updates} updates, clip {epsilon}: largest relative difference of the loss {loss:.1e}, "
                    f"of the gradient {gradient:.1e}; up to {clipped:.0%} of the tokens clipped",
                    flush=True,
                )
    if options.only != "equality":
        found = {}
        for who in ("ours", "trl"):
            command = [sys.executable, "-m", "benchmarks.language_model_against_trl", "--only", who]
            for name in ("layers", "depth", "dtype", "steps", "updates", "threads"):
                command += [f"--{name}", str(value)] if (value := getattr(options, name)) else []
            done = subprocess.run(command, capture_output=True, text=True, check=True)
            found[who] = json.loads(done.stdout.splitlines()[-1])
            print(who, {name: round(value, 3) for name, value in found[who].items()}, flush=True)
        for name, word in (("cpu_seconds", "times faster"), ("peak_gib", "times the memory for TRL")):
            print(f"{found['trl'][name] / found['ours'][name]:.1f} {word}")


if __name__ == "__main__":
    main()
