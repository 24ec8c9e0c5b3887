"""Closed forms: what the simulator must give, derived instead of simulated.

What it is for: expected drifts, the null's curvature, the expected path, limits, ceilings, pass@k.
It may import the common ground, and of the simulator only its families and configurations.
Chapters 3 and 14 use it, and every validation that holds the simulator against a formula.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "group_compositions": ["compositions", "log_multinomial", "plurality_table"],
        "expected_drift": ["kl_pull", "majority_drift", "majority_drifts", "true_drift", "true_drifts"],
        "drift_of_rewards": ["noisy_rates", "reward_drift", "reward_speed"],
        "mirror_null": ["mirror_random_drift"],
        "curvature_of_null": ["null_curvature", "random_drift"],
        "expected_path": ["crossing_after", "expected_accuracy", "mean_field", "update_weights"],
        "moment_closure": ["closure_accuracy", "majority_closure"],
        "majority_endpoint": ["crossover", "elicitation_limit"],
        "kl_ceilings": [
            "accuracy_at_kl",
            "best_of_n",
            "jeffreys",
            "kl_by_purpose",
            "kl_ceiling",
            "kl_divergence",
        ],
        "shared_logits": ["NullMoments", "heap_probability", "null_moments", "updates_to_heap"],
        "scale_free_step": [
            "ADAM_BETAS",
            "adam_null_moments",
            "adam_weights",
            "momentum_drift",
            "momentum_factor",
            "noise_correlation",
            "scale_free_drift",
            "updates_to_fill",
        ],
        "clipping": ["clip_bounds", "clip_force", "clipped_share", "coin_advantage", "mean_clip_force"],
        "formula_checks": ["FormulaCheck", "check_formulas", "standard_errors_off"],
        "rollout_under_clip": ["ClippedRollout", "answer_worth", "clipped_rollout"],
        "repeated_sampling": ["base_priors", "beta_coverage", "beta_shape", "coverage", "pass_at_k"],
    },
)
