"""Published numbers beside ours: the study's trainer draw for draw, and models of repeated RANDOM runs.

What it is for: showing which published digits come back, serving as the simulator's oracle, fitting print.
It may import the common ground, the simulator, the registered part's ±1 coding, and published tables.
Chapters 2, 4 and 15, `rlvr replay` and `rlvr coin-flips` use it; nothing else of the core does.
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
        "coin_flip_models": [
            "BEST",
            "STEPS",
            "models",
            "printed_runs",
            "simulated_runs",
            "stored_model_runs",
        ],
        "joint_tests": [
            "Choice",
            "JointMisfit",
            "choose_and_judge",
            "group_distances",
            "halve_runs",
            "joint_misfit",
        ],
        "digit_for_digit": ["Comparison", "compare", "published_numbers", "replayed_sweep", "stored_replay"],
    },
)
