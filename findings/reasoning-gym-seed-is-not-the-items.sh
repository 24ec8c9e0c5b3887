#!/usr/bin/env bash
# Guess: the first five items under one seed are the same, whether 5 or 50 items are asked.
# What happens: so it is in nearly all sets, but acre shares the size out over three kinds of items first, and all
# five questions differ.
# Where: reasoning-gym 0.1.25, induction/acre/acre.py (0.6, 0.2 and 0.2 of size).
# For a comparison of arms: two runs with one seed but another number of items train or test on other questions;
# pairing by index then pairs strangers. Pair by a hash of the question, and store the items.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --no-compile --disable-pip-version-check reasoning-gym==0.1.25
cat > "$work/check.py" <<'EOF'
from importlib.metadata import version
from reasoning_gym.factory import create_dataset

print("reasoning-gym", version("reasoning-gym"))
first = {n: [create_dataset(n, seed=42, size=5)[i]["question"] for i in range(5)]
         for n in ("acre", "chain_sum", "sudoku")}
for name, five in first.items():
    fifty = create_dataset(name, seed=42, size=50)
    same = sum(five[i] == fifty[i]["question"] for i in range(5))
    print(f"{name}: {same} of the first 5 questions are the same with size 5 and size 50")
    assert same == (0 if name == "acre" else 5)
EOF
cd "$work"
"$work/venv/bin/python" -W ignore check.py
