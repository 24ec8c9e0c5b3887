#!/usr/bin/env bash
# Guess: with logging every three steps, a completions file holds the answers of three steps.
# What happens: it holds those of the last step only: 8 of 24. The others are written nowhere, though the logged mean
# reward is over all three steps.
# Where: trl 1.16.0 trainer/grpo_trainer.py (self._logs keeps one generation batch).
# For a comparison of arms: rescoring a run from its files sees one step in logging_steps, and its mean reward does not
# match the log. Set logging_steps=1 where answers are to be audited.
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
calls = []
def reward(prompts, completions, **columns):
    calls.append(len(completions))
    return [float(len(calls) % 3 == 0)] * len(completions)
trainer = train(reward, max_steps=6, logging_steps=3, num_train_epochs=3)
logged = [log["reward"] for log in trainer.state.log_history if "reward" in log]
files = [pandas.read_parquet(f) for f in sorted(glob.glob("out/completions/*.parquet"))]
print(sum(calls), "answers were judged; files hold", [len(f) for f in files], "of steps", [f["step"].unique().tolist() for f in files])
print("mean reward in the log", [round(x, 3) for x in logged], "in the files", [float(f["reward"].mean()) for f in files])
assert sum(calls) == 48 and [len(f) for f in files] == [8, 8] and all(f["reward"].mean() == 1.0 for f in files)
assert all(abs(x - 1 / 3) < 1e-6 for x in logged)
EOF
cd "$work"
"$work/venv/bin/python" -W ignore check.py
