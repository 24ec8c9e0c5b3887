#!/usr/bin/env bash
# Guess: the plain and the vectorised RLOO of one library give the same advantages.
# What happens: for groups of two and more they do. An answer that is alone in its group keeps its whole reward in
# the plain form (1.0) and gets 0 in the vectorised one.
# Where: verl 0.9.1 trainer/ppo/core_algos.py, compute_rloo_outcome_advantage and compute_rloo_vectorized_...
# For a comparison of arms: groups of one come from filtering, failed generations and multi-turn splits. In the
# plain form each such answer is reinforced for any reward above 0, a coin's too. Count group sizes in the log.
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
x = torch.tensor([1., 0, 0, 0, 1])[:, None]
args = dict(token_level_rewards=x, response_mask=torch.ones(5, 1), index=np.array(list("aaaab")), config=Config())
plain = core.compute_rloo_outcome_advantage(**args)[0][:, 0]
vector = core.compute_rloo_vectorized_outcome_advantage(**args)[0][:, 0]
print("verl", version("verl"))
print("rewards 1 0 0 0 | 1   plain", [round(float(v), 3) for v in plain], "vectorised", [round(float(v), 3) for v in vector])
assert torch.allclose(plain[:4], vector[:4], atol=1e-5) and plain[4] == 1 and vector[4] == 0
EOF
cd "$work"
"$work/venv/bin/python" -W ignore check.py
