"""Average shares over prompts whose logits carry normal offsets, as integrals in one dimension.

A softmax is the law of the largest of logits plus independent Gumbel noise. So the average of a softmax
over normal offsets is the chance of leading, of logit + offset + Gumbel; read greedily, of logit + offset:

    share_s = integral f(x - logit_s) product over t != s of F(x - logit_t) dx

with F the distribution function of the noise and f its density.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import special

__all__ = ["mean_shares"]

_NODES = 1201  # of the outer integral; the trapezium rule gains digits exponentially on smooth, fast tails


def mean_shares(logits: NDArray[np.float64], offset_sd: float, *, greedy: bool) -> NDArray[np.float64]:
    """Average share of each strategy, over independent normal offsets on every logit.

    Parameters
    ----------
    logits : ndarray (strategy,)
    offset_sd : float, at least 0
    greedy : bool
        Share of prompts on which the strategy leads, instead of its average probability. Without
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
    if offset_sd == 0:
        if greedy:
            return (np.arange(logits.size) == np.argmax(logits)).astype(float)
        return special.softmax(logits)
    low, high = (-9 * offset_sd, 9 * offset_sd) if greedy else (-9 * offset_sd - 5, 9 * offset_sd + 40)
    top = logits.max()
    x = np.linspace(min(low, 0) + top, max(high, 0) + top, _NODES)  # where the largest can lie
    z = x[:, None] - logits
    if greedy:
        log_cdf = special.log_ndtr(z / offset_sd)
        log_density = -0.5 * (z / offset_sd) ** 2 - np.log(offset_sd * np.sqrt(2 * np.pi))
    else:
        log_cdf, log_density = _gumbel_plus_normal(z, offset_sd)
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
