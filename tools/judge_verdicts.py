"""Write `book/data/judge_verdicts.csv`: the verdicts of four packages' judges on the same completions.

The command needs math-verify 0.9.0, verl 0.9.1 and lm-eval 0.4.13 (the latter two without their dependencies,
but with datasets)::

    python tools/judge_verdicts.py
"""

import csv
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from rlvr.rewards import true_reward  # noqa: E402
from rlvr.rewards.judges import JUDGES  # noqa: E402

PAIRS = [
    ("The answer is 5.", "5"),
    ("The answer is $5$.", "5"),
    (r"\boxed{5}", "5"),
    (r"Since $x=2$ and $y=3$: $\boxed{5}$", "5"),
    (r"\boxed{5.0}", "5"),
    (r"\boxed{\frac12}", "1/2"),
    (r"\boxed{1{,}000}", "1000"),
    (r"\boxed{2.5e-3}", "0.0025"),
    (r"\boxed{\sqrt{12}}", r"2\sqrt{3}"),
    (r"\boxed{x+1}", "1+x"),
    (r"\boxed{\text{(C)}}", "C"),
    (r"\boxed{ABC}", "ACB"),
    (r"\boxed{12_5}", "12"),
]

if __name__ == "__main__":
    completions, labels = (list(column) for column in zip(*PAIRS, strict=True))
    verdicts = [
        true_reward(completions, completions, answer=labels, judge=judge, process=(0, 1)) for judge in JUDGES
    ]
    with (ROOT / "book" / "data" / "judge_verdicts.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["completion", "label", *JUDGES])
        writer.writerows([*pair, *map(int, paid)] for pair, *paid in zip(PAIRS, *verdicts, strict=True))
