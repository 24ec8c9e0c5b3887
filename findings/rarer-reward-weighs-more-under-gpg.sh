#!/usr/bin/env bash
# Guess: GPG's advantage of a group depends on that group.
# What happens: it is multiplied by batch size over the number of answers with a reward that is not zero: one
# right answer in 8 gives 6.0 and -2.0, the same group beside an all-right group 1.2 and -0.4.
# Where: verl 0.9.1 trainer/ppo/core_algos.py, compute_gpg_outcome_advantage (alpha).
# For a comparison of arms: a coin that pays half takes steps a fifth as large as a true reward that pays one in ten,
# before any learning; and a wrong answer scored -1 instead of 0 switches the factor off. Match or record the factor.
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
config = Config(f_norm=1.0)
group = np.array(list("aaaabbbb"))
def advantages(rewards):
    a = core.compute_gpg_outcome_advantage(torch.tensor(rewards).float()[:, None], torch.ones(8, 1), index=group,
                                           config=config)[0][:, 0]
    return [round(float(x), 3) for x in a[4:]]
print("verl", version("verl"))
alone, beside = advantages([0, 0, 0, 0, 1, 0, 0, 0]), advantages([1, 1, 1, 1, 1, 0, 0, 0])
minus = advantages([-1, -1, -1, -1, 1, -1, -1, -1])
print("group 1, 0, 0, 0 beside an all-wrong group:", alone)
print("group 1, 0, 0, 0 beside an all-right group:", beside)
print("the first batch with -1 for wrong answers:", minus)
assert alone == [6.0, -2.0, -2.0, -2.0] and beside == [1.2, -0.4, -0.4, -0.4] and minus == [1.5, -0.5, -0.5, -0.5]
EOF
cd "$work"
"$work/venv/bin/python" -W ignore check.py
