#!/usr/bin/env bash
# Guess: two reward functions that carry the same name get two columns, or an error.
# What happens: functions from a factory share their __name__. The advantages use both, but the log has one entry, the
# mean of the two (0.5 and 1.5 are logged as 1.0), and the completions file has one column, of the last one.
# Where: trl 1.16.0 trainer/grpo_trainer.py (metrics and logs are keyed by reward_func_names).
# For a comparison of arms: a format reward and a verifier from one factory cannot be told apart afterwards. Set
# __name__ on each function, and check that the log has as many rewards/ entries as functions.
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
def make(size):
    def reward(prompts, completions, **columns):
        return [size * (i % 2) for i in range(len(prompts))]
    return reward
trainer = train([make(1.0), make(3.0)], max_steps=1)
log = {k: v for k, v in trainer.state.log_history[0].items() if k.startswith("reward") and "std" not in k}
table = pandas.read_parquet(sorted(glob.glob("out/completions/*.parquet"))[0])
print("means of the two functions: 0.5 and 1.5; log:", log)
print("completions file:", list(table.columns), "mean of its column", float(table["reward"].mean()))
assert log == {"rewards/reward/mean": 1.0, "reward": 2.0}
assert list(table.columns) == ["step", "prompt", "completion", "reward", "advantage"]
assert float(table["reward"].mean()) == 1.5
EOF
cd "$work"
"$work/venv/bin/python" -W ignore check.py
