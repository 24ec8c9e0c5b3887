#!/usr/bin/env bash
# Guess: a wrong answer scores 0, so a mean reward is an accuracy.
# What happens: twelve sets pay 0.01 or 0.05 for any reply at all, even an empty one; game_of_life pays the share
# of cells that agree (0.9 for another item's board); coin_flip pays 2/3 for the probability 0.5 whatever is asked.
# Where: reasoning-gym 0.1.25, score_answer of each set.
# For a comparison of arms: a reward above zero is not a right answer, groups without a right answer still have
# spread, and TRUE's mean reward overstates accuracy. Count score == 1 as right, in training and in evaluation.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --no-compile --disable-pip-version-check reasoning-gym==0.1.25
cat > "$work/check.py" <<'EOF'
from importlib.metadata import version
from reasoning_gym.factory import DATASETS, create_dataset

print("reasoning-gym", version("reasoning-gym"))
floors = {}
for name in sorted(DATASETS):
    if name == "composite":
        continue
    data = create_dataset(name, seed=42, size=10)
    scores = [data.score_answer("", data[i]) for i in range(10)]
    if max(scores) > 0:
        floors[name] = round(max(scores), 3)
print(len(floors), "sets pay an empty reply:", floors)
assert len(floors) == 12 and set(floors.values()) == {0.01, 0.05}
life = create_dataset("game_of_life", seed=42, size=10)
other = [life.score_answer(life[(i + 1) % 10]["answer"], life[i]) for i in range(10)]
print(f"game_of_life, the board of another item: mean {sum(other) / 10:.2f}, right in {other.count(1.0)} of 10")
assert 0.85 < sum(other) / 10 < 0.95 and 1.0 not in other
coin = create_dataset("coin_flip", seed=42, size=10)
half = [round(coin.score_answer("0.5", coin[i]), 3) for i in range(10) if coin[i]["answer"] != "1"]
print("coin_flip, reply 0.5 to answers", [coin[i]["answer"] for i in range(3)], "...:", half)
assert set(half) == {0.667}
EOF
cd "$work"
"$work/venv/bin/python" -W ignore check.py
