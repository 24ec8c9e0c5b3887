"""Stored experiments: the cells of each, how a cell is computed, and how its digits are compared.

This wing has the sweep, the budget, the multiverse, the grids, the gates, the factorial, the replay, the
coin-flip models, the sealed protocols and the network's runs. It may import the simulator and the statistics,
but neither the audit nor the logs.
"""
