"""Compile the simulator's kernels into the cache that NUMBA_CACHE_DIR names; at once if they lie there."""

from rlvr import GRPOConfig, StrategyFamily, TaskFamily, simulate

# Of prompts with a policy each there are two variants: of the usual rules alone, and of all.
for family, filtering in (
    (TaskFamily(n_prompts=1), "drop"),
    (TaskFamily(n_prompts=1), "refill"),
    (StrategyFamily(shares=(0.6, 0.4), accuracies=(0.6, 0.3)), "drop"),
):
    simulate(family, GRPOConfig(n_steps=1, batch_size=1, filtering=filtering))
