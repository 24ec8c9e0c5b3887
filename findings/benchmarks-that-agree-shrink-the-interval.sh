#!/usr/bin/env bash
# Guess: where benchmarks agree better than chance, the variance between them is cut at 0, so a random-effects
# interval equals the fixed-effect interval; it is never narrower.
# What happens: with method_re="chi2" (or "dl", DerSimonian and Laird) the variance between benchmarks is negative and
# is used so: four gains of 0.03 with standard errors 0.01 get a standard error of 0.0004, a twelfth of the fixed-effect
# 0.005. I2 is -149. The default method, "iterated", cuts the variance at 0 (but not I2).
# Where: statsmodels 0.15.0 stats/meta_analysis.py combine_effects.
# For a comparison of arms: gains on benchmarks that share questions or runs agree too well, and then an interval that
# should be the wider one excludes 0. Use method_re="iterated", and look at the sign of tau2.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --no-compile --disable-pip-version-check statsmodels==0.15.0 scipy==1.17.1 pandas==3.1.1 numpy==2.4.6
cat > "$work/check.py" <<'EOF'
import numpy as np
from importlib.metadata import version
from statsmodels.stats.meta_analysis import combine_effects

print("statsmodels", version("statsmodels"))
gains, errors = np.array([0.030, 0.031, 0.029, 0.030]), np.full(4, 0.01)
spreads = {}
for method in ("iterated", "chi2", "dl"):
    result = combine_effects(gains, errors**2, method_re=method)
    frame = result.summary_frame()
    spreads[method] = frame.loc["random effect", "sd_eff"]
    row = frame.loc["random effect", ["eff", "sd_eff", "ci_low", "ci_upp"]].astype(float).round(4).tolist()
    print(f"{method:8} tau2 {result.tau2:.2e} I2 {result.i2:.0f} random effect, error, interval {row}")
    assert (result.tau2 < 0) == (method != "iterated") and result.i2 < -100
fixed = frame.loc["fixed effect", "sd_eff"]
print("fixed-effect error", round(float(fixed), 4))
assert abs(spreads["iterated"] - fixed) < 1e-9 and spreads["chi2"] == spreads["dl"] < fixed / 10
EOF
cd "$work"
"$work/venv/bin/python" -W ignore check.py
