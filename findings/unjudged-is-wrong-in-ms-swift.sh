#!/usr/bin/env bash
# Guess: an answer that a reward function leaves unjudged (None) stays out of its group, as in TRL.
# What happens: in ms-swift it counts as 0: advantage -0.5 in a group 1, None, 0, 0, like a wrong answer. With
# scale_rewards="gdpo" the same answer gets 0 and leaves the mean.
# Where: ms-swift 4.6.0 rl_core/advantage.py, compute_advantages (nansum over reward functions).
# For a comparison of arms: one reward function, moved from TRL to ms-swift, punishes what the grader could not read;
# a coin judges everything, so RANDOM keeps all answers and TRUE loses some. Log how many answers were unjudged.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --no-compile --disable-pip-version-check --no-deps ms-swift==4.6.0
"$work/venv/bin/pip" install --quiet --no-compile --disable-pip-version-check torch==2.13.0 numpy==2.4.6 trl==1.16.0 modelscope==1.40.2 transformers==5.24.0 datasets==5.2.0
cat > "$work/check.py" <<'EOF'
import torch
from importlib.metadata import version
from swift.rl_core.advantage import compute_advantages

def advantages(rewards, scale):
    column = torch.tensor(rewards).reshape(-1, 1)
    return [round(float(v), 2) for v in compute_advantages(column, torch.ones(1), 4, "grpo", scale)[0]]
print("ms-swift", version("ms-swift"))
none = float("nan")
for scale in ("group", "batch", "gdpo"):
    print(f"{scale:6} unjudged {advantages([1.0, none, 0.0, 0.0], scale)}  wrong {advantages([1.0, 0.0, 0.0, 0.0], scale)}")
for scale in ("group", "batch"):
    assert advantages([1.0, none, 0.0, 0.0], scale) == advantages([1.0, 0.0, 0.0, 0.0], scale) == [1.5, -0.5, -0.5, -0.5]
assert advantages([1.0, none, 0.0, 0.0], "gdpo") == [1.41, 0.0, -0.71, -0.71]
EOF
cd "$work"
"$work/venv/bin/python" -W ignore check.py
