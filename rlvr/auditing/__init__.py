"""Published accuracies in, verdicts out.

What it is for: reading tables of arms, what they identify, how surely, and what would change it.
It may import the common ground and nothing else of the core: an audit needs no simulator.
Chapters 10 to 13 and `rlvr audit` use it.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "tables": ["TableError"],
        "cells": ["Arm", "read_cells"],
        "identification": ["ASSUMPTIONS", "feasible", "identified_sets"],
        "sampling_error": ["contrast_interval", "item_sampling", "simulated_coverage", "wilson"],
        "verdict_rules": ["VERDICTS", "contrast", "tipping_points", "verdicts_at"],
        "cell_audit": ["STATUSES", "AuditReport", "audit", "with_notices"],
        "verdict_families": ["judge_family", "pooled_term"],
        "html_report": ["methods_paragraph"],
        "audit_output": ["points", "print_report", "said", "set_text"],
        "forest_plot": ["draw_forest"],
    },
)
