#!/usr/bin/env bash
# Guess: a step that is followed by an evaluation has its training answers in a file, and the evaluation's apart.
# What happens: both go through one buffer of the size of a training step into the file of that step: four evaluation
# answers push out four of eight training answers, eight push out all. No column says which are which.
# Where: trl 1.16.0 trainer/grpo_trainer.py (self._logs, and one file name by step).
# For a comparison of arms: at just the steps where accuracy is measured, an audit of "training answers" reads answers
# to other prompts. Evaluate in another run or process, or match prompts with the training set.
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
def train(rewards, held_out, **more):  # one layer, 34 words, made on the spot
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
                          eval_dataset=datasets.Dataset.from_list([{"prompt": f"q {i}"} for i in range(held_out)]),
                          train_dataset=datasets.Dataset.from_list([{"prompt": f"q {i}"} for i in range(10)]),
                          processing_class=tokenizer)
    with contextlib.redirect_stdout(io.StringIO()):
        trainer.train()
    return trainer
print("trl", version("trl"))
def reward(prompts, completions, **columns):
    return [float(len(prompts) == 8)] * len(prompts)  # training comes in eights, evaluation in fours
for held_out, training_answers in ((0, 8), (2, 4), (4, 0)):
    more = dict(eval_strategy="steps", eval_steps=1, num_generations_eval=2, per_device_eval_batch_size=4)
    train(reward, held_out or 2, max_steps=1, **(more if held_out else {}))
    table = pandas.read_parquet("out/completions/completions_00001.parquet")
    print(f"{2 * held_out} evaluation answers: the file of step 1 holds {int(table['reward'].sum())} training answers"
          f" of 8; columns {list(table.columns)}")
    assert len(table) == 8 and table["reward"].sum() == training_answers
EOF
cd "$work"
"$work/venv/bin/python" -W ignore check.py
