#!/usr/bin/env bash
# Guess: the pass@k advantage favours every right answer of a group.
# What happens: only a single best answer is paid, by its lead over the second best; with two right of four the
# lead is 0, and all four answers get 0.
# Where: verl 0.9.1 trainer/ppo/core_algos.py, compute_grpo_passk_outcome_advantage.
# For a comparison of arms: with 0 and 1 rewards only groups with exactly one success train. TRUE trains on hard
# questions alone, a fair coin on 4 x 0.5^4 = a quarter of its groups of four, whatever the question.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --no-compile --disable-pip-version-check --no-deps verl==0.9.1
"$work/venv/bin/pip" install --quiet --no-compile --disable-pip-version-check torch==2.13.0 numpy==2.4.6 tensordict==0.10.0 omegaconf==2.3.0 transformers==5.6.1 ray==2.58.0 codetiming==1.4.0 orjson==3.11.4
cat > "$work/check.py" <<'EOF'
import numpy as np, torch
from importlib.metadata import version
from verl.trainer.ppo import core_algos as core

class Config(dict):
    __getattr__ = dict.get
config = Config(norm_adv_by_std_in_grpo=True)
print("verl", version("verl"))
for rewards in ([1, 0, 0, 0], [1, 1, 0, 0], [1, 1, 1, 0]):
    x = torch.tensor(rewards).float()[:, None]
    args = (x, torch.ones(4, 1)); group = np.array(list("aaaa"))
    passk = core.compute_grpo_passk_outcome_advantage(*args, index=group, config=config)[0][:, 0]
    grpo = core.compute_grpo_outcome_advantage(*args, index=group)[0][:, 0]
    print(rewards, "pass@k", [round(float(v), 2) for v in passk], "GRPO", [round(float(v), 2) for v in grpo])
    assert (passk.abs().sum() > 0) == (sum(rewards) == 1)
EOF
cd "$work"
"$work/venv/bin/python" -W ignore check.py
