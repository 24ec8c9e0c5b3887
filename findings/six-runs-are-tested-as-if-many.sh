#!/usr/bin/env bash
# Guess: with errors clustered by training run, three runs an arm, the p-value comes from a t distribution with few
# degrees of freedom, so it is near that of a t test on the six run means.
# What happens: p = 0.0001 where the t test on run means says 0.025. Clustered errors switch the test from t to normal,
# and with three runs an arm the clustered error is itself too small (t = 3.9 against 3.5).
# Where: statsmodels 0.15.0 regression/linear_model.py: use_t is False as soon as a robust cov_type is named.
# For a comparison of arms: two hundred times too small a p from six runs. Pass use_t=True, which takes clusters less
# one as degrees of freedom (p = 0.012), or test the run means.
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
from scipy.stats import ttest_ind

print("statsmodels", version("statsmodels"))
accuracy = [0.50, 0.53, 0.51, 0.54, 0.56, 0.55]
table = pd.DataFrame({"run": np.repeat(range(6), 20), "arm": np.repeat([0, 0, 0, 1, 1, 1], 20)})
table["score"] = np.repeat(accuracy, 20) + np.tile(np.linspace(-0.1, 0.1, 20), 6)
def p_value(**options):
    fit = smf.ols("score ~ arm", table).fit(cov_type="cluster", cov_kwds={"groups": table.run}, **options)
    return fit.pvalues["arm"]
means = ttest_ind(accuracy[3:], accuracy[:3]).pvalue
print(f"p by clustered errors {p_value():.6f}, with use_t=True {p_value(use_t=True):.4f}, t test on run means {means:.4f}")
assert p_value() < 0.0002 and 0.011 < p_value(use_t=True) < 0.013 and 0.025 < means < 0.026
EOF
cd "$work"
"$work/venv/bin/python" -W ignore check.py
