"""Settings: their defaults, the ends of what they accept, and what is refused."""

import math

import pytest

from rlvr.simulator.grpo_config import HEAVY, LIGHT, GRPOConfig


def test_the_light_settings_are_the_defaults_and_the_heavy_ones_differ_in_three_sizes():
    assert GRPOConfig() == LIGHT and repr(LIGHT) == "GRPOConfig()"
    assert repr(HEAVY) == "GRPOConfig(n_steps=400, batch_size=20, group_size=10)"


@pytest.mark.parametrize(
    ("name", "least", "too_low"),
    [("n_steps", 0, -1), ("batch_size", 1, 0), ("group_size", 2, 1), ("refill_cap", 1, 0),
     ("kl_coefficient", 0, -1e-12), ("learning_rate", 1e-12, 0), ("kl_coefficient", 0.0, -0.5)],
)  # fmt: skip
def test_the_least_accepted_value_is_accepted_and_what_lies_below_is_not(name, least, too_low):
    assert getattr(GRPOConfig(**{name: least}), name) == least
    with pytest.raises(ValueError, match=rf"{name} must be .* (at least|above) \d, got {too_low}"):
        GRPOConfig(**{name: too_low})


def test_a_step_number_fits_in_32_bits():
    assert GRPOConfig(n_steps=2**32 - 1).n_steps == 4_294_967_295
    with pytest.raises(ValueError, match="n_steps must be an integer of at least 0, got 4294967296"):
        GRPOConfig(n_steps=2**32)


@pytest.mark.parametrize("large", [1e9, 123_456_789])
def test_no_upper_end_is_set_where_none_is_needed(large):
    assert GRPOConfig(learning_rate=large, kl_coefficient=large).learning_rate == large
    assert GRPOConfig(batch_size=10**9, group_size=10**9, refill_cap=10**9).group_size == 10**9


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"n_steps": -1}, ValueError, "n_steps"),
        ({"batch_size": 0}, ValueError, "batch_size"),
        ({"group_size": 1}, ValueError, "group_size must be an integer of at least 2, got 1"),
        ({"group_size": 8.0}, TypeError, "group_size"),
        ({"learning_rate": 0}, ValueError, "learning_rate"),
        ({"learning_rate": math.nan}, ValueError, "learning_rate.*got nan"),
        ({"kl_coefficient": -1e-9}, ValueError, "kl_coefficient"),
        ({"kl_coefficient": None}, TypeError, "kl_coefficient"),
        ({"filtering": "on"}, ValueError, "filtering must be one of 'off', 'drop', 'refill', got 'on'"),
        ({"tie_break": 0}, TypeError, "tie_break"),
        ({"kl": "jeffreys"}, ValueError, "kl must be one of 'forward', 'reverse'"),
        ({"advantage": "drgrpo"}, ValueError, "advantage must be one of 'grpo', 'centered', 'rloo'"),
        ({"clip": (0.2, 0.0)}, ValueError, r"clip must be None or two numbers .* above 0, got \(0.2, 0.0\)"),
        ({"clip": 0.2}, TypeError, "clip must be None or two numbers"),
        (
            {"clip": (0.2, 0.3), "update": "mirror"},
            ValueError,
            "clip must be None with update='mirror', which",
        ),
        ({"optimizer": "adamw"}, ValueError, "optimizer must be one of 'sgd', 'adam', got 'adamw'"),
        ({"verifier_noise": (0.1, 1.1)}, ValueError, r"verifier_noise must be two rates .*got \(0.1, 1.1\)"),
        ({"label_share_right": -0.1}, ValueError, "label_share_right must be None or a fraction"),
    ],
)
def test_bad_configurations(arguments, error, message):
    with pytest.raises(error, match=message):
        GRPOConfig(**arguments)
