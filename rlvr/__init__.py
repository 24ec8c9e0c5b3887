"""What does "true minus random" estimate? The tested core behind the report.

The public names live in the modules they belong to and are re-exported here on first use, so that
`rlvr audit` does not wait for the compiler that only the simulator needs.
"""

from importlib import import_module
from typing import Any

_HOME = {
    "ARMS": "arms",
    "TaskFamily": "tasks",
    "Tasks": "tasks",
    "GRPOConfig": "grpo",
    "Runs": "grpo",
    "simulate": "grpo",
    "Estimate": "inference",
    "Decomposition": "decomposition",
    "decompose": "decomposition",
    "true_drift": "exact",
    "majority_drift": "exact",
    "random_drift": "exact",
    "kl_pull": "exact",
    "null_curvature": "exact",
    "mean_field": "meanfield",
    "update_weights": "meanfield",
    "majority_closure": "closure",
    "crossover": "elicitation",
    "elicitation_limit": "elicitation",
    "kl_ceiling": "ceilings",
    "accuracy_at_kl": "ceilings",
    "best_of_n": "ceilings",
    "pass_at_k": "coverage",
    "kl_divergence": "ceilings",
    "jeffreys": "ceilings",
    "AuditReport": "audit",
    "audit": "audit",
}

__all__ = sorted(_HOME)


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'rlvr' has no attribute {name!r}; it offers {', '.join(__all__)}")
    return getattr(import_module(f"rlvr.{_HOME[name]}"), name)
