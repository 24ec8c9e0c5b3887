#!/usr/bin/env bash
# Guess: a paired test of two identical arms says p = 1.
# What happens: statsmodels' McNemar with exact=False says p = 0.0, as the continuity correction leaves 1/0; without
# the correction it is nan, exact it is 1. Cochran's Q and the paired t test are nan, pingouin's McNemar raises an
# error, deltagate says 1.
# Where: statsmodels 0.15.0 stats/contingency_tables.py (mcnemar, cochrans_q); pingouin 0.7.0 contingency.py.
# For a comparison of arms: an arm that was loaded twice, or a flat reward under greedy decoding, is reported as
# significant at any level by one call and vanishes from a table of p in others. Test for equal scores first.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --no-compile --disable-pip-version-check statsmodels==0.15.0 scipy==1.17.1 numpy==2.4.6 pandas==2.3.3 pingouin==0.7.0 deltagate==0.1.1
cat > "$work/check.py" <<'EOF'
import warnings
from importlib.metadata import version
import numpy as np, pandas, pingouin, deltagate
from scipy.stats import ttest_rel, wilcoxon
from statsmodels.stats.contingency_tables import cochrans_q, mcnemar

warnings.simplefilter("ignore")
print({n: version(n) for n in ("statsmodels", "scipy", "pingouin", "deltagate")})
arm = np.array([1, 0, 1, 1, 0, 1, 0, 0, 1, 1])
table = [[6, 0], [0, 4]]
p = {
    "statsmodels mcnemar(exact=False)": mcnemar(table, exact=False).pvalue,
    "the same without correction": mcnemar(table, exact=False, correction=False).pvalue,
    "statsmodels mcnemar(exact=True)": mcnemar(table, exact=True).pvalue,
    "statsmodels cochrans_q": cochrans_q(np.c_[arm, arm, arm]).pvalue,
    "scipy ttest_rel": ttest_rel(arm, arm).pvalue,
    "scipy wilcoxon": wilcoxon(arm, arm).pvalue,
    "deltagate paired_delta": deltagate.paired_delta(arm, arm)["p_value"],
}
for name, value in p.items():
    print(f"{name:34} p = {float(value)}")
try:
    pingouin.chi2_mcnemar(pandas.DataFrame(dict(a=arm, b=arm)), "a", "b")
    raise SystemExit("pingouin did not raise")
except ValueError:
    print("pingouin chi2_mcnemar              ValueError")
values = [float(v) for v in p.values()]
assert values[0] == 0.0 and values[2] == values[5] == values[6] == 1.0 and all(np.isnan(values[i]) for i in (1, 3, 4))
EOF
cd "$work"
"$work/venv/bin/python" -W ignore check.py
