"""Pathological completions through all three rewards: each must be paid 0.0 or 1.0, and none may take long.

python -m tests.fuzz.rewards --cases 1000000
"""

from __future__ import annotations

import argparse
import random
import time
from collections.abc import Iterator
from typing import Any

from rlvr.rewards import majority_reward, random_reward, true_reward

PIECES = [
    "", " ", "\n", "\t", "\0", "-", "−", "–", "—", "+", ".", ",", ":", "/", "^", "_", "{", "}",
    "{,}", "(", ")", "[", "]", "$", "$$", "%", "#", "####", "=", "*", "\\", "\\\\", "~", "0", "1",
    "12", "007", "9" * 310, "1e5", "1e999999", "2.5e-3", "e", "E-", "1/0", "1/٠", "٤", "१", "１２",
    "½", "⅓", "²", "⁻³", "×10⁻³", "\u2009", "\u00a0", "\u202f", "\u200b", "\ufeff", "\ud800", "𝟘",
    "🙂", "İ", "1,000", "1, 000", "1.2.3", "12:30", "3 1/2", " 000", "\\frac", "\\frac12",
    "\\dfrac{1}{2}", "\\frac{", "\\frac{1}{0}", "\\sqrt", "\\text", "\\text{C}", "\\text{",
    "\\boxed", "\\boxed{", "\\boxed{}", "\\boxed 5", "\\fbox{2}", "\\left", "\\circ", "^\\circ",
    "^{", "_{", "\\,", "\\!", "\\times", "\\times 10^", "\\(", "\\)", "\\[", "\\]", "\\{", "\\}",
    "x = ", "inf", "nan", "None", "the answer is ", "5 cm", "12 million", "a", "Z", "ab",
    "a)", "(b)", "x", "±", "minus ",
]  # fmt: skip
SIGNS = [piece for piece in PIECES if 0 < len(piece) < 3]
BEFORE_RUNS = [
    "", "1\\text{cm}", "1^", "1^{", "\\boxed", "\\boxed{", "#### ", "\\sqrt", "\\frac", "\\frac{1}", "$",
    "x =", "1/", "-(",
]  # fmt: skip
"""What may begin something that a long run of one sign then leaves open."""
DEEP: list[Any] = []
for _ in range(5000):
    DEEP = [DEEP]
OBJECTS = [
    None, 5, -1.5, float("nan"), True, 10**5000, b"5", [], {}, (), [[]], [None], ["5"], [5], DEEP, object(),
    {"content": "5"}, [{"content": None}], [{"content": 5}], [{"content": []}], [{"content": [5, None, "7"]}],
    [{"content": [{"text": 5}]}], [{"content": [{"text": None}]}], [{"content": [{"text": [[]]}]}],
    [{"content": [{"text": 10**5000}]}], [{"content": [{"type": "image"}, {"type": "text", "text": "5"}]}],
    [{"role": 5, "content": "5"}], [{"role": "assistant"}], [{"content": {"text": "5"}}], range(3),
]  # fmt: skip
LABELS = [
    "5",
    5,
    0.5,
    None,
    "",
    "#### 72",
    r"so $\boxed{2}$.",
    r"\frac12",
    "1{,}000",
    "blue",
    float("nan"),
    ["7"],
]
GROUP = 4


def completion(draw: random.Random) -> Any:
    """One completion; of two thousand one is a megabyte long, and one has a long run of one sign."""
    kind = draw.random()
    if kind < 0.05:
        return draw.choice(OBJECTS)
    pieces = draw.choices(PIECES, k=draw.choice((1, 2, 3, 5, 9, 30)))
    if kind < 0.15:
        pieces *= draw.choice((2, 50, 500))
    text = "".join(pieces)
    if draw.random() < 0.0005:
        text *= 1_000_000 // max(len(text), 1)
    if draw.random() < 0.0005:
        sign = draw.choice(SIGNS)
        text = draw.choice(BEFORE_RUNS) + sign * draw.choice((300, 1500, 100_000)) + text
    if kind < 0.25:
        text = "".join(map(chr, draw.choices(range(0x3000), k=20))) + text
    if kind > 0.9:
        return [{"role": "assistant", "content": draw.choice((text, [{"type": "text", "text": text}]))}]
    return text


def groups(cases: int, seed: int) -> Iterator[tuple[list[Any], Any]]:
    """Groups of completions and the label of each."""
    draw = random.Random(seed)
    for _ in range(0, cases, GROUP):
        yield [completion(draw) for _ in range(GROUP)], draw.choice(LABELS)


def run(cases: int, seed: int) -> tuple[float, int]:
    """Pay all completions by all rewards; the longest processor time of one, in seconds, and its characters.

    Raises
    ------
    AssertionError
        If a reward is neither 0.0 nor 1.0; what a reward raises is raised.
    """
    longest = (0.0, 0)
    for number, (completions, label) in enumerate(groups(cases, seed)):
        prompts = [f"prompt {number}"] * GROUP
        start = time.process_time()
        majority = majority_reward(prompts, completions, step=number, tie_break="uniform")
        coins = random_reward(prompts, completions, step=number)
        shared = (time.process_time() - start) / GROUP
        for one in completions:
            start = time.process_time()
            (paid,) = true_reward(["p"], [one], answer=[label])
            assert paid in (0.0, 1.0, None) and (paid is None) == (label in (None, "") or label != label)
            size = len(one) if isinstance(one, str) else 0
            longest = max(longest, (shared + time.process_time() - start, size))
        assert {*majority, *coins} <= {0.0, 1.0}
    return longest


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    began = time.process_time()
    seconds, size = run(given.cases, given.seed)
    print(
        f"{given.cases} completions, every one was paid; the longest took {1000 * seconds:.1f} ms "
        f"(a text of {size:,} characters); {time.process_time() - began:.0f} s of processor time in all"
    )
