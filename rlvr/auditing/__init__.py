"""Turn published accuracies into verdicts.

What it is for: reading tables of arms; which terms they identify, how precisely, and what would change that.
It may import the common ground, the statistics and the logs. An audit needs no simulator.
Planning, Chapters 2 to 4, 11, 12 and 20, and `rlvr audit` use it.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "tables": ["TableError"],
        "cells": ["Arm", "read_cells"],
        "sampling": ["contrast_interval", "item_sampling"],
        "cell_verdicts": [
            "ASSUMPTIONS", "STATUSES", "VERDICTS", "AuditReport", "audit", "contrast", "feasible",
            "identified_sets", "tipping_points", "verdicts_at", "with_notices",
        ],
        "families": ["judge_family", "pooled_term"],
        "pass_at_k_terms": ["terms_at_k"],
        "percentage_points": ["points", "set_text"],
        "audit_output": ["methods_paragraph", "print_report", "status_text", "verdict_text"],
        "forest_plot": ["draw_forest"],
    },
)  # fmt: skip
