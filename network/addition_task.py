"""The task: sums modulo ten, answered by a strategy and a digit, with exact probabilities.

A prompt is ``a + b =``. An answer has two tokens: a strategy, ``c`` or ``d``, then a digit. Digits after
``c`` are right more often than after ``d``, so a policy can gain by its choice of strategy alone. With 100
items and two tokens per answer, all probabilities are enumerated, and nothing is estimated by sampling.
"""

from __future__ import annotations

import random
from dataclasses import dataclass

__all__ = ["ITEMS", "PRIORS", "TOKENS", "TRAINED", "Prior", "prompt", "split", "truth", "usual_error"]

MODULUS = 10
DIGITS = [str(digit) for digit in range(MODULUS)]
STRATEGIES = ["c", "d"]
TOKENS = [*DIGITS, *STRATEGIES, "+", "=", ".", "_"]
"""The whole vocabulary; a full stop ends an answer early, an underscore pads."""

ITEMS = [(a, b) for a in range(MODULUS) for b in range(MODULUS)]
TRAINED = 64
"""Number of trained items; the other 36 are held out."""


@dataclass(frozen=True)
class Prior:
    """The network's policy before training, the same for every item.

    `accuracy` is exact pass@1, `share` the probability of strategy c, and `right_c` and `right_d` the
    accuracies after each, so ``accuracy = share * right_c + (1 - share) * right_d``. Half of the wrong
    answers are one usual error; the other eight digits share the rest. Without strategies this is
    ``TaskFamily(n_actions=10, n_correct=1, format_strength=0.7)``.
    """

    name: str
    accuracy: float
    share: float = 0.65
    ratio: float = 7 / 3  # accuracy after c over accuracy after d

    @property
    def right_d(self) -> float:
        return self.accuracy / (self.share * self.ratio + 1 - self.share)

    @property
    def right_c(self) -> float:
        return self.ratio * self.right_d

    def digits(self, strategy: str, item: tuple[int, int]) -> list[float]:
        """Probability of each digit after a strategy."""
        right = self.right_c if strategy == "c" else self.right_d
        table = [(1 - right) / 2 / (MODULUS - 2)] * MODULUS
        table[truth(item)] = right
        table[usual_error(item)] = (1 - right) / 2
        return table


PRIORS = {prior.name: prior for prior in (Prior("weak", 0.20), Prior("middle", 0.40), Prior("strong", 0.60))}


def truth(item: tuple[int, int]) -> int:
    """The right digit."""
    return sum(item) % MODULUS


def usual_error(item: tuple[int, int]) -> int:
    """The most frequent wrong digit: one too many."""
    return (sum(item) + 1) % MODULUS


def prompt(item: tuple[int, int]) -> str:
    """The text of a prompt."""
    return f"{item[0]} + {item[1]} ="


def split(seed: int) -> tuple[list[int], list[int]]:
    """Indices of the trained and of the held-out items of one network."""
    order = list(range(len(ITEMS)))
    random.Random(f"split {seed}").shuffle(order)
    return sorted(order[:TRAINED]), sorted(order[TRAINED:])
