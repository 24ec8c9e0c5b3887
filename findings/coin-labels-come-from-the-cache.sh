#!/usr/bin/env bash
# Guess: labels drawn at random in map() are new when the generator is seeded anew.
# What happens: the second run returns the first run's draws from the cache, whatever the seed, since the state of
# NumPy's global generator is no part of the function's fingerprint; filter() does the same. From memory (from_list)
# the draws are new.
# Where: datasets 5.2.0, fingerprint.py (the hash of function and data names the cache file).
# For a comparison of arms: RANDOM over five seeds is one draw five times: its interval over runs is too narrow and
# RANDOM becomes FROZEN. Draw from a generator keyed by seed and item that is an argument of map (fn_kwargs).
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --no-compile --disable-pip-version-check datasets==5.2.0 pandas==3.1.1 pyarrow==26.0.1 numpy==2.4.6
cat > "$work/check.py" <<'EOF'
import json, os, random
os.environ["HF_HUB_OFFLINE"] = "1"
from importlib.metadata import version
import numpy as np
from datasets import Dataset, disable_progress_bars, load_dataset

disable_progress_bars()
print("datasets", version("datasets"))
with open("items.jsonl", "w") as f:
    f.writelines(json.dumps({"item": i}) + "\n" for i in range(6))
def coin(row):
    return {"reward": int(np.random.rand() < 0.5)}
def keyed(row, seed):
    return {"reward": int(random.Random(f"{seed}/{row['item']}").random() < 0.5)}
def draw(make):
    out = []
    for seed in (1, 2, 3):
        np.random.seed(seed)
        out.append(make().map(coin)["reward"][:])
    return out
stored = lambda: load_dataset("json", data_files="items.jsonl", split="train", cache_dir="cache")
memory = lambda: Dataset.from_list([{"item": i} for i in range(6)])
file, fresh = draw(stored), draw(memory)
print("from a file, seeds 1 2 3:", file)
print("from memory, seeds 1 2 3:", fresh)
assert file[0] == file[1] == file[2] and len({tuple(x) for x in fresh}) == 3
by_key = [stored().map(keyed, fn_kwargs={"seed": s})["reward"][:] for s in (1, 2, 3)]
print("keyed by seed and item:  ", by_key)
assert len({tuple(x) for x in by_key}) > 1
EOF
cd "$work"
"$work/venv/bin/python" -W ignore check.py
