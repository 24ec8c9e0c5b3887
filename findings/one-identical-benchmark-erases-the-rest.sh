#!/usr/bin/env bash
# Guess: a benchmark on which two arms score alike (exact McNemar, p = 1) weakens a combined p-value a little.
# What happens: Stouffer's method gives p = 1 whatever the other benchmarks say, here five with p = 1e-6. A weight of
# 1 against 1000 changes nothing. Pearson's and the logit method do the same; Fisher's and Tippett's do not.
# Where: scipy 1.17.1 stats.combine_pvalues (the normal quantile of p = 1 is minus infinity).
# For a comparison of arms: two arms that are both at the floor of one hard benchmark have p = 1 there, so a large
# difference on all others vanishes. Combine differences with their errors, not p-values of discrete tests.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --no-compile --disable-pip-version-check scipy==1.17.1 numpy==2.4.6
cat > "$work/check.py" <<'EOF'
from importlib.metadata import version
from scipy.stats import binomtest, combine_pvalues

print("scipy", version("scipy"))
same = 1.0                            # no discordant question: the exact McNemar test has nothing to test
gain = binomtest(20, 20).pvalue       # 20 questions gained, none lost
print(f"five benchmarks with p = {gain:.1e}, one with p = {same}")
p = [gain] * 5 + [same]
for method in ("stouffer", "pearson", "mudholkar_george", "fisher", "tippett"):
    value = combine_pvalues(p, method=method).pvalue
    print(f"{method:17} {value:.1e}   without the sixth {combine_pvalues(p[:5], method=method).pvalue:.1e}")
    assert value == 1 if method in ("stouffer", "pearson", "mudholkar_george") else value < 1e-4
weighted = combine_pvalues(p, method="stouffer", weights=[1000] * 5 + [1]).pvalue
print(f"stouffer, weights 1000 and 1: {weighted:.1e}")
assert weighted == 1
EOF
cd "$work"
"$work/venv/bin/python" -W ignore check.py
