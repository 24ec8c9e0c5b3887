"""How a policy is trained: every setting of GRPO that the simulator knows, checked when it is named.

One update of one prompt's logits, from a group of G sampled actions with rewards r:

    logits += learning_rate * ( mean_i A_i (onehot(a_i) - policy)  +  kl_coefficient * KL term )
    A_i = (r_i - mean r) / (std r + 1e-8),   population std
"""

from __future__ import annotations

from dataclasses import dataclass

from rlvr._checks import choice, real, whole

__all__ = ["HEAVY", "LIGHT", "GRPOConfig"]

_PLANNED = {"advantage": ("centered", "rloo")}


@dataclass(frozen=True)
class GRPOConfig:
    """How a policy is trained.

    Parameters
    ----------
    n_steps : int, at least 0
        Training steps.
    batch_size : int, at least 1
        Prompts a step, drawn without replacement.
    group_size : int, at least 2
        Sampled actions a prompt and step, G.
    learning_rate : float, above 0
        Step size on the logits.
    kl_coefficient : float, at least 0
        Pull towards the prior, beta.
    filtering : {"drop", "off", "refill"}
        What happens to a group whose rewards are all equal. "drop": no policy and no KL term.
        "off": its KL term applies. "refill": it is dropped and the next prompt of the step's shuffled
        order takes its place, in each arm on its own, until the batch is full or `refill_cap` is reached.
    refill_cap : int, at least 1
        With "refill", at most this many batches' worth of prompts are tried in a step, none of them
        twice; so never more than there are prompts.
    tie_break : {"lowest", "uniform"}
        Which of the most frequent actions counts as the plurality: the one of lowest index, or one at random.
    kl : {"forward", "reverse"}
        "forward", as published: ``-(policy - prior)``, the gradient of -KL(prior || policy).
        "reverse": the gradient of -KL(policy || prior), the term that GRPO's objective names.
    advantage : {"grpo", "centered", "rloo"}
        "grpo" divides by the group's standard deviation.

    Raises
    ------
    TypeError, ValueError
        If an argument is out of range; the message names it.
    NotImplementedError
        For the options that are named but not built yet.
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

    def __post_init__(self) -> None:
        whole("n_steps", self.n_steps, "an integer of at least 0", at_least=0, at_most=2**32 - 1)
        whole("batch_size", self.batch_size, "an integer of at least 1", at_least=1)
        whole("group_size", self.group_size, "an integer of at least 2", at_least=2)
        real("learning_rate", self.learning_rate, "a finite number above 0", above=0)
        real("kl_coefficient", self.kl_coefficient, "a finite number of at least 0", above=0, closed=True)
        whole("refill_cap", self.refill_cap, "an integer of at least 1", at_least=1)
        options = {
            "filtering": ("off", "drop", "refill"),
            "tie_break": ("lowest", "uniform"),
            "kl": ("forward", "reverse"),
            "advantage": ("grpo", "centered", "rloo"),
        }
        for name, accepted in options.items():
            value = choice(name, getattr(self, name), accepted)
            if value in _PLANNED.get(name, ()):
                built = [option for option in accepted if option not in _PLANNED[name]]
                raise NotImplementedError(f"{name}={value!r} is not built yet; available: {', '.join(built)}")


LIGHT = GRPOConfig()
"""The light settings of the published study (with a family of 40 prompts, 8 actions, 2 correct)."""

HEAVY = GRPOConfig(n_steps=400, batch_size=20, group_size=10)
"""The heavy settings of its sweep (with a family of 80 prompts, 10 actions, 2 correct)."""
