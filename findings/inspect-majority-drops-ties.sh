#!/usr/bin/env bash
# Guess: under majority voting over epochs, a tied question counts as not solved (or goes to the first answer).
# What happens: the "majority" reducer scores a tie as nan, and nan leaves the accuracy: of four questions with two
# epochs, three ties and one failure give 0 of 1, where "mode" gives 0.5 (the first epoch wins) and "mean" 0.375.
# Where: inspect-ai 0.3.285, scorer/_reducer (majority_score), unscored samples in the results.
# For a comparison of arms: the arm that is less sure of its answers is judged on fewer, easier questions, and two
# arms on different ones. Use an odd number of epochs, and read scored_samples and unscored_samples.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --no-compile --disable-pip-version-check inspect-ai==0.3.285
cat > "$work/check.py" <<'EOF'
import math
from importlib.metadata import version
from inspect_ai import Epochs, Task, eval
from inspect_ai.dataset import MemoryDataset, Sample
from inspect_ai.model import ModelOutput, ModelUsage, get_model
from inspect_ai.scorer import match
from inspect_ai.solver import generate

def reply(text):
    out = ModelOutput.from_content("mockllm/model", text)
    out.usage = ModelUsage(input_tokens=1, output_tokens=1, total_tokens=2)
    return out
def run(reducer):
    replies = ["5", "5", "4", "4", "4", "4", "5", "4"]  # first epoch of the four questions, then the second
    model = get_model("mockllm/model", custom_outputs=[reply(r) for r in replies])
    items = MemoryDataset([Sample(id=i, input="q", target="5") for i in range(4)])
    log = eval(Task(dataset=items, solver=generate(), scorer=match(), epochs=Epochs(2, reducer)), model=model,
               log_dir="logs", display="none", max_samples=1, max_connections=1)[0]
    assert log.status == "success", log.error
    score = log.results.scores[0]
    return score.metrics["accuracy"].value, score.scored_samples, score.unscored_samples
print("inspect-ai", version("inspect-ai"))
seen = {r: run(r) for r in ("majority", "mode", "mean")}
for name, (accuracy, scored, unscored) in seen.items():
    print(f"{name:8} accuracy {accuracy:.3f} over {scored} questions, {unscored} left out")
assert seen["majority"] == (0.0, 1, 3)
assert seen["mode"] == (0.5, 4, 0) and seen["mean"] == (0.375, 4, 0)
EOF
cd "$work"
"$work/venv/bin/python" -W ignore check.py
