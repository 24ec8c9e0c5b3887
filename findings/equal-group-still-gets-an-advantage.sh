#!/usr/bin/env bash
# Guess: a group of equal rewards has advantage zero under every critic-free estimator.
# What happens: so it is under GRPO, RLOO and OPO. REINFORCE++ with group baseline and GDPO centre once more over
# all tokens of the batch, so a group that is all right gets -0.39 when the other group's right answer is longer.
# Where: verl 0.9.1 trainer/ppo/core_algos.py, masked_whiten in compute_reinforce_plus_plus_baseline_... and
# compute_gdpo_outcome_advantage.
# For a comparison of arms: questions that are always right are pushed down (or up) by the lengths of other answers,
# in TRUE and in RANDOM; a flat placebo reward trains. Check that advantages of flat groups are zero.
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
config = Config(norm_adv_by_std_in_grpo=True, gamma=1.0, gdpo_reward_keys=["right", "format"])
rewards, lengths = [1, 1, 1, 1, 1, 0, 0, 0], [2, 2, 2, 2, 4, 1, 1, 1]
mask, scores = torch.zeros(8, 4), torch.zeros(8, 4)
for i, (r, n) in enumerate(zip(rewards, lengths)):
    mask[i, :n] = 1; scores[i, n - 1] = r
group = np.array(list("aaaabbbb"))
batch = dict(prompts=torch.zeros(8, 2), attention_mask=torch.cat([torch.ones(8, 2), mask], 1).long())
parts = dict(right=np.array(rewards, dtype=object), format=np.array([1] * 8, dtype=object))
print("verl", version("verl"))
out = {}
for name, fn in (("GRPO", core.compute_grpo_outcome_advantage), ("RLOO", core.compute_rloo_outcome_advantage),
                 ("OPO", core.compute_opo_outcome_advantage),
                 ("REINFORCE++ baseline", core.compute_reinforce_plus_plus_baseline_outcome_advantage),
                 ("GDPO", core.compute_gdpo_outcome_advantage)):
    extra = dict(non_tensor_batch=parts, batch=batch) if name == "GDPO" else {}
    out[name] = fn(scores, mask, index=group, config=config, **extra)[0][:, 0]
    print(f"{name:21} all-right group {out[name][0]:+.3f}, mixed group {out[name][4]:+.3f} {out[name][5]:+.3f}")
for name in ("GRPO", "RLOO", "OPO"):
    assert out[name][:4].abs().max() < 1e-6
for name in ("REINFORCE++ baseline", "GDPO"):
    assert torch.allclose(out[name][:4], torch.tensor(-0.3873), atol=1e-3)
same = core.compute_reinforce_plus_plus_baseline_outcome_advantage(
    torch.tensor(rewards).float()[:, None], torch.ones(8, 1), index=group, config=config)[0][:, 0]
print(f"with equal lengths the all-right group gets {same[0]:+.3f}")
assert same[:4].abs().max() < 1e-6
EOF
cd "$work"
"$work/venv/bin/python" -W ignore check.py
