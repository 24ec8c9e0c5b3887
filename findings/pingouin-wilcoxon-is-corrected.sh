#!/usr/bin/env bash
# Guess: pingouin's wilcoxon is scipy's with a table around it, so p is the same.
# What happens: with ties p is 0.541 against 0.532, because pingouin asks scipy for the continuity correction
# which scipy leaves off; without ties and with few pairs both are exact and equal.
# Where: pingouin 0.7.0 nonparametric.py (correction=True is passed on); scipy 1.17.1 stats/_wilcoxon.py.
# For a comparison of arms: per-question scores of repeated samples are full of ties, so two scripts that both
# "ran the signed-rank test" disagree near the threshold. Name the package, or use the difference of means.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --no-compile --disable-pip-version-check pingouin==0.7.0 scipy==1.17.1 numpy==2.4.6 pandas==2.3.3
cat > "$work/check.py" <<'EOF'
import numpy as np
from importlib.metadata import version
import pingouin, scipy.stats

print({n: version(n) for n in ("pingouin", "scipy")})
rng = np.random.default_rng(0)
a, b = rng.integers(0, 5, 30) / 4, rng.integers(0, 5, 30) / 4
table = pingouin.wilcoxon(a, b)
ours = float(table["p_val" if "p_val" in table else "p-val"].iloc[0])
plain = float(scipy.stats.wilcoxon(a, b).pvalue)
corrected = float(scipy.stats.wilcoxon(a, b, correction=True).pvalue)
print(f"ties: pingouin {ours:.4f}, scipy {plain:.4f}, scipy with correction {corrected:.4f}")
assert abs(ours - corrected) < 1e-12 and abs(ours - plain) > 0.005
c = rng.normal(size=10); d = c + rng.normal(size=10)
table = pingouin.wilcoxon(c, d)
same = float(table["p_val" if "p_val" in table else "p-val"].iloc[0])
print(f"no ties: pingouin {same:.4f}, scipy {float(scipy.stats.wilcoxon(c, d).pvalue):.4f}")
assert abs(same - float(scipy.stats.wilcoxon(c, d).pvalue)) < 1e-12
EOF
cd "$work"
"$work/venv/bin/python" -W ignore check.py
