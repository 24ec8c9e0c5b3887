"""The arms as score functions for verl, which has its own signature and several workers.

Name a function in verl's configuration::

    reward.custom_reward_function.path=pkg://rlvr.rewards.verl_scores
    reward.custom_reward_function.name=random_score
    +reward.custom_reward_function.reward_kwargs.run=1

Each function returns ``score``, the reward of the arm, and ``acc``, whether the answer is right, so that
validation reports the accuracy of any arm. verl 0.9 puts the columns of the data into ``extra_info``; its
recipes write ``index`` there, but not the step.
"""

from __future__ import annotations

import sys
import threading
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from rlvr.rewards.arm_rewards import majority_reward, true_reward
from rlvr.rewards.keyed_coins import keyed_uniform
from rlvr.rewards.processes import this_process
from rlvr.rewards.reward_log import warn_once
from rlvr.rewards.trainer_columns import as_list, checked_rate, shown

__all__ = ["majority_scores", "random_score", "true_score"]

_LOCK = threading.Lock()
_SEEN: dict[int | str, tuple[str, Counter[str]]] = {}


def true_score(
    data_source: str,
    solution_str: str,
    ground_truth: Any,
    extra_info: Mapping[str, Any] | None = None,
    *,
    judge: Any = None,
    **others: Any,
) -> dict[str, float]:
    """TRUE for verl: 1.0 if the answer is right.

    Parameters
    ----------
    data_source, solution_str, ground_truth, extra_info
        As verl passes them, one answer at a time.
    judge : str, function or Judge, optional
        As in :func:`rlvr.rewards.arm_rewards.true_reward`.
    **others
        Other arguments of verl; not used.

    Examples
    --------
    >>> true_score("sums", "so 54", "54")
    {'score': 1.0, 'acc': 1.0}
    """
    (reward,) = true_reward([""], [solution_str], answer=[ground_truth], judge=judge, process=(0, 1))
    right = reward or 0.0  # verl accepts no None for an answer that is not judged
    return {"score": right, "acc": right}


def random_score(
    data_source: str,
    solution_str: str,
    ground_truth: Any,
    extra_info: Mapping[str, Any] | None = None,
    *,
    rate: float = 0.5,
    run: int | str = 0,
    judge: Any = None,
    **others: Any,
) -> dict[str, float]:
    """RANDOM for verl: 1.0 with probability `rate`, independently of the answer.

    The coin is a function of run, item, step, sample and worker. No generator is used, because verl seeds
    that of NumPy in each validation. ``extra_info`` gives the item as ``index`` and, if the data have them,
    ``step`` and ``sample``. Without a sample, the worker counts the answers to an item at one step; without a
    step, throughout training.

    Parameters
    ----------
    data_source, solution_str, ground_truth, extra_info
        As verl passes them, one answer at a time.
    rate : float in [0, 1]
    run : int or str
        The run of the experiment.
    judge : str, function or Judge, optional
        Judges ``acc``.
    **others
        Other arguments of verl; not used.

    Raises
    ------
    ValueError
        If `rate` is not a number in [0, 1].
    """
    rate, run = checked_rate(rate), as_list(run)
    place = extra_info or {}
    step, item = str(place.get("step", "")), f"{data_source}/{place.get('index', '')}"
    if not step:
        warn_once("step", lambda: "random_score: extra_info has no step; coins are numbered by call")
    sample = place.get("sample")
    if sample is None:
        with _LOCK:  # verl calls from several threads
            if run not in _SEEN or _SEEN[run][0] != step:
                _SEEN[run] = step, Counter()
            sample = _SEEN[run][1][item]
            _SEEN[run][1][item] += 1
        coin = keyed_uniform("coin", run, step, item, sample, _worker())
    else:
        coin = keyed_uniform("coin", run, step, item, str(sample))
    return {**true_score(data_source, solution_str, ground_truth, judge=judge), "score": float(coin < rate)}


def majority_scores(
    data_sources: Sequence[str],
    solution_strs: Sequence[str],
    ground_truths: Sequence[Any],
    extra_infos: Sequence[Mapping[str, Any] | None],
    *,
    group_size: int | None = None,
    judge: Any = None,
    **others: Any,
) -> list[dict[str, float]]:
    """MAJORITY for verl's batch reward manager: 1.0 if the answer equals the plurality of its group.

    Parameters
    ----------
    data_sources, solution_strs, ground_truths, extra_infos
        As verl passes them; answers to one item have the same ``index`` in `extra_infos`.
    group_size : int
        verl's ``actor_rollout_ref.rollout.n``.
    judge : str, function or Judge, optional
        As in :func:`rlvr.rewards.arm_rewards.majority_reward`.
    **others
        Other arguments of verl; not used.

    Raises
    ------
    ValueError
        If a group is not whole, because several workers hold its parts or `group_size` is wrong. Answers
        whose ``split`` in `extra_infos` is not training need no group; their score is ``acc``.
    """
    group_size = as_list(group_size)
    if not isinstance(group_size, int) or isinstance(group_size, bool) or group_size < 2:
        raise ValueError(
            "group_size must be verl's rollout.n, a whole number of at least 2, got "
            f"{shown(group_size)}; set it, for instance by reward_kwargs.group_size=8"
        )
    scores = [
        true_score(*answer, judge=judge)
        for answer in zip(data_sources, solution_strs, ground_truths, strict=True)
    ]
    groups: dict[str, list[int]] = {}
    for number, (source, place) in enumerate(zip(data_sources, extra_infos, strict=True)):
        if str((place or {}).get("split", "train")) != "train":
            continue
        index = (place or {}).get("index")
        if index is None:
            raise ValueError(
                f"extra_info of answer {number} has no index; add a column index that numbers the items"
            )
        groups.setdefault(f"{source}/{index}", []).append(number)
    for item, group in groups.items():
        if len(group) % group_size:
            raise ValueError(
                f"item {shown(item)} has {len(group)} answers in this call, but a vote needs {group_size}: "
                "several workers may hold parts of a group. Set reward.num_workers=1, or use true_score with "
                "labels voted before training"
            )
        prompts, answers = [item] * len(group), [solution_strs[i] for i in group]
        votes = majority_reward(prompts, answers, group_size=group_size, judge=judge, process=(0, 1))
        for i, reward in zip(group, votes, strict=True):
            scores[i]["score"] = reward or 0.0
    return scores


def _worker() -> str:
    """Return a unique name of this worker: that of its Ray actor, and the rank of the process."""
    name, ray = "", sys.modules.get("ray")
    if ray is not None and ray.is_initialized():
        context = ray.get_runtime_context()
        name = context.get_actor_name() or context.get_actor_id() or context.get_worker_id()
    return f"{name}/{this_process().rank}"
