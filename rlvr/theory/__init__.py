"""Closed forms: results that the simulator must reproduce, derived instead of simulated.

This wing has expected drifts, the null's curvature, control arms, the expected path, limits, ceilings and
pass@k. It may import the common ground, and of the simulator only its families and configurations. Chapters
1, 13 and 18 use it, and so does every test that compares the simulator with a formula.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "expected_drift": [
            "kl_pull",
            "majority_drift",
            "majority_drifts",
            "mirror_random_drift",
            "noisy_rates",
            "null_curvature",
            "random_drift",
            "reward_drift",
            "true_drift",
            "true_drifts",
        ],
        "expected_path": [
            "closure_accuracy",
            "crossing_after",
            "crossover",
            "elicitation_limit",
            "expected_accuracy",
            "majority_closure",
            "mean_field",
            "update_weights",
        ],
        "ceilings": [
            "accuracy_at_kl",
            "best_of_n",
            "beta_coverage",
            "beta_shape",
            "coverage",
            "jeffreys",
            "kl_by_purpose",
            "kl_ceiling",
            "kl_divergence",
            "pass_at_k",
        ],
        "shared_logits": [
            "ADAM_BETAS",
            "adam_null_moments",
            "momentum_drift",
            "momentum_factor",
            "null_moments",
            "ruin_probability",
            "updates_to_fill",
        ],
        "control_arms": ["accuracy_change", "update_moments"],
        "clipping": ["clip_bounds", "clipped_rollout", "mean_clip_force"],
    },
)
