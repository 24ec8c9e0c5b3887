"""Probabilities of all answers to all prompts, from one forward pass.

The prompts share their examples, so they are packed into one sequence: the examples, then for every question
its own tokens and, in parallel, the two style tokens that may follow. A token attends only to its own past (a
tree mask) and has the position that it would have in a separate sequence. Three rows per question are read:
the one after the prompt (the style), and those after each style (the answer).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from language_model.items import STYLES, Family

__all__ = ["MEASURES", "ROWS", "Policy", "divergence", "measure"]

ROWS = 1 + len(STYLES)
MEASURES = (
    "right", "digits", "quoted", "right_digits", "right_quoted", "from_digits", "from_quoted", "valid",
    "style_logit", "entropy", "entropy_style", "greedy", "plurality",
)  # fmt: skip


class Policy:
    """A model on the questions of one family; its top `layers` and the last norm can be trained.

    The embedding, and so the output matrix, is never trained. The layers below the trained ones are computed
    once.
    """

    def __init__(self, model: Any, tokenizer: Any, family: Family, layers: int | None = None) -> None:
        self.model, self.family = model, family
        decoder = model.model
        trained = len(decoder.layers) if layers is None else layers
        if not 1 <= trained <= len(decoder.layers):
            raise ValueError(f"layers must lie between 1 and {len(decoder.layers)}, got {layers}")
        self.layers = decoder.layers[len(decoder.layers) - trained :]
        model.requires_grad_(False)
        for module in (*self.layers, decoder.norm):
            module.requires_grad_(True)
        self._read_tokens(tokenizer)
        self._plant([self._ids(tokenizer, text) for text in family.prompts])
        with torch.no_grad():
            everything = torch.arange(len(self.positions))
            fixed = decoder.layers[: len(decoder.layers) - trained]
            self.below = self._through(fixed, decoder.embed_tokens(self.tokens)[None], everything)[0]

    @property
    def parameters(self) -> list[torch.nn.Parameter]:
        """The trained parameters, in the order of the model."""
        return [weight for weight in self.model.parameters() if weight.requires_grad]

    @staticmethod
    def _ids(tokenizer: Any, text: str) -> list[int]:
        return list(tokenizer(text, add_special_tokens=False)["input_ids"])

    def _read_tokens(self, tokenizer: Any) -> None:
        """Tokens of each style and of each answer, from the tokenization of a prompt with its answer."""
        prompt = self.family.prompts[0]
        length = len(self._ids(tokenizer, prompt))
        styles, answers = [], []
        for opening, values in STYLES.values():
            cut = [self._ids(tokenizer, prompt + opening + value)[length:] for value in values]
            if {len(ids) for ids in cut} != {2} or len({ids[0] for ids in cut}) != 1:
                raise ValueError(f"answers after {opening!r} must be two tokens, the first shared; got {cut}")
            styles.append(cut[0][0])
            answers.append([ids[1] for ids in cut])
        self.styles, self.answers = styles, answers
        self.value = np.full((ROWS - 1, self.model.config.vocab_size), -1)
        for style, tokens in enumerate(answers):
            self.value[style, tokens] = np.arange(len(tokens))

    def _plant(self, prompts: Sequence[Sequence[int]]) -> None:
        """The packed sequence: tokens, positions, attention mask, and the nodes of each question."""
        shared = min(map(len, prompts)) - 1
        while len({tuple(ids[:shared]) for ids in prompts}) > 1:
            shared -= 1
        tokens, positions = list(prompts[0][:shared]), list(range(shared))
        parents = list(range(-1, shared - 1))
        self.prefix, self.nodes = list(range(shared)), []
        for ids in prompts:
            start = len(tokens)
            own = list(range(start, start + len(ids) - shared))
            tokens += [*ids[shared:], *self.styles]
            positions += [*range(shared, len(ids)), *[len(ids)] * len(self.styles)]
            parents += [shared - 1, *own[:-1], *[own[-1]] * len(self.styles)]
            self.nodes.append(list(range(start, len(tokens))))
        device = self.model.device
        past = torch.eye(len(tokens), dtype=torch.bool)
        for node, parent in enumerate(parents):
            if parent >= 0:
                past[node] |= past[parent]
        self.past = past.to(device)
        self.tokens = torch.tensor(tokens, device=device)
        self.positions = torch.tensor(positions, device=device)

    def _through(self, layers: Any, hidden: torch.Tensor, nodes: torch.Tensor) -> torch.Tensor:
        """Hidden states after the given layers."""
        positions = self.positions[nodes][None]
        angles = self.model.model.rotary_emb(hidden, positions)
        mask = torch.zeros(len(nodes), len(nodes), dtype=hidden.dtype, device=hidden.device)
        mask.masked_fill_(~self.past[nodes][:, nodes], torch.finfo(hidden.dtype).min)
        for layer in layers:
            hidden = layer(
                hidden, attention_mask=mask[None, None], position_ids=positions, position_embeddings=angles
            )
        return hidden

    def log_probabilities(self, items: Sequence[int]) -> torch.Tensor:
        """Log-probabilities of every token in the three rows of each question: (item, row, token)."""
        nodes, read = list(self.prefix), []
        for item in items:
            nodes += self.nodes[item]
            read += range(len(nodes) - ROWS, len(nodes))
        index = torch.tensor(nodes, device=self.below.device)
        hidden = self._through(self.layers, self.below[index][None], index)[0, read]
        logits = self.model.lm_head(self.model.model.norm(hidden))
        logits = logits.to(torch.promote_types(logits.dtype, torch.float32))
        return logits.log_softmax(-1).view(len(items), ROWS, -1)

    @torch.no_grad()
    def table(self) -> torch.Tensor:
        """`log_probabilities` of all questions, without a gradient."""
        return self.log_probabilities(range(len(self.nodes)))


def measure(policy: Policy, table: torch.Tensor) -> dict[str, np.ndarray]:
    """Exact measures of one policy, each an array over the questions, in float64.

    An answer whose first token is not a style ends there and has no value. `right` is the probability of a
    right answer; `from_digits` and `from_quoted` split it by style; `right_digits` and `right_quoted` are
    accuracies given the style; `valid` is the probability that a value is read; `style_logit` is the log odds
    of digits against quoted words. `entropy` is that of the whole answer, in nats, `entropy_style` that of
    its first token. `greedy` is 1 where the sequence of most probable tokens is right, `plurality` where the
    most probable value is.
    """
    log = table.double().cpu()
    first, second = log[:, 0], log[:, 1:]
    truths = np.array(policy.family.truths)
    here = np.arange(len(truths))
    styles = first[:, policy.styles].exp().numpy()  # (item, style)
    answers = np.stack(
        [second[:, place, tokens].exp().numpy() for place, tokens in enumerate(policy.answers)], axis=1
    )  # (item, style, value)
    correct = answers[here, :, truths]  # (item, style)
    spread = -(second.exp() * second).sum(-1).numpy()
    of_style = -(first.exp() * first).sum(-1).numpy()
    best = first.argmax(-1).numpy()
    greedy = np.zeros(len(truths))
    for place, style in enumerate(policy.styles):
        value = policy.value[place, second[:, place].argmax(-1).numpy()]
        greedy[best == style] = (value == truths)[best == style]
    values = (styles[:, :, None] * answers).sum(1)
    found = {
        "right": (styles * correct).sum(1),
        "digits": styles[:, 0], "quoted": styles[:, 1],
        "right_digits": correct[:, 0], "right_quoted": correct[:, 1],
        "from_digits": (styles * correct)[:, 0], "from_quoted": (styles * correct)[:, 1],
        "valid": values.sum(1),
        "style_logit": (first[:, policy.styles[0]] - first[:, policy.styles[1]]).numpy(),
        "entropy": of_style + (styles * spread).sum(1), "entropy_style": of_style,
        "greedy": greedy,
        "plurality": (values.argmax(1) == truths).astype(float),
    }  # fmt: skip
    return {name: found[name] for name in MEASURES}


def divergence(before: torch.Tensor, now: torch.Tensor, styles: Sequence[int]) -> np.ndarray:
    """Kullback-Leibler divergence of the present whole answers from earlier ones, for each question."""
    before, now = before.double(), now.double()
    parts = (now.exp() * (now - before)).sum(-1)
    return (parts[:, 0] + (now[:, 0, list(styles)].exp() * parts[:, 1:]).sum(-1)).cpu().numpy()
