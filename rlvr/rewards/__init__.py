"""The arms as reward functions for a trainer of language models.

What it is for: training the same four arms outside of the simulator, on a real model, by a real trainer.
It imports nothing of the core and nothing beyond the standard library, so that any trainer can load it.
Chapters 9 and 12 and `make network` use it.
"""

from rlvr.rewards.arm_rewards import majority_reward, random_reward, true_reward, with_options

__all__ = ["majority_reward", "random_reward", "true_reward", "with_options"]
