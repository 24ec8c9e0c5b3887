"""The reward function of each trained arm.

FROZEN has no reward because it is not trained. The three others have the signature that ``GRPOTrainer`` of
TRL calls, ``f(prompts, completions, completion_ids, **columns)``. All arguments are keywords, among them the
columns of the data set, ``trainer_state``, ``log_extra`` and ``log_metric``. A reward returns one float per
completion. Options are keywords too; fix them with :func:`with_options`::

    trainer = GRPOTrainer(..., reward_funcs=with_options(true_reward, column="solution"))

For verl see :mod:`rlvr.rewards.verl_scores`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from functools import partial, update_wrapper
from numbers import Integral
from typing import Any

from rlvr.rewards.judges import Judge, Judging
from rlvr.rewards.keyed_coins import keyed_uniform
from rlvr.rewards.labels import read_label
from rlvr.rewards.plurality_vote import TIE_BREAKS, answer_classes, plurality
from rlvr.rewards.processes import Process, shared_by_all, this_process
from rlvr.rewards.reward_log import (
    FlatCoins,
    flat_fraction,
    log_rewards,
    prompt_counts,
    trainer_group_size,
    warn_once,
)
from rlvr.rewards.trainer_columns import (
    checked_rate,
    prompt_digest,
    prompt_groups,
    prompt_text,
    same_length,
    shown,
    step_of,
)
from rlvr.rewards.trainer_columns import column as column_of

__all__ = ["majority_reward", "random_reward", "true_reward", "with_options"]

Reader = Callable[[str], Any]


def true_reward(
    prompts: Sequence[Any],
    completions: Sequence[Any],
    completion_ids: Any = None,
    *,
    column: str = "answer",
    judge: str | Callable[[Any, Any], Any] | Judge | None = None,
    read: Reader | None = None,
    process: tuple[int, int] | None = None,
    log_as: str = "true_reward",
    **columns: Any,
) -> list[float | None]:
    """TRUE: 1.0 if the answer equals the one in the data set, else 0.0.

    Parameters
    ----------
    prompts : list
        One entry per completion.
    completions : list
        Strings, or lists of chat messages.
    completion_ids : object, optional
        Token ids; not used.
    column : str
        The column of the data set that holds the right answers.
    judge : str, function or Judge, optional
        Decides whether an answer is right; see :func:`rlvr.rewards.judges.find_judge`.
    read : function from str to answer or None, optional
        Reads the answer from the text, in place of the judge's own reader (mostly
        :func:`rlvr.rewards.answer_reading.last_answer`).
    process : (int, int), optional
        As in :func:`random_reward`; used only for logging.
    log_as : str
        Prefix of logged measures; :func:`with_options` sets it.
    **columns
        Columns of the data set, one entry per completion, and the trainer's own keywords.

    Returns
    -------
    list of float or None
        0.0 also for a completion in which no answer is found, as is the field's custom; None, which TRL
        reads as "not judged", where the label holds no answer (see :func:`rlvr.rewards.labels.read_label`).

    Raises
    ------
    KeyError
        If there is no such column.
    ValueError, TypeError
        If lengths differ, or a label is neither text nor number. No completion raises an error.

    Examples
    --------
    >>> true_reward(["2+2=", "2+2="], ["it is 4", "it is 5"], answer=["4", "4"])
    [1.0, 0.0]
    """
    judging = Judging(judge, read)
    truths = _labels(column_of(column, columns, same_length(prompts, completions)), column)
    answers = judging.answers(completions)
    rewards = [_paid(judging, answer, truth) for answer, truth in zip(answers, truths, strict=True)]
    _log(log_as, _measures(judging, answers, truths), prompts, rewards, _process(process), columns)
    _log_readings(log_as, answers, truths, columns)
    return rewards


def majority_reward(
    prompts: Sequence[Any],
    completions: Sequence[Any],
    completion_ids: Any = None,
    *,
    labels: str | Mapping[str, Any] | None = None,
    judge: str | Callable[[Any, Any], Any] | Judge | None = None,
    read: Reader | None = None,
    group_size: int | None = None,
    tie_break: str = "first",
    run: int | str = 0,
    step: int | None = None,
    process: tuple[int, int] | None = None,
    trainer_state: Any = None,
    log_as: str = "majority_reward",
    **columns: Any,
) -> list[float | None]:
    """MAJORITY: 1.0 if the answer equals the plurality answer or a label fixed before training, else 0.0.

    Parameters
    ----------
    prompts, completions, completion_ids
        As in :func:`true_reward`; for a vote, the completions of one prompt must be adjacent.
    labels : str or mapping, optional
        None: a vote among the completions of one prompt in this call. A string: the column of labels fixed
        before training. A mapping: from the prompt, as
        :func:`rlvr.rewards.trainer_columns.prompt_text` writes it, to its label.
    judge, read
        As in :func:`true_reward`. A completion without an answer does not vote. Answers that the judge finds
        equal vote together; see :func:`rlvr.rewards.plurality_vote.answer_classes`.
    group_size : int, optional
        The trainer's ``num_generations``; see :func:`rlvr.rewards.trainer_columns.prompt_groups`.
    tie_break : {"first", "lowest", "uniform"}
        The rule for tied votes, see :func:`rlvr.rewards.plurality_vote.plurality`; "uniform" draws by
        (run, step, prompt).
    run, step, process, trainer_state
        As in :func:`random_reward`; a drawn tie needs the step. If torch.distributed is initialised, a vote
        gathers its group from all processes, each of which must call this function.
    log_as : str
        As in :func:`true_reward`.
    **columns
        Columns of the data set, and the trainer's own keywords.

    Returns
    -------
    list of float or None
        0.0 also for a completion without an answer; None, "not judged", where a fixed label is None.

    Raises
    ------
    KeyError
        If there is no such column, or a prompt has no label in the mapping.
    ValueError, TypeError
        If a group holds unequal prompts or may be split over processes that cannot exchange answers, if
        `group_size` differs from the trainer's ``num_generations``, or if an argument is not accepted.

    Examples
    --------
    >>> majority_reward(["p"] * 3 + ["q"] * 3, ["1", "2", "2", "7", "8", "none"])
    [0.0, 1.0, 1.0, 1.0, 0.0, 0.0]
    """
    n_completions = same_length(prompts, completions)
    if tie_break not in TIE_BREAKS:
        raise ValueError(f"tie_break must be one of {', '.join(TIE_BREAKS)}, got {shown(tie_break)}")
    run = _run(run)
    size, here = _group_size(group_size, columns), _process(process)
    judging = Judging(judge, read)
    rewards: list[float | None]
    measures: dict[str, float | None] = {}
    if labels is None and group_size is None and size == 1:  # an evaluation of one answer a prompt
        answers, rewards, truths = judging.answers(completions), [None] * n_completions, None
    elif labels is None:
        _refuse_parts(here, prompts, size)
        truths = None

        def make() -> list[tuple[str, Any]]:
            return list(zip(map(prompt_digest, prompts), judging.answers(completions), strict=True))

        every = shared_by_all(here, make) if here.gather else [make()]
        rank = here.rank if here.gather else 0
        answers = [answer for _, answer in every[rank]]
        rewards, measures = _vote(every, rank, prompts, size, judging, tie_break, (run, step, trainer_state))
    else:
        if isinstance(labels, str):
            truths = _labels(column_of(labels, columns, n_completions), labels)
        elif isinstance(labels, Mapping):
            truths = _labels([_label(labels, prompt) for prompt in prompts], "labels")
        else:
            raise TypeError(f"labels must be None, a column's name or a mapping, got {shown(labels)}")
        answers = judging.answers(completions)
        rewards = [_paid(judging, answer, truth) for answer, truth in zip(answers, truths, strict=True)]
    _log(log_as, {**_measures(judging, answers, truths), **measures}, prompts, rewards, here, columns)
    _log_readings(log_as, answers, truths, columns)
    return rewards


def random_reward(
    prompts: Sequence[Any],
    completions: Sequence[Any],
    completion_ids: Any = None,
    *,
    rate: float = 0.5,
    run: int | str = 0,
    step: int | None = None,
    process: tuple[int, int] | None = None,
    trainer_state: Any = None,
    log_as: str = "random_reward",
    **columns: Any,
) -> list[float | None]:
    """RANDOM: 1.0 with probability `rate`, independently of the completion, else 0.0.

    The coin is a function of (run, step, prompt, sample, process) and of no global state. `sample` counts the
    completions of one prompt over all calls of one trainer at one step; `trainer_state` identifies the
    trainer. The first of several processes draws the same coins as a single process.

    Parameters
    ----------
    prompts, completions, completion_ids
        As in :func:`true_reward`; the completions are not read.
    rate : float in [0, 1]
        Probability of a reward.
    run : int or str
        The run of the experiment; different runs have different coins.
    step : int, optional
        By default ``trainer_state.global_step``.
    process : (int, int), optional
        The rank of this process and the number of processes; by default as
        :func:`rlvr.rewards.processes.this_process` finds them.
    trainer_state : object with ``global_step``
        Passed by the trainer. Without it, calls with the same arguments draw the same coins.
    log_as : str
        As in :func:`true_reward`.
    **columns
        Columns of the data set, and the trainer's own keywords; not used.

    Raises
    ------
    TypeError
        If neither `step` nor `trainer_state` gives the step, or `run` is neither a whole number nor a string.
    RuntimeError
        If more groups in succession have equal rewards than fair coins explain (probability below 1e-12).
    ValueError
        If `rate` is not a number in [0, 1], or lengths differ.

    Examples
    --------
    >>> random_reward(["p"] * 6, ["x"] * 6, run=7, step=1)
    [1.0, 0.0, 0.0, 0.0, 1.0, 0.0]
    """
    same_length(prompts, completions)
    rate, run = checked_rate(rate), _run(run)
    now, here = step_of(step, trainer_state), _process(process)
    counts = prompt_counts(("coin", run, rate), now, trainer_state)
    is_first_call = not counts
    place = (here.rank,) if here.rank else ()  # the first process draws the coins of a single process
    rewards: list[float | None] = []
    for prompt in map(prompt_text, prompts):
        coin = keyed_uniform("coin", run, now, prompt, counts[prompt], *place)
        rewards.append(float(coin < rate))
        counts[prompt] += 1
    watched = _log(log_as, {"rate": _fraction(rewards)}, prompts, rewards, here, columns)
    flat = _FLAT.setdefault((run, rate), FlatCoins())
    if 0 < rate < 1 and trainer_state is not None and not (is_first_call and flat.last == now):
        flat.last = now
        flat.add(*watched, trainer_group_size(columns), rate)
    return rewards


def with_options(
    reward: Callable[..., list[float | None]], name: str | None = None, **options: Any
) -> Callable[..., Any]:
    """Return a reward function with some options fixed and a ``__name__`` of its own.

    Trainers log a reward under its name and merge rewards with equal names; a `functools.partial` has no
    name.

    Parameters
    ----------
    reward : function
        :func:`true_reward`, :func:`majority_reward` or :func:`random_reward`.
    name : str, optional
        By default the name of `reward`, followed by that of a given judge.
    **options
        Keywords of that function.

    Examples
    --------
    >>> judged = with_options(true_reward, column="solution")
    >>> judged.__name__, judged(prompts=["p"], completions=["4"], solution=[4])
    ('true_reward', [1.0])
    >>> with_options(true_reward, judge="plain").__name__
    'true_reward_plain'
    """
    if name is None:
        judge = options.get("judge")
        judged_by = (
            judge if isinstance(judge, str) else getattr(judge, "name", getattr(judge, "__name__", ""))
        )
        name = "_".join([reward.__name__, *re.findall(r"\w+", str(judged_by or ""))])
    fixed = update_wrapper(partial(reward, **{"log_as": name, **options}), reward)
    fixed.__name__ = name
    return fixed


def _labels(values: Sequence[Any], column: str) -> list[str | None]:
    """Read the answers from a column of labels."""
    known: dict[Any, str | None] = {}
    answers = []
    for number, value in enumerate(values):
        key = (type(value), value) if isinstance(value, (str, int, float)) else None
        if key is None or key not in known:
            answer = read_label(value, f"entry {number} of the column {shown(column)}").answer
            known[key] = answer
        answers.append(known[key])
    return answers


def _paid(judging: Judging, answer: Any, label: str | None) -> float | None:
    return None if label is None else float(judging.same(answer, label))


def _label(labels: Mapping[str, Any], prompt: Any) -> Any:
    text = prompt_text(prompt)
    if text not in labels:
        raise KeyError(f"labels has no entry for the prompt {shown(text)}; every prompt needs a label")
    return labels[text]


def _measures(
    judging: Judging, answers: Sequence[Any], labels: Sequence[str | None] | None
) -> dict[str, float | None]:
    return {
        "unread": _fraction(answer is None for answer in answers),
        "unread_labels": None if labels is None else _fraction(label is None for label in labels),
        "failed": judging.n_failed / len(answers) if judging.n_failed else None,
    }


def _is_letter(answer: Any) -> bool:
    return isinstance(answer, str) and re.fullmatch("[A-Za-z]", answer) is not None


def _log_readings(
    name: str, answers: Sequence[Any], labels: Sequence[str | None] | None, columns: Mapping[str, Any]
) -> None:
    """Add the answers and labels to TRL's table of completions."""
    log_extra = columns.get("log_extra")
    if callable(log_extra):
        for part, values in (("answer", answers), ("label", labels)):
            if values is not None:
                log_extra(f"{name}/{part}", [None if one is None else str(one)[:200] for one in values])
    if labels and all(map(_is_letter, labels)) and not any(map(_is_letter, answers)):
        warn_once(
            f"{name} letters",
            lambda: (
                f"{name}: the labels are letters of choices, but no answer of this batch was read as one; "
                "read=rlvr.rewards.answer_reading.last_choice reads them"
            ),
        )
    if labels and all(label is None for label in labels):
        warn_once(
            f"{name} labels", lambda: f"{name}: no label of this batch could be read; see `rlvr labels FILE`"
        )


