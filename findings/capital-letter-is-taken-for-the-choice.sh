#!/usr/bin/env bash
# Guess: from "Answer: \text{C}" and "I considered A but the final answer is **C**" the choice C is read.
# What happens: A is read from both. Where none of the many patterns fits, the first letter of the reply that is among
# the options is taken, and it may be the A of "Answer" or of a choice that is turned down.
# Where: opencompass 0.5.4 utils/text_postprocessors.py, first_option_postprocess.
# For a comparison of arms: LaTeX or bold letters come with training on mathematics, so an arm loses or wins by its
# wording, most where A is the key. Count replies that no pattern fits, and score again by the last letter stated.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --no-compile --disable-pip-version-check --no-deps opencompass==0.5.4
cat > "$work/check.py" <<'EOF'
import ast
from importlib.metadata import distribution, version

text = distribution("opencompass").locate_file("opencompass/utils/text_postprocessors.py").read_text()
node = next(n for n in ast.walk(ast.parse(text)) if isinstance(n, ast.FunctionDef) and n.name == "first_option_postprocess")
node.decorator_list = []  # the function alone: the package imports much that is not needed here
space = {}
exec("import re\n" + ast.unparse(node), space)
read = space["first_option_postprocess"]
print("opencompass", version("opencompass"))
seen = {}
for reply in ("The answer is C.", "Answer: C", r"\boxed{C}", r"Answer: \text{C}", "The best choice is C, not A.",
              "I considered A but the final answer is **C**."):
    seen[reply] = read(reply, "ABCD")
    print(f"{reply:48} read as {seen[reply]}")
assert list(seen.values()) == ["C", "C", "C", "A", "A", "A"]
EOF
cd "$work"
"$work/venv/bin/python" -W ignore check.py
