#!/usr/bin/env bash
# Guess: the samples of an Inspect log stand in the order of the data set.
# What happens: string ids are sorted as text: "1" to "12" are read back as 1, 10, 11, 12, 2, 3 ... The same items
# with whole numbers as ids stand in numeric order.
# Where: inspect-ai 0.3.285, reading of .eval files (read_eval_log), samples sorted by epoch and id.
# For a comparison of arms: two arms paired by position, one from a file with text ids, compare other questions with
# each other, and the mean difference does not show it. Pair by id and epoch.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --no-compile --disable-pip-version-check inspect-ai==0.3.285
cat > "$work/check.py" <<'EOF'
from importlib.metadata import version
from inspect_ai import Task, eval
from inspect_ai.dataset import MemoryDataset, Sample
from inspect_ai.log import read_eval_log
from inspect_ai.model import ModelOutput, ModelUsage, get_model
from inspect_ai.scorer import match
from inspect_ai.solver import generate

def reply(text):
    out = ModelOutput.from_content("mockllm/model", text)
    out.usage = ModelUsage(input_tokens=1, output_tokens=1, total_tokens=2)
    return out
def order(ids):
    task = Task(dataset=MemoryDataset([Sample(id=i, input=f"question {i}", target="5") for i in ids]),
                solver=generate(), scorer=match())
    model = get_model("mockllm/model", custom_outputs=[reply("5") for _ in ids])
    log = eval(task, model=model, log_dir="logs", display="none")[0]
    assert log.status == "success", log.error
    return [s.id for s in read_eval_log(log.location).samples]
print("inspect-ai", version("inspect-ai"))
text, number = order([str(i) for i in range(1, 13)]), order(list(range(1, 13)))
print("text ids  ", text)
print("number ids", number)
assert text == sorted(str(i) for i in range(1, 13)) and text[1] == "10" and number == list(range(1, 13))
EOF
cd "$work"
"$work/venv/bin/python" -W ignore check.py