def _run(run: int | str) -> int | str:
    if isinstance(run, bool) or not isinstance(run, (Integral, str)):
        raise TypeError(
            f"run must be a whole number or a string, got {shown(run)}; if the data set has a column run, "
            "rename the column"
        )
    return run if isinstance(run, str) else int(run)


_FLAT: dict[Hashable, FlatCoins] = {}


def _process(given: tuple[int, int] | None) -> Process:
    if given is None:
        return this_process()
    if (
        not isinstance(given, (tuple, list))
        or [type(number) for number in given] != [int, int]
        or not 0 <= given[0] < given[1]
    ):
        raise TypeError(f"process must be (rank, count) with 0 <= rank < count, or None; got {shown(given)}")
    return Process(*given, "process")


def _group_size(given: int | None, columns: Mapping[str, Any]) -> int | None:
    """Return the group size; that of the caller must agree with that of the trainer."""
    trained = trainer_group_size(columns)
    if given is not None and trained is not None and given != trained:
        raise ValueError(f"group_size must be the trainer's num_generations, {trained}; got {shown(given)}")
    return trained if given is None else given


def _refuse_parts(here: Process, prompts: Sequence[Any], size: int | None) -> None:
    """Refuse a vote if another process may hold a part of a group and cannot exchange answers."""
    if here.n_processes == 1 or here.gather:
        return
    problem = "the group size is not known"
    if size is not None:
        try:
            prompt_groups(prompts, size)
            return
        except ValueError as error:
            problem = str(error)
    raise ValueError(
        f"majority_reward runs in process {here.rank} of {here.n_processes} ({here.known_by}), which "
        f"cannot exchange answers and may hold a part of a group: {problem}. Give group_size= and whole "
        "groups to each process, initialise torch.distributed, or give labels fixed before training (labels=)"
    )


