#!/usr/bin/env bash
# Guess: a nan among p-values, as a t test of identical arms gives, stays nan alone in a correction for many tests.
# What happens: under fdr_bh every corrected p-value is nan, though two of four are still marked as rejected; under
# hommel all are nan and none is rejected. Under holm only the nan stays nan, but it counts as a test (0.003 for the
# second p, as with four tests). SciPy's false_discovery_control raises an error.
# Where: statsmodels 0.15.0 stats/multitest.py multipletests; scipy 1.17.1.
# For a comparison of arms: one benchmark without any difference removes the corrected p-values of all others, or
# changes how many tests are counted. Decide what such a benchmark counts as before correcting.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --no-compile --disable-pip-version-check statsmodels==0.15.0 scipy==1.17.1 pandas==3.1.1 numpy==2.4.6
cat > "$work/check.py" <<'EOF'
import numpy as np
from importlib.metadata import version
from scipy.stats import false_discovery_control, ttest_rel
from statsmodels.stats.multitest import multipletests

print({n: version(n) for n in ("statsmodels", "scipy")})
same = ttest_rel([1, 0, 1, 1], [1, 0, 1, 1]).pvalue
p = [1e-6, 0.001, same, 0.2]
print("p", p)
for method in ("fdr_bh", "hommel", "holm"):
    rejected, corrected = multipletests(p, method=method)[:2]
    print(f"{method:7} corrected {corrected.tolist()} rejected {rejected.tolist()}")
    assert np.isnan(corrected).sum() == (1 if method == "holm" else 4)
    assert rejected.sum() == (0 if method == "hommel" else 2)
assert multipletests(p, method="holm")[1][1] == 0.003
try:
    raise SystemExit(f"scipy gives {false_discovery_control(p)}")
except ValueError as error:
    print("scipy refuses:", type(error).__name__)
EOF
cd "$work"
"$work/venv/bin/python" -W ignore check.py
