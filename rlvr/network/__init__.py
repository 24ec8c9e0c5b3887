"""What `make network` found: the four arms on a small transformer, by a real trainer.

What it is for: reading its stored runs, and taking one run's change apart.
It may import the common ground and nothing else of the core; the training itself lies outside of it.
Chapter 16 uses it.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "stored_runs": [
            "network_accuracies",
            "network_items",
            "network_outcomes",
            "network_paths",
            "network_record",
        ],
        "paired_spread": ["ratio_of_spreads"],
        "run_figures": ["draw_random_paths", "draw_splits"],
        "change_by_source": ["READINGS", "SOURCES", "changes_by_reading", "changes_by_source"],
    },
)
