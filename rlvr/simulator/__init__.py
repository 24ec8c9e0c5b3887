"""Simulation: policies over a few answers, trained by GRPO under the four arms.

What it is for: drawing tasks, training on them in compiled code, and sweeping over settings.
It may import the common ground (arms, decomposition, inference, figures) and nothing else of the core.
Theory, replication, the registered part and the commands use it; the audit does not need it.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "task_family": ["TaskFamily", "Tasks"],
        "strategy_family": ["StrategyFamily", "StrategyTasks"],
        "grpo_config": ["HEAVY", "LIGHT", "GRPOConfig"],
        "majority_labels": ["fixed_labels", "share_of_right_labels"],
        "plain_trainer": ["plain_run"],
        "trainer": ["Runs", "simulate"],
        "kept_chunks": ["KeptChunks"],
        "measured_speed": ["speed_attempts", "stored_benchmarks"],
        "changes_by_role": ["ROLES", "logit_changes", "role_masks"],
        "budget_axis": [
            "BUDGETS",
            "BUDGET_PRIORS",
            "SURE",
            "budget_runs",
            "budget_table",
            "sign_changes",
            "stored_budgets",
            "stored_sign_changes",
        ],
        "multiverse": [
            "DESIGNS",
            "HALF_WIDTH",
            "STORED_DIGITS",
            "as_stored",
            "recompute_training",
            "recompute_trainings",
            "specification_curve",
            "stored_multiverse",
            "trainings",
            "variance_shares",
        ],
        "multiverse_design": [
            "LEARNING_TIMES",
            "LEVELS",
            "TASK_OPTIONS",
            "configuration",
            "matched_learning_rate",
            "one_at_a_time",
            "orthogonal_array",
        ],
        "prior_sweep": [
            "DENSE",
            "SIZES",
            "estimate",
            "recompute",
            "stored_crossings",
            "stored_sweep",
            "sweep_runs",
        ],
        "settings_grid": [
            "AXES",
            "DRAWS",
            "GROUPS",
            "recompute_settings",
            "store_settings",
            "stored_settings",
        ],
        "sharing_grid": [
            "MIXES",
            "N_RUNS",
            "SHARING_AXES",
            "SHARING_GROUPS",
            "recompute_sharing",
            "sharing_runs",
            "store_sharing",
            "stored_sharing",
        ],
    },
)
