r"""Find the part of a completion that holds the answer: after the thinking, before the end of the turn.

A box or a number that a model only considers is not its answer. Thinking that never ends has no answer after
it. A closing mark without an opening one ends thinking too, because chat templates write the opening mark
into the prompt.
"""

from __future__ import annotations

import re

__all__ = ["final_part", "stated_answer"]

_TAG = r"(?:seed:)?(?:think(?:ing)?|thoughts?|reason(?:ing)?|reflection|scratchpad|analysis|cot)"
_OPENED = re.compile(
    rf"<{_TAG}>|◁think▷|\[THINK\]|<\|begin_of_thought\|>|<\|channel\|>(?:analysis|commentary)", re.IGNORECASE
)
_CLOSED = re.compile(
    rf"</{_TAG}>|◁/think▷|\[/THINK\]|<\|end_of_thought\|>|<\|channel\|>final(?:<\|message\|>)?", re.IGNORECASE
)
_ENDED = re.compile(  # by the model, or by the turn of another
    r"<[|｜](?:im_end|im_start|eot_id|eom_id|endoftext|end_of_text|end▁of▁sentence|return|end|user"
    r"|start_header_id)[|｜]>|</s>|<eos>|<(?:end|start)_of_turn>|\[INST\]"
)
_OTHER_TURN = re.compile(
    r"\s*(?:<s>)?<(?:\|im_start\||\|start_header_id\||start_of_turn|\|)>?(?:user|system)\b"
)
_OWN_TURN = re.compile(
    r"<\|im_start\|>assistant|<\|start_header_id\|>assistant<\|end_header_id\|>|<start_of_turn>model"
    r"|<\|assistant\|>"
)
_NOT_SPOKEN = re.compile(
    r"<(tool_call|function_call|tool_response|tool_result|function_response)>.*?(?:</\1>|\Z)|~~[^~\n]+~~",
    re.DOTALL,
)
_ANSWER, _ANSWER_ENDED = re.compile("<answer>", re.IGNORECASE), re.compile("</answer>", re.IGNORECASE)


def final_part(text: str) -> str:
    """Return the part of a completion in which an answer is looked for; empty if there is none.

    Thinking, calls of tools, text that is struck out and what follows the end of the turn are left out. If
    an ``<answer>`` remains, its content is returned.

    Examples
    --------
    >>> final_part("<think>7?</think> It is 8.<|im_end|>"), final_part("<think>7"), final_part("7</think>8")
    (' It is 8.', '', '8')
    """
    if "<" not in text and "[" not in text and "◁" not in text and "~~" not in text:
        return text
    text = _own_turn(text)
    parts, place = [], 0
    for opening in _OPENED.finditer(text):
        if opening.start() >= place:
            parts.append(text[place : opening.start()])
            closing = _CLOSED.search(text, opening.end())
            place = len(text) if closing is None else closing.end()
    outside = "\n".join([*filter(None, parts), text[place:]])
    *_, closing = [None, *_CLOSED.finditer(outside)]
    spoken = _NOT_SPOKEN.sub(" ", outside[closing.end() :] if closing else outside)
    *_, tag = [None, *_ANSWER.finditer(spoken)]
    return _ANSWER_ENDED.split(spoken[tag.end() :], maxsplit=1)[0] if tag else spoken


def _own_turn(text: str) -> str:
    """Leave out other turns, and what follows the end of the model's own."""
    if _OTHER_TURN.match(text):  # a whole conversation
        *_, own = [None, *_OWN_TURN.finditer(text)]
        return text[own.end() :] if own else ""
    if "<|channel|>final" in text:
        text = text[text.rfind("<|channel|>final") :]
    for end in _ENDED.finditer(text):
        if text[: end.start()].strip():
            return text[: end.start()]
    return text


_CONNECTIVE = r"(?:(?:so|thus|hence|therefore|then|and|now|finally)[, ]+)*"
_STATED = re.compile(
    rf"(?:^|[\n.!?:*])[ >*_#$]*{_CONNECTIVE}(?:(?:the|my|our)[ ])?(?:(?:final|correct|right)[ ])?"
    r"answer[*_]*(?:[ ]is\b|[ ]?[:=])[*_: ]*(?=(?P<answer>\s*[^\n]*[0-9][^\n]*))",
    re.IGNORECASE,
)
_SENTENCE_ENDS = re.compile(r"(?<=[^.\s])[.!?][*_$\")]*\s+(?=[^\W\d_])|\s\((?=[a-z]{2})")
_CORRECTED = re.compile(
    r"\b(?:wait|no|not|actually|correct\w*|sorry|oops|mistake\w*|error|wrong|instead|but|hmm+|however|rather|slips?"
    r"|(?:double|re)[- ]?check\w*|recalculat\w*|reconsider\w*|revis\w*)\b",
    re.IGNORECASE,
)


def stated_answer(text: str) -> str | None:
    """Return the sentence after the last "The answer is" or "Answer:", None without one.

    None also if what follows the sentence may correct it.

    Examples
    --------
    >>> stated_answer("The answer is 42. That took 3 steps."), stated_answer("If the answer is 5, x is 10.")
    ('42', None)
    >>> stated_answer("The answer is 42. Wait, no: 43.")
    """
    if "nswer" not in text and "NSWER" not in text:
        return None
    *_, stated = [None, *_STATED.finditer(text)]
    if stated is None:
        return None
    sentence = _SENTENCE_ENDS.split(stated["answer"], maxsplit=1)[0]
    rest = text[stated.end() + len(sentence) :]
    return None if _CORRECTED.search(rest) else sentence.strip()
