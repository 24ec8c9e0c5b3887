"""Compile the simulator's kernels into the cache that NUMBA_CACHE_DIR names; at once if they lie there."""

from rlvr import GRPOConfig, StrategyFamily, TaskFamily, simulate

for family in (TaskFamily(n_prompts=1), StrategyFamily(shares=(0.6, 0.4), accuracies=(0.6, 0.3))):
    simulate(family, GRPOConfig(n_steps=1, batch_size=1))
