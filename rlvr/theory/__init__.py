"""Closed forms: what the simulator must give, derived instead of simulated.

What it is for: expected drifts, the null's curvature, the expected path, limits, ceilings, pass@k.
It may import the common ground, and of the simulator only its families and configurations.
Chapters 3 and 14 use it, and every validation that holds the simulator against a formula.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "expected_drift": ["kl_pull", "majority_drift", "majority_drifts", "true_drift", "true_drifts"],
        "drift_of_rewards": ["noisy_rates", "reward_drift"],
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
        "shared_logits": ["heap_probability", "null_moments"],
        "scale_free_step": [
            "ADAM_BETAS",
            "adam_null_moments",
            "momentum_drift",
            "momentum_factor",
            "updates_to_fill",
        ],
        "clipping": ["clip_bounds", "mean_clip_force"],
        "formula_checks": ["check_formulas", "standard_errors_off"],
        "rollout_under_clip": ["clipped_rollout"],
        "repeated_sampling": ["base_priors", "beta_coverage", "beta_shape", "coverage", "pass_at_k"],
    },
)
