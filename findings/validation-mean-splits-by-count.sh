#!/usr/bin/env bash
# Guess: validation accuracy is one mean over all questions, also where a question has fewer answers.
# What happens: questions are averaged by how many answers they have: four right answers to one question and three
# wrong ones to another give mean@4 = 1.0 and mean@3 = 0.0, and no mean of both. One None among the answers moves
# its question to another key; best@2 covers both questions.
# Where: verl 0.9.1 trainer/ppo/metric_utils.py, process_validation_metrics.
# For a comparison of arms: reading one key compares other sets of questions in two arms. Read all keys that begin
# with mean@ and weigh them by questions, or compute from the dumped validation answers.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --no-compile --disable-pip-version-check --no-deps verl==0.9.1
"$work/venv/bin/pip" install --quiet --no-compile --disable-pip-version-check torch==2.13.0 numpy==2.4.6 tensordict==0.10.0 omegaconf==2.3.0 transformers==5.6.1 ray==2.58.0 codetiming==1.4.0 orjson==3.11.4
cat > "$work/check.py" <<'EOF'
from importlib.metadata import version
from verl.trainer.ppo.metric_utils import process_validation_metrics

print("verl", version("verl"))
uids = ["first"] * 4 + ["second"] * 3
m = process_validation_metrics(["set"] * 7, uids, dict(acc=[1, 1, 1, 1, 0, 0, 0]))["set"]["acc"]
print({k: float(v) for k, v in m.items() if "mean" in k and "worst" not in k})
assert m["mean@4"] == 1.0 and m["mean@3"] == 0.0 and m["best@2/mean"] == 0.5
m = process_validation_metrics(["set"] * 4, ["a", "a", "b", "b"], dict(acc=[1.0, None, 0.0, 0.0]))["set"]["acc"]
print("one answer unjudged:", {k: float(v) for k, v in m.items() if k.startswith("mean")})
assert m["mean@1"] == 1.0 and m["mean@2"] == 0.0
EOF
cd "$work"
"$work/venv/bin/python" -W ignore check.py
