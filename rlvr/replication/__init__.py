"""The published study, replayed: its trainer draw for draw, its designs, its numbers beside ours.

What it is for: showing which published digits come back, and serving as the simulator's oracle.
It may import the common ground, the simulator's families, and the registered part's ±1 coding.
Chapters 2 and 4 and `rlvr replay` use it; nothing else of the core does.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "published_trainer": ["largest_update_gap", "policy_update", "published_tasks", "replay_run"],
        "published_designs": [
            "CELLS",
            "DESIGNS",
            "Gate",
            "STRENGTHS",
            "gate",
            "power_study",
            "re_audit",
            "resampled_interval",
            "study_spread",
            "task_and_seed_spread",
        ],
        "digit_for_digit": ["Comparison", "compare", "published_numbers", "replayed_sweep", "stored_replay"],
    },
)
