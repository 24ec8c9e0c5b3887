#!/usr/bin/env bash
# Guess: tools that read Inspect's logs report Inspect's accuracy.
# What happens: with one crashed sample evalconfidence refuses the log; with one nan score errorbars refuses it and
# evalconfidence's mean is nan. Inspect itself reports 0.75 in both cases: nan and crash leave its means, so one
# question's mean is over two epochs and the other's over one. On logs without either all three agree.
# Where: inspect-ai 0.3.285 scorer/_reducer; evalconfidence 0.1.1 adapters.py; errorbars 0.2.4 inputs.py.
# For a comparison of arms: the same two arms have a number, an error or nan by the tool, and filling the gap by 0 or
# dropping it moves the difference. Decide before the run what an unscored sample counts, and show how many there are.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --no-compile --disable-pip-version-check inspect-ai==0.3.285 evalconfidence==0.1.1 errorbars==0.2.4
cat > "$work/check.py" <<'EOF'
import math
from importlib.metadata import version
from inspect_ai import Task, eval
from inspect_ai.dataset import MemoryDataset, Sample
from inspect_ai.model import ModelOutput, ModelUsage, get_model
from inspect_ai.scorer import Score, accuracy, scorer
from inspect_ai.solver import generate
from evalconfidence import standard_error
from evalconfidence.adapters import from_inspect
from errorbars.inputs import load_inputs

@scorer(metrics=[accuracy()])
def graded():
    async def score(state, target):
        text = state.output.completion
        if text == "crash":
            raise RuntimeError("the grader failed")
        return Score(value=float("nan") if text == "nan" else text)
    return score
def reply(text):
    out = ModelOutput.from_content("mockllm/model", text)
    out.usage = ModelUsage(input_tokens=1, output_tokens=1, total_tokens=2)
    return out
def read(replies):
    model = get_model("mockllm/model", custom_outputs=[reply(r) for r in replies])
    task = Task(dataset=MemoryDataset([Sample(id=f"q{i}", input=f"q{i}", target="5") for i in range(2)]),
                solver=generate(), scorer=graded(), epochs=2, fail_on_error=False)
    log = eval(task, model=model, log_dir="logs", display="none", log_level="critical", max_samples=1, max_connections=1)[0]
    out = [round(log.results.scores[0].metrics["accuracy"].value, 3)]
    for tool in (lambda: standard_error(from_inspect(log.location)).mean,
                 lambda: sum(load_inputs([log.location]).data.scores_by_question().values()) / 2):
        try:
            out.append(float(tool()))
        except ValueError:
            out.append("refused")
    return out
print({n: version(n) for n in ("inspect-ai", "evalconfidence", "errorbars")})
print("two questions, two epochs; accuracy by Inspect, evalconfidence, errorbars")
plain, nan, crash = read(["C", "C", "I", "C"]), read(["C", "nan", "I", "C"]), read(["C", "crash", "I", "C"])
print("all scored ", plain)
print("one nan    ", nan)
print("one crashed", crash)
assert plain == [0.75] * 3 and crash == [0.75, "refused", 0.75]
assert nan[0] == 0.75 and math.isnan(nan[1]) and nan[2] == "refused"
EOF
cd "$work"
"$work/venv/bin/python" -W ignore check.py
