#!/usr/bin/env bash
# Guess: the log of a multiple-choice task holds the model's reply as it was written.
# What happens: with multiple_choice(shuffle=...) the choices are put back in their first order after the reply, and
# the letter in the stored reply is changed with them. A model that answers A six times is logged with other letters.
# Where: inspect-ai 0.3.285, solver/_multiple_choice.py (the answer is rewritten when choices are unshuffled).
# For a comparison of arms: a bias to one letter, the commonest null of pure format, cannot be seen in the completion.
# Shuffle in the data set instead (shuffle_choices), where letters stay and the target moves.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --no-compile --disable-pip-version-check inspect-ai==0.3.285
cat > "$work/check.py" <<'EOF'
import random
from importlib.metadata import version
from inspect_ai import Task, eval
from inspect_ai.dataset import MemoryDataset, Sample
from inspect_ai.model import ModelOutput, ModelUsage, get_model
from inspect_ai.scorer import choice
from inspect_ai.solver import multiple_choice

def reply(text):
    out = ModelOutput.from_content("mockllm/model", text)
    out.usage = ModelUsage(input_tokens=1, output_tokens=1, total_tokens=2)
    return out
def samples():
    return MemoryDataset([Sample(id=i, input="q", choices=["w", "x", "y", "z"], target="A") for i in range(6)])
def run(dataset, solver):
    model = get_model("mockllm/model", custom_outputs=[reply("ANSWER: A") for _ in range(6)])
    log = eval(Task(dataset=dataset, solver=solver, scorer=choice()), model=model, log_dir="logs", display="none")[0]
    assert log.status == "success", log.error
    return [s.output.completion for s in log.samples], [s.target for s in log.samples]
print("inspect-ai", version("inspect-ai"))
in_solver, targets = run(samples(), multiple_choice(shuffle=random.Random(1)))
moved = samples(); moved.shuffle_choices(seed=1)
in_data, moved_targets = run(moved, multiple_choice())
print("the model wrote: ANSWER: A, six times")
print("shuffled by the solver:  ", in_solver, "targets", targets)
print("shuffled in the data set:", in_data, "targets", moved_targets)
assert set(in_data) == {"ANSWER: A"} and len(set(in_solver)) > 1 and len(set(moved_targets)) > 1
EOF
cd "$work"
"$work/venv/bin/python" -W ignore check.py
