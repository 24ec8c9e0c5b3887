"""Simulation: policies over a few answers, trained by GRPO under the four arms.

This wing draws tasks and trains on them in compiled code. It may import the common ground and the statistics.
Closed forms, stored experiments and commands use it; the audit does not.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "task_family": ["TaskFamily", "Tasks"],
        "strategy_family": ["StrategyFamily"],
        "grpo_config": ["LIGHT", "GRPOConfig"],
        "runs": ["Runs"],
        "trainer": ["simulate"],
        "changes_by_role": ["ROLES", "logit_changes"],
    },
)
