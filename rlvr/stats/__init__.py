"""Uncertainty of numbers: estimates, intervals, spreads, equivalence tests and power.

This wing works on arrays, and all other wings may use it. `estimates` has means, ratios and crossings,
`spreads` standard deviations and permutation tests, `claims` equivalence tests and Holm's correction, `power`
sample sizes, and `sampling` contrasts of arms over items and runs. The wing imports only the common ground.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "estimates": ["Estimate", "crossing_interval", "mean_interval", "ratio_interval"],
        "spreads": ["paired_deviation_ratio"],
        "claims": ["equivalence", "holm"],
        "power": ["half_width_draws", "studies_needed"],
        "sampling": ["wilson"],
    },
)
