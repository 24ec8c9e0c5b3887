"""A benchmark whose pass@k is known in closed form for all four arms, to hold a band against.

An item is solved with probability p, Beta-distributed. RANDOM draws some items' p anew, so that its pass@k is
FROZEN's; MAJORITY makes some items certain by whether p exceeds one half; TRUE solves an item as two samples
of FROZEN would, so that its pass@k is FROZEN's pass@2k.
"""

import numpy as np
from scipy import stats

from rlvr.theory import beta_coverage

SHAPE, MOVED = (0.4, 0.6), 0.4
CONTRASTS = [[-1, 1, 0, 0], [0, -1, 1, 0], [0, 0, -1, 1], [0, -1, 0, 1], [-1, 0, 0, 1]]


def exact(ks):
    """pass@k of the four arms, (arm, k)."""
    frozen = np.array([beta_coverage(SHAPE, k) for k in ks])
    majority = (1 - MOVED) * frozen + MOVED * stats.beta.sf(0.5, *SHAPE)
    return np.stack([frozen, frozen, majority, [beta_coverage(SHAPE, 2 * k) for k in ks]])


def counts(generator, n_items, n_samples):
    """Right answers of each arm, (arm, item)."""
    p = generator.beta(*SHAPE, n_items)
    moved, other = generator.random((2, n_items)) < MOVED, generator.beta(*SHAPE, n_items)
    solved = [p, np.where(moved[0], other, p), np.where(moved[1], p > 0.5, p), 1 - (1 - p) ** 2]
    return generator.binomial(n_samples, np.stack(solved))
