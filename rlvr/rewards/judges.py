r"""Judges: how an answer is read from a completion, and when two answers are the same.

``"plain"`` needs nothing and compares numbers by value and other texts by spelling. ``"math-verify"``,
``"verl"`` and ``"lm-eval"`` are the judges of those packages, which must be installed: math-verify with its
own reading, verl's ``math_reward`` and the harness's ``hendrycks_math``. By default answers are compared as
the plain judge does it and, where it can tell neither a number nor a word, also by math-verify if that is
installed (``pip install "rlvr[verify]"``).
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Hashable, Sequence
from fractions import Fraction
from functools import lru_cache, partial
from importlib import import_module
from importlib.machinery import ModuleSpec
from importlib.util import find_spec, module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any, NamedTuple

from rlvr.rewards.answer_reading import MOST_READ, canonical, completion_text, last_answer
from rlvr.rewards.reward_log import warn_once
from rlvr.rewards.trainer_columns import shown

__all__ = ["JUDGES", "Judge", "Judging", "find_judge"]

_LONGEST = 500  # characters of an answer that math-verify is given
_TAIL = 2000
_MOST_COMPARED = 100_000  # characters that a package's comparison is given
_BASED = re.compile(r"-?(?=[a-fA-F]*[0-9])[0-9a-fA-F]++_")
_WORDS = re.compile(r"[^\W\d_]+(?: [^\W\d_]+)*")


class Judge(NamedTuple):
    """A way to read answers and to compare them."""

    name: str
    """How tables name it."""
    read: Callable[[str], Any]
    """From a completion's text to an answer, or None."""
    key: Callable[[Any], Hashable]
    """Answers with equal keys are the same; None is no answer."""
    same: Callable[[Any, Any], bool] | None = None
    """Whether an answer is the same as a label, where their keys differ; None if keys alone decide."""


def _exact(answer: Any) -> Hashable:
    return (answer.strip() or None) if isinstance(answer, str) else canonical(answer)


@lru_cache(maxsize=4096)
def _parsed(text: str, seconds: int | None) -> Any:
    return import_module("math_verify").parse(text, parsing_timeout=seconds)


def _math_verify(answer: Any, label: Any) -> bool:
    # math-verify limits its time by a signal, which only the main thread can receive.
    seconds = 5 if threading.current_thread() is threading.main_thread() else None
    gold = (
        str(label)
        if any(mark in str(label) for mark in ("$", r"\boxed", r"\(", r"\["))
        else f"\\boxed{{{label}}}"
    )
    if max(len(str(answer)), len(gold)) > _TAIL:
        return False
    parts = (_parsed(gold, seconds), _parsed(str(answer), seconds))
    return bool(import_module("math_verify").verify(*parts, timeout_seconds=seconds))


def _both(answer: Any, label: Any) -> bool:
    forms = canonical(answer), canonical(label)
    n_numbers = sum(isinstance(form, Fraction) for form in forms)
    if n_numbers == 2 or any(_BASED.match(str(form)) or (n_numbers and "_" in str(form)) for form in forms):
        return False  # math-verify drops the base of a number
    for form in forms:
        is_text = isinstance(form, str) and len(form) <= _LONGEST and not _WORDS.fullmatch(form)
        if not is_text and not isinstance(form, Fraction):
            return False
    return _math_verify(f"\\boxed{{{answer}}}", label)


def _short_alike(same: Callable[[Any, Any], Any], answer: Any, label: Any) -> bool:
    """As a package's own comparison says, which copies both dozens of times, and a vote compares hundreds."""
    return len(str(answer)) + len(str(label)) <= _MOST_COMPARED and bool(same(answer, label))


def _tail(text: str) -> str | None:
    """What math-verify reads of a completion: from the last box on, else the end."""
    start = text.rfind(r"\boxed")
    return (text[start : start + _TAIL] if start >= 0 else text[-_TAIL:]).strip() or None


def _file_of(package: str, path: str) -> Any:
    """One module of a package, without what the package itself imports (Ray, torch)."""
    found = _spec(package)
    if found is None or not found.submodule_search_locations:
        raise ImportError(f"No module named {package!r}")
    place = Path(next(iter(found.submodule_search_locations)), path)
    spec = spec_from_file_location(f"_{package}_{place.stem}", place)
    if spec is None or spec.loader is None or not place.is_file():
        raise ImportError(f"{package} has no file {path}")
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _of_verl() -> Judge:
    tool = _file_of("verl", "utils/reward_score/math_reward.py")

    def read(text: str) -> str | None:
        found = tool.last_boxed_only_string(text)
        return None if found is None else tool.remove_boxed(found)

    return Judge("verl", read, _exact, partial(_short_alike, tool.is_equiv))


