"""Average shares over prompts whose logits carry normal offsets, as integrals in one dimension.

A softmax is the law of the largest of logits plus independent Gumbel noise. So the average of a softmax
over normal offsets is the chance of leading, of logit + offset + Gumbel; read greedily, of logit + offset::

    share_s = integral f(x - logit_s) product over t != s of F(x - logit_t) dx

with F the distribution function of the noise and f its density.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import special

__all__ = ["mean_shares"]

_NODES = 1201  # of the outer integral; the trapezium rule gains digits exponentially on smooth, fast tails


def mean_shares(
    logits: NDArray[np.float64], offset_sd: float | NDArray[np.float64], *, greedy: bool
) -> NDArray[np.float64]:
    """Average share of each strategy, over independent normal offsets on every logit.

    Parameters
    ----------
    logits : ndarray (strategy,)
    offset_sd : float of at least 0, or ndarray (strategy,) of floats above 0
    greedy : bool
        Fraction of prompts on which the strategy leads, instead of its average probability. Without
        offsets: 1 for the leader, of equal ones the first.

    Returns
    -------
    ndarray (strategy,)
        Sums to 1, to about 1e-9.

    Examples
    --------
    >>> mean_shares(np.log([0.5, 0.5]), 2.0, greedy=False).round(6).tolist()
    [0.5, 0.5]
    >>> mean_shares(np.array([2.0, 0.0]), 1.0, greedy=True).round(6).tolist()  # Phi(2 / sqrt 2)
    [0.92135, 0.07865]
    """
    sd = np.broadcast_to(offset_sd, logits.shape)
    if sd.max() == 0:
        if greedy:
            return (np.arange(logits.size) == np.argmax(logits)).astype(float)
        return special.softmax(logits)
    below, above = (0, 0) if greedy else (5, 40)  # a Gumbel's own reach
    top = logits.argmax()  # the largest of all lies between the top one's lowest and anybody's highest
    ends = (logits[top] - 9 * sd[top] - below, (logits + 9 * sd).max() + above)
    x = np.linspace(*ends, int(_NODES * max(1, (ends[1] - ends[0]) / (18 * sd.min() + below + above))))
    z = x[:, None] - logits
    if greedy:
        log_cdf = special.log_ndtr(z / sd)
        log_density = -0.5 * (z / sd) ** 2 - np.log(sd * np.sqrt(2 * np.pi))
    else:
        log_cdf, log_density = np.empty_like(z), np.empty_like(z)
        for value in np.unique(sd):
            alike = sd == value
            log_cdf[:, alike], log_density[:, alike] = _gumbel_plus_normal(z[:, alike], value)
    density = np.exp(log_density + log_cdf.sum(axis=1, keepdims=True) - log_cdf)
    shares = np.trapezoid(density, x, axis=0)
    return shares / shares.sum()


def _gumbel_plus_normal(z: NDArray[np.float64], sd: float) -> tuple[NDArray, NDArray]:
    """Logarithms of distribution function and density of a standard Gumbel plus a normal of this sd."""
    nodes = np.linspace(-9, 9, max(121, int(80 * sd) | 1))
    weights = np.exp(-0.5 * nodes**2)
    weights /= weights.sum()
    cdf, density = np.zeros_like(z), np.zeros_like(z)
    with np.errstate(over="ignore", under="ignore"):
        for node, weight in zip(nodes, weights, strict=True):
            decay = np.exp(-(z - sd * node))
            mass = weight * np.exp(-decay)
            cdf += mass
            density += np.where(mass > 0, mass * decay, 0.0)
    tiny = np.finfo(float).tiny
    return np.log(np.maximum(cdf, tiny)), np.log(np.maximum(density, tiny))
