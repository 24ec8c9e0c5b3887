#!/usr/bin/env bash
# Guess: critic/score/mean is the mean reward of all answers of the step.
# What happens: answers of length zero count as aborted and leave score and reward means: rewards 1, 0, 0 and an
# empty answer with 0 read 0.333, not 0.25. The advantages still use all four.
# Where: verl 0.9.1 trainer/ppo/metric_utils.py, compute_data_metrics (non_aborted_mask).
# For a comparison of arms: an arm that drifts to empty answers seems to hold its score. Read
# response/aborted_ratio beside every score, and multiply.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --no-compile --disable-pip-version-check --no-deps verl==0.9.1
"$work/venv/bin/pip" install --quiet --no-compile --disable-pip-version-check torch==2.13.0 numpy==2.4.6 tensordict==0.10.0 omegaconf==2.3.0 transformers==5.6.1 ray==2.58.0 codetiming==1.4.0 orjson==3.11.4
cat > "$work/check.py" <<'EOF'
import torch
from importlib.metadata import version
from verl import DataProto
from verl.trainer.ppo.metric_utils import compute_data_metrics

rewards, lengths = [1.0, 0.0, 0.0, 0.0], [3, 2, 4, 0]
mask, scores = torch.zeros(4, 4, dtype=torch.long), torch.zeros(4, 4)
for i, (r, n) in enumerate(zip(rewards, lengths)):
    mask[i, :n] = 1; scores[i, max(n - 1, 0)] = r
tensors = dict(token_level_scores=scores, token_level_rewards=scores, advantages=scores, returns=scores,
               responses=torch.zeros(4, 4, dtype=torch.long), response_mask=mask,
               prompts=torch.zeros(4, 2, dtype=torch.long),
               attention_mask=torch.cat([torch.ones(4, 2, dtype=torch.long), mask], 1))
m = compute_data_metrics(DataProto.from_dict(tensors=tensors), use_critic=False)
print("verl", version("verl"))
print("mean of four rewards 0.25; logged", round(m["critic/score/mean"], 4), "aborted", m["response/aborted_ratio"])
assert abs(m["critic/score/mean"] - 1 / 3) < 1e-6 and m["response/aborted_ratio"] == 0.25
EOF
cd "$work"
"$work/venv/bin/python" -W ignore check.py
