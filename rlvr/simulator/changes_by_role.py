"""Changes of the logits in training, by the role of the action, which an expected drift predicts.

A policy determines its logits up to a constant. The constant is chosen so that the changes of a prompt's
logits sum to zero, as every update does. The unit is one run: a mean over the prompts of a task draw.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from rlvr.simulator.runs import Runs
from rlvr.simulator.task_family import Tasks

__all__ = ["ROLES", "logit_changes", "role_masks"]

ROLES = ("correct", "format", "other wrong")


def role_masks(tasks: Tasks) -> dict[str, NDArray[np.bool_]]:
    """Assign a role to every action.

    The format action is the most probable wrong action. Where all wrong actions are alike, the first of them
    has this role, and the role has no meaning.

    Parameters
    ----------
    tasks : Tasks

    Returns
    -------
    dict of str to ndarray of bool (task, prompt, action)
        One mask for each name in ``ROLES``; every action has one role.
    """
    likeliest = np.where(tasks.correct, -1.0, tasks.prior).argmax(axis=-1)[..., None]
    marked = np.arange(tasks.prior.shape[-1]) == likeliest
    return dict(zip(ROLES, (tasks.correct, marked, ~tasks.correct & ~marked), strict=True))


def logit_changes(runs: Runs) -> dict[str, dict[str, NDArray[np.float64]]]:
    """Mean change of the logits of each role's actions, run by run.

    Parameters
    ----------
    runs : Runs
        From :func:`rlvr.simulate` with ``keep_policies=True``, of a family with at least two wrong
        actions.

    Returns
    -------
    dict of arm to dict of role to ndarray (task, seed)

    Raises
    ------
    ValueError
        If the runs kept no policies, or a role has no action.

    Examples
    --------
    >>> from rlvr import TaskFamily, simulate
    >>> runs = simulate(TaskFamily(), arms=("frozen",), n_seeds=1, keep_policies=True)
    >>> abs(float(logit_changes(runs)["frozen"]["correct"][0, 0])) < 1e-12
    True
    """
    if not isinstance(runs.tasks, Tasks):
        raise ValueError(f"runs must be of a TaskFamily, got runs of a {type(runs.family).__name__}")
    if runs.policies is None:
        raise ValueError("runs must have been simulated with keep_policies=True, got runs without policies")
    masks = role_masks(runs.tasks)
    if not masks["other wrong"].any():
        raise ValueError("runs must be of a family with at least two wrong actions, got one with fewer")
    change = np.log(runs.policies / runs.tasks.prior[:, None])
    change -= change.mean(axis=-1, keepdims=True)
    return {
        arm: {
            role: moved.mean(axis=(-2, -1), where=np.broadcast_to(mask[:, None], moved.shape))
            for role, mask in masks.items()
        }
        for arm, moved in zip(runs.arms, change, strict=True)
    }
