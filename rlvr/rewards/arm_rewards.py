"""The arms as reward functions: what each trained arm pays for a completion.

FROZEN has none, because it is not trained. The three others have the signature that ``GRPOTrainer`` of TRL
calls: ``f(prompts, completions, completion_ids, **columns)``, everything by keyword, with the columns of
the data set and ``trainer_state``, ``log_extra``, ``log_metric`` among the keywords; they return one float
a completion. Options are keywords too; fix them with :func:`with_options`::

    trainer = GRPOTrainer(..., reward_funcs=with_options(true_reward, column="solution"))

verl calls ``compute_score(data_source, solution_str, ground_truth, extra_info=None)``, one answer at a time:

* TRUE there is ``true_reward([""], [solution_str], answer=[ground_truth])[0]``.
* RANDOM needs ``run=``, ``step=`` and the sample's number, which such a call does not know unless your data
  pipeline writes them into ``extra_info``.
* A vote within the group needs the group, so MAJORITY needs verl's batch reward manager, which hands over
  all answers of a batch at once; with labels fixed before training, it is TRUE against those labels.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Mapping, Sequence
from functools import partial, update_wrapper
from reprlib import repr as shown
from typing import Any

from rlvr.rewards.answer_reading import canonical, completion_text, last_answer
from rlvr.rewards.keyed_coins import keyed_uniform
from rlvr.rewards.plurality_vote import TIE_BREAKS, plurality
from rlvr.rewards.trainer_columns import column as column_of
from rlvr.rewards.trainer_columns import prompt_groups, prompt_text, same_length, step_of

__all__ = ["majority_reward", "random_reward", "true_reward", "with_options"]

Reader = Callable[[str], Any]


def true_reward(
    prompts: Sequence[Any],
    completions: Sequence[Any],
    completion_ids: Any = None,
    *,
    column: str = "answer",
    read: Reader = last_answer,
    **columns: Any,
) -> list[float | None]:
    """TRUE: 1.0 if the answer equals the one in the data set, else 0.0.

    Parameters
    ----------
    prompts : list
        One entry a completion.
    completions : list
        Strings, or lists of chat messages.
    completion_ids : object, optional
        Token ids; not used.
    column : str
        The column of the data set that holds the right answers.
    read : function from str to answer or None
        How the answer is read out of the text; see :func:`rlvr.rewards.answer_reading.last_answer`.
    **columns
        Columns of the data set, one entry a completion, and the trainer's own keywords.

    Returns
    -------
    list of float or None
        0.0 also for a completion in which no answer is found, as is the field's custom; None, which TRL
        reads as "not judged", where the column has no answer.

    Raises
    ------
    KeyError
        If there is no such column.
    ValueError, TypeError
        If lengths differ, or a completion is neither text nor chat messages.

    Examples
    --------
    >>> true_reward(["2+2=", "2+2="], ["it is 4", "it is 5"], answer=["4", "4"])
    [1.0, 0.0]
    """
    truths = [canonical(truth) for truth in column_of(column, columns, same_length(prompts, completions))]
    answers = _answers(completions, read)
    _log_unread("true_reward", answers, columns)
    return [
        None if truth is None else _paid(answer, truth) for answer, truth in zip(answers, truths, strict=True)
    ]


def majority_reward(
    prompts: Sequence[Any],
    completions: Sequence[Any],
    completion_ids: Any = None,
    *,
    labels: str | Mapping[str, Any] | None = None,
    read: Reader = last_answer,
    group_size: int | None = None,
    tie_break: str = "first",
    run: int | str = 0,
    step: int | None = None,
    trainer_state: Any = None,
    **columns: Any,
) -> list[float | None]:
    """MAJORITY: 1.0 if the answer equals the plurality's, or a label fixed before training, else 0.0.

    Parameters
    ----------
    prompts, completions, completion_ids
        As in :func:`true_reward`; for a vote, the completions of one prompt must stand together.
    labels : str or mapping, optional
        None: a vote among the completions of one prompt in this call. A string: the column that holds
        labels fixed before training. A mapping: from the prompt, as
        :func:`rlvr.rewards.trainer_columns.prompt_text` writes it, to its label.
    read : function from str to answer or None
        As in :func:`true_reward`. An answer that is not found does not vote.
    group_size : int, optional
        The trainer's ``num_generations``; see :func:`rlvr.rewards.trainer_columns.prompt_groups`.
    tie_break : {"first", "lowest", "uniform"}
        How a tied vote is settled, see :func:`rlvr.rewards.plurality_vote.plurality`; "uniform" draws by
        (run, step, prompt).
    run, step, trainer_state
        As in :func:`random_reward`; used by ``tie_break="uniform"`` alone.
    **columns
        Columns of the data set, and the trainer's own keywords.

    Returns
    -------
    list of float or None
        0.0 also where no answer is found; None, "not judged", where a fixed label is None.

    Raises
    ------
    KeyError
        If there is no such column, or a prompt has no label in the mapping.
    ValueError, TypeError
        If a group holds unequal prompts, or an argument is not accepted.

    Examples
    --------
    >>> majority_reward(["p"] * 3 + ["q"] * 3, ["1", "2", "2", "7", "8", "none"])
    [0.0, 1.0, 1.0, 1.0, 0.0, 0.0]
    """
    n_completions = same_length(prompts, completions)
    if tie_break not in TIE_BREAKS:
        raise ValueError(f"tie_break must be one of {', '.join(TIE_BREAKS)}, got {shown(tie_break)}")
    _check_run(run)
    answers = _answers(completions, read)
    fixed: list[Hashable]
    if labels is None:
        fixed = [None] * n_completions
        for group in prompt_groups(prompts, group_size):
            prompt = prompt_text(prompts[group[0]])

            def drawn(prompt: str = prompt) -> float:
                return keyed_uniform("tie", run, step_of(step, trainer_state), prompt)

            winner = plurality([answers[i] for i in group], tie_break, drawn)
            for i in group:
                fixed[i] = _NOBODY if winner is None else winner
    elif isinstance(labels, str):
        fixed = [canonical(label) for label in column_of(labels, columns, n_completions)]
    elif isinstance(labels, Mapping):
        fixed = [_label(labels, prompt) for prompt in prompts]
    else:
        raise TypeError(f"labels must be None, a column's name or a mapping, got {shown(labels)}")
    _log_unread("majority_reward", answers, columns)
    return [
        None if label is None else _paid(answer, label) for answer, label in zip(answers, fixed, strict=True)
    ]


def random_reward(
    prompts: Sequence[Any],
    completions: Sequence[Any],
    completion_ids: Any = None,
    *,
    rate: float = 0.5,
    run: int | str = 0,
    step: int | None = None,
    trainer_state: Any = None,
    **columns: Any,
) -> list[float | None]:
    """RANDOM: 1.0 with probability `rate`, whatever the completion says, else 0.0.

    The coin is a function of (run, step, prompt, sample): of nothing else, and of no global state. `sample`
    counts the completions of one prompt within a call. So two calls at one step that hold the same prompt
    get the same coins; where several processes share a prompt, put their rank into `run`.

    Parameters
    ----------
    prompts, completions, completion_ids
        As in :func:`true_reward`; the completions are not looked at.
    rate : float in [0, 1]
        Probability of a reward.
    run : int or str
        Which run of the experiment this is: other runs, other coins.
    step : int, optional
        By default ``trainer_state.global_step``.
    trainer_state : object with ``global_step``
        Handed over by the trainer.
    **columns
        Columns of the data set, and the trainer's own keywords; not used.

    Raises
    ------
    TypeError
        If neither `step` nor `trainer_state` tells the step, or `run` is no whole number and no string.
    ValueError
        If `rate` is no number in [0, 1], or lengths differ.

    Examples
    --------
    >>> random_reward(["p"] * 6, ["x"] * 6, run=7, step=1)
    [1.0, 0.0, 0.0, 0.0, 1.0, 0.0]
    """
    same_length(prompts, completions)
    if isinstance(rate, bool) or not isinstance(rate, (int, float)) or not 0 <= rate <= 1:
        raise ValueError(f"rate must be a probability, from 0 to 1, got {shown(rate)}")
    _check_run(run)
    now = step_of(step, trainer_state)
    seen: Counter[str] = Counter()
    rewards: list[float | None] = []
    for prompt in map(prompt_text, prompts):
        rewards.append(float(keyed_uniform("coin", run, now, prompt, seen[prompt]) < rate))
        seen[prompt] += 1
    return rewards


def with_options(reward: Callable[..., list[float | None]], **options: Any) -> Callable[..., Any]:
    """The same reward function with some options fixed, under the same ``__name__``.

    Trainers log a reward under its name, which `functools.partial` alone does not have.

    Parameters
    ----------
    reward : function
        :func:`true_reward`, :func:`majority_reward` or :func:`random_reward`.
    **options
        Keywords of that function.

    Examples
    --------
    >>> judged = with_options(true_reward, column="solution")
    >>> judged.__name__, judged(prompts=["p"], completions=["4"], solution=[4])
    ('true_reward', [1.0])
    """
    return update_wrapper(partial(reward, **options), reward)


class _Nobody:
    """The label of a group in which no answer was found: equal to no answer."""


_NOBODY = _Nobody()


def _answers(completions: Sequence[Any], read: Reader) -> list[Hashable]:
    return [canonical(read(completion_text(completion))) for completion in completions]


def _paid(answer: Hashable, label: Hashable) -> float:
    return float(answer is not None and answer == label)


def _label(labels: Mapping[str, Any], prompt: Any) -> Hashable:
    text = prompt_text(prompt)
    if text not in labels:
        raise KeyError(f"labels has no entry for the prompt {shown(text)}")
    return canonical(labels[text])


def _check_run(run: int | str) -> None:
    if isinstance(run, bool) or not isinstance(run, (int, str)):
        raise TypeError(
            f"run must be a whole number or a string, got {shown(run)} (a column of the data set that is "
            "called run must be renamed)"
        )


def _log_unread(name: str, answers: Sequence[Hashable], columns: Mapping[str, Any]) -> None:
    log_metric = columns.get("log_metric")
    if callable(log_metric) and answers:
        log_metric(f"{name}/unread", sum(answer is None for answer in answers) / len(answers))
