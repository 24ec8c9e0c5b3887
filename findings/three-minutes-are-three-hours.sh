#!/usr/bin/env bash
# Guess: wrong in both.
# What happens: Math-Verify drops units before it compares: 3 minutes are accepted for 3 hours, 5 m for 5 cm, while
# the right answer in another unit, 180 minutes for 3 hours, is refused.
# Where: math-verify 0.9.0 with latex2sympy2_extended 1.11.0.
# For a comparison of arms: an arm that keeps the unit of the question is paid whatever unit it writes, and one that
# converts is not, so part of a gain can be a habit of units. Keep to questions without units, or ask for one unit
# in the prompt and compare the text of the unit.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --no-compile --disable-pip-version-check math-verify==0.9.0 latex2sympy2_extended[antlr4_13_2]==1.11.0
cat > "$work/check.py" <<'EOF'
from importlib.metadata import version
from math_verify import parse, verify

print({n: version(n) for n in ("math-verify", "latex2sympy2_extended")})
pairs = (("3", "hours", "3", "minutes", True), ("5", "cm", "5", "m", True), ("3", "hours", "180", "minutes", False), ("5", "m", "500", "cm", False))
for number, unit, answer, written, paid in pairs:
    label, reply = parse(rf"${number}\text{{ {unit}}}$"), parse(rf"The answer is \boxed{{{answer}\text{{ {written}}}}}.")
    print(f"label {number} {unit}, answer {answer} {written}: accepted {verify(label, reply)}; read as {label[0]} and {reply[0]}")
    assert verify(label, reply) is paid
EOF
cd "$work"
"$work/venv/bin/python" -W ignore check.py
