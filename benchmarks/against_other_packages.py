"""The same counts through this package and three others: where their intervals differ, and why.

Installs nothing. In an environment with this package, passk-inference 0.3.1, errorbars 0.2.4, abeval 0.1.0::

    python -m benchmarks.against_other_packages
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, version

import numpy as np
from scipy import stats
from statsmodels.api import OLS

from rlvr.auditing import Arm, contrast_interval
from rlvr.stats.pass_at_k_bands import pass_at_k_of_items, sign_changes, simultaneous_band
from rlvr.stats.sampling import Sampling, effective_clusters

PACKAGES = {"passk-inference": "0.3.1", "errorbars": "0.2.4", "abeval": "0.1.0"}
KS, N_SAMPLES = (1, 8, 64), 128


def main() -> None:
    for name, wanted in PACKAGES.items():
        try:
            found = version(name)
        except PackageNotFoundError:
            sys.exit(f"{name} is not installed; the comparison needs {name}=={wanted}")
        if found != wanted:
            sys.exit(f"{name} is {found}; the comparison speaks of {wanted}")
    for n_items in (30, 500):
        bands(n_items)
    no_difference()
    pairs(200)
    clusters("40 clusters of 5 items", np.repeat(5, 40))
    clusters("one cluster of 42 items and 79 of 2", np.array([42, *[2] * 79]))
    print("rlvr audit --pass-at takes items as independent: logs do not say which are variants of one")


def show(name: str, low: float, value: float, high: float, why: str = "") -> None:
    print(f"  {name:<34}{100 * value:+7.2f} [{100 * low:+7.2f}, {100 * high:+7.2f}]  {why}".rstrip())


def counts(n_items: int) -> list[np.ndarray]:
    """Right answers of two arms; the second solves an item in half the cases or always, more or less."""
    generator = np.random.default_rng(n_items)
    p = generator.beta(0.4, 0.6, n_items)
    moved = np.where(generator.random(n_items) < 0.5, p > 0.4, p)
    return [generator.binomial(N_SAMPLES, solved) for solved in (p, moved)]


def bands(n_items: int) -> None:
    import passk_inference

    base, trained = counts(n_items)
    theirs = passk_inference.compare(base, N_SAMPLES, trained, N_SAMPLES, ks=KS, bootstrap=100_000)
    values = [pass_at_k_of_items(arm, N_SAMPLES, KS) for arm in (base, trained)]
    ours = simultaneous_band(values, [[-1, 1]], paired=True)
    print(f"pass@k, two arms, {n_items} items of {N_SAMPLES} samples, points")
    apart = np.abs(ours.value[0] - theirs["mean"]).max()
    print(f"  estimates differ by at most {apart:.1e}: the same unbiased estimator")
    for n, k in enumerate(KS):
        show(f"k = {k}, this package", ours.low[0, n], ours.value[0, n], ours.high[0, n])
        show(f"k = {k}, passk-inference", theirs["lower"][n], theirs["mean"][n], theirs["upper"][n])
    print(
        f"  critical values {ours.critical:.3f} (Student's t, {n_items - 1} degrees of freedom) and ", end=""
    )
    print(f"{theirs['critical_value']:.3f} (normal law)")
    errors = ((ours.high - ours.low) / 2 / ours.critical)[0]
    print(f"  errors {texts(errors)} (with two added items) and {texts(theirs['se'])} points")
    curve = np.array(passk_inference.compare(base, N_SAMPLES, trained, N_SAMPLES, bootstrap=2)["mean"])
    changes = sign_changes(curve[: KS[-1]], KS, ours.low[0], ours.high[0])
    places = ", ".join(f"k = {change.first}" for change in changes) or "no k"
    shown = sum(change.shown_before and change.shown_after for change in changes)
    print(f"  this package: the sign changes at {places}, shown on both sides {shown} times; ", end="")
    print(f"passk-inference: a crossing is certified: {theirs['certified_crossing']}")


def texts(values: Iterable[float]) -> str:
    return ", ".join(f"{100 * value:.2f}" for value in values)


def no_difference() -> None:
    import passk_inference

    right = np.full(30, 4)
    theirs = passk_inference.compare(right, 8, right, 8, ks=(1, 4))
    values = pass_at_k_of_items(right, 8, (1, 4))
    ours = simultaneous_band([values, values], [[-1, 1]], paired=True)
    print("two arms that are alike on each of 30 items")
    show("this package", ours.low[0, 0], 0, ours.high[0, 0], "two added items keep an error")
    show("passk-inference", theirs["lower"][0], 0, theirs["upper"][0], "all that is possible")


def pairs(n_items: int) -> None:
    import abeval.compare
    import errorbars.compare

    base, trained = ((arm > N_SAMPLES / 2).astype(float) for arm in counts(n_items))
    names = np.arange(n_items).astype(str)
    arms = {
        name: Arm(name, float(arm.mean()), n_items, items=names, outcomes=arm[None])
        for name, arm in (("frozen", base), ("true", trained))
    }
    audit = contrast_interval(arms, [-1, 0, 0, 1])
    band = simultaneous_band([base[:, None], trained[:, None]], [[-1, 1]], paired=True)
    errorbar = errorbars.compare.paired_compare(trained, base)
    bootstrap = abeval.compare.paired_compare(base.tolist(), trained.tolist())
    print(f"k = 1, {n_items} items answered once, points")
    show("this package, the audit", audit.low, audit.value, audit.high, "Student's t over items")
    show("errorbars", errorbar.ci_low, errorbar.mean_diff, errorbar.ci_high, "Student's t over items")
    show("abeval", bootstrap.ci_lo, bootstrap.diff, bootstrap.ci_hi, "percentiles of a bootstrap of items")
    show("this package, --pass-at 1", *map(float, (band.low[0, 0], band.value[0, 0], band.high[0, 0])),
         "two added items")  # fmt: skip


def clusters(name: str, sizes: np.ndarray) -> None:
    import abeval.ci
    import errorbars.compare

    n_items, n_clusters = int(sizes.sum()), len(sizes)
    base, trained = counts(n_items)
    difference = (trained - base) / N_SAMPLES
    groups = np.repeat(np.arange(n_clusters), sizes)[difference.argsort().argsort()]
    fitted = OLS(difference, np.ones(n_items)).fit(cov_type="cluster", cov_kwds={"groups": groups})
    half = stats.t.ppf(0.975, n_clusters - 1) * fitted.bse[0]
    mean = difference.mean()
    theirs = errorbars.compare.paired_compare(trained / N_SAMPLES, base / N_SAMPLES, clusters=groups)
    other = abeval.ci.clustered_mean_ci(difference.tolist(), groups.tolist())
    assert theirs.ci_low_clustered is not None and theirs.ci_high_clustered is not None
    outcomes = np.stack([base, trained], axis=1) / N_SAMPLES
    (below,), (above,) = Sampling(outcomes=outcomes, clusters=groups).margins([[-1, 1]])
    print(f"k = 1, {name} that moved alike, points")
    show(
        "this package, column cluster",
        mean - below,
        mean,
        mean + above,
        f"CR1, {effective_clusters(groups):.1f} effective",
    )
    show("statsmodels, t by clusters", mean - half, mean, mean + half, f"CR1, {n_clusters} clusters")
    show("errorbars", theirs.ci_low_clustered, theirs.mean_diff, theirs.ci_high_clustered, "the same")
    factor = np.sqrt((n_clusters - 1) / n_clusters)
    show("abeval", other.lo, other.estimate, other.hi, f"CR0: narrower by the factor {factor:.4f}")


if __name__ == "__main__":
    main()
