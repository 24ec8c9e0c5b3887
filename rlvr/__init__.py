"""What does "true minus random" estimate? The tested core behind the report.

The names below are public and stay. Each lives in the wing it belongs to and is loaded on first use, so
that `rlvr audit` does not wait for the compiler that only the simulator needs.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "arms": ["ARMS"],
        "decomposition": ["Decomposition", "decompose"],
        "stats": ["Estimate"],
        "simulator": ["GRPOConfig", "Runs", "StrategyFamily", "TaskFamily", "Tasks", "simulate"],
        "theory": [
            "accuracy_at_kl", "best_of_n", "crossover", "elicitation_limit", "jeffreys", "kl_ceiling",
            "kl_divergence", "kl_pull", "majority_closure", "majority_drift", "mean_field",
            "null_curvature", "pass_at_k", "random_drift", "true_drift", "update_weights",
        ],
        "experiments.factorial_design": ["effects"],
        "experiments.protocol_verdicts": ["judge"],
        "experiments.sealed_protocol": ["load_protocol"],
        "auditing": ["AuditReport", "audit"],
        "rewards": ["majority_reward", "random_reward", "true_reward"],
    },
)  # fmt: skip
