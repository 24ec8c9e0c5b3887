"""Settings of GRPO in the simulator, checked when they are set.

An *update* is one optimiser step. It trains a batch of prompts, each by a group of G sampled actions with
rewards r; this is one *visit* of the prompt. The update changes the prompt's logits by::

    logits += learning_rate * ( mean_i A_i (onehot(a_i) - policy)  +  kl_coefficient * KL term )
    A_i = (r_i - mean r) / (std r + 1e-8),   population std

With m inner updates the group of a visit is used in m parts, in order, with all advantages from the whole
group. For each part, the first term is replaced by the mean over its answers of ratio_i A_i (onehot(a_i) -
policy), without clipped answers; ratio_i is the current policy over the policy that sampled, at a_i. Each
inner update applies the whole KL term at the current policy.

With the update "mirror", the first term is target minus policy on the distinct sampled actions S::

    policy_S = policy restricted to S,   target_S proportional to policy_S * exp(reward / temperature)

This is the update rule of DDO-RM (Zhang, Zuo, Chen and Wang, arXiv 2604.11119) with the group as its
candidates.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

from rlvr._checks import MOST, as_given, choice, real, shown, whole

__all__ = ["HEAVY", "LIGHT", "OPTIONS", "GRPOConfig", "refuse_new_rules"]

OPTIONS = {
    "filtering": ("off", "drop", "refill"),
    "tie_break": ("lowest", "uniform"),
    "kl": ("forward", "reverse"),
    "advantage": ("grpo", "centered", "rloo"),
    "optimizer": ("sgd", "adam"),
    "update": ("gradient", "mirror"),
    "majority_labels": ("group", "fixed"),
}
"""Settings with named options, and the options of each."""


@dataclass(frozen=True, repr=False)
class GRPOConfig:
    """Settings of the training of a policy.

    Parameters
    ----------
    n_steps : int, at least 0
        Training steps, each a rollout and its updates. A prompt has ``n_steps * batch_size / n_prompts``
        visits on average.
    batch_size : int, at least 1
        Prompts per step, drawn without replacement.
    group_size : int, at least 2
        Sampled actions per prompt and step, G.
    learning_rate : float, above 0
        Step size on the logits.
    kl_coefficient : float, at least 0
        Weight beta of the pull towards the prior.
    filtering : {"drop", "off", "refill"}
        Treatment of a group whose rewards are all equal. "drop": no policy and no KL term. "off": only its KL
        term applies. "refill": the group is dropped and the next prompt of the step's shuffled order replaces
        it, in each arm separately, until the batch is full or `refill_cap` is reached.
    tie_break : {"lowest", "uniform"}
        Plurality among the most frequent actions: the one of lowest index, or a random one.
    kl : {"forward", "reverse"}
        "forward", as published: ``-(policy - prior)``, the gradient of -KL(prior || policy). It is also the
        expected gradient, at answers sampled from the policy, of the penalty that GRPO puts into its loss:
        the estimator k3 (DeepSeekMath, Eq. 4; TRL up to release 1.9).
        "reverse": the gradient of -KL(policy || prior), the divergence that GRPO's objective names. A
        trainer gets it if k3 is multiplied by the ratio of the policy to the one that sampled before it is
        differentiated (TRL's default from release 1.10.0 on).
    advantage : {"grpo", "centered", "rloo"}
        Advantage of a reward. "grpo": ``(r - mean r) / (std r + 1e-8)``. "centered": ``r - mean r``, no
        division by the standard deviation (Dr. GRPO). "rloo": r minus the mean of the group's other rewards,
        which is "centered" times G / (G - 1).
    refill_cap : int, at least 1
        With "refill", a step tries at most this many batches of prompts, and no prompt twice.
    clip : None or (float, float), each above 0
        Bounds (low, high) on the ratio of the policy to the policy that sampled. An answer of positive
        advantage counts only while its ratio is at most ``1 + high``, one of negative advantage only while
        its ratio is at least ``1 - low``. None: off. With one update per rollout the ratio is 1 and nothing
        is clipped.
    inner_updates : int, at least 1
        Updates per rollout. The samples are split, in order, into this many equal parts, each used once: the
        answers of a group where each prompt has its own logits (`group_size` must be a multiple), the prompts
        of a batch where logits are shared (`batch_size` must be a multiple).
    optimizer : {"sgd", "adam"}
        "sgd": the logits move by learning_rate times the drift. "adam": the drift goes through Adam, betas
        0.9 and 0.95, epsilon 1e-8, bias-corrected, moments kept over all updates of a run. Where each prompt
        has its own logits, it has its own moments, which change only when the prompt is drawn and its group
        counts. A drift below 1e-14 counts as zero, because Adam would scale rounding errors up to a full
        step.
    update : {"gradient", "mirror"}
        "gradient": the policy gradient above. "mirror": the group's rewards define a target distribution over
        the distinct sampled answers, and the policy moves towards it along the gradient of their cross
        entropy. An answer's reward is the mean over its samples. `advantage` does not apply, because a
        constant subtracted from all rewards leaves the target unchanged; `clip` must be None. Where logits
        are shared, an answer is the sequence of its tokens' decisions, the groups' gradients are averaged,
        and `inner_updates` may split the batch, which leaves each group whole.
    mirror_temperature : float, above 0
        With "mirror", the softness of the target: the weight of its KL divergence from the policy.
    verifier_noise : (float, float), each in [0, 1]
        TRUE's false positive and false negative rates: the probability that an incorrect answer is rewarded,
        and that a correct one is not, independently for each answer. All other random draws are unchanged.
    majority_labels : {"group", "fixed"}
        Label that MAJORITY rewards. "group": the plurality of the answer's own group. "fixed": one label per
        prompt, fixed before training by a vote of `label_votes` answers of the prior, or with the fraction
        `label_share_right` of correct labels; see :func:`rlvr.simulator.labels.fixed_labels`.
    label_votes : int, at least 1
        With "fixed", number of the prior's answers that vote on a prompt's label; `tie_break` decides ties.
    label_share_right : None or float in [0, 1]
        With "fixed", the fraction of prompts whose label is correct, instead of a vote.

    Raises
    ------
    TypeError, ValueError
        If an argument is out of range, or `clip` is set with the update "mirror"; the message names it.
    """

    n_steps: int = 200
    batch_size: int = 16
    group_size: int = 8
    learning_rate: float = 0.05
    kl_coefficient: float = 0.01
    filtering: str = "drop"
    tie_break: str = "lowest"
    kl: str = "forward"
    advantage: str = "grpo"
    refill_cap: int = 3
    clip: tuple[float, float] | None = None
    inner_updates: int = 1
    optimizer: str = "sgd"
    update: str = "gradient"
    mirror_temperature: float = 1.0
    verifier_noise: tuple[float, float] = (0.0, 0.0)
    majority_labels: str = "group"
    label_votes: int = 64
    label_share_right: float | None = None

    def __post_init__(self) -> None:
        whole("n_steps", self.n_steps, "an integer of at least 0", at_least=0, at_most=MOST)
        whole("batch_size", self.batch_size, "an integer of at least 1", at_least=1, at_most=MOST)
        whole("group_size", self.group_size, "an integer of at least 2", at_least=2, at_most=MOST)
        real("learning_rate", self.learning_rate, "a finite number above 0", above=0)
        real("kl_coefficient", self.kl_coefficient, "a finite number of at least 0", above=0, closed=True)
        whole("refill_cap", self.refill_cap, "an integer of at least 1", at_least=1, at_most=MOST)
        whole("inner_updates", self.inner_updates, "an integer of at least 1", at_least=1, at_most=MOST)
        softness = real("mirror_temperature", self.mirror_temperature, "a finite number above 0", above=0)
        if softness < _SOFTEST:
            raise ValueError(
                f"mirror_temperature must be at least {_SOFTEST}, or a reward divided by it is not finite, "
                f"got {shown(self.mirror_temperature)}"
            )
        whole("label_votes", self.label_votes, "an integer of at least 1", at_least=1, at_most=MOST)
        for name in _NUMBERS:
            object.__setattr__(self, name, as_given(getattr(self, name)))
        for name, accepted in OPTIONS.items():
            choice(name, getattr(self, name), accepted)
        if self.clip is not None:
            accepted_clip = "None or two numbers (low, high), each above 0"
            low, high = _pair("clip", self.clip, accepted_clip)
            if min(low, high) <= 0:
                raise ValueError(f"clip must be {accepted_clip}, got {shown(self.clip)}")
            object.__setattr__(self, "clip", (low, high))
        if self.update == "mirror" and self.clip is not None:
            raise ValueError(
                "clip must be None with update='mirror', which has no ratio to clip: its target is a "
                f"distribution, got {shown(self.clip)}"
            )
        rates = "two rates (false positive, false negative), each in [0, 1]"
        noise = _pair("verifier_noise", self.verifier_noise, rates)
        if not all(0 <= rate <= 1 for rate in noise):
            raise ValueError(f"verifier_noise must be {rates}, got {shown(self.verifier_noise)}")
        object.__setattr__(self, "verifier_noise", noise)
        if self.label_share_right is not None:
            wanted = "None or a fraction in [0, 1]"
            real("label_share_right", self.label_share_right, wanted, above=0, below=1, closed=True)
            object.__setattr__(self, "label_share_right", as_given(self.label_share_right))

    def __repr__(self) -> str:
        """The settings that differ from the defaults, which are the published light settings."""
        changed = ((f.name, getattr(self, f.name)) for f in fields(self))
        named = [f"{name}={value!r}" for name, value in changed if value != getattr(type(self), name)]
        return f"GRPOConfig({', '.join(named)})"


def _pair(name: str, value: object, accepted: str) -> tuple[float, float]:
    """Return `value` as two finite floats."""
    if isinstance(value, str) or not isinstance(value, Sequence) or len(value) != 2:
        raise TypeError(f"{name} must be {accepted}, got {shown(value)}")
    first, second = (real(name, number, accepted) for number in value)
    return first, second


def refuse_new_rules(config: GRPOConfig, where: str) -> None:
    """Raise a ValueError if `config` has a rule that the published study lacks; `where` is quoted."""
    for name in _NEW_RULES:
        if getattr(config, name) != getattr(LIGHT, name):
            raise ValueError(
                f"{name} must be {shown(getattr(LIGHT, name))} {where}, got {shown(getattr(config, name))}"
            )


_NEW_RULES = (
    "advantage", "clip", "inner_updates", "optimizer", "update", "verifier_noise", "majority_labels",
)  # fmt: skip

_NUMBERS = (
    "n_steps", "batch_size", "group_size", "learning_rate", "kl_coefficient", "refill_cap", "inner_updates",
    "mirror_temperature", "label_votes",
)  # fmt: skip
_SOFTEST = 1e-307  # smallest mirror_temperature whose inverse is finite

LIGHT = GRPOConfig()
"""The light settings of the published study (with a family of 40 prompts, 8 actions, 2 correct)."""

HEAVY = GRPOConfig(n_steps=400, batch_size=20, group_size=10)
"""The heavy settings of its sweep (with a family of 80 prompts, 10 actions, 2 correct)."""
