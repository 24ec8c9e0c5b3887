"""How many runs, items and answers a study needs, computed before training.

What it is for: study plans, pilots, the cheapest design, and the catalogue of measured spreads.
It may import the audit, the logs and the statistics, but no simulator.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "study_plans": ["StudyDesign", "cheapest_design", "draw_outcomes", "outcomes_table", "plan_study"],
        "pilots": ["default_run_sd", "known_run_spreads", "pilot_design"],
    },
)
