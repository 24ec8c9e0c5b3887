#!/usr/bin/env bash
# Guess: an item that was stored as JSON, as prompt files are, is scored like the item itself.
# What happens: in the two sets of coloured grids the stored answer itself falls from 1.0 to 0.05. The scorer
# reads the reply into tuples and compares it with the item's metadata, which JSON turned into lists.
# Where: reasoning-gym 0.1.25, arc/rearc.py and arc/arc_agi.py, score_answer.
# For a comparison of arms: TRUE pays 0.05 to right and wrong grids alike, so it is a flat reward on these items.
# What to do: score the stored answer of each item with the stored item before a run; it must give 1.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --no-compile --disable-pip-version-check reasoning-gym==0.1.25
cat > "$work/check.py" <<'EOF'
import json
from importlib.metadata import version
from reasoning_gym.factory import create_dataset

print("reasoning-gym", version("reasoning-gym"))
for name in ("rearc", "arc_agi", "rotate_matrix"):
    data = create_dataset(name, seed=42, size=5)
    fresh = [data.score_answer(data[i]["answer"], data[i]) for i in range(5)]
    stored = [json.loads(json.dumps(data[i])) for i in range(5)]
    after = [data.score_answer(item["answer"], item) for item in stored]
    print(f"{name}: right answer scores {fresh} as made, {after} after JSON")
    assert fresh == [1.0] * 5
    assert after == ([1.0] * 5 if name == "rotate_matrix" else [0.05] * 5), after
print("As seen before: the right grid earns 0.05 once its item has been through JSON.")
EOF
cd "$work"
"$work/venv/bin/python" -W ignore check.py
