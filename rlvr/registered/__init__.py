"""What was promised before the data were seen, and how it is judged.

What it is for: the sealed protocols, their verdicts, equivalence, factorial designs, gates, coverage, power.
It may import the common ground and the simulator; neither theory nor the audit.
Chapters 5, 7, 8 and 15 use it, and the commands `rlvr protocol`, `factorial` and `gate-map`.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "sealed_protocol": [
            "PROTOCOL",
            "REGISTERED",
            "Protocol",
            "Results",
            "load_protocol",
            "load_results",
            "run_cell",
            "run_protocol",
        ],
        "protocol_verdicts": ["Judgement", "design_cells", "evaluate", "judge", "leaves", "sample_sizes"],
        "equivalence_claims": ["Claim", "equivalence", "holm"],
        "factorial_design": [
            "CODES",
            "EFFECTS",
            "contrasts",
            "effects",
            "fit",
            "interaction_ratio",
            "on_scale",
            "run_blocks",
        ],
        "gates": [
            "RULES",
            "PoolBlock",
            "pool_block",
            "published_gate",
            "read_out",
            "studies_of",
            "task_draw_gate",
        ],
        "gate_error_rates": ["EXAMPLE", "MAP", "block_counts", "load_counts", "rates"],
        "spread_claims": ["far_claim", "spread_claim", "spread_ratio_claim"],
        "interval_coverage": ["OWN_DRAW", "coverage", "published_coverage"],
        "power_analysis": ["half_width_draws", "studies_needed", "task_draws_needed"],
    },
)
