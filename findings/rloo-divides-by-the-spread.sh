#!/usr/bin/env bash
# Guess: RLOO's advantage is the reward minus the mean of the others: 1 and -1/3 for rewards 1, 0, 0, 0.
# What happens: under the default scale_rewards="group" ms-swift also divides it by the group's spread, giving 2.0 and
# -0.67, one and a third times its own GRPO; only scale_rewards="none" gives RLOO.
# Where: ms-swift 4.6.0 rl_core/advantage.py, compute_advantages with advantage_estimator="rloo".
# For a comparison of arms: the arms are scaled alike, but "RLOO" here and in verl differ by a factor that depends on
# the share of right answers, so results of two trainers under one name are not comparable. Print both settings.
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

def advantages(estimator, scale):
    column = torch.tensor([1.0, 0.0, 0.0, 0.0]).reshape(-1, 1)
    return [round(float(v), 3) for v in compute_advantages(column, torch.ones(1), 4, estimator, scale)[0]]
print("ms-swift", version("ms-swift"))
for estimator in ("grpo", "rloo"):
    for scale in ("group", "none"):
        print(estimator, scale, advantages(estimator, scale))
assert advantages("rloo", "group") == [2.0, -0.667, -0.667, -0.667]
assert advantages("rloo", "none") == [1.0, -0.333, -0.333, -0.333]
assert advantages("grpo", "group") == [1.5, -0.5, -0.5, -0.5]
EOF
cd "$work"
"$work/venv/bin/python" -W ignore check.py
