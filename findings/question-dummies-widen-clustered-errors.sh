#!/usr/bin/env bash
# Guess: a regression of scores on the arm with a dummy for each question and errors clustered by question gives the
# standard error of the paired t test.
# What happens: it is larger by the square root of 2 (1.42 here), whatever the number of questions: the correction for
# small samples counts the dummies as parameters, although each lies within one cluster. Without dummies, clustered by
# question, it is right to 1%; with dummies and plain errors it is exact.
# Where: statsmodels 0.15.0 stats/sandwich_covariance.py, cov_cluster through OLS.fit.
# For a comparison of arms: a gain needs twice the questions to be seen. Use one of the other two, or differences.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --no-compile --disable-pip-version-check statsmodels==0.15.0 scipy==1.17.1 pandas==3.1.1 numpy==2.4.6
cat > "$work/check.py" <<'EOF'
import numpy as np
import pandas as pd
import statsmodels.formula.api as smf
from importlib.metadata import version

print("statsmodels", version("statsmodels"))
for n in (50, 200):
    draw = np.random.default_rng(0)
    base = draw.random(n)
    first, second = (draw.random(n) < base) * 1.0, (draw.random(n) < np.clip(base + 0.15, 0, 1)) * 1.0
    table = pd.DataFrame({"question": [*range(n)] * 2, "arm": [0] * n + [1] * n, "score": [*first, *second]})
    paired = (second - first).std(ddof=1) / np.sqrt(n)
    clustered = {"cov_type": "cluster", "cov_kwds": {"groups": table.question}}
    ratios = [smf.ols(f, table).fit(**k).bse["arm"] / paired for f, k in (
        ("score ~ arm + C(question)", clustered), ("score ~ arm", clustered), ("score ~ arm + C(question)", {}))]
    print(f"{n} questions, error over that of the paired t test: dummies and clusters {ratios[0]:.3f},",
          f"clusters {ratios[1]:.3f}, dummies {ratios[2]:.3f}")
    assert 1.41 < ratios[0] < 1.43 and abs(ratios[1] - 1) < 0.01 and abs(ratios[2] - 1) < 1e-6
EOF
cd "$work"
"$work/venv/bin/python" -W ignore check.py
