#!/usr/bin/env bash
# Guess: the majority of four completions that answer A, A, A, B is A.
# What happens: it is B. The default normaliser removes articles, so "A" becomes empty, and empty answers have no vote.
# It also removes signs and points: -5 and 5 are one answer, 3.5 and 35 too. With normalize=None the majority is A.
# Where: dspy 3.4.1 predict/aggregation.py majority and default_normalize.
# For a comparison of arms: in multiple choice MAJORITY never chooses A while any other letter has a vote, so about a
# quarter of its labels are wrong by reading alone. Pass normalize=None, and compare the shares of the letters.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --no-compile --disable-pip-version-check dspy==3.4.1
cat > "$work/check.py" <<'EOF'
import os
os.environ["DSPY_CACHEDIR"] = os.path.join(os.getcwd(), "cache")
from importlib.metadata import version
import dspy

print("dspy", version("dspy"))
def vote(answers, **options):
    return dspy.majority(dspy.Prediction.from_completions([{"answer": a} for a in answers]), **options).answer
for answers, expected in ((["A", "A", "A", "B"], "B"), (["C", "A", "A", "A"], "C"), (["B", "B", "C"], "B"),
                          (["3.5", "35", "7"], "3.5"), (["7", "7", "-5", "5", "5"], "-5")):
    print(answers, "majority", vote(answers), "  with normalize=None", vote(answers, normalize=None))
    assert vote(answers) == expected
assert vote(["A", "A", "A", "B"], normalize=None) == "A" and vote(["7", "7", "-5", "5", "5"], normalize=None) == "7"
EOF
cd "$work"
"$work/venv/bin/python" -W ignore check.py
