#!/usr/bin/env bash
# Guess: a reward of nan (a grader that failed) costs its own answer only, as None does in TRL.
# What happens: in verl the mean and spread of the group become nan, and with them all four advantages, under GRPO
# and RLOO alike. Other groups are untouched.
# Where: verl 0.9.1 trainer/ppo/core_algos.py, compute_grpo_outcome_advantage, compute_rloo_outcome_advantage.
# For a comparison of arms: one failed grading stops TRUE, never a coin. A wrapper that turns nan into 0 keeps the
# run alive and punishes what could not be read; count such answers by arm.
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
print("verl", version("verl"))
rewards = torch.tensor([1.0, float("nan"), 0.0, 0.0, 1.0, 0.0])[:, None]
group = np.array(list("aaaabb"))
for name, fn in (("GRPO", core.compute_grpo_outcome_advantage), ("RLOO", core.compute_rloo_outcome_advantage)):
    a = fn(rewards, torch.ones(6, 1), index=group, config=Config(norm_adv_by_std_in_grpo=True))[0][:, 0]
    print(name, "rewards 1 nan 0 0 | 1 0 ->", [round(float(x), 2) for x in a])
    assert a[:4].isnan().all() and not a[4:].isnan().any()
EOF
cd "$work"
"$work/venv/bin/python" -W ignore check.py
