#!/usr/bin/env bash
# Guess: three libraries that carry copies of one grader of answers (PRM800K's) agree.
# What happens: tinker-cookbook and OpenRLHF accept "1{,}000" for 1000, the way LaTeX writes thousands, and "10^{-3}"
# for 0.001; verl's copy refuses both. Fifty other pairs that we tried agreed (seven of them are below).
# Where: tinker-cookbook 0.6.1 recipes/math_rl/math_grading.py, OpenRLHF 0.11.2 utils/math_utils.py, verl 0.9.1
# utils/reward_score/prime_math/__init__.py, each grade_answer.
# For a comparison of arms: the same replies have another TRUE accuracy under another trainer; a model that learns
# to typeset thousands loses reward in one of them. Name the grader and its package, not "the PRM800K grader".
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --no-compile --disable-pip-version-check torch==2.13.0 sympy==1.14.0 pylatexenc==2.10 antlr4-python3-runtime==4.13.2 numpy==2.4.6
"$work/venv/bin/pip" install --quiet --no-compile --disable-pip-version-check --no-deps tinker-cookbook==0.6.1 openrlhf==0.11.2 verl==0.9.1
cat > "$work/check.py" <<'EOF'
import importlib.util, pathlib, sys, types
from importlib.metadata import version, distribution

site = pathlib.Path(distribution("verl").locate_file(""))
def load(name, path):
    spec = importlib.util.spec_from_file_location(name, site / path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module
for name in ("verl", "verl.utils"):  # the packages without their imports of torch and ray
    module = types.ModuleType(name)
    module.__path__ = [str(site.joinpath(*name.split(".")))]
    sys.modules[name] = module
graders = {
    "tinker-cookbook": load("t", "tinker_cookbook/recipes/math_rl/math_grading.py").grade_answer,
    "openrlhf": load("o", "openrlhf/utils/math_utils.py").grade_answer,
    "verl": load("v", "verl/utils/reward_score/prime_math/__init__.py").grade_answer,
}
def accepts(grade, answer, label):
    out = grade(answer, label)
    return bool(out[0]) if isinstance(out, tuple) else bool(out)
pairs = [("1000", "1,000"), ("1000", "1{,}000"), ("0.001", "10^{-3}"), ("12", "12\\text{ cm}"), ("1/2", "0.5"),
         ("\\frac{1}{2}", "2/4"), ("(1,2)", "(2,1)"), ("3\\sqrt{2}", "\\sqrt{18}"), ("50", "50\\%")]
print({n: version(n) for n in graders})
seen = {}
for label, answer in pairs:
    seen[answer] = [accepts(g, answer, label) for g in graders.values()]
    print(f"{label:14} {answer:16}", seen[answer])
assert seen["1{,}000"] == [True, True, False] and seen["1,000"] == [True] * 3
assert all(len(set(v)) == 1 for k, v in seen.items() if k not in ("1{,}000", "10^{-3}"))
EOF
cd "$work"
"$work/venv/bin/python" -W ignore check.py
