"""Published accuracies in, verdicts out.

What it is for: reading tables of arms, what they identify, how surely, and what would change it.
It may import the common ground and nothing else of the core: an audit needs no simulator.
Chapters 10 to 13 and `rlvr audit` use it.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "table_reading": ["TableError"],
        "evaluation_log": ["LogError"],
        "log_reading": ["LogTable", "read_logs", "with_notices"],
        "study_cells": ["Arm", "Cell", "read_cells"],
        "published_tables": [
            "DESIGNS",
            "PAPERS",
            "published_arms",
            "published_curves",
            "published_label_accuracy",
            "published_repeats",
            "published_run_curves",
            "published_strategies",
            "published_switches",
        ],
        "repeated_runs": ["climb", "compare_designs", "end_points", "low_runs"],
        "all_runs": ["averaged_end_points", "difference_of_all_runs", "mean_of_all_runs", "runs_by_step"],
        "whole_runs": ["compare_whole_runs", "ratio_of_spreads", "spread_growth", "whole_run_ratio"],
        "runs_needed": ["fewest_runs", "power_of_difference", "power_of_heap", "power_of_ratio"],
        "borrowed_spread": ["measured_spread", "with_measured_spread"],
        "spread_by_updates": ["batch_size_test", "equal_updates", "published_questions"],
        "strategy_accounts": ["reweighting_accounts"],
        "strategy_bounds": ["left_over", "left_over_in_repeats", "strategy_counts", "switch_split"],
        "identification": ["ASSUMPTIONS", "feasible", "identified_sets"],
        "sampling_error": [
            "Sampling",
            "contrast_interval",
            "item_sampling",
            "pairing_gain",
            "run_sampling",
            "simulated_coverage",
            "wilson",
        ],
        "verdict_rules": ["VERDICTS", "contrast", "judge", "tipping_points", "verdicts_at"],
        "cell_audit": ["STATUSES", "AuditReport", "CellAudit", "audit"],
        "items_and_runs": ["CrossedOutcomes", "crossed_coverage", "crossed_margins", "crossed_outcomes"],
        "simulated_studies": ["StudyDesign", "draw_outcomes", "outcomes_table"],
        "run_spreads": ["RunSpread", "default_run_sd", "known_run_spreads"],
        "planning": ["Costs", "Plan", "plan_study"],
        "design_search": ["cheapest_design"],
        "pilot_tables": ["item_correlation", "pilot_design"],
        "plan_output": ["draw_plans", "plan_to_dict", "plans_to_dict", "print_plans"],
        "verdict_families": ["Family", "PooledTerm", "judge_family", "pooled_term", "verdict_p_value"],
        "html_report": ["digests", "methods_paragraph", "to_html"],
        "audit_output": ["points", "print_report", "said", "set_text", "to_dict", "to_markdown"],
        "forest_plot": ["draw_forest"],
        "literature": ["comparison_name", "counted_once", "published_comparisons"],
        "source_links": [
            "anchor",
            "arms_text",
            "audit_table",
            "estimate_text",
            "link",
            "source_page",
            "term_text",
            "verdict_text",
        ],
    },
)
