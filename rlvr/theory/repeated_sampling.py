"""Coverage: the chance that k samples hold a correct answer, for one prompt and for prompts that differ.

Over prompts it averages to::

    pass@k = E[ 1 - (1 - p)**k ],    p a prompt's probability of a correct sample

With p Beta(a, b) over prompts the mean is ``1 - B(a, b + k) / B(a, b)``, so that two published numbers,
pass@1 and one pass@k, fix both shapes. The unit is one prompt, or a benchmark of them.
"""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy import optimize, special

from rlvr._checks import policy_and_correct, real, whole
from rlvr._data import stored_table

__all__ = ["base_priors", "beta_coverage", "beta_shape", "coverage", "pass_at_k"]


def coverage(accuracy: ArrayLike, k: int) -> NDArray[np.float64]:
    """pass@k of prompts solved with probability `accuracy` (...), in [0, 1]; exact for small ones too.

    Raises
    ------
    TypeError, ValueError
        If k is not an integer of at least 1, or an accuracy lies outside [0, 1] by more than 1e-9.
    """
    whole("k", k, "an integer of at least 1", at_least=1)
    p = np.asarray(accuracy, dtype=float)
    if not np.all((p >= -1e-9) & (p <= 1 + 1e-9)):
        raise ValueError(f"accuracy must lie in [0, 1], got values from {p.min()} to {p.max()}")
    with np.errstate(divide="ignore"):  # log(0) of a prompt always solved gives the right 1
        return -np.expm1(k * np.log1p(-np.clip(p, 0.0, 1.0)))


def pass_at_k(policy: ArrayLike, correct: ArrayLike, k: int) -> float:
    """Probability that at least one of k samples is correct, ``1 - (1 - p)**k``.

    Parameters
    ----------
    policy : array_like (action,)
    correct : array_like of bool (action,)
    k : int, at least 1

    Returns
    -------
    float in [0, 1]

    Raises
    ------
    TypeError, ValueError
        If an argument is out of range; the message names it.

    Examples
    --------
    >>> round(pass_at_k([0.25, 0.75], [True, False], 2), 6)
    0.4375
    """
    probabilities, mask = policy_and_correct(policy, correct)
    return float(coverage(probabilities[mask].sum(), k))


def beta_coverage(shape: tuple[float, float], k: int) -> float:
    """pass@k of a benchmark whose prompts are solved with Beta-distributed probability.

    Parameters
    ----------
    shape : pair of float
        Both shape parameters, above 0.
    k : int, at least 1

    Returns
    -------
    float in [0, 1]

    Examples
    --------
    >>> round(beta_coverage((1.0, 1.0), 1), 6), round(beta_coverage((1.0, 1.0), 9), 6)
    (0.5, 0.9)
    """
    whole("k", k, "an integer of at least 1", at_least=1)
    a, b = (real("shape", part, "two finite numbers above 0", above=0) for part in shape)
    return -math.expm1(float(special.betaln(a, b + k) - special.betaln(a, b)))


def beta_shape(pass_1: float, pass_k: float, k: int) -> tuple[float, float]:
    """The Beta distribution over prompts that has a given pass@1 and pass@k.

    Parameters
    ----------
    pass_1, pass_k : float in (0, 1)
    k : int, at least 2

    Returns
    -------
    a, b : float

    Raises
    ------
    TypeError, ValueError
        If an argument is out of range, or no distribution over prompts has these two numbers: pass@k
        lies between pass@1 (each prompt solved always or never) and ``1 - (1 - pass_1)**k`` (all alike).

    Notes
    -----
    An assumption, not an estimate: two numbers fix two shapes, and nothing is left over to test the family.

    Examples
    --------
    >>> a, b = beta_shape(0.5, 0.9, 9)
    >>> round(a, 6), round(b, 6)
    (1.0, 1.0)
    """
    real("pass_1", pass_1, "a number strictly between 0 and 1", above=0, below=1)
    whole("k", k, "an integer of at least 2", at_least=2)
    real("pass_k", pass_k, "a number strictly between 0 and 1", above=0, below=1)
    if not pass_1 < pass_k < coverage(pass_1, k):
        raise ValueError(
            f"pass_k must lie strictly between pass_1 = {pass_1!r} and 1 - (1 - pass_1)**k = "
            f"{float(coverage(pass_1, k))!r}, got {pass_k!r}"
        )

    def excess(log_concentration: float) -> float:
        concentration = math.exp(log_concentration)
        return beta_coverage((pass_1 * concentration, (1 - pass_1) * concentration), k) - pass_k

    concentration = math.exp(optimize.brentq(excess, -20.0, 25.0, xtol=1e-13))
    return pass_1 * concentration, (1 - pass_1) * concentration


def base_priors() -> pd.DataFrame:
    """Published accuracies of base models under k samples, one row a number, with where each was read.

    Columns: study (a citation key), model, benchmark, quantity ("pass", "maj", or "trained" for pass
    after majority training), k, value_percent, n_items (missing where the source does not say),
    how_read, source, note.
    """
    return stored_table("base_priors.csv")
