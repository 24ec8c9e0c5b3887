#!/usr/bin/env bash
# Guess: an arm that is right on all questions against one that is wrong on all is significant in every package.
# What happens: errorbars says p = 1.0 beside an interval from 1 to 1. At a gain of 0.1 on each question the same
# call says p below 1e-40, since rounding leaves a spread of 3e-17. deltagate, abeval and scipy say 0.
# Where: errorbars 0.2.4, compare.py, paired_compare (no spread is taken as no evidence).
# For a comparison of arms: a sanity check on an extreme pair (all right against all wrong) reads as no difference,
# and on a small family p jumps between 0 and 1 with rounding. Use the exact McNemar test, here 0.125.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --no-compile --disable-pip-version-check errorbars==0.2.4 deltagate==0.1.1 abeval==0.1.0 scipy==1.17.1 numpy==2.4.6
cat > "$work/check.py" <<'EOF'
import numpy as np
from importlib.metadata import version
from errorbars.compare import paired_compare
import deltagate, abeval.compare
from scipy.stats import ttest_rel

print({n: version(n) for n in ("errorbars", "deltagate", "abeval", "scipy")})
right, wrong = [1.0] * 4, [0.0] * 4
e = paired_compare(right, wrong).as_dict()
print("errorbars: difference", e["mean_diff"], "interval", (e["ci_low"], e["ci_high"]), "p", e["p_value"],
      "McNemar", e["mcnemar"]["p_value"])
d = deltagate.paired_delta(right, wrong)["p_value"]
a = abeval.compare.paired_compare(wrong, right).as_dict()["p_t"]
s = float(ttest_rel(right, wrong).pvalue)
print("deltagate p", d, "abeval p", a, "scipy p", s)
tenth = paired_compare([0.5, 0.6, 0.7, 0.8], [0.4, 0.5, 0.6, 0.7]).as_dict()
print("errorbars, 0.1 on every question: p", tenth["p_value"])
assert e["p_value"] == 1.0 and (e["ci_low"], e["ci_high"]) == (1.0, 1.0)
assert d == a == s == 0.0 and tenth["p_value"] < 1e-40
EOF
cd "$work"
"$work/venv/bin/python" -W ignore check.py
