"""A table of four studies: a clear one, one of few items, one without an arm and one with a single arm."""

import pandas as pd

from rlvr.arms import ARMS


def rows(study, accuracies, n_items=500, **more):
    table = {"study": study, "setup": "", "model": "m", "benchmark": "b", "arm": list(ARMS), "flag": ""}
    return pd.DataFrame({**table, "accuracy": accuracies, "n_items": n_items, "samples_per_item": "", **more})


TABLE = pd.concat([
    rows("clear", (0.25, 0.25, 0.25, 0.75), flag=["", "swapped", "", ""]),
    rows("few", (0.25, 0.375, 0.5, 0.625), 10, samples_per_item=4),
    rows("three", (0.25, 0, 0.5, 0.75), [500, 1, 400, 500], setup="x").drop(index=1),
    rows("one", (0.25, 0.25, 0.25, 0.75), "").head(1),
])  # fmt: skip
