#!/usr/bin/env bash
# Guess: 0.5.
# What happens: almost stochastic order gives 1 for two arms with the same scores, in both directions. As the package
# reads 1 as "the second arm is better", each arm is better than the other. Where all runs are equal, it gives 0.5.
# Where: deepsig 1.2.8.
# For a comparison of arms: RANDOM that changes nothing (identical to FROZEN) is reported as clearly worse or better,
# depending on the order of the arguments. Call the test in both orders, and test for equal scores first.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --no-compile --disable-pip-version-check deepsig==1.2.8 numpy==2.4.6 scipy==1.17.1
cat > "$work/check.py" <<'EOF'
from importlib.metadata import version
from deepsig import aso

print("deepsig", version("deepsig"))
test = lambda a, b: float(aso(a, b, num_jobs=1, show_progress=False, seed=1))
frozen, random = [0.40, 0.50, 0.60, 0.55, 0.45], [0.50, 0.40, 0.60, 0.55, 0.45]
equal = [0.5] * 5
found = {"same scores": (test(frozen, random), test(random, frozen)), "all runs equal": (test(equal, equal),) * 2}
print(found)
assert found == {"same scores": (1.0, 1.0), "all runs equal": (0.5, 0.5)}
EOF
cd "$work"
"$work/venv/bin/python" -W ignore check.py
