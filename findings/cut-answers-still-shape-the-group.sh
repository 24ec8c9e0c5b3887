#!/usr/bin/env bash
# Guess: with mask_truncated_completions a group's mean and spread use only the answers that ended.
# What happens: all answers count, cut or not; cut ones are only left out of the loss. An answer that ended gets 1.5 or
# -0.5 by the rewards of answers that are not trained on.
# Where: trl 1.16.0 trainer/grpo_trainer.py (the mask reaches the loss, not the rewards).
# For a comparison of arms: a verifier gives cut answers 0, a coin half of them 1, so in TRUE they raise and in RANDOM
# they shift the advantages of the answers that are trained. Report the share that is cut by arm.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --no-compile --disable-pip-version-check trl==1.16.0 torch==2.13.0 transformers==5.24.0 datasets==5.2.0 accelerate==1.15.0 numpy==2.4.6 pandas==3.1.1
cat > "$work/check.py" <<'EOF'
import pandas
import contextlib, glob, io, logging, os, warnings
os.environ["HF_HUB_OFFLINE"] = "1"
from importlib.metadata import version
import torch
import datasets
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import GPT2Config, GPT2LMHeadModel, PreTrainedTokenizerFast
from trl import GRPOConfig, GRPOTrainer

warnings.simplefilter("ignore"); logging.disable(50); datasets.disable_progress_bars(); torch.set_num_threads(1)
words = ["<pad>", "<eos>", "<unk>"] + [str(i) for i in range(30)] + ["q"]
def train(rewards, **more):  # one layer, 34 words, made on the spot
    table = Tokenizer(models.WordLevel({w: i for i, w in enumerate(words)}, unk_token="<unk>"))
    table.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=table, pad_token="<pad>", eos_token="<eos>", unk_token="<unk>")
    torch.manual_seed(0)
    model = GPT2LMHeadModel(GPT2Config(vocab_size=len(words), n_positions=32, n_embd=16, n_layer=1, n_head=2,
                                       eos_token_id=1, bos_token_id=1, pad_token_id=0))
    args = dict(output_dir="out", per_device_train_batch_size=8, num_generations=4, max_completion_length=6,
                num_train_epochs=1, logging_steps=1, report_to="none", use_cpu=True, save_strategy="no",
                disable_tqdm=True, log_completions=True, seed=3)
    trainer = GRPOTrainer(model=model, reward_funcs=rewards, args=GRPOConfig(**{**args, **more}),
                          train_dataset=datasets.Dataset.from_list([{"prompt": f"q {i}"} for i in range(10)]),
                          processing_class=tokenizer)
    with contextlib.redirect_stdout(io.StringIO()):
        trainer.train()
    return trainer
print("trl", version("trl"))
ended = []
def reward(prompts, completions, completion_ids, **columns):
    ended.extend(ids[-1] == 1 for ids in completion_ids)
    return [float(i % 4 == 0) for i in range(len(prompts))]
trainer = train(reward, max_steps=1, mask_truncated_completions=True, max_completion_length=24)
table = pandas.read_parquet("out/completions/completions_00001.parquet")
cut = trainer.state.log_history[0]["completions/clipped_ratio"]
print("share of answers that were cut:", cut)
print("rewards   ", table["reward"].tolist())
print("advantages", [round(a, 2) for a in table["advantage"]])
assert 0 < cut < 1 and [round(a, 2) for a in table["advantage"]] == [1.5, -0.5, -0.5, -0.5] * 2
EOF
cd "$work"
"$work/venv/bin/python" -W ignore check.py
