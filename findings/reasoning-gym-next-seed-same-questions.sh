#!/usr/bin/env bash
# Guess: a test set made with another seed than the training set has other questions.
# What happens: each item is drawn from seed plus index, so seed 2 is seed 1 moved by one place: all 20 test questions
# with seed 2 are among 100 training questions with seed 1. So it is in nearly every set; seeds must be further apart
# than the training set is long.
# Where: reasoning-gym 0.1.25, Random(self.seed + idx) in __getitem__ of the sets.
# For a comparison of arms: a test set "with a new seed" measures memory of the training set, and TRUE gains most from it.
# Two training seeds 1 and 2 are one run twice: intervals over runs are too narrow. Use seeds a million apart and
# check for questions in common.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --no-compile --disable-pip-version-check reasoning-gym==0.1.25
cat > "$work/check.py" <<'EOF'
from importlib.metadata import version
from reasoning_gym.composite import DatasetSpec
from reasoning_gym.factory import create_dataset

print("reasoning-gym", version("reasoning-gym"))
for name in ("chain_sum", "lcm", "polynomial_equations", "sudoku", "caesar_cipher", "gsm_symbolic"):
    train = {item["question"] for item in create_dataset(name, seed=1, size=100)}
    shared = {}
    for seed in (2, 51, 1_000_001):
        test = create_dataset(name, seed=seed, size=20)
        shared[seed] = sum(test[i]["question"] in train for i in range(20))
    print(f"{name}: of 20 test questions, in the training set (seed 1, size 100):", shared)
    if name == "gsm_symbolic":
        assert shared[2] <= 4
    else:
        assert shared[2] == shared[51] == 20 and shared[1_000_001] <= 2

mixed = lambda size, seed: create_dataset("composite", size=size, seed=seed, datasets=[
    DatasetSpec("chain_sum", 1, {}), DatasetSpec("lcm", 1, {})])
train = {item["question"] for item in mixed(100, 1)}
shared = {seed: sum(item["question"] in train for item in mixed(20, seed)) for seed in (2, 51, 1_000_001)}
print("a mixture of chain_sum and lcm:", shared)
assert shared[2] == shared[51] == 20 and shared[1_000_001] <= 2
EOF
cd "$work"
"$work/venv/bin/python" -W ignore check.py
