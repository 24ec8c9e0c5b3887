"""Compile the simulator's kernels into the cache in NUMBA_CACHE_DIR, unless they are there already."""

from rlvr import GRPOConfig, StrategyFamily, TaskFamily, simulate

# The kernel of prompts with their own policies has two variants: the usual rules alone, and all rules.
for family, filtering in (
    (TaskFamily(n_prompts=1), "drop"),
    (TaskFamily(n_prompts=1), "refill"),
    (StrategyFamily(shares=(0.6, 0.4), accuracies=(0.6, 0.3)), "drop"),
):
    simulate(family, GRPOConfig(n_steps=1, batch_size=1, filtering=filtering))
