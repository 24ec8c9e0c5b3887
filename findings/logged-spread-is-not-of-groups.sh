#!/usr/bin/env bash
# Guess: reward_std in the log is the mean spread within groups, the one that scales the advantages.
# What happens: it is the spread over all answers of the step, so differences between prompts are in it. Two flat groups,
# one all right and one all wrong, log 0.53, as a step full of signal would; frac_reward_zero_std is 1.
# Where: trl 1.16.0 trainer/grpo_trainer.py (the logged std_rewards).
# For a comparison of arms: TRUE on easy and hard prompts shows a high reward_std while nothing is learnt, and a coin
# shows 0.5 at all times. Read frac_reward_zero_std, or compute the spread by group from the completions file.
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
steps = {"both groups flat": [1, 1, 1, 1, 0, 0, 0, 0], "both groups mixed": [1, 1, 0, 0, 1, 0, 1, 0],
         "one flat": [1, 1, 0, 0, 1, 1, 1, 1]}
seen = {}
for name, values in steps.items():
    def reward(prompts, completions, **columns):
        return [float(v) for v in values]
    log = train(reward, max_steps=1).state.log_history[0]
    groups = torch.tensor(values).float().reshape(2, 4).std(dim=1).mean()
    seen[name] = round(log["reward_std"], 3), round(float(groups), 3), log["frac_reward_zero_std"]
    print(f"{name:17} logged reward_std {seen[name][0]}, mean spread of groups {seen[name][1]},"
          f" groups without spread {seen[name][2]}")
assert seen["both groups flat"] == (0.535, 0.0, 1.0) and seen["one flat"] == (0.463, 0.289, 0.5)
EOF
cd "$work"
"$work/venv/bin/python" -W ignore check.py
