"""How often the band of pass@k holds every true term: `python -m benchmarks.pass_at_k_coverage`."""

import argparse

import numpy as np
from scipy import stats

from rlvr.stats import pass_at_k_bands
from rlvr.stats.pass_at_k_bands import pass_at_k_of_items, simultaneous_band
from tests.stats.pass_at_k_world import CONTRASTS, counts, exact

KS, N_SAMPLES = (1, 8, 64), 128


def held(n_items: int, paired: bool, seed: int) -> tuple[bool, bool]:
    """Whether the band holds all true terms, and whether one without added items would."""
    worlds = [counts(np.random.default_rng([seed, arm]), n_items, N_SAMPLES)[arm] for arm in range(4)]
    right = counts(np.random.default_rng(seed), n_items, N_SAMPLES) if paired else np.stack(worlds)
    values = pass_at_k_of_items(right, N_SAMPLES, KS)
    band = simultaneous_band(values, CONTRASTS, paired=paired)
    truth = np.array(CONTRASTS) @ exact(KS)
    weights = np.array(CONTRASTS)
    if paired:
        variance = np.einsum("ta,aik->itk", weights, values).var(axis=0, ddof=1) / n_items
    else:
        variance = weights**2 @ values.var(axis=1, ddof=1) / n_items
    inside = (band.low <= truth) & (truth <= band.high)
    plain = np.abs(band.value - truth) <= band.critical * np.sqrt(variance)
    return bool(inside.all()), bool(plain.all())


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--studies", type=int, default=1000)
    studies = parser.parse_args().studies
    pass_at_k_bands._DRAWS = 10_000  # of a thousand bands, each may be a little less exact
    for paired in (True, False):
        for n_items in (30, 100, 500):
            shares = np.mean([held(n_items, paired, seed) for seed in range(studies)], axis=0)
            texts = [
                f"{share:.3f} (Monte Carlo error {stats.binom.std(studies, share) / studies:.3f})"
                for share in shares
            ]
            how = "paired" if paired else "arms apart"
            print(f"{how}, {n_items} items: {texts[0]}; without added items {texts[1]}", flush=True)


if __name__ == "__main__":
    main()
