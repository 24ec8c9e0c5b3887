"""Settings a user does not give, and the ends of those they may give."""

import pytest

from rlvr.simulator.grpo_config import HEAVY, LIGHT, GRPOConfig


def test_the_defaults_are_the_published_light_settings():
    config = GRPOConfig()
    assert config == LIGHT
    assert (config.n_steps, config.batch_size, config.group_size) == (200, 16, 8)
    assert (config.learning_rate, config.kl_coefficient) == (0.05, 0.01)
    assert (config.filtering, config.tie_break, config.kl, config.advantage) == (
        "drop",
        "lowest",
        "forward",
        "grpo",
    )
    assert (config.refill_cap, config.inner_updates, config.mirror_temperature) == (3, 1, 1.0)
    assert (config.verifier_noise, config.label_votes, config.label_share_right) == ((0.0, 0.0), 64, None)


def test_the_heavy_settings_differ_in_three_sizes():
    assert GRPOConfig(n_steps=400, batch_size=20, group_size=10) == HEAVY


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
