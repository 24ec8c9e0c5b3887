#!/usr/bin/env bash
# Guess: Cohen's d of a paired test divides by the spread of the differences.
# What happens: pingouin divides by the mean spread of the two arms, and paired=True does not change the number:
# where questions vary much and the gain little, the effect is 1.3 and the table says 0.08, with a power of 0.33
# beside a p of 1e-88.
# Where: pingouin 0.7.0 effsize.py compute_effsize (eftype "cohen"), also the cohen_d column of ttest(paired=True).
# For a comparison of arms: planning a replication from this d asks for hundreds of times too many questions.
# Divide the mean difference by the standard deviation of the differences yourself.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --no-compile --disable-pip-version-check pingouin==0.7.0 scipy==1.17.1 numpy==2.4.6 pandas==2.3.3
cat > "$work/check.py" <<'EOF'
import numpy as np
from importlib.metadata import version
import pingouin

print("pingouin", version("pingouin"))
rng = np.random.default_rng(1)
question = rng.random(400) * 0.9
true, random = question + 0.02 + 0.01 * rng.standard_normal(400), question + 0.01 * rng.standard_normal(400)
diff = true - random
paired = pingouin.compute_effsize(true, random, paired=True, eftype="cohen")
unpaired = pingouin.compute_effsize(true, random, paired=False, eftype="cohen")
table = pingouin.ttest(true, random, paired=True)
print(f"difference over its own spread {diff.mean() / diff.std(ddof=1):.2f}; pingouin paired {paired:.3f},"
      f" unpaired {unpaired:.3f}; t = {float(table['T'].iloc[0]):.1f}")
print(table.to_dict("records")[0])
assert abs(paired - unpaired) < 0.005 and diff.mean() / diff.std(ddof=1) > 1 and paired < 0.1
EOF
cd "$work"
"$work/venv/bin/python" -W ignore check.py
