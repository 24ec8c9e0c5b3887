#!/usr/bin/env bash
# Guess: other permutations in each benchmark.
# What happens: with a seed, polars shuffles every group of one size by one permutation, and every column too, so
# `pl.all().shuffle(seed=1)` keeps each question with its label (we had guessed that the pairs are broken). Without a
# seed the groups and columns differ.
# Where: polars 2.1.0.
# For a comparison of arms: a RANDOM arm whose labels are shuffled within each benchmark or prompt group repeats one
# draw instead of making many, so its groups are not independent. Shuffle in NumPy with one generator, or key the
# draw by item.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --no-compile --disable-pip-version-check polars==2.1.0
cat > "$work/check.py" <<'EOF'
from importlib.metadata import version
import polars as pl

print("polars", version("polars"))
pairs = pl.DataFrame({"question": list(range(200)), "label": list(range(200))})
table = pl.DataFrame({"benchmark": [name for name in "ABC" for _ in range(200)], "label": list(range(200)) * 3})
for seed in (1, 2, None):
    shuffled = table.with_columns(pl.col("label").shuffle(seed=seed).over("benchmark"))
    orders = {tuple(part["label"]) for part in shuffled.partition_by("benchmark")}
    columns = pairs.select(pl.all().shuffle(seed=seed))
    kept = (columns["question"] == columns["label"]).sum()
    print(f"seed {seed}: permutations in three benchmarks {len(orders)}, questions that keep their label {kept} of 200")
    assert (len(orders), kept) == (1, 200) if seed else (len(orders) == 3 and kept < 20)
EOF
cd "$work"
"$work/venv/bin/python" -W ignore check.py
