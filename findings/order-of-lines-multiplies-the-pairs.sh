#!/usr/bin/env bash
# Guess: an error, as the index repeats.
# What happens: with two samples an item, the difference of two arms has one value a line where both files have one
# order of lines, and every combination of samples (four an item) where the order differs. Neither gives a message.
# The mean stays where the samples are balanced, but the paired t test counts twice the pairs.
# Where: pandas 3.1.1.
# For a comparison of arms: the number of pairs, and so p, depends on the order in which the logs were written; with
# unequal samples the mean changes as well. Average the samples of each item before the difference.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --no-compile --disable-pip-version-check pandas==3.1.1 scipy==1.17.1 numpy==2.4.6
cat > "$work/check.py" <<'EOF'
from importlib.metadata import version
import numpy as np, pandas as pd
from scipy.stats import ttest_1samp

print({n: version(n) for n in ("pandas", "scipy")})
draw = np.random.default_rng(0)
items = np.repeat(np.arange(20), 2)
true = pd.Series((draw.random(40) < 0.7) * 1.0, index=items)
random = pd.Series((draw.random(40) < 0.5) * 1.0, index=items)
found = {}
for name, other in (("same order", random), ("other order", random.sample(frac=1, random_state=0)), ("one sample lost", random.iloc[:-1])):
    gain, by_item = true - other, true.groupby(level=0).mean() - other.groupby(level=0).mean()
    found[name] = len(gain), ttest_1samp(gain, 0).pvalue, by_item.size
    print(f"{name:16} pairs {len(gain)} mean {gain.mean():.3f} p {found[name][1]:.4f}; by item: pairs {by_item.size} mean {by_item.mean():.3f}")
assert [found[name][0] for name in found] == [40, 80, 78] and all(row[2] == 20 for row in found.values())
assert found["other order"][1] < 0.75 * found["same order"][1]
EOF
cd "$work"
"$work/venv/bin/python" -W ignore check.py
