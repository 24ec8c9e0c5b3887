r"""Judges: how an answer is read from a completion, and when two answers are equal.

``"plain"`` needs no package; it compares numbers by value and other texts by spelling. ``"math-verify"``,
``"verl"`` and ``"lm-eval"`` are the judges of those packages, which must be installed: math-verify with its
own reader, verl's ``math_reward`` and the harness's ``hendrycks_math``. The default judge is the plain one;
for answers that are neither numbers nor words, math-verify decides too, if it is installed
(``pip install "rlvr[verify]"``).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Sequence
from fractions import Fraction
from functools import partial
from importlib import import_module
from importlib.machinery import ModuleSpec
from importlib.util import find_spec, module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any, NamedTuple

from rlvr.rewards.answer_reading import MOST_READ, canonical, completion_text, last_answer
from rlvr.rewards.math_verify import LONGEST_TEXT, equal_by_math_verify
from rlvr.rewards.reward_log import warn_once
from rlvr.rewards.trainer_columns import shown

__all__ = ["JUDGES", "Judge", "Judging", "find_judge"]

_LONGEST = 500  # the most characters of an answer for math-verify
_MOST_COMPARED = 100_000  # the most characters for the comparison of another package
_BASED = re.compile(r"-?(?=[a-fA-F]*[0-9])[0-9a-fA-F]++_")
_NO_FORMULA = re.compile(r":|^\\times|^-?0[xXbBoO][0-9a-fA-F]")  # a time or ratio, of which one part is read
_NO_NUMBER = re.compile(r"[,;<>'\"]|\\(?:[nlg]e|[pm][pm]|div)(?![a-z])|±|\+/-|\bnot")
_FUNCTION = re.compile(r"\\?[a-zA-Z]+(?:_\{?\w+\}?)?(?:\([a-zA-Z],?[a-zA-Z]?\))?'*=[^=]*$")
_WORDS = re.compile(r"[^\W\d_]+(?: [^\W\d_]+)*")


class Judge(NamedTuple):
    """A way to read and compare answers."""

    name: str
    """The name of the judge in tables."""
    read: Callable[[str], Any]
    """From the text of a completion to an answer or None."""
    key: Callable[[Any], Hashable]
    """From an answer to its key; answers with equal keys are equal, and the key None means no answer."""
    same: Callable[[Any, Any], bool] | None = None
    """Whether an answer with another key than a label equals the label; None if keys alone decide."""


def _exact(answer: Any) -> Hashable:
    return (answer.strip() or None) if isinstance(answer, str) else canonical(answer)


def _both(answer: Any, label: Any) -> bool:
    forms = canonical(answer), canonical(label)
    n_numbers = sum(isinstance(form, Fraction) for form in forms)
    if n_numbers == 2 or any(_BASED.match(str(form)) or (n_numbers and "_" in str(form)) for form in forms):
        return False  # math-verify drops the base of a number
    if any(_NO_FORMULA.search(str(form)) for form in forms) or not _alike(*map(str, forms)):
        return False
    if n_numbers and any(_NO_NUMBER.search(str(form)) for form in forms):
        return False
    for form in forms:
        is_text = isinstance(form, str) and len(form) <= _LONGEST and not _WORDS.fullmatch(form)
        if not is_text and not isinstance(form, Fraction):
            return False
    return equal_by_math_verify(f"\\boxed{{{answer}}}", label)


def _alike(one: str, other: str) -> bool:
    """Whether two texts are both sets or both points, and both equations or both none; y = x is also x."""
    sets = [text.startswith((r"\{", "{")) for text in (one, other)]
    equations = ["=" in text and not _FUNCTION.match(text) for text in (one, other)]
    return sets[0] == sets[1] and equations[0] == equations[1]


def _short_alike(same: Callable[[Any, Any], Any], answer: Any, label: Any) -> bool:
    """Compare by a package's own function, but only short texts: it copies them dozens of times per vote."""
    return len(str(answer)) + len(str(label)) <= _MOST_COMPARED and bool(same(answer, label))


def _tail(text: str) -> str | None:
    """Return the part of a completion that math-verify reads: from the last box on, else the end."""
    start = text.rfind(r"\boxed")
    return (text[start : start + LONGEST_TEXT] if start >= 0 else text[-LONGEST_TEXT:]).strip() or None


def _file_of(package: str, path: str) -> Any:
    """Load one module of a package without importing the package, which may need Ray or torch."""
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
    return Judge("math-verify", _tail, _exact, equal_by_math_verify)


JUDGES: dict[str, Callable[[], Judge]] = {
    "plain": lambda: Judge("plain", last_answer, canonical),
    "math-verify": _of_math_verify,
    "verl": _of_verl,
    "lm-eval": _of_harness,
}
"""Functions that make the judges, by name; making a judge imports its package."""


def find_judge(judge: str | Callable[[Any, Any], Any] | Judge | None = None) -> Judge:
    """Return the judge of a name, or a judge that compares by a function.

    Parameters
    ----------
    judge : str, function or Judge, optional
        A name of :data:`JUDGES`, or a function that tells whether an answer and a label, both texts, are
        equal. By default the plain judge, joined by math-verify, if installed, for answers that are neither
        numbers nor words.

    Raises
    ------
    ValueError
        If there is no judge of this name, or its package is not installed.
    TypeError
        If `judge` is neither a name nor a function.

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
            f"judge {judge} needs its package, which cannot be imported ({error}); install the package, or "
            "give plain, which needs none"
        ) from None


def _spec(package: str) -> ModuleSpec | None:
    try:
        return find_spec(package)
    except (ImportError, ValueError):  # the import is blocked
        return None


class Judging:
    """Use a judge in one call without ever failing on a completion.

    An error of the judge means no answer, or unequal answers. Errors are counted; the first of each kind
    gives a warning.
    """

    def __init__(self, judge: Any, read: Callable[[str], Any] | None) -> None:
        found = find_judge(judge)
        self.judge = found if read is None else found._replace(read=read)
        self.n_failed = 0

    def answers(self, completions: Sequence[Any]) -> list[Any]:
        """Return the answer of each completion, None if it has none."""
        return [self._guarded(self._answer, completion) for completion in completions]

    def key(self, answer: Any) -> Hashable:
        """Return the key of an answer; None means no answer."""
        return None if answer is None else self._guarded(self.judge.key, answer)

    def same(self, answer: Any, label: Any) -> bool:
        """Whether an answer equals a label."""
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
                    f"judge {self.judge.name} failed on {', '.join(map(shown, given))} ({problem}); here and "
                    "in later cases, it counts as no answer: see the logged fraction failed"
                ),
            )
            return None
