"""One run: the model, one family, one arm, measured exactly along training."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch

from language_model.grpo import Settings, Trainer
from language_model.items import FAMILIES, PILOT
from language_model.policy import MEASURES, Policy, divergence, measure
from language_model.weights import load

__all__ = ["train"]

RECORDED = ("loss", "reward", "clipped_low", "clipped_high", "gradient_norm")


def train(run: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Train one run and return the record that is kept.

    Parameters
    ----------
    run : dict
        Keys "family", "arm", "pair" (a number), optionally "key" (of all randomness, else the pair), "turned"
        (whether every coin is reversed), "split", "layers", "every" (steps between checkpoints), "device",
        "dtype" and "settings", see :class:`language_model.grpo.Settings`.
    folder : Path
        Folder of the dequantised model.

    Returns
    -------
    dict
        "run"; "path", one row per checkpoint: means over trained and over held-out questions, and means of
        the records of the steps since the previous row; "items", for each measure one value per question at
        the end.
    """
    torch.use_deterministic_algorithms(True)
    family = (FAMILIES | PILOT)[run["family"]]
    policy = Policy(*load(folder, dtype=run["dtype"], device=run["device"]), family, run["layers"])
    trained, held_out = family.split(run["split"])
    settings = Settings.of(run["settings"])
    trainer = Trainer(policy, settings, run["arm"], run.get("key", run["pair"]), trained, run["turned"])
    records: list[dict[str, float]] = []
    places = trained, held_out
    found = measure(policy, trainer.first)
    path = [_row(0, found, np.zeros(len(family.pairs)), places, records)]
    for record in trainer.steps() if run["arm"] != "frozen" else ():
        records.append(record)
        if trainer.step % run["every"] == 0 or trainer.step == settings.max_steps:
            found = measure(policy, trainer.table())
            moved = divergence(trainer.first, trainer.table(), policy.styles)
            path.append(_row(trainer.step, found, moved, places, records))
            records.clear()
    return {
        "run": run,
        "path": path,
        "items": {name: found[name].tolist() for name in ("right", "greedy", "style_logit")},
    }


def _row(
    step: int,
    found: dict[str, np.ndarray],
    moved: np.ndarray,
    places: tuple[list[int], list[int]],
    records: list[dict[str, float]],
) -> dict[str, float]:
    row: dict[str, float] = {"step": step}
    for where, index in zip(("trained", "held_out"), places, strict=True):
        row |= {f"{where}_{name}": float(found[name][index].mean()) for name in MEASURES}
        row[f"{where}_divergence"] = float(moved[index].mean())
    for name in RECORDED:
        row[name] = float(np.mean([one[name] for one in records])) if records else 0.0
    return row
