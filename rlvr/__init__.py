"""What does "true minus random" estimate? The tested core behind the report.

The names below are the public interface. Each name is loaded on first use, so that `rlvr audit` does not wait
for the compiler, which only the simulator needs. The package itself, like `rlvr.rewards`, needs only the
standard library.
"""

from importlib import import_module
from typing import Any

_HOMES = {
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
}  # fmt: skip
_HOME_OF = {name: f"{__name__}.{home}" for home, names in _HOMES.items() for name in names}

__all__ = sorted(_HOME_OF)


def __getattr__(name: str) -> Any:
    if name not in _HOME_OF:
        raise AttributeError(f"rlvr has no name {name}; its names are {', '.join(__all__)}")
    return getattr(import_module(_HOME_OF[name]), name)


def __dir__() -> list[str]:
    return __all__
