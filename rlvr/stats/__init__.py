"""How sure a number is: estimates, intervals, spreads, equivalence and power.

What it is for: an array layer that everything else stands on; accuracies and counts in, margins out.
It imports only the common ground.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "estimates": ["Estimate", "crossing_interval", "mean_interval", "ratio_interval"],
        "paired_spread": ["ratio_of_spreads"],
        "equivalence_claims": ["equivalence", "holm"],
        "power_analysis": ["half_width_draws", "studies_needed"],
    },
)
