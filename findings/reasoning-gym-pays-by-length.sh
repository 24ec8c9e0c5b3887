#!/usr/bin/env bash
# Guess: a right answer inside a sentence scores 1 or 0.
# What happens: the standard scorer pays the share of the reply's characters that the label fills. "The answer is
# 5." pays 0.06, a label of 40 characters in the same sentence 0.7; other sets pay 0 or 1 for the same wording.
# Where: reasoning-gym 0.1.25, dataset.py, ProceduralDataset.score_answer.
# For a comparison of arms: TRUE becomes a reward for brevity (fewer characters around the answer), and items with
# long labels weigh more. Extract the answer before scoring, and count only 1.0 as right.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --no-compile --disable-pip-version-check reasoning-gym==0.1.25
cat > "$work/check.py" <<'EOF'
from importlib.metadata import version
from reasoning_gym.factory import create_dataset

print("reasoning-gym", version("reasoning-gym"))
paid = {}
for name in ("chain_sum", "count_primes", "caesar_cipher", "gsm_symbolic", "bitwise_arithmetic"):
    data = create_dataset(name, seed=42, size=10)
    scores, lengths = [], []
    for item in data:
        reply = f"The answer is {item['answer']}."
        scores.append(data.score_answer(reply, item))
        lengths.append(len(item["answer"]) / len(reply))
    paid[name] = scores
    by_length = all(abs(s - l) < 1e-12 for s, l in zip(scores, lengths))
    print(f"{name}: {min(scores):.2f} to {max(scores):.2f}", "(share of characters)" if by_length else "")
    assert by_length == (name in ("chain_sum", "count_primes", "caesar_cipher"))
assert set(paid["gsm_symbolic"]) == {1.0} and set(paid["bitwise_arithmetic"]) == {0.0}
item = create_dataset("chain_sum", seed=42, size=1)[0]
data = create_dataset("chain_sum", seed=42, size=1)
short = data.score_answer(f"It is {item['answer']}", item)
long = data.score_answer(f"So we find that the sum of these numbers is {item['answer']}", item)
print(f"one item, two right replies: {short:.3f} and {long:.3f}")
assert short > 2 * long > 0
EOF
cd "$work"
"$work/venv/bin/python" -W ignore check.py
