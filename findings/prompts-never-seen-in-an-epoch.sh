#!/usr/bin/env bash
# Guess: one epoch over ten prompts sees ten prompts, with a smaller last step.
# What happens: with four prompts a step only eight are seen. The sampler drops what does not fill a step; which two
# are left out depends on the seed.
# Where: trl 1.16.0 trainer/utils.py, RepeatSampler.
# For a comparison of arms: arms with another number of answers a prompt, or another seed, train on other prompts; a
# small set in large steps loses a large share (with 100 prompts and 64 a step, 36). Make the size a multiple.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --no-compile --disable-pip-version-check trl==1.16.0 torch==2.13.0 transformers==5.24.0 datasets==5.2.0 accelerate==1.15.0 numpy==2.4.6 pandas==3.1.1
cat > "$work/check.py" <<'EOF'
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
seen = set()
def reward(prompts, completions, **columns):
    seen.update(prompts)
    return [float(i % 2) for i in range(len(prompts))]
for seed in (3, 4):
    seen.clear()
    trainer = train(reward, per_device_train_batch_size=16, seed=seed)
    missing = sorted({f"q {i}" for i in range(10)} - seen)
    print(f"seed {seed}: {trainer.state.global_step} steps, {len(seen)} of 10 prompts seen, not seen: {missing}")
    assert len(seen) == 8 and trainer.state.global_step == 2
EOF
cd "$work"
"$work/venv/bin/python" -W ignore check.py
