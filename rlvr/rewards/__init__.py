"""The arms as reward functions for a trainer of language models.

What it is for: training the same four arms outside of the simulator, on a real model, by a real trainer.
It imports nothing of the core and nothing beyond the standard library, so that any trainer can load it.
Chapters 16 and 17 and `make network` use it.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={"arm_rewards": ["majority_reward", "random_reward", "true_reward", "with_options"]},
)
