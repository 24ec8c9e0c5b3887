#!/usr/bin/env bash
# Guess: "GRPO advantages" of one group are the same numbers in every library.
# What happens: atroposlib divides by the population spread: rewards 1, 0, 0, 0 give 1.73 and -0.58, where verl,
# ms-swift and AReaL give 1.5 and -0.5. A flat group raises an error, and eight rewards of 0.7 raise another kind
# (their variance comes out below zero and its root is complex).
# Where: atroposlib 0.4.0 utils/advantages.py, compute_grpo_process_supervision_advantages and compute_stats.
# For a comparison of arms: steps are 15% larger at four answers a group (41% at two), as with a larger learning
# rate; flat groups must be taken out before the call. Print which spread is used.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --no-compile --disable-pip-version-check --no-deps atroposlib==0.4.0
"$work/venv/bin/pip" install --quiet --no-compile --disable-pip-version-check numpy==2.4.6 openai==2.8.0
cat > "$work/check.py" <<'EOF'
import numpy as np
from importlib.metadata import version
from atroposlib.utils.advantages import compute_grpo_process_supervision_advantages as advantages

print("atroposlib", version("atroposlib"))
for rewards in ([1, 0, 0, 0], [1, 0]):
    mine = [round(float(a[0]), 3) for a in advantages([[r] for r in rewards])]
    sample = (np.array(rewards) - np.mean(rewards)) / np.std(rewards, ddof=1)
    print(rewards, "atroposlib", mine, "by the sample spread", [round(float(v), 3) for v in sample])
    assert abs(mine[0] / sample[0] - np.sqrt(len(rewards) / (len(rewards) - 1))) < 2e-3
for rewards in ([1.0] * 8, [0.7] * 8):
    try:
        advantages([[r] for r in rewards])
        raise SystemExit("no error")
    except (ValueError, TypeError) as error:
        print(rewards[0], "x 8:", type(error).__name__)
        assert isinstance(error, ValueError if rewards[0] == 1 else TypeError)
EOF
cd "$work"
"$work/venv/bin/python" -W ignore check.py