def _of_harness() -> Judge:
    tool = _file_of("lm_eval", "tasks/hendrycks_math/utils.py")

    def read(text: str) -> str | None:
        first, last = text.find("$"), text.rfind("$")
        return text[first + 1 : last] if first < last else text

    return Judge("lm-eval", read, _exact, partial(_short_alike, tool.is_equiv))


def _of_math_verify() -> Judge:
    import_module("math_verify")
    return Judge("math-verify", _tail, _exact, _math_verify)


JUDGES: dict[str, Callable[[], Judge]] = {
    "plain": lambda: Judge("plain", last_answer, canonical),
    "math-verify": _of_math_verify,
    "verl": _of_verl,
    "lm-eval": _of_harness,
}
"""Judges by name; making one imports its package."""


def find_judge(judge: str | Callable[[Any, Any], Any] | Judge | None = None) -> Judge:
    """The judge of a name, or one that compares by a function.

    Parameters
    ----------
    judge : str, function or Judge, optional
        A name of :data:`JUDGES`, or a function from an answer and a label, both texts, to whether they are
        the same. By default the plain judge, with math-verify for what is neither number nor word where
        that is installed.

    Raises
    ------
    ValueError
        If there is no judge of this name, or its package is not installed.
    TypeError
        If it is neither a name nor a function.

    Examples
    --------
    >>> find_judge("plain").read("it is 5"), find_judge(lambda answer, label: answer == label).name
    ('5', 'lambda')
    """
    if isinstance(judge, Judge):
        return judge
    if judge is None:
        plain = JUDGES["plain"]()
        return plain._replace(name="plain and math-verify", same=_both) if _spec("math_verify") else plain
    if callable(judge):
        name = getattr(judge, "__name__", type(judge).__name__).strip("<>")
        return Judge(name, last_answer, _exact, judge)
    if not isinstance(judge, str):
        raise TypeError(f"judge must be a name or a function of an answer and a label, got {shown(judge)}")
    if judge not in JUDGES:
        raise ValueError(f"judge must be one of {', '.join(JUDGES)}, or a function; got {shown(judge)}")
    try:
        return JUDGES[judge]()
    except ImportError as error:
        raise ValueError(
            f"judge {judge} needs its package, which cannot be imported ({error}); plain needs none"
        ) from None


def _spec(package: str) -> ModuleSpec | None:
    try:
        return find_spec(package)
    except (ImportError, ValueError):  # it is blocked
        return None


class Judging:
    """One call's use of a judge, which nothing in a completion can stop.

    What raises an error in reading or comparing is no answer or not the same; it is counted, and the first of
    its kind is a warning.
    """

    def __init__(self, judge: Any, read: Callable[[str], Any] | None) -> None:
        found = find_judge(judge)
        self.judge = found if read is None else found._replace(read=read)
        self.n_failed = 0

    def answers(self, completions: Sequence[Any]) -> list[Any]:
        """The answer of each completion, None where there is none."""
        return [self._guarded(self._answer, completion) for completion in completions]

    def key(self, answer: Any) -> Hashable:
        """The answer's key; None is no answer."""
        return None if answer is None else self._guarded(self.judge.key, answer)

    def same(self, answer: Any, label: Any) -> bool:
        """Whether an answer is the same as a label."""
        key = self.key(answer)
        if key is None:
            return False
        if key == self.key(label):
            return True
        return self.judge.same is not None and bool(self._guarded(self.judge.same, answer, label))

    def _answer(self, completion: Any) -> Any:
        answer = self.judge.read(completion_text(completion)[-MOST_READ:])
        return None if self.judge.key(answer) is None else answer

    def _guarded(self, work: Callable[..., Any], *given: Any) -> Any:
        try:
            return work(*given)
        except Exception as error:
            self.n_failed += 1
            problem = f"{type(error).__name__}: {shown(str(error))}"
            warn_once(
                f"{self.judge.name} {type(error).__name__}",
                lambda: (
                    f"judge {self.judge.name} failed on {', '.join(map(shown, given))} ({problem}); it "
                    "counts as no answer, here and from now on: see the logged fraction that failed"
                ),
            )
            return None
