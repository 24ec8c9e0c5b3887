#!/usr/bin/env bash
# Guess: one run on ten tasks gets a wide interval, or none.
# What happens: get_interval_estimates resamples runs within each task and never the tasks. One run a task leaves
# nothing to draw, so lower and upper end equal the estimate; with task_bootstrap=True the interval is wide.
# Where: rliable 1.2.0 library.py, StratifiedBootstrap and get_interval_estimates (task_bootstrap=False by default).
# For a comparison of arms: the intervals speak of other runs on these same tasks. A table of arms with one run each
# shows perfect certainty, and questions are never resampled. Refuse fewer than three runs.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --no-compile --disable-pip-version-check rliable==1.2.0 arch==7.2.0 pandas==2.3.3 numpy==2.4.6 scipy==1.17.1
cat > "$work/check.py" <<'EOF'
import numpy as np
from importlib.metadata import version
from rliable import library, metrics

print("rliable", version("rliable"))
scores = {"TRUE": np.random.default_rng(0).random((1, 10))}
mean = lambda x: np.array([metrics.aggregate_mean(x)])
for tasks in (False, True):
    point, ci = library.get_interval_estimates(scores, mean, reps=500, task_bootstrap=tasks)
    low, high = ci["TRUE"].ravel()
    print(f"one run of ten tasks, task_bootstrap={tasks}: {point['TRUE'][0]:.3f} [{low:.3f}, {high:.3f}]")
    assert (high - low < 1e-12) if not tasks else (high - low > 0.2)
EOF
cd "$work"
"$work/venv/bin/python" -W ignore check.py
