"""How sure a number is: estimates, intervals, spreads, equivalence and power.

What it is for: an array layer that everything else stands on; accuracies, counts and outcomes in, margins
out. `estimates` has means, ratios and crossings, `spreads` standard deviations and shuffled tests, `claims`
equivalence and Holm, `power` sample sizes, `sampling` contrasts of arms over items and runs. It imports only
the common ground.
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