def _vote(
    every: Sequence[Sequence[tuple[str, Any]]],
    rank: int,
    prompts: Sequence[Any],
    size: int | None,
    judging: Judging,
    tie_break: str,
    tie: tuple[int | str, int | None, Any],
) -> tuple[list[float | None], dict[str, float | None]]:
    """Return the rewards of this process's completions, and measures of their votes."""
    first, n_here = sum(map(len, every[:rank])), len(prompts)
    votes = [vote for part in every for vote in part]
    rewards: list[float | None] = [0.0] * n_here
    n_voters, winning = [], []
    run, step, trainer_state = tie
    now = getattr(trainer_state, "global_step", None) if step is None else step
    counts = prompt_counts(("tie", run), now, trainer_state)
    for group in prompt_groups(prompts if len(every) == 1 else [digest for digest, _ in votes], size):
        n_voters.append(sum(votes[i][1] is not None for i in group))
        digest = votes[group[0]][0]
        number = counts[digest]
        counts[digest] += 1
        mine = [i for i in group if first <= i < first + n_here]
        if not mine:
            continue
        prompt = prompt_text(prompts[mine[0] - first])
        again = (number,) if number else ()  # a later group of one prompt at one step

        def drawn(prompt: str = prompt, again: tuple[int, ...] = again) -> float:
            return keyed_uniform("tie", run, step_of(step, trainer_state), prompt, *again)

        cast = _classes([votes[i][1] for i in group], judging)
        winner = plurality(cast, tie_break, drawn)
        won = {i for i, answer in zip(group, cast, strict=True) if answer is not None and answer == winner}
        winning.append(len(won) / len(group))
        for i in mine:
            rewards[i - first] = float(i in won)
    return rewards, {"vote_size": _mean(n_voters), "winning_fraction": _mean(winning)}


