"""Fit the network to a known prior, and refuse a fit with an error above 0.01."""

from __future__ import annotations

import os
from pathlib import Path

import torch

from network.addition_task import ITEMS, MODULUS, PRIORS, STRATEGIES
from network.policy import ID, PROMPTS, enumerate_answers, new_network

__all__ = ["fitted", "misfit"]

TOLERANCE = {"mean": 0.01, "item": 0.01}
FIRST = "strong"
STEPS = {"strong": 320, "middle": 160, "weak": 160}
LEARNING_RATE = 3e-3


def misfit(model: torch.nn.Module, prior_name: str) -> dict[str, float]:
    """Largest distance from the prior, over the means of all items and over single items."""
    prior, answers = PRIORS[prior_name], enumerate_answers(model)
    target = {
        "right": prior.accuracy,
        "share_c": prior.share,
        "share_d": 1 - prior.share,
        "right_c": prior.right_c,
        "right_d": prior.right_d,
    }
    away = {name: getattr(answers, name) - value for name, value in target.items()}
    return {
        "mean": max(float(values.mean().abs()) for values in away.values()),
        "item": max(float(values.abs().mean()) for values in away.values()),
        "item_right": float(away["right"].abs().max()),
    }


def fitted(prior_name: str, seed: int, folder: Path) -> Path:
    """Weights of one seed's network, fitted to a prior, or read if they were fitted before.

    The sums are learned once per seed, with the strong prior; the other priors start from there.

    Raises
    ------
    RuntimeError
        If the fit is not within the tolerances after the last step.
    """
    target = folder / f"{prior_name}-{seed}.pt"
    if target.exists():
        return target
    model = new_network(seed, None if prior_name == FIRST else fitted(FIRST, seed, folder))
    prior = PRIORS[prior_name]
    asked = PROMPTS.repeat_interleave(len(STRATEGIES), dim=0)
    chosen = torch.tensor([ID[name] for name in STRATEGIES]).repeat(len(ITEMS))[:, None]
    tokens = torch.cat([asked, chosen], dim=1)
    first = torch.zeros(len(tokens), model.config.vocab_size)
    first[:, ID["c"]], first[:, ID["d"]] = prior.share, 1 - prior.share
    second = torch.zeros_like(first)
    second[:, :MODULUS] = torch.tensor([prior.digits(s, item) for item in ITEMS for s in STRATEGIES])
    aim = torch.stack([first, second], dim=1)
    steps = STEPS[prior_name]
    optimizer = torch.optim.Adam(model.parameters(), lr=LEARNING_RATE)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, LEARNING_RATE, total_steps=steps, pct_start=0.1)
    for _ in range(steps):
        loss = -(aim * model(tokens).logits[:, -2:].log_softmax(-1)).sum(-1).mean()
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
    found = misfit(model, prior_name)
    if any(found[name] > most for name, most in TOLERANCE.items()):
        raise RuntimeError(
            f"the fit to the {prior_name} prior (seed {seed}) ended {found} away, accepted is {TOLERANCE}"
        )
    folder.mkdir(parents=True, exist_ok=True)
    part = target.with_suffix(f".{os.getpid()}")
    torch.save(model.state_dict(), part)
    part.replace(target)
    return target
