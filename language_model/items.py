"""The questions: small sums in a few-shot prompt whose examples induce two answer styles.

An answer has two tokens: a style (the blank before a digit, or the blank and quotation mark before a number
word), then the digit or the word. The order of the examples determines which style the model prefers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from operator import add, mul, sub

from rlvr.rewards.keyed_coins import keyed_uniform

__all__ = ["DIGITS", "FAMILIES", "PILOT", "STYLES", "WORDS", "Family"]

DIGITS = [str(digit) for digit in range(10)]
WORDS = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]
STYLES = {"digits": (" ", DIGITS), "quoted": (' "', WORDS)}
"""Style: the text of its first token, and of the ten tokens that may follow, in the order of their values."""
OPERATIONS = {"+": add, "-": sub, "*": mul}


@dataclass(frozen=True)
class Family:
    """Questions of one operation behind the same examples.

    `order` has one letter per example: q for a quoted word, d for a digit. The pairs in `left_out` are not
    asked either, so families that differ by an example ask the same questions. `smallest` bounds the
    operands.
    """

    name: str
    operation: str
    examples: tuple[tuple[int, int], ...]
    order: str
    left_out: tuple[tuple[int, int], ...] = ()
    smallest: int = 0
    trained_fraction: float = field(default=2 / 3, repr=False)

    def truth(self, pair: tuple[int, int]) -> int:
        """The right value."""
        return int(OPERATIONS[self.operation](*pair))

    def question(self, pair: tuple[int, int]) -> str:
        return f"{pair[0]} {self.operation} {pair[1]} ="

    @property
    def prefix(self) -> str:
        """The examples, one per line."""
        lines = []
        for pair, style in zip(self.examples, self.order, strict=True):
            value = self.truth(pair)
            lines.append(self.question(pair) + (f' "{WORDS[value]}"' if style == "q" else f" {value}"))
        return "".join(f"{line}\n" for line in lines)

    @property
    def pairs(self) -> list[tuple[int, int]]:
        """Every question whose answer is one digit."""
        ruled_out = {*self.examples, *self.left_out}
        operands = range(self.smallest, 10)
        every = [(a, b) for a in operands for b in operands if (a, b) not in ruled_out]
        return [pair for pair in every if 0 <= self.truth(pair) <= 9]

    @property
    def prompts(self) -> list[str]:
        """The prompts, one text per question."""
        return [self.prefix + self.question(pair) for pair in self.pairs]

    @property
    def truths(self) -> list[int]:
        return [self.truth(pair) for pair in self.pairs]

    def split(self, seed: int | str = 0) -> tuple[list[int], list[int]]:
        """Indices of the trained and of the held-out questions; equal questions are split equally."""
        places = sorted(
            range(len(self.pairs)), key=lambda i: keyed_uniform("split", seed, self.question(self.pairs[i]))
        )
        n_trained = round(len(places) * self.trained_fraction)
        return sorted(places[:n_trained]), sorted(places[n_trained:])


def _named(families: Sequence[Family]) -> dict[str, Family]:
    return {family.name: family for family in families}


SUMS, PRODUCTS = ((2, 5), (1, 3), (4, 2)), ((2, 3), (1, 4), (4, 2))
BALANCED, DIFFERENCES = ((4, 1), (9, 8), (7, 4)), ((7, 5), (4, 3), (6, 2))
FAMILIES = _named(
    [
        Family("A", "+", SUMS, "qqd", left_out=((1, 1),)),
        Family("B", "+", (*SUMS, (1, 1)), "qqdq"),
        Family("control", "-", BALANCED, "dqd", smallest=1),
    ]
)
"""The families of the registered predictions: mostly digits, mostly quoted words, and a control.

The control's examples were chosen by the prior alone: shares near one half, and similar accuracies.
"""
PILOT = _named(
    [
        Family("products", "*", PRODUCTS, "dqd"),
        Family("products B", "*", PRODUCTS, "qdq"),
        Family("differences", "-", DIFFERENCES, "qqd"),
        Family("differences B", "-", DIFFERENCES, "dqq"),
    ]
)
"""Families for choosing settings, used nowhere else."""
