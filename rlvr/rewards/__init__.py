"""The arms as reward functions for a trainer of language models.

What it is for: training the four arms on a real language model with a real trainer, outside the simulator.
It imports only the standard library and no other wing, so that any trainer can load it.
Chapters 9 and 12 and `make network` use it.
"""

from rlvr.rewards.arm_rewards import majority_reward, random_reward, true_reward, with_options

__all__ = ["majority_reward", "random_reward", "true_reward", "with_options"]
