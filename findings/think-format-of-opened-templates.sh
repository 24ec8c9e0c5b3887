#!/usr/bin/env bash
# Guess: a reply whose chat template already opened the reasoning (so that only "</think>" is generated) is well
# formed, and so is one that begins with an empty line.
# What happens: think_format_reward pays 0 to both. The opening tag must be the first thing in the completion.
# Where: trl 1.16.0 rewards/format_rewards.py, think_format_reward.
# For a comparison of arms: with templates that open the tag the format reward is 0 for every reply, so TRUE plus
# FORMAT is TRUE alone; with a base model that first writes a line break it punishes right form. Look at its mean
# in the first step: 0 for all replies says that the template opens the tag.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --no-compile --disable-pip-version-check --no-deps trl==1.16.0 packaging==26.4
cat > "$work/check.py" <<'EOF'
from importlib.metadata import version
from trl.rewards import think_format_reward

replies = {
    "tag opened in the reply": "<think>\nTwo and three.\n</think>\n5",
    "tag opened by the template": "Two and three.\n</think>\n5",
    "empty line before the tag": "\n<think>\nTwo and three.\n</think>\n5",
}
print("trl", version("trl"))
seen = {}
for name, text in replies.items():
    seen[name] = think_format_reward([[{"role": "assistant", "content": text}]])[0]
    print(f"{name:27} {seen[name]}")
assert list(seen.values()) == [1.0, 0.0, 0.0]
EOF
cd "$work"
"$work/venv/bin/python" -W ignore check.py