def _classes(answers: Sequence[Any], judging: Judging) -> list[Hashable]:
    keys = [judging.key(answer) for answer in answers]
    if judging.judge.same is None:
        return keys
    written: dict[Hashable, Any] = {}
    for key, answer in zip(keys, answers, strict=True):  # of equal keys, the alphabetically first answer
        written[key] = min(written.get(key, answer), answer, key=str)
    return answer_classes(keys, lambda one, other: judging.same(written[one], written[other]))


def _log(
    name: str,
    measures: Mapping[str, float | None],
    prompts: Sequence[Any],
    rewards: Sequence[float | None],
    here: Process,
    columns: Mapping[str, Any],
) -> tuple[list[str], list[float | None]]:
    """Log measures and the fraction of groups with equal rewards; return the prompts and rewards used.

    TRL calls a reward in every process, so its groups can be gathered whole. Other trainers may not, and
    waiting for a process that never calls would block; there, only this process's part is used.
    """
    size = trainer_group_size(columns)

    def make() -> tuple[list[str], list[float | None]]:
        return list(map(prompt_digest, prompts)), list(rewards)

    parts = shared_by_all(here, make) if here.gather and size is not None else [make()]
    digests = [digest for part in parts for digest in part[0]]
    every = [reward for part in parts for reward in part[1]]
    is_whole = here.n_processes == 1 or len(parts) > 1
    flat = flat_fraction(digests, every, size) if is_whole or size is not None else None
    log_rewards(name, {**measures, "flat_groups": flat}, columns)
    return digests, every


def _fraction(values: Iterable[Any]) -> float | None:
    return _mean([float(value) for value in values])


def _mean(values: Sequence[float]) -> float | None:
    return sum(values) / len(values) if values else None
