#!/usr/bin/env bash
# Guess: the interquartile mean of three runs leaves out the best and the worst, as it trims a quarter on each side.
# What happens: the number trimmed is rounded down, so three scores lose none: the "robust" mean is the plain mean,
# outlier included. Four scores lose two. The scores are runs times tasks taken together.
# Where: rliable 1.2.0 metrics.py aggregate_iqm, through scipy's trim_mean.
# For a comparison of arms: three runs an arm on one benchmark have no robust mean at all; adding a fourth run, or
# a second task, changes the estimator. State the number of runs, and use the mean below four.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --no-compile --disable-pip-version-check rliable==1.2.0 arch==7.2.0 pandas==2.3.3 numpy==2.4.6 scipy==1.17.1
cat > "$work/check.py" <<'EOF'
import numpy as np
from importlib.metadata import version
from rliable import metrics

print("rliable", version("rliable"))
for runs in ([0.50, 0.52, 0.90], [0.50, 0.52, 0.54, 0.90]):
    scores = np.array(runs).reshape(-1, 1)
    iqm = metrics.aggregate_iqm(scores)
    print(runs, "IQM", round(float(iqm), 4), "mean", round(float(np.mean(runs)), 4), "median", float(np.median(runs)))
    if len(runs) == 3:
        assert abs(iqm - np.mean(runs)) < 1e-12
    else:
        assert abs(iqm - 0.53) < 1e-12
EOF
cd "$work"
"$work/venv/bin/python" -W ignore check.py
