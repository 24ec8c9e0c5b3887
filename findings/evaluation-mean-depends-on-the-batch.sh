#!/usr/bin/env bash
# Guess: eval_reward is the mean reward over the evaluation prompts.
# What happens: it is the mean of the batches' means, and the last batch is smaller. Ten prompts of which two are right,
# with two answers each: 0.2 in one batch of 20, 0.167 in batches of 8, 8 and 4. The order of the prompts comes from the
# seed, so the prompts that weigh double do too.
# Where: trl 1.16.0 trainer/grpo_trainer.py (log averages self._metrics["eval"] over steps).
# For a comparison of arms: two arms with the same answers differ by their batch size or seed. Use an evaluation set
# that fills its batches, or compute the mean from the answers.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --no-compile --disable-pip-version-check trl==1.16.0 torch==2.13.0 transformers==5.24.0 datasets==5.2.0 accelerate==1.15.0 numpy==2.4.6 pandas==3.1.1
cat > "$work/check.py" <<'EOF'
import contextlib, io, logging, os, warnings
os.environ["HF_HUB_OFFLINE"] = "1"
from importlib.metadata import version
import torch
import datasets
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import GPT2Config, GPT2LMHeadModel, PreTrainedTokenizerFast
from trl import GRPOConfig, GRPOTrainer

warnings.simplefilter("ignore"); logging.disable(50); datasets.disable_progress_bars(); torch.set_num_threads(1)
words = ["<pad>", "<eos>", "<unk>"] + [str(i) for i in range(30)] + ["q"]
def evaluate(reward, batch):  # one layer, 34 words, made on the spot
    table = Tokenizer(models.WordLevel({w: i for i, w in enumerate(words)}, unk_token="<unk>"))
    table.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=table, pad_token="<pad>", eos_token="<eos>", unk_token="<unk>")
    torch.manual_seed(0)
    model = GPT2LMHeadModel(GPT2Config(vocab_size=len(words), n_positions=32, n_embd=16, n_layer=1, n_head=2,
                                       eos_token_id=1, bos_token_id=1, pad_token_id=0))
    args = GRPOConfig(output_dir="out", per_device_train_batch_size=8, num_generations=4, num_generations_eval=2,
                      per_device_eval_batch_size=batch, max_completion_length=6, report_to="none", use_cpu=True,
                      disable_tqdm=True, seed=3)
    prompts = datasets.Dataset.from_list([{"prompt": f"q {i}"} for i in range(10)])
    trainer = GRPOTrainer(model=model, reward_funcs=reward, args=args, train_dataset=prompts, eval_dataset=prompts,
                          processing_class=tokenizer)
    with contextlib.redirect_stdout(io.StringIO()):
        return trainer.evaluate()["eval_reward"]
print("trl", version("trl"))
def reward(prompts, completions, **columns):
    return [float(p in ("q 8", "q 9")) for p in prompts]
seen = {batch: round(evaluate(reward, batch), 4) for batch in (20, 10, 8, 6)}
print("two of ten prompts right; eval_reward by batch size:", seen)
assert seen[20] == seen[10] == 0.2 and seen[8] != 0.2 and seen[6] != 0.2
EOF
cd "$work"
"$work/venv/bin/python" -W ignore check.py
