#!/usr/bin/env bash
# Guess: the wrapper that makes a set infinite brings new items in each chunk.
# What happens: each chunk is made with the next whole seed, and an item is drawn from seed plus index, so a chunk repeats
# the one before, moved by one place, with one new item. Fifteen chunks of 20 (300 items) hold 34 questions.
# Where: reasoning-gym 0.1.25 dataset.py, ReseedingDataset (chunk_size 500 by default).
# For a comparison of arms: after the first chunk the stream is an epoch over a fixed set, so TRUE can learn answers by
# heart while the run reports endless data. Make one large set, or step the seed by the chunk's size.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --no-compile --disable-pip-version-check reasoning-gym==0.1.25
cat > "$work/check.py" <<'EOF'
from importlib.metadata import version
from itertools import islice
from reasoning_gym.dataset import ReseedingDataset
from reasoning_gym.factory import create_dataset

print("reasoning-gym", version("reasoning-gym"))
stream = ReseedingDataset(create_dataset("chain_sum", seed=1, size=20), chunk_size=20)
questions = [item["question"] for item in islice(iter(stream), 300)]
large = create_dataset("chain_sum", seed=1, size=300)
print("300 items of the stream:", len(set(questions)), "questions; one set of 300 items:",
      len({large[i]["question"] for i in range(300)}))
print("second chunk begins with the first one's second item:", questions[20] == questions[1])
assert len(set(questions)) == 34 and questions[20:39] == questions[1:20]
EOF
cd "$work"
"$work/venv/bin/python" -W ignore check.py
