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
        "strategy_family": ["StrategyFamily"],
        "grpo_config": ["LIGHT", "GRPOConfig"],
        "trainer": ["Runs", "simulate"],
        "changes_by_role": ["ROLES", "logit_changes"],
    },
)
