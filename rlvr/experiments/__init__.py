"""Every stored experiment: what its cells are, how one is computed, how its digits are compared.

What it is for: the sweep, the budget, the multiverse, the grids, the gates, the factorial, the replay, the
coin-flip models, the sealed protocols and the network's runs.
It may import the simulator and the statistics, and neither the audit nor the logs.
"""
