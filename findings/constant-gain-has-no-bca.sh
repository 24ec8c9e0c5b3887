#!/usr/bin/env bash
# Guess: where an arm gains the same on every question, a BCa interval shrinks to that value.
# What happens: scipy returns nan to nan (with a warning) though its percentile and basic intervals are 0.1 to
# 0.1; arch raises an error instead; one question that differs makes both finite again.
# Where: scipy 1.17.1 scipy/stats/_resampling.py (bootstrap, default method BCa); arch 8.0.0 bootstrap/base.py.
# For a comparison of arms: a subject or a small family in which every question moved alike gets no interval, and
# a table that drops nan rows drops exactly the clearest families. Use percentile there, or a t interval.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --no-compile --disable-pip-version-check scipy==1.17.1 numpy==2.4.6 arch==8.0.0 pandas==2.3.3
cat > "$work/check.py" <<'EOF'
import numpy as np
from importlib.metadata import version
from scipy.stats import bootstrap
from arch.bootstrap import IIDBootstrap

print({n: version(n) for n in ("scipy", "arch")})
flat = np.full(20, 0.1)
for method in ("BCa", "percentile", "basic"):
    ci = bootstrap((flat,), np.mean, method=method, rng=1).confidence_interval
    print("scipy", method, float(ci.low), float(ci.high))
    assert np.isnan(ci.low) == (method == "BCa")
try:
    IIDBootstrap(flat, seed=1).conf_int(np.mean, 500, method="bca")
    raise SystemExit("arch did not raise")
except RuntimeError as error:
    print("arch bca raises:", str(error).split(".")[0])
one = flat.copy(); one[0] = 0.6
ci = bootstrap((one,), np.mean, rng=1).confidence_interval
print("one question differs, scipy BCa:", round(float(ci.low), 3), round(float(ci.high), 3))
assert np.isfinite(ci.low) and np.isfinite(ci.high)
EOF
cd "$work"
"$work/venv/bin/python" -W ignore check.py
